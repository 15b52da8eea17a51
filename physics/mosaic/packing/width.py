"""How wide a mosaic of many crystals is, and which of them spoil it."""

import math
from collections.abc import Collection, Sequence

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.packing.pieces import Piece

FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
"""Full width at half maximum of a normal distribution of standard deviation 1."""


def width_deg(pieces: Sequence[Piece]) -> float:
    """Return the width of the mosaic of the tilts that stay: FWHM of the wider of the two, degrees.

    Notes
    -----
    The mass-weighted standard deviation of each tilt about its mean, with the errors of indexing added, times 2.355:
    the FWHM of a normal distribution of that standard deviation. Turns in the plane are corrected by the packing.
    Pieces of no mass, which only take up room, count for nothing.
    """
    weighed = [piece for piece in pieces if piece.mass_mg > 0.0]
    return FWHM * math.sqrt(float(np.max(_variances(*_tilts(weighed))))) if weighed else 0.0


def within_width(
    pieces: Sequence[Piece], most_deg: float, staying: Collection[str] = ()
) -> tuple[list[Piece], dict[str, str]]:
    """Leave out crystals until the mosaic is as narrow as asked.

    Parameters
    ----------
    pieces : candidates
    most_deg : FWHM that the mosaic may have
    staying : names of pieces that are not left out

    Returns
    -------
    the pieces kept, and by name the reason why the others are not among them

    Raises
    ------
    ValueError : a width that is not above 0, or that those that stay exceed by themselves

    Notes
    -----
    Each step leaves out the crystal without which the wider tilt loses most variance for the mass that goes with it.
    """
    if not 0.0 < most_deg < math.inf:
        raise ValueError(f"a mosaic of {most_deg:g} degrees at most; give a width above 0")
    kept = list(pieces)
    left_out: dict[str, str] = {}
    while (width := width_deg(kept)) > most_deg:
        worst = _worst(kept, staying)
        if worst is None:
            raise ValueError(f"the crystals that stay where they lie make a mosaic of {width:.2f}°, not {most_deg:g}°")
        spoiler = kept.pop(worst)
        tilt = math.hypot(*spoiler.tilt_deg)
        left_out[spoiler.name] = f"tilted by {tilt:.2f}°: with it the mosaic is {width:.2f}° wide, not {most_deg:g}°"
    return kept, left_out


def _tilts(pieces: Sequence[Piece]) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return mass (n,), tilts (n, 2) and the variances of their errors (n, 2)."""
    mass = np.array([piece.mass_mg for piece in pieces])
    tilts = np.array([piece.tilt_deg for piece in pieces], dtype=np.float64)
    errors = np.nan_to_num(np.array([piece.sigma_deg[:2] for piece in pieces], dtype=np.float64))
    return mass, tilts, errors**2


def _variances(mass: Float64Array, tilts: Float64Array, errors: Float64Array) -> Float64Array:
    """Return the variance of each tilt, (2,)."""
    share = (mass / mass.sum())[:, None]
    mean = (share * tilts).sum(axis=0)
    found: Float64Array = (share * ((tilts - mean) ** 2 + errors)).sum(axis=0)
    return found


def _worst(pieces: Sequence[Piece], staying: Collection[str]) -> int | None:
    """Return which piece widens the mosaic most; None where all of them stay."""
    mass, tilts, errors = _tilts(pieces)
    variances = _variances(mass, tilts, errors)
    axis = int(np.argmax(variances))
    mean = float((mass * tilts[:, axis]).sum() / mass.sum())
    excess = (tilts[:, axis] - mean) ** 2 + errors[:, axis]
    # Without piece i the variance falls by about mass_i (excess_i - variance): by mass, the largest excess counts.
    excess[np.array([piece.name in staying for piece in pieces])] = -np.inf
    worst = int(np.argmax(excess))
    return worst if excess[worst] > -np.inf else None
