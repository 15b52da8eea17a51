"""What a person reads off a picture, and the sheet that is printed."""

import csv
import io

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.mosaic.corrections import (
    WORK_TABLE,
    MosaicTarget,
    corrections_of,
    picture_reading,
    work_table,
    write_sheet,
)
from beamgym.physics.mosaic.corrections.sheet import points_now_deg
from beamgym.physics.mosaic.habit import habit_of
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate_frame import PLATE_TO_LAB, turn_about_normal
from beamgym.physics.mosaic.records import ScannedCrystal
from beamgym.physics.orientation import rotation_matrix

CRYSTAL = load_crystal("YFe2Ge2")
HABIT, TARGET = habit_of(CRYSTAL), MosaicTarget.of("(0 0 1)", "[1 0 0]")
CAMERA = Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)


def seen(u, verdict="indexed", name="1"):
    return ScannedCrystal(name, verdict, u, np.full(3, 0.01))


def reading(u):
    return picture_reading(seen(u), CRYSTAL, HABIT, TARGET, CAMERA)


def test_the_centre_is_where_the_layers_reflections_lie():
    u = rotation_matrix(np.array([2.0, -1.5, 0.0])) @ turn_about_normal(20.0)
    found = reading(u)
    spots = LaueModel(CRYSTAL, Beam.tube("W"), CAMERA).spots(PLATE_TO_LAB @ u)
    model = LaueModel(CRYSTAL, Beam.tube("W"), CAMERA).table
    ray = spots.ray[0, : spots.count[0]]
    layers = np.abs(model.hkl[np.where(ray < 0, -ray - 1, ray)][:, :2]).sum(axis=1) == 0
    assert layers.any()
    assert spots.position_px[0, : spots.count[0]][layers][0] == pytest.approx([found.cx_px, found.cy_px], abs=0.01)


def test_a_flat_crystals_centre_is_the_beam_and_its_turn_is_mirrored_in_the_picture():
    for turn in (0.0, 25.0):
        found = reading(turn_about_normal(turn))
        assert (found.cx_px, found.cy_px) == pytest.approx((255.5, 255.5), abs=1e-6)
        # the plate's x points to the left of the picture
        assert (found.turn_deg - (180.0 - turn) + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1e-6)


def test_a_crystal_without_an_orientation_has_no_reading():
    found = picture_reading(seen(None, "empty"), CRYSTAL, HABIT, TARGET, CAMERA)
    assert np.isnan([found.cx_px, found.cy_px, found.turn_deg]).all()


def test_the_table_has_a_row_for_every_crystal_and_empty_cells_where_nothing_is_known():
    crystals = [seen(turn_about_normal(10.0)), seen(None, "empty", "2")]
    found = corrections_of(crystals, CRYSTAL, HABIT, TARGET)
    readings = [picture_reading(one, CRYSTAL, HABIT, TARGET, CAMERA) for one in crystals]
    first, second = csv.DictReader(io.StringIO(work_table(found, readings)))
    assert tuple(first) == WORK_TABLE
    assert float(first["turn_deg"]) == pytest.approx(-10.0)
    assert len(first["equivalents_deg"].split()) == 3
    assert second["verdict"] == "empty"
    assert second["turn_deg"] == second["cx_px"] == ""


@pytest.mark.parametrize("ending", ["pdf", "png"])
def test_the_sheet_shows_every_crystal(tmp_path, ending):
    square = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 2.0], [0.0, 2.0]])
    outlines = [Outline(str(k), square + 5.0 * k) for k in range(23)]
    crystals = [seen(turn_about_normal(10.0 * k), name=str(k)) for k in range(23)]
    found = corrections_of(crystals, CRYSTAL, HABIT, TARGET)
    readings = [picture_reading(one, CRYSTAL, HABIT, TARGET, CAMERA) for one in crystals]
    pages = write_sheet(
        tmp_path / f"sheet.{ending}", outlines, found, readings, spots_px={"0": np.ones((4, 2))}, shape=(512, 512)
    )
    assert pages == 2
    first = (tmp_path / f"sheet.{ending}").read_bytes()
    if ending == "pdf":
        assert first.startswith(b"%PDF")
        assert first.count(b"/Type /Page ") == 2
    else:
        assert {path.name for path in tmp_path.iterdir()} == {"sheet.png", "sheet-2.png"}
        assert first.startswith(b"\x89PNG")


def test_a_sheet_of_another_ending_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.pdf or \.png"):
        write_sheet(tmp_path / "sheet.docx", [], [], [])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("over", [False, True])
def test_the_sheets_arrow_is_where_the_direction_points_on_the_scanned_plate(over):
    u = turn_about_normal(35.0) @ HABIT.lying(CRYSTAL)
    (found,) = corrections_of([seen(u)], CRYSTAL, HABIT, TARGET, turned_over=["1"] if over else ())
    arrow = turn_about_normal(points_now_deg(found, 0.0))[:, 0]
    # One of the directions that are the same by symmetry lies along it.
    along = u @ CRYSTAL.rotations @ CRYSTAL.direction([1, 0, 0])
    assert np.max(along @ arrow) == pytest.approx(1.0)
    assert found.turned_over is over
    assert abs(found.turn_deg) > 1.0
