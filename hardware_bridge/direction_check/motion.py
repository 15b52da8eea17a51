"""What a known turn does to found spots, by the nominal geometry, and how well two frames agree with it.

A spot is a lattice plane; when an axis turns the crystal by E, the plane's normal n goes to E n and its spot to where
that normal reflects. Whether the spots of a second frame lie there is counted, and the count is weighed by the odds of
chance: no crystal and no indexing comes in.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

from beamgym.physics.instrument import Float64Array
from beamgym.physics.laue.detector import BEAM, Detector

TOLERANCE_DEG = 0.5
"""How far a plane normal may be from where the turn takes it: a camera 0.5 mm off its place gives a tenth of that."""
_LEAST_CHANCE = 1e-300  # below it doubles end
BRIGHTEST = 48
"""Spots of each frame that take part; the faintest come and go."""


@dataclass(frozen=True, order=True)
class ImageFlags:
    """What is done to an image, in this order: transposed, columns reversed, rows reversed."""

    transpose: bool = False
    flip_fast: bool = False
    flip_slow: bool = False

    def positions(self, position_px: Float64Array, shape: tuple[int, int]) -> Float64Array:
        """Return where spots (p, 2), along fast and slow, lie after this is done to an image of ``shape`` (slow, fast).

        A transposed image of another than square shape has the shape (fast, slow); positions are in that.
        """
        rows, columns = (shape[1], shape[0]) if self.transpose else shape
        fast, slow = position_px.T[::-1] if self.transpose else position_px.T
        fast = columns - 1 - fast if self.flip_fast else fast
        slow = rows - 1 - slow if self.flip_slow else slow
        return np.stack([fast, slow], axis=-1)

    def after(self, first: "ImageFlags") -> "ImageFlags":
        """Return the flags that do ``first`` and then these."""
        fast, slow = (first.flip_slow, first.flip_fast) if self.transpose else (first.flip_fast, first.flip_slow)
        return ImageFlags(self.transpose != first.transpose, self.flip_fast != fast, self.flip_slow != slow)

    def __str__(self) -> str:
        return (
            f"transpose: {str(self.transpose).lower()}, flip_fast: {str(self.flip_fast).lower()}, "
            f"flip_slow: {str(self.flip_slow).lower()}"
        )


def image_flags(shape: tuple[int, int]) -> Iterator[ImageFlags]:
    """Yield every way an image of ``shape`` can have been turned over; only a square one can have been transposed."""
    for transpose in (False, True) if shape[0] == shape[1] else (False,):
        for flip_fast in (False, True):
            for flip_slow in (False, True):
                yield ImageFlags(transpose, flip_fast, flip_slow)


def agreement(detector: Detector, turn: Float64Array, before_px: Float64Array, after_px: Float64Array) -> float:
    """Say how well the spots of two frames agree with a turn of the crystal between them.

    Parameters
    ----------
    detector : the nominal geometry
    turn : (3, 3) rotation of the crystal in the lab
    before_px, after_px : (p, 2) and (q, 2) spots along fast and slow, brightest first

    Returns
    -------
    −log10 of the probability that as many spots agree by chance; 0 where none does

    Notes
    -----
    The binomial tail over the spots that stay on the panel, with the chance that one of q spots strewn evenly over the
    panel lies within the tolerance.
    """
    # The brightest: faint spots come and go with noise, and make chance matches likelier.
    before, after = before_px[:BRIGHTEST], after_px[:BRIGHTEST]
    expected = moved_px(detector, turn, before)
    if not len(expected) or not len(after):
        return 0.0
    reach = 2.0 * np.radians(TOLERANCE_DEG) * detector.distance_mm / detector.pixel_mm
    distance = np.linalg.norm(expected[:, None, :] - after[None, :, :], axis=2)
    near = distance < reach
    # The smaller of both counts, so that one spot is not matched by several.
    matched = min(int(near.any(axis=1).sum()), int(near.any(axis=0).sum()))
    share = min(1.0, len(after) * np.pi * reach**2 / (detector.shape[0] * detector.shape[1]))
    chance = float(bdtrc(matched - 1, len(expected), share)) if matched else 1.0
    return -float(np.log10(max(chance, _LEAST_CHANCE)))


def moved_px(detector: Detector, turn: Float64Array, position_px: Float64Array) -> Float64Array:
    """Return where spots (p, 2) lie after a turn (3, 3), those that stay on the panel, (m, 2)."""
    normals = detector.plane_normals(position_px) @ np.asarray(turn).T
    ray = BEAM - 2.0 * normals[:, :1] * normals
    position, hit = detector.to_pixel(ray)
    # Only planes that face the beam reflect.
    return position[hit & (normals[:, 0] < 0.0)]


def median_shift(detector: Detector, vector: Float64Array) -> float:
    """Return by how many degrees a turn of one degree about ``vector`` (3,) moves the panel's plane normals, median."""
    rows, columns = detector.shape
    fast, slow = np.meshgrid(np.linspace(0, columns - 1, 9), np.linspace(0, rows - 1, 9))
    normals = detector.plane_normals(np.stack([fast.ravel(), slow.ravel()], axis=1))
    return float(np.median(np.linalg.norm(np.cross(vector, normals), axis=1)))
