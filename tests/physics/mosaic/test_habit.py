"""Habits: how crystals of a material lie."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.mosaic.habit import HABITS, Habit, habit_of, rod_along, turn_onto


@pytest.mark.parametrize("name", HABITS)
def test_a_flake_lies_with_its_layer_normal_up(name):
    crystal = load_crystal(name)
    lying = HABITS[name].lying(crystal)
    assert lying @ crystal.plane_normal([0, 0, 1]) == pytest.approx([0.0, 0.0, 1.0], abs=1e-12)
    assert np.linalg.det(lying) == pytest.approx(1.0)


def test_a_rod_lies_along_x_whatever_it_is_turned_about_itself():
    crystal, habit = load_crystal("YFe2Ge2"), rod_along("[0 0 1]")
    for angle in (0.0, 33.0):
        assert habit.lying(crystal, angle) @ crystal.direction([0, 0, 1]) == pytest.approx([1.0, 0.0, 0.0], abs=1e-12)
    assert not np.allclose(habit.lying(crystal, 0.0), habit.lying(crystal, 33.0))


def test_an_unknown_material_is_a_flake_and_says_that_this_is_assumed():
    assert "assumed" in habit_of(load_crystal("kyanite")).source
    assert all("assumed" not in habit.source and habit.source for habit in HABITS.values())


@pytest.mark.parametrize("end", [(0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (0.6, 0.0, 0.8)])
def test_the_smallest_turn_takes_one_vector_to_another(end):
    turn = turn_onto(np.array([0.0, 0.0, 1.0]), np.array(end))
    assert turn @ [0.0, 0.0, 1.0] == pytest.approx(end, abs=1e-12)
    angle = np.degrees(np.arccos((np.trace(turn) - 1.0) / 2.0))
    assert angle == pytest.approx(np.degrees(np.arccos(end[2])), abs=1e-5)


def test_a_size_that_no_crystal_has_is_refused():
    with pytest.raises(ValueError, match=r"give a size from 0\.1 to 100 mm"):
        Habit("flake", habit_of(load_crystal("FePS3")).along, size_mm=0.0)
