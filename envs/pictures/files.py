"""Episodes as files: an animated GIF, and a strip of pictures side by side."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from beamgym.physics.files import replacing

_STRIP_GAP = 6
_LAST_FRAME_HOLDS = 3  # the picture that shows how it ended stays this many times as long
_COLOURS = 128  # the pictures are nearly grey; fewer colours make small files


def save_gif(frames: Sequence[NDArray[np.uint8]], path: str | PathLike[str], fps: float = 2.0) -> Path:
    """Write pictures as an animated GIF that loops; the file appears whole or not at all.

    Parameters
    ----------
    frames : pictures (h, w, 3) uint8, all of one size
    path : file to write
    fps : pictures per second; the last one stays three times as long

    Returns
    -------
    The path

    Raises
    ------
    ValueError : no pictures, pictures of different sizes, or fps not positive
    """
    images = _images(frames)
    if not fps > 0:
        raise ValueError(f"fps is {fps}; it must be more than 0 pictures per second")
    hold = round(1000 / fps)
    # The colours that cover most of the range: thin coloured rings on much grey would become grey by the median cut.
    small = [image.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE) for image in images]
    durations = [hold] * (len(small) - 1) + [_LAST_FRAME_HOLDS * hold]
    with replacing(path) as draft:
        small[0].save(draft, format="GIF", save_all=True, append_images=small[1:], duration=durations, loop=0)
    return Path(path)


def episode_strip(
    frames: Sequence[NDArray[np.uint8]], path: str | PathLike[str] | None = None, pictures: int = 3, width: int = 2100
) -> NDArray[np.uint8]:
    """Put pictures of an episode side by side, and write them as a PNG, whole or not at all.

    Parameters
    ----------
    frames : pictures (h, w, 3) uint8, all of one size
    path : PNG to write; None writes nothing
    pictures : how many to show; of a longer episode the first, the last and evenly spaced ones between
    width : of the strip, pixels

    Returns
    -------
    (h', width, 3) uint8
    """
    images = _images(frames)
    if pictures < 1:
        raise ValueError(f"pictures is {pictures}; a strip shows at least 1")
    chosen = np.unique(np.linspace(0, len(images) - 1, min(pictures, len(images))).round().astype(int))
    if len(chosen) == 1:
        chosen = np.array([len(images) - 1])
    edge = (width - _STRIP_GAP * (len(chosen) - 1)) // len(chosen)
    height = round(edge * images[0].height / images[0].width)
    strip = Image.new("RGB", (width, height), "white")
    for place, i in enumerate(chosen):
        strip.paste(images[i].resize((edge, height), Image.Resampling.LANCZOS), (place * (edge + _STRIP_GAP), 0))
    if path is not None:
        with replacing(path) as draft:
            strip.save(draft, format="PNG", optimize=True)
    return np.array(strip, dtype=np.uint8)


def _images(frames: Sequence[NDArray[np.uint8]]) -> list[Image.Image]:
    if not len(frames):
        raise ValueError("there are no pictures; collect env.render() after reset() and after every step()")
    for frame in frames:
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            raise ValueError(f"a picture has shape {frame.shape} of {frame.dtype}; expected (h, w, 3) of uint8")
        if frame.shape != frames[0].shape:
            raise ValueError(
                f"pictures of different sizes, {frames[0].shape} and {frame.shape}; draw them by one renderer"
            )
    return [Image.fromarray(frame) for frame in frames]
