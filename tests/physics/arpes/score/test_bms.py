"""The benchmark score: its fit finds the width put in, and its three parts order a map as they should."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import curve_fit

from beamgym.physics.arpes.score.bms import BmsSettings, bms_scores
from beamgym.physics.arpes.score.lorentzian import FitCriterion, fit_lorentzians

ENERGY = np.linspace(1.6, 2.0, 81)
SLIT = np.linspace(-20.0, 20.0, 161)


def spectrum(fwhm_deg, counts, ground=0.0):
    """A vertical line at −11° below the Fermi level at 1.89 eV, on a constant."""
    line = 1.0 / (1.0 + (2.0 * (SLIT + 11.0) / fwhm_deg) ** 2)
    image = np.where(ENERGY < 1.9, 1.0, 0.0)[:, None] * line + ground
    return counts * image / image.sum()


@pytest.mark.parametrize("fwhm_deg", [0.5, 1.0, 2.5])
def test_the_fit_returns_the_width_put_in(fwhm_deg):
    columns = (SLIT >= -17) & (SLIT <= -6)
    curve = 300.0 / (1.0 + (2.0 * (SLIT[columns] + 11.0) / fwhm_deg) ** 2) + 20.0
    assert fit_lorentzians(SLIT[columns], curve[None]).fwhm_deg == pytest.approx([fwhm_deg], rel=1e-3)


def test_equations_14_to_16_on_a_small_map():
    maps = np.stack([spectrum(0.8, 1e6), spectrum(2.4, 1e6), spectrum(0.8, 5e5)])
    scores = bms_scores(maps, ENERGY, SLIT)
    assert scores.fwhm_deg == pytest.approx([0.8, 2.4, 0.8], rel=0.01)
    assert scores.sharpness == pytest.approx([2 / 3, 0.0, 2 / 3], abs=0.01)
    assert scores.counts == pytest.approx([1.0, 1.0, 0.5])
    assert scores.total == pytest.approx((scores.sharpness + scores.background + scores.counts) / 3)


def test_background_is_the_share_of_counts_in_pixels_at_or_above_the_threshold():
    image = np.zeros((1, 81, 161))
    image[0, 40:60, 30:50] = 3.0
    image[0, 0, :100] = 0.6
    assert bms_scores(image, ENERGY, SLIT).background == pytest.approx(1.0 - 60.0 / 1260.0)


def test_a_spectrum_without_a_peak_has_no_sharpness_and_says_so():
    scores = bms_scores(np.stack([spectrum(1.0, 1e6), np.zeros((81, 161))]), ENERGY, SLIT)
    assert np.isnan(scores.fwhm_deg[1])
    assert scores.sharpness[1] == scores.background[1] == scores.counts[1] == 0.0


def noisy_curves(rng, heights):
    """Curves of lines of several heights at −11°, on 20 counts, counted."""
    x = SLIT[(SLIT >= -17) & (SLIT <= -6)]
    rate = np.asarray(heights)[:, None] / (1.0 + (2.0 * (x + 11.0) / 1.5) ** 2) + 20.0
    return x, rng.poisson(rate).astype(float)


def test_fits_are_those_of_scipy():
    def lorentzian(x, height, centre, fwhm, constant):
        return height / (1.0 + (2.0 * (x - centre) / fwhm) ** 2) + constant

    x, curves = noisy_curves(np.random.default_rng(5), [30.0, 60.0, 200.0, 2000.0])
    found = fit_lorentzians(x, curves)
    for i, curve in enumerate(curves):
        start = (np.ptp(curve), x[np.argmax(curve)], 2.0, curve.min())
        error = np.sqrt(np.maximum(curve, 1.0))
        best, covariance = curve_fit(lorentzian, x, curve, start, error, absolute_sigma=True)
        assert [found.height[i], found.centre_deg[i], found.fwhm_deg[i], found.constant[i]] == pytest.approx(
            best, rel=1e-3
        )
        assert found.significance[i] == pytest.approx(best[0] / np.sqrt(covariance[0, 0]), rel=0.01)
        assert found.chi2[i] == pytest.approx(
            (((curve - lorentzian(x, *best)) / error) ** 2).sum() / (len(x) - 4), rel=1e-4
        )


def test_lines_are_believed_and_noise_and_edges_are_not():
    rng = np.random.default_rng(6)
    criterion = FitCriterion()
    x, lines = noisy_curves(rng, np.full(40, 200.0))
    assert criterion.believes(fit_lorentzians(x, lines)).all()
    x, noise = noisy_curves(rng, np.zeros(200))
    assert criterion.believes(fit_lorentzians(x, noise)).mean() < 0.02
    outside = 500.0 / (1.0 + (2.0 * (x + 4.0) / 3.0) ** 2) + 20.0  # its top lies beyond the window
    assert not criterion.believes(fit_lorentzians(x, outside[None])).any()
    assert not criterion.believes(fit_lorentzians(x, np.full((1, len(x)), 7.0))).any()


def test_each_bar_of_the_criterion_rejects():
    x, curves = noisy_curves(np.random.default_rng(7), [200.0])
    fits = fit_lorentzians(x, curves)
    assert FitCriterion(0.5, 5.0).believes(fits).all()
    assert not FitCriterion(least_r2=1.0).believes(fits).any()
    assert not FitCriterion(least_significance=1e3).believes(fits).any()
    assert not FitCriterion(most_chi2=0.1).believes(fits).any()


def test_a_rejected_fit_costs_sharpness_or_everything_and_does_not_set_the_widest():
    rng = np.random.default_rng(8)
    flat = np.full((81, 161), 1.0) * 1e6 / (81 * 161)
    maps = rng.poisson(np.stack([spectrum(0.8, 1e6), spectrum(2.4, 1e6), flat]))
    strict = BmsSettings(criterion=FitCriterion())
    plain, filtered = bms_scores(maps, ENERGY, SLIT), bms_scores(maps, ENERGY, SLIT, strict)
    assert plain.believed.all()
    assert filtered.believed.tolist() == [True, True, False]
    assert filtered.sharpness == pytest.approx([2 / 3, 0.0, 0.0], abs=0.02)
    assert filtered.total[2] == pytest.approx((filtered.background[2] + filtered.counts[2]) / 3)
    assert bms_scores(maps, ENERGY, SLIT, replace(strict, drop_rejected=True)).total[2] == 0.0


def test_a_threshold_in_means_of_the_map_does_not_depend_on_its_unit():
    maps = np.stack([spectrum(0.8, 1e6, 0.01), spectrum(2.4, 1e6, 0.05)])
    settings = BmsSettings(threshold=1.0, threshold_in_means=True)
    one, two = (bms_scores(unit * maps, ENERGY, SLIT, settings).background for unit in (1.0, 7.0))
    assert one == pytest.approx(two)
    assert 0.0 < one[1] < one[0] < 1.0


@pytest.mark.parametrize(
    ("made", "says"),
    [({"least_r2": 1.1}, "least_r2"), ({"most_chi2": 0.0}, "most_chi2"), ({"least_significance": np.inf}, "finite")],
)
def test_bars_that_no_fit_can_pass_are_refused(made, says):
    with pytest.raises(ValueError, match=says):
        FitCriterion(**made)


def test_more_noise_does_not_bias_the_width_by_much():
    rng = np.random.default_rng(3)
    noisy = rng.poisson(np.repeat(spectrum(1.2, 3e5)[None], 20, 0))
    assert np.median(bms_scores(noisy, ENERGY, SLIT).fwhm_deg) == pytest.approx(1.2, rel=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window_ev": (5.0, 6.0)}, "window_ev"),
        ({"slit_window_deg": (0.0, 0.3)}, "slit_window_deg"),
    ],
)
def test_windows_that_miss_the_data_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        bms_scores(spectrum(1.0, 1e5)[None], ENERGY, SLIT, replace(BmsSettings(), **change))


def test_axes_and_numbers_are_checked():
    with pytest.raises(ValueError, match="one axis"):
        bms_scores(spectrum(1.0, 1e5)[None], ENERGY, SLIT[:-1])
    with pytest.raises(ValueError, match="finite"):
        bms_scores(spectrum(1.0, 1e5)[None] * np.nan, ENERGY, SLIT)
