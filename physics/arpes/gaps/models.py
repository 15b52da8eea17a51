"""The kinds of gap: what each assumes of the spectrum, and what is known of its parameters beforehand."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from beamgym.physics.arpes.gaps.kernels import (
    BAND,
    BREAKING,
    CDW_CODE,
    DYNES_CODE,
    FLOOR,
    HARD_CODE,
    HEIGHT,
    PAIRING_CODE,
    PARAMETERS,
    SHIFT,
    SHIRLEY,
    SLOPE,
    TILT,
    VELOCITY,
    WIDTH,
)
from beamgym.physics.arrays import Float64Array

FIXED: Final = 1e12
"""Precision of a parameter that is held."""
_LEAST_ERROR_EV = 1e-5
_CUT_BAND_EV, _CUT_VELOCITY_EV = 0.03, 0.15  # at the middle of a cut, and from there to its end


@dataclass(frozen=True)
class GapModel:
    """A kind of gap, with normal priors of its parameters.

    Parameters
    ----------
    name : as on the command line
    about : in words
    code : of the kernels
    width_ev : usual single-particle width Γ1, and the spread of its logarithm
    breaking_ev : usual pair-breaking width Γ0, and the spread of its logarithm; None where there is none
    centre_ev : of the gap, or the band energy at the Fermi momentum for pairing: mean and spread
    """

    name: str
    about: str
    code: int
    width_ev: tuple[float, float]
    breaking_ev: tuple[float, float] | None
    centre_ev: tuple[float, float]

    def centred_at(self, centre_ev: float, error_ev: float) -> "GapModel":
        """Return the model with another centre."""
        return replace(self, centre_ev=(centre_ev, error_ev))


MODELS: Final = {
    model.name: model
    for model in (
        GapModel(
            "superconducting",
            "pairing at the Fermi momentum: two peaks, symmetric about the Fermi level",
            PAIRING_CODE,
            (0.012, 0.9),
            (0.0015, 1.0),
            (0.0, 0.0005),
        ),
        GapModel(
            "cdw",
            "a density wave where bands cross: two peaks about a centre that need not be the Fermi level",
            CDW_CODE,
            (0.012, 0.9),
            (0.0015, 1.0),
            (0.0, 0.003),
        ),
        GapModel(
            "hard", "a density of states that is empty inside the gap", HARD_CODE, (0.004, 0.9), None, (0.0, 0.0005)
        ),
        GapModel(
            "dynes",
            "the density of states of a superconductor, all momenta",
            DYNES_CODE,
            (0.0015, 1.0),
            None,
            (0.0, 0.0),
        ),
    )
}
"""Kinds of gap by name."""


@dataclass(frozen=True, eq=False)
class Priors:
    """Normal priors of the kernels' parameters: ``centre`` and ``precision``, (10,) each."""

    centre: Float64Array
    precision: Float64Array


def flattened(priors: Priors, stated: tuple[int, ...] = (SHIFT, BAND), by: float = 30.0) -> Priors:
    """Return priors so wide that they say nothing, but of what is stated; for fits of largest likelihood."""
    free = (priors.precision < FIXED) & ~np.isin(np.arange(PARAMETERS), stated)
    return Priors(priors.centre, np.where(free, priors.precision / by**2, priors.precision))


def priors_of(model: GapModel, height: float, fermi_error_ev: float, cut: bool = False) -> Priors:
    """Return what is known before a spectrum is seen.

    Parameters
    ----------
    model : kind of gap
    height : counts of a pixel at the spectrum's highest, which sets the scale
    fermi_error_ev : one standard deviation of the Fermi level
    cut : whether there are columns, with a velocity and a tilt
    """
    rows = {
        SHIFT: (0.0, max(fermi_error_ev, _LEAST_ERROR_EV)),
        WIDTH: (math.log(model.width_ev[0]), model.width_ev[1]),
        BREAKING: (math.log((model.breaking_ev or (1e-3, 0.0))[0]), (model.breaking_ev or (1e-3, 0.0))[1]),
        BAND: (0.0, _CUT_BAND_EV) if cut else model.centre_ev,
        HEIGHT: (math.log(height), 2.0),
        SHIRLEY: (math.log(0.4), 1.0),
        SLOPE: (0.0, 2.0),
        FLOOR: (math.log(0.01), 1.5),
        VELOCITY: (0.0, _CUT_VELOCITY_EV if cut else 0.0),
        TILT: (0.0, 0.5 if cut else 0.0),
    }
    centre, precision = np.zeros(PARAMETERS), np.full(PARAMETERS, FIXED)
    for k, (mean, spread) in rows.items():
        centre[k] = mean
        precision[k] = 1.0 / spread**2 if spread > 0.0 else FIXED
    return Priors(centre, precision)
