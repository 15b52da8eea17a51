"""Dead and hot pixels are found by their neighbours, gains by the numbers they leave out, and sound frames pass."""

import numpy as np
import pytest

from beamgym.physics.counts import dead_pixels, empty_share, hot_pixels, missing_numbers

SHAPE = (64, 72)
NONE = np.zeros(SHAPE, np.bool_)


def spots(draw):
    """A sloping ground with spots of a pixel's width."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    rate = 0.5 + 0.01 * columns
    for row, column in draw.uniform(4, 60, (20, 2)):
        rate += draw.uniform(2, 40) * np.exp(-0.5 * ((rows - row) ** 2 + (columns - column) ** 2) / 0.9**2)
    return rate


@pytest.fixture(scope="module")
def stack():
    draw = np.random.default_rng(3)
    rate = spots(draw)
    counts = draw.poisson(np.broadcast_to(rate, (80, *SHAPE))).astype(float)
    dead, hot = draw.random(SHAPE) < 0.01, draw.random(SHAPE) < 0.006
    counts[:, dead] = 0.0
    counts[:, hot & ~dead] += draw.poisson(20.0, (80, int((hot & ~dead).sum())))
    return counts, dead, hot & ~dead


def test_dead_pixels_of_a_stack_are_found_and_hardly_a_sound_one(stack):
    counts, dead, _ = stack
    found = dead_pixels(counts, NONE)
    assert found[dead].mean() > 0.85
    assert (found & ~dead).sum() <= 1


def test_hot_pixels_of_a_stack_are_found_and_no_spot(stack):
    counts, _, hot = stack
    found = hot_pixels(counts, NONE)
    assert found[hot].mean() > 0.7
    assert not (found & ~hot).any()


@pytest.mark.parametrize("number", [1, 20])
def test_hardly_a_sound_detector_is_suspected(number):
    suspected = 0
    for seed in range(40):
        draw = np.random.default_rng(seed)
        counts = draw.poisson(np.broadcast_to(spots(draw), (number, *SHAPE))).astype(float)
        suspected += bool(dead_pixels(counts, NONE).any()) + bool(hot_pixels(counts, NONE).any())
    assert suspected <= 1  # 0.8 expected at most, by FALSE_SHARE


def test_masked_pixels_are_not_suspected_and_suspect_nobody(stack):
    counts, dead, hot = stack
    mask = np.zeros(SHAPE, np.bool_)
    mask[20:30] = True
    blind = counts.copy()
    blind[:, mask] = 0.0
    found = dead_pixels(blind, mask) | hot_pixels(blind, mask)
    assert not found[mask].any()
    assert (found & ~dead & ~hot).sum() <= 1


class TestEmptyPixels:
    @pytest.mark.parametrize("share", [0.0, 0.02])
    def test_their_share_is_told_within_its_deviation(self, share):
        draw = np.random.default_rng(7)
        off = []
        for _ in range(60):
            rate = spots(draw)
            counts = draw.poisson(rate) * (draw.random(SHAPE) >= share)
            told = empty_share(counts, rate, NONE)
            off.append((told.share - share) / told.deviation)
        assert abs(np.mean(off)) < 3.0 / np.sqrt(60)
        assert share > 0.0 or 0.75 < np.std(off) < 1.3

    def test_nothing_is_told_where_nothing_is_seen(self):
        told = empty_share(np.zeros(SHAPE), np.ones(SHAPE), ~NONE)
        assert told.share == 0.0
        assert np.isinf(told.deviation)


class TestMissingNumbers:
    @pytest.mark.parametrize(("gain", "missing"), [(1.3, 2), (2.0, 1), (3.0, 2)])
    def test_a_gain_that_nobody_told_shows(self, gain, missing):
        counts = np.random.default_rng(1).poisson(spots(np.random.default_rng(2)))
        assert missing in missing_numbers(np.rint(gain * counts))

    def test_counts_of_any_rates_pass(self):
        draw = np.random.default_rng(4)
        for _ in range(40):
            rate = 10.0 ** draw.uniform(-2, 1.5) * draw.gamma(10.0 ** draw.uniform(-1, 2), 1.0, SHAPE)
            assert missing_numbers(draw.poisson(rate)) == ()

    def test_a_frame_of_few_numbers_says_nothing(self):
        assert missing_numbers(np.zeros(SHAPE)) == ()
        assert missing_numbers(np.ones(0)) == ()
