"""The choosing survey: what its network is shown, what it does by what that says, and the shipped bundle."""

from dataclasses import replace
from functools import partial

import gymnasium as gym
import numpy as np
import pytest

from beamgym.agents.baselines.choosing import (
    CANDIDATES,
    CHOOSING,
    COLUMNS,
    Looks,
    SiteChooser,
    choosing_survey,
    shipped_chooser,
)
from beamgym.agents.baselines.spot import ProbeResult, SearchPolicy, SurveyFlight
from beamgym.agents.evaluation import evaluate
from beamgym.envs.arpes_spot import shipped_scorer
from beamgym.envs.bundles import BundleError
from beamgym.envs.policy import CannotPlay

V1 = "beamgym/ArpesSpot-v1"


@pytest.fixture(scope="module")
def context():
    return gym.make(V1, surfaces=1, score="truth").unwrapped.loop.task.context


def result_at(site, points, dwell_s=0.05, left_s=100.0):
    return ProbeResult(np.asarray(site), dwell_s, 0.9, 0.5, 5.0, 1e3, left_s, 0, (points, 0.1))


def shown_of(context, results):
    looks = Looks(SurveyFlight(context, CHOOSING))
    for result in results:
        looks.flight.take(result)
        looks.take(result)
    return looks, *looks.shown()


def some(rng, count):
    return [
        result_at(rng.uniform(-0.7, 0.7, 2), points, left_s=100.0 - i)
        for i, points in enumerate(rng.uniform(3.0, 8.0, count))
    ]


class TestLooks:
    def test_the_best_reading_come_first_and_the_rest_is_empty(self, context):
        results = some(np.random.default_rng(0), 12)
        _, chosen, shown = shown_of(context, results)
        read = [result.points() for result in results]
        assert chosen.tolist() == np.argsort(-np.array(read)).tolist()
        assert shown.shape == (CANDIDATES, COLUMNS)
        assert np.isfinite(shown).all()
        assert shown[:, 0].tolist() == [1.0] * 12 + [0.0] * (CANDIDATES - 12)
        assert (shown[12:] == 0.0).all()

    def test_no_more_than_the_best_are_shown(self, context):
        _, chosen, shown = shown_of(context, some(np.random.default_rng(1), CANDIDATES + 9))
        assert len(chosen) == CANDIDATES
        assert (shown[:, 0] == 1.0).all()

    def test_neighbours_are_weighed_by_distance_and_error(self, context):
        """Alone at its width a site's mean is its own; with a neighbour near it lies between the two."""
        far = [result_at((0.0, 0.0), 8.0, 0.25), result_at((0.5, 0.5), 3.0, 0.25)]
        near = [far[0], result_at((0.02, 0.0), 6.0, 0.25)]
        alone, beside = (shown_of(context, results)[2][0] for results in (far, near))
        assert alone[10] == pytest.approx(8.0, abs=1e-3)
        assert 6.0 < beside[10] < 8.0
        assert beside[14] == pytest.approx(6.0, abs=0.01)  # without itself

    def test_longest_dwells_are_of_the_site_itself(self, context):
        looks, _, shown = shown_of(context, [result_at((0.1, 0.1), 7.0), result_at((0.1, 0.105), 7.5, 0.5)])
        assert looks.dwell_at(np.array([0.1, 0.1])) == 0.5
        assert looks.dwell_at(np.array([0.2, 0.1])) == 0.0
        assert shown[:2, 8] == pytest.approx(np.log(0.5))

    def test_an_exposure_without_an_estimate_is_refused(self, context):
        looks = Looks(SurveyFlight(context, CHOOSING))
        with pytest.raises(ValueError, match="without an estimate"):
            looks.take(replace(result_at((0.0, 0.0), 7.0), estimate=None))


class TestSearch:
    def test_a_certain_site_is_measured_longer_and_declared(self, context):
        search = choosing_survey(context, result_at((0.0, 0.0), 8.3), CHOOSING, lambda shown: 0.99 * shown[:, 0])
        probe = next(search)
        assert (probe.site_mm.tolist(), probe.dwell_s) == ([0.0, 0.0], CHOOSING.confirm_s)
        with pytest.raises(StopIteration):
            search.send(result_at((0.0, 0.0), 8.3, CHOOSING.confirm_s))

    def test_what_the_network_puts_first_is_held_in_the_end(self, context):
        """The network likes what reads worst: the survey alone would hold the best reading."""

        def judge(shown):
            worst = np.where(shown[:, 0] > 0.0, -shown[:, 1], -np.inf)
            return np.where(np.arange(CANDIDATES) == worst.argmax(), 0.5, 0.0)

        settings = replace(CHOOSING, most_s=5.0)
        result = result_at((0.0, 0.0), 2.0)
        search, sent = choosing_survey(context, result, settings, judge), []
        probe, left = next(search), 100.0
        try:
            while True:
                left -= 1.0
                points = 2.0 if np.hypot(*probe.site_mm) < 1e-9 else 7.5
                sent.append(probe)
                probe = search.send(result_at(probe.site_mm, points, probe.dwell_s, left))
        except StopIteration:
            pass
        assert np.hypot(*sent[-1].site_mm) < 1e-9

    def test_it_needs_estimates(self, context):
        with pytest.raises(CannotPlay, match="estimates of sites"):
            next(choosing_survey(context, replace(result_at((0.0, 0.0), 7.0), estimate=None), CHOOSING, np.ones))

    def test_it_finds_good_sites_sooner_where_it_may_be_less_certain(self):
        found = [
            evaluate(SearchPolicy("it", partial(choosing_survey, settings=replace(CHOOSING, certain=sure))), V1, 6, 0)
            for sure in (0.5, 1.1)
        ]
        assert found[1].success_rate >= 0.5
        assert found[0].episodes.instrument_s.mean() < 0.9 * found[1].episodes.instrument_s.mean()


class TestBundle:
    def test_the_shipped_chooser_prefers_what_reads_well_and_was_measured_longer(self, context):
        rng = np.random.default_rng(2)
        poor, good = some(rng, 40), result_at((0.3, 0.2), 8.45, 0.5, 60.0)
        near = [result_at((0.3, 0.2 + d), 8.3, left_s=59.0) for d in (-0.05, 0.05)]
        _, chosen, shown = shown_of(context, [*poor, good, *near])
        chances = shipped_chooser()(shown)
        assert chosen[chances.argmax()] == 40
        assert chances.max() > 0.5 > chances.min() >= 0.0

    def test_no_candidate_no_chance(self):
        assert (shipped_chooser()(np.zeros((CANDIDATES, COLUMNS), np.float32)) == 0.0).all()

    def test_another_bundle_is_refused(self):
        with pytest.raises(BundleError, match="no chooser"):
            SiteChooser(shipped_scorer().model)
