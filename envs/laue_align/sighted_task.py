"""LaueAlign by an estimate: the task whose observation is what is known of how the crystal stands."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.exposures import EXPOSURE_SPACE
from beamgym.envs.laue_align.task import AlignState, LaueAlignTask
from beamgym.envs.laue_sight import Sight, SightView
from beamgym.envs.task import Observation, TaskCommand, Truth
from beamgym.physics.instrument import BoolArray, Float64Array, Frame, MoveReport


@dataclass(frozen=True)
class SightedState(AlignState):
    """An AlignState with what is known of each crystal, as its sight tells it."""

    known: Any = None


@dataclass
class SightedTask(LaueAlignTask):
    """The rules of LaueAlign, with the estimate of the orientation as observation.

    Parameters
    ----------
    told_by : tells how crystals stand: from frames that give an orientation, or from found spots
    """

    told_by: Sight = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        known = self.context
        self.sight = SightView(
            known.goniometer, known.target, known.tolerance_deg, known.max_rotation_deg, known.action == "axes"
        )
        parts: dict[str, spaces.Space[Any]] = {"estimate": self.sight.space}
        if known.chosen is not None:
            parts["exposure"] = EXPOSURE_SPACE
        self.observation_space = spaces.Dict(parts)

    def start(
        self,
        previous: AlignState | None,
        positions: Float64Array,
        frame: Frame,
        mask: BoolArray,
        truth: Truth | None = None,
    ) -> AlignState:
        """Begin with the first exposure; see Task.start."""
        state = super().start(previous, positions, frame, mask, truth)
        before = previous.known if isinstance(previous, SightedState) else None
        return _with(state, self.told_by.begin(before, frame, positions, mask))

    def advance(
        self, state: AlignState, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> AlignState:
        """Update the state by a move and its frame; see Task.advance."""
        after = super().advance(state, command, report, frame, mask)
        before = known_of(state)
        if not after.exposed.any():
            return _with(after, before)
        return _with(after, self.told_by.follow(before, frame, after.positions, after.exposed))

    def observe(self, state: AlignState) -> Observation:
        """Return the observation, as fresh float32 arrays."""
        left = np.maximum(self.context.exposures - state.used, 0) / self.context.exposures
        return {"estimate": self.sight.encode(known_of(state), state.positions, left)} | self.told(state)

    def _merge(self, view: NDArray[Any], frame: Frame, mask: BoolArray) -> NDArray[Any]:
        return view


def known_of(state: AlignState) -> Any:
    """Return what is known of each crystal; raises TypeError for the state of another task."""
    if not isinstance(state, SightedState) or state.known is None:
        raise TypeError(f"a state of SightedTask knows an estimate; found {type(state).__name__}")
    return state.known


def _with(state: AlignState, known: Any) -> SightedState:
    if isinstance(state, SightedState):
        return replace(state, known=known)
    return SightedState(**vars(state), known=known)
