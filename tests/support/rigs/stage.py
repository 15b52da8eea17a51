"""A simulated crystal behind plain Python devices, without a guard: there the plan itself is seen most plainly."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from bluesky import RunEngine
from bluesky import plan_stubs as bps

from beamgym.agents.baselines.align.index_and_move import IndexAndMove
from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.envs.loop.seeding import EpisodeKeys
from beamgym.hardware_bridge.records.frame_store import FrameStore
from beamgym.hardware_bridge.rollout.rollout import Rollout
from beamgym.hardware_bridge.rollout.step_record import StepRecord
from beamgym.physics.instrument import AcquireSettings, MoveReport

ONE = np.ones(1, dtype=np.bool_)


class DoneStatus:
    """A bluesky Status that is done when it is told."""

    def __init__(self):
        self.done, self.success, self._callbacks = False, False, []

    def finish(self, success=True):
        if not self.done:
            self.done, self.success = True, success
            for callback in self._callbacks:
                callback(self)

    def add_callback(self, callback):
        if self.done:
            callback(self)
        else:
            self._callbacks.append(callback)

    def exception(self, timeout=0.0):
        return None if self.success else RuntimeError("failed")


@dataclass
class PlainMotor:
    """One axis of a world; it arrives at once, unless it is held."""

    world: Any
    index: int
    commands: list = field(default_factory=list)
    stops: int = 0
    held: bool = False
    parent: Any = None
    status: Any = None

    @property
    def name(self):
        return self.world.axes[self.index].name

    def __hash__(self):
        return id(self)

    def set(self, value):
        self.commands.append(float(value))
        self.status = DoneStatus()
        if not self.held:
            target = self.world.positions()
            target[0, self.index] = value
            self.world.move(target, ONE)
            self.status.finish()
        return self.status

    def stop(self, success=False):
        self.stops += 1
        if self.status is not None:
            self.status.finish(True)

    def describe(self):
        return {self.name: {"source": "fake", "dtype": "number", "shape": []}}

    def read(self):
        return {self.name: {"value": float(self.world.positions()[0, self.index]), "timestamp": time.time()}}


class PlainInstrument:
    """A world whose moves and exposures are plans."""

    def __init__(self, world, context):
        self.world, self.context, self.axes = world, context, world.axes
        self.motors = [PlainMotor(world, i) for i in range(len(world.axes))]
        self.exposures = 0
        self.latched = ""

    def require_armed(self):
        if self.latched:
            raise RuntimeError(self.latched)

    def require_same_sample(self, task, seen, claimed=True):
        """Nothing here could be exchanged."""

    def positions_plan(self):
        yield from bps.null()
        return self.world.positions()

    def move_plan(self, target):
        for motor, value in zip(self.motors, target[0], strict=True):
            yield from bps.abs_set(motor, value, group="move")
        yield from bps.wait(group="move")
        return MoveReport(self.world.positions(), np.zeros(1))

    def acquire_plan(self):
        yield from bps.null()
        self.exposures += 1
        return self.world.acquire(AcquireSettings(exposure_s=self.context.exposure_s), ONE)

    def acquire_for_plan(self, command):
        return (yield from self.acquire_plan())


class Stage:
    """Everything an episode needs, made once and run as often as a test likes."""

    def __init__(self, folder, seed=5, frames="spots", **options):
        self.task, self.world = build(LaueAlignOptions(frames=frames, **options), 1, False)
        keys = EpisodeKeys(1)
        keys.reseed([seed], lambda: np.random.default_rng(0))
        self.world.reset(keys.next(ONE), ONE)
        self.instrument = PlainInstrument(self.world, self.task.context)
        self.documents, self.finished = [], []
        self.engine = RunEngine(context_managers=[])
        self.engine.subscribe(lambda name, doc: self.documents.append((name, doc)))
        self.store = FrameStore(folder / "episode.nxs") if frames == "rendered" else None

    def rollout(self, policy=None, **options):
        async def finish(well):
            self.finished.append(well)
            await asyncio.sleep(0)

        record = StepRecord(options.pop("frames", self.store))
        return Rollout(
            self.task,
            policy or IndexAndMove(),
            self.instrument,
            record,
            readables=self.instrument.motors,
            finish=finish,
            metadata={"policy": "index-and-move", "instrument": "plain", "axes": self.axes()},
            **options,
        )

    def axes(self):
        return [{"name": axis.name, "unit": "deg", "limits": list(axis.limits)} for axis in self.world.axes]

    def named(self, kind):
        return [doc for name, doc in self.documents if name == kind]

    def events(self, stream="primary"):
        uids = {doc["uid"] for doc in self.named("descriptor") if doc["name"] == stream}
        return [doc for doc in self.named("event") if doc["descriptor"] in uids]

    def close(self):
        loop, thread = self.engine.loop, self.engine._th
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
