"""`beamgym mosaic plan`, `scan` and `correct`: from nothing to a table of turns, and what they refuse."""

import csv
import json

import numpy as np
import pytest

from beamgym.physics.mosaic.project import Project
from beamgym.scripts.mosaic.correct import correct_command
from beamgym.scripts.mosaic.plan import plan_command
from beamgym.scripts.mosaic.scan import scan_command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A simulated plate of six crystals, planned, scanned and corrected."""
    path = tmp_path_factory.mktemp("mosaic") / "plate"
    plan_command(path, material="YFe2Ge2", simulate=True, crystals=6, seed=2)
    scan_command(path)
    correct_command(path)
    return path


def test_the_folder_holds_what_each_step_makes(folder):
    made = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert made >= {
        "plate.json",
        "outlines.csv",
        "scan.json",
        "scan/frames.h5",
        "corrections.csv",
        "pictures.csv",
        "corrections.pdf",
    }
    assert (folder / "corrections.pdf").read_bytes().startswith(b"%PDF")


def test_indexed_crystals_have_a_correction_and_all_have_a_picture(folder):
    project = Project(folder)
    scanned = project.scan()
    indexed = [one.name for one in scanned if one.verdict == "indexed"]
    assert [one.name for one in project.corrections()] == indexed
    assert len(indexed) >= 4
    with (folder / "pictures.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [one.name for one in scanned]


def test_a_finished_scan_is_not_made_again_and_says_the_same(folder):
    before = (folder / "scan.json").read_text()
    frames = (folder / "scan" / "frames.h5").read_bytes()
    scan_command(folder)
    assert (folder / "scan" / "frames.h5").read_bytes() == frames
    verdicts = [
        [one["verdict"] for one in json.loads(text)["crystals"]]
        for text in (before, (folder / "scan.json").read_text())
    ]
    assert verdicts[0] == verdicts[1]


def test_a_turn_that_a_person_changed_is_kept(folder, capsys):
    table = folder / "corrections.csv"
    lines = table.read_text().splitlines()
    cells = lines[1].split(",")
    cells[1] = "12.5000"
    table.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    correct_command(folder)
    assert "stays as you changed it" in capsys.readouterr().out
    assert Project(folder).corrections()[0].turn_deg == 12.5


def test_a_crystal_turned_over_is_said_so_and_a_strange_name_is_refused(folder):
    name = Project(folder).corrections()[1].name
    correct_command(folder, turned_over=[name])
    assert next(one for one in Project(folder).corrections() if one.name == name).turned_over
    with pytest.raises(ValueError, match="knows no crystal of that name"):
        correct_command(folder, turned_over=["nobody"])


def test_a_plate_is_planned_from_a_table_of_outlines_and_says_where_the_beam_does_not_fit(tmp_path, capsys):
    table = tmp_path / "outlines.csv"
    square = [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)]
    rows = [("a", k, x, y) for k, (x, y) in enumerate(square)] + [
        ("b", k, x + 5.0, 0.15 * y) for k, (x, y) in enumerate(square)
    ]
    table.write_text("name,corner,x_mm,y_mm\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    plan_command(tmp_path / "plate", material="FePS3", outlines=table)
    said = capsys.readouterr().out
    assert "2 crystals of FePS3" in said
    assert "fits nowhere into b" in said
    assert [one.name for one in Project(tmp_path / "plate").outlines()] == ["a", "b"]
    with pytest.raises(ValueError, match="describes a real plate: give the scan of it with --table"):
        scan_command(tmp_path / "plate")
    # The camera of simulated plates would be a made-up one for somebody's pictures.
    with pytest.raises(ValueError, match=r"names no camera.*set camera\.file to a geometry file"):
        scan_command(tmp_path / "plate", table=table)
    file = tmp_path / "plate" / "plate.json"
    file.write_text(file.read_text().replace('"file": null', '"file": "mine.json"'))
    with pytest.raises(
        ValueError, match=r"camera mine\.json, which lies neither in .*plate nor here.*--out .*mine\.json"
    ):
        scan_command(tmp_path / "plate", table=table)
    assert not (tmp_path / "plate" / "scan.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({}, "is no project yet; give --material"),
        ({"material": "FePS3"}, "give either --outlines"),
        ({"material": "unobtainium", "simulate": True}, "unobtainium"),
    ],
)
def test_a_project_that_cannot_begin_is_refused_and_nothing_is_written(tmp_path, words, said):
    with pytest.raises(ValueError, match=said):
        plan_command(tmp_path / "plate", **words)
    assert not (tmp_path / "plate" / "plate.json").exists()


def test_a_project_begins_once(folder):
    with pytest.raises(ValueError, match="holds a project already"):
        plan_command(folder, material="FePS3", simulate=True)


def test_the_frames_of_another_plate_are_refused(folder, tmp_path):
    plan_command(tmp_path / "other", material="YFe2Ge2", simulate=True, crystals=3, seed=9)
    (tmp_path / "other" / "scan").mkdir()
    (tmp_path / "other" / "scan" / "frames.h5").write_bytes((folder / "scan" / "frames.h5").read_bytes())
    with pytest.raises(ValueError, match="holds frames of another plate"):
        scan_command(tmp_path / "other")


def test_orientations_agree_with_the_plate_that_the_seed_draws(folder):
    from beamgym.physics.orientation import misorientation_deg
    from beamgym.scripts.mosaic.parts import context_of_plate, world_of_plate

    project = Project(folder)
    world = world_of_plate(project, context_of_plate(project))
    error = [
        float(misorientation_deg(seen.orientation, true.grains[0].orientation, world.context.crystal.rotations))
        for seen, true in zip(project.scan(), world.plate().crystals, strict=True)
        if seen.verdict == "indexed" and true.what == "single"
    ]
    assert np.median(error) < 0.1
