"""The project folder: what is written is read again, a person's changes are kept, another plate's files refused."""

import json

import numpy as np
import pytest

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.project import PlateFile, Project, plate_identity
from beamgym.physics.mosaic.records import Correction, Placement, ScannedCrystal, plate_of_title, plate_title

FLAKES = [
    Outline("1", np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 2.0], [0.5, 2.0]]), 0.1),
    Outline("2", np.array([[5.0, 0.0], [8.0, 0.0], [6.0, 2.0]]), note="touches 1"),
]
TURNS = [
    Correction("1", 12.5, 0.1, -0.2, (192.5,), np.array([0.02, 0.03, 0.01])),
    Correction("2", -7.25, 0.0, 0.0, turned_over=True),
]


@pytest.fixture
def project(tmp_path):
    plate = PlateFile(plate_id=plate_identity("demo", FLAKES), name="demo", material="FePS3")
    return Project.begin(tmp_path / "demo", plate, FLAKES)


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_outlines_corrections_and_layout_come_back_as_they_were_written(project):
    again = Project(project.path)
    for one, other in zip(again.outlines(), FLAKES, strict=True):
        assert (one.name, one.thickness_mm, one.note) == (other.name, other.thickness_mm, other.note)
        assert np.allclose(one.polygon_mm, other.polygon_mm, atol=1e-4)
    project.write_corrections(TURNS)
    first, second = again.corrections()
    assert (first.turn_deg, first.equivalents_deg, first.turned_over) == (12.5, (192.5,), False)
    assert np.allclose(first.sigma_deg, TURNS[0].sigma_deg)
    assert second.turned_over
    assert np.isnan(second.sigma_deg).all()
    placed = [Placement("1", 0, 3.0, 4.0, 12.5), Placement("2", 1, -1.0, 2.0, -7.25, True)]
    project.write_layout(placed)
    assert again.layout() == placed


def test_a_scan_comes_back_and_one_of_another_plate_is_refused(project):
    u = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    found = [
        ScannedCrystal("1", "indexed", u, np.full(3, 0.02), (1.0,), u[None], np.array([[1.5, 1.0]]), 20.0),
        ScannedCrystal("2", "empty", note="no spots"),
    ]
    project.write_scan(found)
    one, other = project.scan()
    assert np.array_equal(one.orientation, u)
    assert (one.verdict, one.exposure_s, other.orientation, other.note) == ("indexed", 20.0, None, "no spots")
    path = project.path / "scan.json"
    edit(path, project.plate.plate_id, "0123456789ab")
    with pytest.raises(ValueError, match="a scan of plate 0123456789ab"):
        project.scan()


def test_a_scan_whose_orientation_is_no_rotation_is_refused(project):
    project.write_scan([ScannedCrystal("1", "indexed", 2.0 * np.eye(3))])
    with pytest.raises(ValueError, match="an orientation of 1 is no rotation"):
        project.scan()


def test_what_a_person_changed_outlives_the_step_and_is_reported(project):
    assert project.write_corrections(TURNS) == []
    path = project.path / "corrections.csv"
    edit(path, "12.5000", "14.0")
    edit(path, "-7.2500", "-7.25")  # as a spreadsheet saves it: no change
    assert project.changed()["corrections.csv"] == ["1, turn_deg: 14.0, was 12.5000"]
    anew = [Correction("1", 12.6, 0.3, -0.2), Correction("2", -7.5, 0.0, 0.0)]
    assert project.write_corrections(anew) == [
        "corrections.csv: 1, turn_deg: 14.0 stays as you changed it, instead of 12.6000"
    ]
    one, other = project.corrections()
    assert (one.turn_deg, one.tilt_x_deg, other.turn_deg) == (14.0, 0.3, -7.5)
    assert len(project.write_corrections(anew)) == 1  # and once more


def test_a_row_that_was_removed_stays_removed_and_one_that_was_added_stays(project):
    project.write_layout([Placement("1", 0, 3.0, 4.0, 0.0), Placement("2", 0, 8.0, 4.0, 0.0)])
    path = project.path / "layout.csv"
    first, gone = path.read_text("utf-8").splitlines()[1:]
    edit(path, gone, gone.replace("2,FRONT 1,", "9,FRONT 1,"))
    kept = project.write_layout([Placement("1", 0, 3.5, 4.0, 0.0), Placement("2", 0, 8.0, 4.0, 0.0)])
    assert kept == [
        "layout.csv: 2: stays removed, as you removed it",
        "layout.csv: 9: the row stays that you added",
    ]
    assert [(each.name, each.x_mm) for each in project.layout()] == [("1", 3.5), ("9", 8.0)]
    assert first.startswith("1,FRONT 1,3.0000")


def test_a_change_in_a_row_that_is_written_no_more_is_named(project):
    project.write_corrections(TURNS)
    edit(project.path / "corrections.csv", "-7.2500", "-9.0")
    lost = "corrections.csv: 2, turn_deg: -9.0 is lost, as this step has no row of 2 any more"
    assert project.write_corrections(TURNS[:1]) == [lost]
    assert [each.name for each in project.corrections()] == ["1"]


@pytest.mark.parametrize(
    ("title", "both", "number"),
    [("FRONT 1", False, 0), ("front 3", False, 2), ("FRONT 2", True, 2), ("BACK 2", True, 3)],
)
def test_plates_have_one_name_everywhere(title, both, number):
    assert plate_of_title(title, both) == number
    assert plate_title(number, both) == title.upper()


@pytest.mark.parametrize("title", ["0", "FRONT 0", "SIDE 1", "BACK 1"])
def test_a_plate_that_cannot_be_is_refused(project, title):
    project.write_layout([Placement("1", 0, 3.0, 4.0, 0.0)])
    edit(project.path / "layout.csv", "FRONT 1", title)
    with pytest.raises(ValueError, match=rf"layout.csv: .*{title}"):
        project.layout()


def test_a_crystal_that_is_not_to_be_used_is_left_out(project):
    edit(project.path / "crystals.csv", ",,yes,touches 1", ",,no,too thin")
    assert [each.name for each in project.outlines()] == ["1"]
    assert [each.name for each in project.outlines(all_of_them=True)] == ["1", "2"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("x_mm", "x", "column 'x' has no unit; call it x_mm"),
        ("corner", "angle", "column 'corner' is missing"),
        ("3.0000", "wide", "row 3, x_mm: 'wide' is no number"),
        ("3.0000", "", "row 3, x_mm: the cell is empty"),
        ("3.0000", "nan", "no finite number"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(project, old, new, words):
    edit(project.path / "outlines.csv", old, new)
    with pytest.raises(ValueError, match=words) as told:
        project.outlines()
    assert "\n" not in str(told.value)


def test_a_table_of_another_plate_is_refused(project):
    edit(project.path / "outlines.csv", project.plate.plate_id, "feedfeedfeed")
    with pytest.raises(ValueError, match="belongs to plate feedfeedfeed"):
        project.outlines()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("habit_direction", "001", "habit_direction"),
        ("material", None, "material"),
        ("colour", "red", "colour"),
        ("holder", {"clearance_mm": -0.1}, "holder.clearance_mm: Input should be greater than or equal to 0"),
    ],
)
def test_a_wrong_plate_file_names_the_key(project, key, value, words):
    path = project.path / "plate.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), key: value}), "utf-8")
    with pytest.raises(ValueError, match=words) as told:
        Project(project.path)
    assert "\n" not in str(told.value)


def test_a_folder_without_a_plate_is_no_project_and_one_with_a_plate_is_not_begun_again(project, tmp_path):
    with pytest.raises(ValueError, match="no project folder"):
        Project(tmp_path)
    with pytest.raises(ValueError, match="holds a project already"):
        Project.begin(project.path, project.plate, FLAKES)


def test_the_identity_is_that_of_name_and_outlines():
    assert plate_identity("demo", FLAKES) == plate_identity("demo", FLAKES)
    assert (
        len({plate_identity("demo", FLAKES), plate_identity("other", FLAKES), plate_identity("demo", FLAKES[:1])}) == 3
    )


@pytest.mark.parametrize(
    ("saved", "words"),
    [
        (lambda text: text.replace(",", ";").encode(), "semicolons between its cells"),
        (lambda text: text.replace(",", "\t").encode(), "tabs between its cells"),
        (lambda text: text.encode("utf-16"), "not in UTF-8"),
        (lambda text: b"", "no column 'name' any more"),
    ],
)
def test_a_table_that_a_program_saved_in_another_way_is_refused_and_left_as_it_is(project, saved, words):
    project.write_corrections(TURNS)
    path = project.path / "corrections.csv"
    path.write_bytes(saved(path.read_text("utf-8")))
    before = path.read_bytes()
    for step in (lambda: project.write_corrections(TURNS), project.changed):
        with pytest.raises(ValueError, match=words):
            step()
    assert path.read_bytes() == before


def test_a_corner_that_is_there_twice_is_refused(project):
    edit(project.path / "outlines.csv", "1,3,", "1,2,")
    with pytest.raises(ValueError, match=r"corner 2 of 1 twice"):
        project.outlines()


def test_a_project_that_cannot_be_begun_is_not_there(tmp_path):
    plate = PlateFile(plate_id="abcd", name="demo", material="FePS3")
    (tmp_path / "demo" / "outlines.csv").mkdir(parents=True)
    with pytest.raises(OSError, match="outlines"):
        Project.begin(tmp_path / "demo", plate, FLAKES)
    assert not (tmp_path / "demo" / "plate.json").exists()
