"""Public knowledge of one ArpesSpot task, its reward, and what sets one version apart."""

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arpes.simulator import ARPES_READOUT_S
from beamgym.physics.arpes.stage import Stage
from beamgym.physics.instrument import Axis, Float64Array


@dataclass(frozen=True)
class SpotReward:
    """The reward of an episode.

    Parameters
    ----------
    kind : "dense" (rise of the best score so far, less the time, and what the end is worth) or "sparse" (the end alone)
    time_cost : per second of beam time
    success : paid at success by "sparse", and by "dense" where the end is worth success
    price : of a wrong declaration
    ends_by : what the end is worth to "dense": "score" (a tenth of the site's points) or "success"
    """

    kind: Literal["dense", "sparse"] = "dense"
    time_cost: float = 0.0005
    success: float = 1.0
    price: float = 0.0
    ends_by: Literal["score", "success"] = "score"

    def __post_init__(self) -> None:
        if self.kind not in ("dense", "sparse"):
            raise ValueError(f"unknown reward {self.kind!r}; choose 'dense' or 'sparse'")
        for name in ("time_cost", "success", "price"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; choose a finite number, 0 or more")


TENTH: Final = 0.1


@dataclass(frozen=True)
class SpotRules:
    """How an episode of one version ends, is scored and is paid.

    Parameters
    ----------
    declares_within_mm : a declaration counts beside a commanded way that is shorter than this, and than a tenth of a
        full step where the action is steps; infinite: every declaration counts
    score : who scores where nobody is named
    paid : whether "dense" pays by the observed scores or, in simulation, by noise-free ones
    reward : its numbers, of the dense kind
    estimates : whether the estimate of the site is observed, and sites are compared by it
    """

    declares_within_mm: float = np.inf
    score: Literal["composed", "cnn"] = "cnn"
    paid: Literal["truth", "scores"] = "scores"
    reward: SpotReward = field(default_factory=SpotReward)
    estimates: bool = False


# A sixth of the pitch of a coarse scan, and a tenth of the largest step: under the noise of a fresh Gaussian policy a
# way that short is rare, and whoever means to stay can say so with a twentieth of the action's range.
_RULES: Final = {
    0: SpotRules(),
    1: SpotRules(0.05, "composed", "truth", SpotReward(time_cost=0.002, price=0.2, ends_by="success"), True),
}


def spot_rules(version: int) -> SpotRules:
    """Return the rules of a version of ArpesSpot; raises ValueError for one that does not exist."""
    if version not in _RULES:
        raise ValueError(f"there is no version {version}; there are {', '.join(map(str, _RULES))}")
    return _RULES[version]


@dataclass(frozen=True)
class SpotContext:
    """Public knowledge of one ArpesSpot task: what everybody at the instrument knows.

    Parameters
    ----------
    stage : its axes x and y, and the dwells that can be set
    grid : energies and slit angles of a spectrum
    beam_time_s : budget, the first exposure included
    action : "absolute" (sites on the stage) or "steps" (from where it stands)
    max_step_mm : a full step
    readout_s : of every exposure

    Raises
    ------
    ValueError : an unknown action, a budget or a step that is not positive
    """

    stage: Stage
    grid: Grid
    beam_time_s: float = 120.0
    action: Literal["absolute", "steps"] = "absolute"
    max_step_mm: float = 0.5
    readout_s: float = ARPES_READOUT_S

    def __post_init__(self) -> None:
        if self.action not in ("absolute", "steps"):
            raise ValueError(f"unknown action {self.action!r}; choose 'absolute' or 'steps'")
        for name, least in (("beam_time_s", 1.0), ("max_step_mm", 0.0)):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > least):
                raise ValueError(f"{name} is {value}; choose a finite number above {least:g}")

    @property
    def instrument_axes(self) -> tuple[Axis, ...]:
        """The stage's axes x and y, and the dwell."""
        return self.stage.axes

    @property
    def sample(self) -> str:
        """Nobody has named the sample."""
        return ""

    @property
    def action_size(self) -> int:
        """Numbers of an action: x, y, dwell and the declaration."""
        return 4

    def fractions(self, positions: Float64Array) -> Float64Array:
        """Return where positions (n, 2 or more), mm, lie within the travel of x and y, (n, 2), -1 to 1."""
        low, high = self.stage.limits_mm.T
        return np.asarray(np.clip(2.0 * (positions[:, :2] - low) / (high - low) - 1.0, -1.0, 1.0))

    def dwell_share(self, dwell_s: Float64Array) -> Float64Array:
        """Return dwells (n,), s, on the logarithmic scale of the action, 0 to 1."""
        low, high = np.log(np.array(self.stage.dwell_s))
        share: Float64Array = (np.log(np.maximum(dwell_s, 1e-9)) - low) / (high - low)
        return np.clip(share, 0.0, 1.0)
