"""The fitted Fermi level lies where it was put, within its uncertainty; what cannot be an edge is no edge."""

import numpy as np
import pytest
from scipy.special import expit

from beamgym.physics.arpes.load import LoadError, fermi_level, fit_edge

ENERGY = np.linspace(16.0, 17.2, 241)


def spectrum(level, width=0.012, dos=None, floor=5.0, height=2000.0, seed=0):
    density = np.ones(ENERGY.size) if dos is None else dos
    return np.random.default_rng(seed).poisson(height * density * expit((level - ENERGY) / width) + floor).astype(float)


@pytest.mark.parametrize(
    "dos",
    [
        None,
        1.0 + 2.0 * (17.0 - ENERGY),
        0.2 + 3.0 * np.exp(-0.5 * ((ENERGY - 16.6) / 0.08) ** 2),
        0.5 + 4.0 * np.exp(-0.5 * ((ENERGY - 16.93) / 0.03) ** 2),
    ],
    ids=["flat", "slope", "deep band", "band near the edge"],
)
def test_the_level_is_found_within_its_uncertainty(dos):
    off = []
    for seed in range(8):
        edge = fit_edge(ENERGY, spectrum(16.95, dos=dos, seed=seed))
        off.append((edge.value_ev - 16.95) / edge.uncertainty_ev)
        assert edge.uncertainty_ev < 0.02
    assert np.abs(off).max() < 4.0
    assert np.median(np.abs(off)) < 2.5


@pytest.mark.parametrize("unit", [1.0, 0.01, 100.0])
def test_the_unit_of_the_counts_does_not_matter(unit):
    one, other = (fit_edge(ENERGY, spectrum(16.95) * factor) for factor in (1.0, unit))
    assert other.value_ev == pytest.approx(one.value_ev, abs=2e-3)


@pytest.mark.parametrize(
    "counts",
    [
        np.full(ENERGY.size, 100.0),
        np.random.default_rng(0).poisson(100.0, ENERGY.size).astype(float),
        2000.0 - 1500.0 * (ENERGY - 16.0),
        np.zeros(ENERGY.size),
    ],
    ids=["flat", "noise", "slope to the end", "nothing"],
)
def test_what_is_no_edge_is_none(counts):
    assert fit_edge(ENERGY, counts) is None


def test_without_an_edge_the_photon_energy_helps_or_the_user_must():
    flat = np.full(ENERGY.size, 100.0)
    with pytest.raises(LoadError, match="give the Fermi level: --fermi-level"):
        fermi_level(ENERGY, flat, kinetic=True)
    level = fermi_level(ENERGY, flat, kinetic=True, photon_ev=21.2, work_function_ev=4.3)
    assert level.value_ev == pytest.approx(16.9)
    assert "no Fermi edge is seen" in level.doubts[0]


def test_doubts_are_told():
    relative = ENERGY - 17.0
    assert fermi_level(relative, spectrum(17.0), kinetic=False).doubts == ()
    (off,) = fermi_level(relative, spectrum(16.8), kinetic=False).doubts
    assert off.startswith("the edge lies at -0.2")
    assert fermi_level(ENERGY, spectrum(16.8), kinetic=True, given_ev=17.0).doubts
    (broad,) = fermi_level(ENERGY, spectrum(16.6, width=0.09), kinetic=True).doubts
    assert "more than a Fermi edge" in broad
    (far,) = fermi_level(ENERGY, spectrum(16.9), kinetic=True, photon_ev=25.0).doubts
    assert "the photon energy lets expect 25.00 or 20.60" in far
