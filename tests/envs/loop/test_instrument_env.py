"""One environment over a World, and the same one over an instrument that knows no truth and is never moved by reset."""

import warnings

import numpy as np
import pytest

from beamgym.envs.actions import encode_rotation
from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.envs.loop.instrument_env import InstrumentEnv
from beamgym.envs.make import make_env
from beamgym.physics.instrument import Frame, FrameFailed, Peaks
from beamgym.physics.orientation import rotation_matrix, rotation_vector_deg

DECLARE = np.array([0, 0, 0, 1.0])


class Hardware:
    """What a real instrument offers: no reset, no truth. It hides a simulated one and counts what is asked of it."""

    def __init__(self, world):
        self.world, self.n, self.axes, self.context = world, 1, world.axes, world.context
        self.moves = self.frames = 0
        self.peaks = None

    def positions(self):
        return self.world.positions()

    def move(self, target, mask):
        self.moves += 1
        return self.world.move(target, mask)

    def acquire(self, settings, mask):
        self.frames += 1
        frame = self.world.acquire(settings, mask)
        return frame if self.peaks is None else Frame(frame.exposure_s, frame.counter, frame.time_s, None, self.peaks)


def real(seed=5, image=False, mount=None, **options):
    task, world = build(LaueAlignOptions(**{"level": "real", "goniometer": "e4cv", **options}), 1, image)
    world.reset(np.array([seed], np.uint64), np.ones(1, bool), **({} if mount is None else {"mount": mount}))
    return InstrumentEnv(task, Hardware(world))


def away(env):
    """Return the turn to the nearest goal, (3,) degrees, which only the hidden world knows."""
    truth = env.loop.instrument.world.truth()["orientation"]
    goal = env.loop.task.context.target.goal(truth)
    return rotation_vector_deg(goal @ truth.transpose(0, 2, 1))[0]


def go_home(env):
    for _ in range(3):
        turn = encode_rotation(away(env)[None], env.loop.task.context.max_rotation_deg)[0]
        last = env.step(np.append(turn, -1.0))
    return last


class TestHardware:
    def test_reset_exposes_in_place_and_never_moves(self):
        env = real()
        env.reset(seed=0)
        env.step(np.array([0.4, 0.0, 0.0, -1.0]))
        there = env.loop.instrument.positions()
        observation, info = env.reset()
        assert env.loop.instrument.moves == 1
        assert env.loop.instrument.frames == 3
        assert env.observation_space.contains(observation)
        assert info["cost"]["exposures"] == 1
        np.testing.assert_array_equal(env.loop.instrument.positions(), there)
        assert not env.loop.simulated

    @pytest.mark.parametrize("start", [{"mount": np.eye(3)}, {"positions": [0, 0, 0]}])
    def test_a_start_is_refused(self, start):
        env = real()
        with pytest.raises(ValueError, match="never moves a real instrument") as caught:
            env.reset(options=start)
        assert "\n" not in str(caught.value)
        assert env.loop.instrument.frames == 0

    @pytest.mark.parametrize("image", [False, True])
    def test_a_declaration_on_target_is_a_success_by_what_is_seen(self, image):
        env = real(image=image)
        env.reset()
        *_, info = go_home(env)
        assert set(info) == {"cost", "limited", "is_success"}
        assert info["is_success"] is False
        _, reward, terminated, truncated, info = env.step(DECLARE)
        assert (reward, terminated, truncated) == (1.0, True, False)
        assert info["is_success"] is True
        assert info["misorientation_estimate_deg"] < 0.25
        assert "misorientation_deg" not in info

    def test_the_estimate_is_the_error_that_the_hidden_truth_has(self):
        env = real(level="easy", tolerance_deg=0.5)
        env.reset()
        go_home(env)
        turn = rotation_vector_deg(rotation_matrix([0.6, 0.7, -0.5]))
        env.step(np.append(encode_rotation(turn[None], 90.0)[0], -1.0))
        _, reward, *_, info = env.step(DECLARE)
        assert info["misorientation_estimate_deg"] == pytest.approx(np.linalg.norm(away(env)), abs=0.05)
        assert info["is_success"] is False
        assert reward == 0.0

    def test_nothing_is_paid_before_the_declaration(self):
        env = real(reward="dense")
        env.reset()
        assert [env.step(np.array([0.3, 0.1, 0, -1.0]))[1] for _ in range(3)] == [0.0] * 3

    def test_a_frame_that_cannot_be_indexed_is_no_success(self):
        env = real()
        env.reset()
        go_home(env)
        rng = np.random.default_rng(0)
        place = rng.uniform(0, 511, (1, 30, 2)).astype(np.float32)
        env.loop.instrument.peaks = Peaks(
            place, np.full((1, 30), 1e3, np.float32), np.array([30]), np.zeros((1, 30), bool)
        )
        env.step(np.array([0.01, 0, 0, -1.0]))
        _, reward, terminated, _, info = env.step(DECLARE)
        assert terminated
        assert info["is_success"] is False
        assert np.isnan(info["misorientation_estimate_deg"])
        assert reward == 0.0

    def test_a_frame_without_peaks_is_an_observation_and_a_failure_to_declare_on(self):
        env = real()
        env.loop.instrument.peaks = Peaks(
            np.zeros((1, 0, 2), np.float32), np.zeros((1, 0), np.float32), np.zeros(1, np.int64), np.zeros((1, 0), bool)
        )
        observation, _ = env.reset()
        assert not observation["spots"].any()
        assert env.step(DECLARE)[4]["is_success"] is False

    def test_a_crystal_glued_so_that_no_goal_can_be_reached_is_to_be_remounted_as_told(self):
        mount = rotation_matrix([-35.0, 40.0, 10.0])
        env = real(goniometer="two-arc", level="easy", mount=mount)
        context = env.loop.task.context
        assert not context.target.reachable(context.goniometer, mount[None]).any()
        env.reset()
        *_, info = env.step(DECLARE)
        assert info["is_success"] is False
        anew = rotation_matrix(info["remount_deg"]) @ mount
        assert context.target.reachable(context.goniometer, anew[None]).any()
        assert context.target.error_deg(anew[None])[0] < 0.1

    def test_a_spent_budget_truncates_without_moving(self):
        env = real(exposures=2)
        env.reset()
        env.step(np.array([0.3, 0, 0, -1.0]))
        *_, truncated, info = env.step(np.array([0.3, 0, 0, -1.0]))
        assert truncated
        assert info["is_success"] is False
        assert env.loop.instrument.moves == 1

    def test_with_stop_truth_only_the_budget_ends_the_episode(self):
        env = real(stop="truth", exposures=3)
        env.reset()
        steps = [env.step(DECLARE) for _ in range(3)]
        assert [step[2:4] for step in steps] == [(False, False), (False, False), (False, True)]

    def test_frames_that_are_not_finite_are_refused_and_the_episode_stays(self):
        env = real()
        env.reset()
        state = env.loop.state
        env.loop.instrument.peaks = Peaks(
            np.full((1, 5, 2), np.nan, np.float32), np.ones((1, 5), np.float32), np.array([5]), np.zeros((1, 5), bool)
        )
        with pytest.raises(FrameFailed, match="NaN"):
            env.step(np.array([0.1, 0, 0, -1.0]))
        assert env.loop.state is state

    def test_the_observation_is_the_one_a_world_gives(self):
        task, world = build(LaueAlignOptions(goniometer="e4cv"), 1, False)
        simulated, twin = InstrumentEnv(task, world), real(seed=0)
        expected = simulated.reset(seed=0)[0]
        twin.loop.instrument.world.reset(simulated.loop.instrument._keys, np.ones(1, bool))
        for name, values in twin.reset()[0].items():
            np.testing.assert_array_equal(values, expected[name])


class TestTheInterface:
    def test_infos_hold_pythons_own_numbers(self):
        env = make_env("laue", level="easy")
        _, first = env.reset(seed=0)
        *_, terminated, truncated, info = env.step(DECLARE)
        assert type(terminated) is type(truncated) is type(info["is_success"]) is type(info["limited"]) is bool
        assert type(info["misorientation_deg"]) is float
        assert type(first["cost"]["exposures"]) is int
        assert first["cost"] == {"exposures": 1, "motor_s": 0, "exposure_s": 10, "dose": 10, "instrument_s": 12}

    def test_a_reset_without_a_seed_goes_on_to_the_next_episode(self):
        env = make_env("laue", level="easy")
        first, second = env.reset(seed=0)[0], env.reset()[0]
        assert not np.array_equal(first["spots"], second["spots"])
        env.reset(seed=0)
        np.testing.assert_array_equal(env.reset()[0]["spots"], second["spots"])

    def test_more_than_one_sample_is_refused(self):
        task, world = build(LaueAlignOptions(), 2, False)
        with pytest.raises(ValueError, match="InstrumentVectorEnv"):
            InstrumentEnv(task, world)

    def test_an_unknown_render_mode_is_refused(self):
        with pytest.raises(ValueError, match="'rgb_array'"):
            make_env("laue", render_mode="ansi")

    def test_a_step_after_the_end_is_refused_in_one_line(self):
        env = make_env("laue", level="easy")
        env.reset(seed=0)
        assert env.step(DECLARE)[2]
        with pytest.raises(ValueError, match=r"the episode has ended; call reset\(\)"):
            env.step(-DECLARE)
        env.reset()
        assert not env.step(-DECLARE)[2]

    def test_rendering_without_a_mode_warns_and_draws_nothing(self):
        env = make_env("laue", level="easy")
        env.reset(seed=0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert env.render() is None
        assert any("render_mode='rgb_array'" in str(warning.message) for warning in caught)
