"""Pockets: the crystal fits, clearance is where it is asked for, a crystal turned over is its mirror image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity
from shapely.geometry import LineString, Point, Polygon, box

from beamgym.physics.mosaic.datum_edge import datum_edge
from beamgym.physics.mosaic.holder import Design, Hole, hole_of, pockets_of
from beamgym.physics.mosaic.holder.pockets import check_walls, slope_of
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.packing import placed_outline
from beamgym.physics.mosaic.plate_frame import TURNED_OVER, turn_about_normal
from beamgym.physics.mosaic.records import Correction, Placement

CHIRAL = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 1.0], [1.0, 1.0], [1.0, 2.0], [0.0, 2.0]])
PLATE = box(-20.0, -20.0, 20.0, 20.0)


@given(
    st.lists(st.floats(0.4, 1.6), min_size=4, max_size=9),
    st.floats(0.01, 0.4),
)
@settings(max_examples=25, deadline=None)
def test_a_crystal_lies_in_its_pocket_and_only_its_datum_edge_touches(radii, clearance):
    around = 2.0 * np.pi * np.arange(len(radii)) / len(radii)
    corners = 2.0 * np.array(radii)[:, None] * np.column_stack([np.cos(around), np.sin(around)])
    corners = np.asarray(Polygon(corners).convex_hull.exterior.coords)[:-1]
    corners = corners if Polygon(corners).exterior.is_ccw else corners[::-1]
    crystal = Polygon(corners)
    edge = datum_edge(corners, straight_mm=1e-9)
    hole = hole_of(crystal, clearance, edge)
    assert hole.buffer(1e-9).covers(crystal)
    middle = (edge.start_mm + edge.end_mm) / 2.0
    touched = Polygon(hole.exterior).exterior.distance(Point(middle))
    assert touched < 1e-9
    # Corners of the pocket are arcs of straight pieces, which lie up to 2 % inside.
    side = LineString([edge.start_mm, edge.end_mm])
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if side.distance(place := Point((a + b) / 2.0)) > 3.0 * clearance:
            assert hole.exterior.distance(place) > 0.9 * clearance
    whole = hole_of(crystal, clearance, None)
    assert np.isclose(whole.exterior.distance(crystal.exterior), clearance, rtol=0.06)


def test_a_crystal_that_is_turned_over_is_mirrored():
    flake = Outline("1", CHIRAL)
    as_it_is = placed_outline(flake, Placement("1", 0, 0.0, 0.0, 30.0))
    over = placed_outline(flake, Placement("1", 0, 0.0, 0.0, 30.0, turned_over=True))
    back = affinity.rotate(over, -30.0, origin=(0.0, 0.0))
    assert np.allclose(back.symmetric_difference(_mirrored(flake)).area, 0.0, atol=1e-9)
    # No turn brings a chiral outline onto its mirror image.
    turned = [affinity.rotate(as_it_is, angle, origin=(0.0, 0.0)) for angle in range(0, 360, 3)]
    assert min(shape.symmetric_difference(over).area for shape in turned) > 1.0


def _mirrored(flake):
    moved = affinity.translate(flake.shape, *(-flake.centre_mm))
    return affinity.scale(moved, -1.0, 1.0, origin=(0.0, 0.0))


def test_outline_and_lattice_of_a_crystal_turned_over_go_together():
    # An arrow on the flake along a lattice direction: outline and lattice must agree where it points afterwards.
    u = turn_about_normal(20.0)
    arrow = u @ np.array([1.0, 0.0, 0.0])
    after = turn_about_normal(30.0) @ TURNED_OVER @ arrow
    mark = Outline("1", CHIRAL @ turn_about_normal(20.0)[:2, :2].T)
    lies = placed_outline(mark, Placement("1", 0, 0.0, 0.0, 30.0, turned_over=True))
    edge = datum_edge(np.asarray(lies.exterior.coords)[:-1][:: 1 if lies.exterior.is_ccw else -1])
    long_side = (edge.end_mm - edge.start_mm) / edge.length_mm
    assert np.isclose(abs(long_side @ after[:2]), 1.0)


def test_a_slope_tilts_the_normal_as_the_correction_says():
    slope = slope_of(Correction("1", 0.0, 3.0, -2.0))
    normal = np.array([-slope[0], -slope[1], 1.0])
    normal /= np.linalg.norm(normal)
    # Rotation vector (3°, -2°): about x it takes z towards -y, about -y it takes z towards -x.
    assert np.isclose(np.degrees(np.arccos(normal[2])), np.hypot(3.0, 2.0))
    assert np.allclose(normal[:2] / np.hypot(*normal[:2]), np.array([-2.0, -3.0]) / np.hypot(2.0, 3.0))
    with pytest.raises(ValueError, match="more than 60"):
        slope_of(Correction("1", 0.0, 80.0, 0.0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"clearance_mm": -0.1}, "a clearance of -0.1 mm"),
        ({"wall_mm": 0.2}, "a wall of 0.2 mm is thinner than the printer makes"),
        ({"pocket_mm": 2.8}, "make the holder thicker"),
        ({"bore_mm": 30.0}, "the bore has 30 mm"),
    ],
)
def test_a_design_that_cannot_be_made_is_refused_in_one_line(options, words):
    with pytest.raises(ValueError, match=words) as told:
        Design(PLATE, **options)
    assert "\n" not in str(told.value)


def test_the_gap_is_wall_and_two_clearances():
    assert np.isclose(Design(PLATE, wall_mm=0.6, clearance_mm=0.15).gap_mm, 0.9)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((4.5, 0.0), "pocket 1 and pocket 2 leave a wall of"),
        ((17.6, 0.0), "pocket 2 leaves less than 0.4 mm to the edge"),
        ((-10.0, 8.2), "pocket 2 and the hole at -10, 10"),
    ],
)
def test_too_thin_a_wall_is_told_by_its_pockets(place, words):
    design = Design(PLATE, holes=(Hole(-10.0, 10.0, 2.0),))
    flakes = [Outline("1", CHIRAL), Outline("2", CHIRAL)]
    lying = [Placement("1", 0, 0.0, 0.0, 0.0), Placement("2", 0, *place, 0.0)]
    with pytest.raises(ValueError, match=words):
        check_walls([(p.name, p.hole) for p in pockets_of(flakes, lying, design)], design)


def test_floors_are_tilted_only_with_corrections_and_every_placement_has_an_outline():
    flakes, lying = [Outline("1", CHIRAL)], [Placement("1", 0, 0.0, 0.0, 0.0)]
    with pytest.raises(ValueError, match="ask for flat floors"):
        pockets_of(flakes, lying, Design(PLATE, tilted_floors=True))
    with pytest.raises(ValueError, match="places 5, of which there is no outline"):
        pockets_of(flakes, [Placement("5", 0, 0.0, 0.0, 0.0)], Design(PLATE))
