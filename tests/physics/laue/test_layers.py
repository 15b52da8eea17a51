"""What a detector's layer stops: Beer's law, its limits, and the presets."""

import numpy as np
import pytest
import xraydb

from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.layers import SensitiveLayer


def at(beam, energy):
    return np.interp(energy, beam.energy_kev, beam.efficiency)


@pytest.mark.parametrize("energy", [6.0, 10.0, 20.0])
def test_a_layer_stops_what_beer_says(energy):
    layer = SensitiveLayer.phosphor(0.08, 4.0)
    mu_per_cm = xraydb.material_mu("Gd2O2S", 1e3 * energy, density=4.0)
    assert layer.depth(energy) == pytest.approx(0.008 * mu_per_cm)
    assert layer.efficiency(energy) == pytest.approx((1.0 - np.exp(-0.008 * mu_per_cm)) * energy / 10.0)


def test_only_thickness_times_density_counts():
    one, other = SensitiveLayer.phosphor(0.04, 3.7), SensitiveLayer.phosphor(0.02, 7.4)
    np.testing.assert_allclose(one.efficiency([6.0, 12.0, 25.0]), other.efficiency([6.0, 12.0, 25.0]))


def test_a_thick_phosphor_counts_energy_and_a_thin_one_what_it_absorbs():
    beam = Beam.flat((5.0, 25.0))
    thick, thin = (beam.detected_by(SensitiveLayer.phosphor(t)) for t in (5.0, 1e-5))
    assert at(thick, 20.0) / at(thick, 10.0) == pytest.approx(2.0)
    mu = xraydb.material_mu("Gd2O2S", np.array([10_000.0, 20_000.0]), density=3.7)
    assert at(thin, 20.0) / at(thin, 10.0) == pytest.approx(2.0 * mu[1] / mu[0], rel=1e-2)


def test_gadoliniums_edge_is_in_it():
    """Gd absorbs more above its L3 edge at 7.243 keV than below."""
    thin = SensitiveLayer.phosphor(0.005)
    assert thin.efficiency(7.4) > 1.5 * thin.efficiency(7.1)


def test_the_presets_say_their_thickness_and_keep_their_numbers():
    """40 µm at 3.7 g/cm³ was written into the preset; a counter is 0.32 mm of silicon."""
    beam = Beam.flat((5.0, 25.0))
    phosphor, counter = beam.detected_by("phosphor"), beam.detected_by("counting")
    assert (phosphor.layer.material, phosphor.layer.thickness_mm, phosphor.layer.density) == ("Gd2O2S:Tb", 0.04, 3.7)
    assert (counter.layer.material, counter.layer.thickness_mm) == ("Si", 0.32)
    passed = np.exp(-0.004 * xraydb.material_mu("Gd2O2S", 1e3 * beam.energy_kev, density=3.7))
    np.testing.assert_allclose(phosphor.efficiency, (1.0 - passed) * beam.energy_kev / 10.0, rtol=1e-12)
    assert beam.detected_by("ideal").layer is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SensitiveLayer.phosphor(0.0), "above 0 mm"),
        (lambda: SensitiveLayer.phosphor(float("nan")), "above 0 mm"),
        (lambda: SensitiveLayer.phosphor(0.04, -1.0), "g/cm³"),
        (lambda: SensitiveLayer("unobtainium", 0.1), "no material"),
    ],
)
def test_a_bad_layer_is_refused_in_one_line(make, words):
    with pytest.raises(ValueError, match=words) as error:
        make()
    assert "\n" not in str(error.value)
