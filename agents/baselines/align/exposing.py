"""Calibrating where exposures are chosen: by one length for all frames, or by doubling while too little is known."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.align.calibrating import Calibrating
from beamgym.agents.baselines.moves import need_kind
from beamgym.envs.exposures import ExposureRange
from beamgym.envs.kinds import chosen_exposures
from beamgym.envs.policy import CannotPlay, Policy, PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.laue.estimation import orientation_of

FIXED_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
"""Lengths of which each makes a rival: "calibrating-2s"."""

WIDE: Final = 0.3
"""Share of the tolerance above which the posterior's worst standard deviation is too wide."""

Rule = Callable[[float, float], float]
"""(worst standard deviation over the tolerance, infinite where nothing is known; seconds of the last frame) → seconds
of the next one."""


@dataclass(frozen=True)
class _Memory:
    inner: Any
    known: ExposureRange
    last_s: float


class Exposing:
    """Moves and declares as ``Calibrating`` does, and chooses exposures by a rule.

    Parameters
    ----------
    name : in tables
    rule : tells how long the next frame is exposed
    """

    oracle = False

    def __init__(self, name: str, rule: Rule) -> None:
        self.name, self.rule, self.inner = name, rule, Calibrating()

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n memories; raises CannotPlay where exposures are not chosen, or the crystal is not known."""
        need_kind(context, ("laue",), f"{self.name} needs a crystal whose cell is known; this environment hides it")
        if chosen_exposures(context) is None:
            raise CannotPlay(f"{self.name} chooses exposures; make the environment with exposure='choose'")
        return [_Memory(each, context.chosen, context.exposure_s) for each in self.inner.start(context, n)]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Estimate, then move and expose, or declare."""
        actions, inner = self.inner.act(observation, [each.inner for each in state])
        long = [self.rule(self._width(now), before.last_s) for now, before in zip(inner, state, strict=True)]
        actions[:, -2] = state[0].known.number(np.array(long))
        return actions, [replace(each, inner=now, last_s=s) for each, now, s in zip(state, inner, long, strict=True)]

    def _width(self, memory: Any) -> float:
        """Return the posterior's worst standard deviation over the tolerance; infinite where nothing is known."""
        stands = orientation_of(self.inner.estimator, memory.track)
        if stands is None:
            return math.inf
        return math.sqrt(max(float(np.linalg.eigvalsh(stands[1])[-1]), 0.0)) / float(memory.context.tolerance_deg)


def fixed(seconds: float, width: float, last_s: float) -> float:
    """Expose every frame for ``seconds``."""
    return seconds


def doubling(width: float, last_s: float) -> float:
    """Expose twice as long as the last time while the posterior is too wide, else as long."""
    return 2.0 * last_s if width > WIDE else last_s


def exposing_policies() -> dict[str, Callable[[], Policy]]:
    """Return what makes each rival, by name."""
    by_length = {f"calibrating-{seconds:g}s": seconds for seconds in FIXED_S}
    made: dict[str, Callable[[], Policy]] = {
        name: partial(Exposing, name, partial(fixed, seconds)) for name, seconds in by_length.items()
    }
    return {**made, "calibrating-doubling": partial(Exposing, "calibrating-doubling", doubling)}
