"""The survey: its belief, its way, and what it finds."""

from dataclasses import replace
from functools import partial

import gymnasium as gym
import numpy as np
import pytest

from beamgym.agents.baselines.spot import SURVEY, SearchPolicy, ended_early, survey
from beamgym.agents.baselines.spot.search import Probe, ProbeResult
from beamgym.agents.baselines.surface_belief import SurfaceBelief, correlation, normal_scores, points_of
from beamgym.agents.baselines.surface_sites import diagonal_spiral, hexagonal_lattice, sample_disc, turned
from beamgym.agents.evaluation import evaluate

V1 = "beamgym/ArpesSpot-v1"


@pytest.fixture(scope="module")
def context():
    return gym.make(V1, surfaces=1, score="truth").unwrapped.loop.task.context


def result_at(site, points, dwell_s=0.05):
    return ProbeResult(np.asarray(site), dwell_s, 0.9, 0.5, 5.0, 1e3, 100.0, 0, (points, 0.1))


def test_points_and_their_normal_scores_are_each_others_inverse():
    points = np.linspace(0.0, 8.8, 50)
    np.testing.assert_allclose(points_of(normal_scores(points)), points, atol=1e-9)
    assert (np.diff(normal_scores(points)) > 0.0).all()


def test_the_belief_is_that_of_all_exposures_at_once():
    rng = np.random.default_rng(0)
    sites, seen = rng.uniform(-0.8, 0.8, (40, 2)), rng.uniform(-0.8, 0.8, (12, 2))
    points, errors = rng.uniform(3.0, 8.4, 12), rng.uniform(0.1, 0.6, 12)
    belief = SurfaceBelief(sites, np.arange(40))
    for site, value, error in zip(seen, points, errors, strict=True):
        belief.observe(site, value, error)
    noise = 0.5 * (normal_scores(points + errors) - normal_scores(points - errors))
    own = correlation(seen, seen) + np.diag(noise**2)
    across = correlation(sites, seen)
    np.testing.assert_allclose(belief.mean, across @ np.linalg.solve(own, normal_scores(points)), atol=1e-9)
    np.testing.assert_allclose(belief.variance, 1.0 - (across * np.linalg.solve(own, across.T).T).sum(1), atol=1e-9)


def test_a_site_is_surer_the_better_it_is_and_the_more_was_seen():
    sites = np.stack(np.meshgrid(np.linspace(-0.8, 0.8, 17), np.linspace(-0.8, 0.8, 17)), -1).reshape(-1, 2)
    chances = []
    for points, others in ((7.5, 0), (8.3, 0), (8.3, 60)):
        belief = SurfaceBelief(sites, np.arange(len(sites)))
        belief.observe(sites[0], points, 0.05)
        for site in np.random.default_rng(1).permutation(sites[20:])[:others]:
            belief.observe(site, 5.0, 0.2)
        found, weights = belief.success(0, 0.25, 0.25)
        chances.append(found @ weights)
    assert 0.0 < chances[0] < chances[1] < chances[2] <= 1.0


def test_what_is_expected_is_the_mean_over_what_is_believed():
    belief = SurfaceBelief(np.zeros((1, 2)), np.arange(1))
    belief.observe(np.array([0.05, 0.0]), 7.5, 0.3)
    drawn = points_of(belief.mean[0] + belief.spread[0] * np.random.default_rng(0).normal(size=200_000))
    assert belief.expected_points(0)[0] == pytest.approx(drawn.mean(), abs=0.05)
    assert belief.expected_gain(7.6)[0] == pytest.approx(np.maximum(drawn - 7.6, 0.0).mean(), abs=0.03)


def test_the_way_covers_the_disc_along_diagonals(context):
    way = diagonal_spiral(context, 0.24, 0.12)
    middle, radius = sample_disc(context)
    assert (np.hypot(*(way - middle).T) <= radius[0] + 1e-9).all()
    steps = np.diff(way, axis=0)
    near = np.hypot(*steps.T) < 0.13
    assert near.mean() > 0.9
    assert np.abs(steps[near]).max(axis=1).sum() < 0.8 * np.hypot(*steps[near].T).sum()  # 0.71 along diagonals
    rng = np.random.default_rng(0)
    anywhere = middle + 0.95 * radius * (lambda p: p[np.hypot(*p.T) < 1.0])(rng.uniform(-1.0, 1.0, (2000, 2)))
    away = np.sqrt(((anywhere[:, None] - way[None]) ** 2).sum(2)).min(1)
    assert away.max() < 0.24


def test_a_turned_lattice_is_driven_faster(context):
    sites = hexagonal_lattice(context, 0.24)
    ways = [np.abs(np.diff(each, axis=0)).max(axis=1).sum() for each in (sites, turned(context, sites))]
    assert ways[1] < 0.8 * ways[0]
    np.testing.assert_allclose(np.hypot(*turned(context, sites).T), np.hypot(*sites.T), atol=1e-12)


def test_a_search_ended_early_measures_again_and_stops_where_it_is_good_enough(context):
    def three(context, result):
        for x in (0.1, 0.2, 0.3):
            told.append((yield Probe(np.array([x, 0.0]), 0.05)))

    told = []
    run = ended_early(three, 8.0, 0.5)(context, result_at((0, 0), 5.0))
    assert next(run).site_mm[0] == 0.1
    assert run.send(result_at((0.1, 0.0), 6.0)).site_mm[0] == 0.2
    again = run.send(result_at((0.2, 0.0), 8.2))
    assert (again.site_mm[0], again.dwell_s) == (0.2, 0.5)
    assert run.send(result_at((0.2, 0.0), 7.0, 0.5)).site_mm[0] == 0.3
    assert [one.points() for one in told] == [6.0, 7.0]
    run.send(result_at((0.3, 0.0), 8.4))
    with pytest.raises(StopIteration):
        run.send(result_at((0.3, 0.0), 8.3, 0.5))


def test_it_finds_the_best_and_is_quicker_where_it_need_not_be_sure():
    sure, hasty = (
        evaluate(SearchPolicy("survey", partial(survey, settings=replace(SURVEY, sure=sure))), V1, 8, 0)
        for sure in (0.9, 0.3)
    )
    assert sure.success_rate >= 0.6
    assert hasty.episodes.instrument_s.mean() < sure.episodes.instrument_s.mean()
