"""Twins whose spots fall on each other: how much of each there is, by the intensities of all frames of a crystal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import LaueModel

SHARES = np.linspace(0.0, 1.0, 21)
"""Shares of the twin that are tried."""
NEAR_MM = 0.5
"""A found spot is a predicted one within this distance on the panel."""
SCATTER, FREEDOM = 0.25, 4.0
"""Scatter of the logarithm of a spot's intensity, and the degrees of freedom of Student's t by which it falls."""
WEIGHT = 0.5
"""What one spot tells beside an independent one: errors of spectrum and absorption are common to many."""
FEWEST = 12


@dataclass(frozen=True)
class TwinShare:
    """How much of a crystal is its twin.

    Parameters
    ----------
    share : of the scattering volume, 0 to 1
    gain : log-likelihood of that share over that of none
    gain_over_whole : the same over that of the twin alone
    """

    share: float
    gain: float
    gain_over_whole: float


def twin_share(
    model: LaueModel,
    frames: Sequence[tuple[Float64Array, Float64Array, Float64Array, Detector]],
    twin: Float64Array,
) -> TwinShare | None:
    """Return the share of a twin that explains the intensities best.

    Parameters
    ----------
    model : of the material, with the beam as it is believed to be
    frames : for each its orientation (3, 3) crystal to lab, peaks (p, 2) px and intensities (p,), and its camera
    twin : (3, 3) rotation of the twin law, crystal Cartesian

    Returns
    -------
    TwinShare; None where too few spots are seen
    """
    total, seen = np.zeros(len(SHARES)), 0
    for u, place, intensity, camera in frames:
        one, two = _expected(model, u, place, camera), _expected(model, u @ twin, place, camera)
        known = (one > 0) | (two > 0)
        if known.sum() < FEWEST:
            continue
        seen += int(known.sum())
        total += _likelihood(np.log(intensity[known]), one[known], two[known])
    if not seen:
        return None
    best = int(total.argmax())
    return TwinShare(float(SHARES[best]), float(total[best] - total[0]), float(total[best] - total[-1]))


def _expected(model: LaueModel, u: Float64Array, place: Float64Array, camera: Detector) -> Float64Array:
    """Return the intensity (p,) that is expected at each peak, 0 where none is."""
    spots = model.spots(u[None], camera.as_vector()[None])
    predicted = spots.position_px[0, : int(spots.count[0])].astype(np.float64)
    if not len(predicted) or not len(place):
        return np.zeros(len(place))
    near = cKDTree(place).query(predicted, distance_upper_bound=NEAR_MM / camera.pixel_mm)[1]
    hit = near < len(place)
    intensity = spots.intensity[0, : len(predicted)][hit].astype(np.float64)
    expected: Float64Array = np.asarray(np.bincount(near[hit], intensity, minlength=len(place)), dtype=np.float64)
    return expected


def _likelihood(log_light: Float64Array, one: Float64Array, two: Float64Array) -> Float64Array:
    """Return the log-likelihood (s,) of every share, each with a scale of its own."""
    floor = 0.02 * float(np.median(one + two))
    mixed = np.log((1.0 - SHARES[:, None]) * one + SHARES[:, None] * two + floor)
    off = log_light - mixed
    off = (off - np.median(off, axis=1, keepdims=True)) / SCATTER
    value: Float64Array = -WEIGHT * 0.5 * (FREEDOM + 1.0) * np.log1p(off**2 / FREEDOM).sum(axis=1)
    return value
