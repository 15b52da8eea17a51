"""The figures of a mosaic: its width about each axis, how much of its mass is well aligned, and what widens it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array

FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
"""Full width at half maximum of a normal distribution of standard deviation 1."""
WITHIN_DEG = 1.0


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Figures of one mosaic, every crystal counted by its mass.

    Parameters
    ----------
    mean_deg : (3,) mean misalignment about x, y and z: what the whole plate may be turned by
    fwhm_deg : (3,) 2.355 times the standard deviation about the mean, about x, y and z
    within_in_plane, within_out_of_plane : share of the mass whose turn about z, whose tilt, is within 1° of the mean
    within : share of the mass that is within 1° of the mean altogether
    part : (n,) share of each crystal in the variances about x, y and z together
    """

    mean_deg: Float64Array
    fwhm_deg: Float64Array
    within_in_plane: float
    within_out_of_plane: float
    within: float
    part: Float64Array


def mosaic_of(misalignment: ArrayLike, mass: ArrayLike) -> Mosaic:
    """Return the figures of a mosaic.

    Parameters
    ----------
    misalignment : (n, 3) rotation vectors, degrees
    mass : (n,) of the crystals, in any unit

    Raises
    ------
    ValueError : no crystals, or a mass that is not above 0
    """
    d, m = np.asarray(misalignment, dtype=np.float64), np.asarray(mass, dtype=np.float64)
    if not len(d) or d.shape != (len(m), 3) or not np.all(m > 0.0):
        raise ValueError(f"misalignments (n, 3) and masses (n,) above 0 are needed, not {d.shape} and {m.shape}")
    share = m / m.sum()
    mean = share @ d
    off = d - mean
    variance = share @ off**2
    whole = variance.sum()
    part = share * np.sum(off**2, axis=1) / whole if whole > 0.0 else share
    near = (np.abs(off[:, 2]), np.hypot(off[:, 0], off[:, 1]), np.linalg.norm(off, axis=1))
    in_plane, out_of_plane, whole_angle = (float(share[angle <= WITHIN_DEG].sum()) for angle in near)
    return Mosaic(mean, FWHM * np.sqrt(variance), in_plane, out_of_plane, whole_angle, part)


def rocking_curve(angle: ArrayLike, mass: ArrayLike, at_deg: ArrayLike, own_fwhm_deg: float = 0.3) -> Float64Array:
    """Return the rocking curve of a mosaic about one axis, its area 1.

    Parameters
    ----------
    angle : (n,) misalignment of each crystal about the axis, degrees
    mass : (n,)
    at_deg : (m,) where the curve is wanted
    own_fwhm_deg : width that each crystal has by itself, with that of the instrument

    Returns
    -------
    (m,) per degree
    """
    x, m = np.asarray(angle, dtype=np.float64), np.asarray(mass, dtype=np.float64)
    sigma = own_fwhm_deg / FWHM
    away = (np.asarray(at_deg, dtype=np.float64)[:, None] - x) / sigma
    curve: Float64Array = np.exp(-0.5 * away**2) @ (m / m.sum()) / (sigma * math.sqrt(2.0 * math.pi))
    return curve
