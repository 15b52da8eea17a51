"""Placing in a simulation: crystals stand where plan and errors put them, in grooves and on tilted floors too."""

import numpy as np
import pytest
from shapely.geometry import box

from beamgym.physics.crystal import load_crystal
from beamgym.physics.mosaic.corrections import MosaicTarget, corrections_of
from beamgym.physics.mosaic.forecast import misalignment_deg, placed_crystals, planned_crystals, planned_rods
from beamgym.physics.mosaic.habit import habit_of, rod_along
from beamgym.physics.mosaic.holder import Design, fold_about, groove_of, pockets_of
from beamgym.physics.mosaic.plate import PlateOptions, draw_plate
from beamgym.physics.mosaic.records import Placement, ScannedCrystal

OFF = np.array(
    [[0.3, -0.2, 0.8], [-0.4, 0.1, -1.2], [0.0, 0.0, 0.0], [0.2, 0.5, 2.0], [0.1, 0.0, -0.5], [0.0, -0.3, 0.1]]
)


def placed_plate(name, habit, target, options):
    """A plate scanned without error, and its crystals' layout."""
    crystal = load_crystal(name)
    plate = draw_plate(crystal, 4, PlateOptions.faultless(len(OFF), **options), habit)
    scanned = [ScannedCrystal(c.name, "indexed", c.grains[0].orientation) for c in plate.crystals]
    turns = {each.name: each for each in corrections_of(scanned, crystal, habit, target)}
    lying = [Placement(c.name, 0, 9.0 * k, 0.0, turns[c.name].turn_deg) for k, c in enumerate(plate.crystals)]
    return crystal, plate, turns, lying


def measured(crystals, target, crystal):
    found = np.array([each.grains[0].orientation for each in crystals])
    return misalignment_deg(found, target.orientation(crystal), crystal.rotations)


@pytest.mark.parametrize("tilted", [False, True])
def test_flakes_are_off_by_what_flat_floors_leave_and_by_the_errors_of_placing(tilted):
    target = MosaicTarget.of("(0 0 1)", "[1 0 0]")
    habit = habit_of(load_crystal("FePS3"))
    crystal, plate, turns, lying = placed_plate("FePS3", habit, target, {"face_deg": 0.0})
    design = Design(box(-20.0, -20.0, 90.0, 20.0), datum_edges=False, tilted_floors=tilted)
    pockets = pockets_of(plate.outlines, lying, design, turns)
    left = np.array([each.left_deg for each in planned_crystals(pockets, turns, {}, 0.1)])
    designed = np.array([[turns[p.name].tilt_x_deg, turns[p.name].tilt_y_deg] for p in lying]) * tilted
    found = measured(placed_crystals(plate, lying, OFF, designed), target, crystal)
    assert np.allclose(found, left + OFF, atol=0.05)


def test_rods_in_their_grooves_stand_as_the_target_says_where_glue_had_no_wedge():
    target, habit = MosaicTarget.of("(1 0 0)", "[0 0 1]"), rod_along("[0 0 1]")
    options = {"face_deg": 0.0, "wedge_deg": 0.0}
    crystal, plate, turns, lying = placed_plate("YFe2Ge2", habit, target, options)
    design, fold = Design(box(-20.0, -20.0, 90.0, 20.0), thickness_mm=9.0), fold_about([0, 0, 1], crystal.rotations)
    assert fold == 4
    known = {each.name: each for each in plate.outlines}
    grooves = [groove_of(known[p.name], p, turns[p.name], design, fold) for p in lying]
    angle = np.radians([each.axis_deg for each in grooves])
    azimuth = np.array([each.azimuth_deg for each in grooves])
    designed = azimuth[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    found = measured(placed_crystals(plate, lying, np.zeros_like(OFF), designed), target, crystal)
    left = np.array([each.left_deg for each in planned_rods(grooves, turns, {})])
    assert np.ptp(azimuth) > 20.0
    assert np.allclose(found, left, atol=0.05)
    assert np.linalg.norm(found, axis=1).max() < 0.3


def test_a_crystal_that_the_plate_does_not_have_is_refused():
    plate = draw_plate(load_crystal("FePS3"), 1, PlateOptions.faultless(1), habit_of(load_crystal("FePS3")))
    with pytest.raises(ValueError, match="the layout places 99"):
        placed_crystals(plate, [Placement("99", 0, 0.0, 0.0, 0.0)], np.zeros((1, 3)))
