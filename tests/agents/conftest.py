"""A world so small that everything about it is known: three motors, a hidden offset, and the aim to cancel it."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from gymnasium import spaces

from beamgym.envs.loop.vector_env import InstrumentVectorEnv
from beamgym.envs.task import TaskCommand, Verdict, finite_action
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings, Axis, Frame, MoveReport

BUDGET = 6


class ThreeMotors:
    """A World: each sample has a hidden offset (3,) in [-1, 1], drawn from its key; frames are empty."""

    def __init__(self, n):
        self.n = n
        self.axes = tuple(
            Axis(name, vector=(1.0, 0.0, 0.0), limits=(-2.0, 2.0)) for name in ("first", "second", "third")
        )
        self.context = "three motors"
        self.offset = np.zeros((n, 3))
        self._positions = np.zeros((n, 3))

    def reset(self, keys, mask):
        draws = make_keys(keys[:, None], np.arange(3)) / 2.0**63 - 1.0
        self.offset = np.where(mask[:, None], draws, self.offset)
        self._positions = np.where(mask[:, None], 0.0, self._positions)

    def truth(self):
        return {"offset": self.offset.copy(), "positions": self._positions.copy()}

    def positions(self):
        return self._positions.copy()

    def move(self, target, mask):
        self._positions = np.where(mask[:, None], target, self._positions)
        return MoveReport(self.positions(), np.where(mask, 1.0, 0.0))

    def acquire(self, settings, mask):
        return Frame(np.full(self.n, settings.exposure_s), np.zeros(self.n, dtype=np.int64), np.zeros(self.n))


@dataclass(frozen=True)
class Count:
    exposures: np.ndarray
    positions: np.ndarray
    declared: np.ndarray
    moved_s: np.ndarray
    offset: np.ndarray


class CancelTheOffset:
    """A Task: step up to 0.5 per motor, declare when the positions cancel the offset to 0.1."""

    def __init__(self):
        unit = {"low": -1.0, "high": 1.0, "dtype": np.float32}
        self.observation_space = spaces.Dict(
            {
                "offset": spaces.Box(-4.0, 4.0, (3,), np.float32),
                "budget": spaces.Box(0.0, 1.0, (1,), np.float32),
            }
        )
        self.action_space = spaces.Box(shape=(4,), **unit)
        self.settings = AcquireSettings()

    def start(self, previous, positions, frame, mask, truth=None):
        n = len(positions)
        fresh = Count(np.ones(n, dtype=np.int64), positions, np.zeros(n, dtype=bool), np.zeros(n), truth["offset"])
        if previous is None:
            return fresh
        rows = {"offset", "positions"}
        pick = {
            name: np.where(mask[:, None] if name in rows else mask, getattr(fresh, name), getattr(previous, name))
            for name in fresh.__dataclass_fields__
        }
        return Count(**pick)

    def target(self, state, action):
        action = finite_action(action, self.action_space, len(state.exposures))
        wanted = state.positions + 0.5 * action[:, :3]
        target = np.clip(wanted, -2.0, 2.0)
        declare = action[:, 3] > 0
        return TaskCommand(target, ~declare, declare, (target != wanted).any(axis=1))

    def advance(self, state, command, report, frame, mask):
        moved = mask & ~command.declare
        return replace(
            state,
            exposures=state.exposures + moved,
            positions=np.where(mask[:, None], report.readback, state.positions),
            declared=np.where(mask, command.declare, state.declared),
            moved_s=report.duration_s,
        )

    def observe(self, state):
        return {
            "offset": (state.positions + state.offset).astype(np.float32),
            "budget": (1.0 - state.exposures[:, None] / BUDGET).astype(np.float32),
        }

    def judge(self, state, truth=None):
        error = np.abs(state.positions + truth["offset"]).max(axis=1)
        truncated = (state.exposures >= BUDGET) & ~state.declared
        success = state.declared & (error < 0.1)
        return state, Verdict(success - error, state.declared, truncated, success, {"misorientation_deg": error})

    def costs(self, state):
        exposed = (~state.declared).astype(float)
        costs = {"exposures": exposed, "motor_s": state.moved_s, "exposure_s": 10.0 * exposed, "dose": exposed}
        return {**costs, "instrument_s": state.moved_s + 12.0 * exposed}


@pytest.fixture
def make_three_motors():
    """Return a maker of native vector environments of the small world."""

    def make(n, autoreset_mode="SameStep"):
        return InstrumentVectorEnv(CancelTheOffset(), ThreeMotors(n), autoreset_mode=autoreset_mode)

    return make
