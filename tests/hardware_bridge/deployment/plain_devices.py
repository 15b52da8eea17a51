"""Plain Python devices of a simulated crystal, as a user's own file for `--devices` has them.

Tests copy it, and change SIGNS (a motor that turns the wrong way round) and FAULTS (moves that fail) in the copy.
"""

import threading
import time

import numpy as np

from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.envs.loop.seeding import EpisodeKeys
from beamgym.physics.instrument import AcquireSettings

ONE = np.ones(1, dtype=np.bool_)
TASK, WORLD = build(LaueAlignOptions(frames="rendered"), 1, False)
KEYS = EpisodeKeys(1)
KEYS.reseed([11], np.random.default_rng)
WORLD.reset(KEYS.next(ONE), ONE)
STANDS, TURN = WORLD.positions(), threading.Lock()
SIGNS = [1.0] * len(WORLD.axes)
FAULTS: list[int] = []
"""Numbers of the moves, counted from 0 over all motors, that fail."""

MOVES = iter(range(10**6))


class Done:
    done, success = True, True

    def add_callback(self, callback):
        callback(self)

    def exception(self, timeout=0.0):
        return None


class Motor:
    parent = None

    def __init__(self, index):
        self.index, self.name = index, f"my_{WORLD.axes[index].name}"

    def set(self, value):
        if next(MOVES) in FAULTS:
            raise RuntimeError("the controller tripped")
        with TURN:
            STANDS[0, self.index] = SIGNS[self.index] * value
            WORLD.move(STANDS, ONE)
        return Done()

    def stop(self, success=False):
        pass

    def read(self):
        value = SIGNS[self.index] * float(WORLD.positions()[0, self.index])
        return {self.name: {"value": value, "timestamp": time.time()}}

    def describe(self):
        return {self.name: {"source": "mine", "dtype": "number", "shape": []}}


class Camera:
    name, parent = "my_camera", None

    def __init__(self):
        self.image, self.counter, self.time_s = np.zeros(TASK.context.detector.shape, np.uint16), 0, 0.0

    def trigger(self):
        frame = WORLD.acquire(AcquireSettings(exposure_s=10.0), ONE)
        self.image, self.counter, self.time_s = frame.image[0], self.counter + 1, time.time()
        return Done()

    def read(self):
        values = {"image": self.image, "counter": self.counter, "time": self.time_s}
        return {f"my_camera_{key}": {"value": value, "timestamp": time.time()} for key, value in values.items()}

    def describe(self):
        return {}


def devices():
    return {**{f"my_{axis.name}": Motor(i) for i, axis in enumerate(WORLD.axes)}, "my_camera": Camera()}
