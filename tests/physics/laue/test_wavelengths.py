"""Wavelengths and energies of photons and neutrons."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamgym.physics.laue.wavelengths import (
    band_of_wavelengths,
    band_words,
    neutron_energy_mev,
    neutron_wavelength_a,
)


@pytest.mark.parametrize(("wavelength", "energy"), [(1.0, 81.80), (1.798, 25.30), (4.0, 5.113), (9.045, 1.0)])
def test_neutrons_have_the_energies_of_the_handbooks(wavelength, energy):
    """81.80 meV at 1 Å, 25.3 meV at 2200 m/s (1.798 Å), 1 meV at 9.045 Å (ILL Neutron Data Booklet)."""
    assert neutron_energy_mev(wavelength) == pytest.approx(energy, rel=5e-4)
    assert neutron_wavelength_a(energy) == pytest.approx(wavelength, rel=5e-4)


@given(st.floats(0.1, 30.0))
def test_there_and_back_again(wavelength):
    assert neutron_wavelength_a(neutron_energy_mev(wavelength)) == pytest.approx(wavelength)


def test_a_photon_of_an_angstrom_has_12_398_kev():
    assert band_of_wavelengths((0.5, 1.0), "xray") == pytest.approx((12.39842, 24.79684))


def test_a_band_is_told_in_the_unit_of_its_radiation():
    assert band_words((5.0, 25.0), "xray") == "5 to 25 keV"
    assert band_words(band_of_wavelengths((0.8, 4.0)), "neutron") == "0.8 to 4 Å"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: band_of_wavelengths((4.0, 0.8)), "0 < shortest < longest"),
        (lambda: band_of_wavelengths((0.0, 0.8)), "0 < shortest"),
        (lambda: band_of_wavelengths((0.8, float("inf"))), "shortest, longest"),
        (lambda: band_of_wavelengths((float("nan"), 4.0)), "shortest, longest"),
        (lambda: band_of_wavelengths(0.8), "shortest, longest"),
        (lambda: band_of_wavelengths((5.0, 80.0)), "is it an energy"),
        (lambda: neutron_energy_mev(0.0), "positive number of Å"),
        (lambda: neutron_wavelength_a(-1.0), "positive number of meV"),
    ],
)
def test_what_is_no_wavelength_is_refused_in_one_line(make, words):
    with pytest.raises(ValueError, match=words) as error:
        make()
    assert "\n" not in str(error.value)
