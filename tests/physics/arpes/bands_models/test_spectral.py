"""The spectral function, its gaps, and what the kernels make of them."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.physics.arpes.bands_models import gaps, self_energy, spectral
from beamgym.physics.arpes.detection.kernels import DENSITY_WAVE, PAIRING
from beamgym.physics.arpes.detection.spectrum import Grid, Scene, band_intensity

WIDE = np.linspace(-60.0, 60.0, 1_200_001)


def scene(grid, energy, sigma, **more):
    """One sample whose bands ``energy`` (b,) are flat."""
    window = grid.window(more.get("energy_fwhm_ev", 0.0), more.get("angle_fwhm_deg", 0.0))
    energy = np.atleast_1d(np.asarray(energy, dtype=np.float32))
    w = window.slit_deg.size
    table = np.ascontiguousarray(np.broadcast_to(energy[None, :, None, None], (1, energy.size, window.nodes, w)))
    values = sigma(window.energy_ev)[None, None]
    weight = np.ones((1, energy.size, w), dtype=np.float32)
    gap = {name: np.broadcast_to(np.float32(more.pop(name)), weight.shape) for name in ["gap_ev"] if name in more}
    if "partner_ev" in more:
        gap["partner_ev"] = np.broadcast_to(np.float32(more.pop("partner_ev")), table.shape)
    return Scene(window, table, weight, values.real.astype(np.float32), values.imag.astype(np.float32), **gap, **more)


@pytest.mark.parametrize(
    ("sigma", "gap", "partner"),
    [
        (lambda w: self_energy.impurity(w, 0.02), 0.0, 0.0),
        (lambda w: self_energy.fermi_liquid(w, 0.25, 0.5) - 0.005j, 0.0, 0.0),
        (lambda w: self_energy.electron_boson(w, 0.8, 0.06) - 0.005j, 0.0, 0.0),
        (lambda w: self_energy.impurity(w, 0.02), 0.05, 0.03),
        (lambda w: self_energy.impurity(w, 0.02), 0.08, -0.2),
    ],
)
def test_the_spectral_function_holds_exactly_one_electron(sigma, gap, partner):
    density = spectral.spectral_function(WIDE, -0.03, sigma(WIDE), gap, partner, 0.01)
    assert np.all(density > 0)
    # beyond ±60 eV a Lorentzian of 20 meV keeps 2e-4
    assert np.trapezoid(density, WIDE) == pytest.approx(1.0, abs=0.01)


def test_a_positive_imaginary_part_is_refused_instead_of_giving_negative_intensity():
    with pytest.raises(ValueError, match="negative everywhere"):
        spectral.spectral_function(WIDE[:10], 0.0, 0.02j)
    grid = Grid.uniform((-0.1, 0.1), (-1, 1), (11, 11))
    with pytest.raises(ValueError, match="retarded"):
        scene(grid, 0.0, lambda w: np.full(w.shape, 0.01j))


@pytest.mark.parametrize("kind", ["plain", "pairing", "density wave"])
def test_the_kernels_agree_with_plain_numpy_to_single_precision(kind):
    grid = Grid.uniform((-0.5, -0.01), (-5, 5), (120, 7))

    def sigma(w):
        return self_energy.fermi_liquid(w, 0.25, 0.5) + self_energy.electron_boson(w, 0.5, 0.07) - 0.004j

    energy, more, plain = [-0.2, -0.05], {}, {}
    if kind != "plain":
        number = PAIRING if kind == "pairing" else DENSITY_WAVE
        more = {"gap_kind": np.array([number]), "gap_ev": 0.04, "pair_breaking_ev": 0.003, "partner_ev": 0.1}
        plain = {"gap_ev": 0.04, "pair_breaking_ev": 0.003}
    found = band_intensity(scene(grid, energy, sigma, temperature_k=0.0, **more))[0]
    expected = 0.0
    for e in energy:
        partner = {"partner_ev": -e if kind == "pairing" else 0.1} if plain else {}
        expected = expected + spectral.spectral_function(grid.energy_ev, e, sigma(grid.energy_ev), **plain, **partner)
    np.testing.assert_allclose(found, np.repeat(expected[:, None], 7, axis=1), rtol=2e-4)


def test_pairing_pushes_weight_to_plus_and_minus_the_quasiparticle_energy():
    omega = np.linspace(-0.2, 0.2, 4001)
    density = spectral.spectral_function(omega, 0.03, self_energy.impurity(omega, 0.002), 0.04, -0.03, 1e-4)
    peaks = omega[1:-1][(density[1:-1] > density[:-2]) & (density[1:-1] > density[2:])]
    np.testing.assert_allclose(peaks, [-0.05, 0.05], atol=2e-3)  # √(ε² + Δ²)


def test_a_density_wave_gives_the_eigenvalues_of_the_two_band_hamiltonian():
    omega = np.linspace(-0.4, 0.4, 8001)
    density = spectral.spectral_function(omega, -0.1, self_energy.impurity(omega, 0.002), 0.06, 0.15, 1e-4)
    peaks = omega[1:-1][(density[1:-1] > density[:-2]) & (density[1:-1] > density[2:])]
    np.testing.assert_allclose(peaks, np.linalg.eigvalsh([[-0.1, 0.06], [0.06, 0.15]]), atol=1e-3)


def test_a_d_wave_gap_has_nodes_on_the_diagonal_and_closes_at_its_critical_temperature():
    assert gaps.pairing_gap(np.array([0.4, 0.4]), 0.03, "d") == pytest.approx(0.0)
    assert gaps.pairing_gap(np.array([np.pi / 3.85, 0.0]), 0.03, "d") == pytest.approx(-0.03)
    assert gaps.gap_at(0.03, 95.0, 90.0) == 0.0
    assert gaps.gap_at(0.03, 1.0, 90.0) == pytest.approx(0.03)


def test_the_fermi_edge_is_four_point_four_kt_wide():
    grid = Grid.uniform((-0.1, 0.1), (-1, 1), (2001, 3))
    flat = np.linspace(-30, 30, 400)  # very many bands: an even density of states
    found = band_intensity(scene(grid, flat, lambda w: self_energy.impurity(w, 0.2), temperature_k=100.0))[0, :, 1]
    edge = found / np.mean(found[:100])
    ten, ninety = np.interp([-0.9, -0.1], -edge, grid.energy_ev)
    assert ninety - ten == pytest.approx(2.0 * np.log(9.0) * 8.617e-5 * 100.0, rel=0.01)  # 10–90 %: 4.39 kT
    np.testing.assert_allclose(np.interp(-0.5, -edge, grid.energy_ev), 0.0, atol=1e-4)


def test_temperature_and_resolution_add_up_in_the_edge():
    grid = Grid.uniform((-0.2, 0.2), (-1, 1), (801, 3))
    flat = np.linspace(-30, 30, 400)
    cold = {"temperature_k": 1.0, "energy_fwhm_ev": 0.05}
    found = band_intensity(scene(grid, flat, lambda w: self_energy.impurity(w, 0.2), **cold))[0, :, 1]
    ten, ninety = np.interp([-0.9, -0.1], -found / np.mean(found[:50]), grid.energy_ev)
    assert ninety - ten == pytest.approx(1.0884 * 0.05, rel=0.02)  # 10–90 % of an error function, in its FWHM


def test_the_occupation_at_absolute_zero_is_a_step():
    np.testing.assert_array_equal(spectral.fermi_dirac([-1e-9, 0.0, 1e-9], 0.0), [1.0, 0.5, 0.0])
    with pytest.raises(ValueError, match="negative"):
        spectral.fermi_dirac(0.0, -1.0)


def test_charging_shifts_the_whole_spectrum_and_its_fermi_edge():
    grid = Grid.uniform((-0.5, 0.2), (-1, 1), (701, 3))
    still = band_intensity(scene(grid, -0.1, lambda w: self_energy.impurity(w, 0.02)))[0, :, 1]
    moved = band_intensity(scene(grid, -0.1, lambda w: self_energy.impurity(w, 0.02), fermi_ev=0.05))[0, :, 1]
    np.testing.assert_allclose(moved[50:], still[:-50], rtol=1e-3, atol=1e-5)


def test_a_gap_and_a_further_half_width_act_together():
    grid = Grid.uniform((-0.5, -0.01), (-5, 5), (60, 5))
    more = {"gap_kind": np.array([PAIRING]), "gap_ev": 0.04, "pair_breaking_ev": 0.003, "temperature_k": 0.0}
    made = scene(grid, -0.2, lambda w: self_energy.impurity(w, 0.01), **more)
    wider = replace(made, broadening_ev=np.full((1, 1, 5), 0.02, dtype=np.float32))
    direct = scene(grid, -0.2, lambda w: self_energy.impurity(w, 0.03), **more)
    np.testing.assert_allclose(band_intensity(wider), band_intensity(direct), rtol=1e-5)
