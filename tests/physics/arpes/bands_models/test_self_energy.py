"""Self-energies are retarded and causal: the real part is the Hilbert transform of the imaginary part, to 1 %."""

import numpy as np
import pytest

from beamgym.physics.arpes.bands_models import self_energy

OMEGA = np.linspace(-0.6, 0.2, 161)
KINDS = {
    "fermi liquid": lambda w: self_energy.fermi_liquid(w, 0.25, 0.5, 20.0),
    "electron-boson": lambda w: self_energy.electron_boson(w, 0.8, 0.06, 30.0),
    "marginal": lambda w: self_energy.marginal(w, 0.3, 0.5, 20.0),
    "published kink": lambda w: self_energy.published_kink(w, 0.015, 0.1, 0.12, 0.02),
}


@pytest.mark.parametrize("name", KINDS)
def test_real_parts_are_the_hilbert_transforms_of_imaginary_parts_to_one_percent(name):
    # Independent of the FFT: subtract the pole, and sum on a fine grid of its own, out to where Im Σ is level.
    sigma, reach = KINDS[name], 8.0
    grid = np.linspace(-reach, reach, 160_001) + 1.7e-5
    imaginary = sigma(grid).imag
    level = 0.5 * (imaginary[0] + imaginary[-1])
    at = OMEGA[10:-10:7]
    here = sigma(at)
    # P∫ (f(x) − f(w))/(x − w) + f(w) ln((R − w)/(R + w)), the tails beyond ±R level off to a constant
    step = grid[1] - grid[0]
    integral = [np.sum((imaginary - f) / (grid - w)) * step for f, w in zip(here.imag, at, strict=True)]
    integral += (here.imag - level) * np.log((reach - at) / (reach + at))
    scale = np.max(np.abs(sigma(OMEGA).real))
    np.testing.assert_allclose(np.array(integral) / np.pi, here.real, atol=0.01 * scale)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_retarded(name):
    assert np.all(KINDS[name](np.linspace(-3.0, 3.0, 601)).imag <= 1e-12)


def test_the_fermi_liquid_is_v_omega_squared_near_the_fermi_level_and_saturates_at_its_cutoff():
    near = np.linspace(-0.01, 0.01, 5)
    np.testing.assert_allclose(-self_energy.fermi_liquid(near, 0.2, 0.5).imag, 0.2 * near**2, rtol=1e-3)
    assert -self_energy.fermi_liquid(100.0, 0.2, 0.5).imag == pytest.approx(0.2 * 0.25, rel=1e-3)


def test_electron_boson_coupling_renormalises_the_mass_by_one_plus_lambda():
    step = 1e-4
    slope = np.diff(self_energy.electron_boson(np.array([-step, step]), 0.8, 0.06, 2.0).real) / (2 * step)
    assert slope[0] == pytest.approx(-0.8, rel=0.01)


def test_a_boson_opens_its_scattering_channel_at_its_energy():
    inside, outside = self_energy.electron_boson(np.array([-0.02, -0.3]), 0.8, 0.06, 5.0).imag
    assert abs(inside) < 1e-4
    assert outside == pytest.approx(-0.5 * np.pi * 0.8 * 0.06, rel=1e-3)


def test_real_and_imaginary_parts_do_not_share_memory():
    sigma = self_energy.published_kink(OMEGA, 0.015, 0.1, 0.12, 0.02)
    assert np.max(np.abs(sigma.real - sigma.imag)) > 0.05


@pytest.mark.parametrize("number", range(4))
def test_every_number_of_a_kink_that_is_given_counts(number):
    given = [0.015, 0.1, 0.12, 0.02]
    still = self_energy.published_kink(OMEGA, *given)
    given[number] *= 1.3
    assert np.abs(self_energy.published_kink(OMEGA, *given) - still).max() > 1e-3


def test_the_transform_of_a_lorentzian_is_known():
    x = np.linspace(-200.0, 200.0, 20_001)
    found = self_energy.hilbert(-1.0 / (x**2 + 1.0))
    middle = np.abs(x) < 5.0
    np.testing.assert_allclose(found[middle], (x / (x**2 + 1.0))[middle], atol=2e-4)


def test_a_function_that_never_levels_off_is_refused():
    with pytest.raises(ValueError, match="level off"):
        self_energy.hilbert(np.linspace(0.0, 1.0, 100))


@pytest.mark.parametrize(
    "call",
    [
        lambda: self_energy.impurity(OMEGA, -0.01),
        lambda: self_energy.fermi_liquid(OMEGA, -0.1),
        lambda: self_energy.fermi_liquid(OMEGA, 0.1, 0.5, -5.0),
        lambda: self_energy.electron_boson(OMEGA, 0.5, -0.1),
        lambda: self_energy.marginal(OMEGA, -1.0),
        lambda: self_energy.published_kink(OMEGA, 0.1, 0.05, 0.1, 0.01),
        lambda: self_energy.causal(lambda w: -np.ones_like(w), [5.0], 1.0),
    ],
)
def test_unphysical_parameters_raise_one_line(call):
    with pytest.raises(ValueError) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_scaling_every_energy_scales_the_self_energy(scale):
    # Dimensional analysis: a parameter that were an energy here and an inverse energy there would break it.
    w = OMEGA[::8]
    pairs = [
        (self_energy.fermi_liquid(scale * w, 0.2 / scale, 0.5 * scale), self_energy.fermi_liquid(w, 0.2, 0.5)),
        (
            self_energy.electron_boson(scale * w, 0.8, 0.06 * scale, 30.0 * scale),
            self_energy.electron_boson(w, 0.8, 0.06, 30.0),
        ),
        (self_energy.marginal(scale * w, 0.3, 0.5 * scale), self_energy.marginal(w, 0.3, 0.5)),
        (
            self_energy.published_kink(scale * w, 0.015 * scale, 0.1 * scale, 0.12 * scale, 0.02 * scale),
            self_energy.published_kink(w, 0.015, 0.1, 0.12, 0.02),
        ),
    ]
    for scaled, plain in pairs:
        np.testing.assert_allclose(scaled, scale * plain, rtol=1e-6, atol=1e-9)
