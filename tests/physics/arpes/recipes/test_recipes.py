"""Recipes: what is drawn, that a spectrum depends on its own key only, and that its labels are those of its images."""

from dataclasses import fields, replace

import numpy as np
import pytest

from beamgym.physics.arpes.detection.response import centre
from beamgym.physics.arpes.recipes.batch import join_batches
from beamgym.physics.arpes.recipes.full import SURFACE_KINDS
from beamgym.physics.arpes.recipes.published import PUBLISHED_LATTICES, RANGES, lowest_width_ev
from beamgym.physics.arpes.recipes.recipes import PARAMETERS, RECIPES, draw, generate, recipe_grid, simulate_spectra
from beamgym.physics.arpes.score.quality import FEATURE_COLUMNS, paper_scores, v2_feature, v2_scores
from beamgym.physics.counter_rng import make_keys

GRID = recipe_grid((64, 72))
KEYS = make_keys(5, np.arange(48))


@pytest.fixture(scope="module", params=RECIPES)
def batch(request):
    return generate(request.param, KEYS, GRID, clean=True)


def test_spectra_are_finite_counts_with_as_many_electrons_as_drawn(batch):
    assert batch.counts.shape == (48, 64, 72)
    assert np.isfinite(batch.counts).all()
    assert (batch.counts >= 0).all()
    sums = batch.counts.sum((1, 2), dtype=np.float64)
    asked = batch.parameters.events
    blind = getattr(batch.parameters, "dead_time", np.zeros(48)) > 0
    np.testing.assert_allclose(sums[~blind], asked[~blind], rtol=1e-4)  # an ADC's readings add up in single precision
    assert (sums[blind] < asked[blind]).all()


def test_the_counts_score_of_v2_is_that_of_electrons_counted_not_asked_for():
    p = draw("full", KEYS, GRID)
    p = replace(p, events=np.full(48, 90_000), dead_time=np.where(np.arange(48) % 2, 0.1, 0.0))
    batch = simulate_spectra(p, GRID, KEYS)
    blind = p.dead_time > 0
    np.testing.assert_allclose(batch.paper.counts, 0.9)
    np.testing.assert_allclose(batch.v2.counts, batch.counts.sum((1, 2), dtype=np.float64) / 1e5, rtol=1e-6)
    assert (batch.v2.counts[blind] < 0.7).all()
    np.testing.assert_allclose(batch.v2.counts[~blind], 0.9, rtol=1e-4)


def test_bands_are_scaled_to_one_and_dark_above_the_fermi_level(batch):
    np.testing.assert_allclose(batch.arpes.max((1, 2)), 1.0, rtol=1e-5)
    cold = (batch.parameters.resolution_ev < 0.03) & (batch.parameters.temperature_k < 60)
    assert cold.any()
    assert batch.arpes[cold, -4:].max() < 0.02


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_spectrum_depends_on_its_own_key_only(recipe):
    whole = generate(recipe, KEYS, GRID)
    order = np.array([40, 3, 17, 8])
    for part in (
        generate(recipe, KEYS[order], GRID),
        join_batches([generate(recipe, KEYS[i : i + 1], GRID) for i in order]),
    ):
        np.testing.assert_array_equal(part.counts, whole.counts[order])
        np.testing.assert_array_equal(part.paper.total, whole.paper.total[order])
        np.testing.assert_array_equal(part.v2.total, whole.v2.total[order])


@pytest.mark.parametrize("recipe", RECIPES)
def test_drawing_and_simulating_apart_is_the_same(recipe):
    parameters = draw(recipe, KEYS[:5], GRID)
    np.testing.assert_array_equal(
        simulate_spectra(parameters, GRID, KEYS[:5]).counts, generate(recipe, KEYS[:5], GRID).counts
    )


def test_published_labels_are_the_scores_of_the_images():
    batch = generate("published", KEYS, GRID, clean=True)
    p = batch.parameters
    gain = centre(p.sensitivity, 64)[:, :, None] * centre(p.sensitivity, 72)[:, None, :]
    widths = {"resolution_ev": p.resolution_ev, "temperature_k": p.temperature_k, "events": p.events}
    bottom = lowest_width_ev(p, GRID.energy_ev[0])
    by_hand = paper_scores(batch.arpes, batch.background, gain, **widths, width_ev=bottom)
    mended = v2_scores(
        batch.arpes, batch.background, gain, **widths, width_ev=0.01, momentum_fwhm_inv_a=p.momentum_fwhm_inv_a
    )
    for expected, found in ((by_hand, batch.paper), (mended, batch.v2)):
        for field in fields(expected):
            np.testing.assert_allclose(getattr(found, field.name), getattr(expected, field.name), rtol=1e-4, atol=1e-5)


def test_full_labels_see_the_images_too():
    batch = generate("full", KEYS, GRID, clean=True)
    np.testing.assert_allclose(batch.v2.feature, v2_feature(batch.arpes), rtol=1e-4)
    plain = (batch.parameters.map_index < 0) & (batch.parameters.mesh_depth == 0.0)
    assert plain.sum() > 10
    p = batch.parameters
    gain = centre(p.sensitivity, 64)[:, :, None] * centre(p.sensitivity, 72)[:, None, :]
    some = {"resolution_ev": 0.0, "temperature_k": 0.0, "width_ev": 0.0, "events": 1.0}
    paper, v2 = (score(batch.arpes, batch.background, gain, **some) for score in (paper_scores, v2_scores))
    np.testing.assert_allclose(batch.paper.background[plain], paper.background[plain], atol=1e-4)
    np.testing.assert_allclose(batch.v2.background[plain], v2.background[plain], atol=1e-4)
    np.testing.assert_allclose(batch.paper.feature, paper.feature, rtol=1e-4)


def test_published_ranges_are_kept_and_filled():
    p = draw("published", make_keys(1, np.arange(4000)), recipe_grid())
    for name, value in (
        ("resolution_ev", p.resolution_ev),
        ("momentum_fwhm_inv_a", p.momentum_fwhm_inv_a),
        ("temperature_k", p.temperature_k),
        ("width_slope_inv_ev", p.width_slope_inv_ev),
        ("onsite_ev", p.onsite_ev),
        ("hopping_ev", p.hopping_ev),
        ("momentum_inv_a", p.high_inv_a),
        ("sensitivity", p.sensitivity),
        ("events", p.events),
    ):
        low, high = RANGES[name]
        assert value.min() >= low
        assert value.max() <= high
        assert value.mean() == pytest.approx((low + high) / 2, abs=0.02 * (high - low))
    assert set(np.unique(p.lattice)) == set(range(len(PUBLISHED_LATTICES)))
    assert set(np.unique(p.bands)) == {1, 2, 3, 4}
    assert (p.photon_ev - p.work_function_ev > 6.0).all()


def test_full_draws_every_kind_of_everything():
    p = draw("full", make_keys(1, np.arange(3000)), recipe_grid())
    for name, kinds in (
        ("surface", len(SURFACE_KINDS)),
        ("mechanism", 3),
        ("gap_kind", 3),
        ("detector", 3),
        ("orbital", 9),
    ):
        assert len(np.unique(getattr(p, name))) == kinds
    np.testing.assert_allclose(p.share.sum(1), 1.0)
    decades = np.log10(p.events)
    assert decades.min() < 3.05
    assert decades.max() > 5.95
    assert decades.mean() == pytest.approx(4.5, abs=0.05)


def test_more_blur_and_background_lower_both_scores():
    parameters = draw("published", KEYS, recipe_grid((64, 64)))
    grid = recipe_grid((64, 64))
    base = simulate_spectra(parameters, grid, KEYS)
    blurred = simulate_spectra(replace(parameters, resolution_ev=parameters.resolution_ev + 0.1), grid, KEYS)
    covered = simulate_spectra(replace(parameters, flat=parameters.flat + 0.5), grid, KEYS)
    for score in ("paper", "v2"):
        assert (getattr(blurred, score).sharpness < getattr(base, score).sharpness).all()
        assert (getattr(covered, score).background <= getattr(base, score).background).all()
        assert getattr(covered, score).total.mean() < getattr(base, score).total.mean() - 1.0


def test_v2_labels_hardly_depend_on_the_grid():
    totals = [generate("full", KEYS, recipe_grid((n, n))).v2.total for n in (96, 224)]
    assert np.median(np.abs(totals[0] - totals[1])) < 0.1
    assert FEATURE_COLUMNS < 96


@pytest.mark.parametrize("recipe", RECIPES)
def test_bad_input_is_refused_in_one_line(recipe):
    parameters = draw(recipe, KEYS[:3], GRID)
    with pytest.raises(ValueError, match="one key for each"):
        simulate_spectra(parameters, GRID, KEYS[:2])
    with pytest.raises(ValueError, match="uint64"):
        draw(recipe, np.arange(3), GRID)
    with pytest.raises(TypeError, match="parameters of a recipe"):
        simulate_spectra("published", GRID, KEYS[:3])
    assert PARAMETERS[recipe] is type(parameters)


def test_unknown_recipes_grids_and_impossible_parameters_are_refused():
    with pytest.raises(ValueError, match="unknown recipe 'paper'; choose one of published, full"):
        generate("paper", KEYS, GRID)
    with pytest.raises(ValueError, match="at least 16"):
        recipe_grid((8, 224))
    parameters = draw("published", KEYS[:2], GRID)
    for name, message in (("resolution_ev", "resolution_ev"), ("temperature_k", "temperature_k"), ("events", "events")):
        with pytest.raises(ValueError, match=message):
            replace(parameters, **{name: -np.ones(2)})
    with pytest.raises(ValueError, match="work function"):
        simulate_spectra(replace(parameters, photon_ev=np.full(2, 4.0)), GRID, KEYS[:2])
