"""Frames as the adjustment takes them, and the spots of all frames that were given to rays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array


@dataclass(frozen=True)
class Shot:
    """One frame.

    Parameters
    ----------
    readback : (k,) where the axes read
    turned : (3, 3) rotation of the goniometer where its axes read that
    position_px : (p, 2) found spots along fast and slow, 0-based, the brightest first
    counts : (p,) any positive scale
    """

    readback: Float64Array
    turned: Float64Array
    position_px: Float64Array
    counts: Float64Array


@dataclass(frozen=True)
class Pairs:
    """Found spots that were given to rays.

    Parameters
    ----------
    normal : (m, 3) unit plane normals in the crystal's axes
    frame : (m,) which frame
    found_mm : (m, 2) where the spot was found, mm from the nominal panel's centre along its edges
    """

    normal: Float64Array
    frame: Int64Array
    found_mm: Float64Array

    def __len__(self) -> int:
        return len(self.frame)

    def of(self, rows: BoolArray) -> "Pairs":
        """Return some of them."""
        return Pairs(self.normal[rows], self.frame[rows], self.found_mm[rows])

    def joined(self, other: "Pairs") -> "Pairs":
        """Return these and others."""
        return Pairs(
            np.concatenate([self.normal, other.normal]),
            np.concatenate([self.frame, other.frame]),
            np.concatenate([self.found_mm, other.found_mm]),
        )


def readings(shots: Sequence[Shot]) -> Float64Array:
    """Return where the axes read in every frame, (T, k)."""
    return np.array([shot.readback for shot in shots])
