"""LaueAlign: its stopping, its reward, its options, and what it says without knowing the truth."""

import math
from dataclasses import fields, replace

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import beamgym  # noqa: F401 - registers the environments
from beamgym.envs.actions import encode_rotation
from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.envs.laue_align.task import AlignContext, RewardModel, reach
from beamgym.envs.loop.episode import EpisodeLoop
from beamgym.envs.make import make_env
from beamgym.physics.goniometer.goniometer import goniometer
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.orientation import rotation_matrix, rotation_vector_deg

STILL, DECLARE = np.array([0, 0, 0, -1.0]), np.array([0, 0, 0, 1.0])


def home(env):
    """Return the action that turns the crystal onto its nearest reachable goal, by the truth."""
    context, truth = env.loop.task.context, env.loop.instrument.truth()
    allowed = context.target.reachable(context.goniometer, truth["mount"])
    goal = context.target.goal(truth["orientation"], allowed)
    turn = rotation_vector_deg(goal @ truth["orientation"].transpose(0, 2, 1))
    return np.append(encode_rotation(turn, context.max_rotation_deg)[0], -1.0)


def says_in_one_line(error, words=""):
    assert words in str(error)
    assert str(error)
    assert "\n" not in str(error)


def aligned(env, seed=0):
    env.reset(seed=seed)
    for _ in range(3):
        last = env.step(home(env))
    return last


def test_version_0_counts_oblique_rays_like_straight_ones():
    """Its returns are to stay what they were, also with a beam that knows its detector's layer."""
    beam = Beam.tube("W").detected_by("phosphor")
    task, world = build(LaueAlignOptions(beam=beam), 1)
    assert task.context.beam.layer is None
    assert world.model.beam.layer is None
    np.testing.assert_array_equal(world.model.beam.efficiency, beam.efficiency)


@pytest.fixture(scope="module")
def easy():
    return make_env("laue", level="easy", goniometer="e4cv")


class TestStopping:
    def test_declaring_on_target_is_a_success_judged_where_the_crystal_stands(self, easy):
        before = aligned(easy)
        held, counter = easy.loop.instrument.positions(), easy.loop.frame.counter.copy()
        observation, reward, terminated, truncated, info = easy.step(DECLARE)
        assert terminated
        assert not truncated
        assert info["is_success"] is True
        assert info["misorientation_deg"] == before[4]["misorientation_deg"] < 0.25
        assert reward > 0.5
        assert set(info["cost"].values()) == {0}
        np.testing.assert_array_equal(easy.loop.instrument.positions(), held)
        np.testing.assert_array_equal(easy.loop.frame.counter, counter)
        np.testing.assert_array_equal(observation["spots"], before[0]["spots"])
        assert not observation["last_move"].any()

    def test_a_declaration_does_not_move_whatever_move_comes_with_it(self, easy):
        aligned(easy)
        held = easy.loop.instrument.positions()
        *_, info = easy.step(np.array([1.0, -1.0, 1.0, 1e-6]))
        np.testing.assert_array_equal(easy.loop.instrument.positions(), held)
        assert info["is_success"] is True
        assert info["limited"] is False

    def test_zero_is_not_a_declaration(self, easy):
        easy.reset(seed=0)
        assert not easy.step(np.zeros(4))[2]

    def test_passing_through_the_target_does_not_count(self, easy):
        assert aligned(easy)[4]["misorientation_deg"] < 0.25
        *_, terminated, _, info = easy.step(np.array([0.8, 0.0, 0.0, -1.0]))
        assert not terminated
        assert info["is_success"] is False
        assert info["misorientation_deg"] > 1.0
        *_, terminated, _, info = easy.step(DECLARE)
        assert terminated
        assert info["is_success"] is False

    def test_asking_for_more_than_the_budget_truncates_without_moving(self):
        env = make_env("laue", exposures=3, level="easy")
        env.reset(seed=1)
        steps = [env.step(np.array([0.3, 0.1, 0.0, -1.0])) for _ in range(3)]
        assert [step[3] for step in steps] == [False, False, True]
        assert not any(step[2] for step in steps)
        assert [step[0]["budget"][0] for step in steps] == pytest.approx([1 / 3, 0, 0])
        assert steps[2][4]["cost"]["exposures"] == 0
        np.testing.assert_array_equal(steps[2][0]["axes"], steps[1][0]["axes"])
        np.testing.assert_array_equal(steps[2][0]["spots"], steps[1][0]["spots"])

    def test_an_agent_can_still_declare_after_its_last_exposure(self):
        env = make_env("laue", exposures=4, level="easy", goniometer="e4cv")
        aligned(env)
        _, _, terminated, truncated, info = env.step(DECLARE)
        assert (terminated, truncated, info["is_success"]) == (True, False, True)

    def test_a_budget_of_one_leaves_only_the_declaration(self):
        env = make_env("laue", exposures=1)
        env.reset(seed=0)
        assert env.step(STILL)[3]

    def test_with_stop_truth_the_first_pose_within_the_tolerance_ends_it_and_declaring_means_nothing(self):
        env = make_env("laue", stop="truth", level="easy", goniometer="e4cv")
        env.reset(seed=0)
        _, _, terminated, _, info = env.step(DECLARE)
        assert not terminated
        assert info["cost"]["exposures"] == 1
        for _ in range(3):
            _, _, terminated, _, info = env.step(home(env))
            assert terminated == info["is_success"] == (info["misorientation_deg"] <= 0.25)
            if terminated:
                return
        raise AssertionError("the target was not reached")


class TestReward:
    @given(seed=st.integers(0, 10**6), moves=st.integers(0, 6), declares=st.booleans())
    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    def test_shaping_telescopes_so_that_it_favours_no_policy(self, easy, seed, moves, declares):
        model, rng = easy.loop.task.reward, np.random.default_rng(seed)
        easy.reset(seed=seed)
        first, total = float(easy.loop.state.potential[0]), 0.0
        for k in range(moves + 1):
            last = k == moves and declares
            _, reward, *_, info = easy.step(np.append(rng.uniform(-0.5, 0.5, 3), 1.0 if last else -1.0))
            plain = model.success * info["is_success"] - model.time_cost * info["cost"]["instrument_s"]
            total += model.gamma**k * (reward - plain)
        end = 0.0 if declares else model.gamma ** (moves + 1) * float(easy.loop.state.potential[0])
        assert total == pytest.approx(end - first, abs=1e-9)

    def test_sparse_pays_for_success_alone(self):
        env = make_env("laue", reward="sparse", level="easy", goniometer="e4cv")
        env.reset(seed=0)
        paid = [env.step(home(env))[1] for _ in range(3)] + [env.step(DECLARE)[1]]
        assert paid == [0.0, 0.0, 0.0, 1.0]
        env.reset(seed=1)
        assert env.step(DECLARE)[1] == 0.0

    @given(st.floats(0, 180), st.floats(0.02, 20))
    def test_the_potential_falls_with_the_error_from_its_height_to_nothing(self, error, tolerance):
        model = RewardModel()
        here, further = model.potential(np.array([error, min(error + 1, 180)]), tolerance)
        assert 0.0 - 1e-12 <= further <= here <= model.shaping
        assert model.potential(np.array([0.0]), tolerance)[0] == model.shaping

    def test_costs_are_the_time_of_the_motors_the_exposure_and_the_readout(self, easy):
        easy.reset(seed=0)
        before = easy.loop.instrument.positions()
        cost = easy.step(np.array([0.5, 0.0, 0.0, -1.0]))[4]["cost"]
        moved = np.abs(easy.loop.instrument.positions() - before).max() / 2.0
        assert cost == pytest.approx(
            {"exposures": 1, "motor_s": moved, "exposure_s": 10.0, "dose": 10.0, "instrument_s": moved + 12.0}
        )


class TestReach:
    def test_only_goals_that_the_goniometer_reaches_count(self):
        many = gym.make_vec(
            "beamgym/LaueAlign-v0",
            num_envs=64,
            vectorization_mode="vector_entry_point",
            level="easy",
            goniometer="kappa",
            crystal="YBa2Cu3O7",
        ).unwrapped
        many.reset(seed=0)
        *_, info = many.step(np.tile(STILL, (64, 1)))
        context, truth = many.loop.task.context, many.loop.instrument.truth()
        allowed = context.target.reachable(context.goniometer, truth["mount"])
        counted = context.target.error_deg(truth["orientation"], allowed)
        np.testing.assert_array_equal(info["misorientation_deg"], counted)
        assert (counted > context.target.error_deg(truth["orientation"]) + 1.0).any()

    def test_an_unreachable_equivalent_is_no_success_however_near(self):
        task, world = build(LaueAlignOptions(goniometer="two-arc", level="easy", tolerance_deg=20.0), 1, False)
        loop = EpisodeLoop(task, world)
        everybody = np.ones(1, bool)
        loop.reset(np.zeros(1, np.uint64), everybody, {"mount": task.context.target.orientations[0]})
        loop.state = replace(loop.state, goals=np.zeros_like(loop.state.goals))
        step = loop.step(DECLARE[None], everybody)
        assert step.verdict.metrics["misorientation_deg"][0] < 20.0
        assert not step.verdict.is_success[0]

    def test_where_no_goal_can_be_reached_the_crystal_glued_anew_as_told_stands_on_its_goal(self):
        env = make_env("laue", goniometer="two-arc", level="easy")
        context = env.loop.task.context
        for seed in range(20):
            mount = rotation_matrix(np.random.default_rng(seed).uniform(-90, 90, 3))
            _, info = env.reset(seed=0, options={"mount": mount})
            if "remount_deg" in info:
                break
        *_, told = env.step(DECLARE)
        assert told["is_success"] is False
        anew = rotation_matrix(info["remount_deg"]) @ mount
        _, info = env.reset(options={"mount": anew})
        assert "remount_deg" not in info
        *_, info = env.step(DECLARE)
        assert info["misorientation_deg"] == pytest.approx(0.0, abs=1e-6)
        assert info["is_success"] is True
        assert context.target.reachable(context.goniometer, anew[None]).any()

    def test_a_move_out_of_range_is_shortened_and_said_to_be(self):
        env = make_env("laue", goniometer="two-arc", level="easy")
        env.reset(seed=0)
        observation, *_, info = env.step(np.array([0.0, 1.0, 0.0, -1.0]))
        assert info["limited"] is True
        assert observation["last_move"][3] == 1.0
        assert np.linalg.norm(observation["last_move"][:3]) * 180 < 90.0
        low, high = np.array([axis.limits for axis in env.loop.instrument.axes]).T
        there = env.loop.instrument.positions()[0]
        assert ((there >= low) & (there <= high)).all()

    @given(st.lists(st.floats(-200, 200), min_size=3, max_size=3))
    @settings(max_examples=40, deadline=None)
    def test_whatever_is_asked_the_target_lies_within_the_limits_and_turns_about_the_same_axis(self, turn):
        head = goniometer("kappa")
        low, high = np.array([axis.limits for axis in head.axes]).T
        target, limited = reach(head, head.home()[None], np.array([turn]))
        assert ((target >= low) & (target <= high)).all()
        made = head.rotation(target[0]) @ head.rotation(head.home()).T
        if not limited[0]:
            np.testing.assert_allclose(made, rotation_matrix(turn), atol=1e-6)
        else:
            np.testing.assert_allclose(made @ np.array(turn), turn, atol=1e-4 * max(1, np.linalg.norm(turn)))

    def test_steps_of_the_axes_stop_at_their_limits(self):
        env = make_env("laue", action="axes", goniometer="two-arc", level="easy")
        env.reset(seed=0)
        observation, *_, info = env.step(np.array([0.1, 1.0, -0.5, -1.0]))
        np.testing.assert_allclose(env.loop.instrument.positions(), [[0.09, 20.0, -11.25]], atol=1e-9)
        assert info["limited"] is True
        assert observation["axes"].reshape(6, 4)[1, 0] == 1.0


class TestTheTruth:
    def test_observations_do_not_depend_on_it(self):
        loops = []
        for turn in (None, [50.0, 20.0, -70.0]):
            task, world = build(LaueAlignOptions(), 4, False)
            if turn is not None:
                told = world.truth
                world.truth = lambda told=told, turn=turn: {
                    **told(),
                    "orientation": rotation_matrix(turn) @ told()["orientation"],
                    "mount": told()["mount"] * 1.0,
                }
            loops.append(EpisodeLoop(task, world))
        rng, everybody = np.random.default_rng(0), np.ones(4, bool)
        for loop in loops:
            loop.reset(np.arange(4, dtype=np.uint64), everybody)
        for _ in range(4):
            action = np.c_[rng.uniform(-0.6, 0.6, (4, 3)), -np.ones(4)]
            true, false = (loop.step(action, everybody) for loop in loops)
            for name, values in true.observation.items():
                np.testing.assert_array_equal(values, false.observation[name])
            assert (true.verdict.metrics["misorientation_deg"] != false.verdict.metrics["misorientation_deg"]).any()

    def test_the_goal_that_is_observed_is_the_same_from_every_start(self, easy):
        one, two = easy.reset(seed=0)[0], easy.reset(seed=1)[0]
        for name in ("target", "expected", "budget"):
            np.testing.assert_array_equal(one[name], two[name])
        assert not np.array_equal(one["spots"], two["spots"])

    def test_at_the_goal_the_spots_are_the_expected_ones(self, easy):
        found = aligned(easy)[0]
        spots, expected = found["spots"].reshape(-1, 5)[:, :3], found["expected"].reshape(-1, 5)[:, :3]
        angle = np.degrees(np.arccos(np.clip(expected[:30] @ spots.T, -1, 1))).min(axis=1)
        assert np.median(angle) < 0.1


SEVEN_AXES = {"axes": [{"name": f"a{i}", "vector": [0, i % 2, 1 - i % 2]} for i in range(7)]}


class TestMistakes:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"crystal": "Sii"}, "did you mean 'Si'"),
            ({"crystal": "nowhere.cif"}, "nowhere.cif"),
            ({"goniometer": "sixaxis"}, "did you mean 'six-axis'"),
            ({"goniometer": "lost.yml"}, "lost.yml"),
            ({"target": "pose [001] [002]"}, "parallel"),
            ({"target": "pose [001] [110] x x"}, "parallel"),
            ({"target": "home"}, "cannot read the target"),
            ({"target": "plane (100)"}, "takes 2 to 3 words"),
            ({"beam": "laser"}, "unknown beam 'laser'; choose one of tube-W"),
            ({"detector": "eye"}, "eye"),
            (
                {"detector": Detector.transmission(distance_mm=100_000.0, shape=(64, 64), pixel_mm=0.05)},
                "can reach this detector",
            ),
            ({"level": "impossible"}, "easy, real, hard"),
            ({"tolerance_deg": 0.01}, "0.02 to 20"),
            ({"tolerance_deg": 21.0}, "0.02 to 20"),
            ({"tolerance_deg": math.nan}, "0.02 to 20"),
            ({"tolerance_deg": "a"}, "tolerance_deg is 'a'; give a number"),
            ({"exposures": None}, "exposures is None; give a whole number"),
            ({"max_rotation_deg": 0.0}, "at most 180"),
            ({"max_rotation_deg": 181.0}, "at most 180"),
            ({"exposures": 0}, "whole number"),
            ({"exposures": 2.5}, "whole number"),
            ({"action": "jump"}, "'rotation', 'axes' or 'decisions'"),
            ({"frames": "film"}, "'rendered'"),
            ({"reward": "rich"}, "'dense' or 'sparse'"),
            ({"stop": "never"}, "'declare' or 'truth'"),
            ({"image": True, "size": 8}, "size is 8"),
            ({"image": True, "size": 1000}, "size is 1000"),
            ({"render_mode": "human"}, "rgb_array"),
            ({"target": None}, "target is None; give words"),
            ({"beam": 8.0}, "beam is 8.0; give one of tube-W"),
            ({"detector": 70}, "detector is 70; give one of back-reflection"),
            ({"goniometer": SEVEN_AXES}, "has 7 axes; observations hold 6"),
        ],
    )
    def test_a_wrong_option_is_answered_in_one_line(self, options, words):
        with pytest.raises((ValueError, TypeError), match=words) as caught:
            make_env("laue", **options)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("start", [{"positions": [0, 0, 99.0]}, {"mount": np.zeros((3, 3))}, {"pose": 1}])
    def test_a_start_that_cannot_be_is_answered_in_one_line_and_the_episode_goes_on(self, start):
        env = make_env("laue", goniometer="two-arc", level="easy")
        env.reset(seed=0)
        before = env.loop.observation()
        with pytest.raises(ValueError, match=r"limits|rotation|unknown reset option") as caught:
            env.reset(options=start)
        assert "\n" not in str(caught.value)
        for name, values in env.loop.observation().items():
            np.testing.assert_array_equal(values, before[name])

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_actions_that_are_not_finite_are_refused(self, easy, value):
        easy.reset(seed=0)
        with pytest.raises(ValueError, match="finite") as caught:
            easy.step(np.array([0.0, value, 0.0, 0.0]))
        assert "\n" not in str(caught.value)

    def test_actions_beyond_the_box_are_clipped_to_it(self):
        one, two = make_env("laue"), make_env("laue")
        one.reset(seed=0)
        two.reset(seed=0)
        for x, y in zip(
            one.step(np.array([7.0, -3, 0, -9]))[0].values(),
            two.step(np.array([1.0, -1, 0, -1]))[0].values(),
            strict=True,
        ):
            np.testing.assert_array_equal(x, y)


ANY_NUMBER = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.integers(-5, 200), st.floats(0.0, 200.0))


class TestFuzz:
    @given(st.sampled_from(["tolerance_deg", "max_rotation_deg", "exposures", "exposure_s", "readout_s"]), ANY_NUMBER)
    @settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    def test_contexts_take_a_number_or_refuse_it_in_one_line(self, easy, name, value):
        known = {item.name: getattr(easy.loop.task.context, item.name) for item in fields(AlignContext)}
        try:
            made = AlignContext(**{**known, name: value})
        except ValueError as error:
            says_in_one_line(error, name)
        else:
            assert getattr(made, name) == value
            assert math.isfinite(value)

    @given(st.sampled_from(["gamma", "shaping", "time_cost", "success"]), ANY_NUMBER)
    @settings(max_examples=100)
    def test_rewards_take_a_number_or_refuse_it_in_one_line(self, name, value):
        try:
            made = RewardModel(**{name: value})
        except ValueError as error:
            says_in_one_line(error, name)
        else:
            assert getattr(made, name) == value >= 0
            assert math.isfinite(value)

    @given(
        st.fixed_dictionaries(
            {},
            optional={
                "crystal": st.sampled_from(["Si", "si", "", "Unobtainium"]),
                "goniometer": st.sampled_from(["e4cv", "two-arc", "", "arm"]),
                "target": st.sampled_from(
                    ["axis [001] x", "pose [001] [110]", "axis [000] x", "axis", "pose [1 [110]"]
                ),
                "level": st.sampled_from(["easy", "hard", "", "REAL"]),
                "tolerance_deg": ANY_NUMBER,
                "exposures": st.integers(-1, 30),
                "action": st.sampled_from(["rotation", "axes", "walk"]),
                "max_rotation_deg": ANY_NUMBER,
                "reward": st.sampled_from(["dense", "sparse", ""]),
                "stop": st.sampled_from(["declare", "truth", ""]),
            },
        )
    )
    @settings(max_examples=60, deadline=None)
    def test_options_make_an_environment_that_runs_or_one_line_that_says_why_not(self, options):
        try:
            env = make_env("laue", **options)
        except (ValueError, TypeError) as error:
            says_in_one_line(error)
            return
        observation, _ = env.reset(seed=0)
        assert env.observation_space.contains(observation)
        observation, reward, *_ = env.step(env.action_space.sample())
        assert env.observation_space.contains(observation)
        assert math.isfinite(reward)


def test_gymnasium_and_the_factory_make_the_same_environment():
    one, two = gym.make("beamgym/LaueAlign-v0", level="hard"), make_env("laue", level="hard")
    for x, y in zip(one.reset(seed=3)[0].values(), two.reset(seed=3)[0].values(), strict=True):
        np.testing.assert_array_equal(x, y)
