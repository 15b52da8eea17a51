"""The kernels of the published recipe against plain numpy, and closed forms of what they do."""

import numpy as np
import pytest
from scipy.signal import convolve

from beamgym.physics.arpes.bands_models.kinematics import Geometry
from beamgym.physics.arpes.recipes.published import PUBLISHED_LATTICES, draw_published, simulate_published
from beamgym.physics.arpes.recipes.published_blur_kernels import blur_columns, blur_rows, gaussian_taps
from beamgym.physics.arpes.recipes.published_cut_kernels import (
    EDGES,
    band_energies,
    matrix_elements,
    spectral_rows,
    to_angles,
)
from beamgym.physics.arpes.recipes.published_detector_kernels import (
    background,
    centre_response,
    coarse_variation,
    expected,
    scale_between,
    variation_and_sum,
)
from beamgym.physics.arpes.recipes.recipes import recipe_grid
from beamgym.physics.arpes.score.quality import v2_feature
from beamgym.physics.counter_rng import make_keys

GRID = recipe_grid((48, 64))
RNG = np.random.default_rng(4)


def reference_bands(lattice, onsite, t, r, a, b, kx, ky):
    """The published dispersions, written as sums over neighbours."""
    out = []
    root = np.sqrt(3.0)
    for e0, (t0, t1), (r0, r1) in zip(onsite, t, r, strict=True):
        if lattice < 2:
            t1, r1 = (t1, r1) if lattice == 0 else (t0, r0)
            energy = e0 + 2 * t0 * np.cos(kx * a) + 2 * t1 * np.cos(ky * b)
            out.append(energy + r0 * t0 * np.cos(2 * kx * a) + r1 * t1 * np.cos(2 * ky * b))
            continue
        if lattice == 2:
            near = np.cos(a / 2 * (kx + root * ky)) + np.cos(a / 2 * (kx - root * ky)) + np.cos(a * kx)
            far = np.cos(a / 2 * (root * ky + 3 * kx)) + np.cos(a / 2 * (root * ky - 3 * kx)) + np.cos(a * root * ky)
            out.append(e0 + 2 * t0 * near + 2 * r0 * t0 * far)
            continue
        bonds = np.exp(1j * a * ky) + np.exp(-0.5j * a * (ky + root * kx)) + np.exp(-0.5j * a * (ky - root * kx))
        far = np.cos(a / 2 * (root * kx + 3 * ky)) + np.cos(a / 2 * (root * kx - 3 * ky)) + np.cos(a * root * kx)
        out += [e0 + sign * t0 * np.abs(bonds) + 2 * r0 * t0 * far for sign in (1, -1)]
    return np.array(out)


@pytest.mark.parametrize("lattice", range(len(PUBLISHED_LATTICES)))
def test_bands_are_sums_over_neighbours(lattice):
    kx, ky, a = np.linspace(-1.1, 0.9, 40), 0.37, 3.6
    b = 2.9 if lattice == 0 else a
    onsite, t, r = RNG.uniform(-1, 0, 3), RNG.uniform(-1, 1, (3, 2)), RNG.uniform(0, 1, (3, 2))
    out = np.empty((8, 40), dtype=np.float32)
    count = band_energies(lattice, onsite, t, r, (a, b), kx, ky, out)
    assert count == (6 if lattice == 3 else 3)
    np.testing.assert_allclose(out[:count], reference_bands(lattice, onsite, t, r, a, b, kx, ky), atol=2e-6)


@pytest.mark.parametrize("fold", [1, 2, 3, 4])
@pytest.mark.parametrize("order", [1, 3, 5])
def test_matrix_elements_are_a_polynomial_times_a_rotation_above_their_smallest(fold, order):
    coefficients = RNG.normal(size=36)
    low, high, ky = np.array([-0.9, -0.6]), np.array([0.7, 1.0]), 0.21
    kx = np.linspace(low[0], high[0], 50)
    out = np.empty(50, dtype=np.float32)
    matrix_elements(kx, ky, low, high, order, coefficients, fold, out)

    def element(x, y):
        table = coefficients[: (order + 1) ** 2].reshape(order + 1, order + 1)
        return np.polynomial.polynomial.polyval2d(x, y, table) * np.cos(fold * np.arctan(y / x))

    plane = np.meshgrid(np.linspace(low[0], high[0], 398), np.linspace(low[1], high[1], 401))
    expected_values = element(kx, np.full(50, ky)) - element(*plane).min()
    np.testing.assert_allclose(out, expected_values, atol=0.02 * np.ptp(element(*plane)))  # a coarse grid has no corner
    assert (out >= 0).all()


def test_rows_are_lorentzians_under_the_fermi_function():
    omega = np.linspace(-0.55, 0.15, 60)
    bands = RNG.uniform(-0.6, 0.2, (2, 30)).astype(np.float32)
    weight, amplitude, slope = RNG.uniform(0.5, 1, 30).astype(np.float32), np.array([0.8, 0.3]), np.array([0.1, 0.2])
    out = np.empty((60, 30), dtype=np.float32)
    lit = spectral_rows(omega, 40.0, 2, bands, amplitude, slope, 0.01, weight, out)
    width = slope[:, None] * omega**2 + 0.01
    lorentzian = amplitude[:, None, None] * width[:, :, None]
    lorentzian = lorentzian / ((omega[None, :, None] - bands[:, None]) ** 2 + width[:, :, None] ** 2)
    fermi = 1.0 / (1.0 + np.exp(omega / (8.617333e-5 * 40.0)))
    reference = fermi[:, None] * weight * lorentzian.sum(0)
    np.testing.assert_allclose(out[:lit], reference[:lit], rtol=1e-3, atol=1e-6)
    assert not out[lit:].any()
    assert omega[lit] > 0.05


@pytest.mark.parametrize("fwhm", [0.5, 3.0, 4.2, 9.0, 40.0])
def test_blurs_are_the_published_convolutions_with_dark_surroundings(fwhm):
    image = RNG.random((30, 37)).astype(np.float32)
    taps = np.zeros(256, dtype=np.float32)
    length = gaussian_taps(fwhm, 1.0, taps)
    x = np.arange(-2 * fwhm, 2 * fwhm + 1.0, 1.0)
    kernel = np.exp(-((x - x.mean()) ** 2) / (2 * (fwhm / (2 * np.sqrt(2 * np.log(2)))) ** 2))
    kernel /= kernel.sum()
    assert length == len(kernel)
    np.testing.assert_allclose(taps[:length], kernel, rtol=1e-5, atol=1e-8)
    along, across = image.copy(), np.empty_like(image)
    blur_rows(along, 30, taps, length, np.empty(1000, dtype=np.float32))
    blur_columns(image, 30, taps, length, across)
    by_numpy = np.stack([convolve(row, kernel, mode="full") for row in image])[:, (length - 1) // 2 :][:, :37]
    np.testing.assert_allclose(along, by_numpy, atol=2e-6)
    by_numpy = np.stack([convolve(row, kernel, mode="full") for row in image.T])[:, (length - 1) // 2 :][:, :30].T
    np.testing.assert_allclose(across, by_numpy, atol=2e-6)


def test_angles_see_the_momenta_that_exact_kinematics_gives_them():
    kx = np.linspace(-1.0, 0.8, 200)
    image = np.broadcast_to(kx + 1.0, (3, 200)).astype(np.float32).copy()  # an image whose value is its momentum
    kinetic, ky, polar = np.array([12.0, 12.3, 12.6]), 0.3, 4.0
    slit_deg = np.linspace(-20.0, 12.0, 64)
    out = np.empty((3, 64), dtype=np.float32)
    to_angles(image, kinetic, np.sin(np.radians(slit_deg + polar)), kx[0], kx[1] - kx[0], ky, out)
    for row in range(3):
        inside = out[row] > 0
        momenta = np.stack([out[row, inside] - 1.0, np.full(inside.sum(), ky)], axis=-1)
        cosine = np.sqrt(1.0 - (ky / (0.5123167 * np.sqrt(kinetic[row]))) ** 2)
        expected_kx = np.sin(np.radians(slit_deg[inside] + polar)) * cosine * 0.5123167 * np.sqrt(kinetic[row])
        np.testing.assert_allclose(momenta[:, 0], expected_kx, atol=2e-5)
        assert inside.sum() > 30
    flat = Geometry(slit="horizontal").momentum(10.0, 12.0)
    assert flat[0] == pytest.approx(np.sin(np.radians(10.0)) * 0.5123167 * np.sqrt(12.0), rel=1e-6)


def test_background_is_flat_and_shirley_and_polynomial():
    image = RNG.random((20, 16)).astype(np.float32)
    slit, kinetic, coefficients = np.linspace(-0.2, 0.3, 16), np.linspace(10.0, 10.7, 20), RNG.normal(size=25)
    out, curve = np.empty_like(image), np.empty(16)
    background(image, slit, kinetic, np.array([0.1, 0.2, 0.05]), 2, coefficients, curve, out)
    above = np.array([image[i:-1].sum(0) if i < 19 else np.zeros(16) for i in range(20)])
    x, y = np.meshgrid(slit, kinetic)
    plane = np.polynomial.polynomial.polyval2d(x, y, coefficients[:9].reshape(3, 3))
    reference = 0.1 + 0.2 * above / above.max() + 0.05 * (plane - plane.min()) / abs(plane.max())
    np.testing.assert_allclose(out, reference, rtol=1e-4)


def test_detection_returns_what_the_scores_need():
    image, ground = RNG.random((9, 11)).astype(np.float32), RNG.random((9, 11)).astype(np.float32)
    rows, columns, out = np.empty(9, dtype=np.float32), np.empty(11, dtype=np.float32), np.empty_like(image)
    centre_response(9, 0.9, rows)
    centre_response(11, 0.9, columns)
    assert rows[0] == pytest.approx(0.1)
    assert rows[4] == 1.0
    gain = rows[:, None] * columns
    found = expected(image, ground, rows, columns, out)
    np.testing.assert_allclose(out, (image + ground) * gain, rtol=1e-6)
    share = (image**2 / (image + ground) * gain).sum() / (image * gain).sum()
    np.testing.assert_allclose(found, [out.max(), (ground * gain).max(), out.sum(), share], rtol=1e-5)


def test_normalising_returns_the_published_feature_measure():
    image = RNG.uniform(2.0, 5.0, (12, 15)).astype(np.float32)
    scaled = (image - image.min()) / np.ptp(image)
    feature = scale_between(image, float(image.min()), float(image.max()))
    np.testing.assert_allclose(image, scaled, atol=1e-6)
    assert feature == pytest.approx(np.abs(np.diff(scaled)).sum() / scaled.sum(), rel=1e-5)


@pytest.mark.parametrize("columns", [2, 9, 16, 64, 65, 100, 224])
def test_a_row_is_summed_in_lanes_without_losing_a_column(columns):
    row = RNG.integers(0, 9, columns).astype(np.float32)  # whole numbers: any order gives the same
    found = variation_and_sum(row, np.empty(128, dtype=np.float32))
    assert found == (np.abs(np.diff(row)).sum(), row.sum())


@pytest.mark.parametrize("columns", [40, 64, 100, 224])
def test_the_kernel_of_v2_features_is_the_function(columns):
    image = RNG.random((7, columns)).astype(np.float32)
    assert coarse_variation(image, np.empty(64)) == pytest.approx(float(v2_feature(image[None])[0]), rel=1e-5)


def test_the_slit_spans_the_momentum_window_and_a_tenth_more():
    keys = make_keys(2, np.arange(6))
    p = draw_published(keys, GRID)
    batch = simulate_published(p, GRID, keys)
    lowest = p.photon_ev - p.work_function_ev + GRID.energy_ev[0]
    for end, momentum in ((0, p.low_inv_a), (-1, p.high_inv_a)):
        angle = np.degrees(np.arcsin(momentum[:, 0] / (0.5123167 * np.sqrt(lowest))))
        np.testing.assert_allclose(batch.slit_deg[:, end], EDGES * angle, rtol=1e-5)
