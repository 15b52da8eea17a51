"""The ArpesAlign task: bring a flake into beam and focus, its normal along the analyser, a direction along the slit."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.actions import decode_steps
from beamgym.envs.arpes_align.context import STEPS, STILL, ArpesAlignContext, PoseReward
from beamgym.envs.arpes_align.state import MAP_COLUMNS, MAP_ROWS, PoseAlignState, unbegun
from beamgym.envs.arpes_align.views import PoseView, checked_cuts, drawn_row
from beamgym.envs.costs import exposure_costs
from beamgym.envs.task import Observation, TaskCommand, Truth, Verdict
from beamgym.physics.arpes.aligning import FIRST_CUT_S
from beamgym.physics.goniometer import travel_time_s
from beamgym.physics.instrument import AcquireSettings, BoolArray, Float64Array, Frame, MoveReport

_MAP_TURNED_DEG = 1.0
_FAR = {"gamma": 15.0, "azimuth": 30.0, "height": 0.5, "site": 0.5}
"""Errors from which on the dense reward does not tell one from another, degrees and mm."""


@dataclass
class ArpesAlignTask:
    """The rules of ArpesAlign, for any six-axis manipulator and analyser.

    Parameters
    ----------
    context : the public side of the task
    reward : how the episode is paid
    chart : observe the constant-energy map
    """

    context: ArpesAlignContext
    reward: PoseReward = field(default_factory=PoseReward)
    chart: bool = True

    def __post_init__(self) -> None:
        """Make the spaces."""
        self.view = PoseView(self.context, self.chart)
        self.observation_space = self.view.space
        self.action_space: spaces.Box = spaces.Box(-1.0, 1.0, (self.context.action_size,), dtype=np.float32)
        self.settings = AcquireSettings(FIRST_CUT_S)

    def start(
        self,
        previous: PoseAlignState | None,
        positions: Float64Array,
        frame: Frame,
        mask: BoolArray,
        truth: Truth | None = None,
    ) -> PoseAlignState:
        """Begin with the first exposure; see Task.start."""
        fresh = unbegun(positions, self.context.grid.shape)
        state = fresh if previous is None else _chosen(mask, fresh, previous)
        state = self._taken(state, frame, mask, np.zeros(len(mask)))
        return replace(state, near=np.where(mask, self._nearness(truth, len(mask)), state.near))

    def target(self, state: PoseAlignState, action: Float64Array) -> TaskCommand:
        """Turn an action into a pose and a dwell; a move that would leave the axes' travel is shortened."""
        (low, high), held = self.context.limits.T, state.positions[:, :6]
        if self.context.action == "absolute":
            wanted = low + 0.5 * (action[:, :6] + 1.0) * (high - low)
        else:
            wanted = held + decode_steps(action[:, :6], STEPS)
        pose = np.clip(wanted, low, high)
        still = (np.abs(wanted - held) <= STILL).all(axis=1)
        declare = (action[:, 7] > 0.0) & still
        dwell = self.context.dwells.seconds(action[:, 6])
        way_s = travel_time_s(self.context.axes[:6], held, pose)
        moves = ~declare & (state.spent_s + way_s + dwell + self.context.readout_s <= self.context.beam_time_s)
        there = np.concatenate([pose, dwell[:, None]], axis=1)
        stay = np.concatenate([np.clip(held, low, high), state.positions[:, 6:]], axis=1)
        limited = moves & (np.abs(pose - wanted) > 1e-6).any(axis=1)
        return TaskCommand(np.where(moves[:, None], there, stay), moves, declare, limited)

    def advance(
        self, state: PoseAlignState, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> PoseAlignState:
        """Update the state by a move and its cut; see Task.advance."""
        moved = command.moves & mask
        low, high = self.context.limits.T
        made = (report.readback[:, :6] - state.positions[:, :6]) / (high - low) * moved[:, None]
        last = np.concatenate([made, command.limited[:, None]], axis=1)
        state = replace(
            state,
            positions=np.where(moved[:, None], report.readback, state.positions),
            last_move=np.where(mask[:, None], last, state.last_move),
            declared=np.where(mask, command.declare, state.declared),
            over=np.where(mask, ~command.declare & ~command.moves, state.over),
        )
        return self._taken(state, frame, moved, report.duration_s)

    def _taken(self, state: PoseAlignState, frame: Frame, mask: BoolArray, motor_s: Float64Array) -> PoseAlignState:
        """Update the state by the cuts of the masked rows."""
        motor, exposure = np.where(mask, motor_s, 0.0), np.where(mask, frame.exposure_s, 0.0)
        if not mask.any():
            return replace(state, motor_s=motor, exposure_s=exposure)
        cuts = checked_cuts(frame.image, self.context.grid.shape)
        counts = np.where(mask[:, None, None], cuts, state.counts)
        chart, at = state.map.copy(), state.map_at.copy()
        turned = mask & (np.abs(state.positions[:, 4:6] - at).max(axis=1) > _MAP_TURNED_DEG)
        chart[turned], at[turned] = 0.0, state.positions[turned, 4:6]
        rows = np.rint((state.positions[:, 3] + 15.0) / 30.0 * (MAP_ROWS - 1)).astype(int).clip(0, MAP_ROWS - 1)
        if self.context.grid.shape[1] % MAP_COLUMNS == 0:
            chart[mask, rows[mask]] = drawn_row(counts[mask], self.context, frame.exposure_s[mask])
        return replace(
            state,
            counts=counts,
            map=chart,
            map_at=at,
            used=state.used + mask,
            spent_s=state.spent_s + motor + exposure + self.context.readout_s * mask,
            motor_s=motor,
            exposure_s=exposure,
        )

    def observe(self, state: PoseAlignState) -> Observation:
        """Return the observation, as fresh arrays."""
        return self.view.encode(state)

    def judge(self, state: PoseAlignState, truth: Truth | None = None) -> tuple[PoseAlignState, Verdict]:
        """Return reward, end and success of the last step; without truth, on hardware, success is never claimed."""
        n = len(state.used)
        terminated, near = state.declared.copy(), self._nearness(truth, n)
        good = np.zeros(n, dtype=np.bool_) if truth is None else self.stands(truth)
        success, wrong = good & terminated, terminated & ~good & (truth is not None)
        reward = success - self.reward.wrong * wrong
        if self.reward.kind == "dense":
            reward = reward + near - state.near - self.reward.time_cost * self.costs(state)["instrument_s"]
        metrics = {} if truth is None else _errors(truth)
        verdict = Verdict(np.asarray(reward, np.float64), terminated, state.over & ~terminated, success, metrics)
        return replace(state, near=near), verdict

    def stands(self, truth: Truth) -> BoolArray:
        """Return where everything is as success asks, (n,)."""
        within, errors = self.context.within, _errors(truth)
        return np.asarray(
            (truth["flake"] >= 0)
            & (errors["gamma_deg"] <= within.gamma_deg)
            & (errors["azimuth_error_deg"] <= within.azimuth_deg)
            & (errors["height_mm"] <= within.height_mm)
            & (truth["place_score"] >= truth["threshold"])
        )

    def _nearness(self, truth: Truth | None, n: int) -> Float64Array:
        """Return how near all is to what is asked, (n,), 0 to 1; 0 where nobody knows."""
        if truth is None:
            return np.zeros(n)
        errors = _errors(truth)
        lacking = np.clip(np.where(truth["flake"] >= 0, truth["threshold"] - truth["place_score"], np.inf), 0.0, None)
        far = [
            errors["gamma_deg"] / _FAR["gamma"],
            errors["azimuth_error_deg"] / _FAR["azimuth"],
            errors["height_mm"] / _FAR["height"],
            lacking / _FAR["site"],
        ]
        return np.asarray(1.0 - np.minimum(np.array(far), 1.0).mean(axis=0))

    def costs(self, state: PoseAlignState) -> dict[str, NDArray[Any]]:
        """Return the last step's exposures, motor, exposure and instrument seconds, and dose (seconds in the beam)."""
        return exposure_costs(state.motor_s, state.exposure_s, self.context.readout_s)


def _errors(truth: Truth) -> dict[str, NDArray[Any]]:
    return {
        "gamma_deg": np.abs(truth["gamma_deg"]).max(axis=1),
        "azimuth_error_deg": np.abs(truth["azimuth_error_deg"]),
        "height_mm": np.abs(truth["height_mm"]),
    }


def _chosen(mask: BoolArray, fresh: PoseAlignState, previous: PoseAlignState) -> PoseAlignState:
    """Return the state with the masked rows taken from ``fresh``."""
    parts = {}
    for name in PoseAlignState.__dataclass_fields__:
        new, old = getattr(fresh, name), getattr(previous, name)
        parts[name] = np.where(mask.reshape(-1, *[1] * (new.ndim - 1)), new, old)
    return PoseAlignState(**parts)
