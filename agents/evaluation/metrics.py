"""What a benchmark measures: the figures of an environment that counts exposures, and of one that counts beam time.

This is the one place that says which figures an environment has, what they are called in JSON and in tables, and what
its budget is made of.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np


@dataclass(frozen=True)
class Figure:
    """One figure of a policy's result.

    Parameters
    ----------
    name : in JSON; the attribute of ``PolicyResult`` that holds it
    heading : of its column
    form : how it is written there, a format specification
    """

    name: str
    heading: str
    form: str


@dataclass(frozen=True)
class Measures:
    """What an environment measures.

    Parameters
    ----------
    figures : of a policy, beside its success
    spent : field of ``Episodes`` that the budget is counted in
    unit : of that, as on the axis of a picture
    failures : what a failed episode counts as, in words
    total : heading of the figure that sums up all time
    """

    figures: tuple[Figure, ...]
    spent: str
    unit: str
    failures: str
    total: str


EXPOSURES: Final = Measures(
    figures=(
        Figure("exposures_median", "exposures", "g"),
        Figure("motor_s_median", "motor s", ".0f"),
        Figure("instrument_s_median", "total s", ".0f"),
        Figure("misorientation_deg_median", "error °", ".3f"),
    ),
    spent="exposures",
    unit="exposures",
    failures="a failure counts its full budget of exposures",
    total="total s",
)
"""Environments in which a crystal is aligned within a number of exposures."""

BEAM_TIME: Final = Measures(
    figures=(
        Figure("beam_s_median", "beam s", ".1f"),
        Figure("exposures_median", "exposures", "g"),
        Figure("motor_s_median", "motor s", ".1f"),
        Figure("shortfall_median", "short of best", ".2f"),
    ),
    spent="instrument_s",
    unit="beam time / s",
    failures="a failure counts its full beam time; the other figures are as spent",
    total="beam s",
)
"""Environments in which a spot is found within a beam time."""


@dataclass(frozen=True)
class Budget:
    """What an episode may spend; NaN where it is not limited.

    Parameters
    ----------
    exposures : frames
    beam_time_s : seconds of motors, exposures and read-out
    """

    exposures: float = float("nan")
    beam_time_s: float = float("nan")

    @property
    def measures(self) -> Measures:
        """The figures of an environment with this budget."""
        return BEAM_TIME if np.isfinite(self.beam_time_s) else EXPOSURES

    @property
    def amount(self) -> float:
        """The limit, in what ``measures.spent`` counts."""
        return self.beam_time_s if np.isfinite(self.beam_time_s) else self.exposures


def budget_in(context: Any) -> Budget:
    """Return the budget that a context names."""
    return Budget(*(float(getattr(context, name, np.nan)) for name in ("exposures", "beam_time_s")))
