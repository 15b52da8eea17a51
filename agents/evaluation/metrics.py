"""The metrics of a benchmark: one set for environments that count exposures, one for those that count beam time.

This is the one place that says which metrics an environment has, what they are called in JSON and in tables, and what
its budget is made of.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np


@dataclass(frozen=True)
class Metric:
    """One number of a policy's result, with its heading and format.

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
class MetricSet:
    """The metrics of an environment and the quantity that its budget limits.

    Parameters
    ----------
    metrics : of a policy, beside its success
    spent : field of ``Episodes`` that the budget is counted in
    unit : of that, as on the axis of a picture
    failures : what a failed episode counts as, in words
    total : heading of the metric that sums up all time
    """

    metrics: tuple[Metric, ...]
    spent: str
    unit: str
    failures: str
    total: str


EXPOSURES: Final = MetricSet(
    metrics=(
        Metric("exposures_median", "exposures", "g"),
        Metric("motor_s_median", "motor s", ".0f"),
        Metric("instrument_s_median", "total s", ".0f"),
        Metric("misorientation_deg_median", "error °", ".3f"),
    ),
    spent="exposures",
    unit="exposures",
    failures="a failure counts its full budget of exposures",
    total="total s",
)
"""Environments in which a crystal is aligned within a number of exposures."""

BEAM_TIME: Final = MetricSet(
    metrics=(
        Metric("beam_s_median", "beam s", ".1f"),
        Metric("exposures_median", "exposures", "g"),
        Metric("motor_s_median", "motor s", ".1f"),
        Metric("shortfall_median", "short of best", ".2f"),
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
    def metric_set(self) -> MetricSet:
        """The metrics of an environment with this budget."""
        return BEAM_TIME if np.isfinite(self.beam_time_s) else EXPOSURES

    @property
    def amount(self) -> float:
        """The limit, in what ``metric_set.spent`` counts."""
        return self.beam_time_s if np.isfinite(self.beam_time_s) else self.exposures


def budget_in(context: Any) -> Budget:
    """Return the budget that a context names."""
    return Budget(*(float(getattr(context, name, np.nan)) for name in ("exposures", "beam_time_s")))
