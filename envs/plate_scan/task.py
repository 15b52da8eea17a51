"""The PlateScan task: learn how the crystals of a plate stand, in little beam time."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.costs import exposure_costs
from beamgym.envs.plate_scan.context import FIRST_EXPOSURE_S, KNOWN_DEG, ScanContext, ScanReward
from beamgym.envs.plate_scan.outline_table import OutlineTable
from beamgym.envs.plate_scan.readings import FrameReading, ReadFrame, Reads, apart_deg, as_brought, stated_deg
from beamgym.envs.plate_scan.state import ScanState, blank, cleared
from beamgym.envs.plate_scan.views import ScanView
from beamgym.envs.task import Observation, TaskCommand, Truth, Verdict
from beamgym.physics.goniometer import travel_time_s
from beamgym.physics.instrument import (
    AcquireSettings,
    BoolArray,
    Float64Array,
    Frame,
    Int64Array,
    MoveReport,
)
from beamgym.physics.mosaic.scan import MARGIN_MM, SAME_DEG, SAME_UNCALIBRATED_DEG

STOPS_WITHIN: Final = 0.05
"""Stopping counts where the action points so near to the crystal's middle along x and along y: a fresh Gaussian policy
does so once in some hundred steps, and whoever means it can say it with a twentieth of the action's range."""
WHOLE: Final = 0.9
"""Share of the single crystals' mass that must be known for an episode to count as solved."""
SPOILT: Final = 0.05
"""Share of the plate's mass that may be believed wrongly then."""
SURE: Final = 4.0
"""Standard errors by which two frames of one crystal must differ to show two grains."""


@dataclass(frozen=True)
class ScanCommand(TaskCommand):
    """A TaskCommand that says which crystal it is about.

    Parameters
    ----------
    crystal : (n,) that is looked at
    gives_up : (n,) the crystal that was looked at before is given up
    """

    crystal: Int64Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    gives_up: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))


@dataclass
class PlateScanTask:
    """The rules of PlateScan, for any stage with a Laue camera.

    Parameters
    ----------
    context : the public side of the task
    reward : how the episode is paid
    reads : reads frames; by default what they bring themselves
    table : observe every crystal, not only the present one and the next
    """

    context: ScanContext
    reward: ScanReward = field(default_factory=ScanReward)
    reads: Reads = as_brought
    table: bool = True

    def __post_init__(self) -> None:
        self.settings = AcquireSettings(exposure_s=FIRST_EXPOSURE_S)
        self.action_space: spaces.Box = spaces.Box(-1.0, 1.0, (self.context.action_size,), dtype=np.float32)
        self.view = ScanView(self.context, self.table)
        self.observation_space = self.view.space
        self._inset_mm = 0.5 * self.context.beam_mm + MARGIN_MM

    def start(
        self,
        previous: ScanState | None,
        positions: Float64Array,
        frame: Frame,
        mask: BoolArray,
        truth: Truth | None = None,
    ) -> ScanState:
        """Begin where the stage stands; the first frame belongs to no crystal yet. See Task.start."""
        state = cleared(previous if previous is not None else blank(positions, self.context.crystals), mask)
        exposure = np.where(mask, frame.exposure_s, 0.0)
        return replace(
            state,
            positions=np.where(mask[:, None], positions, state.positions),
            plates=state.plates.merged(self._plates(frame, len(mask)), mask),
            used=state.used + mask,
            spent_s=state.spent_s + exposure + self.context.readout_s * mask,
            motor_s=np.zeros(len(mask)),
            exposure_s=exposure,
        )

    def target(self, state: ScanState, action: Float64Array) -> ScanCommand:
        """Turn an action into a crystal, a place on it and an exposure.

        The numbers: below 0 the same crystal again, else the next one; where on it (2); how long; above 0 gives the
        present one up if it is not indexed; above 0 stops. "anywhere" has a point of the plate (2) after the first.
        """
        again, pointed, long, quits, stops = self._parts(action)
        rows = np.arange(len(action))
        visited = state.crystal >= 0
        here = np.maximum(state.crystal, 0)
        gives_up = visited & (quits > 0.0) & ~(state.indexed | state.several)[rows, here]
        open_ = state.unfinished
        open_[rows, here] &= ~visited
        there, any_left = self._nearest(state, open_, action)
        goes_on = (again >= 0.0) | gives_up | ~visited
        done = goes_on & ~any_left
        stop = (stops > 0.0) & (np.abs(pointed) < STOPS_WITHIN).all(axis=1)
        crystal = np.where(goes_on & any_left, there, here)
        place = state.plates.place(crystal, pointed, self._inset_mm)
        low, high = self.context.limits_mm.T
        target = np.concatenate([np.clip(place, low, high), self.context.exposure_of(long)[:, None]], axis=1)
        held = np.concatenate([np.clip(state.positions[:, :2], low, high), state.positions[:, 2:]], axis=1)
        needed = travel_time_s(self.context.stage, held[:, :2], target[:, :2]) + target[:, 2] + self.context.readout_s
        # nothing is left to visit: the plate is done, which is no accident
        declare = stop | (done & ~(visited & ~gives_up & self._still_open(state, here)))
        moves = ~declare & (state.spent_s + needed <= self.context.beam_time_s)
        limited = (target[:, :2] != place).any(axis=1) & moves
        where = np.where(moves[:, None], target, held)
        return ScanCommand(where, moves, declare, limited, crystal=crystal, gives_up=gives_up)

    def advance(
        self, state: ScanState, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> ScanState:
        """Update the state by a move and its frame; see Task.advance."""
        if not isinstance(command, ScanCommand):
            raise TypeError(f"a {type(command).__name__} names no crystal; hand back what target() returned")
        moved = command.moves & mask
        rows = np.arange(len(mask))
        given_up = state.given_up.copy()
        given_up[rows, np.maximum(state.crystal, 0)] |= command.gives_up & mask
        exposure = np.where(moved, frame.exposure_s, 0.0)
        motor = np.where(moved, report.duration_s, 0.0)
        state = replace(
            state,
            positions=np.where(moved[:, None], report.readback, state.positions),
            given_up=given_up,
            stopped=np.where(mask, command.declare, state.stopped),
            over=np.where(mask, ~command.declare & ~command.moves, state.over),
            used=state.used + moved,
            spent_s=state.spent_s + motor + exposure + self.context.readout_s * moved,
            motor_s=motor,
            exposure_s=exposure,
        )
        if not moved.any():
            return state
        crystal = np.where(moved, command.crystal, state.crystal)
        at = np.maximum(crystal, 0)
        reading = self.reads(frame, state.estimate_deg[rows, at], state.indexed[rows, at], moved)
        return self._looked(replace(state, crystal=crystal), reading, at, moved)

    def observe(self, state: ScanState) -> Observation:
        """Return the observation, as fresh arrays."""
        open_ = state.unfinished
        open_[np.arange(len(open_)), np.maximum(state.crystal, 0)] &= state.crystal < 0
        there, any_left = self._nearest(state, open_, None)
        return self.view.encode(state, there, any_left)

    def judge(self, state: ScanState, truth: Truth | None = None) -> tuple[ScanState, Verdict]:
        """Return reward, end and success of the last step.

        Without truth, on hardware, nobody knows what is right: the reward is of what is believed, and success is never
        claimed.
        """
        share, believed = state.plates.mass_share, state.believed
        known = believed if truth is None else believed & known_of(state, truth)
        known_share = (share * known).sum(axis=1)
        wrong_share = (share * (believed & ~known)).sum(axis=1)
        worth = known_share - self.reward.wrong * wrong_share
        terminated, truncated = state.stopped.copy(), state.over & ~state.stopped
        hours = state.spent_s / 3600.0
        if self.reward.kind == "rate":
            reward = np.where(terminated | truncated, worth / np.maximum(hours, 1e-9), 0.0)
        else:
            reward = worth - state.worth - self.reward.price / 3600.0 * self.costs(state)["instrument_s"]
        success = np.zeros(len(worth), dtype=np.bool_)
        metrics: dict[str, NDArray[Any]] = {}
        if truth is not None:
            single = (share * (truth["what"] == 0) * state.plates.present).sum(axis=1)
            success = terminated & (known_share >= WHOLE * single) & (wrong_share <= SPOILT)
            per_hour = known_share / np.maximum(hours, 1e-9)
            metrics = {"known_share": known_share, "wrong_share": wrong_share, "known_per_hour": per_hour}
        return replace(state, worth=worth), Verdict(reward, terminated, truncated, success, metrics)

    def costs(self, state: ScanState) -> dict[str, NDArray[Any]]:
        """Return the last step's exposures, motor, exposure and instrument seconds, and dose (seconds in the beam)."""
        return exposure_costs(state.motor_s, state.exposure_s, self.context.readout_s)

    def _parts(self, action: Float64Array) -> tuple[Float64Array, ...]:
        first = 1 if self.context.action == "nearest" else 3
        return action[:, 0], action[:, first : first + 2], *action[:, first + 2 :].T

    def _nearest(self, state: ScanState, among: BoolArray, action: Float64Array | None) -> tuple[Int64Array, BoolArray]:
        """Return the crystal (n,) among some (n, m) that is nearest, and whether there is any."""
        at = state.positions[:, :2]
        if action is not None and self.context.action == "anywhere":
            low, high = self.context.limits_mm.T
            at = low + 0.5 * (action[:, 1:3] + 1.0) * (high - low)
        away = ((state.plates.centre_mm - at[:, None]) ** 2).sum(axis=2)
        nearest = np.where(among, away, np.inf).argmin(axis=1)
        return np.asarray(nearest, dtype=np.int64), np.asarray(among.any(axis=1), dtype=np.bool_)

    @staticmethod
    def _still_open(state: ScanState, crystal: Int64Array) -> BoolArray:
        return np.asarray(state.unfinished[np.arange(len(crystal)), crystal], dtype=np.bool_)

    def _plates(self, frame: Frame, n: int) -> OutlineTable:
        if isinstance(frame, ReadFrame) and isinstance(frame.plates, OutlineTable):
            return frame.plates
        return OutlineTable.of([self.context.outlines] * n, self.context.crystals)

    def _looked(self, state: ScanState, reading: FrameReading, at: Int64Array, moved: BoolArray) -> ScanState:
        """Take in what the frames of the masked rows tell of the crystals ``at`` (n,)."""
        rows = np.flatnonzero(moved)
        k = at[rows]
        places = state.positions[rows, :2]
        names = (
            *("looks", "beam_s", "spots", "all_spots", "first_mm", "spread_mm"),
            *("indexed", "several", "angles_deg", "calibrated_deg"),
        )
        new: dict[str, Any] = {name: getattr(state, name).copy() for name in names}
        first = new["looks"][rows, k] == 0
        new["first_mm"][rows[first], k[first]] = places[first]
        away = np.hypot(*(places - new["first_mm"][rows, k]).T)
        new["spread_mm"][rows, k] = np.maximum(new["spread_mm"][rows, k], away)
        new["looks"][rows, k] += 1
        new["beam_s"][rows, k] += state.exposure_s[rows]
        new["spots"][rows, k] = reading.spots[rows]
        good = reading.indexed[rows]
        had, spots = new["indexed"][rows, k] & good, reading.spots[rows].astype(np.float64)
        calibrated = state.calibrated[rows]
        angles = np.where(calibrated[:, None], reading.calibrated_deg[rows], reading.angles_deg[rows])
        noise, _ = stated_deg(spots, calibrated)
        same = np.maximum(np.where(calibrated, SAME_DEG, SAME_UNCALIBRATED_DEG), SURE * np.sqrt(2.0) * noise)
        differs = had & (apart_deg(angles, state.estimate_deg[rows, k]) > same)
        new["several"][rows, k] |= (good & reading.several[rows]) | differs
        joins = good & ~differs
        before = np.where(had, new["all_spots"][rows, k], 0.0)
        share = np.where(joins, spots / np.maximum(before + spots, 1.0), 0.0)
        for name, read in (("angles_deg", reading.angles_deg), ("calibrated_deg", reading.calibrated_deg)):
            new[name][rows, k] += share[:, None] * _turned(read[rows] - new[name][rows, k])
        new["all_spots"][rows, k] = before + np.where(joins, spots, 0.0)
        new["indexed"][rows, k] |= good
        given_up = state.given_up.copy()
        given_up[rows, k] &= ~good  # who looks again and finds it has not given it up
        return replace(state, given_up=given_up, **new)


def _turned(change: Float64Array) -> Float64Array:
    """Return changes of angles (..., 3) with the turn by the shorter way round."""
    out = change.copy()
    out[..., 2] = np.mod(out[..., 2] + 180.0, 360.0) - 180.0
    return out


def known_of(state: ScanState, truth: Truth) -> BoolArray:
    """Return the single crystals (n, m) whose orientation is known to ``KNOWN_DEG``, whether believed or not."""
    off = apart_deg(state.estimate_deg, truth["angles_deg"], truth["fold_deg"][:, None])
    known: BoolArray = state.indexed & (truth["what"] == 0) & (off <= KNOWN_DEG)
    return known
