"""The DiffractometerAlign task: from a crystal that nobody knows how it stands to its UB matrix, by scanning."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.diffractometer_align.asking import MAKERS, RowCommand, inside
from beamgym.envs.diffractometer_align.belief import Belief, blank_belief
from beamgym.envs.diffractometer_align.context import (
    COUNTS_S,
    MACROS,
    WIDTHS_DEG,
    WITHIN_DEG,
    AlignReward,
    DiffractometerContext,
)
from beamgym.envs.diffractometer_align.state import AlignScanState
from beamgym.envs.diffractometer_align.thinking import learned, thought
from beamgym.envs.diffractometer_align.views import AlignScanView
from beamgym.envs.task import Observation, TaskCommand, Truth, Verdict
from beamgym.physics.diffractometer.scans import (
    CENTRE,
    CENTRE_POINTS,
    COUNT,
    FIRST_COUNT_S,
    POINTS,
    SETTLE_S,
    ScanFrame,
    ScanSettings,
)
from beamgym.physics.goniometer import travel_time_s
from beamgym.physics.instrument import AcquireSettings, BoolArray, Float64Array, Frame, Int64Array, MoveReport
from beamgym.physics.orientation import misorientation_deg

DECLARES_WITHIN: Final = 0.05
"""Declaring counts where the action's first number and its choice lie so near to 0: a fresh Gaussian policy does so
once in some hundred steps."""
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
        which axis, cone, peak or place (equal parts of -1 to 1); how wide and how long per point, logarithmic. The last
        one, above 0, declares where the first one and the choice are near 0; else a scan ends behind its first peak.
        """
        k = len(self.context.instrument.axes)
        kind = np.minimum(((action[:, 0] + 1.0) * 2.0).astype(np.int64), len(MACROS) - 1)
        width = WIDTHS_DEG.seconds(action[:, k + 2])
        count_s = COUNTS_S.seconds(action[:, k + 3])
        near = (np.abs(action[:, 0]) <= DECLARES_WITHIN) & (np.abs(action[:, k + 1]) <= DECLARES_WITHIN)
        declare = (action[:, k + 4] > 0.0) & near
        rows = [
            MAKERS[kind[row]](self.context, state, row, action[row], float(width[row]))
            if not declare[row]
            else RowCommand(state.positions[row], limited=False)
            for row in range(len(action))
        ]
        target = np.array([inside(self.context, row.target) for row in rows])
        asked = ScanSettings(
            what=np.array([row.do for row in rows], dtype=np.int64),
            axis=np.array([row.axis for row in rows], dtype=np.int64),
            width_deg=np.array([row.width_deg for row in rows]),
            count_s=count_s,
            about=np.array([row.about for row in rows]),
            brief=(action[:, k + 4] > 0.0) & ~declare,
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
            what, which = int(command.what[row]), int(command.choice[row])
            beliefs[row] = learned(beliefs[row], what, which, command.asked, scan, row, self.context)
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


def _scan_frame(frame: Frame) -> ScanFrame:
    if not isinstance(frame, ScanFrame):
        raise TypeError(f"a {type(frame).__name__} holds no scan; DiffractometerAlign runs on a ScanWorld")
    return frame
