"""`beamgym mosaic outlines` and `pack`: from a drawing to a packed plate, and what they say of those left out."""

import csv
import json
import os
import re
from dataclasses import replace

import numpy as np
import pytest
from shapely.geometry import Polygon
from typer.testing import CliRunner

from beamgym.physics.files import write_json
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.outlines import read_drawing
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


WORDS = ("--solver", "shapely", "--tries", 1)


def lying(project):
    return {each.name: each for each in project.layout()}


def edited(project, name, **cells):
    """Change cells of a crystal's row in layout.csv, as a person does in a spreadsheet."""
    table = project.path / "layout.csv"
    rows = list(csv.DictReader(table.read_text().splitlines()))
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, **cells} if row["name"] == name else row for row in rows)


@pytest.mark.parametrize("objective", ["most mass", "smallest plate"])
def test_what_a_person_moved_stays_and_the_rest_is_packed_around_it(project, objective):
    assert mosaic("pack", project.path, *WORDS).exit_code == 0
    before = lying(project)
    edited(project, "1", x_mm="2.5", y_mm="-1.5")
    edited(project, "2", y_mm="9.25")
    for seed in (1, 2):  # and the second time as well
        shown = mosaic("pack", project.path, *WORDS, "--objective", objective, "--seed", seed)
        assert shown.exit_code == 0, shown.output
        assert "packed around what you changed in layout.csv: 1, 2" in shown.output
        now = lying(project)
        assert (now["1"].x_mm, now["1"].y_mm, now["1"].turn_deg) == (2.5, -1.5, before["1"].turn_deg)
        assert (now["2"].x_mm, now["2"].y_mm) == (before["2"].x_mm, 9.25)
        plates = holder_plates(Project(project.path).plate)
        assert check_packing(project.outlines(), project.layout(), plates, spacing_of(project.plate).gap_mm) == []
        assert set(now) == set(before)  # nobody was pushed off
    assert len(mosaic("status", project.path).output.split("layout.csv: ")) == 4  # three cells still count as changed


def test_a_changed_row_takes_a_new_correction_in_the_cells_that_were_left_alone(project):
    assert mosaic("pack", project.path, *WORDS).exit_code == 0
    edited(project, "1", x_mm="2.5")
    edited(project, "2", turn_deg="75.0")
    turned = [replace(each, turn_deg=each.turn_deg + 4.0) for each in project.corrections()]
    project.write_corrections(turned)
    shown = mosaic("pack", project.path, *WORDS)
    assert shown.exit_code == 0, shown.output
    assert (lying(project)["1"].turn_deg, lying(project)["2"].turn_deg) == (4.0, 75.0)
    assert "2 is turned by 41.00° away from the nearest turn of its correction" in shown.output


def test_a_row_that_was_removed_leaves_its_room_and_one_that_was_added_takes_it(project):
    assert mosaic("pack", project.path, *WORDS).exit_code == 0
    table = project.path / "layout.csv"
    three = next(line for line in table.read_text().splitlines() if line.startswith("3,"))
    table.write_text(table.read_text().replace(three, "7,FRONT 1,0.0,0.0,20.0,no,feed"))
    shown = mosaic("pack", project.path, *WORDS)
    assert shown.exit_code == 0, shown.output
    assert "left out: 3: you removed its row from layout.csv" in shown.output
    assert "7 has no correction: it takes up room" in shown.output
    assert (lying(project)["7"].x_mm, "3" in lying(project)) == (0.0, False)
    assert check_packing(project.outlines(), project.layout(), holder_plates(project.plate), 1.0) == []


@pytest.mark.parametrize("objective", ["most mass", "smallest plate"])
@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (("1.0", "2.0", "1.5", "2.0"), "1 and 2 lie on each other"),
        (("15.5", "15.5", "0.0", "0.0"), "1 is .* mm from screw"),
        (("0.0", "40.0", "0.0", "0.0"), "1 lies over the plate's edge"),
    ],
)
def test_a_layout_that_a_persons_change_spoils_is_refused_before_anything_is_written(project, objective, cells, words):
    if objective == "smallest plate" and "screw" in words:
        pytest.skip("screws move with the edges of a plate whose size is sought")
    assert mosaic("pack", project.path, *WORDS).exit_code == 0
    edited(project, "1", x_mm=cells[0], y_mm=cells[1])
    edited(project, "2", x_mm=cells[2], y_mm=cells[3])
    before = {file: file.read_bytes() for file in project.path.rglob("*") if file.is_file()}
    shown = mosaic("pack", project.path, *WORDS, "--objective", objective)
    assert shown.exit_code == 1
    assert re.search(f"layout.csv, as you changed it: {words}", shown.output), shown.output
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


@pytest.mark.parametrize("shape", ["rectangle", "circle"])
def test_the_smallest_plate_with_both_faces_has_crystals_on_both(tmp_path, shape):
    flakes = draw_flakes(12, seed=3, thickness_mm=0.2)
    size = PlateSection(shape=shape, width_mm=40.0, height_mm=20.0)
    plate = PlateFile(plate_id="feed", name="demo", material="FePSe3", plate=size)
    made = Project.begin(tmp_path / "p", plate, flakes)
    made.write_corrections([Correction(f.name, 30.0 * k, 0.0, 0.0) for k, f in enumerate(flakes)])
    widths = []
    for both in (False, True):
        plate = made.plate.model_copy(update={"holder": HolderSection(both_faces=both), "plate": size})
        write_json(made.path / "plate.json", plate.model_dump(mode="json"))
        shown = mosaic("pack", made.path, *WORDS, "--objective", "smallest plate")
        assert shown.exit_code == 0, shown.output
        made = Project(made.path)
        widths.append(made.plate.plate.width_mm)
    assert widths[1] < 0.9 * widths[0]
    front, back = holder_plates(made.plate)
    assert {each.plate for each in made.layout()} == {0, 1}
    assert len(made.layout()) == 12
    assert check_packing(made.outlines(), made.layout(), [front, back], spacing_of(made.plate).gap_mm) == []
    refused = mosaic("pack", made.path, "--objective", "smallest plate", "--solver", "spyrrow")
    assert "take the solver shapely" in refused.output


def test_a_practice_photograph_is_read_to_its_true_outlines(tmp_path):
    pytest.importorskip("skimage", reason="scikit-image is in the extra mosaic")
    photo, table = tmp_path / "practice.png", tmp_path / "found.csv"
    shown = mosaic("outlines", photo, "--practice", 3, "--seed", 5)
    assert f"Find them: --markers {tmp_path / 'practice.csv'}" in " ".join(shown.output.split())
    first = photo.read_bytes()
    assert mosaic("outlines", photo, "--practice", 3, "--seed", 5).exit_code == 0
    assert photo.read_bytes() == first
    shown = mosaic("outlines", photo, table, "--markers", tmp_path / "practice.csv", "--thickness", 0.1)
    assert shown.exit_code == 0, shown.output
    true = [Polygon(each.polygon_mm) for each in read_drawing(tmp_path / "practice_true.csv")]
    sure = [each for each in read_drawing(table) if f"in doubt: {each.name}:" not in shown.output]
    found = [Polygon(each.polygon_mm) for each in sure]
    assert len(true) == len(found) == 3
    for shape in true:
        best = max(found, key=lambda each: each.intersection(shape).area)
        assert best.intersection(shape).area > 0.93 * best.union(shape).area


@pytest.mark.parametrize(
    ("name", "flakes", "words"),
    [("a.pdf", 3, "is written as .png"), ("a.png", 0, "shows 1 to 200 flakes"), ("a.png", 201, "shows 1 to 200")],
)
def test_a_practice_photograph_that_cannot_be_is_one_line(tmp_path, name, flakes, words):
    shown = mosaic("outlines", tmp_path / name, "--practice", flakes)
    assert shown.exit_code == 1
    assert words in shown.output
    assert list(tmp_path.iterdir()) == []
