"""Resolution: the right width, and no edge that darkens because nothing was known beyond it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamgym.physics.arpes.bands_models import self_energy
from beamgym.physics.arpes.bands_models.dirac import DiracSurface
from beamgym.physics.arpes.detection.background import Background
from beamgym.physics.arpes.detection.resolution import FWHM_PER_SIGMA, blur
from beamgym.physics.arpes.detection.response import Response
from beamgym.physics.arpes.detection.spectrum import Grid, band_intensity, render
from beamgym.physics.arpes.experiment.experiment import Experiment
from beamgym.physics.counter_rng import make_keys


def wide_width(omega):
    return self_energy.impurity(omega, 0.03)


def experiment(energy_fwhm_ev, angle_fwhm_deg):
    return Experiment(
        DiracSurface(), energy_fwhm_ev=energy_fwhm_ev, angle_fwhm_deg=angle_fwhm_deg, self_energy=wide_width
    )


def test_a_window_shows_what_a_larger_one_shows_there_so_no_edge_darkens():
    small, large = (
        Grid(np.linspace(low, 0.1, e), np.linspace(-a, a, columns))
        for low, e, a, columns in ((-0.4, 101, 4.0, 81), (-0.8, 181, 8.0, 161))
    )
    seen, whole = (band_intensity(experiment(0.15, 0.8).scene(grid))[0] for grid in (small, large))
    # The interpolation nodes differ between the windows: that is all that may.
    np.testing.assert_allclose(seen, whole[80:, 40:-40], rtol=2e-3, atol=2e-3 * seen.max())


@pytest.mark.parametrize("fwhm_ev", [0.04, 0.06, 0.15, 0.3])
def test_rows_thinned_out_blur_as_the_sum_over_all_rows_does_to_1e_4(fwhm_ev):
    # Steps of 1, 2, 6 and 12 rows; the sum is cut off at four standard deviations, 6e-5, and so is each of the three.
    scene = experiment(fwhm_ev, 0.3).scene(Grid.uniform((-0.55, 0.15), (-8.0, 8.0), (224, 60)))
    seen, slow = (render(scene, Background(), Response(), 0.0, make_keys([1]), quick=quick) for quick in (True, False))
    image = seen.arpes * (seen.peak / slow.peak)[:, None, None]
    np.testing.assert_allclose(image, slow.arpes, atol=1e-4)
    assert np.array_equal(image, slow.arpes) == (fwhm_ev == 0.04)


def test_an_even_intensity_stays_even_up_to_the_edges_whatever_the_resolution():
    # The fault this guards against halves the edge rows and columns, and tells the network ΔE.
    np.testing.assert_allclose(blur(np.ones((60, 50)), 30.0, 12.0), 1.0, atol=1e-5)


@pytest.mark.parametrize("fwhm", [3.0, 10.0, 25.0])
def test_a_line_gets_the_stated_full_width_at_half_maximum(fwhm):
    image = np.zeros((301, 301))
    image[150, 150] = 1.0
    for axis, widths in ((0, (fwhm, 0.0)), (1, (0.0, fwhm))):
        line = np.take(blur(image, *widths), 150, axis=1 - axis)
        place = np.arange(301) - 150.0
        assert np.sum(line) == pytest.approx(1.0, abs=1e-5)
        # a pixel's own width adds 1/12 to the variance; 4 σ of it are summed
        assert np.sum(line * place**2) == pytest.approx((fwhm / FWHM_PER_SIGMA) ** 2 + 1 / 12, rel=0.005)


@settings(max_examples=25, deadline=None)
@given(energy=st.floats(0.0, 20.0), slit=st.floats(0.0, 20.0))
def test_blurring_keeps_the_mean_and_never_leaves_the_range(energy, slit):
    image = np.random.default_rng(0).uniform(1.0, 2.0, (40, 40)).astype(np.float32)
    out = blur(image, energy, slit)
    assert image.min() - 1e-5 <= out.min() <= out.max() <= image.max() + 1e-5


def test_no_resolution_changes_nothing():
    image = np.random.default_rng(0).random((2, 20, 20)).astype(np.float32)
    np.testing.assert_array_equal(blur(image, 0.0, 0.0), image)


@pytest.mark.parametrize(
    ("image", "width", "message"),
    [
        (np.ones((5, 5)), -1.0, "must not be negative"),
        (np.ones(5), 1.0, "shape"),
        (np.full((5, 5), np.nan), 1.0, "finite"),
    ],
)
def test_bad_images_and_widths_are_refused(image, width, message):
    with pytest.raises(ValueError, match=message):
        blur(image, width, 1.0)
