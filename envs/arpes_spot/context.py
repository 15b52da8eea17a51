"""Public knowledge of one ArpesSpot task, and its reward."""

from dataclasses import dataclass
from typing import Literal

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
    kind : "dense" (rise of the best score so far, less the time, and the declared spot's score) or "sparse" (success)
    time_cost : per second of beam time
    success : paid at success by "sparse"
    """

    kind: Literal["dense", "sparse"] = "dense"
    time_cost: float = 0.0005
    success: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in ("dense", "sparse"):
            raise ValueError(f"unknown reward {self.kind!r}; choose 'dense' or 'sparse'")


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
