"""`holder`, `forecast` and `check` on a packed project; the whole chain is a slow test."""

import json
import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from typer.testing import CliRunner

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.project import HolderSection, PlateFile, PlateSection, Project, design_of, holder_plates
from beamgym.physics.mosaic.records import Correction, Placement, ScannedCrystal
from beamgym.scripts import main
from beamgym.scripts.mosaic.check import checked, lines_of
from beamgym.scripts.mosaic.planned import plan_of, seen_from_front

pytest.importorskip("manifold3d", reason="the extra mosaic")

FLAKE = np.array([[0.0, 0.0], [3.4, 0.0], [4.0, 2.2], [1.0, 3.0]])
PLACES = [(-6.0, -4.0), (0.0, -4.0), (6.0, -4.0), (0.0, 3.0)]
NAMES = ("1", "2", "3", "4")


def mosaic(*words):
    return CliRunner().invoke(main.app, ["mosaic", *map(str, words)])


@pytest.fixture
def project(tmp_path):
    flakes = [Outline(name, FLAKE + np.array([5.0 * k, 0.0]), 0.1) for k, name in enumerate(NAMES)]
    plate = PlateFile(
        plate_id="feedfeedfeed",
        name="demo",
        material="FePS3",
        plate=PlateSection(width_mm=24.0, height_mm=18.0),
        holder=HolderSection(screws_mm=((-10.0, 7.0, 2.0),), window_mm=(16.0, 10.0)),
    )
    begun = Project.begin(tmp_path / "p", plate, flakes)
    sigma = np.full(3, 0.05)
    begun.write_corrections([Correction(name, 10.0 * k, 0.1, 0.0, (), sigma) for k, name in enumerate(NAMES)])
    begun.write_layout([Placement(name, 0, *PLACES[k], 10.0 * k) for k, name in enumerate(NAMES)])
    return begun


def test_holder_writes_what_is_asked_and_says_what_it_checked(project):
    shown = mosaic("holder", project.path, "--product", "template", "--format", "stl", "--format", "svg")
    assert shown.exit_code == 0, shown.output
    assert "gap 1 mm = wall 0.8 + 2 × clearance 0.1" in shown.output
    assert "watertight, Euler number -8" in shown.output  # one screw, four pockets
    assert "not whole in the beam's window: 1, 2, 3" in shown.output
    assert {path.name for path in (project.path / "holder").iterdir()} == {
        "front_1.stl",
        "front_1.svg",
        "front_1.csv",
        "weighing.csv",
        "holder.json",
    }
    wrong = mosaic("holder", project.path, "--product", "cake")
    assert wrong.exit_code == 1
    assert "choose holder or template" in wrong.output


def test_forecast_writes_both_kinds_of_pockets_and_says_which_is_planned(project):
    shown = mosaic("forecast", project.path, "--draws", "50")
    assert shown.exit_code == 0, shown.output
    assert "without datum edges (for comparison):" in shown.output
    told = json.loads((project.path / "forecast.json").read_text("utf-8"))
    with_edges, without = told["with datum edges"]["fwhm_deg"]["z"], told["without datum edges"]["fwhm_deg"]["z"]
    assert with_edges["median"] < without["median"]
    assert (told["plate_id"], told["mosaic"]) == ("feedfeedfeed", "surface")


def test_check_tells_what_is_wrong_and_a_second_layout_takes_it_over(project):
    plan = plan_of(project)
    off = np.array([[0.1, 0.0, 0.1], [0.0, 0.1, -0.1], [0.0, 0.0, 4.0], [-0.1, 0.0, 0.0]])
    u = Rotation.from_rotvec(off, degrees=True).as_matrix() @ plan.target
    found = checked(plan, [ScannedCrystal(n, "indexed", each) for n, each in zip(NAMES, u, strict=True)], 1.5)
    assert [each.name for each in found.crystals if each.anew] == ["3"]
    assert any(line.startswith("place anew: 3,") for line in lines_of(plan, found))
    rows = (project.path / "check.csv").read_text("utf-8").splitlines()
    assert rows[0] == "name,verdict,off_x_deg,off_y_deg,off_z_deg,anew,why,plate_id"
    assert rows[3].split(",")[5] == "yes"
    first, second = project.layout(), project.layout("second/layout.csv")
    turned = [(b.turn_deg - a.turn_deg + 180.0) % 360.0 - 180.0 for a, b in zip(first, second, strict=True)]
    assert np.isclose(turned[2], -found.crystals[2].off_deg[2], atol=1e-3)
    assert np.all(np.abs(np.delete(turned, 2)) < 0.5)
    assert "FWHM about z" in "\n".join(lines_of(plan, found))


def test_a_real_plate_needs_the_table_of_its_second_scan(project):
    shown = mosaic("check", project.path)
    assert shown.exit_code == 1
    assert "give its second scan with --table" in shown.output


def test_a_project_without_a_layout_says_which_step_is_missing(project):
    (project.path / "layout.csv").unlink()
    shown = mosaic("holder", project.path)
    assert shown.exit_code == 1
    assert "layout.csv; the step that writes it has not been done" in shown.output
    assert not (project.path / "holder").exists()


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (
            "corrections.csv",
            "2,10.0000",
            "9,10.0000",
            "layout.csv places 2, and corrections.csv has no correction of it",
        ),
        ("crystals.csv", "2,0.1000,yes", "2,0.1000,no", "layout.csv places 2, and crystals.csv does not say to use it"),
    ],
)
def test_a_crystal_that_is_not_to_be_placed_any_more_is_named_and_nothing_is_written(project, file, old, new, words):
    table = project.path / file
    assert old in table.read_text()
    table.write_text(table.read_text().replace(old, new))
    for step in ("holder", "forecast"):
        shown = mosaic(step, project.path)
        assert shown.exit_code == 1
        assert f"{words}; pack again, or take it out there" in shown.output
    assert not (project.path / "holder").exists()


def test_a_turn_that_no_correction_asks_for_is_said(project):
    table = project.path / "layout.csv"
    table.write_text(table.read_text().replace("10.0000,no", "22.0000,no"))
    shown = mosaic("holder", project.path, "--format", "svg")
    assert "2 lies 12.00° from a turn that its correction asks for" in shown.output


def test_what_lies_behind_is_forecast_and_checked_about_the_fronts_axes(tmp_path):
    flakes = [Outline(name, FLAKE + np.array([5.0 * k, 0.0]), 0.1) for k, name in enumerate(NAMES)]
    plate = PlateFile(
        plate_id="feedfeedfeed",
        name="demo",
        material="FePSe3",
        plate=PlateSection(width_mm=24.0, height_mm=18.0),
        holder=HolderSection(both_faces=True),
    )
    begun = Project.begin(tmp_path / "p", plate, flakes)
    begun.write_corrections([Correction(name, 10.0 * k, 0.3, 0.2) for k, name in enumerate(NAMES)])
    lying = [Placement(n, k % 2, *PLACES[k], (-10.0 if k % 2 else 10.0) * k, k % 2 == 1) for k, n in enumerate(NAMES)]
    begun.write_layout(lying)
    plan = plan_of(begun)
    # Whatever face they lie on, what flat floors leave is one tilt of the lattice: it widens no mosaic.
    assert np.allclose([each.left_deg for each in plan.crystals], [[-0.3, -0.2, 0.0]] * 4)
    off = np.array([[0.1, 0.0, 0.1], [0.0, 0.1, 4.0], [0.0, 0.0, 0.0], [-0.1, 0.0, 0.0]])
    u = Rotation.from_rotvec(off, degrees=True).as_matrix() @ plan.target
    # The second crystal was scanned on a back: there it stands turned over about y.
    seen = [ScannedCrystal(n, "indexed", np.diag([-1.0, 1.0, -1.0]) @ each) for n, each in zip(NAMES, u, strict=True)]
    scanned = [seen_from_front(seen[k]) if k % 2 else ScannedCrystal(n, "indexed", u[k]) for k, n in enumerate(NAMES)]
    found = checked(plan, scanned, 1.5)
    assert [each.name for each in found.crystals if each.anew] == ["2"]
    first, second = begun.layout(), begun.layout("second/layout.csv")
    turned = [(b.turn_deg - a.turn_deg + 180.0) % 360.0 - 180.0 for a, b in zip(first, second, strict=True)]
    assert turned[1] == pytest.approx(found.crystals[1].off_deg[2], abs=1e-3)  # from behind it turned the other way
    shown = mosaic("holder", begun.path, "--format", "svg", "--second")
    assert shown.exit_code == 0, shown.output
    rows = (begun.path / "second" / "holder" / "weighing.csv").read_text("utf-8").splitlines()
    assert [row.split(",")[1] for row in rows[1:]] == ["FRONT 1", "BACK 1", "FRONT 1", "BACK 1"]


@pytest.mark.parametrize("section", [PlateSection(), PlateSection(shape="circle", width_mm=30.0, height_mm=30.0)])
def test_screws_and_fiducials_are_kept_free_of_crystals_and_lie_on_the_plate(section):
    plate = PlateFile(plate_id="feed", name="p", material="FePS3", plate=section)
    packed, design = holder_plates(plate)[0], design_of(plate)
    assert len(packed.free_places) == len(design.holes) + len(design.fiducials_mm)
    for hole in design.holes:
        assert design.plate.exterior.distance(hole.shape) > design.printer_wall_mm
        assert any(np.allclose((f.x_mm, f.y_mm), (hole.x_mm, hole.y_mm)) for f in packed.free_places)
    places = np.array(design.fiducials_mm)
    for angle in (90.0, 180.0, 270.0):  # no turn brings the three onto themselves
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        turned = places @ np.array([[c, s], [-s, c]])
        assert not all(np.linalg.norm(places - each, axis=1).min() < 0.5 for each in turned)


@pytest.mark.slow
def test_the_demo_ends_with_a_holder_whose_crystals_stand_as_planned(tmp_path):
    shown = mosaic("demo", tmp_path / "d", "--crystals", "12")
    assert shown.exit_code == 0, shown.output
    check = json.loads((tmp_path / "d" / "check.json").read_text("utf-8"))
    assert max(check["without those to be placed anew"]["fwhm_deg"].values()) < 2.0
    assert (tmp_path / "d" / "story.png").stat().st_size > 50_000
    again = mosaic("demo", tmp_path / "d")
    assert again.exit_code == 1
    assert len(again.output.strip().splitlines()[-1]) < 200


def test_grooves_follow_the_equivalent_turn_that_was_packed(tmp_path):
    rod = Outline("1", np.array([[0.0, 0.0], [6.0, 0.0], [6.0, 0.8], [0.0, 0.8]]), 0.8)
    plate = PlateFile(
        plate_id="feedfeedfeed", name="rods", material="Sr4Ru3O10", habit="rod", habit_direction="[1 0 0]"
    )
    begun = Project.begin(tmp_path / "p", plate, [rod])
    begun.write_corrections([Correction("1", 0.0, 30.0, 0.0, (90.0,))])
    begun.write_layout([Placement("1", 0, 0.0, 0.0, 90.0)])
    plan = plan_of(begun)
    assert np.allclose(plan.designed_deg, [[0.0, 30.0]], atol=0.01)
    assert mosaic("holder", begun.path, "--format", "svg").exit_code == 0
    row = (begun.path / "holder" / "front_1.csv").read_text("utf-8").splitlines()
    assert abs(float(dict(zip(*(line.split(",") for line in row[:2]), strict=True))["azimuth_deg"])) == 30.0


def chain(folder, *plan, **holder):
    """A simulated plate from its plan to the check of its holder; what the check says of each crystal."""
    assert mosaic("plan", folder, "--simulate", *plan).exit_code == 0
    content = json.loads((folder / "plate.json").read_text("utf-8"))
    content["holder"] |= holder
    content["plate"] |= {"width_mm": 18.0, "height_mm": 18.0}
    (folder / "plate.json").write_text(json.dumps(content), "utf-8")
    assert mosaic("scan", folder).exit_code == 0
    corrected = mosaic("correct", folder)
    if corrected.exit_code:  # some lie the other way up, and it says what to ask for
        asked = re.search(r"\((--turned-over.*)\)", " ".join(corrected.output.split()))[1]
        assert mosaic("correct", folder, *asked.split()).exit_code == 0
    for words in (("pack", "--solver", "shapely", "--tries", 1), ("holder",), ("check",)):
        shown = mosaic(words[0], folder, *words[1:])
        assert shown.exit_code == 0, shown.output
    lines = (folder / "check.csv").read_text("utf-8").splitlines()
    return [dict(zip(lines[0].split(","), line.split(","), strict=False)) for line in lines[1:]]


def off_deg(row):
    return np.array([float(row[f"off_{axis}_deg"]) for axis in "xyz"])


@pytest.mark.slow
def test_rods_of_a_lattice_whose_a_and_b_look_alike_stand_as_planned_but_for_the_wedge_of_their_glue(tmp_path):
    rows = chain(
        tmp_path / "r", "--material", "Sr4Ru3O10", "--crystals", 6, "--seed", 3, "--rods", "[1 0 0]", thickness_mm=4.0
    )
    assert len(rows) == 6
    assert max(np.linalg.norm(off_deg(row)) for row in rows) < 5.0  # the wedge has a standard deviation of 1.5°


@pytest.mark.slow
def test_crystals_on_the_back_stand_as_those_on_the_front_though_they_went_over(tmp_path):
    rows = chain(tmp_path / "b", "--material", "FePSe3", "--crystals", 14, "--seed", 5, both_faces=True)
    project = Project(tmp_path / "b")
    layout, over = project.layout(), {each.name for each in project.corrections() if each.turned_over}
    assert {each.plate for each in layout} == {0, 1}
    assert all(each.turned_over is ((each.plate == 1) is not (each.name in over)) for each in layout)
    assert max(np.linalg.norm(off_deg(row)) for row in rows) < 2.5
