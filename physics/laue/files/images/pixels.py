"""What every image reader of this room hands on, and the one error that they raise."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.messages import one_line

MOST_PIXELS = 64_000_000
"""Pixels of the largest image read: a 16-megapixel detector four times over; a film scan at 600 dpi is below it."""


class ImageFileError(ValueError):
    """A file that does not yield an image or a list of peaks; the message is one line."""


@dataclass(frozen=True)
class Pixels:
    """One picture as a file holds it, before anything is made of it.

    Parameters
    ----------
    values : (slow, fast) numbers, or (slow, fast, channels) where the file has colours
    frames : how many pictures the file holds
    ignored : (slow, fast) bool, pixels that the file itself calls bad; None where it says nothing
    notes : what was chosen or assumed, one line each
    """

    values: NDArray[Any]
    frames: int = 1
    ignored: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()


def check_frame(file: Path, frame: int, frames: int) -> None:
    """Raise ImageFileError where there is no picture of this number."""
    if not 0 <= frame < frames:
        raise ImageFileError(f"{file.name} holds {frames} image(s), numbered from 0; there is no number {frame}")


def check_size(file: Path, rows: int, columns: int, samples: int = 1) -> None:
    """Raise ImageFileError where a picture has no pixels, or more than any detector or scan that is read."""
    if rows < 1 or columns < 1:
        raise ImageFileError(f"{file.name} is damaged or no image: it says {rows} × {columns} pixels")
    if rows * columns * samples > MOST_PIXELS:
        raise ImageFileError(
            f"{file.name} says {rows} × {columns} pixels; more than {MOST_PIXELS // 1_000_000} million are not read: "
            "bin or crop the image, scan a film at 600 dpi or less"
        )


def damaged(file: Path, reason: object) -> ImageFileError:
    """Return the error for a file that its reader cannot make sense of."""
    return ImageFileError(f"{file.name} is damaged or cut short, or no image ({one_line(reason, 100)})")
