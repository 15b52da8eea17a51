"""Thinning: the parts add up, are independent, and are what a shorter exposure would have given."""

import numpy as np
import pytest
from scipy import stats

from beamgym.physics.counts import (
    DeadTime,
    Gained,
    NegativeBinomial,
    NotCounts,
    Poisson,
    check_counts,
    exposure_ladder,
    thin,
)

SIZE = 40_000


def rng(seed=3):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("model", [Poisson(), NegativeBinomial(3.0)], ids=repr)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_parts_add_up_are_independent_and_are_shorter_exposures(model, share):
    frame = model.draw(np.full(SIZE, 6.0), rng(1))
    kept, rest = thin(frame, share, rng(2), model)
    np.testing.assert_array_equal(kept + rest, frame)
    assert abs(np.corrcoef(kept, rest)[0, 1]) < 4.0 / np.sqrt(SIZE)
    shorter = NegativeBinomial(3.0 * share) if isinstance(model, NegativeBinomial) else Poisson()
    n = np.arange(80.0)
    wanted = SIZE * np.exp(shorter.log_likelihood(n, 6.0 * share))
    often = wanted > 20.0
    seen = np.bincount(kept.astype(int), minlength=len(n))
    chi2 = ((seen - wanted)[often] ** 2 / wanted[often]).sum()
    assert stats.chi2.sf(chi2, often.sum()) > 1e-4


def test_a_varying_source_thinned_as_if_it_were_steady_leaves_its_parts_correlated():
    frame = NegativeBinomial(3.0).draw(np.full(SIZE, 6.0), rng(1))
    kept, rest = thin(frame, 0.5, rng(2))
    assert np.corrcoef(kept, rest)[0, 1] > 0.3


@pytest.mark.parametrize("model", [Poisson(), NegativeBinomial(3.0)], ids=repr)
def test_a_ladder_is_nested_and_each_rung_is_independent_of_what_it_lacks(model):
    frame = model.draw(np.full(SIZE, 16.0), rng(1))
    frames, rests = exposure_ladder(frame, (0.5, 0.25, 1.0 / 64.0), rng(2), model)
    for longer, shorter in zip([frame, *frames], frames, strict=False):
        assert (shorter <= longer).all()
    for share, part, rest in zip((0.5, 0.25, 1.0 / 64.0), frames, rests, strict=True):
        np.testing.assert_array_equal(part + rest, frame)
        assert part.mean() == pytest.approx(16.0 * share, rel=0.05)
        assert abs(np.corrcoef(part, rest)[0, 1]) < 4.0 / np.sqrt(SIZE)


@pytest.mark.parametrize("model", [Gained(1.3, 0.5), DeadTime(0.01, 1.0)], ids=repr)
def test_what_cannot_be_split_exactly_is_refused(model):
    with pytest.raises(ValueError, match=f"counts of {type(model).__name__} cannot be split"):
        thin(np.ones((4, 4)), 0.5, rng(), model)


@pytest.mark.parametrize(
    ("frame", "gain", "words"),
    [
        ([[1.0, -2.0]], None, "1 of 2 pixels are below 0"),
        ([[1.0, 2.5]], None, "1 of 2 pixels are not whole numbers"),
        ([[1.0, np.nan]], None, "mask them"),
        ([[1.3, 2.0]], 1.3, "1 of 2 pixels are not whole numbers"),
    ],
)
def test_what_are_no_counts_is_refused_with_the_remedy(frame, gain, words):
    with pytest.raises(NotCounts, match=words):
        check_counts(frame, gain)


def test_a_gain_makes_counts_and_masked_pixels_stay_empty():
    mask = np.array([[False, False, True]])
    found = check_counts(np.array([[2.6, 0.0, np.nan]], dtype=np.float32), 1.3, mask)
    np.testing.assert_array_equal(found, [[2.0, 0.0, 0.0]])


@pytest.mark.parametrize("shares", [(0.5, 0.6), (1.0,), (0.5, 0.5), (0.5, 0.0)])
def test_a_ladder_falls(shares):
    with pytest.raises(ValueError, match=r"falling|between 0 and 1"):
        exposure_ladder(np.ones(4), shares, rng())
