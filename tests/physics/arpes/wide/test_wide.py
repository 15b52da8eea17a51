"""Noise-free spectra in parts have the recipes' own scores, and are worse by the formulas when they are made worse."""

import numpy as np
import pytest

from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.arpes.wide import (
    blurred,
    buried,
    clean_spectra,
    curve_spectra,
    cut_short,
    doubled,
    measures,
    rows_seen,
    seen_by,
    with_background,
)
from beamgym.physics.arpes.wide.instruments import _following_tail
from beamgym.physics.arpes.wide.worse import blur_matrices, shift_matrices
from beamgym.physics.counter_rng import make_keys

GRID = recipe_grid((128, 128))
KEYS = make_keys(3, np.arange(12), 0, 55)


class TestParts:
    @pytest.mark.parametrize("recipe", ["published", "full"])
    def test_they_have_the_scores_of_the_recipe(self, recipe):
        batch, clean = generate(recipe, KEYS, GRID), clean_spectra(recipe, KEYS, GRID)
        counted = batch.parameters.events if recipe == "published" else batch.counts.sum((1, 2), dtype=np.float64)
        found = clean.scores(counted)
        for mine, theirs in zip(found, (batch.paper, batch.v2), strict=True):
            assert mine.feature == pytest.approx(theirs.feature, rel=1e-5)
            assert mine.sharpness == pytest.approx(theirs.sharpness, abs=1e-12)
            assert mine.background == pytest.approx(theirs.background, abs=1e-6)
        assert found[1].total == pytest.approx(batch.v2.total, abs=1e-4)

    def test_the_kernel_measures_what_the_formulas_do(self):
        clean = clean_spectra("full", KEYS, GRID)
        paper, v2 = clean.scores(1e5)
        found = measures(clean.bands, clean.ground, clean.gain)
        assert found[:, 0] == pytest.approx(v2.feature, rel=1e-4)
        assert found[:, 1] == pytest.approx(paper.background, abs=1e-5)
        assert found[:, 2] == pytest.approx(v2.background, abs=1e-5)


class TestWorse:
    def test_blur_adds_in_quadrature_and_keeps_the_electrons_within(self):
        clean = clean_spectra("published", KEYS, GRID)
        worse = blurred(clean, 0.1)
        assert np.hypot(clean.width_v2_ev, 0.1) == pytest.approx(worse.width_v2_ev)
        middle = slice(40, 60)
        assert worse.bands[:, middle].std(1).mean() < clean.bands[:, middle].std(1).mean()

    def test_blurring_twice_is_blurring_once_by_both(self):
        clean = clean_spectra("published", KEYS, GRID)
        twice, once = blurred(blurred(clean, 0.06), 0.08), blurred(clean, 0.1)
        assert np.abs(twice.bands - once.bands)[:, 30:-30].max() < 2e-3

    def test_a_second_domain_is_the_first_moved(self):
        clean = clean_spectra("published", KEYS, GRID)
        worse = doubled(clean, 5.0)
        wanted = 0.5 * (clean.bands[:, :, 5:] + clean.bands[:, :, :-5])
        assert worse.bands[:, :, 5:] == pytest.approx(wanted, abs=1e-6)
        spread = 2.3548 * 0.5 * 5.0 * clean.step_inv_a
        assert worse.width_v2_ev == pytest.approx(np.hypot(clean.width_v2_ev, spread), rel=1e-4)
        assert worse.width_paper_ev is clean.width_paper_ev

    def test_background_has_as_many_electrons_as_asked_for(self):
        clean = clean_spectra("full", KEYS, GRID)
        worse = buried(clean, np.full(len(KEYS), 0.7))
        assert worse.rate.sum((1, 2)) == pytest.approx(1.7 * clean.rate.sum((1, 2)), rel=1e-4)
        assert (worse.scores(1e5)[1].background < clean.scores(1e5)[1].background).all()

    def test_matrices_keep_what_they_move(self):
        assert blur_matrices(50, np.array([0.0, 3.0])).sum(2) == pytest.approx(1.0, abs=1e-5)
        assert blur_matrices(50, np.array([0.0]))[0] == pytest.approx(np.eye(50))
        assert shift_matrices(50, np.array([2.5]))[0].sum(0) == pytest.approx(1.0)


class TestCurves:
    def test_they_are_the_same_again_and_have_scores(self):
        one, two = (curve_spectra(np.random.default_rng(4), 6) for _ in range(2))
        assert np.array_equal(one.bands, two.bands)
        assert np.isfinite(one.scores(1e5)[1].total).all()
        assert (one.width_v2_ev > 0.0).all()

    def test_a_film_without_bands_has_no_features(self):
        film = curve_spectra(np.random.default_rng(5), 8, bandless=1.0)
        assert (film.scores(1e5)[1].feature < 1e-3).all()

    def test_backgrounds_cost_b_and_detectors_keep_f(self):
        draw = np.random.default_rng(6)
        bare = curve_spectra(draw, 20)
        under = with_background(bare, draw)
        assert (under.scores(1e5)[1].background <= 1.0).all()
        assert under.scores(1e5)[1].background.mean() < 0.9
        behind = seen_by(under, draw)
        assert (behind.gain >= 0.0).all()
        assert behind.scores(1e5)[1].feature == pytest.approx(under.scores(1e5)[1].feature)

    def test_a_tail_that_follows_the_bands_lies_below_them(self):
        bands = np.zeros((2, 64, 64), np.float32)
        bands[:, 40, 20] = 1.0
        tail = _following_tail(bands, np.random.default_rng(8))
        assert tail[:, 41:].max() == 0.0
        assert (tail[:, 10].argmax(1) == 20).all()
        assert (tail.mean((1, 2)) >= 0.3 - 1e-5).all()
        assert (tail.mean((1, 2)) <= 3.0 + 1e-5).all()

    def test_rows_that_are_not_seen_count_for_nothing(self):
        draw = np.random.default_rng(7)
        clean = with_background(curve_spectra(draw, 30), draw)
        seen = rows_seen(draw, 30, 128, share=1.0)
        short = cut_short(clean, seen)
        assert (seen.mean(1) < 1.0).sum() > 15
        assert short.rate.sum(2)[seen == 0.0].max() == 0.0
        found = measures(short.bands, short.ground, short.gain)
        assert found[:, 0] == pytest.approx(short.scores(1e5)[1].feature, rel=1e-3, abs=1e-3)
