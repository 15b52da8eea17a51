"""The metrics of a benchmark: sets of them, which the table of kinds gives to each kind of instrument.

A set says which metrics an environment has, what they are called in JSON and in tables, and what its budget is made of.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from beamgym.agents.kinds import find_agent_kind
from beamgym.envs import kinds


@dataclass(frozen=True)
class Metric:
    """One number of a policy's result, with its heading and format.

    Parameters
    ----------
    name : in JSON; what ``PolicyResult.value`` returns
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
    budget : what is limited, as in the kind's row of ``envs/kinds.py``
    failures : what a failed episode counts as, in words
    total : heading of the metric that sums up all time
    price : success that one unit of the budget is worth when trained states are ranked
    finals : names in the last step's ``Verdict.metrics`` whose medians are metrics too, as ``NAME_median``
    curves : success against what was spent is always written to JSON, drawn or not
    """

    metrics: tuple[Metric, ...]
    budget: kinds.BudgetRule
    failures: str
    total: str
    price: float
    finals: tuple[str, ...] = ()
    curves: bool = False

    @property
    def spent(self) -> str:
        """Field of ``Episodes`` that the budget is counted in."""
        return self.budget.cost

    @property
    def unit(self) -> str:
        """Unit of the budget, as on the axis of a picture."""
        return self.budget.unit


EXPOSURES: Final = MetricSet(
    metrics=(
        Metric("exposures_median", "exposures", "g"),
        Metric("motor_s_median", "motor s", ".0f"),
        Metric("instrument_s_median", "total s", ".0f"),
        Metric("misorientation_deg_median", "error °", ".3f"),
    ),
    budget=kinds.EXPOSURES,
    failures="a failure counts its full budget of exposures",
    total="total s",
    price=0.005,
)
"""Environments in which a crystal is aligned within a number of exposures."""

CHOSEN_EXPOSURES: Final = replace(
    EXPOSURES, metrics=(EXPOSURES.metrics[0], Metric("exposure_s_median", "exposure s", ".1f"), *EXPOSURES.metrics[1:])
)
"""The same where each exposure's length is chosen, so that their seconds tell more than their number."""

BEAM_TIME: Final = MetricSet(
    metrics=(
        Metric("beam_s_median", "beam s", ".1f"),
        Metric("exposures_median", "exposures", "g"),
        Metric("motor_s_median", "motor s", ".1f"),
        Metric("shortfall_median", "short of best", ".2f"),
    ),
    budget=kinds.BEAM_TIME,
    failures="a failure counts its full beam time; the other figures are as spent",
    total="beam s",
    price=0.2 / 120.0,
    curves=True,
)
"""Environments in which a spot is found within a beam time."""

PLATES: Final = MetricSet(
    metrics=(
        Metric("instrument_s_median", "total s", ".0f"),
        Metric("exposures_median", "exposures", "g"),
        Metric("known_share_median", "mass known", ".3f"),
        Metric("wrong_share_median", "wrong", ".3f"),
        Metric("known_per_hour_median", "plates/h", ".1f"),
    ),
    budget=kinds.BEAM_TIME,
    failures="every figure is as spent",
    total="total s",
    price=1.0 / 3600.0,
    finals=("known_share", "wrong_share", "known_per_hour"),
)
"""Environments in which a plate of crystals is scanned within a beam time."""

UB_SEARCH: Final = MetricSet(
    metrics=(
        Metric("instrument_s_median", "total s", ".0f"),
        Metric("exposures_median", "scans", "g"),
        Metric("motor_s_median", "motor s", ".0f"),
        Metric("centred_median", "centred", "g"),
        Metric("misorientation_deg_median", "error °", ".3f"),
    ),
    budget=kinds.BEAM_TIME,
    failures="every figure is as spent",
    total="total s",
    price=0.1 / 3600.0,
    finals=("centred",),
)
"""Environments in which a UB matrix is found within a beam time."""


POSES: Final = MetricSet(
    metrics=(
        Metric("instrument_s_median", "total s", ".1f"),
        Metric("exposures_median", "cuts", "g"),
        Metric("motor_s_median", "motor s", ".1f"),
        Metric("gamma_deg_median", "Γ °", ".2f"),
        Metric("azimuth_error_deg_median", "azim. °", ".2f"),
        Metric("height_mm_median", "focus mm", ".3f"),
    ),
    budget=kinds.BEAM_TIME,
    failures="every figure is as spent",
    total="total s",
    price=0.001,
    finals=("gamma_deg", "azimuth_error_deg", "height_mm"),
)
"""Environments in which a crystal is brought before an analyser within a beam time."""


@dataclass(frozen=True)
class Budget:
    """What an episode may spend; NaN where it is not limited.

    Parameters
    ----------
    exposures : frames
    beam_time_s : seconds of motors, exposures and read-out
    metrics : of the environment; by default those that go with what is limited
    """

    exposures: float = float("nan")
    beam_time_s: float = float("nan")
    metrics: MetricSet | None = None

    @property
    def metric_set(self) -> MetricSet:
        """The metrics of an environment with this budget."""
        if self.metrics is not None:
            return self.metrics
        return BEAM_TIME if np.isfinite(self.beam_time_s) else EXPOSURES

    @property
    def amount(self) -> float:
        """The limit, in what ``metric_set.spent`` counts."""
        return self.beam_time_s if np.isfinite(self.beam_time_s) else self.exposures


def budget_in(context: Any) -> Budget:
    """Return the budget that a context names, by its kind; one without limits for a context of no kind."""
    kind = find_agent_kind(context)
    if kind is None:
        return Budget()
    metrics: MetricSet = kinds.resolve(kind.metrics)
    if metrics is EXPOSURES and kinds.chosen_exposures(context) is not None:
        metrics = CHOSEN_EXPOSURES
    limit = float(getattr(context, metrics.budget.attribute))
    timed = metrics.budget.cost == kinds.BEAM_TIME.cost
    return Budget(beam_time_s=limit, metrics=metrics) if timed else Budget(exposures=limit, metrics=metrics)
