"""Spectra of neutron beams: the Maxwellian they contain, the epithermal tail, and what a curved guide carries."""

import numpy as np
import pytest

from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.neutron_beams import filled_share, guide_beam, moderator_beam


def test_without_an_epithermal_tail_a_moderator_is_the_maxwellian():
    one, other = moderator_beam(), Beam.neutron(flux_per_s=1e6)
    np.testing.assert_allclose(one.spectrum, other.spectrum, rtol=1e-9)
    assert one.radiation == "neutron"


def test_an_epithermal_tail_adds_short_wavelengths_and_no_long_ones():
    plain, tailed = moderator_beam(flux_per_s=1.0), moderator_beam(epithermal=0.3, flux_per_s=1.0)
    ratio = tailed.spectrum / plain.spectrum  # energies rise: long wavelengths stand first
    assert ratio[-1] > 1.5 * ratio[0]
    assert ratio[:10].max() / ratio[:10].min() < 1.05


def test_a_curved_guide_is_filled_as_the_integral_over_its_width_says():
    y = (np.arange(20000) + 0.5) / 20000
    for ratio in (0.4, 0.9, 1.0, 1.3, 3.0):
        inside = np.sqrt(np.maximum(1.0 - y / ratio**2, 0.0)).mean()
        assert filled_share(np.array([ratio]), 1.0)[0] == pytest.approx(inside, abs=1e-4)


def test_a_guide_favours_long_wavelengths_up_to_its_limit():
    plain, guided = Beam.neutron(flux_per_s=1.0), guide_beam(flux_per_s=1.0, characteristic_a=0.01, limit_a=2.0)
    wavelength = 12.398420 / plain.energy_kev
    ratio = guided.spectrum / plain.spectrum
    beyond, below = wavelength > 2.0, wavelength < 2.0
    assert np.ptp(ratio[beyond]) / ratio[beyond].mean() < 1e-4
    np.testing.assert_allclose(ratio[below] / wavelength[below] ** 2, (ratio[beyond] / 4.0).mean(), rtol=1e-4)


@pytest.mark.parametrize(
    "wrong", [{"temperature_k": 0.0}, {"characteristic_a": -1.0}, {"limit_a": 0.0}, {"wavelength_a": (4.0, 1.0)}]
)
def test_lengths_and_temperatures_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match=r"temperature_k|characteristic_a|limit_a|wavelength_a"):
        guide_beam(**wrong)
    with pytest.raises(ValueError, match="epithermal"):
        moderator_beam(epithermal=-0.1)
