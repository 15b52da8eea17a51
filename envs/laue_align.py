"""The LaueAlign task: turn a crystal from its Laue patterns until it stands as asked, and say when it does."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.actions import decode_rotation, decode_steps
from beamgym.envs.observations import axis_rows, axis_space, spot_space
from beamgym.envs.task import Command, Observation, Truth, Verdict
from beamgym.physics.crystal import Crystal
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.instrument import AcquireSettings, BoolArray, Float32Array, Float64Array, Frame, MoveReport
from beamgym.physics.kernels_orientation import vectors_of_matrices
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.targets import Target

LARGEST_ERROR_DEG = 180.0
EXPECTED_ROWS = 48


@dataclass(frozen=True)
class AlignContext:
    """What everybody at the instrument knows: the public side of one LaueAlign task.

    Parameters
    ----------
    crystal, goniometer, detector, beam : the sample and the nominal instrument
    target : what is to be brought where
    tolerance_deg : error at which a declared pose counts as success
    max_rotation_deg : rotation (or step of an axis) of a full action, degrees
    action : "rotation" (a lab rotation vector, inverse kinematics chooses the axes) or "axes" (a step per axis)
    exposures : budget, the first exposure included
    exposure_s, readout_s : of every frame
    """

    crystal: Crystal
    goniometer: Goniometer
    detector: Detector
    beam: Beam
    target: Target
    tolerance_deg: float = 0.25
    max_rotation_deg: float = 90.0
    action: Literal["rotation", "axes"] = "rotation"
    exposures: int = 20
    exposure_s: float = 10.0
    readout_s: float = 2.0

    def __post_init__(self) -> None:
        if not 0.02 <= self.tolerance_deg <= 20.0:
            raise ValueError(f"tolerance_deg is {self.tolerance_deg}; choose 0.02 to 20 degrees")
        if not 0.0 < self.max_rotation_deg <= 180.0:
            raise ValueError(f"max_rotation_deg is {self.max_rotation_deg}; choose more than 0 and at most 180 degrees")
        if self.action not in ("rotation", "axes"):
            raise ValueError(f"unknown action mode {self.action!r}; choose 'rotation' or 'axes'")
        if self.exposures < 1:
            raise ValueError(f"exposures is {self.exposures}; the budget needs at least the first one")

    @property
    def band_kev(self) -> tuple[float, float]:
        """Lowest and highest energy of the beam, keV."""
        return self.beam.band_kev


@dataclass(frozen=True)
class RewardModel:
    """How a LaueAlign episode is paid, in one place.

    Dense: F = gamma * phi(s') - phi(s) with phi = shaping * (1 - ln(1 + error / tolerance) / ln(1 + 180 / tolerance)),
    0 after the end (Ng, Harada & Russell 1999), minus time_cost per instrument second, plus success at declaration.
    Sparse: success at declaration only.
    """

    kind: Literal["dense", "sparse"] = "dense"
    gamma: float = 0.99
    shaping: float = 0.5
    time_cost: float = 0.001
    success: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in ("dense", "sparse"):
            raise ValueError(f"unknown reward {self.kind!r}; choose 'dense' or 'sparse'")

    def potential(self, error_deg: Float64Array, tolerance_deg: float) -> Float64Array:
        """Return phi, 0 to ``shaping``, of errors in degrees."""
        share = np.log1p(error_deg / tolerance_deg) / np.log1p(LARGEST_ERROR_DEG / tolerance_deg)
        potential: Float64Array = self.shaping * (1.0 - share)
        return potential


@dataclass(frozen=True)
class AlignState:
    """The TaskState of LaueAlign; every array starts with the batch dimension n.

    Parameters
    ----------
    positions : (n, k) readback
    frame : the last frame
    view : (n, ...) the encoded frame
    last_move : (n, 4) lab rotation vector made, in units of 180 degrees, and 1 where it was shortened
    used : (n,) exposures taken
    declared : (n,)
    spent : (n,) the agent asked for one more exposure than the budget holds
    goals : (n, g) which equivalent goals the goniometer can reach from this mount, or None without truth
    potential : (n,)
    motor_s, exposed : (n,) of the last step
    """

    positions: Float64Array
    frame: Frame
    view: NDArray[Any]
    last_move: Float32Array
    used: NDArray[np.int64]
    declared: BoolArray
    spent: BoolArray
    goals: BoolArray | None
    potential: Float64Array
    motor_s: Float64Array
    exposed: BoolArray


class View(Protocol):
    """Encodes a frame for the observation, under one key."""

    key: str
    space: spaces.Box

    def encode(self, frame: Frame, mask: BoolArray) -> NDArray[Any]:
        """Return the encoded rows of the frame where ``mask`` is True."""
        ...


@dataclass
class LaueAlignTask:
    """Align a crystal: the rules, over any Laue instrument.

    Parameters
    ----------
    context : the public side of the task
    view : how the frame is observed (spots or image)
    expected : (48 * 5,) spot rows of the pattern at the goal
    reward : how the episode is paid
    stop : "declare" (the agent ends the episode, success is judged then) or "truth" (ends at the tolerance)
    """

    context: AlignContext
    view: View
    expected: Float32Array
    reward: RewardModel = field(default_factory=RewardModel)
    stop: Literal["declare", "truth"] = "declare"

    def __post_init__(self) -> None:
        if self.stop not in ("declare", "truth"):
            raise ValueError(f"unknown stop {self.stop!r}; choose 'declare' or 'truth'")
        self.settings = AcquireSettings(exposure_s=self.context.exposure_s)
        self.action_space = spaces.Box(-1.0, 1.0, (self._moves() + 1,), dtype=np.float32)
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
        goal = self.context.target.goal(np.eye(3)[None])[0].astype(np.float32).ravel()
        self._goal = np.append(goal, np.float32(self.context.tolerance_deg / 20.0)).clip(-1, 1)

    def _moves(self) -> int:
        return 3 if self.context.action == "rotation" else len(self.context.goniometer.axes)

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
        )
        if truth is None:
            return state
        potential = self.reward.potential(self._error(state, truth), self.context.tolerance_deg)
        return replace(state, potential=np.where(mask, potential, state.potential))

    def target(self, state: AlignState, action: Float64Array) -> Command:
        """Turn an action into positions that the axes can reach; a move that leads out of their range is shortened."""
        declare = (action[:, -1] > 0.0) & (self.stop == "declare")
        moves = ~declare & (state.used < self.context.exposures)
        if self.context.action == "axes":
            target, limited = self._axes_target(state.positions, action[:, :-1])
        else:
            turn = decode_rotation(action[:, :3], self.context.max_rotation_deg)
            target, limited = reach(self.context.goniometer, state.positions, turn)
        return Command(np.where(moves[:, None], target, state.positions), moves, declare, limited & moves)

    def _axes_target(self, positions: Float64Array, action: Float64Array) -> tuple[Float64Array, BoolArray]:
        axes = self.context.goniometer.axes
        wanted = positions + decode_steps(action, np.full(len(axes), self.context.max_rotation_deg))
        limits = np.array([axis.limits for axis in axes])
        target = np.clip(wanted, limits[:, 0], limits[:, 1])
        return target, (target != wanted).any(axis=1)

    def advance(
        self, state: AlignState, command: Command, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> AlignState:
        """Take note of a move and its frame; see Task.advance."""
        moved = command.moves & mask
        last = self._made(state.positions, report.readback, command.limited)
        return replace(
            state,
            positions=np.where(moved[:, None], report.readback, state.positions),
            frame=frame,
            view=self._merge(state.view, frame, moved),
            last_move=np.where(mask[:, None], last.clip(-1, 1), state.last_move),
            used=state.used + moved,
            declared=np.where(mask, command.declare, state.declared),
            spent=np.where(mask, ~command.declare & ~command.moves, state.spent),
            motor_s=np.where(moved, report.duration_s, 0.0),
            exposed=moved,
        )

    def _made(self, before: Float64Array, after: Float64Array, limited: BoolArray) -> Float32Array:
        """Return what became of a move, (n, 4): lab rotation vector as read, in units of 180°, and 1 if shortened."""
        rotation = self.context.goniometer.rotation
        radians = np.empty((len(before), 3))
        vectors_of_matrices(rotation(after) @ rotation(before).transpose(0, 2, 1), radians)
        return np.concatenate([radians / np.pi, limited[:, None]], axis=1).astype(np.float32)

    def observe(self, state: AlignState) -> Observation:
        """Return what is known at the instrument, as fresh float32 (or uint8) arrays."""
        n = len(state.used)
        left = np.maximum(self.context.exposures - state.used, 0) / self.context.exposures
        return {
            self.view.key: state.view.copy(),
            "expected": np.tile(self.expected, (n, 1)),
            "axes": axis_rows(state.positions, self.context.goniometer.axes),
            "last_move": state.last_move.copy(),
            "budget": left[:, None].astype(np.float32),
            "target": np.tile(self._goal, (n, 1)),
        }

    def judge(self, state: AlignState, truth: Truth | None = None) -> tuple[AlignState, Verdict]:
        """Pay the last step and end the episode where it ends; without truth nothing is paid and nothing claimed."""
        if truth is None:
            no = np.zeros(len(state.used), dtype=np.bool_)
            return state, Verdict(np.zeros(len(no)), state.declared.copy(), state.spent.copy(), no, {})
        error = self._error(state, truth)
        inside = error <= self.context.tolerance_deg
        terminated = inside if self.stop == "truth" else state.declared
        success = inside & terminated
        truncated = state.spent & ~terminated
        potential = np.where(terminated, 0.0, self.reward.potential(error, self.context.tolerance_deg))
        reward = self._pay(state, potential, success)
        verdict = Verdict(reward, terminated.copy(), truncated, success, {"misorientation_deg": error})
        return replace(state, potential=potential), verdict

    def _pay(self, state: AlignState, potential: Float64Array, success: BoolArray) -> Float64Array:
        bonus = self.reward.success * success
        if self.reward.kind == "sparse":
            return bonus
        shaped = self.reward.gamma * potential - state.potential
        paid: Float64Array = shaped - self.reward.time_cost * self.costs(state)["instrument_s"] + bonus
        return paid

    def costs(self, state: AlignState) -> dict[str, NDArray[Any]]:
        """Return the last step's exposures, motor, exposure and instrument seconds, and dose (seconds in the beam)."""
        exposure = self.context.exposure_s * state.exposed
        return {
            "exposures": state.exposed.astype(np.int64),
            "motor_s": state.motor_s.copy(),
            "exposure_s": exposure,
            "dose": exposure.copy(),
            "instrument_s": state.motor_s + (self.context.exposure_s + self.context.readout_s) * state.exposed,
        }

    def _error(self, state: AlignState, truth: Mapping[str, NDArray[Any]]) -> Float64Array:
        return self.context.target.error_deg(truth["orientation"], state.goals)

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


def reach(goniometer: Goniometer, positions: Float64Array, turn_deg: Float64Array) -> tuple[Float64Array, BoolArray]:
    """Find axis positions that turn the sample by a lab rotation vector, or by as much of it as the axes allow.

    Parameters
    ----------
    goniometer : gives the inverse kinematics
    positions : (n, k) present positions as read, which noise may put a little outside the limits
    turn_deg : (n, 3) lab rotation vectors, degrees

    Returns
    -------
    (n, k) positions, and (n,) True where the move was shortened
    """
    low, high = np.array([axis.limits for axis in goniometer.axes]).T
    turn = goniometer.turn(np.clip(positions, low, high), turn_deg)
    return turn.positions, turn.fraction < 1.0
