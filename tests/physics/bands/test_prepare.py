"""Symmetry, background, contrast and smoothing of cubes; zones and paths."""

import numpy as np
import pytest

from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.prepare import equalised, shirley_loss, smoothed, symmetrised, without_background
from beamgym.physics.bands.structure import BandStructure
from beamgym.physics.bands.zone import SurfaceLattice, bands_along, cut_along

ENERGY = np.linspace(-3.0, 0.5, 176)
K = np.linspace(-1.0, 1.0, 41)


def plane(function, noise=0.0):
    x, y = np.meshgrid(K, K, indexing="ij")
    values = function(x, y)[..., None] * np.exp(-((ENERGY + 1.0) ** 2) / 0.1) + 0.01
    return BandCube.of(ENERGY, K, K, values + noise * np.random.default_rng(0).uniform(size=values.shape))


def test_a_symmetric_cube_is_what_symmetrisation_leaves_and_an_unsymmetric_one_becomes_symmetric():
    threefold = plane(lambda x, y: 1.0 + 0.3 * (x**3 - 3 * x * y**2))
    disc = np.hypot(*np.meshgrid(K, K)) < 0.9
    kept = symmetrised(threefold, 3).intensity[disc]
    np.testing.assert_allclose(kept, threefold.intensity[disc], atol=5e-3)
    turned = symmetrised(plane(lambda x, y: 1.0 + 0.4 * x), 2)
    np.testing.assert_allclose(turned.intensity, turned.intensity[::-1, ::-1], atol=1e-5)
    mirrored = symmetrised(plane(lambda x, y: 1.0 + 0.4 * x), 1, mirror=True)
    np.testing.assert_allclose(mirrored.intensity, mirrored.intensity[::-1], atol=1e-5)


def test_a_line_and_an_axis_of_five_are_refused():
    with pytest.raises(ValueError, match="order of the axis"):
        symmetrised(plane(lambda x, y: 1.0 + 0 * x), 5)
    line = BandCube.of(ENERGY, K, [0.0], np.ones((41, 1, 176)))
    with pytest.raises(ValueError, match="line has no axis"):
        symmetrised(line, 2)


def test_the_background_that_scattering_makes_is_taken_away():
    peaks = np.exp(-((ENERGY + 0.5) ** 2) / 0.01) + np.exp(-((ENERGY + 1.5) ** 2) / 0.01)
    curve = peaks.copy()
    for e in range(ENERGY.size - 2, -1, -1):
        curve[e] += 0.01 * curve[e + 1 :].sum()  # scattered electrons scatter too
    cube = BandCube.of(ENERGY, np.arange(9), np.arange(9), np.broadcast_to(curve, (9, 9, ENERGY.size)))
    assert shirley_loss(cube) == pytest.approx(0.01, rel=0.05)
    left = without_background(cube).intensity[0, 0]
    assert np.abs(left - peaks).max() < 0.03
    assert left[:40].max() < 0.05 * cube.intensity[0, 0, :40].max()


def test_grey_opening_takes_what_is_wider_and_leaves_what_is_narrower():
    values = np.exp(-((ENERGY + 1.0) ** 2) / 0.005) + 0.5 * np.exp(-((ENERGY + 1.0) ** 2) / 4.0)
    cube = BandCube.of(ENERGY, np.arange(5), np.arange(5), np.broadcast_to(values, (5, 5, ENERGY.size)))
    left = without_background(cube, opening_ev=1.0).intensity[2, 2]
    assert 0.9 < left.max() < 1.1
    assert np.median(left) < 0.08
    with pytest.raises(ValueError, match="an opening of 9"):
        without_background(cube, opening_ev=9.0)


def test_equal_contrast_lifts_dim_structure_and_keeps_the_order_within_a_curve():
    dim = plane(lambda x, y: np.where(x < 0, 1.0, 0.02))
    even = equalised(dim)
    at = np.argmin(np.abs(ENERGY + 1.0))
    ratio = even.intensity[35, 20, at] / even.intensity[5, 20, at]
    assert ratio > 10 * 0.03
    assert even.intensity.min() >= 0.0
    assert even.intensity.max() <= 1.0
    assert even.intensity[5, 20].argmax() == pytest.approx(at, abs=2)
    with pytest.raises(ValueError, match="limit"):
        equalised(dim, limit=0.0)


def test_masked_momenta_do_not_blur_into_their_neighbours():
    cube = plane(lambda x, y: 1.0 + 0 * x)
    mask = np.ones((41, 41), dtype=bool)
    mask[20, 20] = False
    spoiled = cube.intensity.copy()
    spoiled[20, 20] = 100.0
    blurred = smoothed(BandCube.of(ENERGY, K, K, spoiled, mask), 1.0, 0.0)
    np.testing.assert_allclose(blurred.intensity[mask], cube.intensity[mask], rtol=1e-4)


def test_the_zone_of_a_hexagonal_lattice_has_its_area_and_its_points():
    lattice = SurfaceLattice.hexagonal(3.28)
    k = np.linspace(-1.5, 1.5, 301)
    area = lattice.inside(k, k).sum() * (k[1] - k[0]) ** 2
    assert area == pytest.approx(8.0 * np.pi**2 / (np.sqrt(3.0) * 3.28**2), rel=0.01)
    assert np.linalg.norm(lattice.point("K")) == pytest.approx(4.0 * np.pi / (3.0 * 3.28))
    assert np.linalg.norm(lattice.point("M")) == pytest.approx(2.0 * np.pi / (np.sqrt(3.0) * 3.28))
    assert lattice.point("M")[1] == pytest.approx(0.0)
    with pytest.raises(ValueError, match="there is no point 'X'"):
        lattice.point("X")


def test_a_cut_along_a_path_has_the_cubes_values_and_the_paths_length():
    lattice = SurfaceLattice.square(4.0)
    path = lattice.path("G-X-M-G", 60)
    cube = plane(lambda x, y: 2.0 + x + 0.5 * y)
    line = cut_along(cube, path)
    assert line.is_line
    assert line.kx[-1] == pytest.approx(np.pi / 4.0 * (2.0 + np.sqrt(2.0)), rel=0.02)  # corners are cut
    at = np.argmin(np.abs(ENERGY + 1.0))
    corner = np.argmin(np.abs(line.kx - np.pi / 4.0))
    assert line.intensity[corner, 0, at] == pytest.approx(2.0 + np.pi / 4.0, rel=0.02)
    x, y = np.meshgrid(K, K, indexing="ij")
    bands = bands_along(BandStructure.of(K, K, (x + 2 * y)[None]), path)
    np.testing.assert_allclose(bands.energy_ev[0, :, 0], path @ [1.0, 2.0], atol=1e-9)
    with pytest.raises(ValueError, match="shorten it"):
        cut_along(cube, 3.0 * path)
