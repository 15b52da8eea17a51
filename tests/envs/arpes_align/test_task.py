"""The rules of ArpesAlign: what an action does, what counts as success, and what nobody is told."""

import gymnasium as gym
import numpy as np
import pytest

from beamgym.agents.baselines.arpes_align import BASELINES
from beamgym.agents.baselines.arpes_align.acting import PlannedCut, cut_action, declaration
from beamgym.agents.evaluation import evaluate
from beamgym.envs.arpes_align import STEPS, ArpesAlignOptions, build

ID = "beamgym/ArpesAlign-v0"


def made(seed=4, **options):
    env = gym.make(ID, disable_env_checker=True, **options).unwrapped
    env.reset(seed=seed)
    return env


def at_goal(env, off=(0.0,) * 6):
    goal = env.loop.instrument.truth()["goal_pose"][0] + np.array(off)
    env.step(cut_action(env.context, np.zeros(6), PlannedCut(goal, 0.1)))
    return goal


class TestSuccess:
    def test_all_as_asked_is_a_success(self):
        env = made()
        goal = at_goal(env)
        _, reward, terminated, _, info = env.step(declaration(env.context, goal))
        assert terminated
        assert info["is_success"]
        assert reward == pytest.approx(1.0, abs=0.01)

    @pytest.mark.parametrize(
        "off",
        [(0, 0, 0, 0.5, 0, 0), (0, 0, 0, 0, 0.5, 0), (0, 0, 0, 0, 0, 1.5), (0.15, 0, 0.15, 0, 0, 0)],
        ids=["polar", "tilt", "azimuth", "height"],
    )
    def test_one_thing_off_is_none_and_costs(self, off):
        env = made(level="ideal")
        goal = at_goal(env, off)
        _, reward, terminated, _, info = env.step(declaration(env.context, goal))
        assert terminated
        assert not info["is_success"]
        assert reward == pytest.approx(-0.2, abs=0.01)

    def test_either_mirror_line_will_do_where_the_dispersion_is_not_told(self):
        env = made(dispersion=False)
        goal = at_goal(env)
        other = goal.copy()
        other[5] += 30.0 if goal[5] < 0 else -30.0
        hidden = env.loop.instrument.hidden(0)
        flake = int(env.loop.instrument.truth()["flake"][0])
        assert abs(hidden.angles(goal, flake)[2]) < 0.1
        assert abs(hidden.angles(other, flake)[2]) < 0.5  # the normal is not quite the azimuth's axis


class TestActions:
    def test_a_declaration_beside_a_move_moves(self):
        env = made()
        action = np.zeros(8, np.float32)
        action[3], action[7] = 0.3, 1.0
        _, _, terminated, _, _ = env.step(action)
        assert not terminated
        assert env.loop.state.positions[0, 3] == pytest.approx(4.5, abs=0.01)

    def test_steps_go_by_the_cube_law_and_stop_at_the_limits(self):
        env = made(action="steps")
        action = np.zeros(8, np.float32)
        action[4] = 0.5
        env.step(action)
        assert env.loop.state.positions[0, 4] == pytest.approx(STEPS[4] / 8.0, abs=0.002)
        action[4] = 1.0
        limited = [env.step(action)[4]["limited"] for _ in range(4)]
        assert limited[-1]

    def test_more_beam_time_than_is_left_truncates(self):
        env = made(beam_time_s=3.0)
        action = np.ones(8, np.float32)
        _, _, terminated, truncated, _ = env.step(action)
        assert (terminated, truncated) == (False, True)

    def test_a_map_is_drawn_by_turning_polar_and_begins_anew_with_the_tilt(self):
        env = made()
        for polar in (-6.0, 0.0, 6.0):
            env.step(cut_action(env.context, np.zeros(6), PlannedCut(np.array([0, 0, 0, polar, 0, 0]), 0.2)))
        assert (env.loop.state.map[0].sum(axis=1) > 0).sum() == 3
        env.step(cut_action(env.context, np.zeros(6), PlannedCut(np.array([0, 0, 0, 0, 4.0, 0]), 0.2)))
        assert (env.loop.state.map[0].sum(axis=1) > 0).sum() == 1


class TestTold:
    def test_bands_are_not_told_without_the_dispersion(self):
        task, world = build(ArpesAlignOptions(dispersion=False), 1)
        assert len(task.context.told.terms) == 0
        assert not task.context.dispersion_told
        assert len(world.context.crystal.terms) == 2

    def test_a_direction_that_nobody_could_tell_is_refused(self):
        with pytest.raises(ValueError, match="choose direction='mirror'"):
            build(ArpesAlignOptions(dispersion=False, direction="gamma-K"), 1)


class TestRivals:
    @pytest.mark.parametrize("name", sorted(set(BASELINES) - {"gaussian-process"}))
    def test_every_rival_plays_to_an_end(self, name):
        result = evaluate(BASELINES[name](), ID, 1, seed=3, env_kwargs={"beam_time_s": 60.0})
        assert result.episodes.instrument_s[0] <= 60.0
        assert result.episodes.ended.all() == (name != "random")  # even actions hardly ever declare

    @pytest.mark.parametrize("name", ["band-fit", "nelder-mead"])
    def test_who_needs_the_bands_says_so(self, name):
        env = made(dispersion=False)
        with pytest.raises(ValueError, match="needs the bands"):
            evaluate(BASELINES[name](), ID, 1, seed=3, env_kwargs={"dispersion": False})
        env.close()

    def test_the_fit_of_bands_aligns_three_of_three(self):
        result = evaluate(BASELINES["band-fit"](), ID, 3, seed=21, level="ideal")
        assert result.success_rate == 1.0
