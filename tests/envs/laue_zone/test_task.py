"""LaueZone: find a symmetry axis of an unknown crystal with two circles."""

import re
import warnings
from dataclasses import fields
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from stable_baselines3.common.env_checker import check_env as check_sb3

import beamgym  # noqa: F401
from beamgym.agents.baselines.no_op import NoOp
from beamgym.agents.baselines.random import Random
from beamgym.agents.evaluation.evaluator import evaluate
from beamgym.envs.laue_views.observations import image_to_uint8
from beamgym.envs.laue_zone.factory import LaueZoneOptions, build
from beamgym.envs.laue_zone.task import grey_image
from beamgym.envs.make import make_env, make_vector_env
from beamgym.physics.instrument import Frame, FrameFailed
from beamgym.physics.laue.zone.crystals import crystal_system

ID = "beamgym/LaueZone-v0"
PAGE = Path(__file__).resolve().parents[3] / "docs" / "environments" / "laue_zone.md"
LAUE_LEVELS = ("published", "easy", "real", "hard")
SYSTEMS = ("cubic", "tetragonal", "hexagonal", "trigonal", "orthorhombic", "monoclinic", "triclinic")


def to_beam(orientation, directions):
    """Return (theta, phi) in degrees that put the line nearest to the beam onto it, from both circles at zero."""
    line = orientation @ directions.T
    line = line[:, np.argmax(np.abs(line[0]))]
    line = line if line[0] >= 0 else -line
    return np.degrees([np.arctan2(line[2], np.hypot(line[0], line[1])), -np.arctan2(line[1], line[0])])


def steered(env, declare=False):
    """Play an episode by the truth; return its steps."""
    loop, context, steps = env.loop, env.loop.task.context, []
    truth = loop.instrument.truth()
    goal = to_beam(truth["orientation"][0], context.lines(truth["cell"])[0])
    while True:
        left = (goal - loop.instrument.positions()[0]) / context.max_rotation_deg
        arrived = np.abs(left).max() < 1e-6
        steps.append(env.step(np.append(np.clip(left, -1, 1), 1.0 if declare and arrived else -1.0)))
        if steps[-1][2] or steps[-1][3]:
            return steps


class TestTheInterface:
    @pytest.mark.parametrize("level", LAUE_LEVELS)
    def test_both_checkers_are_content(self, level):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            env = gym.make(ID, level=level, render_mode="rgb_array").unwrapped
            check_gymnasium(env)
            check_sb3(env)
        assert [str(each.message) for each in told if "is out of date" not in str(each.message)] == []

    @pytest.mark.parametrize("system", SYSTEMS)
    def test_observations_hold_a_film_and_what_the_motors_say_but_never_the_truth(self, system):
        env = make_env("zone", system=system)
        observation, info = env.reset(seed=1)
        assert set(observation) == {"image", "axes", "last_move", "budget"}
        assert observation["image"].shape == (84, 84, 1)
        assert observation["image"].dtype == np.uint8
        assert observation["budget"] == pytest.approx(50 / 51)
        assert info["cost"]["exposures"] == 1
        assert "misorientation_deg" not in info

    def test_vector_rows_equal_single_environments(self):
        vector = make_vector_env("zone", 3, level="real", system="hexagonal")
        singles = [make_env("zone", level="real", system="hexagonal") for _ in range(3)]
        together, _ = vector.reset(seed=40)
        alone = [env.reset(seed=40 + i)[0] for i, env in enumerate(singles)]
        rng = np.random.default_rng(0)
        for _ in range(4):
            for i in range(3):
                for name in together:
                    assert np.array_equal(together[name][i], alone[i][name])
            actions = rng.uniform(-1, 1, (3, 3)).astype(np.float32)
            together, reward, terminated, truncated, _ = vector.step(actions)
            steps = [env.step(action) for env, action in zip(singles, actions, strict=True)]
            alone = [step[0] for step in steps]
            assert [step[1] for step in steps] == reward.tolist()
            assert [step[2] for step in steps] == terminated.tolist()
            assert [step[3] for step in steps] == truncated.tolist()
            if terminated.any():
                break

    def test_the_same_seed_gives_the_same_episode_and_the_next_another(self):
        env = make_env("zone")
        first, again = env.reset(seed=9)[0]["image"], env.reset(seed=9)[0]["image"]
        other = env.reset()[0]["image"]
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    @pytest.mark.parametrize("stop", ["truth", "declare"])
    def test_the_shared_baselines_play_it(self, stop):
        chance = evaluate(Random(), ID, 40, 0, "published", {"stop": stop, "moves": 10})
        assert chance.exposures_median <= 11
        assert chance.success_rate < 0.5
        silent = evaluate(NoOp(), ID, 10, 0, "published", {"stop": stop, "moves": 3})
        assert silent.success_rate == 0.0
        assert silent.misorientation_deg_median > 5.0

    def test_gymnasium_makes_the_vector_form(self):
        env = gym.make_vec(ID, num_envs=4, vectorization_mode="vector_entry_point", level="easy")
        observation, _ = env.reset(seed=0)
        assert observation["image"].shape == (4, 84, 84, 1)

    @pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
    def test_ended_rows_begin_anew(self, mode):
        env = make_vector_env("zone", 2, moves=2, autoreset_mode=mode)
        env.reset(seed=0)
        still = np.zeros((2, 3))
        env.step(still)
        observation, _, _, truncated, info = env.step(still)
        assert truncated.all()
        if mode == "SameStep":
            assert all((last["budget"] == 0).all() for last in info["final_obs"])
        else:
            observation = env.step(still)[0]
        assert observation["budget"] == pytest.approx(2 / 3)

    def test_the_picture_is_rgb_and_changes_with_the_pose(self):
        env = make_env("zone", render_mode="rgb_array")
        env.reset(seed=0)
        before = env.render()
        env.step(np.array([1.0, 0.5, -1.0]))
        assert before.shape == (540, 960, 3)
        assert before.dtype == np.uint8
        assert (before != env.render()).any()


class TestTheGame:
    @pytest.mark.parametrize("system", SYSTEMS)
    @pytest.mark.parametrize("axes", ["principal", "all"])
    def test_no_start_lies_inside_the_tolerance(self, system, axes):
        task, world = build(LaueZoneOptions(system=system, axes=axes), 128)
        world.reset(np.arange(128, dtype=np.uint64) * np.uint64(7919), np.ones(128, np.bool_))
        truth = world.truth()
        assert (task.context.error_deg(truth["orientation"], truth["cell"]) > 5.0).all()

    @pytest.mark.parametrize("system", SYSTEMS)
    def test_every_start_can_be_solved_and_the_episode_ends_inside_the_tolerance(self, system):
        env = make_env("zone", system=system)
        for seed in range(12):
            env.reset(seed=seed)
            steps = steered(env)
            assert steps[-1][2]
            assert steps[-1][4]["is_success"] is True
            assert steps[-1][4]["misorientation_deg"] <= 5.0
            assert not any(step[4]["is_success"] for step in steps[:-1])

    def test_a_declaring_agent_succeeds_where_it_stands_and_passing_through_does_not_count(self):
        env = make_env("zone", stop="declare", tolerance_deg=0.5)
        env.reset(seed=4)
        steps = steered(env, declare=True)
        assert [step[2] for step in steps] == [False] * (len(steps) - 1) + [True]
        assert steps[-2][4]["misorientation_deg"] < 1e-3
        assert steps[-1][4]["is_success"] is True
        assert steps[-1][4]["cost"]["exposures"] == 0
        assert steps[-1][4]["cost"]["motor_s"] == 0.0

    def test_declaring_outside_the_tolerance_fails(self):
        env = make_env("zone", stop="declare")
        env.reset(seed=4)
        _, reward, terminated, truncated, info = env.step(np.array([0.0, 0.0, 1.0]))
        assert terminated
        assert not truncated
        assert info["is_success"] is False
        assert reward < 0

    def test_the_declaration_means_nothing_where_the_truth_ends_the_episode(self):
        env = make_env("zone")
        env.reset(seed=4)
        _, _, terminated, _, info = env.step(np.array([0.1, 0.0, 1.0]))
        assert not terminated
        assert info["cost"]["exposures"] == 1

    def test_fifty_moves_are_the_budget_as_published(self):
        env = make_env("zone")
        env.reset(seed=4)
        steps = [env.step(np.zeros(3)) for _ in range(50)]
        assert [step[3] for step in steps] == [False] * 49 + [True]
        assert steps[-1][0]["budget"] == 0.0
        assert steps[24][0]["budget"] == pytest.approx(25 / 51)

    def test_a_declaring_agent_may_still_declare_after_its_last_move(self):
        env = make_env("zone", stop="declare", moves=2)
        env.reset(seed=4)
        steps = [env.step(np.array([0.0, 0.0, -1.0])) for _ in range(3)]
        assert [step[3] for step in steps] == [False, False, True]
        env.reset(seed=4)
        steps = [env.step(np.array([0.0, 0.0, last])) for last in (-1.0, -1.0, 1.0)]
        assert [step[2] for step in steps] == [False, False, True]
        assert not steps[-1][3]

    def test_a_full_action_moves_each_axis_ten_degrees(self):
        env = make_env("zone")
        env.reset(seed=4)
        observation = env.step(np.array([1.0, -0.5, 0.0]))[0]
        assert env.loop.instrument.positions()[0] == pytest.approx([10.0, -5.0])
        assert observation["last_move"] == pytest.approx([1.0, -0.5, 0.0])
        assert observation["axes"][[0, 4]] == pytest.approx([10 / 120, -5 / 120])

    def test_a_move_beyond_the_travel_is_shortened_and_said_to_be(self):
        env = make_env("zone", tolerance_deg=0.02)
        env.reset(seed=4)
        steps = [env.step(np.array([0.0, 1.0, 0.0])) for _ in range(13)]
        assert [step[4]["limited"] for step in steps] == [False] * 12 + [True]
        assert steps[-1][0]["last_move"] == pytest.approx([0.0, 0.0, 1.0])
        assert env.loop.instrument.positions()[0] == pytest.approx([0.0, 120.0])

    def test_shaping_telescopes_so_that_it_favours_no_policy(self):
        env = make_env("zone", stop="declare")
        env.reset(seed=11)
        first = float(env.loop.state.potential[0])
        model, total, discount = env.loop.task.reward, 0.0, 1.0
        rng = np.random.default_rng(1)
        for k in range(12):
            action = np.append(rng.uniform(-1, 1, 2), 1.0 if k == 11 else -1.0)
            _, reward, _, _, info = env.step(action)
            plain = model.success * info["is_success"] - model.time_cost * info["cost"]["instrument_s"]
            total += discount * (reward - plain)
            discount *= model.gamma
        assert total == pytest.approx(-first)

    def test_a_step_nearer_pays_more_than_one_away_and_success_pays_once(self):
        env = make_env("zone")
        env.reset(seed=11)
        steps = steered(env)
        goal = steps[0][0]["last_move"][:2]
        env.reset(seed=11)
        away = env.step(np.append(-goal, 0.0))
        assert steps[0][1] > 0 > away[1]
        assert steps[-1][1] > 0.5
        sparse = make_env("zone", reward="sparse")
        sparse.reset(seed=11)
        assert [step[1] for step in steered(sparse)] == [0.0] * (len(steps) - 1) + [1.0]

    def test_costs_count_seconds_of_motors_exposure_and_readout(self):
        env = make_env("zone")
        env.reset(seed=4)
        cost = env.step(np.array([1.0, 0.2, 0.0]))[4]["cost"]
        assert cost == pytest.approx(
            {"exposures": 1, "motor_s": 5.0, "exposure_s": 10.0, "dose": 10.0, "instrument_s": 17.0}, abs=1e-6
        )

    def test_without_truth_nothing_is_paid_or_claimed(self):
        task, world = build(LaueZoneOptions(), 1)
        everybody = np.ones(1, np.bool_)
        world.reset(np.arange(1, dtype=np.uint64), everybody)
        state = task.start(None, world.positions(), world.acquire(task.settings, everybody), everybody)
        _, verdict = task.judge(state)
        assert not verdict.is_success.any()
        assert not verdict.metrics


class TestTheImage:
    def test_counts_are_compressed_as_everywhere_in_the_project(self):
        rng = np.random.default_rng(0)
        counts = rng.poisson(8.0, (3, 84, 84)).astype(np.uint16)
        counts[:, 40, 40] = [50, 3000, 65535]
        frame = Frame(np.ones(3), np.ones(3, np.int64), np.ones(3), counts)
        mine = grey_image(frame, np.array([True, False, True]))
        assert np.abs(mine.astype(int) - image_to_uint8(counts[[0, 2]], 84)).max() <= 1

    def test_drawings_stay_as_they_are(self):
        drawing = np.random.default_rng(0).integers(0, 255, (1, 84, 84)).astype(np.uint8)
        frame = Frame(np.ones(1), np.ones(1, np.int64), np.ones(1), drawing)
        assert np.array_equal(grey_image(frame, np.ones(1, np.bool_))[..., 0], drawing)

    def test_a_frame_without_an_image_is_refused(self):
        with pytest.raises(FrameFailed, match="looks at images"):
            grey_image(Frame(np.ones(1), np.ones(1, np.int64), np.ones(1)), np.ones(1, np.bool_))

    def test_the_film_comes_in_other_sizes(self):
        observation, _ = make_env("zone", size=64, level="real").reset(seed=0)
        assert observation["image"].shape == (64, 64, 1)


def rows_of(heading):
    """Return the rows of the page's table whose heading begins with ``heading``, cells split."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading}"))
    rows = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            return rows
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


class TestThePage:
    def test_its_options_are_those_of_the_code(self):
        told = {row[0].strip("`"): row[1].strip("`") for row in rows_of("option |")}
        defaults = {item.name: item.default for item in fields(LaueZoneOptions)}
        assert told == {
            name: f'"{value}"' if isinstance(value, str) else str(value) for name, value in defaults.items()
        }

    def test_its_observations_are_those_of_the_space(self):
        space = make_env("zone").observation_space
        assert {row[0].strip("`"): row[1].strip("`") for row in rows_of("key |")} == {
            name: str(box.shape) for name, box in space.items()
        }

    def test_its_crystals_are_those_of_the_code(self):
        rows = rows_of("system | a / Å")
        assert tuple(row[0] for row in rows) == SYSTEMS
        for name, a, b, c, angles, lattice, spots in rows:
            system = crystal_system(name)
            assert a == f"{system.a_angstrom[0]:g} to {system.a_angstrom[1]:g}"
            assert b == ("= a" if system.b_angstrom is None else "{:g} to {:g}".format(*system.b_angstrom))
            assert c == ("= a" if system.c_angstrom is None else "{:g} to {:g}".format(*system.c_angstrom))
            told = [f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in system.angles_deg]
            assert angles == ", ".join(told)
            assert lattice == {1: "P", 2: "I", 3: "R"}[system.lattice]
            assert spots == f"{system.spots[0]} to {system.spots[1]}"

    def test_its_axes_are_counted_right(self):
        for name, principal, everything in rows_of("system | `axes"):
            system = crystal_system(name)
            if not system.has_axes:
                assert "strongest zone" in principal
                continue
            assert int(re.search(r"(\d+) lines? in all|(\d+) in all", everything).group(0).split()[0]) == len(
                system.axes("all")
            )
            assert (f"the {len(system.axes())} " in principal) == (len(system.axes()) > 1)

    def test_its_examples_run(self):
        for example in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL):
            space = {}
            exec(compile(example, "laue_zone.md", "exec"), space)
            assert "image" in space["observation"]


class TestMistakes:
    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"system": "quasicrystal"}, ValueError, "choose one of cubic"),
            ({"level": "impossible"}, ValueError, "or 'published'"),
            ({"axes": "some"}, ValueError, "'principal' or 'all'"),
            ({"tolerance_deg": 0.0}, ValueError, "0.02 to 20"),
            ({"max_rotation_deg": -1.0}, ValueError, "more than 0"),
            ({"moves": 0}, ValueError, "at least one"),
            ({"moves": 2.5}, TypeError, "moves is 2.5; give a whole number"),
            ({"tolerance_deg": "a"}, TypeError, "tolerance_deg is 'a'; give a number"),
            ({"max_rotation_deg": True}, TypeError, "max_rotation_deg is True; give a number"),
            ({"stop": "never"}, ValueError, "'truth' or 'declare'"),
            ({"reward": "rich"}, ValueError, "'dense' or 'sparse'"),
            ({"size": 8}, ValueError, "36 pixels"),
            ({"crystal": "Si"}, TypeError, "unknown option crystal"),
        ],
    )
    def test_a_wrong_option_is_named_with_what_would_be_right(self, options, error, words):
        with pytest.raises(error, match=words) as caught:
            make_env("zone", **options)
        assert "\n" not in str(caught.value)

    def test_actions_that_are_not_finite_are_refused(self):
        env = make_env("zone")
        env.reset(seed=0)
        with pytest.raises(ValueError, match="NaN"):
            env.step(np.array([np.nan, 0.0, 0.0]))


def test_a_level_that_needs_a_known_crystal_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"axial_ratio_fraction, .*which an unknown crystal .* does not take"):
        gym.make("beamgym/LaueZone-v0", level="harsh")
