"""How far |F|² may be off beside an absorption edge: dispersion corrections stand on a grid of 10 eV."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import LaueModel

STRONGEST = 200
EDGES_KEV = {"Ge": ("Ge", 11.103), "SrTiO3": ("Sr", 16.105)}


def off_by(crystal):
    """Return distances from an edge, keV, and by which share |F|² of the strongest reflections is off there."""
    xraydb = pytest.importorskip("xraydb")
    element, edge = EDGES_KEV[crystal]
    table = LaueModel(load_crystal(crystal), Beam.tube("W", band_kev=(5.0, 25.0)), Detector.back_reflection()).table
    place = [str(each) for each in table.elements].index(element)
    energy = edge + np.linspace(-0.05, 0.05, 2001)
    dispersion = [
        np.interp(energy, table.energy_kev, table.f_prime[i])
        + 1j * np.interp(energy, table.energy_kev, table.f_second[i])
        for i in range(len(table.elements))
    ]
    exact = list(dispersion)
    exact[place] = xraydb.f1_chantler(element, 1e3 * energy) + 1j * xraydb.f2_chantler(element, 1e3 * energy)
    base = (table.f0 * table.partial).sum(axis=1)
    rows = np.argsort(-np.abs(base))[:STRONGEST]
    strength, true = (
        np.abs(base[rows, None] + sum(table.partial[rows, i, None] * part for i, part in enumerate(parts))) ** 2
        for parts in (dispersion, exact)
    )
    return np.abs(energy - edge), np.abs(strength / true - 1.0)


@pytest.mark.parametrize("crystal", EDGES_KEV)
def test_beyond_20_ev_of_an_edge_it_is_exact_to_two_percent(crystal):
    distance, off = off_by(crystal)
    assert off[:, distance > 0.020].max() < 0.02


def test_within_10_ev_of_an_edge_it_is_off_as_the_page_says():
    distance, off = off_by("Ge")
    near = off[:, distance < 0.010]
    assert near.mean() == pytest.approx(0.09, abs=0.01)
    assert np.median(near.max(axis=1)) == pytest.approx(0.30, abs=0.02)
