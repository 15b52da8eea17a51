"""Whether a frame holds counts."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import BoolArray, Float64Array

_WHOLE = 1e-6  # relative: how far a number may lie from a whole one, of what single precision leaves


class NotCounts(ValueError):
    """A frame that does not hold counts."""


def check_counts(frame: ArrayLike, gain: float | None = None, mask: BoolArray | None = None) -> Float64Array:
    """Return a frame as whole counts, float64 of the same shape; masked pixels and NaN of masked pixels become 0.

    Parameters
    ----------
    frame : any shape, counts or, with ``gain``, numbers that are counts times the gain
    gain : of the detector, numbers per count; None where the frame holds counts already
    mask : True where a pixel is to be left out, of the frame's shape

    Raises
    ------
    NotCounts : numbers below 0, not whole, or not finite outside the mask; the line names the remedy
    ValueError : for a gain that is not above 0, or a mask of another shape
    """
    found: Any = np.array(frame, dtype=np.float64)
    if gain is not None:
        if not (np.isfinite(gain) and gain > 0.0):
            raise ValueError(f"a gain of {gain:g}: give the numbers that one count adds, above 0")
        found = found / gain
    if mask is not None:
        if np.shape(mask) != found.shape:
            raise ValueError(f"the mask has shape {np.shape(mask)}, the frame {found.shape}; they have to be the same")
        found[np.asarray(mask, dtype=np.bool_)] = 0.0
    bad = ~np.isfinite(found)
    if bad.any():
        raise NotCounts(
            f"{int(bad.sum())} of {found.size} pixels are not finite; mask them (NaN pixels are never filled in)"
        )
    negative = found < 0.0
    if negative.any():
        raise NotCounts(
            f"{int(negative.sum())} of {found.size} pixels are below 0: these are no counts; give the frame before its "
            "background or dark current was subtracted"
        )
    whole: Float64Array = np.rint(found)
    uneven = np.abs(found - whole) > _WHOLE * np.maximum(whole, 1.0)
    if uneven.any():
        raise NotCounts(
            f"{int(uneven.sum())} of {found.size} pixels are not whole numbers; give the gain (numbers per count) of "
            "an integrating detector, or the frame before it was scaled"
        )
    return whole
