"""A sound instrument, world and task, as small as they can be: a lamp on one axis, brightest at a hidden place."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium import spaces

from beamgym.envs.task import TaskCommand, Verdict
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings, Axis, Frame, MoveFailed, MoveReport

BUDGET = 6


class LampHardware:
    """An Instrument: no reset, no truth."""

    def __init__(self, n=1):
        self.n, self.axes, self.context = n, (Axis("slide", (0, 1, 0), "linear", limits=(0.0, 10.0)),), "a lamp"
        self._place, self._brightest = np.full((n, 1), 5.0), np.full(n, 7.0)
        self._counter, self._clock, self._image = np.zeros(n, np.int64), np.zeros(n), np.zeros((n, 1, 2))

    def positions(self):
        return self._place.copy()

    def move(self, target, mask):
        if not ((target >= 0.0) & (target <= 10.0)).all():
            raise MoveFailed("the slide goes from 0 to 10 mm")
        seconds = np.where(mask, np.abs(target - self._place)[:, 0], 0.0)
        self._place = np.where(mask[:, None], target, self._place)
        self._clock = self._clock + seconds
        return MoveReport(self.positions(), seconds)

    def acquire(self, settings, mask):
        light = np.exp(-((self._place[:, 0] - self._brightest) ** 2))
        self._image = np.where(mask[:, None, None], light[:, None, None] * np.ones((1, 1, 2)), self._image)
        self._counter = self._counter + mask
        self._clock = self._clock + mask * settings.exposure_s
        exposure = np.full(self.n, settings.exposure_s)
        return Frame(exposure, self._counter.copy(), self._clock.copy(), self._image.copy())


class LampWorld(LampHardware):
    """A World: the brightest place is drawn from the key."""

    def reset(self, keys, mask):
        drawn = 10.0 * make_keys(keys, 0, 0, 1) / 2.0**64
        self._brightest = np.where(mask, drawn, self._brightest)
        self._place = np.where(mask[:, None], 5.0, self._place)

    def truth(self):
        return {"brightest": self._brightest.copy(), "place": self._place.copy()}


@dataclass(frozen=True)
class LampState:
    place: np.ndarray
    light: np.ndarray
    used: np.ndarray
    declared: np.ndarray
    moved_s: np.ndarray
    exposed: np.ndarray


class LampTask:
    """A Task: slide to where it is bright, and declare."""

    def __init__(self):
        self.observation_space = spaces.Dict(
            {"light": spaces.Box(0.0, 1.0, (1,), np.float32), "place": spaces.Box(0.0, 1.0, (1,), np.float32)}
        )
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.settings = AcquireSettings(1.0)

    def start(self, previous, positions, frame, mask, truth=None):
        n = len(positions)
        no = np.zeros(n, dtype=bool)
        old = previous or LampState(positions, np.zeros(n), np.zeros(n, np.int64), no, np.zeros(n), no)
        return LampState(
            np.where(mask[:, None], positions, old.place),
            np.where(mask, frame.image[:, 0, 0], old.light),
            np.where(mask, 1, old.used),
            old.declared & ~mask,
            np.where(mask, 0.0, old.moved_s),
            mask.copy(),
        )

    def target(self, state, action):
        declare = action[:, 1] > 0.9
        moves = ~declare & (state.used < BUDGET)
        wanted = state.place + 4.0 * action[:, :1]
        target = np.clip(wanted, 0.0, 10.0)
        return TaskCommand(target, moves, declare, (target != wanted)[:, 0] & moves)

    def advance(self, state, command, report, frame, mask):
        moved = mask & command.moves
        return replace(
            state,
            place=np.where(moved[:, None], report.readback, state.place),
            light=np.where(moved, frame.image[:, 0, 0], state.light),
            used=state.used + moved,
            declared=np.where(mask, command.declare, state.declared),
            moved_s=np.where(moved, report.duration_s, 0.0),
            exposed=moved,
        )

    def observe(self, state):
        return {"light": state.light[:, None].astype(np.float32), "place": (state.place / 10.0).astype(np.float32)}

    def judge(self, state, truth=None):
        bright = state.light > 0.5
        metrics = {} if truth is None else {"away_mm": np.abs(truth["brightest"] - truth["place"][:, 0])}
        truncated = (state.used >= BUDGET) & ~state.declared
        return state, Verdict(state.light.copy(), state.declared.copy(), truncated, bright & state.declared, metrics)

    def costs(self, state):
        exposed = state.exposed.astype(float)
        seconds = {"motor_s": state.moved_s.copy(), "exposure_s": exposed, "instrument_s": state.moved_s + exposed}
        return {"exposures": state.exposed.astype(np.int64), "dose": exposed.copy(), **seconds}


@pytest.fixture
def lamp():
    """The classes above, to be used as they are or with a method exchanged."""
    return SimpleNamespace(Hardware=LampHardware, World=LampWorld, Task=LampTask)


@pytest.fixture
def broken():
    """Return a class with one method exchanged: ``broken(base, move=function)``."""

    def exchange(base, **methods):
        return type("Broken", (base,), methods)

    return exchange
