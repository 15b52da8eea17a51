"""The observation "goal": what was reached and what is asked lie apart, as hindsight replay of goals needs them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from beamgym.envs.laue_align.context import LARGEST_ERROR_DEG, AlignContext
from beamgym.envs.laue_align.sighted_task import SightedState, SightedTask, known_of
from beamgym.envs.laue_align.task import AlignState
from beamgym.envs.laue_sight import ESTIMATE_UNITS, Known, known_rows
from beamgym.envs.laue_views import AXIS_FIELDS, SPOT_UNITS, axis_rows
from beamgym.envs.task import Observation, TaskCommand, Truth, Verdict
from beamgym.physics.instrument import BoolArray, Float32Array, Float64Array, Frame, MoveReport
from beamgym.physics.orientation import rotation_matrix

ALIGN_UNITS = {
    **SPOT_UNITS,
    "map": "planes in the gnomonic projection, found and expected, 0..255",
    "estimate": ESTIMATE_UNITS,
    "observation": (
        "place of each axis within its travel, -1 to 1; one standard deviation of the orientation about each lab axis, "
        "as ln(1 + angle / tolerance) / ln(1 + 180° / tolerance); share of the budget that is left"
    ),
    "achieved_goal": "lab rotation vector from the nearest goal in reach to the estimated orientation / largest turn",
    "desired_goal": "the same of what is asked: 0",
}
"""What the numbers of each part of an observation are, as bundles say it."""


@dataclass(frozen=True)
class GoalState(SightedState):
    """A SightedState with what was reached, ``achieved`` (n, 3)."""

    achieved: Float32Array | None = None


@dataclass(frozen=True)
class Goal:
    """Measures what was reached against any goal of the same crystal.

    Both are lab rotation vectors (n, 3), in units of the largest turn of an action, from one of the target's equivalent
    goals to an orientation: of a pose any of them, of an axis or a plane the one nearest to the lab's axis, which is
    what observations hold.

    Parameters
    ----------
    context : the public side of the task
    """

    context: AlignContext

    def error_deg(self, achieved: ArrayLike, desired: ArrayLike) -> Float64Array:
        """Return the angles (n,) between goals (n, 3), in the measure of the target's kind, to the nearest equivalent.

        Pose: the misorientation. Axis and plane: the angle between the two lines that lie along the lab's axis at the
        target's goal.
        """
        target = self.context.target
        unit_deg = self.context.max_rotation_deg
        reached, asked = (rotation_matrix(unit_deg * _rows(each)) for each in (achieved, desired))
        if target.kind != "pose":
            one, two = reached @ target.lab, asked @ target.lab
            across = np.linalg.norm(np.cross(one, two), axis=1)
            between_lines: Float64Array = np.degrees(np.arctan2(across, np.abs((one * two).sum(axis=1))))
            return between_lines
        alike = target.orientations @ target.orientations[0].T
        between = asked.transpose(0, 2, 1) @ reached
        trace = (between.transpose(0, 2, 1).reshape(-1, 9) @ alike.reshape(-1, 9).T).max(axis=1)
        angle: Float64Array = np.degrees(np.arccos(np.clip(0.5 * (trace - 1.0), -1.0, 1.0)))
        return angle

    def reward(self, achieved: ArrayLike, desired: ArrayLike) -> Float64Array:
        """Return 0 where a goal (n, 3) is reached within the tolerance, -1 elsewhere, (n,)."""
        inside = self.error_deg(achieved, desired) <= self.context.tolerance_deg
        return np.where(inside, 0.0, -1.0)


class GoalTask(SightedTask):
    """The rules of LaueAlign, paid by the estimate: 0 where it lies within the tolerance of the goal, -1 elsewhere."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stop != "truth":
            raise ValueError(
                "observation='goal' pays -1 a step until the goal is reached, under which ending at once would pay "
                "best: add stop='truth'"
            )
        self.goal = Goal(self.context)
        axes = len(self.context.goniometer.axes)
        self._longest = np.float32(LARGEST_ERROR_DEG / self.context.max_rotation_deg)
        low = np.r_[-np.ones(axes), np.zeros(4)].astype(np.float32)
        self.observation_space = spaces.Dict(
            {
                "observation": spaces.Box(low, np.ones_like(low), dtype=np.float32),
                "achieved_goal": spaces.Box(-self._longest, self._longest, (3,), dtype=np.float32),
                "desired_goal": spaces.Box(-self._longest, self._longest, (3,), dtype=np.float32),
            }
        )

    def start(
        self,
        previous: AlignState | None,
        positions: Float64Array,
        frame: Frame,
        mask: BoolArray,
        truth: Truth | None = None,
    ) -> AlignState:
        """Begin with the first exposure; see Task.start."""
        return self._reached(super().start(previous, positions, frame, mask, truth), mask)

    def advance(
        self, state: AlignState, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> AlignState:
        """Update the state by a move and its frame; see Task.advance."""
        after = super().advance(state, command, report, frame, mask)
        return self._reached(after, after.exposed)

    def observe(self, state: AlignState) -> Observation:
        """Return what is known without the goal, what was reached and what is asked, as fresh float32 arrays."""
        left = np.maximum(self.context.exposures - state.used, 0) / self.context.exposures
        axes = self.context.goniometer.axes
        rows = axis_rows(state.positions, axes).reshape(len(left), -1, AXIS_FIELDS)
        numbers: list[NDArray[Any]] = [rows[:, : len(axes), 0], self.sight.sigma(known_of(state)), left[:, None]]
        reached = achieved_of(state)
        return {
            "observation": np.concatenate(numbers, axis=1).clip(-1.0, 1.0).astype(np.float32),
            "achieved_goal": reached.copy(),
            "desired_goal": np.zeros_like(reached),
        }

    def judge(self, state: AlignState, truth: Truth | None = None) -> tuple[AlignState, Verdict]:
        """Return the reward by the estimate, and end and success by the truth; see Task.judge."""
        state, verdict = super().judge(state, truth)
        reached = achieved_of(state)
        return state, replace(verdict, reward=self.goal.reward(reached, np.zeros_like(reached)))

    def goal_reward(self, achieved: ArrayLike, desired: ArrayLike) -> Float64Array:
        """Return what a step pays that reaches one goal (n, 3) while another (n, 3) is asked, (n,)."""
        return self.goal.reward(achieved, desired)

    def _reached(self, state: AlignState, rows: BoolArray) -> GoalState:
        """Return the state with what was reached in some rows (n,) of it."""
        before = state.achieved if isinstance(state, GoalState) else None
        achieved = np.zeros((len(rows), 3), dtype=np.float32) if before is None else before.copy()
        chosen = np.flatnonzero(rows)
        if len(chosen):
            achieved[chosen] = self._away(known_rows(known_of(state), chosen), state.positions[chosen])
        if isinstance(state, GoalState):
            return replace(state, achieved=achieved)
        return GoalState(**vars(state), achieved=achieved)

    def _away(self, known: Known, positions: Float64Array) -> NDArray[Any]:
        """Return the turns (m, 3) from the nearest goals in reach to how crystals stand, by what is known; see Goal."""
        turn = self.sight.turn_deg(known, self.sight.goals(known, positions))
        return (-turn / self.context.max_rotation_deg).clip(-self._longest, self._longest)


def achieved_of(state: AlignState) -> Float32Array:
    """Return what was reached, (n, 3); raises TypeError for the state of another task."""
    if not isinstance(state, GoalState) or state.achieved is None:
        raise TypeError(f"a state of GoalTask knows what was reached; found {type(state).__name__}")
    return state.achieved


def _rows(goals: ArrayLike) -> Float64Array:
    """Return goals as (n, 3) float64; raises ValueError for what cannot be."""
    rows = np.asarray(goals, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise ValueError(f"goals have shape {rows.shape}; give (n, 3), one rotation vector a row")
    return rows
