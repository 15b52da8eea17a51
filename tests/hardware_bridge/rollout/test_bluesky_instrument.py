"""The same tasks on real devices: an episode through RunEngine and guard equals the one in the simulation."""

import contextlib
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from bluesky import RunEngine

from beamgym.envs.arpes_spot import factory as arpes_factory
from beamgym.envs.arpes_spot.task import ArpesSpotTask
from beamgym.envs.checks import check_instrument
from beamgym.envs.laue_align import factory as laue_factory
from beamgym.envs.loop.episode import EpisodeLoop
from beamgym.envs.loop.instrument_env import InstrumentEnv
from beamgym.hardware_bridge.guard.guard import Guard
from beamgym.hardware_bridge.guard.life import DeadMan
from beamgym.hardware_bridge.instrument_file.load import parse_instrument
from beamgym.hardware_bridge.records.audit import AuditLog
from beamgym.hardware_bridge.rollout.bluesky_instrument import BlueskyInstrument
from beamgym.hardware_bridge.tasks import task_for
from beamgym.physics.arpes.simulator import SimulatedArpes
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings, FrameFailed, MoveFailed, World

ONE = np.ones(1, dtype=np.bool_)
STEPS = [[0.3, 0.1, -0.2, -1.0], [-0.4, 0.5, 0.1, -1.0], [0.2, -0.3, 0.6, -1.0], [0.0, 0.0, 0.0, 1.0]]


class Done:
    done = success = True

    def add_callback(self, callback: Any) -> None:
        callback(self)

    def exception(self, timeout: float | None = 0.0) -> None:
        return None


class WorldAxis:
    """One axis of a simulated world, whose axes move all at once: when the next frame is taken."""

    parent = None

    def __init__(self, stage: "WorldDevices", name: str, index: int) -> None:
        self.name, self._stage, self._index = name, stage, index

    def set(self, value: float) -> Done:
        self._stage.send(self._index, value)
        return Done()

    def stop(self, success: bool = True) -> None:
        return None

    def read(self) -> dict[str, Any]:
        return {self.name: {"value": float(self._stage.where()[self._index]), "timestamp": time.time()}}


class WorldCamera:
    parent = None
    name = "camera"

    def __init__(self, stage: "WorldDevices") -> None:
        self._stage, self._exposure, self._frame = stage, 10.0, None

    def set_exposure(self, seconds: float) -> Done:
        self._exposure = seconds
        return Done()

    def trigger(self) -> Done:
        self._frame = self._stage.expose(self._exposure)
        return Done()

    def stop(self, success: bool = True) -> None:
        return None

    def counter(self) -> int:
        return int(self._stage.counter)

    def read(self) -> dict[str, Any]:
        image, counter = self._frame.image[0], int(self._frame.counter[0])
        values = {"image": image, "counter": counter, "time": time.time()}
        return {f"camera_{key}": {"value": value, "timestamp": 0.0} for key, value in values.items()}


class WorldDevices:
    """A simulated world as plain-Python devices, without shutter, heartbeat or anything else."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self._goal = world.positions()[0].copy()
        self._sent = False
        self.camera = WorldCamera(self)
        self.counter = 0

    def send(self, index: int, value: float) -> None:
        self._goal[index] = value
        self._sent = True

    def where(self) -> Any:
        return self._goal

    def expose(self, exposure_s: float) -> Any:
        if self._sent:
            self.world.move(self._goal[None].copy(), ONE)
        self._sent = False
        frame = self.world.acquire(AcquireSettings(exposure_s=exposure_s), ONE)
        self.counter = int(frame.counter[0])
        return frame

    def devices(self, names: list[str]) -> Any:
        axes = {name: WorldAxis(self, name, index) for index, name in enumerate(names)}
        return SimpleNamespace(
            axes=axes, detector=self.camera, shutter=None, heartbeats={}, suspenders={}, identity=None
        )


def laue_file(world: Any) -> Any:
    detector, known = world.context.detector, world.context.goniometer
    same = ("name", "sign", "zero", "step", "speed", "backlash")
    axes = [
        {
            **{name: getattr(axis, name) for name in same},
            **{name: list(getattr(axis, name)) for name in ("vector", "limits", "point_mm")},
            **{"device": axis.name, "unit": "deg", "tolerance": 0.02, "max_step": 360.0},
        }
        for axis in known.axes
    ]
    content = {
        "name": "silicon",
        "kind": "laue",
        "devices": {
            name: {"adapter": "object", "address": name} for name in [*(axis["name"] for axis in axes), "camera"]
        },
        "axes": axes,
        "goniometer": {"name": known.name, "solve_with": known.solve_with, "wrist_mm": known.wrist_mm},
        "detector": {
            "device": "camera", "shape": list(detector.shape), "origin_mm": list(detector.origin_mm),
            "fast": list(detector.fast), "slow": list(detector.slow), "pixel_mm": detector.pixel_mm,
            "exposure_s": [0.1, 60.0], "saturation": 65535, "max_saturated": 0.05, "peaks": {"gain": 0.25},
        },
        "laue": {"crystal": "Si", "target": "pose [001] [110]"},
    }  # fmt: skip
    return parse_instrument(content)


def arpes_file() -> Any:
    names = ("x", "y", "camera")
    axes = [
        {"name": name, "device": name, "kind": "linear", "unit": "mm", "vector": vector, "limits": [-1.0, 1.0],
         "step": 0.0005, "speed": 0.5, "settle_s": 0.2, "tolerance": 0.01, "max_step": 2.0}
        for name, vector in (("x", [1.0, 0.0, 0.0]), ("y", [0.0, 1.0, 0.0]))
    ]  # fmt: skip
    axes.append({"name": "dwell", "device": "dwell", "kind": "linear", "unit": "s", "vector": [0.0, 0.0, 0.0],
                 "limits": [0.05, 5.0], "tolerance": 0.001, "max_step": 5.0})  # fmt: skip
    devices = {name: {"adapter": "object", "address": name} for name in names}
    return parse_instrument(
        {
            "name": "spectrometer",
            "kind": "arpes",
            "devices": {**devices, "dwell": {"adapter": "exposure", "address": "camera"}},
            "axes": axes,
            "detector": {"device": "camera", "shape": [64, 64], "energy_ev": [-0.55, 0.15], "slit_deg": [-15.0, 15.0],
                         "exposure_s": [0.05, 5.0], "saturation": 1e9},
            "arpes": {},
        }
    )  # fmt: skip


@contextlib.contextmanager
def deployed(file: Any, devices: Any, folder: Any) -> Any:
    """Yield the armed instrument over a RunEngine."""
    engine = RunEngine({}, context_managers=[])
    with AuditLog(folder / "audit.jsonl") as audit:
        guard = Guard(file, devices, audit, confirm=lambda question: True, deadman=DeadMan(), answer_s=10.0)
        instrument = BlueskyInstrument(file, guard, engine)
        instrument.arm()
        try:
            yield instrument
        finally:
            instrument.close()
            engine.loop.call_soon_threadsafe(engine.loop.stop)
            engine._th.join(timeout=10.0)
            engine.loop.close()


@pytest.fixture
def laue_world():
    return laue_factory.build(laue_factory.LaueAlignOptions(level="easy", frames="rendered"), 1, False)


def test_an_episode_on_guarded_devices_equals_the_one_in_the_simulation(laue_world, tmp_path):
    task, world = laue_world
    keys = make_keys(np.array([7], dtype=np.uint64), 0, 0, 0)
    pure = EpisodeLoop(task, world)
    pure.reset(keys, ONE)
    seen = [pure.observation()] + [pure.step(np.array([action]), ONE).observation for action in STEPS]

    _, twin = laue_factory.build(laue_factory.LaueAlignOptions(level="easy", frames="rendered"), 1, False)
    twin.reset(keys, ONE)
    stage = WorldDevices(twin)
    with deployed(laue_file(twin), stage.devices([axis.name for axis in twin.axes]), tmp_path) as instrument:
        # The simulated camera knows its empty picture; that of a real one is not subtracted.
        instrument.guard.detector.finder = twin.camera.find
        loop = EpisodeLoop(task_for(instrument.context), instrument)
        loop.reset(keys, ONE)
        found = [loop.observation()]
        for action in STEPS:
            step = loop.step(np.array([action]), ONE)
            found.append(step.observation)
    for ours, theirs in zip(found, seen, strict=True):
        for name in theirs:
            np.testing.assert_allclose(ours[name], theirs[name], atol=1e-5, err_msg=name)
    assert step.verdict.terminated[0]
    assert "misorientation_deg" not in step.verdict.metrics
    assert "misorientation_estimate_deg" in step.verdict.metrics


def test_an_arpes_episode_on_guarded_devices_equals_the_one_in_the_simulation(tmp_path):
    keys = make_keys(np.array([3], dtype=np.uint64), 0, 0, 0)
    task, world = arpes_factory.build(arpes_factory.ArpesSpotOptions(level="easy", reward="sparse"), 1)
    pure = EpisodeLoop(task, world)
    pure.reset(keys, ONE)
    seen = [pure.observation()] + [pure.step(np.array([action]), ONE).observation for action in STEPS]

    twin = SimulatedArpes(1, "easy")
    twin.reset(keys, ONE)
    stage = WorldDevices(twin)
    stage.camera.set_exposure(0.5)
    devices = stage.devices(["x", "y"])
    devices.axes["dwell"] = WorldAxis(stage, "dwell", 2)
    with deployed(arpes_file(), devices, tmp_path) as instrument:
        assert isinstance(task_for(instrument.context), ArpesSpotTask)
        loop = EpisodeLoop(replace(task, context=instrument.context), instrument)
        loop.reset(keys, ONE)
        found = [loop.observation()]
        for action in STEPS:
            found.append(loop.step(np.array([action]), ONE).observation)
    for ours, theirs in zip(found, seen, strict=True):
        for name in theirs:
            np.testing.assert_allclose(ours[name], theirs[name], atol=2e-3, err_msg=name)


def test_it_is_an_instrument_and_no_world(laue_world, tmp_path):
    _, twin = laue_world
    stage = WorldDevices(twin)
    with deployed(laue_file(twin), stage.devices([axis.name for axis in twin.axes]), tmp_path) as instrument:
        check_instrument(instrument, moves="all")
        assert not isinstance(instrument, World)
        assert instrument.axes == twin.axes


def test_reset_of_an_environment_exposes_and_never_moves(laue_world, tmp_path):
    _, twin = laue_world
    twin.reset(make_keys(np.array([1], dtype=np.uint64), 0, 0, 0), ONE)
    stage = WorldDevices(twin)
    with deployed(laue_file(twin), stage.devices([axis.name for axis in twin.axes]), tmp_path) as instrument:
        before = instrument.positions()
        env = InstrumentEnv(task_for(instrument.context), instrument)
        env.reset(seed=1)
        assert np.array_equal(instrument.positions(), before)
        assert not any(axis.state.commanded for axis in instrument.guard.axes.values())
        with pytest.raises(ValueError, match="never moves a real instrument"):
            env.reset(options={"mount": np.eye(3)})


def test_a_refused_move_raises_move_failed_with_the_guards_line(laue_world, tmp_path):
    _, twin = laue_world
    stage = WorldDevices(twin)
    with deployed(laue_file(twin), stage.devices([axis.name for axis in twin.axes]), tmp_path) as instrument:
        target = instrument.positions()
        target[0, 0] = 500.0
        with pytest.raises(MoveFailed, match=r"item 1: .* was to go to 500, its limits are"):
            instrument.move(target, ONE)
        with pytest.raises(FrameFailed, match="latched"):
            instrument.acquire(AcquireSettings(), ONE)
