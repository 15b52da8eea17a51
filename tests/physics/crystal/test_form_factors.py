"""Scattering by one atom: against the published coefficients, gemmi, and sum rules."""

import gemmi
import numpy as np
import pytest
from scipy.constants import N_A, physical_constants

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal.form_factors import (
    dispersion,
    f0,
    form_factor_label,
    mass_attenuation_cm2_per_g,
    neutron_attenuation_per_mm,
    scattering_length_fm,
)

# Waasmaier & Kirfel, Acta Cryst. A51 (1995) 416, table 1: a1..a5, c, b1..b5
WAASMAIER_KIRFEL = {
    "Si": (
        (5.275329, 3.191038, 1.511514, 1.356849, 2.519114),
        0.145073,
        (2.631338, 33.730728, 0.081119, 86.288643, 1.170087),
    ),
    "Ge": (
        (16.540613, 1.567900, 3.727829, 3.345098, 6.785079),
        0.018726,
        (2.866618, 0.012198, 13.432163, 58.866047, 0.210974),
    ),
    "Sr": (
        (17.730219, 9.795867, 6.099763, 2.620025, 0.600053),
        1.140251,
        (1.563060, 14.310868, 0.120574, 135.771317, 0.120574),
    ),
    "W": (
        (31.507900, 15.682498, 37.960129, 4.885509, 16.792112),
        -32.864574,
        (1.629485, 9.446448, 0.000898, 59.980675, 0.160798),
    ),
}


@pytest.mark.parametrize("element", WAASMAIER_KIRFEL)
def test_f0_equals_waasmaier_and_kirfel_up_to_back_reflection_at_35_kev(element):
    a, c, b = WAASMAIER_KIRFEL[element]
    s = np.linspace(0.0, 2.8, 141)
    expected = c + sum(ai * np.exp(-bi * s**2) for ai, bi in zip(a, b, strict=True))
    np.testing.assert_allclose(f0(element, s), expected, rtol=1e-6)


@pytest.mark.parametrize("element", WAASMAIER_KIRFEL)
def test_f0_is_within_two_percent_of_the_international_tables_where_those_hold(element):
    s = np.linspace(0.0, 1.5, 76)
    tables = [gemmi.Element(element).it92.calculate_sf(x * x) for x in s]
    print(f"{element}: f0 within {np.abs(f0(element, s) / tables - 1).max():.1%} of gemmi below s = 1.5")
    np.testing.assert_allclose(f0(element, s), tables, rtol=0.02)


@pytest.mark.parametrize(("element", "electrons"), [("Ge", 3.5), ("W", 11.6)])
def test_f0_does_not_level_off_at_high_angles(element, electrons):
    # four Gaussians fitted to s < 2 give 11.8 and 56 here
    assert f0(element, 2.4) == pytest.approx(electrons, abs=0.1)


@pytest.mark.parametrize(("label", "electrons"), [("O2-", 10), ("O", 8), ("Fe3+", 23), ("Na1+", 10), ("W", 74)])
def test_forward_scattering_counts_the_electrons(label, electrons):
    assert f0(label, 0.0) == pytest.approx(electrons, rel=0.01)


@pytest.mark.parametrize(
    ("symbol", "charge", "label"),
    [
        ("Fe", 3, "Fe3+"),
        ("O", -2, "O2-"),
        ("Fe", 2.5, "Fe"),
        ("Fe", 7, "Fe"),
        ("Si", None, "Si"),
        ("D", 1, "H"),
        ("Si", 0, "Si"),
    ],
)
def test_an_ion_is_used_where_it_is_tabulated_and_the_atom_where_not(symbol, charge, label):
    assert form_factor_label(symbol, charge) == label


@pytest.mark.parametrize(
    ("element", "energy_kev"), [("Si", 8.048), ("Cu", 15.0), ("W", 9.0), ("W", 20.0), ("Sr", 12.0)]
)
def test_the_optical_theorem_links_f_second_to_the_attenuation(element, energy_kev):
    # photoelectric cross-section = 2 r_e lambda f'' ; attenuation adds scattering, a few percent at most here
    radius_cm = 100.0 * physical_constants["classical electron radius"][0]
    wavelength_cm = 1e-8 * HC_KEV_A / energy_kev
    photoelectric = 2.0 * radius_cm * wavelength_cm * dispersion(element, energy_kev)[1][0]
    per_gram = photoelectric * N_A / gemmi.Element(element).weight
    assert per_gram == pytest.approx(mass_attenuation_cm2_per_g(element, energy_kev)[0], rel=0.06)


def test_dispersion_jumps_at_the_copper_edge():
    f_prime, f_second = dispersion("Cu", [8.9, 8.979, 9.1])
    assert f_prime[1] < min(f_prime[0], f_prime[2]) < 0.0
    # Chantler: about 0.5 electrons below and 3.9 above the K edge
    assert f_second[2] / f_second[0] == pytest.approx(7.5, rel=0.1)


@pytest.mark.parametrize(
    ("element", "energy_kev", "f_prime", "f_second"), [("Si", 8.048, 0.25, 0.33), ("Fe", 17.48, 0.35, 0.84)]
)
def test_dispersion_agrees_with_the_international_tables(element, energy_kev, f_prime, f_second):
    # International Tables C, table 4.2.6.8 (Cu and Mo K alpha); the theories differ by some 0.05 electrons
    found = dispersion(element, energy_kev)
    assert found[0][0] == pytest.approx(f_prime, abs=0.06)
    assert found[1][0] == pytest.approx(f_second, abs=0.03)


@pytest.mark.parametrize(
    ("element", "length"), [("H", -3.739), ("D", 6.671), ("O", 5.803), ("Si", 4.149), ("Ti", -3.438), ("Fe", 9.45)]
)
def test_neutron_lengths_are_those_of_sears(element, length):
    # Sears, Neutron News 3 (1992) 26; titanium has been measured anew since, 2 % smaller
    assert scattering_length_fm(element) == pytest.approx(length, rel=0.021 if element == "Ti" else 0.002)


def test_neutron_absorption_grows_with_the_wavelength():
    # cadmium: 2520 barn at 1.798 Å, 0.0463 atoms per Å³
    short, long = neutron_attenuation_per_mm("Cd", [1.798, 3.596], 0.0463)
    assert short == pytest.approx(2520 * 0.0463 * 0.1, rel=0.01)
    assert long / short == pytest.approx(2.0, rel=0.01)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: f0("Xx", 0.1), "form_factor_label"),
        (lambda: form_factor_label("Es"), "no X-ray scattering factors"),
        (lambda: form_factor_label("Qq"), "unknown element"),
        (lambda: form_factor_label("7"), "unknown element"),
        (lambda: dispersion("Pu", 10.0), "Z = 92"),
        (lambda: scattering_length_fm("At"), "no neutron scattering length"),
    ],
)
def test_an_element_that_is_not_tabulated_is_named(call, says):
    with pytest.raises(ValueError, match=says):
        call()
