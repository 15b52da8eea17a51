"""Crystals moved from plate to holder: outline, lattice, face and bend go together."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import Grain, PlateCrystal, PlateOptions, SimulatedPlate, draw_plate
from beamgym.physics.mosaic.plate_frame import TURNED_OVER, turn_about_normal
from beamgym.physics.orientation import rotation_matrix

CHIRAL = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0], [1.0, 1.0], [1.0, 2.0], [0.0, 2.0]])  # an L


def chiral(tilt=(0.0, 0.0, 0.0)):
    wedge = rotation_matrix(np.array(tilt))
    return PlateCrystal(
        Outline("L", CHIRAL, 0.5), (Grain(wedge),), face=wedge[:, 2], bend_deg_per_mm=np.array([[0.0, 0.4], [0.1, 0.0]])
    )


def test_a_placed_crystal_has_lost_the_wedge_of_its_glue():
    placed = chiral((2.0, -1.0, 0.0)).placed(10.0, 5.0, 30.0)
    assert placed.face == pytest.approx([0.0, 0.0, 1.0], abs=1e-12)
    assert placed.grains[0].orientation == pytest.approx(turn_about_normal(30.0), abs=1e-12)
    assert placed.outline.centre_mm == pytest.approx([10.0, 5.0])


def test_the_angle_between_face_and_lattice_travels():
    face_to_lattice = rotation_matrix(np.array([0.3, 0.2, 0.0]))
    crystal = PlateCrystal(Outline("1", CHIRAL), (Grain(face_to_lattice),))
    u = crystal.placed(0.0, 0.0, 90.0).grains[0].orientation
    assert u == pytest.approx(turn_about_normal(90.0) @ face_to_lattice, abs=1e-12)


def test_a_crystal_turned_over_is_mirrored_and_its_lattice_is_turned_about_y():
    placed = chiral().placed(0.0, 0.0, 0.0, turned_over=True)
    assert placed.grains[0].orientation == pytest.approx(TURNED_OVER, abs=1e-12)
    centre = Outline("L", CHIRAL).centre_mm
    mirrored = Outline("L", (CHIRAL - centre) * [-1.0, 1.0])
    assert placed.outline.shape.symmetric_difference(mirrored.shape).area == pytest.approx(0.0, abs=1e-9)
    straight = Outline("L", CHIRAL - centre)
    assert placed.outline.shape.symmetric_difference(straight.shape).area > 0.5
    assert placed.face == pytest.approx([0.0, 0.0, 1.0], abs=1e-12)


def test_a_bent_lattice_is_bent_the_same_way_in_its_own_frame_wherever_it_lies():
    before = chiral()
    for over in (False, True):
        after = before.placed(4.0, -7.0, 37.0, turned_over=over)
        spin = turn_about_normal(37.0) @ (TURNED_OVER if over else np.eye(3))
        for corner in CHIRAL:
            there = after.outline.centre_mm + (spin @ [*(corner - before.outline.centre_mm), 0.0])[:2]
            moved = after.orientation_at(after.grains[0], there)
            assert moved == pytest.approx(spin @ before.orientation_at(before.grains[0], corner), abs=1e-9)


def test_play_turns_outline_and_lattice_alike():
    placed = chiral().placed(0.0, 0.0, 20.0, play_deg=3.0)
    assert placed.grains[0].orientation == pytest.approx(turn_about_normal(23.0), abs=1e-12)
    corners = (CHIRAL - Outline("L", CHIRAL).centre_mm) @ turn_about_normal(23.0)[:2, :2].T
    assert placed.outline.shape.symmetric_difference(Outline("L", corners).shape).area == pytest.approx(0.0, abs=1e-9)


def test_two_crystals_of_one_name_are_refused():
    plate = draw_plate(load_crystal("FePS3"), 0, PlateOptions(1))
    with pytest.raises(ValueError, match="two crystals of a plate are named '1'"):
        SimulatedPlate.of([plate.crystals[0], plate.crystals[0]])
