"""Surfaces: what the beam sees is the mixture of what it covers, and the scores are those of quality.v2_scores."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, ndtri
from scipy.stats import norm, poisson

from beamgym.physics.arpes.detection.spectrum import Grid
from beamgym.physics.arpes.score.quality import REFERENCE_COUNTS, v2_scores
from beamgym.physics.arpes.surface.fields import RASTER_CELLS, Geography, draw_geographies
from beamgym.physics.arpes.surface.flakes import MATERIALS, Analyser, draw_flakes
from beamgym.physics.arpes.surface.kernels import CLEAN_GROUND, SECONDARIES, count_electrons
from beamgym.physics.arpes.surface.levels import MOST_FLAKES, SURFACE_LEVELS, SurfaceNumbers, surface_numbers
from beamgym.physics.arpes.surface.surface import (
    LEAST_OF_BEST,
    NEAR_BEST,
    REFERENCE_DWELL_S,
    TOP_SHARE,
    BeamFootprint,
    SurfaceBank,
)
from beamgym.physics.counter_rng import make_keys

LIMITS = np.array([[-1.0, 1.0], [-1.0, 1.0]])
GRID = Grid.uniform(shape=(64, 64))


def halves(layer=0.0, potential=0.0):
    """Return a geography whose left half is flake 0 and right half flake 1."""
    flake = np.zeros((RASTER_CELLS, RASTER_CELLS), np.int16)
    flake[:, RASTER_CELLS // 2 :] = 1
    full = np.ones((RASTER_CELLS, RASTER_CELLS), np.float32)
    return Geography(flake, layer * full, potential * full)


@pytest.fixture(scope="module")
def bank():
    made = SurfaceBank(4, Analyser(GRID), SURFACE_LEVELS["real"])
    for slot, key in enumerate(make_keys(np.arange(4))):
        made.draw(slot, key)
    return made


def flat_bank(geography, columns=64, material="hexagonal"):
    made = SurfaceBank(1, Analyser(Grid.uniform(shape=(64, columns))), SURFACE_LEVELS["real"])
    made.draw(0, make_keys(3), geography, material)
    return made


class TestTheGeography:
    def test_shifted_one_way_it_keeps_sizes_and_has_one_sign(self):
        drawn = draw_geographies(make_keys(np.arange(1)), SURFACE_LEVELS["real"])[0]
        assert drawn.potential_ev.min() < 0.0 < drawn.potential_ev.max()
        for sign in (-1, 1):
            turned = drawn.shifted_one_way(sign)
            assert (sign * turned.potential_ev >= 0.0).all()
            assert np.array_equal(np.abs(turned.potential_ev), np.abs(drawn.potential_ev))
            assert np.array_equal(turned.flake, drawn.flake)
        with pytest.raises(ValueError, match="-1"):
            drawn.shifted_one_way(0)

    def test_every_drawn_surface_has_sample_around_its_middle_and_none_at_its_corners(self):
        for surface in draw_geographies(make_keys(np.arange(20)), SURFACE_LEVELS["hard"]):
            middle = surface.on_sample[
                RASTER_CELLS // 2 - 8 : RASTER_CELLS // 2 + 8, RASTER_CELLS // 2 - 8 : RASTER_CELLS // 2 + 8
            ]
            assert middle.all()
            assert not surface.on_sample[[0, 0, -1, -1], [0, -1, 0, -1]].any()
            assert 0.3 < surface.on_sample.mean() < 0.8

    @pytest.mark.parametrize("level", SURFACE_LEVELS)
    def test_the_numbers_of_flakes_and_the_fields_are_those_of_the_level(self, level):
        numbers = SURFACE_LEVELS[level]
        surfaces = draw_geographies(make_keys(np.arange(60)), numbers)
        assert max(surface.flake.max() for surface in surfaces) < numbers.most_flakes
        potential = np.concatenate([surface.potential_ev[surface.on_sample] for surface in surfaces])
        assert potential.std() == pytest.approx(numbers.charging_ev, rel=0.15)
        layer = np.concatenate([surface.layer[surface.on_sample] for surface in surfaces])
        assert numbers.layer < layer.mean() < numbers.layer + numbers.step_layer

    def test_a_surface_depends_on_its_own_key_only(self):
        keys = make_keys(np.arange(5))
        together = draw_geographies(keys, SURFACE_LEVELS["real"])
        alone = draw_geographies(keys[3:4], SURFACE_LEVELS["real"])[0]
        assert np.array_equal(together[3].flake, alone.flake)
        assert np.array_equal(together[3].layer, alone.layer)
        assert not np.array_equal(together[2].flake, alone.flake)

    def test_a_surface_with_no_sample_is_refused_in_one_line(self):
        empty = np.full((RASTER_CELLS, RASTER_CELLS), -1, np.int16)
        zeros = np.zeros((RASTER_CELLS, RASTER_CELLS), np.float32)
        with pytest.raises(ValueError, match="the surface has no sample") as caught:
            Geography(empty, zeros, zeros)
        assert "\n" not in str(caught.value)
        with pytest.raises(ValueError, match="thinner than 0"):
            Geography(empty + 1, zeros - 1, zeros)
        with pytest.raises(ValueError, match=f"to {MOST_FLAKES - 1}"):
            Geography(empty + 1 + MOST_FLAKES, zeros, zeros)

    def test_levels_are_checked(self):
        with pytest.raises(ValueError, match="unknown level 'soft'; choose one of easy, real, hard"):
            surface_numbers("soft")
        with pytest.raises(ValueError, match="tilt_deg is -1"):
            SurfaceNumbers(tilt_deg=-1)
        with pytest.raises(ValueError, match="4 to 2 flakes"):
            SurfaceNumbers(fewest_flakes=4, most_flakes=2)


class TestTheFlakes:
    @pytest.mark.parametrize("material", MATERIALS)
    def test_a_flakes_background_grows_downwards_and_weighs_as_much_as_its_bands(self, material):
        analyser = Analyser(GRID)
        flakes = draw_flakes(make_keys(1), SURFACE_LEVELS["real"], analyser, material)
        inner = slice(analyser.margin, -analyser.margin)
        assert (np.diff(flakes.ground, axis=1) <= 1e-9).all()
        bands = flakes.signal[:, 0, inner].sum(axis=(1, 2))
        np.testing.assert_allclose(flakes.ground[:, inner].sum(axis=1) * 64, bands, rtol=1e-4)

    def test_a_tilted_flake_shows_its_bands_about_its_own_normal(self):
        level = SurfaceNumbers(tilt_deg=2.0, twin_fraction=0.0, work_function_ev=0.0, width_ev=0.01)
        analyser = Analyser(Grid.uniform(shape=(64, 256)))
        flakes = draw_flakes(make_keys(4), level, analyser, "dirac")
        row = analyser.margin + int(np.argmin(np.abs(GRID.energy_ev + 0.05)))
        slit = analyser.grid.slit_deg
        along, across = flakes.direction_inv_a.T / flakes.momentum_per_deg
        for flake in np.flatnonzero(np.abs(across) < 1.0):
            line = flakes.signal[flake, 0, row]
            first = int(np.argmax(line))
            away = np.abs(np.arange(256) - first) > 40
            peaks = [slit[first], slit[away][np.argmax(line[away])]]
            assert np.mean(peaks) == pytest.approx(along[flake], abs=0.2)

    @pytest.mark.parametrize(("temperature_k", "width_ev"), [(0.0, 0.0218), (20.0, 0.0230), (300.0, 0.1154)])
    def test_the_holders_edge_is_a_fermi_function_behind_the_resolution(self, temperature_k, width_ev):
        """10 to 90 % of a Gaussian are 2.563 sigma, of a Fermi function 4.394 kT; together by quadrature, nearly."""
        analyser = Analyser(Grid.uniform((-0.3, 0.3), shape=(1201, 64)), 0.02, 0.3, temperature_k)
        rows = draw_flakes(make_keys(1), SURFACE_LEVELS["real"], analyser, "dirac").holder
        energy, edge = analyser.long_grid.energy_ev, rows / rows[0]
        at = np.interp([0.1, 0.5, 0.9], edge[::-1], energy[::-1])
        assert at[0] - at[2] == pytest.approx(width_ev, rel=0.01)
        assert at[1] == pytest.approx(0.0, abs=1e-4)
        blurred = quad(
            lambda u: norm.pdf(u, 0.0, 0.02 / 2.354820045) * expit((u - 0.01) / max(8.617e-5 * temperature_k, 1e-6)),
            -0.06,
            0.06,
            points=[0.01],
        )[0]
        assert np.interp(0.01, energy, edge) == pytest.approx(blurred, abs=2e-3)

    def test_an_unknown_material_is_named(self):
        with pytest.raises(ValueError, match="unknown material 'mud'; choose one of dirac"):
            draw_flakes(make_keys(1), SURFACE_LEVELS["real"], Analyser(GRID), "mud")


class TestTheBeam:
    @pytest.mark.parametrize("tails", [0.0, 0.2])
    def test_its_points_have_the_moments_of_the_gaussian_and_its_tails(self, tails):
        beam = BeamFootprint(0.04, 0.06, grazing_deg=30.0, tail_share=tails, tail_factor=3.0)
        x, y, weight = beam.points().T
        assert weight.sum() == pytest.approx(1.0)
        wider = (1 - tails) + tails * 9.0
        for place, fwhm in ((x, 0.04 / 0.5), (y, 0.06)):
            assert (weight * place).sum() == pytest.approx(0.0, abs=1e-12)
            assert (weight * place**2).sum() == pytest.approx(wider * (fwhm / 2.354820045) ** 2, rel=1e-5)

    def test_sizes_and_angles_are_checked(self):
        with pytest.raises(ValueError, match="width_mm must be a positive number"):
            BeamFootprint(width_mm=0.0)
        with pytest.raises(ValueError, match="grazing_deg is 0"):
            BeamFootprint(grazing_deg=0)
        with pytest.raises(ValueError, match="tail_share is 1"):
            BeamFootprint(tail_share=1.0)

    def test_over_an_edge_it_sees_the_mean_of_both_flakes(self):
        bank = flat_bank(halves())
        middle = bank.spectrum(0, (0.0, 0.0))
        sides = [bank.spectrum(0, (side, 0.0)) for side in (-0.6, 0.6)]
        for i in range(2):
            np.testing.assert_allclose(middle[i], 0.5 * (sides[0][i] + sides[1][i]), rtol=2e-3, atol=1e-9)

    def test_a_layer_damps_the_bands_by_beer_and_lambert_and_brightens_what_lies_under_them(self):
        clean, dirty = (flat_bank(halves(layer)).spectrum(0, (-0.6, 0.0)) for layer in (0.0, 0.7))
        np.testing.assert_allclose(dirty[0], np.exp(-0.7) * clean[0], rtol=1e-4)
        brighter = 1.0 + SECONDARIES / CLEAN_GROUND * (1.0 - np.exp(-0.7))
        np.testing.assert_allclose(dirty[1], brighter * clean[1], rtol=1e-4)

    def test_age_is_a_layer(self):
        bank = flat_bank(halves())
        fresh, old = bank.spectrum(0, (-0.6, 0.0)), bank.spectrum(0, (-0.6, 0.0), age_h=3.0)
        np.testing.assert_allclose(old[0], np.exp(-3.0 * SURFACE_LEVELS["real"].ageing_per_hour) * fresh[0], rtol=1e-4)

    def test_charging_moves_the_whole_spectrum(self):
        step = GRID.energy_step_ev
        still = flat_bank(halves()).spectrum(0, (-0.6, 0.0))
        for rows in (3, -2):
            moved = flat_bank(halves(potential=rows * step)).spectrum(0, (-0.6, 0.0))
            for i in range(2):
                whole = slice(max(rows, 0), 64 + min(rows, 0))
                before = slice(max(-rows, 0), 64 + min(-rows, 0))
                np.testing.assert_allclose(moved[i][whole], still[i][before], rtol=1e-3, atol=1e-7)

    def test_charging_that_varies_under_the_beam_blurs_as_a_resolution_of_that_width_does(self):
        geography = halves()
        slope = np.linspace(-0.12, 0.12, RASTER_CELLS, dtype=np.float32)[:, None] * np.ones(
            (1, RASTER_CELLS), np.float32
        )
        tilted = Geography(geography.flake, geography.layer, 0.6 * slope)
        bank = SurfaceBank(1, Analyser(GRID), SURFACE_LEVELS["real"], BeamFootprint(0.3, 0.3, 90.0, 0.0))
        bank.draw(0, make_keys(3), tilted, "hexagonal")
        fwhm = 0.3 * 0.6 * 0.24 / 2.0  # beam times slope of the potential
        wide = SurfaceBank(1, Analyser(GRID, resolution_ev=float(np.hypot(0.02, fwhm))), SURFACE_LEVELS["real"])
        wide.draw(0, make_keys(3), geography, "hexagonal")
        blurred, expected = (made.spectrum(0, (-0.6, 0.0))[0].sum(axis=1) for made in (bank, wide))
        sharp = flat_bank(geography).spectrum(0, (-0.6, 0.0))[0].sum(axis=1)
        expected *= blurred.sum() / expected.sum()
        sharp *= blurred.sum() / sharp.sum()
        assert np.abs(blurred - expected).max() < 0.25 * np.abs(sharp - expected).max()

    def test_beside_the_sample_there_is_the_holder_without_bands(self, bank):
        bands, ground = bank.spectrum(0, (-0.99, -0.99))
        assert bands.max() == 0.0
        assert ground.max() > 0.0
        assert np.ptp(ground, axis=1).max() == 0.0


class TestTheScores:
    @pytest.mark.parametrize("columns", [64, 128])
    def test_they_are_those_of_the_spectra_by_v2(self, columns):
        bank = flat_bank(draw_geographies(make_keys(np.array([8])), SURFACE_LEVELS["hard"])[0], columns)
        places = np.random.default_rng(0).uniform(-0.5, 0.5, (12, 2))
        quick = bank.true_scores(0, places)
        spectra = [bank.spectrum(0, place) for place in places]
        bands, ground = (np.stack([spectrum[i] for spectrum in spectra]) for i in range(2))
        gain = np.broadcast_to(bank.gain, bands.shape)
        events = (gain * (bands + ground)).sum(axis=(1, 2)) * bank.numbers.counts_per_s * REFERENCE_DWELL_S
        full = v2_scores(bands, ground, gain, resolution_ev=0.02, temperature_k=20.0, width_ev=0.03, events=events)
        np.testing.assert_allclose(quick.feature, full.feature, rtol=1e-4)
        np.testing.assert_allclose(quick.background, full.background, rtol=1e-4)
        np.testing.assert_allclose(quick.counts, full.counts, rtol=1e-4)

    def test_the_counts_are_poisson_about_flux_times_dwell(self, bank):
        place, dwell, n = np.tile([[0.1, 0.05]], (200, 1)), 0.7, 200
        rows = np.arange(n)
        counts = np.empty((n, 64, 64), np.float32)
        scores = bank.expose(
            rows, np.zeros(n, np.int64), place, np.full(n, dwell), np.zeros(n), make_keys(rows), counts
        )
        bands, ground = bank.spectrum(0, place[0])
        expected = bank.gain * (bands + ground) * bank.numbers.counts_per_s * dwell
        chi2 = ((counts.mean(axis=0) - expected) ** 2)[expected > 0.05] @ (n / expected[expected > 0.05])
        assert chi2 == pytest.approx((expected > 0.05).sum(), rel=0.08)
        total = counts.sum(axis=(1, 2))
        assert total.var() / total.mean() == pytest.approx(1.0, abs=0.3)
        np.testing.assert_allclose(scores.counts, np.minimum(total / REFERENCE_COUNTS, 1.0), rtol=1e-6)

    @pytest.mark.parametrize("mean", [2.0, 9.9, 10.1, 40.0])
    def test_large_means_are_poisson_too(self, mean):
        n = 400_000
        table = np.clip(ndtri(np.linspace(0.0, 1.0, 4097)), -9.0, 9.0)
        out, ones = np.empty(n, np.float32), np.ones(n, np.float32)
        count_electrons(ones, mean, np.uint64(11), table, np.empty_like(ones), out)
        places = np.arange(int(3 * mean) + 20)
        share = np.bincount(out.astype(int), minlength=len(places))[: len(places)] / n
        assert np.abs(share - poisson.pmf(places, mean)).max() < 0.012 * poisson.pmf(places, mean).max()
        assert out.mean() == pytest.approx(mean, rel=2e-3)

    def test_the_map_has_the_best_places_above_its_threshold(self, bank):
        for slot in range(4):
            drawn = bank.map(slot, LIMITS)
            known = np.isfinite(drawn.points)
            assert drawn.best == drawn.points[known].max()
            assert drawn.threshold <= drawn.best - 0.25
            share = (drawn.points[known] >= drawn.threshold).mean()
            assert 0.009 <= share < 0.4
            row, column = np.argwhere(drawn.points == drawn.best)[0]
            place = [drawn.centres_mm[column], drawn.centres_mm[row]]
            assert bank.true_scores(slot, [place]).total[0] == pytest.approx(drawn.best)

    @pytest.mark.parametrize("level", SURFACE_LEVELS)
    def test_on_the_levels_surfaces_the_least_share_of_the_best_changes_nothing(self, level):
        made = SurfaceBank(3, Analyser(GRID), SURFACE_LEVELS[level])
        for slot, key in enumerate(make_keys(np.arange(3))):
            made.draw(slot, key)
            drawn = made.map(slot, LIMITS)
            ranked = np.sort(drawn.points[np.isfinite(drawn.points)])
            assert drawn.threshold == min(ranked[-round(TOP_SHARE * len(ranked))], drawn.best - NEAR_BEST)

    def test_a_place_beside_the_sample_scores_nothing_and_is_below_every_threshold(self):
        flake, even = (
            np.full((RASTER_CELLS, RASTER_CELLS), -1, np.int16),
            np.ones((RASTER_CELLS, RASTER_CELLS), np.float32),
        )
        flake[40:80, 40:80] = 0
        dirty = SurfaceBank(1, Analyser(GRID), SURFACE_LEVELS["real"])
        dirty.draw(0, make_keys(3), Geography(flake, 4.4 * even, 0.0 * even, 0.3), "dirac")
        drawn = dirty.map(0, LIMITS)
        assert 0.0 < drawn.best < NEAR_BEST  # so that 0.25 points below the best would be below nothing
        assert drawn.threshold == LEAST_OF_BEST * drawn.best
        assert dirty.true_scores(0, [[0.9, 0.9]]).total[0] == 0.0

    def test_a_sample_on_which_nothing_scores_under_this_beam_is_refused_with_the_remedy(self):
        flake, none = (
            np.full((RASTER_CELLS, RASTER_CELLS), -1, np.int16),
            np.zeros((RASTER_CELLS, RASTER_CELLS), np.float32),
        )
        flake[64, 64] = 0
        tiny = flat_bank(Geography(flake, none, none))
        with pytest.raises(ValueError, match=r"every site .* scores 0.* \(71 x 50 um\).*smaller beam=") as caught:
            tiny.map(0, LIMITS)
        assert "\n" not in str(caught.value)
        fine = SurfaceBank(1, Analyser(GRID), SURFACE_LEVELS["real"], BeamFootprint(0.005, 0.005))
        fine.draw(0, make_keys(3), Geography(flake, none, none), "hexagonal")
        assert fine.map(0, LIMITS).best > 1.0

    def test_a_stage_that_does_not_reach_the_sample_is_told(self, bank):
        fresh = flat_bank(halves())
        with pytest.raises(ValueError, match="no part of the sample is within the stage's limits"):
            fresh.map(0, np.array([[5.0, 6.0], [-1.0, 1.0]]))
        assert bank.map(0, LIMITS) is bank.map(0, LIMITS)

    def test_the_bank_says_what_grid_it_needs(self):
        with pytest.raises(ValueError, match="the grid has 100 slit pixels"):
            SurfaceBank(1, Analyser(Grid.uniform(shape=(64, 100))), SURFACE_LEVELS["real"])
        with pytest.raises(ValueError, match="room is 0"):
            SurfaceBank(0, Analyser(GRID), SURFACE_LEVELS["real"])
