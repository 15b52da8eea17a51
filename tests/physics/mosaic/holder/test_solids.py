"""Solids and drawings of a holder: closed, of the volume and topology they must have, readable elsewhere."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box
from shapely.ops import unary_union

from beamgym.physics.mosaic.holder import (
    Design,
    Hole,
    Pocket,
    check_solid,
    fold_about,
    groove_rim,
    left_by_groove,
    lying_rod,
    write_holder,
)
from beamgym.physics.mosaic.holder.drawings import layers_of
from beamgym.physics.mosaic.holder.grooves import groove_of
from beamgym.physics.mosaic.holder.lettering import lettered, letters
from beamgym.physics.mosaic.holder.marks import marks_of
from beamgym.physics.mosaic.holder.mesh_files import write_mesh
from beamgym.physics.mosaic.holder.pockets import pockets_of
from beamgym.physics.mosaic.holder.solid import cutter
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.packing import placed_outline
from beamgym.physics.mosaic.records import Correction, Placement

pytest.importorskip("manifold3d", reason="the extra mosaic")
trimesh = pytest.importorskip("trimesh", reason="the extra mosaic")

PLATE = box(-12.0, -10.0, 12.0, 10.0)
HOLES = (Hole(-10.0, 8.0, 2.0), Hole(10.0, 8.0, 2.0))
FLAKE = np.array([[0.0, 0.0], [3.4, 0.0], [4.0, 2.2], [1.0, 3.0]])
FLAKES = [Outline(str(i), FLAKE, 0.1) for i in range(1, 7)]
LAYOUT = [
    Placement(str(i), 0, x, y, 40.0 * i)
    for i, (x, y) in enumerate([(-7.0, -4.0), (0.0, -4.0), (7.0, -4.0), (-6.0, 3.5), (0.0, 3.5), (6.0, 3.5)], start=1)
]
DESIGN = Design(PLATE, holes=HOLES, fiducials_mm=((0.0, 8.0),), letter_mm=1.2)


def test_a_holder_is_closed_and_has_the_volume_of_its_plate_without_what_is_cut(tmp_path):
    (plate,) = write_holder(tmp_path / "h", FLAKES, LAYOUT, DESIGN, density_g_cm3=3.0)
    assert plate.check.watertight
    assert plate.check.euler_number == 2 - 2 * len(HOLES)
    pockets = sum(pocket.hole.area for pocket in pockets_of(FLAKES, LAYOUT, DESIGN)) * DESIGN.pocket_mm
    holes = sum(hole.shape.area for hole in HOLES) * DESIGN.thickness_mm
    cut = PLATE.area * DESIGN.thickness_mm - pockets - holes
    assert 0.97 * cut < plate.check.volume_mm3 < cut  # the engravings are what is missing
    assert plate.check.least_wall_mm >= DESIGN.printer_wall_mm
    assert np.isclose(plate.check.least_floor_mm, 3.0 - 0.8 - 0.3, atol=0.03)
    assert plate.without_number == ()
    again = check_solid(tmp_path / "h" / "front_1.3mf", DESIGN)
    assert again.watertight
    assert np.isclose(again.volume_mm3, plate.check.volume_mm3, rtol=1e-4)


def test_pockets_of_a_template_go_through_and_its_window_is_told(tmp_path):
    design = Design(PLATE, "template", 1.5, holes=HOLES, letter_mm=1.2, window_mm=(9.0, 16.0))
    (plate,) = write_holder(tmp_path / "t", FLAKES, LAYOUT, design, formats=("stl",), plate_id="feed")
    assert plate.check.euler_number == 2 - 2 * (len(HOLES) + len(FLAKES))
    assert set(plate.outside_window) == {"1", "3", "4", "6"}
    content = json.loads((tmp_path / "t" / "holder.json").read_text("utf-8"))
    assert (content["plate_id"], content["product"], content["gap_mm"]) == ("feed", "template", 1.0)


def test_both_faces_share_their_holes(tmp_path):
    design = Design(PLATE, holes=(Hole(-10.0, 8.0, 2.0),), letter_mm=1.2)
    behind = [Placement(p.name, 1, p.x_mm, p.y_mm - 1.0, p.turn_deg) for p in LAYOUT[3:]]
    front, back = write_holder(
        tmp_path / "b", FLAKES, [*LAYOUT[:3], *behind], design, both_faces=True, formats=("stl", "svg")
    )
    assert (front.title, back.title) == ("FRONT 1", "BACK 1")
    for title, x in (("front_1", -10.0), ("back_1", 10.0)):
        corners = trimesh.load_mesh(tmp_path / "b" / f"{title}.stl").vertices
        rim = corners[(corners[:, 2] < -2.99) & (np.abs(corners[:, 0]) < 11.9)]
        assert np.allclose(rim[:, :2].min(axis=0) + rim[:, :2].max(axis=0), [2.0 * x, 16.0], atol=1e-3)


@given(st.floats(-0.15, 0.15), st.floats(-0.15, 0.15), st.integers(0, 359))
@settings(max_examples=20, deadline=None)
def test_tilting_a_floor_about_the_centroid_leaves_the_volume_unchanged(slope_x, slope_y, angle):
    hole = _turned(angle)
    flat = Pocket("1", 0, hole, hole, None, 0.0, False, np.zeros(2))
    tilted = Pocket("1", 0, hole, hole, None, 0.0, False, np.array([slope_x, slope_y]))
    assert np.isclose(cutter(tilted, -2.0).volume(), cutter(flat, -2.0).volume(), rtol=1e-6)


def _turned(angle):
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return Polygon(FLAKE @ np.array([[c, s], [-s, c]]))


def test_a_tilted_floor_has_the_slope_that_the_correction_asks_for(tmp_path):
    design = Design(PLATE, tilted_floors=True, letter_mm=1.2, letter_depth_mm=0.1)
    corrections = {each.name: Correction(each.name, 0.0, 4.0, 0.0) for each in FLAKES}
    write_holder(tmp_path / "h", FLAKES, LAYOUT[:1], design, corrections=corrections, formats=("stl",))
    mesh = trimesh.load_mesh(tmp_path / "h" / "front_1.stl")
    centre = LAYOUT[0]
    inside = (np.abs(mesh.triangles_center[:, :2] - [centre.x_mm, centre.y_mm]) < 2.5).all(axis=1)
    upward = inside & (mesh.face_normals[:, 2] > 0.5) & (mesh.triangles_center[:, 2] < -0.2)
    areas, normals = mesh.area_faces[upward], mesh.face_normals[upward]
    normal = (areas[:, None] * normals).sum(axis=0)
    normal /= np.linalg.norm(normal)
    assert np.allclose(normal, [0.0, -np.sin(np.radians(4.0)), np.cos(np.radians(4.0))], atol=2e-3)


def test_the_lists_name_every_crystal_with_its_mass(tmp_path):
    write_holder(tmp_path / "h", FLAKES, LAYOUT, DESIGN, density_g_cm3=3.0, formats=())
    rows = (tmp_path / "h" / "weighing.csv").read_text("utf-8").splitlines()
    assert rows[0].startswith("name,plate,area_mm2,thickness_mm,calculated_mg")
    assert len(rows) == 7
    assert np.isclose(float(rows[1].split(",")[4]), FLAKES[0].area_mm2 * 0.1 * 3.0, atol=1e-3)
    assert len((tmp_path / "h" / "front_1.csv").read_text("utf-8").splitlines()) == 7


def test_another_program_reads_the_dxf(tmp_path):
    write_holder(tmp_path / "h", FLAKES, LAYOUT, DESIGN, formats=("dxf", "svg"))
    with (tmp_path / "h" / "front_1.dxf").open("rb") as file:  # from a path trimesh leaves it open
        drawing = trimesh.load_path(file, file_type="dxf")
    by_layer = {}
    for entity in drawing.entities:
        by_layer.setdefault(entity.layer, []).append(drawing.vertices[entity.points])
    assert len(by_layer["POCKETS"]) == len(FLAKES)
    areas = sorted(Polygon(ring).area for ring in by_layer["POCKETS"])
    wanted = sorted(pocket.hole.area for pocket in pockets_of(FLAKES, LAYOUT, DESIGN))
    assert np.allclose(areas, wanted, rtol=1e-6)
    pockets = pockets_of(FLAKES, LAYOUT, DESIGN)
    svg = (tmp_path / "h" / "front_1.svg").read_text("utf-8")
    assert svg.count("<polyline") == sum(
        len(shapes) for shapes in layers_of(DESIGN, pockets, marks_of(pockets, DESIGN, "FRONT 1")).values()
    )


@pytest.mark.parametrize("window", [None, (9.0, 16.0)])
def test_what_a_template_is_engraved_with_in_its_drawing_is_not_cut_away(window):
    design = Design(PLATE, "template", 1.5, holes=HOLES, fiducials_mm=((0.0, 8.0),), letter_mm=1.2, window_mm=window)
    pockets = pockets_of(FLAKES, LAYOUT, design)
    marks = marks_of(pockets, design, "FRONT 1")
    drawn = layers_of(design, pockets, marks)
    away = unary_union([Polygon(ring) for ring in [*drawn["POCKETS"], *drawn["HOLES"]]])
    engraved = unary_union([Polygon(ring) for ring in drawn["NUMBERS"]])
    assert away.distance(engraved) > 0.2
    assert design.plate.contains(engraved)
    # All that is on the solid is drawn where it is there, the title too.
    for mark in (marks.title, *marks.beside.values()):
        assert not mark.is_empty
        assert engraved.buffer(1e-6).covers(mark)
    assert set(marks.beside) == {each.name for each in FLAKES}


def test_a_number_without_room_is_drawn_in_its_crystal_to_look_at():
    design = Design(box(-2.6, -2.2, 2.6, 2.2), "template", 1.5, letter_mm=1.6)
    pockets = pockets_of(FLAKES[:1], [Placement("1", 0, 0.0, 0.0, 0.0)], design)
    marks = marks_of(pockets, design, "FRONT 1")
    assert marks.without_number == ("1",)
    assert marks.title.is_empty
    drawn = layers_of(design, pockets, marks)
    assert drawn["NUMBERS"] == []
    assert len(drawn["CRYSTALS"]) > 1
    assert all(pockets[0].hole.covers(ring) for ring in drawn["CRYSTALS"])


def test_step_holds_the_same_body(tmp_path):
    pytest.importorskip("OCP", reason="the extra cad, 200 MB, is not part of the tests' installation")
    from OCP.BRepGProp import BRepGProp
    from OCP.GProp import GProp_GProps
    from OCP.STEPControl import STEPControl_Reader

    write_holder(tmp_path / "h", FLAKES, LAYOUT, DESIGN, formats=("step",))
    reader = STEPControl_Reader()
    reader.ReadFile(str(tmp_path / "h" / "front_1.step"))
    reader.TransferRoots()
    found = GProp_GProps()
    BRepGProp.VolumeProperties_s(reader.OneShape(), found)
    pockets = sum(pocket.hole.area for pocket in pockets_of(FLAKES, LAYOUT, DESIGN)) * DESIGN.pocket_mm
    holes = len(HOLES) * np.pi * DESIGN.thickness_mm
    assert np.isclose(found.Mass(), PLATE.area * DESIGN.thickness_mm - pockets - holes, rtol=1e-6)
    # Read as what it is, a text of ISO 10303-21: one closed solid, a cylinder for each hole, in mm.
    text = (tmp_path / "h" / "front_1.step").read_text("utf-8")
    entities = [re.findall(rf"= ?{name}\(", text) for name in ("MANIFOLD_SOLID_BREP", "CYLINDRICAL_SURFACE")]
    assert [len(each) for each in entities] == [1, len(HOLES)]
    assert "SI_UNIT(.MILLI.,.METRE.)" in text


def test_thirty_rods_lie_in_grooves_turned_to_their_azimuth(tmp_path):
    rng = np.random.default_rng(1)
    rod = np.array([[0.0, 0.0], [5.0, 0.0], [5.0, 0.9], [0.0, 0.9]])
    rods = [Outline(f"R{i}", rod, 0.9) for i in range(30)]
    turns = {
        r.name: Correction(r.name, 0.0, float(a), 0.0) for r, a in zip(rods, rng.uniform(-44, 44, 30), strict=True)
    }
    lying = [Placement(r.name, 0, -14.0 + 7.0 * (i % 5), -12.0 + 5.0 * (i // 5), 0.0) for i, r in enumerate(rods)]
    design = Design(box(-20.0, -20.0, 20.0, 20.0), thickness_mm=4.0)
    (plate,) = write_holder(tmp_path / "h", rods, lying, design, corrections=turns, rods=True, formats=("stl",))
    assert plate.check.watertight
    assert plate.check.euler_number == 2
    grooves = [groove_of(r, p, turns[r.name], design) for r, p in zip(rods, lying, strict=True)]
    assert np.allclose([g.azimuth_deg for g in grooves], [turns[r.name].tilt_x_deg for r in rods])
    assert plate.without_number == ()  # they stand beside the grooves
    normals = trimesh.load_mesh(tmp_path / "h" / "front_1.stl").face_normals
    for g in grooves:  # every groove has a wall that stands as the rod's face will
        a = np.radians(g.azimuth_deg)
        assert np.linalg.norm(normals - [0.0, -np.sin(a), np.cos(a)], axis=1).min() < 1e-4


def test_the_azimuth_is_taken_to_within_the_symmetry_of_the_axis():
    rod = Outline("R", np.array([[0.0, 0.0], [5.0, 0.0], [5.0, 1.0], [0.0, 1.0]]), 1.0)
    lies, design = Placement("R", 0, 0.0, 0.0, 0.0), Design(PLATE, thickness_mm=5.0)
    groove = groove_of(rod, lies, Correction("R", 0.0, 70.0, 1.5), design)
    assert np.isclose(groove.azimuth_deg, -20.0)
    assert np.isclose(groove.left_deg, 1.5)
    assert np.isclose(groove.depth_mm, 0.6 * (np.sin(np.radians(20)) + np.cos(np.radians(20))))
    with pytest.raises(ValueError, match="has no thickness"):
        groove_of(Outline("R", rod.polygon_mm), lies, Correction("R", 0.0, 0.0, 0.0), design)
    with pytest.raises(ValueError, match="thick"):
        groove_of(rod, lies, Correction("R", 0.0, 45.0, 0.0), Design(PLATE, thickness_mm=1.2, pocket_mm=0.4))


def test_a_groove_leaves_the_tilt_of_the_rods_length_alone():
    along = np.array([np.cos(0.4), np.sin(0.4)])
    corners = [a * along + b * np.array([-along[1], along[0]]) for a, b in ((0, 0), (5, 0), (5, 0.9), (0, 0.9))]
    rod, turn = Outline("R", np.array(corners), 0.9), np.radians(0.4 * 180.0 / np.pi + 30.0)
    tilt = 70.0 * np.array([np.cos(turn), np.sin(turn)]) + 1.5 * np.array([-np.sin(turn), np.cos(turn)])
    left = left_by_groove(rod, Correction("R", 30.0, *tilt))
    assert np.allclose([left.tilt_x_deg, left.tilt_y_deg], 1.5 * np.array([-np.sin(turn), np.cos(turn)]))


def test_a_wall_that_is_too_thin_is_refused_and_leaves_what_was_there(tmp_path):
    write_holder(tmp_path / "h", FLAKES, LAYOUT, DESIGN, formats=("svg",))
    before = sorted(path.name for path in (tmp_path / "h").iterdir())
    near = [LAYOUT[0], Placement("2", 0, -3.2, -4.0, 80.0)]
    with pytest.raises(ValueError, match="pack again"):
        write_holder(tmp_path / "h", FLAKES, near, DESIGN, formats=("stl",))
    assert sorted(path.name for path in (tmp_path / "h").iterdir()) == before
    with pytest.raises(ValueError, match="no format 'obj'"):
        write_holder(tmp_path / "h", FLAKES, LAYOUT, DESIGN, formats=("obj",))


def test_the_least_wall_is_measured_on_the_solid(tmp_path):
    from beamgym.physics.mosaic.holder.marks import Marks
    from beamgym.physics.mosaic.holder.solid import solid_of

    holes = [box(-3.0, -1.0, -0.15, 1.0), box(0.15, -1.0, 3.0, 1.0)]
    pockets = [Pocket(str(i), 0, hole, hole, None, 0.0, False, np.zeros(2)) for i, hole in enumerate(holes)]
    write_mesh(tmp_path / "thin.stl", solid_of(Design(PLATE), pockets, Marks()))
    assert np.isclose(check_solid(tmp_path / "thin.stl", Design(PLATE)).least_wall_mm, 0.3, atol=1e-5)


def test_letters_are_as_high_as_asked_and_shrink_to_fit():
    _, y_min, _, y_max = letters("7", 2.0).bounds
    assert np.isclose(y_max - y_min, 2.0 * 1.2, rtol=0.01)  # height and the stroke's width
    room = box(-1.0, -1.0, 1.0, 1.0)
    fits = lettered("128", room, (0.0, 0.0), 1.6)
    assert not fits.is_empty
    assert room.contains(fits)
    assert lettered("128", box(-0.2, -0.2, 0.2, 0.2), (0.0, 0.0), 1.6).is_empty


@pytest.mark.slow
def test_two_hundred_pockets_are_one_closed_solid(tmp_path):
    rng = np.random.default_rng(4)
    flakes = [Outline(str(k), FLAKE * rng.uniform(0.6, 1.0), 0.1) for k in range(200)]
    lying = [
        Placement(each.name, 0, 5.4 * (k % 20) - 51.3, 5.4 * (k // 20) - 24.3, float(rng.uniform(0.0, 360.0)))
        for k, each in enumerate(flakes)
    ]
    design = Design(box(-56.0, -30.0, 56.0, 30.0), letter_mm=1.2)
    (plate,) = write_holder(tmp_path / "h", flakes, lying, design, formats=("stl",))
    assert plate.check.watertight
    assert plate.check.euler_number == 2
    assert plate.check.least_wall_mm >= 0.4
    assert plate.without_number == ()


def test_a_tetragonal_rods_axis_is_fourfold_and_an_axis_across_it_twofold():
    c, s = np.cos(np.pi / 2.0 * np.arange(4)), np.sin(np.pi / 2.0 * np.arange(4))
    about_z = np.array([[[a, -b, 0.0], [b, a, 0.0], [0.0, 0.0, 1.0]] for a, b in zip(c, s, strict=True)])
    rotations = np.concatenate([about_z, about_z @ np.diag([1.0, -1.0, -1.0])])
    assert fold_about([0.0, 0.0, 1.0], rotations) == 4
    assert fold_about([2.0, 0.0, 0.0], rotations) == 2
    assert fold_about([1.0, 0.3, 0.2], rotations) == 1


@pytest.mark.parametrize(
    ("azimuth", "wide"), [(0.0, 0.9), (45.0, 0.9 * np.sqrt(2.0)), (-30.0, 0.9 * (np.sqrt(3.0) + 1.0) / 2.0)]
)
def test_a_rod_that_is_turned_about_its_axis_covers_a_wider_place(azimuth, wide):
    along = np.array([np.cos(0.4), np.sin(0.4)])
    corners = [a * along + b * np.array([-along[1], along[0]]) for a, b in ((0, 0), (5, 0), (5, 0.9), (0, 0.9))]
    rod = Outline("R", np.array(corners) + np.array([3.0, 1.0]), 0.9)
    turn = Correction("R", -np.degrees(0.4), azimuth, 0.0)
    covered = lying_rod(rod, turn)
    assert np.isclose(covered.area_mm2, 5.0 * wide)
    assert np.allclose(covered.centre_mm, rod.centre_mm)
    assert covered.shape.buffer(1e-6).covers(rod.shape)
    groove = groove_of(rod, Placement("R", 0, 2.0, 1.0, turn.turn_deg), turn, Design(PLATE, clearance_mm=0.0))
    there = placed_outline(covered, Placement("R", 0, 2.0, 1.0, turn.turn_deg))
    assert groove_rim(groove).symmetric_difference(there).area < 1e-6


def test_a_number_on_a_template_stands_nearer_to_its_own_pocket_than_to_any_other():
    design = Design(PLATE, "template", 1.5, letter_mm=1.2)
    pockets = pockets_of(FLAKES, LAYOUT, design)
    title = marks_of([], design, "FRONT 1").top
    marks = marks_of(pockets, design, "FRONT 1")
    assert marks.without_number == ()
    numbers = [part for part in marks.top.difference(title.buffer(0.01)).geoms if part.area > 0.05]
    nearest = [min(pockets, key=lambda pocket: part.distance(pocket.hole)).name for part in numbers]
    assert set(nearest) == {each.name for each in FLAKES}
    for name in nearest:
        assert nearest.count(name) == 1
