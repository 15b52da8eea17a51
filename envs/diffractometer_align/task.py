"""The DiffractometerAlign task: from a crystal that nobody knows how it stands to its UB matrix, by scanning."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.diffractometer_align.belief import (
    Belief,
    Cone,
    PendingPeak,
    blank_belief,
    thought,
    with_empty,
    with_failed,
    with_reflection,
    with_tried,
)
from beamgym.envs.diffractometer_align.context import (
    COUNTS_S,
    MACROS,
    MOST_CHOICES,
    WIDTHS_DEG,
    WITHIN_DEG,
    AlignReward,
    DiffractometerContext,
)
from beamgym.envs.diffractometer_align.state import AlignScanState
from beamgym.envs.diffractometer_align.views import AlignScanView
from beamgym.envs.task import Observation, TaskCommand, Truth, Verdict
from beamgym.physics.diffractometer import lattice_of, positions_of, scattering_vectors
from beamgym.physics.diffractometer.scans import (
    AZIMUTH,
    CENTRE,
    CENTRE_POINTS,
    COUNT,
    ENVELOPE_DEG,
    FIRST_COUNT_S,
    POINTS,
    SCAN,
    SETTLE_S,
    ScanFrame,
    ScanSettings,
    peaks_of,
    room_of,
)
from beamgym.physics.goniometer import travel_time_s
from beamgym.physics.instrument import AcquireSettings, BoolArray, Float64Array, Frame, Int64Array, MoveReport
from beamgym.physics.orientation import misorientation_deg, rotation_matrix

DECLARES_WITHIN: Final = 0.05
"""Declaring counts where the action's first number and its choice lie so near to 0: a fresh Gaussian policy does so
once in some hundred steps."""
SCANNED, ALONG, CENTRED, DRIVEN = range(len(MACROS))
_CENTRE_SCANS, _OVERHEAD_S = 6, 15.0


@dataclass(frozen=True)
class ScanCommand(TaskCommand):
    """A TaskCommand that says how to scan.

    Parameters
    ----------
    asked : what the instrument is to do
    what : (n,) by ``MACROS``; -1 for a single count, where what was asked for was not there
    choice : (n,) which peak, cone or place
    """

    asked: ScanSettings = field(default_factory=lambda: ScanSettings.counting(0))
    what: Int64Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    choice: Int64Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def settings(self, usual: AcquireSettings) -> AcquireSettings:
        """Return the scans."""
        return self.asked


@dataclass
class _Row:
    """One episode's part of a command."""

    target: Float64Array
    do: int = COUNT
    axis: int = 0
    width_deg: float = 1.0
    about: Float64Array = field(default_factory=lambda: np.zeros(3))
    what: int = -1
    choice: int = 0
    limited: bool = True


@dataclass
class DiffractometerAlignTask:
    """The rules of DiffractometerAlign.

    Parameters
    ----------
    context : the public side of the task
    reward : how the episode is paid
    """

    context: DiffractometerContext
    reward: AlignReward = field(default_factory=AlignReward)

    def __post_init__(self) -> None:
        """Make the spaces."""
        self.view = AlignScanView(self.context)
        size = self.context.action_size
        self._action = spaces.Box(-1.0, 1.0, (size,), np.float32)

    @property
    def observation_space(self) -> spaces.Dict:
        """Space of the observation of one episode."""
        return self.view.space

    @property
    def action_space(self) -> spaces.Box:
        """What to do, a position for each axis, which, how wide, how long, and whether to declare."""
        return self._action

    @property
    def settings(self) -> AcquireSettings:
        """The count with which an episode begins."""
        return AcquireSettings(FIRST_COUNT_S)

    def start(
        self,
        previous: AlignScanState | None,
        positions: Float64Array,
        frame: Frame,
        mask: BoolArray,
        truth: Truth | None = None,
    ) -> AlignScanState:
        """Begin an episode, where ``mask`` is True, with a single count."""
        scan, n, k = _scan_frame(frame), len(mask), len(self.context.instrument.axes)
        beliefs = []
        for row in range(n):
            if not mask[row] and previous is not None:
                beliefs.append(previous.beliefs[row])
                continue
            given = scan.prior_u[row] if self.context.prior_deg > 0.0 and np.isfinite(scan.prior_u[row]).all() else None
            beliefs.append(thought(blank_belief(k, given), self.context))
        zero, no, whole = np.zeros(n), np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.int64)
        old = previous or AlignScanState(
            positions, scan, whole - 1, tuple(beliefs), whole, zero, no, no, zero, zero, zero, no
        )
        counted = np.where(mask, scan.busy_s, 0.0)
        return AlignScanState(
            positions=np.where(mask[:, None], positions, old.positions),
            frame=scan,
            what=np.where(mask, -1, old.what),
            beliefs=tuple(beliefs),
            used=np.where(mask, 1, old.used),
            spent_s=np.where(mask, counted, old.spent_s),
            declared=old.declared & ~mask,
            over=old.over & ~mask,
            progress=np.where(mask, 0.0, old.progress),
            motor_s=np.where(mask, 0.0, old.motor_s),
            count_s=np.where(mask, counted, old.count_s),
            exposed=mask | old.exposed,
        )

    def target(self, state: AlignScanState, action: NDArray[Any]) -> TaskCommand:
        """Turn an action into a scan.

        The numbers: what (quarters of -1 to 1: scan, azimuth, centre, drive); a position for each axis, in the travel;
        which axis, cone, peak or place (equal parts of -1 to 1); how wide and how long per point, logarithmic; above 0
        declares.
        """
        k = len(self.context.instrument.axes)
        kind = np.minimum(((action[:, 0] + 1.0) * 2.0).astype(np.int64), len(MACROS) - 1)
        width = WIDTHS_DEG.seconds(action[:, k + 2])
        count_s = COUNTS_S.seconds(action[:, k + 3])
        near = (np.abs(action[:, 0]) <= DECLARES_WITHIN) & (np.abs(action[:, k + 1]) <= DECLARES_WITHIN)
        declare = (action[:, k + 4] > 0.0) & near
        makers = (self._scan, self._along, self._centre, self._drive)
        rows = [
            makers[kind[row]](state, row, action[row], float(width[row]))
            if not declare[row]
            else _Row(state.positions[row], limited=False)
            for row in range(len(action))
        ]
        target = np.array([self._inside(row.target) for row in rows])
        asked = ScanSettings(
            what=np.array([row.do for row in rows], dtype=np.int64),
            axis=np.array([row.axis for row in rows], dtype=np.int64),
            width_deg=np.array([row.width_deg for row in rows]),
            count_s=count_s,
            about=np.array([row.about for row in rows]),
        )
        needed = travel_time_s(self.context.instrument.axes, state.positions, target) + SETTLE_S
        needed += self._least_s(asked)
        moves = ~declare & (state.spent_s + needed <= self.context.beam_time_s)
        limited = np.array([row.limited for row in rows]) & moves
        where = np.where(moves[:, None], target, state.positions)
        what, choice = (np.array([getattr(row, name) for row in rows], dtype=np.int64) for name in ("what", "choice"))
        return ScanCommand(where, moves, declare, limited, asked=asked, what=what, choice=choice)

    def advance(
        self, state: AlignScanState, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> AlignScanState:
        """Update the state by a scan; see Task.advance."""
        if not isinstance(command, ScanCommand):
            raise TypeError(f"a {type(command).__name__} says nothing of scans; hand back what target() returned")
        scan, moved = _scan_frame(frame), command.moves & mask
        beliefs = list(state.beliefs)
        for row in map(int, np.flatnonzero(moved)):
            beliefs[row] = self._learned(beliefs[row], command, scan, row)
        ends = np.array([scan.where[row, max(int(scan.points[row]) - 1, 0)] for row in range(len(mask))])
        stays = (scan.points > 1) & (command.asked.what != CENTRE) & (scan.count_s.max(axis=1) > 0.0)
        last = np.where(stays[:, None], ends, report.readback)
        last = np.where((command.asked.what == CENTRE)[:, None], scan.centred, last)
        busy = np.where(moved, scan.busy_s, 0.0)
        counted = np.where(moved, scan.exposure_s, 0.0)
        motor = np.where(moved, report.duration_s, 0.0) + busy - counted
        return replace(
            state,
            positions=np.where(moved[:, None], last, state.positions),
            frame=scan,
            what=np.where(moved, command.what, state.what),
            beliefs=tuple(beliefs),
            declared=np.where(mask, command.declare, state.declared),
            over=np.where(mask, ~command.declare & ~command.moves, state.over),
            used=state.used + moved,
            spent_s=state.spent_s + motor + counted,
            motor_s=motor,
            count_s=counted,
            exposed=moved,
        )

    def observe(self, state: AlignScanState) -> Observation:
        """Return the observation, as fresh arrays."""
        return self.view.encode(state)

    def judge(self, state: AlignScanState, truth: Truth | None = None) -> tuple[AlignScanState, Verdict]:
        """Return reward, end and success of the last step.

        Without truth nobody knows what is right: nothing but beam time is paid, and success is never claimed.
        """
        n = len(state.used)
        terminated, truncated = state.declared.copy(), state.over & ~state.declared
        success, progress = np.zeros(n, dtype=np.bool_), state.progress
        metrics: dict[str, NDArray[Any]] = {}
        if truth is not None:
            error = np.array([self._off_deg(state.beliefs[row], truth["u"][row]) for row in range(n)])
            success = terminated & (error <= WITHIN_DEG)
            metrics = {"misorientation_deg": error, "centred": np.array([len(b.centred) for b in state.beliefs])}
            if self.reward.kind == "dense":
                some = np.array([min(len(b.centred), 3) for b in state.beliefs]) / 3.0
                progress = 0.2 * some + 0.3 * (error < 1.0)
        price = self.reward.price / 3600.0 * (state.motor_s + state.count_s)
        reward = progress - state.progress - price + success - self.reward.wrong * (terminated & ~success)
        return replace(state, progress=progress), Verdict(reward, terminated, truncated, success, metrics)

    def costs(self, state: AlignScanState) -> dict[str, NDArray[Any]]:
        """Return the last step's scans, motor, counting and instrument seconds, and dose (seconds in the beam)."""
        return {
            "exposures": state.exposed.astype(np.int64),
            "motor_s": state.motor_s.copy(),
            "exposure_s": state.count_s.copy(),
            "dose": state.count_s.copy(),
            "instrument_s": state.motor_s + state.count_s,
        }

    def _off_deg(self, belief: Belief, u: Float64Array) -> float:
        """Return how far the believed orientation is from the true one, modulo what positions cannot tell apart."""
        if belief.u is None:
            return 180.0
        return float(misorientation_deg(belief.u, u, self.context.known.lattice_rotations))

    def _least_s(self, asked: ScanSettings) -> Float64Array:
        """Return what scans take at least, (n,) seconds."""
        speed = min(axis.speed for axis in self.context.instrument.axes)
        long = np.maximum(POINTS * asked.count_s, np.abs(asked.width_deg) / speed)
        centring = _CENTRE_SCANS * CENTRE_POINTS * asked.count_s + _OVERHEAD_S
        return np.asarray(np.select([asked.what == CENTRE, asked.what == COUNT], [centring, asked.count_s], long))

    def _inside(self, target: Float64Array) -> Float64Array:
        """Return positions (k,) inside limits and envelope, the nearest by the halved axis."""
        low, high = self.context.limits.T
        out = np.clip(target, low, high)
        halved = self.context.instrument.names.index(self.context.instrument.halved)
        half = 0.5 * out[-1]
        out[halved] = np.clip(out[halved], half - ENVELOPE_DEG, half + ENVELOPE_DEG)
        return out

    def _scan(self, state: AlignScanState, row: int, action: Float64Array, width: float) -> _Row:
        k = len(self.context.instrument.axes)
        wanted = self.context.degrees(action[1 : 1 + k])
        target = self._inside(wanted)
        axis = _part(action[k + 1], k)
        low, high = room_of(self.context.instrument, target, axis)
        room = min(width, high - low) * (1.0 - 1e-9)
        middle = float(np.clip(target[axis], low + 0.5 * room, high - 0.5 * room))
        first, room = _nearer_end(middle, room, float(state.positions[row, axis]))
        begin = target.copy()
        begin[axis] = first
        cut = bool(
            abs(room) < 0.999 * width or abs(middle - wanted[axis]) > 1e-6 or np.abs(target - wanted).max() > 1e-9
        )
        return _Row(begin, SCAN, axis, room, what=SCANNED, limited=cut)

    def _along(self, state: AlignScanState, row: int, action: Float64Array, width: float) -> _Row:
        belief = state.beliefs[row]
        which = _part(action[len(self.context.instrument.axes) + 1], MOST_CHOICES)
        if not len(belief.cones):
            return _Row(state.positions[row])
        which = min(which, len(belief.cones) - 1)
        cone, wavelength = belief.cones[which], self.context.beam.wavelength_a
        known = belief.centred[int(np.argmax(belief.intensity))]
        q = scattering_vectors(self.context.instrument, known[None], wavelength)[0][0]
        axis = q / np.linalg.norm(q)
        side = np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))])
        side /= np.linalg.norm(side)
        angle, turn = np.radians(cone.angle_deg), np.radians(np.arange(0.0, 360.0, 30.0))
        ring = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * np.cross(axis, side)
        starts = cone.length * (np.cos(angle) * axis + np.sin(angle) * ring)
        expected = _expected_on(cone, axis, belief, self.context)
        width = min(width, 360.0)
        if expected is not None:
            starts = rotation_matrix(-0.5 * width * axis)[None] @ expected
        found = positions_of(self.context.instrument, starts, wavelength, near=state.positions[row])
        if not found.reachable.any():
            return _Row(state.positions[row])
        seconds = travel_time_s(self.context.instrument.axes, state.positions[row], np.nan_to_num(found.degrees))
        best = int(np.argmin(np.where(found.reachable, seconds, np.inf)))
        return _Row(found.degrees[best], AZIMUTH, 0, width, axis, what=ALONG, choice=which, limited=False)

    def _centre(self, state: AlignScanState, row: int, action: Float64Array, width: float) -> _Row:
        pending = state.beliefs[row].pending
        if not pending:
            return _Row(state.positions[row])
        which = min(_part(action[len(self.context.instrument.axes) + 1], MOST_CHOICES), len(pending) - 1)
        peak = pending[which]
        span = max(2.5 * peak.step_deg, 0.5)
        return _Row(peak.positions, CENTRE, peak.axis, span, peak.about, what=CENTRED, choice=which, limited=False)

    def _drive(self, state: AlignScanState, row: int, action: Float64Array, width: float) -> _Row:
        looks = state.beliefs[row].looks
        if not len(looks):
            return _Row(state.positions[row])
        which = min(_part(action[len(self.context.instrument.axes) + 1], MOST_CHOICES), len(looks) - 1)
        place = self._inside(looks[which])
        axis = self.context.instrument.names.index(self.context.instrument.halved)
        low, high = room_of(self.context.instrument, place, axis)
        room = max(min(width, 2.0 * (place[axis] - low), 2.0 * (high - place[axis])), 1e-3) * (1.0 - 1e-9)
        begin = place.copy()
        begin[axis], room = _nearer_end(float(place[axis]), room, float(state.positions[row, axis]))
        return _Row(begin, SCAN, axis, room, what=DRIVEN, choice=which, limited=abs(room) < 0.999 * width)

    def _learned(self, belief: Belief, command: ScanCommand, scan: ScanFrame, row: int) -> Belief:
        """Return what an episode knows after its scan."""
        what, which = int(command.what[row]), int(command.choice[row])
        if what < 0:
            return belief
        if what == CENTRED:
            peak = belief.pending[which]
            left = tuple(other for other in belief.pending if other is not peak)
            belief = replace(belief, pending=left)
            if not scan.on_peak[row]:
                return with_failed(belief, peak.positions, self.context)
            return with_reflection(belief, scan.centred[row], float(scan.intensity[row]), self.context)
        p = int(scan.points[row])
        most = 1 if what == DRIVEN else MOST_CHOICES
        found = peaks_of(scan.counts[row, :p], scan.count_s[row, :p], most)
        about, axis = command.asked.about[row], int(command.asked.axis[row])
        step = abs(float(command.asked.width_deg[row])) / max(p - 1, 1)
        # where the peak's middle falls between two points the nearer one is driven to: the first scan finds the rest
        peaks = tuple(
            PendingPeak(scan.where[row, one.top].copy(), axis, step, about.copy(), one.significance) for one in found
        )
        if what == ALONG:
            belief = with_tried(belief, belief.cones[which])
        if what == DRIVEN and not peaks:
            return with_empty(replace(belief, pending=()), belief.looks[which], self.context)
        return replace(belief, pending=peaks)


def _nearer_end(middle: float, width: float, here: float) -> tuple[float, float]:
    """Return at which end a scan begins, the nearer one, and how far it goes from there."""
    up = abs(here - (middle - 0.5 * width)) <= abs(here - (middle + 0.5 * width))
    return (middle - 0.5 * width, width) if up else (middle + 0.5 * width, -width)


def _expected_on(cone: Cone, axis: Float64Array, belief: Belief, context: DiffractometerContext) -> Float64Array | None:
    """Return where on a cone (3,) the orientation that came with the crystal has a reflection; None without one."""
    if belief.prior_u is None or belief.candidates is None or not belief.candidates.found:
        return None
    lattice = lattice_of(context.known, cone.length * 1.02, context.beam.wavelength_a)
    near = np.flatnonzero(np.abs(lattice.length - cone.length) < 0.01 * cone.length)
    vectors = lattice.unit[near] @ belief.candidates.found[0].u.T
    angle = np.degrees(np.arccos(np.clip(vectors @ axis, -1.0, 1.0)))
    away = np.abs(angle - cone.angle_deg)
    if not len(near) or away.min() > 2.0:
        return None
    among = away <= away.min() + 0.5
    best = vectors[among][int(np.argmax(lattice.strength[near][among]))]
    return np.asarray(cone.length * best)


def _part(number: float, parts: int) -> int:
    """Return which of so many equal parts of -1 to 1 a number lies in."""
    return min(int((float(number) + 1.0) * 0.5 * parts), parts - 1)


def _scan_frame(frame: Frame) -> ScanFrame:
    if not isinstance(frame, ScanFrame):
        raise TypeError(f"a {type(frame).__name__} holds no scan; DiffractometerAlign runs on a ScanWorld")
    return frame
