"""What is said of the domains in one cut, whoever says it."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array

MOST = 3
"""Domains that are looked for in one cut."""


@dataclass(frozen=True, eq=False)
class CutDomains:
    """Domains of one cut: copies of one spectrum, shifted along the slit.

    Offsets count from the domain whose copy lies lowest on the slit's axis: that one has 0. Where the sample's normal
    points is not known from copies alone.

    Parameters
    ----------
    number : of domains
    probability : (3,) of one, two and three domains; NaN where the method states none
    offset_deg : (number,) rising, the first is 0
    offset_error_deg : (number,) half of the interval that holds 68 %; NaN where the method states none
    weight : (number,) share of the copies' electrons; they add up to 1. NaN where the method states none
    weight_error : (number,) one standard deviation; NaN where the method states none
    notes : what speaks against believing it, a line each
    """

    number: int
    probability: Float64Array
    offset_deg: Float64Array
    offset_error_deg: Float64Array
    weight: Float64Array
    weight_error: Float64Array
    notes: tuple[str, ...] = ()


def alone(probability: Float64Array | None = None, notes: tuple[str, ...] = ()) -> CutDomains:
    """Return the answer "one domain"."""
    said = np.full(MOST, np.nan) if probability is None else probability
    return CutDomains(1, said, np.zeros(1), np.zeros(1), np.ones(1), np.zeros(1), notes)


def pair(offset_deg: float, weight: float, probability: Float64Array | None = None) -> CutDomains:
    """Return the answer "two domains" of a method that states no errors; ``weight`` is that of the lower copy."""
    said = np.full(MOST, np.nan) if probability is None else probability
    unknown = np.array([0.0, np.nan])
    return CutDomains(
        2, said, np.array([0.0, offset_deg]), unknown, np.array([weight, 1.0 - weight]), np.full(2, np.nan)
    )
