"""The axes of known crystals, found without their cells: structure factors and absences that the zone task has not."""

import itertools

import numpy as np
import pytest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.laue.zone.crystals import SYSTEMS
from beamgym.physics.laue.zone_search import View, Views, search_lattices
from beamgym.physics.orientation import random_orientations

TRUE, STATED = (Detector.back_reflection(distance, (400, 500), 0.2) for distance in (44.0, 50.0))
CRYSTALS = {
    "Si": "cubic",
    "NaCl": "cubic",
    "W": "cubic",
    "La2-xSrxCuO4": "tetragonal",
    "quartz": "hexagonal",
    "Al2O3": "trigonal",
    "Bi2Se3": "trigonal",
    "Ca2RuO4": "orthorhombic",
    "FePS3": "monoclinic",
    "kyanite": "triclinic",
}
"""Lattice systems; quartz is a trigonal crystal on a hexagonal lattice."""


def lines_of(crystal, system):
    """Return the lines that count, crystal Cartesian."""
    if SYSTEMS[system].has_axes:
        return SYSTEMS[system].axes()
    steps = np.array([step for step in itertools.product(range(-2, 3), repeat=3) if step > (0, 0, 0)])
    vectors = steps @ np.linalg.inv(crystal.b_matrix)
    length = np.linalg.norm(vectors, axis=1)
    return vectors[[length.argmin()]] / length.min()


def right_axes(name, count):
    """Return in how many of ``count`` patterns of 60 spots, 0.3 px off, every axis and the distance come out right."""
    crystal, right, rng = load_crystal(name), 0, np.random.default_rng(1)
    system = CRYSTALS[name]
    turns = random_orientations(make_keys(7, np.arange(count)))
    model = LaueModel(crystal, Beam.tube("W", 35.0, (5.0, 25.0)), TRUE, brightest=60)
    spots = model.spots(turns, np.tile(TRUE.as_vector(), (count, 1)))
    for i, turn in enumerate(turns):
        position = spots.position_px[i, : spots.count[i]].astype(float)
        views = Views([View(position + rng.normal(0.0, 0.3, position.shape), np.eye(3))], STATED, 0.3)
        best = search_lattices(views, SYSTEMS[system])[0]
        off = np.degrees(np.arccos(np.abs(lines_of(crystal, system) @ turn.T @ best.lines.T).max(axis=1).clip(0, 1)))
        right += bool(off.max() < 0.2 and abs(best.fit.distance_mm - 44.0) < 0.3 and best.saved > 200.0)
    return right


@pytest.mark.parametrize("name", ["Si", "quartz", "Ca2RuO4"])
def test_one_pattern_shows_axes_and_distance_of_a_crystal_whose_cell_is_not_told(name):
    assert right_axes(name, 1) == 1


@pytest.mark.slow
def test_eight_patterns_of_each_of_ten_crystals():
    found = {name: right_axes(name, 8) for name in CRYSTALS}
    # b is nearly a times the root of 3 in FePS3: two of its patterns show an axis 60 degrees off
    assert found.pop("FePS3") >= 5
    assert set(found.values()) == {8}
