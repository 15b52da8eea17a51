"""Tight binding: the terms are what their names say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamgym.physics.arpes.bands_models.bands import Bands, TabulatedBands
from beamgym.physics.arpes.bands_models.dirac import DiracSurface
from beamgym.physics.arpes.bands_models.lattices import LATTICES, TightBinding, coefficients

RNG = np.random.default_rng(5)
K = RNG.uniform(-1.5, 1.5, (200, 2))
A = 3.7
ROOT3 = np.sqrt(3.0)
TRIANGULAR = A * np.array([[1, 0], [0.5, ROOT3 / 2], [-0.5, ROOT3 / 2]])
SQUARE = A * np.eye(2)


def hopping(momentum, sites):
    """Σ 2 cos(k·R) over pairs of sites."""
    return 2.0 * np.sum(np.cos(momentum @ np.asarray(sites).T), axis=1)


def one_band(lattice, **terms):
    values = {"onsite_ev": 0.0, "nearest_ev": 0.0, **terms}
    return TightBinding(lattice, coefficients(lattice, **values), A).energies(K)[:, 0]


SHELLS = {
    ("square", "nearest_ev"): SQUARE,
    ("square", "diagonal_ev"): [SQUARE[0] + SQUARE[1], SQUARE[0] - SQUARE[1]],
    ("square", "second_ev"): 2 * SQUARE,
    ("hexagonal", "nearest_ev"): TRIANGULAR,
    ("hexagonal", "diagonal_ev"): [
        TRIANGULAR[0] + TRIANGULAR[1],
        TRIANGULAR[1] + TRIANGULAR[2],
        TRIANGULAR[2] - TRIANGULAR[0],
    ],
    ("hexagonal", "second_ev"): 2 * TRIANGULAR,
    ("honeycomb", "diagonal_ev"): TRIANGULAR,
}


@pytest.mark.parametrize(("lattice", "term"), SHELLS)
def test_each_term_is_the_sum_over_its_shell_of_neighbours(lattice, term):
    found = one_band(lattice, **{term: 0.3})
    np.testing.assert_allclose(found, 0.3 * hopping(K, SHELLS[lattice, term]), atol=2e-6)


def test_the_rectangular_lattice_hops_differently_along_b():
    terms = coefficients("rectangular", 0.1, 0.3, 0.05, 0.02, nearest_b_ev=-0.2, second_b_ev=0.01)
    found = TightBinding("rectangular", terms, 3.0, 4.0).energies(K)[:, 0]
    x, y = 3.0 * K[:, 0], 4.0 * K[:, 1]
    expected = 0.1 + 0.6 * np.cos(x) - 0.4 * np.cos(y) + 0.2 * np.cos(x) * np.cos(y)
    expected += 0.04 * np.cos(2 * x) + 0.02 * np.cos(2 * y)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_honeycomb_bands_are_the_eigenvalues_of_the_two_site_hamiltonian():
    near, inner, third = 0.9, 0.1, -0.15
    bond = A / ROOT3
    delta = bond * np.array([[0, 1], [ROOT3 / 2, -0.5], [-ROOT3 / 2, -0.5]])
    f = np.exp(1j * K @ delta.T).sum(1) * near + np.exp(-2j * K @ delta.T).sum(1) * third
    diagonal = -0.2 + inner * hopping(K, TRIANGULAR)
    matrix = np.array([[diagonal, f], [np.conj(f), diagonal]]).transpose(2, 0, 1)
    terms = coefficients("honeycomb", -0.2, [-near, near], inner, [-third, third])
    found = TightBinding("honeycomb", terms, A).energies(K)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(matrix), atol=5e-6)


@pytest.mark.parametrize("lattice", LATTICES)
@settings(max_examples=30, deadline=None)
@given(kx=st.floats(-2, 2), ky=st.floats(-2, 2), n=st.integers(-2, 2), m=st.integers(-2, 2))
def test_bands_repeat_with_the_reciprocal_lattice(lattice, kx, ky, n, m):
    band = TightBinding(lattice, coefficients(lattice, -0.1, 0.4, 0.1, 0.05), A)
    direct = SQUARE if lattice in ("square", "rectangular") else TRIANGULAR[:2]
    reciprocal = 2 * np.pi * np.linalg.inv(direct).T
    k = np.array([kx, ky])
    np.testing.assert_allclose(band.energies(k + n * reciprocal[0] + m * reciprocal[1]), band.energies(k), atol=1e-5)


def test_an_unknown_lattice_is_named_with_those_there_are():
    with pytest.raises(ValueError, match="unknown lattice 'kagome'; choose one of square, rectangular, hexagonal, hon"):
        TightBinding("kagome", coefficients("square", 0.0, 0.1), A)
    with pytest.raises(ValueError, match="no separate hopping"):
        coefficients("hexagonal", 0.0, 0.1, nearest_b_ev=0.2)
    with pytest.raises(ValueError, match="positive"):
        TightBinding("square", coefficients("square", 0.0, 0.1), -A)


def test_the_dirac_cone_is_linear_near_its_point_and_warped_sixfold_far_out():
    cone = DiracSurface(curvature_ev_a2=0.0)
    radius = 0.001
    upper, lower = cone.energies(np.array([radius, 0.0]))[:2]
    np.testing.assert_allclose([upper - cone.point_ev, cone.point_ev - lower], 3.5 * radius, rtol=1e-3)
    angle = np.radians(np.arange(0, 360, 5))
    ring = cone.energies(0.12 * np.stack([np.cos(angle), np.sin(angle)], axis=-1))[:, 0] - cone.point_ev
    expected = np.sqrt((3.5 * 0.12) ** 2 + (128.0 * 0.12**3 * np.cos(3 * angle)) ** 2)
    np.testing.assert_allclose(ring, expected, atol=2e-6)
    turned = DiracSurface(curvature_ev_a2=0.0, azimuth_deg=30.0)
    k = 0.12 * np.array([np.cos(np.radians(30.0)), 0.5])
    assert turned.energies(k)[0] - turned.point_ev == pytest.approx(np.max(expected), abs=2e-6)


def test_bulk_continua_fill_their_band_and_share_their_weight():
    cone = DiracSurface(slices=16, bulk_weight=0.5)
    bulk = cone.energies(np.zeros(2))[2:18]
    assert -0.12 < bulk.min() < -0.1
    assert 0.46 < bulk.max() < 0.48
    assert cone.weights()[2:].sum() == pytest.approx(2 * 0.5)


def test_everything_that_makes_bands_fits_the_protocol():
    table = TabulatedBands(np.arange(4.0), np.arange(4.0), np.zeros((4, 4, 1)))
    for bands in (TightBinding("square", coefficients("square", 0.0, 0.1), A), DiracSurface(), table):
        assert isinstance(bands, Bands)
