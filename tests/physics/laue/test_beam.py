"""Beams: spectra against their formulas, filters, and what is refused."""

import numpy as np
import pytest
import xraydb
from hypothesis import given, settings
from hypothesis import strategies as st

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.beam import Beam, energy_grid, synchrotron_g1
from beamgym.physics.laue.layers import transmission


def at(beam, energy):
    return np.interp(energy, beam.energy_kev, beam.spectrum)


@pytest.mark.parametrize("anode", ["W", "Mo", "Cu"])
def test_no_photon_is_harder_than_the_tubes_voltage(anode):
    beam = Beam.tube(anode, voltage_kv=22.0, band_kev=(5.0, 25.0))
    assert (beam.spectrum[beam.energy_kev > 22.0] == 0).all()
    assert (beam.spectrum[(beam.energy_kev > 5.5) & (beam.energy_kev < 21.5)] > 0).all()


@pytest.mark.parametrize(("anode", "line"), [("W", 8.398), ("Mo", 17.479), ("Cu", 8.047)])
def test_the_anodes_strongest_line_stands_where_xraydb_has_it(anode, line):
    beam = Beam.tube(anode, 40.0)
    peak = beam.energy_kev[np.argmax(beam.spectrum)]
    energies = [1e-3 * tabulated.energy for tabulated in xraydb.xray_lines(anode).values()]
    assert peak == pytest.approx(line, abs=0.02)
    assert min(abs(peak - energy) for energy in energies) < 0.02
    assert at(beam, line) > 3.0 * at(beam, line - 0.3)


def test_below_its_edge_an_anode_has_no_lines():
    """Molybdenum at 19 kV cannot ionise its K shell at 20 keV: the continuum alone is smooth."""
    beam = Beam.tube("Mo", 19.0, (15.0, 18.9))
    assert at(beam, 17.479) < 1.1 * at(beam, 17.2)


def test_a_hard_tube_without_matter_in_the_way_is_kramers():
    """Photons per energy ∝ E0/E − 1, between tungsten's lines and edges and with next to no target to cross."""
    beam = Beam.tube("W", 40.0, (14.0, 30.0), take_off_deg=90.0, window_be_mm=0.0, air_mm=0.0)
    self_absorption = np.exp(-0.25 * 40.0**2 / 0.77e6 * xraydb.mu_elam("W", 1e3 * np.array([15.0, 25.0])))
    ratio = at(beam, 15.0) / at(beam, 25.0)
    assert ratio == pytest.approx((40 / 15 - 1) / (40 / 25 - 1) * self_absorption[0] / self_absorption[1], rel=1e-3)


def test_g1_has_its_tabulated_values():
    """X-ray Data Booklet, table 2-1: G1(y) for y = 0.1, 1, 2, 10, and the power below Ec is half of the whole."""
    np.testing.assert_allclose(synchrotron_g1([0.1, 1.0, 2.0, 10.0]), [0.818, 0.6514, 0.3016, 1.92e-4], rtol=4e-3)
    y = np.linspace(1e-4, 30, 300_001)
    g1 = synchrotron_g1(y)
    assert np.trapezoid(g1[y <= 1], y[y <= 1]) / np.trapezoid(g1, y) == pytest.approx(0.5, abs=5e-3)


def test_neutrons_are_a_maxwellian_in_wavelength():
    """λ⁻⁵ exp(−(λ_T/λ)²) peaks at λ_T √(2/5); at 300 K λ_T = 1.781 Å."""
    beam = Beam.neutron(300.0, (0.5, 5.0))
    wavelength = HC_KEV_A / beam.energy_kev
    per_wavelength = beam.spectrum * HC_KEV_A / wavelength**2
    assert wavelength[np.argmax(per_wavelength)] == pytest.approx(1.781 * np.sqrt(0.4), abs=5e-3)


def test_a_spectrum_by_wavelength_is_the_same_beam():
    """The Maxwellian as a table per Å, as sources state it, against the preset; and a photon's energies."""
    wavelength = np.linspace(0.8, 4.0, 4001)
    table = Beam.from_wavelengths(wavelength, wavelength**-5.0 * np.exp(-((1.7788 / wavelength) ** 2)), flux_per_s=1e8)
    preset = Beam.neutron(300.0)
    assert (table.radiation, table.band_kev) == ("neutron", pytest.approx(preset.band_kev))
    np.testing.assert_allclose(table.spectrum, preset.spectrum, rtol=1e-3)
    photons = Beam.from_wavelengths([0.5, 2.5], [1.0, 1.0], radiation="xray")
    assert at(photons, 6.0) / at(photons, 12.0) == pytest.approx(4.0, rel=1e-3)  # flat per Å is λ² per keV


def test_filters_multiply_and_follow_beer():
    beam = Beam.flat((8.0, 20.0))
    once, twice = beam.filtered({"Al": 0.1}), beam.filtered({"Al": 0.05}).filtered({"Al": 0.05})
    np.testing.assert_allclose(once.spectrum, twice.spectrum, rtol=1e-12)
    mu = xraydb.material_mu("Al", 10_000.0, density=2.6989)
    assert at(once, 10.0) / at(beam, 10.0) == pytest.approx(np.exp(-mu * 0.01), rel=1e-3)


def test_air_takes_a_tenth_of_10_kev_photons_in_16_cm():
    """µ/ρ = 5.12 cm²/g (NIST, dry air at 10 keV) and 1.205 mg/cm³: exp(−0.00617 · 16.5) = 0.903."""
    assert transmission("air", 165.0, 10.0) == pytest.approx(0.903, abs=0.006)


def test_a_phosphor_integrates_energy_and_a_counter_does_not():
    beam = Beam.flat((5.0, 40.0))
    phosphor, counter = beam.detected_by("phosphor"), beam.detected_by("counting")
    assert (counter.efficiency <= 1.0).all()
    assert counter.efficiency[0] > 0.99
    stopped = phosphor.efficiency * 10.0 / phosphor.energy_kev
    assert (stopped <= 1.0).all()
    assert stopped[0] > stopped[-1]
    assert (beam.detected_by("ideal").efficiency == 1.0).all()


@settings(deadline=None, max_examples=25)
@given(st.floats(1.0, 30.0), st.floats(0.5, 20.0), st.floats(1e3, 1e13))
def test_the_flux_is_what_was_asked_for(low, width, flux):
    assert Beam.flat((low, low + width), flux).flux_per_s == pytest.approx(flux)


def test_a_measured_spectrum_is_resampled_and_scaled():
    beam = Beam.from_table([5.0, 6.0, 10.0], [0.0, 2.0, 2.0], flux_per_s=9e6)
    assert beam.band_kev == (5.0, 10.0)
    np.testing.assert_allclose([at(beam, 5.5), at(beam, 8.0)], [1e6, 2e6], rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Beam.flat((25.0, 5.0)), "upside down"),
        (lambda: Beam.flat((5.0, 5.0)), "upside down"),
        (lambda: Beam.flat((float("nan"), 5.0)), "two positive energies"),
        (lambda: Beam.flat((-1.0, 5.0)), "two positive energies"),
        (lambda: Beam.flat(5.0), "two energies"),
        (lambda: Beam.flat((5.0, 25.0), flux_per_s=-1.0), "flux_per_s"),
        (lambda: Beam.tube("Fe"), "choose one of Cu, Mo, W"),
        (lambda: Beam.tube("W", 4.0), "raise the voltage"),
        (lambda: Beam.tube("W", float("nan")), "voltage_kv"),
        (lambda: Beam.bending_magnet(critical_kev=0.0), "critical_kev"),
        (lambda: Beam.neutron(-3.0), "temperature_k"),
        (lambda: Beam.neutron(300.0, (4.0, 0.8)), "shortest"),
        (lambda: Beam.neutron(300.0, (5.0, 25000.0)), "82 meV are 1 Å"),
        (lambda: Beam.from_wavelengths([2.0, 1.0], [1.0, 1.0]), "rising wavelengths"),
        (lambda: Beam.flat().filtered({"unobtainium": 1.0}), "no material"),
        (lambda: Beam.flat().filtered({"Al": -1.0}), "length ≥ 0"),
        (lambda: Beam.flat().detected_by("film"), "phosphor"),
        (lambda: Beam.from_table([5.0, 4.0], [1.0, 1.0]), "rising energies"),
        (lambda: Beam(np.array([1.0, 2.0, 4.0]), np.ones(3), np.ones(3)), "equal steps"),
        (lambda: Beam(np.array([1.0, 2.0]), -np.ones(2), np.ones(2)), "spectrum"),
        (lambda: Beam(np.array([1.0, 2.0]), np.ones(2), np.ones(2), polarisation=2.0), "polarisation"),
        (lambda: Beam(np.array([1.0, 2.0]), np.zeros(2), np.ones(2)), "nothing of this beam"),
        (lambda: Beam(np.array([1.0, 2.0]), np.ones(2), np.ones(2), radiation="light"), "radiation"),
    ],
)
def test_a_bad_beam_is_refused_in_one_line(make, words):
    with pytest.raises(ValueError, match=words) as error:
        make()
    assert "\n" not in str(error.value)


def test_the_grid_has_both_ends_of_the_band():
    grid = energy_grid((5.0, 25.0))
    assert (grid[0], grid[-1]) == (5.0, 25.0)
    assert np.diff(grid).max() <= 0.005 + 1e-12


@settings(deadline=None, max_examples=100)
@given(st.floats(), st.floats(), st.floats(), st.floats())
def test_whatever_makes_no_beam_is_refused_in_one_line(low, high, voltage, flux):
    if high - low > 100:  # a grid of 5 eV over it would only be slow
        high = low + 100
    try:
        beam = Beam.tube("W", voltage, (low, high), flux)
    except (ValueError, TypeError) as error:
        message = str(error)
    else:
        assert np.isfinite(beam.spectrum).all()
        return
    assert "\n" not in message
