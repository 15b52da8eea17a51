"""Weak peaks over a ground told by their surroundings: nothing of a peak leaks into it, and intervals hold."""

import numpy as np
import pytest

from beamgym.envs.bundles import BundleError
from beamgym.envs.denoising import (
    CountedFrame,
    GroundNetwork,
    hidden_box,
    profile,
    shipped_denoiser,
    shipped_ground,
    surroundings,
)
from beamgym.physics.counts import NotCounts

SHAPE, PLACE = (96, 100), np.array([50.0, 45.0, 2.2, 4.5])
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]]
GROUND = 2.0 + 0.008 * (COLUMNS - 50.0) + 0.004 * (ROWS - 45.0)


@pytest.fixture(scope="module")
def network():
    return shipped_ground()


def whole(place):
    return profile(place, (slice(0, SHAPE[0]), slice(0, SHAPE[1])))


class TestSurroundings:
    def test_the_hidden_box_tells_nothing(self):
        counts = np.random.default_rng(0).poisson(GROUND).astype(float)
        other = counts.copy()
        other[hidden_box(PLACE, SHAPE)] += 1000.0
        one, two = (surroundings(CountedFrame(each, np.zeros(SHAPE, bool)), PLACE) for each in (counts, other))
        assert np.allclose(one.told, two.told, atol=1e-5)
        assert one.level == pytest.approx(two.level)

    def test_the_box_holds_97_percent_of_a_peak(self):
        assert profile(PLACE, hidden_box(PLACE, SHAPE)).sum() == pytest.approx(0.975, abs=0.012)
        assert whole(PLACE).sum() == pytest.approx(1.0, abs=1e-6)

    def test_flat_counts_lie_at_their_level_whatever_is_masked(self):
        hidden = np.zeros(SHAPE, bool)
        hidden[:, 70:] = True
        told = surroundings(CountedFrame(np.full(SHAPE, 3.0), hidden), PLACE)
        assert told.level == pytest.approx(3.0, rel=0.01)
        assert np.abs(told.told[:180]).max() < 0.02


class TestMeasuring:
    def test_counts_have_no_bias_and_intervals_hold(self, network):
        draw, true, found = np.random.default_rng(1), 60.0, []
        for _ in range(300):
            counts = draw.poisson(GROUND + true * whole(PLACE))
            found.append(network.measure(counts, PLACE[None])[0])
        values, said = (np.array([getattr(one, name) for one in found]) for name in ("counts", "uncertainty"))
        assert abs(values.mean() - true) < 0.15 * said.mean() + 3.0 * values.std() / np.sqrt(300)
        assert 0.60 < np.mean(np.abs(values - true) <= said) < 0.80
        assert np.mean([one.ground for one in found]) == pytest.approx(2.0, rel=0.03)
        assert np.mean([one.significance for one in found]) > 1.5

    def test_an_empty_place_is_no_peak(self, network):
        draw = np.random.default_rng(2)
        significances = [network.measure(draw.poisson(GROUND), PLACE[None])[0].significance for _ in range(200)]
        assert abs(np.mean(significances)) < 0.3
        assert np.mean(np.abs(significances) > 2.0) < 0.1

    def test_peaks_of_one_list_are_left_out_of_each_others_ground(self, network):
        other = np.array([62.0, 45.0, 2.2, 4.5])
        counts = np.random.default_rng(3).poisson(GROUND + 4000.0 * whole(other))
        together = network.measure(counts, np.stack([PLACE, other]))
        assert together[0].ground == pytest.approx(2.0, rel=0.25)
        assert together[1].counts == pytest.approx(4000.0, rel=0.1)

    def test_a_peak_that_is_hardly_seen_is_not_measured(self, network):
        mask = np.zeros(SHAPE, bool)
        mask[:, 48:] = True
        for place, hidden in ((PLACE, mask), (np.array([0.0, 45.0, 2.2, 4.5]), None)):
            one = network.measure(np.ones(SHAPE), place[None], hidden)[0]
            assert np.isnan(one.counts)
            assert "less than 70 % of the peak" in one.flags[0]

    def test_what_was_not_trained_on_is_flagged(self, network):
        wide, dark = np.array([[50.0, 45.0, 15.0, 4.0]]), np.zeros(SHAPE)
        dark[0, 0] = 1.0
        assert "a width of 15 × 4 px" in network.measure(np.ones(SHAPE), wide)[0].flags[0]
        assert "counts a pixel beside the peak" in network.measure(dark, PLACE[None])[0].flags[0]
        assert network.measure(np.full(SHAPE, 2.0), PLACE[None])[0].flags == ()


class TestRefusals:
    @pytest.mark.parametrize(
        ("places", "line"),
        [([1.0, 2.0], "give \\(k, 4\\)"), ([[1.0, 2.0, 0.0, 1.0]], "above 0"), ([[np.nan, 2.0, 1.0, 1.0]], "finite")],
    )
    def test_places_that_are_none(self, network, places, line):
        with pytest.raises(ValueError, match=line):
            network.measure(np.ones(SHAPE), places)

    def test_frames_that_are_no_counts(self, network):
        with pytest.raises(NotCounts, match="below 0"):
            network.measure(-np.ones(SHAPE), PLACE[None])

    def test_a_network_of_another_kind(self):
        with pytest.raises(BundleError, match="tells no ground"):
            GroundNetwork(shipped_denoiser("laue").model)
