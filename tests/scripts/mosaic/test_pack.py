"""`beamgym mosaic outlines` and `pack`: from a drawing to a packed plate, and what they say of those left out."""

import json
import os

import numpy as np
import pytest
from typer.testing import CliRunner

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.packing import check_packing, draw_flakes
from beamgym.physics.mosaic.project import HolderSection, PlateFile, PlateSection, Project, holder_plates, spacing_of
from beamgym.physics.mosaic.records import Correction, ScannedCrystal
from beamgym.scripts import main


def mosaic(*words):
    return CliRunner().invoke(main.app, ["mosaic", *map(str, words)])


@pytest.fixture
def project(tmp_path):
    flakes = draw_flakes(12, seed=3, thickness_mm=0.2)
    plate = PlateFile(plate_id="feed", name="demo", material="FePS3")
    made = Project.begin(tmp_path / "p", plate, flakes)
    tilts = [0.1 * (int(flake.name) % 3) for flake in flakes]
    found = [Correction(f.name, 30.0 * k, tilt, 0.0) for k, (f, tilt) in enumerate(zip(flakes, tilts, strict=True))]
    found[4] = Correction("5", 0.0, 8.0, 0.0)
    made.write_corrections([each for each in found if each.name != "7"])
    made.write_scan([ScannedCrystal("7", "bent", np.eye(3))])
    return made


def test_pack_writes_a_layout_that_passes_the_check_and_names_who_is_left_out(project):
    shown = mosaic("pack", project.path, "--solver", "shapely", "--tries", 1, "--width", 1.0)
    assert shown.exit_code == 0, shown.output
    assert "left out: 7: bent" in shown.output
    assert "left out: 5: tilted by 8.00°" in shown.output
    plates, gap = holder_plates(project.plate), spacing_of(project.plate).gap_mm
    assert check_packing(project.outlines(), project.layout(), plates, gap) == []
    assert {placement.name for placement in project.layout()} == {str(k) for k in range(1, 13)} - {"5", "7"}
    told = json.loads((project.path / "packing.json").read_text())
    assert set(told["left_out"]) == {"5", "7"}
    assert told["gap_mm"] == pytest.approx(1.0)
    assert (project.path / "layout.png").stat().st_size > 5000


def test_pack_for_the_smallest_plate_writes_its_size(project):
    words = ("--objective", "smallest plate", "--solver", "shapely", "--tries", 1)
    for file in project.path.iterdir():
        os.utime(file, (1e9, 1e9))
    assert mosaic("pack", project.path, *words).exit_code == 0
    assert "older than" not in mosaic("status", project.path).output  # the corrections stay good
    small = Project(project.path).plate.plate
    assert small.width_mm < 40.0
    assert check_packing(project.outlines(), project.layout(), holder_plates(Project(project.path).plate), 1.0) == []


def test_the_width_of_rods_does_not_count_what_their_grooves_take_up(tmp_path):
    plate = PlateFile(plate_id="feed", name="rods", material="Sr4Ru3O10", habit="rod", habit_direction="[1 0 0]")
    rod = np.array([[0.0, 0.0], [6.0, 0.0], [6.0, 0.8], [0.0, 0.8]])
    made = Project.begin(tmp_path / "r", plate, [Outline(name, rod, 0.8) for name in "abc"])
    made.write_corrections([Correction(n, 0.0, x, y) for n, x, y in (("a", 40.0, 0.2), ("b", -60.0, 0.2), ("c", 9, 3))])
    shown = mosaic("pack", made.path, "--solver", "shapely", "--tries", 1, "--width", 1.0)
    assert shown.exit_code == 0, shown.output
    assert "2 crystals" in shown.output
    assert "a mosaic of 0.00°" in shown.output
    assert "left out: c: tilted by 3.00°" in shown.output


def test_pack_without_thickness_is_one_line_and_writes_nothing(project):
    path = project.path / "crystals.csv"
    path.write_text(path.read_text().replace(",0.2000,", ",,"))
    shown = mosaic("pack", project.path)
    assert shown.exit_code == 1
    assert "has no thickness; state thickness_mm" in shown.output
    assert not (project.path / "layout.csv").exists()
    assert mosaic("pack", project.path, "--thickness", 0.1, "--solver", "shapely", "--tries", 1).exit_code == 0


def test_outlines_of_a_drawing_become_a_table_that_begins_a_project(tmp_path):
    body = '<rect id="A" x="1" y="1" width="3" height="2"/><rect id="B" x="8" y="1" width="3" height="2"/>'
    (tmp_path / "plate.svg").write_text(f'<svg width="20mm" height="10mm" viewBox="0 0 20 10">{body}</svg>')
    table = tmp_path / "outlines.csv"
    assert mosaic("outlines", tmp_path / "plate.svg", table, "--thickness", 0.1).exit_code == 0
    assert mosaic("plan", tmp_path / "p", "--material", "FePS3", "--outlines", table).exit_code == 0
    found = Project(tmp_path / "p").outlines()
    assert [(one.name, one.thickness_mm, round(one.area_mm2, 6)) for one in found] == [("A", 0.1, 6.0), ("B", 0.1, 6.0)]


def test_markers_are_printed_for_a_plate_of_stated_size(tmp_path):
    shown = mosaic("outlines", tmp_path / "markers.svg", "--print-markers", "60x46")
    assert shown.exit_code == 0
    assert (tmp_path / "markers.csv").read_text().splitlines()[1] == "1,-26.0000,-19.0000"
    for size in ("60", "12x12", "axb"):
        assert mosaic("outlines", tmp_path / "markers.svg", "--print-markers", size).output.startswith("error: ")
    assert "ends in .svg" in mosaic("outlines", tmp_path / "markers.pdf", "--print-markers", "60x46").output


def test_who_is_not_to_be_used_is_named(project):
    table = project.path / "crystals.csv"
    table.write_text(table.read_text().replace("3,0.2000,yes", "3,0.2000,no"))
    shown = mosaic("pack", project.path, "--solver", "shapely", "--tries", 1)
    assert "left out: 3: crystals.csv says not to use it" in shown.output
    assert "3" not in {each.name for each in project.layout()}


def test_a_layout_that_a_persons_change_spoils_is_refused_before_anything_is_written(project):
    words = ("pack", project.path, "--solver", "shapely", "--tries", 1)
    assert mosaic(*words).exit_code == 0
    one, other = (each for each in project.layout() if each.name in ("1", "2"))
    table = project.path / "layout.csv"
    text = table.read_text()
    table.write_text(text.replace(f"{one.x_mm:.4f},{one.y_mm:.4f}", f"{other.x_mm:.4f},{other.y_mm:.4f}"))
    before = {file: file.read_bytes() for file in project.path.rglob("*") if file.is_file()}
    shown = mosaic(*words, "--seed", 1)
    assert shown.exit_code == 1
    assert "layout.csv, as you changed it, does not go with what is packed now" in shown.output
    assert "; change it there, or remove layout.csv to have all packed anew" in shown.output
    assert {file: file.read_bytes() for file in project.path.rglob("*") if file.is_file()} == before


def test_both_faces_are_packed_and_who_goes_over_is_named(tmp_path):
    flakes = draw_flakes(8, seed=3, thickness_mm=0.2)
    size = PlateSection(width_mm=17.0, height_mm=14.0)
    plate = PlateFile(
        plate_id="feed", name="demo", material="FePSe3", plate=size, holder=HolderSection(both_faces=True)
    )
    made = Project.begin(tmp_path / "p", plate, flakes)
    made.write_corrections([Correction(f.name, 30.0 * k, 0.0, 0.0) for k, f in enumerate(flakes)])
    shown = mosaic("pack", made.path, "--solver", "shapely", "--tries", 1)
    assert shown.exit_code == 0, shown.output
    assert "BACK 1: 17.0 × 14.0 mm" in shown.output
    behind = [each for each in made.layout() if each.plate == 1]
    assert behind
    assert all(each.turned_over for each in behind)
    assert f"to be laid on their other face: {', '.join(each.name for each in behind)}" in shown.output
    turns = {c.name: c.turn_deg for c in made.corrections()}
    assert all((each.turn_deg + turns[each.name]) % 360.0 == pytest.approx(0.0) for each in behind)
    assert "BACK 1" in (made.path / "layout.csv").read_text()
    small = mosaic("pack", made.path, "--objective", "smallest plate")
    assert "set both_faces to false in plate.json" in small.output
