"""The benchmark score: its fit finds the width put in, and its three parts order a map as they should."""

import numpy as np
import pytest

from beamgym.physics.arpes.score.bms import bms_scores, lorentzian_fwhm_deg

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
    assert lorentzian_fwhm_deg(SLIT[columns], curve) == pytest.approx(fwhm_deg, rel=1e-3)


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
        bms_scores(spectrum(1.0, 1e5)[None], ENERGY, SLIT, **change)


def test_axes_and_numbers_are_checked():
    with pytest.raises(ValueError, match="one axis"):
        bms_scores(spectrum(1.0, 1e5)[None], ENERGY, SLIT[:-1])
    with pytest.raises(ValueError, match="finite"):
        bms_scores(spectrum(1.0, 1e5)[None] * np.nan, ENERGY, SLIT)
