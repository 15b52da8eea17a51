"""Broadening along kz: a sum over a few kz against the closed form of the wrapped Lorentzian's average."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.physics.arpes.bands_models.kinematics import perpendicular_momentum
from beamgym.physics.arpes.bands_models.kz import KzBroadening, wrapped_lorentzian
from beamgym.physics.arpes.bands_models.lattices import TightBinding, coefficients
from beamgym.physics.arpes.detection.spectrum import Grid, band_intensity
from beamgym.physics.arpes.experiment.experiment import Experiment

ENERGY = np.linspace(-0.6, 0.6, 2401)


def closed_form(energy, gamma, hopping, phase, half_width):
    """Lorentzian of half width ``gamma`` about 2 t cos(phase + x), averaged over the wrapped Lorentzian of x.

    1/(w − 2t cos x) has Fourier coefficients ρ^|n|/√(w² − 4t²); the average multiplies them by exp(−|n| half_width).
    """
    w = energy + 1j * gamma
    root = np.sqrt(w - 2 * hopping) * np.sqrt(w + 2 * hopping)
    rho = (w - root) / (2 * hopping)
    root, rho = np.where(np.abs(rho) > 1, -root, root), np.where(np.abs(rho) > 1, 1 / rho, rho)
    q = rho * np.exp(-half_width)
    return -np.imag((1 - q * q) / (1 - 2 * q * np.cos(phase) + q * q) / root) / np.pi


def summed(energy, gamma, kz, kinetic):
    shift, width = kz.shifts(np.zeros(2), kinetic)
    width = gamma + width[:, None]
    return np.mean(width / ((energy - shift[:, None]) ** 2 + width**2), axis=0) / np.pi


def test_the_closed_form_is_the_integral():
    x = np.linspace(0, 2 * np.pi, 40_001)[:-1]
    weight = (1 - np.exp(-1.2)) / (1 - 2 * np.exp(-0.6) * np.cos(x) + np.exp(-1.2))
    for energy in (-0.15, 0.05, 0.3):
        line = 0.01 / ((energy - 0.2 * np.cos(1.0 + x)) ** 2 + 1e-4) / np.pi
        assert np.mean(weight * line) == pytest.approx(closed_form(energy, 0.01, 0.1, 1.0, 0.6), rel=1e-6)


@pytest.mark.parametrize(("gamma", "of_peak", "of_area"), [(0.005, 0.06, 0.04), (0.02, 0.04, 0.02)])
def test_the_sum_over_kz_is_the_integral_at_any_kz_to_the_stated_share(gamma, of_peak, of_area):
    kz = KzBroadening(0.1, 12.0, escape_depth_a=5.0)
    for kinetic in np.linspace(20.0, 26.0, 25):
        phase = 12.0 * perpendicular_momentum(np.zeros(2), kinetic, 10.0)
        exact = closed_form(ENERGY, gamma, 0.1, phase, 1.2)
        error = np.abs(summed(ENERGY, gamma, kz, kinetic) - exact)
        assert error.max() < of_peak * exact.max()
        assert 0.5 * error.sum() < of_area * exact.sum()


@pytest.mark.parametrize("half_width", [0.3, 1.2])
def test_the_default_points_have_the_first_moment_of_the_distribution(half_width):
    offset, _ = wrapped_lorentzian(half_width, KzBroadening(0.1, 6.0).points)
    assert np.mean(np.cos(offset)) == pytest.approx(np.exp(-half_width), abs=1e-4)


def test_an_experiment_with_kz_broadening_shows_the_closed_form():
    bands = TightBinding("square", coefficients("square", -1.0, 0.0), 3.8)
    kz = KzBroadening(0.1, 12.0, escape_depth_a=5.0)
    gamma = 0.02
    experiment = Experiment(bands, kz=kz, temperature_k=0.0, self_energy=lambda w: np.full(w.shape, -1j * gamma))
    grid = Grid.uniform((-1.5, -0.5), (-0.1, 0.1), (501, 3))
    scene = replace(experiment, energy_fwhm_ev=0.0, angle_fwhm_deg=0.0).scene(grid)
    column = band_intensity(scene)[0, :, 1]
    kinetic = 21.2 - 4.5 + grid.energy_ev
    phase = 12.0 * perpendicular_momentum(np.zeros(2), kinetic, 10.0)
    exact = closed_form(grid.energy_ev + 1.0, gamma, 0.1, phase, 1.2)
    np.testing.assert_allclose(column, exact, atol=0.05 * exact.max())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: KzBroadening(0.1, 6.0, inner_potential_ev=-3.0), "inner_potential_ev must be an energy ≥ 0"),
        (lambda: KzBroadening(0.1, 6.0, points=2.5), "whole number of kz values"),
        (lambda: KzBroadening(0.1, 6.0, points=0), "at least 1; found 0"),
        (lambda: KzBroadening(np.nan, 6.0), "hopping_ev"),
        (lambda: KzBroadening(0.1, 6.0, escape_depth_a=0.0), "escape_depth_a"),
    ],
)
def test_impossible_broadenings_are_refused_when_they_are_made(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
