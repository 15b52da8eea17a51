"""The zone finder and its rivals on LaueZone-v0."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.agents.baselines.zone import BASELINES
from beamgym.agents.baselines.zone.blind_spiral import BlindSpiral, spiral
from beamgym.agents.baselines.zone.tracking import Track, seen
from beamgym.agents.baselines.zone.true_axis import TrueAxis
from beamgym.agents.baselines.zone.zone_finder import ZoneFinder, _goal
from beamgym.agents.evaluation.evaluator import Episodes, context_of, make_vector_env, run_episodes
from beamgym.envs.checks import check_policy
from beamgym.envs.policy import CannotPlay
from beamgym.physics.laue.zone.crystals import SYSTEMS

ID = "beamgym/LaueZone-v0"


def zone_env(n, level="published", **options):
    return make_vector_env(ID, n, level, options)


class TestTheZoneFinder:
    @pytest.mark.parametrize("system", SYSTEMS)
    def test_it_goes_as_straight_as_the_oracle_in_drawn_films(self, system):
        env = zone_env(2, system=system)
        found, oracle = (run_episodes(policy, env, range(6000, 6002)) for policy in (ZoneFinder(), TrueAxis()))
        assert found.success.all()
        assert found.exposures.sum() <= oracle.exposures.sum() + 1

    @pytest.mark.parametrize("system", ["cubic", "triclinic"])
    def test_it_declares_at_half_a_degree(self, system):
        env = zone_env(2, system=system, stop="declare", tolerance_deg=0.5)
        found = run_episodes(ZoneFinder(), env, range(6010, 6012))
        assert found.success.all()
        assert found.ended.all()
        assert found.misorientation_deg.max() < 0.3

    def test_it_finds_axes_among_noise_and_false_spots(self):
        found = run_episodes(ZoneFinder(), zone_env(2, "real", system="tetragonal"), range(6020, 6022))
        assert found.success.all()
        assert found.exposures.max() <= 12

    def test_all_axes_count_where_the_task_says_so(self):
        env = zone_env(2, system="hexagonal", axes="all")
        found, oracle = (run_episodes(policy, env, range(6030, 6032)) for policy in (ZoneFinder(), TrueAxis()))
        assert found.success.all()
        assert found.exposures.sum() <= oracle.exposures.sum() + 1

    def test_it_plays_a_row_as_it_would_alone(self):
        together = run_episodes(ZoneFinder(), zone_env(2), range(6040, 6042))
        alone = run_episodes(ZoneFinder(), zone_env(1), range(6041, 6042))
        for name in Episodes.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[1], err_msg=name)

    def test_without_spots_it_walks_on_and_is_never_sure(self):
        env = zone_env(1)
        context, policy = context_of(env), ZoneFinder()
        observation, _ = env.reset(seed=[3])
        observation = {**observation, "image": np.zeros_like(observation["image"])}
        actions, state = policy.act(observation, policy.start(context, 1))
        assert np.abs(actions[0, :2]).max() == pytest.approx(1.0)
        assert actions[0, 2] < 0.0
        assert policy.certainty(state[0].track, context) == 0.0

    def test_a_place_where_a_declaration_changed_nothing_is_not_gone_to_again(self):
        env = zone_env(1)
        context, policy = context_of(env), ZoneFinder()
        observation, _ = env.reset(seed=[4])
        _, (memory,) = policy.act(observation, policy.start(context, 1))
        here = np.zeros(2)
        nearest = _goal(memory, here)
        beam = context.goniometer.rotation(nearest[None])[0, 0]
        other = _goal(replace(memory, refuted=(beam,)), here)
        assert np.abs(other - nearest).max() > context.tolerance_deg
        actions, (after,) = policy.act(observation, [replace(memory, declared=True)])
        assert len(after.refuted) == 1
        assert actions[0, 2] < 0.0

    def test_a_confidence_that_is_no_probability_is_refused(self):
        with pytest.raises(ValueError, match="probability between 0 and 1, such as"):
            ZoneFinder(1.0)

    def test_a_known_crystal_is_not_its_task(self):
        with pytest.raises(CannotPlay, match="play LaueZone"):
            ZoneFinder().start(context_of(make_vector_env("beamgym/LaueAlign-v0", 1, "real", {})), 1)


class TestItsKnowledge:
    def test_odds_become_probabilities_and_more_frames_sharpen_them(self):
        env = zone_env(1, system="triclinic")
        context = context_of(env)
        observation, _ = env.reset(seed=[6004])
        track = seen(Track(), observation["image"][0, ..., 0], np.zeros(2), context)
        first = track.found[0].spread_deg.max()
        assert track.shares().sum() == pytest.approx(1.0)
        observation, *_ = env.step(np.array([[1.0, 1.0, -1.0]], np.float32))
        track = seen(track, observation["image"][0, ..., 0], np.array([10.0, 10.0]), context)
        assert len(track.views) == 2
        assert track.found[0].spread_deg.max() < first

    def test_nothing_known_is_no_certainty(self):
        assert Track().certainty(5.0) == 0.0
        assert len(Track().shares()) == 0


class TestTheBlindSpiral:
    def test_it_covers_a_square_step_by_step(self):
        places = spiral(25)
        assert {tuple(place) for place in places} == {(x, y) for x in range(-2, 3) for y in range(-2, 3)}
        assert np.abs(np.diff(places, axis=0)).sum(axis=1) == pytest.approx(1.0)

    def test_it_solves_some_cubic_starts_without_a_look(self):
        env = zone_env(64)
        blind = run_episodes(BlindSpiral(), env, range(6100, 6164))
        assert 0.35 < blind.success.mean() < 0.75

    def test_it_declares_when_the_budget_is_spent(self):
        episodes = run_episodes(BlindSpiral(), zone_env(4, stop="declare", moves=6), range(6100, 6104))
        assert episodes.ended.all()
        assert (episodes.exposures == 7).all()


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_keeps_the_contract_of_a_policy(name):
    check_policy(BASELINES[name](), ID)
