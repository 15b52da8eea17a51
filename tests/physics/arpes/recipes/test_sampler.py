"""Use or regenerate: even scores, and every spectrum reproducible by its seed and number alone."""

from itertools import islice

import numpy as np
import pytest

from beamgym.physics.arpes.recipes.recipes import recipe_grid
from beamgym.physics.arpes.recipes.sampler import BINS, Sampler, stream

GRID = recipe_grid((32, 32))


@pytest.fixture(scope="module")
def even():
    return Sampler.even("published", GRID, pilot=600)


def spread(totals):
    """Shannon entropy of a histogram of totals: ln 10 for even ones."""
    share = np.histogram(totals, bins=10, range=(0.0, 10.0))[0] / len(totals)
    return -(share[share > 0] * np.log(share[share > 0])).sum()


def test_scores_are_spread_more_evenly_than_they_come(even):
    index = np.arange(500)
    taken = even.take(1, index).paper.total
    natural = Sampler.natural("published", GRID).take(1, index).paper.total
    assert spread(taken) > spread(natural) + 0.1
    assert np.histogram(taken, 10, (0, 10))[0].max() < np.histogram(natural, 10, (0, 10))[0].max()


def test_the_share_used_is_the_share_asked_for():
    full = Sampler.even("published", GRID, pilot=300, used=1.0)
    np.testing.assert_allclose(full.acceptance, 1.0)
    assert Sampler.even("published", GRID, pilot=300, used=0.1).acceptance.min() < 0.2


def test_a_spectrum_depends_on_seed_and_number_only(even):
    whole = even.take(3, np.arange(40))
    some = np.array([31, 2, 17])
    part = even.take(3, some)
    np.testing.assert_array_equal(part.counts, whole.counts[some])
    np.testing.assert_array_equal(part.keys, whole.keys[some])
    assert not np.array_equal(even.take(4, some).counts, part.counts)


def test_a_pilot_gives_the_same_sampler_again(even):
    np.testing.assert_array_equal(Sampler.even("published", GRID, pilot=600).acceptance, even.acceptance)
    assert even.acceptance.shape == (BINS,)


def test_either_score_can_be_spread():
    index = np.arange(300)
    taken = Sampler.even("full", GRID, score="v2", pilot=300).take(0, index).v2.total
    assert spread(taken) > spread(Sampler.natural("full", GRID).take(0, index).v2.total)


def test_a_stream_goes_on_without_end_and_starts_anywhere(even):
    batches = list(islice(stream(even, 5, 8), 3))
    assert [len(batch) for batch in batches] == [8, 8, 8]
    np.testing.assert_array_equal(next(stream(even, 5, 8, first=8)).counts, batches[1].counts)
    finite = list(stream(even, 5, 8, count=20))
    assert [len(batch) for batch in finite] == [8, 8, 4]
    np.testing.assert_array_equal(finite[2].counts, batches[2].counts[:4])


def test_workers_yield_the_same_stream(even):
    here = list(stream(even, 5, 6, count=15))
    there = list(stream(even, 5, 6, count=15, workers=1))
    assert len(here) == len(there) == 3
    for a, b in zip(here, there, strict=True):
        np.testing.assert_array_equal(a.counts, b.counts)
        np.testing.assert_array_equal(a.paper.total, b.paper.total)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Sampler.even("old", GRID), "unknown recipe"),
        (lambda: Sampler.natural("full", GRID, "best"), "unknown score"),
        (lambda: Sampler.even("full", GRID, pilot=10), "100 spectra or more"),
        (lambda: Sampler.even("full", GRID, used=0.0), "0 < used"),
        (lambda: Sampler.natural("full", GRID).take(-1, np.arange(3)), "seed ≥ 0"),
        (lambda: Sampler.natural("full", GRID).take(1, np.array([], dtype=int)), "at least one"),
        (lambda: stream(Sampler.natural("full", GRID), 0, 0), "batch ≥ 1"),
    ],
)
def test_mistakes_are_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Sampler.natural("full", GRID).take(1.5, np.arange(3)), "seed is 1.5; give a whole number"),
        (lambda: Sampler.natural("full", GRID).take(1, np.array([0.0, 1.5])), "the numbers of spectra are float64"),
        (lambda: stream(Sampler.natural("full", GRID), 0, 2.5), "batch is 2.5; give a whole number"),
    ],
)
def test_numbers_that_are_not_whole_are_refused_and_not_cut(call, message):
    with pytest.raises(TypeError, match=message):
        call()
