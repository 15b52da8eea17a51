"""A frame as a picture that a browser can show: scaled so that faint spots are seen, and no larger than a screen."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

EDGE = 1024
"""Pixels of a picture's longer edge at most."""

_DARK, _BRIGHT = 50.0, 99.9  # percentiles of the frame that become black and white
_SAMPLE = 4  # one pixel in so many of each edge says where those percentiles are
_QUALITY = 80  # of JPEG: the picture is looked at, and nothing is measured on it


def jpeg(image: NDArray[Any]) -> bytes:
    """Return a frame (rows, columns) of any real dtype as a JPEG, the square root of its counts in grey.

    Of every block of pixels that become one, the largest counts: a spot is never averaged away.
    """
    shown = _smaller(np.asarray(image))
    sample = shown[::_SAMPLE, ::_SAMPLE]
    low, high = np.nanpercentile(sample, (_DARK, _BRIGHT)) if sample.size else (0.0, 1.0)
    scale = 255.0 / np.sqrt(max(float(high) - float(low), 1e-12))
    grey = shown.astype(np.float32)
    grey -= np.float32(low)
    np.nan_to_num(grey, copy=False)
    np.maximum(grey, 0.0, out=grey)
    np.sqrt(grey, out=grey)
    grey *= np.float32(scale)
    np.minimum(grey, 255.0, out=grey)
    content = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(content, "jpeg", quality=_QUALITY)
    return content.getvalue()


def _smaller(image: NDArray[Any]) -> NDArray[Any]:
    block = -(-max(image.shape) // EDGE)
    if block == 1:
        return image
    rows, columns = (-(-edge // block) * block for edge in image.shape)
    if (rows, columns) != image.shape:
        image = np.pad(image, ((0, rows - image.shape[0]), (0, columns - image.shape[1])), mode="edge")
    # by strided views: the largest of few views is many times faster than a reduction over short axes
    shown = image[::block, ::block].copy()
    for row in range(block):
        for column in range(block):
            np.maximum(shown, image[row::block, column::block], out=shown)
    return shown
