"""The LaueAlign task: align a crystal by its Laue patterns, and declare when it is aligned."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.actions import decode_rotation, decode_steps
from beamgym.envs.costs import camera_costs, exposure_costs
from beamgym.envs.exposures import EXPOSURE_SPACE, told_exposure
from beamgym.envs.laue_align.context import AlignContext, RewardModel
from beamgym.envs.laue_align.curriculum import Curriculum, Growth
from beamgym.envs.laue_align.estimate import PoseEstimator, SeenFrame
from beamgym.envs.laue_align.rules import Rules
from beamgym.envs.laue_align.state import AlignState, View, reach, seen_anew
from beamgym.envs.laue_views import axis_rows, axis_space, spot_space
from beamgym.envs.task import Observation, TaskCommand, Truth, Verdict
from beamgym.physics.instrument import AcquireSettings, BoolArray, Float32Array, Float64Array, Frame, MoveReport
from beamgym.physics.laue.detector import Detector
from beamgym.physics.orientation import rotation_vector_deg
from beamgym.physics.orientation_kernels import vectors_of_matrices

EXPECTED_ROWS = 48
LIKELY = 0.5
"""Probability of being within the tolerance from which a declaration without truth counts as a success."""

__all__ = ["EXPECTED_ROWS", "AlignContext", "AlignState", "LaueAlignTask", "RewardModel", "View", "reach"]


@dataclass
class LaueAlignTask:
    """The rules of LaueAlign, for any Laue instrument.

    Parameters
    ----------
    context : the public side of the task
    view : how the frame is observed (spots or image)
    expected : (48 * 5,) spot rows of the pattern at the goal
    reward : how the episode is paid
    stop : "declare" (the agent ends the episode, success is judged then) or "truth" (ends at the tolerance; where there
        is no truth, only the budget ends it)
    camera_detector : the panel in whose pixels the frames' peaks are given, where it is not that of the context
    rules : of the version of the environment
    curriculum : by which starts lie farther off the better an agent does; None where they are drawn as ever
    """

    context: AlignContext
    view: View
    expected: Float32Array
    reward: RewardModel = field(default_factory=RewardModel)
    stop: Literal["declare", "truth"] = "declare"
    camera_detector: Detector | None = None
    rules: Rules = field(default_factory=Rules)
    curriculum: Curriculum | None = None

    def __post_init__(self) -> None:
        if self.stop not in ("declare", "truth"):
            raise ValueError(f"unknown stop {self.stop!r}; choose 'declare' or 'truth'")
        self.settings = AcquireSettings(exposure_s=self.context.exposure_s)
        self.action_space = spaces.Box(-1.0, 1.0, (self._moves() + 1 + (self.context.chosen is not None),), np.float32)
        self.observation_space = spaces.Dict(
            {
                self.view.key: self.view.space,
                "expected": spot_space(EXPECTED_ROWS),
                "axes": axis_space(),
                "last_move": spaces.Box(-1.0, 1.0, (4,), dtype=np.float32),
                "budget": spaces.Box(0.0, 1.0, (1,), dtype=np.float32),
                "target": spaces.Box(np.float32(-1.0), np.float32(1.0), (10,), dtype=np.float32),
            }
        )
        if self.context.chosen is not None:
            self.observation_space["exposure"] = EXPOSURE_SPACE
        goal = self.context.target.goal(np.eye(3)[None])[0].astype(np.float32).ravel()
        self._goal = np.append(goal, np.float32(self.context.tolerance_deg / 20.0)).clip(-1, 1)

    def _moves(self) -> int:
        return 3 if self.context.action == "rotation" else len(self.context.goniometer.axes)

    @property
    def goal_row(self) -> Float32Array:
        """(10,) the goal orientation and the tolerance, as "target" shows them."""
        return self._goal

    def start(
        self,
        previous: AlignState | None,
        positions: Float64Array,
        frame: Frame,
        mask: BoolArray,
        truth: Truth | None = None,
    ) -> AlignState:
        """Begin with the first exposure; see Task.start."""
        state = previous if previous is not None else self._blank(positions, frame)
        goals = self._reachable(state.goals, mask, truth)
        state = replace(
            state,
            positions=np.where(mask[:, None], positions, state.positions),
            frame=frame,
            view=self._merge(state.view, frame, mask),
            last_move=np.where(mask[:, None], np.float32(0), state.last_move),
            used=np.where(mask, 1, state.used),
            declared=state.declared & ~mask,
            spent=state.spent & ~mask,
            goals=goals,
            motor_s=np.where(mask, 0.0, state.motor_s),
            exposed=mask.copy(),
            growth=self.grown(previous, mask),
            exposure_s=None if self.context.chosen is None else frame.exposure_s,
        )
        if truth is None:
            return replace(state, seen=seen_anew(state.seen, frame, positions, mask))
        potential = state.potential.copy()
        error = self._error(goals[mask] if goals is not None else None, truth["orientation"][mask])
        potential[mask] = self.reward.potential(error, self.context.tolerance_deg)
        return replace(state, potential=potential)

    def starts(self, state: AlignState | None, mask: BoolArray) -> dict[str, NDArray[Any]]:
        """Return where the episodes of some rows (n,) are to begin; see ChoosesStarts."""
        growth = self.grown(state, mask)
        return {} if growth is None or self.curriculum is None else {"start_within_deg": self.curriculum.starts(growth)}

    def anew(self, state: AlignState, rows: BoolArray) -> AlignState:
        """Return the state with the curriculum of some rows (n,) at its beginning; see ChoosesStarts."""
        if self.curriculum is None or state.growth is None:
            return state
        return replace(state, growth=self.curriculum.anew(state.growth, rows))

    def given(self, state: AlignState, rows: BoolArray, start: Mapping[str, Any]) -> AlignState:
        """Return the state with some rows (n,) begun where a reset said; see ChoosesStarts."""
        if self.curriculum is None or state.growth is None:
            return state
        return replace(state, growth=self.curriculum.given(state.growth, rows, start))

    def grown(self, state: AlignState | None, mask: BoolArray) -> Growth | None:
        """Return how far the curriculum is when some rows (n,) begin another episode; None where there is none."""
        if self.curriculum is None:
            return None
        before = None if state is None else state.growth
        return self.curriculum.next(before if before is not None else self.curriculum.begin(len(mask)), mask)

    def target(self, state: AlignState, action: Float64Array) -> TaskCommand:
        """Turn an action into positions that the axes can reach; a move that leads out of their range is shortened."""
        asked = (action[:, -1] > 0.0) & (self.stop == "declare")
        if self.context.action == "axes":
            target, limited, turn_deg = self._axes_target(state.positions, action[:, : self._moves()])
        else:
            turn = decode_rotation(action[:, :3], self.context.max_rotation_deg)
            target, limited = reach(self.context.goniometer, state.positions, turn)
            turn_deg = np.sqrt((turn**2).sum(axis=1))
        known, left = self.context, state.used < self.context.exposures
        declare = asked
        if self.rules.declares_within:
            # What was asked for counts, not what the limits leave of it: a full turn against a limit is no small one.
            declare = self.rules.declares(asked, turn_deg, known.tolerance_deg, known.max_rotation_deg)
        exposes = ~declare & left
        moves = exposes | declare if self.rules.declares_within else exposes
        long = None if known.chosen is None else known.chosen.seconds(action[:, -2])
        held = np.where(moves[:, None], target, state.positions)
        return TaskCommand(held, moves, declare, limited & moves, exposes, long)

    def _axes_target(
        self, positions: Float64Array, action: Float64Array
    ) -> tuple[Float64Array, BoolArray, Float64Array]:
        """Return positions in reach, which rows were shortened, and the turns that were asked for, degrees."""
        axes = self.context.goniometer.axes
        wanted = positions + decode_steps(action, np.full(len(axes), self.context.max_rotation_deg))
        limits = np.array([axis.limits for axis in axes])
        target = np.clip(wanted, limits[:, 0], limits[:, 1])
        turn = self.context.goniometer.rotation(wanted) @ self.context.goniometer.rotation(positions).transpose(0, 2, 1)
        return target, (target != wanted).any(axis=1), _angle_deg(turn)

    def advance(
        self, state: AlignState, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> AlignState:
        """Update the state by a move and its frame; see Task.advance."""
        moved = command.moves & mask
        shown = moved if command.exposes is None or state.seen else moved & command.exposes
        positions = np.where(moved[:, None], report.readback, state.positions)
        last = self._made(state.positions, positions, command.limited)
        return replace(
            state,
            positions=positions,
            frame=frame,
            view=self._merge(state.view, frame, shown),
            last_move=np.where(mask[:, None], last.clip(-1, 1), state.last_move),
            used=state.used + shown,
            declared=np.where(mask, command.declare, state.declared),
            spent=np.where(mask, ~command.declare & ~command.moves, state.spent),
            motor_s=np.where(moved, report.duration_s, 0.0),
            exposed=shown,
            exposure_s=None if self.context.chosen is None else frame.exposure_s,
            seen=(*state.seen, SeenFrame(frame, positions, shown)) if state.seen and shown.any() else state.seen,
        )

    def _made(self, before: Float64Array, after: Float64Array, limited: BoolArray) -> Float32Array:
        """Return a move's outcome, (n, 4): lab rotation vector by the readback in units of 180°, 1 if shortened."""
        rotation = self.context.goniometer.rotation
        radians = np.empty((len(before), 3))
        vectors_of_matrices(rotation(after) @ rotation(before).transpose(0, 2, 1), radians)
        return np.concatenate([radians / np.pi, limited[:, None]], axis=1).astype(np.float32)

    def observe(self, state: AlignState) -> Observation:
        """Return the observation, as fresh float32 (or uint8) arrays."""
        n = len(state.used)
        left = np.maximum(self.context.exposures - state.used, 0) / self.context.exposures
        return self.told(state) | {
            self.view.key: state.view.copy(),
            "expected": np.tile(self.expected, (n, 1)),
            "axes": axis_rows(state.positions, self.context.goniometer.axes),
            "last_move": state.last_move.copy(),
            "budget": left[:, None].astype(np.float32),
            "target": np.tile(self._goal, (n, 1)),
        }

    def told(self, state: AlignState) -> Observation:
        """Return what is observed of the last exposure where exposures are chosen; nothing elsewhere."""
        if self.context.chosen is None or state.exposure_s is None:
            return {}
        return {"exposure": told_exposure(self.context.chosen, state.exposure_s, state.frame.peaks().count)}

    def judge(self, state: AlignState, truth: Truth | None = None) -> tuple[AlignState, Verdict]:
        """Return reward, end and success of the last step.

        Without truth, on hardware, a declaration is judged by what can be seen: mount, camera and axes are estimated
        from all frames of the episode, and the declaration succeeds if the crystal is likelier within the tolerance
        than not; frames that no orientation explains are no success. The reward is then ``success`` or 0, whatever its
        kind: shaping would need the truth.
        """
        if truth is None:
            return state, self._judge_by_sight(state)
        error = self._error(state.goals, truth["orientation"])
        inside = (error <= self.context.tolerance_deg) & self._has_goal(state)
        terminated = inside if self.stop == "truth" else state.declared
        success = inside & terminated
        truncated = state.spent & ~terminated
        potential = self.reward.potential(error, self.context.tolerance_deg)
        if not self.rules.keeps_progress:
            potential = np.where(terminated, 0.0, potential)
        spent_s = self.costs(state)["instrument_s"]
        reward = self.reward.pay(state.potential, potential, spent_s, success, terminated & ~success)
        metrics = {"misorientation_deg": error}
        growth = state.growth
        if growth is not None and self.curriculum is not None:
            metrics["start_within_deg"] = growth.told_deg
            growth = self.curriculum.judged(growth, terminated | truncated, success)
        verdict = Verdict(reward, terminated.copy(), truncated, success, metrics)
        return replace(state, potential=potential, growth=growth), verdict

    def _judge_by_sight(self, state: AlignState) -> Verdict:
        seen = self.estimator.estimate(state.seen, state.declared)
        lost = seen.remount_deg.any(axis=1)
        success = (seen.probability >= LIKELY) & state.declared
        metrics: dict[str, NDArray[Any]] = {}
        if state.declared.any():
            metrics["misorientation_estimate_deg"] = seen.error_deg
            metrics["misorientation_sigma_deg"] = seen.sigma_deg
            metrics["within_tolerance_probability"] = seen.probability
        if lost.any():
            metrics["remount_deg"] = seen.remount_deg
        reward: Float64Array = self.reward.success * success.astype(np.float64)
        return Verdict(reward, state.declared.copy(), state.spent.copy(), success, metrics)

    @cached_property
    def estimator(self) -> PoseEstimator:
        """What indexes frames where there is no truth; made when first needed."""
        known = self.context
        detector = self.camera_detector or known.detector
        return PoseEstimator(known.crystal, known.beam, known.goniometer, known.target, detector, known.tolerance_deg)

    def advice(self, state: AlignState, truth: Truth | None = None) -> dict[str, tuple[NDArray[Any], BoolArray]]:
        """Return the remounting rotation of crystals from whose mount no goal can be reached.

        Returns
        -------
        "remount_deg" : (n, 3) rotation vector, in the lab with the goniometer at home, and the rows (n,) that need it;
            nothing where every row has a goal, or the truth is not known. With a curriculum "start_within_deg" (n,) too
        """
        lost = ~self._has_goal(state)
        given: dict[str, tuple[NDArray[Any], BoolArray]] = {}
        if state.growth is not None:
            given["start_within_deg"] = state.growth.told_deg, np.ones(len(lost), dtype=np.bool_)
        if truth is None or not lost.any():
            return given
        goals = self.context.target.reachable_goals(self.context.goniometer, truth["mount"])
        return {**given, "remount_deg": (rotation_vector_deg(goals.remount), lost)}

    def costs(self, state: AlignState) -> dict[str, NDArray[Any]]:
        """Return the last step's exposures, motor, exposure and instrument seconds, and dose (seconds in the beam)."""
        if state.exposure_s is not None:
            return exposure_costs(state.motor_s, state.exposure_s * state.exposed, self.context.readout_s)
        return camera_costs(state.motor_s, state.exposed, self.context.exposure_s, self.context.readout_s)

    def _error(self, goals: BoolArray | None, orientation: Float64Array) -> Float64Array:
        """Return the error to the nearest reachable goal, (n,); to the nearest of all where none can be reached."""
        if goals is not None:
            goals = np.where(goals.any(axis=1, keepdims=True), goals, True)
        return self.context.target.error_deg(orientation, goals)

    def _has_goal(self, state: AlignState) -> BoolArray:
        if state.goals is None:
            return np.ones(len(state.used), dtype=np.bool_)
        return np.asarray(state.goals.any(axis=1), dtype=np.bool_)

    def _reachable(self, previous: BoolArray | None, mask: BoolArray, truth: Truth | None) -> BoolArray | None:
        if truth is None:
            return None
        goals = previous.copy() if previous is not None else np.zeros((len(mask), 0), dtype=np.bool_)
        fresh = self.context.target.reachable(self.context.goniometer, truth["mount"][mask])
        if goals.shape[1] != fresh.shape[1]:
            goals = np.zeros((len(mask), fresh.shape[1]), dtype=np.bool_)
        goals[mask] = fresh
        return goals

    def _merge(self, view: NDArray[Any], frame: Frame, mask: BoolArray) -> NDArray[Any]:
        merged = view.copy()
        if mask.any():
            merged[mask] = self.view.encode(frame, mask)
        return merged

    def _blank(self, positions: Float64Array, frame: Frame) -> AlignState:
        n = len(positions)
        no = np.zeros(n, dtype=np.bool_)
        view = np.zeros((n, *self.view.space.shape), dtype=self.view.space.dtype)
        last = np.zeros((n, 4), dtype=np.float32)
        zero = np.zeros(n)
        return AlignState(positions, frame, view, last, np.zeros(n, dtype=np.int64), no, no, None, zero, zero, no)


def _angle_deg(rotation: Float64Array) -> Float64Array:
    """Return the angles (n,) of rotations (n, 3, 3), degrees."""
    radians = np.empty((len(rotation), 3))
    vectors_of_matrices(np.ascontiguousarray(rotation), radians)
    angle: Float64Array = np.degrees(np.sqrt((radians**2).sum(axis=1)))
    return angle
