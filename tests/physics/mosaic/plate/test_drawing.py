"""Drawn plates: places without overlap, orientations by habit, and what goes wrong."""

from itertools import combinations

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.mosaic.habit import HABITS, rod_along
from beamgym.physics.mosaic.plate import PlateOptions, draw_plate
from beamgym.physics.orientation import misorientation_deg

FEPS3 = load_crystal("FePS3")
MANY = PlateOptions(150, two_grains=0.2, twins=0.2, bent=0.2, empty=0.1, displaced=0.1)


@pytest.fixture(scope="module")
def plate():
    return draw_plate(FEPS3, 3, MANY)


def test_no_two_crystals_overlap_and_all_lie_on_the_plate(plate):
    shapes = [outline.shape for outline in plate.outlines]
    assert not any(one.intersects(other) for one, other in combinations(shapes, 2))
    corners = np.concatenate([outline.polygon_mm for outline in plate.outlines])
    assert (np.abs(corners) <= 0.5 * np.array(plate.size_mm)).all()


def test_a_seed_brings_one_plate():
    one, same, other = (draw_plate(FEPS3, seed, PlateOptions(5)) for seed in (1, 1, 2))
    for a, b in zip(one.crystals, same.crystals, strict=True):
        assert np.array_equal(a.outline.polygon_mm, b.outline.polygon_mm)
        assert a.height_mm == b.height_mm
    assert one.crystals[0].height_mm != other.crystals[0].height_mm


def test_layers_lie_within_a_few_degrees_of_the_plate_and_every_way_round(plate):
    single = [c.grains[0].orientation for c in plate.crystals if c.what == "single"]
    normals = np.array([u @ FEPS3.plane_normal([0, 0, 1]) for u in single])
    tilt = np.degrees(np.arccos(normals[:, 2]))
    # two angles of 1.5° spread each: Rayleigh's distribution, whose median is 1.18 times that
    assert np.median(tilt) == pytest.approx(1.77, rel=0.3)
    assert tilt.max() < 8.0
    b = np.array([u @ FEPS3.direction([0, 1, 0]) for u in single])
    assert np.abs(np.exp(1j * np.arctan2(b[:, 1], b[:, 0])).mean()) < 0.35


def test_the_wedge_of_glue_is_kept_apart_from_the_angle_between_face_and_lattice():
    plate = draw_plate(FEPS3, 5, PlateOptions.faultless(80, wedge_deg=2.0, face_deg=0.1))
    normals = np.array([c.grains[0].orientation @ FEPS3.plane_normal([0, 0, 1]) for c in plate.crystals])
    faces = np.array([c.face for c in plate.crystals])
    to_lattice = np.degrees(np.arccos(np.clip((normals * faces).sum(axis=1), -1.0, 1.0)))
    assert np.median(to_lattice) == pytest.approx(0.118, rel=0.4)
    assert np.median(np.degrees(np.arccos(faces[:, 2]))) > 1.5


def test_every_kind_of_place_is_what_it_says(plate):
    kinds = {what: [c for c in plate.crystals if c.what == what] for what in {c.what for c in plate.crystals}}
    assert set(kinds) == {"single", "two grains", "twin", "bent", "empty"}
    for crystal in kinds["two grains"]:
        first, second = crystal.grains
        areas = [area_of(grain) for grain in (first, second)]
        assert sum(areas) == pytest.approx(crystal.outline.area_mm2, rel=1e-9)
        assert areas[0] >= areas[1] >= 0.2 * sum(areas)
        assert misorientation_deg(first.orientation, second.orientation, FEPS3.rotations) > 1.0
    law = HABITS["FePS3"].twin.rotation(FEPS3)
    for crystal in kinds["twin"]:
        assert crystal.grains[1].orientation == pytest.approx(crystal.grains[0].orientation @ law)
        assert sum(grain.share for grain in crystal.grains) == pytest.approx(1.0)
    for crystal in kinds["bent"]:
        assert crystal.bend_deg_per_mm.any()
    assert all(not crystal.grains for crystal in kinds["empty"])


def area_of(grain):
    from shapely.geometry import Polygon

    return Polygon(grain.corners_mm).area


def test_a_displaced_crystal_lies_half_outside_its_cell(plate):
    outside = []
    for crystal, (x, y, wide, high) in zip(plate.crystals, plate.cells_mm, strict=True):
        from shapely.geometry import box

        share = crystal.outline.shape.intersection(box(x, y, x + wide, y + high)).area / crystal.outline.area_mm2
        outside.append((crystal.displaced, 1.0 - share))
    moved = [share for displaced, share in outside if displaced]
    assert max(share for displaced, share in outside if not displaced) < 1e-9
    assert sum(0.3 < share < 0.7 for share in moved) >= 0.5 * len(moved) > 2


def test_a_rods_length_is_its_outlines():
    crystal, habit = load_crystal("YFe2Ge2"), rod_along("[0 0 1]")
    for rod in draw_plate(crystal, 2, PlateOptions.faultless(12, wedge_deg=0.0, face_deg=0.0), habit).crystals:
        along = rod.grains[0].orientation @ crystal.direction([0, 0, 1])
        assert along[2] == pytest.approx(0.0, abs=1e-9)
        extent = rod.outline.polygon_mm @ along[:2]
        across = rod.outline.polygon_mm @ np.array([-along[1], along[0]])
        assert np.ptp(extent) > 4.0 * np.ptp(across)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [({"crystals": 0}, "choose 1 to 5000"), ({"bow_mm": -1.0}, "0 or more"), ({"bent": 0.99}, "add up to more than 1")],
)
def test_options_that_make_no_plate_are_refused(numbers, said):
    with pytest.raises(ValueError, match=said):
        PlateOptions(**numbers)


def test_flakes_whose_faces_differ_lie_either_way_up_and_all_else_of_a_plate_stays():
    fepse3 = load_crystal("FePSe3")  # -3: no twofold axis in its layers
    drawn, upright = (draw_plate(fepse3, 5, PlateOptions(60, upside_down=share)) for share in (None, 0.0))
    up = [bool((crystal.grains[0].orientation[2, 2]) > 0.0) for crystal in drawn.crystals if crystal.grains]
    assert 0.3 < np.mean(up) < 0.7
    for one, other in zip(drawn.crystals, upright.crystals, strict=True):
        assert np.array_equal(one.outline.polygon_mm, other.outline.polygon_mm)
        for grain, same in zip(one.grains, other.grains, strict=True):
            turn = misorientation_deg(grain.orientation, same.orientation, fepse3.rotations)
            assert turn == pytest.approx(0.0, abs=1e-5) or turn > 1.0
            assert abs(grain.orientation[:, 2] @ one.face) > 0.999


def test_flakes_with_a_twofold_axis_in_their_layers_are_drawn_upright():
    for crystal in draw_plate(load_crystal("KFe3(OH)6(SO4)2"), 5, PlateOptions(20)).crystals:
        assert all(grain.orientation[2, 2] > 0.0 for grain in crystal.grains)
    with pytest.raises(ValueError, match=r"upside_down is 1\.5"):
        PlateOptions(3, upside_down=1.5)
