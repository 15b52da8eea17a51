"""The rivals of ArpesSpot: each searches as its name says, within the beam time, and declares where it stands."""

import numpy as np
import pytest

from beamgym.agents.baselines.spot import BASELINES, SEARCHES
from beamgym.agents.baselines.spot.finish import best_apart
from beamgym.agents.baselines.spot.search import Probe, ProbeResult, cost_s
from beamgym.agents.baselines.spot.yield_map import YieldMapSettings, yield_map
from beamgym.agents.baselines.surface_sites import (
    hexagonal_lattice,
    pitch_that_fits,
    sample_disc,
    square_lattice,
    tour_s,
)
from beamgym.agents.evaluation.evaluator import Episodes, context_of, evaluate_in, make_vector_env, run_episodes
from beamgym.agents.policies.find import find_policy, policy_names
from beamgym.envs.checks import check_policy
from beamgym.envs.policy import CannotPlay, Policy

ID = "beamgym/ArpesSpot-v0"
QUICK = {"score": "truth", "surfaces": 4, "beam_time_s": 40.0}
LAUE = "beamgym/LaueAlign-v0"


@pytest.fixture(scope="module")
def env():
    return make_vector_env(ID, 3, "real", QUICK)


@pytest.fixture(scope="module")
def context(env):
    return context_of(env)


def policy(name, context):
    return find_policy(name, ID, context=context)


class TestNames:
    def test_a_name_means_the_rival_of_the_task_at_hand(self, context):
        assert set(policy_names(context)) == {"shipped", "choosing-survey", *SEARCHES, "read-and-survey", "true-map"}
        for name in BASELINES:
            found = policy(name, context)
            assert isinstance(found, Policy)
            assert (found.name, found.oracle) == (name, name == "true-map")
        assert type(policy("random", context)) is not type(find_policy("random", LAUE))

    def test_a_rival_of_another_task_is_refused_with_those_there_are(self, context):
        with pytest.raises(CannotPlay, match=r"no-op plays another task; .*raster") as error:
            policy("no-op", context)
        assert "\n" not in str(error.value)
        with pytest.raises(CannotPlay, match="true-pose"):
            find_policy("raster", LAUE)

    @pytest.mark.parametrize("name", BASELINES)
    def test_a_rival_keeps_the_contract_of_a_policy(self, context, name):
        check_policy(policy(name, context), ID, **QUICK)

    @pytest.mark.parametrize("name", BASELINES)
    def test_a_search_does_not_begin_where_there_is_no_spot(self, context, name):
        with pytest.raises(CannotPlay, match="best spot of a surface"):
            policy(name, context).start("three motors", 1)

    @pytest.mark.parametrize("name", [name for name in BASELINES if name != "read-and-survey"])
    def test_pixels_alone_are_refused(self, name):
        images = make_vector_env("beamgym/ArpesSpotImage-v0", 1, "real", {"surfaces": 1, "score": "truth"})
        with pytest.raises(CannotPlay, match="needs observed scores"):
            evaluate_in(find_policy(name, "x", context=context_of(images)), images, 1, 0)


class TestPlaying:
    @pytest.mark.parametrize("name", BASELINES)
    def test_a_rival_declares_within_the_beam_time_and_plays_a_row_as_alone(self, env, context, name):
        together = run_episodes(policy(name, context), env, range(500, 503))
        alone = run_episodes(policy(name, context), make_vector_env(ID, 1, "real", QUICK), range(501, 502))
        for field in Episodes.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(alone, field)[0], getattr(together, field)[1], err_msg=field)
        assert together.ended.all()
        assert (together.instrument_s <= 40.0).all()

    @pytest.mark.parametrize("name", ["raster", "gp-ei"])
    def test_a_stage_that_goes_by_steps_is_led_through_halts(self, name):
        steps = make_vector_env(ID, 2, "real", {**QUICK, "action": "steps", "max_step_mm": 0.2})
        played = run_episodes(policy(name, context_of(steps)), steps, range(500, 502))
        assert played.ended.all()
        assert (played.instrument_s <= 40.0).all()
        assert played.exposures.min() > 10

    def test_the_oracle_needs_a_few_seconds_and_no_search_beats_it(self, env, context):
        best = evaluate_in(policy("true-map", context), env, 6, seed=0)
        assert best.success_rate == 1.0
        assert best.beam_s_median < 5.0
        assert evaluate_in(policy("raster", context), env, 6, seed=0).beam_s_median > best.beam_s_median

    def test_the_oracle_does_not_play_without_the_truth(self, env, context):
        observation, _ = env.reset(seed=[0, 1, 2])
        oracle = policy("true-map", context)
        with pytest.raises(ValueError, match="is an oracle"):
            oracle.act(observation, oracle.start(context, 3))

    def test_random_places_come_from_the_episode_alone(self, env, context):
        first, again, other = (
            run_episodes(policy("random", context), env, range(at, at + 2)).motor_s for at in (7, 7, 9)
        )
        np.testing.assert_array_equal(first, again)
        assert (first != other).all()

    def test_random_places_are_not_moved_by_rounding(self, env, context):
        observation, _ = env.reset(seed=[0, 1, 2])
        rounded = {**observation, "spectrum": observation["spectrum"] ^ 1}
        drawn = policy("random", context)
        one, other = (drawn.act(seen, drawn.start_from(context, [4, 5, 6]))[0] for seen in (observation, rounded))
        np.testing.assert_array_equal(one, other)
        assert not np.array_equal(one[0], one[1])


def result(place, total=5.0, electrons=1000.0, left_s=100.0, dwell_s=0.05):
    return ProbeResult(np.array(place, dtype=float), dwell_s, 0.9, 0.9, total, electrons, left_s, bits=0)


class TestYieldMap:
    def test_it_measures_the_brightest_places_and_returns_to_the_best_scored(self, context):
        """One place is brightest, another the best by its score: both are among the candidates, the second is held."""
        spots = np.array([[0.3, 0.1], [-0.2, -0.3]])
        search = yield_map(context, result([0.0, 0.0]), YieldMapSettings(candidates=2, confirm_s=1.0, apart_mm=0.4))
        probe, measured = next(search), []
        while True:
            near = np.exp(-((probe.site_mm - spots) ** 2).sum(axis=1) / 0.1**2)
            if probe.dwell_s == 1.0:
                measured.append(int(near.argmax()))
            answer = result(probe.site_mm, 8.0 * near[1], 1e3 + 9e3 * near[0] + 8e3 * near[1], 60.0, probe.dwell_s)
            try:
                probe = search.send(answer)
            except StopIteration:
                break
        assert sorted(measured) == [0, 1]
        assert np.hypot(*(probe.site_mm - spots[1])) < 0.1

    def test_its_map_is_flown_and_fits_the_time(self, context):
        pitch = pitch_that_fits(context, 0.05, 30.0)
        finer = pitch * 0.97
        assert tour_s(context, square_lattice(context, pitch), 0.05) <= 30.0
        assert tour_s(context, square_lattice(context, finer), 0.05) > 29.0


class TestPlaces:
    @pytest.mark.parametrize(("lattice", "per_area"), [(square_lattice, 1.0), (hexagonal_lattice, 2.0 / 3.0**0.5)])
    def test_a_lattice_fills_the_disc_with_its_density(self, context, lattice, per_area):
        places = lattice(context, 0.05)
        middle, radius = sample_disc(context)
        assert (((places - middle) / radius) ** 2).sum(axis=1).max() <= 1.0 + 1e-9
        assert len(places) == pytest.approx(per_area * np.pi * radius.prod() / 0.05**2, rel=0.03)
        apart = np.sqrt(((places[:60, None] - places[None]) ** 2).sum(axis=2))
        assert apart[apart > 0].min() == pytest.approx(0.05)

    def test_the_best_are_taken_apart(self):
        places = np.array([[0.0, 0.0], [0.01, 0.0], [0.5, 0.0], [0.9, 0.0]])
        np.testing.assert_array_equal(best_apart(places, [3.0, 4.0, 1.0, 2.0], 3, 0.1), places[[1, 3, 2]])

    def test_a_look_costs_what_the_environment_takes_for_it(self):
        env = make_vector_env(ID, 1, "easy", {"score": "truth", "surfaces": 1})
        env.reset(seed=[0])
        here, context = np.zeros(2), context_of(env)
        for x, dwell in ((0.4, 0.05), (0.38, 0.05), (-0.1, 0.7), (-0.1, 0.05)):
            probe = Probe(np.array([x, 0.1]), dwell)
            share = np.log(dwell / 0.05) / np.log(5.0 / 0.05)
            action = np.float32([[x, 0.1, 2.0 * share - 1.0, -1.0]])
            taken = env.loop.step(action, np.ones(1, bool)).costs["instrument_s"][0]
            assert cost_s(context, here, probe) == pytest.approx(taken, abs=1e-5)
            here = probe.site_mm


def test_points_do_not_depend_on_the_dwell_that_was_chosen():
    short, long = (
        ProbeResult(np.zeros(2), dwell, 0.9, 0.85, 1.0, 2e4 * dwell, 9.0, 0).points() for dwell in (0.1, 3.0)
    )
    assert short == pytest.approx(long)
