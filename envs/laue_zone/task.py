"""The LaueZone task: find a symmetry axis of an unknown crystal of known crystal system, with two circles."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.costs import camera_costs
from beamgym.envs.laue_align import RewardModel, Rules, axis_rows, axis_space
from beamgym.envs.task import Observation, TaskCommand, Truth, Verdict
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.instrument import (
    AcquireSettings,
    Axis,
    BoolArray,
    Float32Array,
    Float64Array,
    Frame,
    FrameFailed,
    MoveReport,
)
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.zone import AxisChoice, CrystalSystem, axis_angles_deg, grey_of_counts


@dataclass(frozen=True)
class ZoneContext:
    """Public knowledge of one LaueZone task: what everybody at the instrument knows.

    Parameters
    ----------
    system : the crystal's system; its cell is not known
    goniometer : theta (outer, about y) and phi (inner, about z)
    detector : the panel at its mean distance
    axes : "principal" (the axes of highest order count) or "all" (every rotation axis of the system's holohedry counts)
    tolerance_deg : angle between beam and axis at which the pose counts as success
    max_rotation_deg : step of each axis of a full action, degrees
    moves : budget; the exposure of reset comes on top
    exposure_s, readout_s : of every frame
    """

    system: CrystalSystem
    goniometer: Goniometer
    detector: Detector
    axes: AxisChoice = "principal"
    tolerance_deg: float = 5.0
    max_rotation_deg: float = 10.0
    moves: int = 50
    exposure_s: float = 10.0
    readout_s: float = 2.0

    def __post_init__(self) -> None:
        if not 0.02 <= self.tolerance_deg <= 20.0:
            raise ValueError(f"tolerance_deg is {self.tolerance_deg}; choose 0.02 to 20 degrees")
        if not 0.0 < self.max_rotation_deg <= 120.0:
            raise ValueError(f"max_rotation_deg is {self.max_rotation_deg}; choose more than 0 and at most 120 degrees")
        if not isinstance(self.moves, (int, np.integer)) or self.moves < 1:
            raise ValueError(f"moves is {self.moves}; the budget needs a whole number, at least one")
        self.system.axes(self.axes)

    @property
    def instrument_axes(self) -> tuple[Axis, ...]:
        """The goniometer's axes theta and phi."""
        return self.goniometer.axes

    @property
    def sample(self) -> str:
        """Name of the crystal: "", as it is unknown."""
        return ""

    @property
    def action_size(self) -> int:
        """Numbers of an action: a step of each axis, and the declaration."""
        return len(self.goniometer.axes) + 1

    @property
    def exposures(self) -> int:
        """Budget of exposures, the first one included."""
        return self.moves + 1

    @property
    def action(self) -> str:
        """How actions are read: "steps" of the axes, in proportion."""
        return "steps"

    @property
    def directions(self) -> Float64Array:
        """(k, 3) the symmetry axes that count, crystal Cartesian; none in triclinic, whose goal depends on the cell."""
        return self.system.axes(self.axes)

    def lines(self, cells: Float64Array) -> Float64Array:
        """Return the lines that count in cells (n, 6), crystal Cartesian: (n, k, 3).

        They are the symmetry axes, or in triclinic the axis of each crystal's strongest zone.
        """
        return self.system.lines(cells, self.axes)

    def error_deg(self, orientation: Float64Array, cells: Float64Array | None = None) -> Float64Array:
        """Return the angle (n,) between the beam and the nearest line that counts.

        Parameters
        ----------
        orientation : (n, 3, 3) crystal to lab
        cells : (n, 6) a, b, c in Å and α, β, γ in degrees; needed where the goal depends on them, in triclinic

        Raises
        ------
        ValueError : a triclinic system without cells
        """
        orientation = np.ascontiguousarray(orientation)
        if self.system.has_axes:
            angle: Float64Array = axis_angles_deg(orientation, self.directions)
            return angle
        if cells is None:
            raise ValueError("the strongest zone depends on the cell: hand over the cells (n, 6) too")
        lines = self.lines(cells)
        each = [axis_angles_deg(orientation[i : i + 1], lines[i]) for i in range(len(orientation))]
        return np.concatenate(each) if each else np.empty(0)


@dataclass(frozen=True)
class ZoneState:
    """The TaskState of LaueZone; every array starts with the batch dimension n.

    Parameters
    ----------
    positions : (n, 2) readback
    image : (n, size, size, 1) uint8, the encoded frame
    last_move : (n, 3) step of each axis in units of ``max_rotation_deg``, and 1 where it was shortened
    used : (n,) exposures taken
    declared : (n,)
    spent : (n,) the agent asked for a move beyond the budget
    potential : (n,)
    motor_s, exposed : (n,) of the last step
    """

    positions: Float64Array
    image: NDArray[np.uint8]
    last_move: Float32Array
    used: NDArray[np.int64]
    declared: BoolArray
    spent: BoolArray
    potential: Float64Array
    motor_s: Float64Array
    exposed: BoolArray


@dataclass
class LaueZoneTask:
    """The rules of LaueZone, for any back-reflection camera with two circles.

    Parameters
    ----------
    context : the public side of the task
    reward : how the episode is paid
    stop : "truth" (ends inside the tolerance, as published) or "declare" (the agent ends it, success is judged then)
    rules : of the version of the environment
    """

    context: ZoneContext
    reward: RewardModel = field(default_factory=RewardModel)
    stop: Literal["truth", "declare"] = "truth"
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        if self.stop not in ("declare", "truth"):
            raise ValueError(f"unknown stop {self.stop!r}; choose 'truth' or 'declare'")
        self.settings = AcquireSettings(exposure_s=self.context.exposure_s)
        self.action_space: spaces.Box = spaces.Box(-1.0, 1.0, (3,), dtype=np.float32)
        self.observation_space = spaces.Dict(
            {
                "image": spaces.Box(0, 255, (*self.context.detector.shape, 1), dtype=np.uint8),
                "axes": axis_space(),
                "last_move": spaces.Box(-1.0, 1.0, (3,), dtype=np.float32),
                "budget": spaces.Box(0.0, 1.0, (1,), dtype=np.float32),
            }
        )
        self._limits = np.array([axis.limits for axis in self.context.goniometer.axes])

    def start(
        self,
        previous: ZoneState | None,
        positions: Float64Array,
        frame: Frame,
        mask: BoolArray,
        truth: Truth | None = None,
    ) -> ZoneState:
        """Begin with the first exposure; see Task.start."""
        state = previous if previous is not None else self._blank(positions)
        state = replace(
            state,
            positions=np.where(mask[:, None], positions, state.positions),
            image=self._merge(state.image, frame, mask),
            last_move=np.where(mask[:, None], np.float32(0), state.last_move),
            used=np.where(mask, 1, state.used),
            declared=state.declared & ~mask,
            spent=state.spent & ~mask,
            motor_s=np.where(mask, 0.0, state.motor_s),
            exposed=mask.copy(),
        )
        if truth is None:
            return state
        return self._begun(state, truth, mask)

    def target(self, state: ZoneState, action: Float64Array) -> TaskCommand:
        """Turn an action into axis positions, shortening the move where it would leave their range."""
        known = self.context
        wanted = state.positions + known.max_rotation_deg * action[:, :2]
        target = np.clip(wanted, self._limits[:, 0], self._limits[:, 1])
        asked = (action[:, 2] > 0.0) & (self.stop == "declare")
        # What was asked for counts, not what the limits leave of it: a full step against a limit is no small one.
        step = np.abs(wanted - state.positions).max(axis=1)
        declare = self.rules.declares(asked, step, known.tolerance_deg, known.max_rotation_deg)
        exposes = ~declare & (state.used < known.exposures)
        moves = exposes | declare if self.rules.declares_within else exposes
        limited = (target != wanted).any(axis=1) & moves
        return TaskCommand(np.where(moves[:, None], target, state.positions), moves, declare, limited, exposes)

    def advance(
        self, state: ZoneState, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> ZoneState:
        """Update the state by a move and its frame; see Task.advance."""
        moved = command.moves & mask
        shown = moved if command.exposes is None else moved & command.exposes
        made = (report.readback - state.positions) / self.context.max_rotation_deg * moved[:, None]
        last = np.concatenate([made, command.limited[:, None]], axis=1).astype(np.float32).clip(-1, 1)
        return replace(
            state,
            positions=np.where(moved[:, None], report.readback, state.positions),
            image=self._merge(state.image, frame, shown),
            last_move=np.where(mask[:, None], last, state.last_move),
            used=state.used + shown,
            declared=np.where(mask, command.declare, state.declared),
            spent=np.where(mask, ~command.declare & ~command.moves, state.spent),
            motor_s=np.where(moved, report.duration_s, 0.0),
            exposed=shown,
        )

    def observe(self, state: ZoneState) -> Observation:
        """Return the observation, as fresh arrays."""
        left = np.maximum(self.context.exposures - state.used, 0) / self.context.exposures
        return {
            "image": state.image.copy(),
            "axes": axis_rows(state.positions, self.context.goniometer.axes),
            "last_move": state.last_move.copy(),
            "budget": left[:, None].astype(np.float32),
        }

    def judge(self, state: ZoneState, truth: Truth | None = None) -> tuple[ZoneState, Verdict]:
        """Return reward, end and success of the last step; without truth the reward is 0 and success False."""
        over = state.spent | ((state.used >= self.context.exposures) & (self.stop == "truth"))
        if truth is None:
            no = np.zeros(len(state.used), dtype=np.bool_)
            return state, Verdict(np.zeros(len(no)), state.declared.copy(), over & ~state.declared, no, {})
        error = self.context.error_deg(truth["orientation"], truth["cell"])
        inside = error <= self.context.tolerance_deg
        terminated = inside if self.stop == "truth" else state.declared.copy()
        success = inside & terminated
        potential = self.reward.potential(self._left_deg(state, truth, error), self.context.tolerance_deg)
        if not self.rules.keeps_progress:
            potential = np.where(terminated, 0.0, potential)
        spent_s = self.costs(state)["instrument_s"]
        reward = self.reward.pay(state.potential, potential, spent_s, success, terminated & ~success)
        verdict = Verdict(reward, terminated, over & ~terminated, success, {"misorientation_deg": error})
        return replace(state, potential=potential), verdict

    def costs(self, state: ZoneState) -> dict[str, NDArray[Any]]:
        """Return the last step's exposures, motor, exposure and instrument seconds, and dose (seconds in the beam)."""
        return camera_costs(state.motor_s, state.exposed, self.context.exposure_s, self.context.readout_s)

    def _begun(self, state: ZoneState, truth: Truth, mask: BoolArray) -> ZoneState:
        """Return the state with the potential of the episodes that begin."""
        error = self.context.error_deg(truth["orientation"], truth["cell"])
        potential = self.reward.potential(self._left_deg(state, truth, error), self.context.tolerance_deg)
        return replace(state, potential=np.where(mask, potential, state.potential))

    def _left_deg(self, state: ZoneState, truth: Truth, error_deg: Float64Array) -> Float64Array:
        """Return how far there is to go (n,), for the reward."""
        return error_deg

    def _merge(self, image: NDArray[np.uint8], frame: Frame, mask: BoolArray) -> NDArray[np.uint8]:
        merged = image.copy()
        if mask.any():
            merged[mask] = grey_image(frame, mask)
        return merged

    def _blank(self, positions: Float64Array) -> ZoneState:
        n = len(positions)
        no, zero = np.zeros(n, dtype=np.bool_), np.zeros(n)
        image = np.zeros((n, *self.context.detector.shape, 1), dtype=np.uint8)
        last = np.zeros((n, 3), dtype=np.float32)
        return ZoneState(positions, image, last, np.zeros(n, dtype=np.int64), no, no, zero, zero, no)


def grey_image(frame: Frame, mask: BoolArray) -> NDArray[np.uint8]:
    """Return grey images (m, size, size, 1) uint8 for the m rows of the frame where ``mask`` is True.

    Images that are uint8 already are drawings and stay as they are. Counts go through a square root about their median,
    which is 32: Poisson noise is then even, and the same counts above the background give the same grey in every frame.
    """
    if frame.image is None:
        raise FrameFailed("this instrument gives found peaks only; LaueZone looks at images")
    images = frame.image[mask]
    if images.dtype != np.uint8:
        counts = np.clip(images, 0, 65535).astype(np.uint16)
        images = np.empty(counts.shape, dtype=np.uint8)
        grey_of_counts(counts, images)
    encoded: NDArray[np.uint8] = images[..., None]
    return encoded
