"""The rules of DiffractometerAlign: what an action does, what counts, and what never ends an episode by accident."""

import gymnasium as gym
import numpy as np
import pytest

from beamgym.agents.baselines.diffractometer import BASELINES
from beamgym.agents.baselines.diffractometer.acting import AZIMUTH, CENTRE, DRIVE, action_of, declaration, row_action
from beamgym.agents.evaluation import evaluate
from beamgym.envs.diffractometer_align import DiffractometerAlignOptions, build

OPTIONS = {"crystal": "Si", "level": "easy"}
SI = {"crystal": "Si"}
ID = "beamgym/DiffractometerAlign-v0"


def made(**options):
    env = gym.make(ID, disable_env_checker=True, **{**OPTIONS, **options}).unwrapped
    env.reset(seed=4)
    return env


class TestActions:
    def test_a_row_sweeps_phi_at_the_lines_angle(self):
        env = made()
        line = env.context.lines[0]
        _, _, _, _, info = env.step(row_action(env.context, line.two_theta_deg, 12.0))
        frame = env.loop.frame
        assert frame.points[0] == 91
        assert np.allclose(frame.where[0, :, 1], 12.0, atol=1e-4)
        assert np.ptp(frame.where[0, :, 2]) == pytest.approx(360.0, abs=1e-3)
        assert info["cost"]["instrument_s"] > 360.0 / env.context.sweep_deg_s

    @pytest.mark.parametrize("what", [AZIMUTH, CENTRE, DRIVE])
    def test_what_is_not_there_is_one_count_and_limited(self, what):
        env = made()
        _, _, terminated, truncated, info = env.step(action_of(env.context, what))
        assert (terminated, truncated, info["limited"]) == (False, False, True)
        assert env.loop.frame.points[0] == 1

    def test_a_place_outside_the_envelope_is_shortened(self):
        env = made()
        action = row_action(env.context, 20.0, 0.0, width_deg=10.0)
        action[1] = 1.0  # omega at the end of its travel
        _, _, _, _, info = env.step(action)
        assert info["limited"]
        assert abs(env.loop.frame.where[0, 0, 0] - 10.0) <= 60.0 + 1e-6

    def test_beam_time_that_a_scan_does_not_have_truncates(self):
        env = made(beam_time_s=100.0)
        _, _, terminated, truncated, _ = env.step(row_action(env.context, 40.0, 0.0))
        assert (terminated, truncated) == (False, True)


class TestDeclaring:
    def test_a_declaration_without_an_orientation_is_wrong_and_costs(self):
        env = made()
        _, reward, terminated, _, info = env.step(declaration(env.context))
        assert terminated
        assert not info["is_success"]
        assert reward == pytest.approx(-0.5)

    def test_gaussian_actions_declare_seldom(self):
        task, world = build(DiffractometerAlignOptions(**OPTIONS), 1)
        world.reset(np.array([1], np.uint64), np.array([True]))
        frame = world.acquire(task.settings, np.array([True]))
        state = task.start(None, world.positions(), frame, np.array([True]), world.truth())
        actions = np.clip(np.random.default_rng(0).normal(size=(3000, task.context.action_size)), -1.0, 1.0)
        declared = sum(bool(task.target(state, one[None]).declare[0]) for one in actions)
        assert declared < 30

    def test_the_truth_of_an_episode_is_in_no_observation(self):
        env = made()
        before, _ = env.reset(seed=9)
        env.loop.instrument._u[:] = np.eye(3)
        after = env.loop.observation()
        assert all((before[name] == after[name][0]).all() for name in before)


class TestRivals:
    @pytest.mark.parametrize("name", ["powder-line", "index-and-jump", "true-orientation"])
    def test_a_search_by_rule_finds_ub_and_stays_in_its_beam_time(self, name):
        found = evaluate(BASELINES[name](), ID, 4, 0, level="easy", env_kwargs=SI)
        assert found.success_rate == 1.0

    def test_a_handed_over_orientation_saves_most_of_the_time(self):
        seconds = [
            evaluate(
                BASELINES["index-and-jump"](), ID, 4, 0, level="easy", env_kwargs={**SI, "handover": over}
            ).instrument_s_median
            for over in (False, True)
        ]
        assert seconds[1] < 0.7 * seconds[0]

    def test_random_angles_find_nothing(self):
        found = evaluate(BASELINES["random"](), ID, 4, 0, level="easy", env_kwargs={**SI, "beam_time_s": 1500.0})
        assert found.success_rate == 0.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"beam_time_s": 1.0}, "beam_time_s is 1.0"),
        ({"reward": "none"}, "choose 'dense' or 'sparse'"),
        ({"detector": "psd"}, "there is 'point'"),
    ],
)
def test_options_that_cannot_be_are_told_in_one_line(options, words):
    with pytest.raises(ValueError, match=words):
        made(**options)
