"""What the practice instrument shows is what an environment of the same seed has: frames, readings and truth."""

import shutil
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

import beamgym  # noqa: F401 - registers the environments
from beamgym.hardware_bridge.practice.simulated.hardware import EmulatedHardware
from beamgym.hardware_bridge.practice.simulated.sample import EmulatedSample
from beamgym.hardware_bridge.practice.simulated.state import StateFile
from beamgym.hardware_bridge.practice.simulated.truth import TruthRecord
from beamgym.physics.arpes.stage import STAGES

MOVES = 3


class Follower:
    """Does with the emulated hardware what a client would do to follow an environment: move all axes, expose, read."""

    def __init__(self, sample, state=None):
        self.now = 1_000_000.0
        self.hardware = EmulatedHardware(sample, TruthRecord(None), StateFile(state), clock=lambda: self.now)

    def begin(self, seed):
        self.hardware.reset(seed)
        self.hardware.command_shutter(True)
        return self.expose()

    def move(self, target):
        for name, place in zip(self.hardware.motors, target, strict=False):
            self.hardware.move(name, float(place))
        self.wait()
        if len(target) > len(self.hardware.motors):
            self.hardware.exposure_s = float(target[-1])
        return np.array([self.hardware.readback(name) for name in self.hardware.motors])

    def expose(self):
        self.hardware.expose()
        self.wait()
        return self.hardware.frame.image

    def wait(self):
        while self.hardware.next_event() < np.inf:
            self.now = self.hardware.next_event()
            self.hardware.advance()


def commands(env, seed):
    """Step an environment at random, yielding the absolute targets it sends and what it got."""
    env.reset(seed=seed)
    loop = env.unwrapped.loop
    yield None, None, loop.frame.image[0]
    generator = np.random.default_rng(seed)
    for _ in range(MOVES):
        action = generator.uniform(-1.0, 1.0, env.action_space.shape).astype(np.float32)
        action[-1] = -1.0
        target = loop.task.target(loop.state, action[None].astype(np.float64)).target[0]
        env.step(action)
        yield target, loop.state.positions[0], loop.frame.image[0]


@pytest.fixture(scope="module")
def laue_sample():
    return EmulatedSample("laue", {"level": "real"})


@pytest.fixture(scope="module")
def arpes_sample():
    return EmulatedSample("arpes", {"level": "real"})


@pytest.mark.parametrize("seed", [0, 7])
def test_a_laue_episode_has_the_frames_and_the_truth_of_the_environment(laue_sample, seed):
    follower = Follower(laue_sample)
    env = gym.make("beamgym/LaueAlign-v0", frames="rendered", level="real")
    for target, positions, image in commands(env, seed):
        if target is None:
            assert np.array_equal(follower.begin(seed), image)
            continue
        assert np.array_equal(follower.move(target), positions)
        assert np.array_equal(follower.expose(), image)
    truth, wanted = follower.hardware.truth(), env.unwrapped.loop.instrument.truth()
    assert np.array_equal(truth["orientation"], wanted["orientation"][0])
    assert truth["misorientation_deg"] == pytest.approx(
        env.step(np.array([0.0, 0.0, 0.0, 1.0]))[4]["misorientation_deg"], abs=1e-9
    )


@pytest.mark.parametrize("seed", [0, 7])
def test_an_arpes_episode_has_the_spectra_the_noise_and_the_truth_of_the_environment(arpes_sample, seed):
    follower = Follower(arpes_sample)
    standing = replace(STAGES["stepper"], overlap=False)
    env = gym.make("beamgym/ArpesSpot-v0", level="real", stage=standing)
    for target, positions, image in commands(env, seed):
        if target is None:
            assert np.array_equal(follower.begin(seed), image)
            continue
        assert follower.move(target) == pytest.approx(positions[:2], abs=1e-12)
        assert np.array_equal(follower.expose(), image)
    truth, wanted = follower.hardware.truth(), env.unwrapped.loop.instrument.truth()
    for name in ("place_mm", "place_score", "threshold"):
        assert np.array_equal(truth[name], wanted[name][0])
    assert truth["inside"] == bool(wanted["place_score"][0] >= wanted["threshold"][0])


def test_a_motor_stopped_on_its_way_has_dragged_the_axis_there_and_no_further(laue_sample):
    follower = Follower(laue_sample)
    follower.begin(3)
    before = np.array(follower.hardware.truth()["orientation"])
    follower.hardware.move("j1", 20.0)
    follower.now += 5.0
    follower.hardware.stop("j1")
    after = np.array(follower.hardware.truth()["orientation"])
    turned = np.degrees(np.arccos((np.trace(after @ before.T) - 1.0) / 2.0))
    backlash = follower.hardware.sample.world.level.backlash_deg
    assert turned == pytest.approx(10.0 - 0.5 * backlash, abs=1e-6)


def test_the_sample_comes_back_as_it_was_after_the_death_of_its_server(laue_sample, tmp_path):
    follower = Follower(laue_sample, tmp_path / "state.json")
    follower.begin(11)
    follower.move([5.0, -3.0, 0.0, 0.0, 2.0, 1.0])
    follower.expose()
    follower.hardware.move("j1", -4.0)
    follower.wait()
    shutil.copy(tmp_path / "state.json", tmp_path / "at_death.json")
    held, shown = follower.hardware.truth()["orientation"], follower.expose()
    laue_sample.reset(0)
    revived = Follower(laue_sample, tmp_path / "at_death.json")
    assert revived.hardware.truth()["frames"] == 2
    assert revived.hardware.truth()["orientation"] == held
    assert np.array_equal(revived.expose(), shown)


def test_unknown_instruments_and_options_are_refused():
    with pytest.raises(ValueError, match="unknown instrument 'xps'; choose one of laue, arpes"):
        EmulatedSample("xps", {})
    with pytest.raises(TypeError, match="unknown option colour"):
        EmulatedSample("laue", {"colour": "red"})
