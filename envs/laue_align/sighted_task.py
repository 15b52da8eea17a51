"""LaueAlign over frames that give an orientation: the task whose observation is an estimate."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.laue_align.sight_view import SightView
from beamgym.envs.laue_align.task import AlignState, LaueAlignTask
from beamgym.envs.task import Observation, TaskCommand, Truth
from beamgym.physics.instrument import BoolArray, Float64Array, Frame, MoveReport
from beamgym.physics.laue.sight import Followed, SightErrors, begin, follow, merged

EVEN = 1.0 / 12.0
"""Variance of a number drawn evenly from a range of 1."""


@dataclass(frozen=True)
class SightedState(AlignState):
    """An AlignState with what is known of each crystal."""

    known: Followed | None = None


@dataclass
class SightedTask(LaueAlignTask):
    """The rules of LaueAlign, with the estimate of the orientation as observation.

    Parameters
    ----------
    errors : of what one frame gives
    play_deg : lost motion of the rotation axes
    """

    errors: SightErrors = field(default_factory=lambda: SightErrors((0.0, 0.0, 0.0), 0.01))
    play_deg: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sight = SightView(self.context)
        self.observation_space = spaces.Dict({"estimate": self.sight.space})

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
        known = begin(self.errors, frame.orientation, *self._stands(positions))  # type: ignore[attr-defined]
        if isinstance(previous, SightedState) and previous.known is not None:
            known = merged(previous.known, known, mask)
        return _with(state, known)

    def advance(
        self, state: AlignState, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> AlignState:
        """Update the state by a move and its frame; see Task.advance."""
        after = super().advance(state, command, report, frame, mask)
        before = known_of(state)
        if not after.exposed.any():
            return _with(after, before)
        stands = self._stands(after.positions)
        return _with(after, follow(self.errors, before, frame.orientation, *stands, after.exposed))  # type: ignore[attr-defined]

    def observe(self, state: AlignState) -> Observation:
        """Return the observation, as a fresh float32 array."""
        left = np.maximum(self.context.exposures - state.used, 0) / self.context.exposures
        return {"estimate": self.sight.encode(known_of(state), state.positions, left)}

    def _stands(self, positions: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return the goniometer's rotation (n, 3, 3), and the covariance (n, 3, 3) of what play leaves of it."""
        stage = self.context.goniometer
        by_axes = stage.jacobian(positions)
        return stage.rotation(positions), self.play_deg**2 * EVEN * (by_axes @ by_axes.transpose(0, 2, 1))

    def _merge(self, view: NDArray[Any], frame: Frame, mask: BoolArray) -> NDArray[Any]:
        return view


def known_of(state: AlignState) -> Followed:
    """Return what is known of each crystal; raises TypeError for the state of another task."""
    if not isinstance(state, SightedState) or state.known is None:
        raise TypeError(f"a state of SightedTask knows an estimate; found {type(state).__name__}")
    return state.known


def _with(state: AlignState, known: Followed) -> SightedState:
    if isinstance(state, SightedState):
        return replace(state, known=known)
    return SightedState(**vars(state), known=known)
