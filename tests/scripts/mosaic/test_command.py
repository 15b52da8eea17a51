"""`beamgym mosaic`: every sub-command of the table has its file and its help, and `status` tells a project."""

import os
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.project import PlateFile, Project
from beamgym.scripts import main
from beamgym.scripts.mosaic import SUB_COMMANDS

FOLDER = Path(__file__).parents[3] / "scripts" / "mosaic"


def mosaic(*words):
    return CliRunner().invoke(main.app, ["mosaic", *map(str, words)])


def test_the_help_lists_every_sub_command():
    shown = mosaic("--help")
    assert shown.exit_code == 0
    assert all(name in shown.output for name in SUB_COMMANDS)


@pytest.mark.parametrize("name", SUB_COMMANDS)
def test_a_sub_command_has_a_file_and_help(name):
    module = import_module(f"beamgym.scripts.mosaic.{name}")
    assert getattr(module, f"{name}_command").__doc__.strip()
    shown = mosaic(name, "--help")
    assert shown.exit_code == 0
    assert f"beamgym mosaic {name}" in shown.output


def test_every_file_with_a_command_is_in_the_table():
    found = {p.stem for p in FOLDER.glob("*.py") if re.search(rf"^def {p.stem}_command\(", p.read_text("utf-8"), re.M)}
    assert found == set(SUB_COMMANDS)


def test_status_tells_what_is_done_and_what_a_person_changed(tmp_path):
    flake = Outline("7", np.array([[0.0, 0.0], [3.0, 0.0], [1.0, 2.0]]))
    Project.begin(tmp_path / "p", PlateFile(plate_id="feed", name="demo", material="FePS3"), [flake])
    path = tmp_path / "p" / "crystals.csv"
    path.write_text(path.read_text("utf-8").replace("yes", "no"), "utf-8")
    shown = mosaic("status", tmp_path / "p").output
    assert "plate demo (feed): 0 crystals of FePS3" in shown
    assert "done   outlines" in shown
    assert "to do  scan" in shown
    assert "changed by hand: crystals.csv: 7, use: no, was yes" in shown


def test_a_folder_that_is_no_project_is_one_line(tmp_path):
    shown = mosaic("status", tmp_path)
    assert shown.exit_code == 1
    assert shown.output.startswith("error: ")
    assert len(shown.output.splitlines()) == 1


def test_status_names_steps_that_are_older_than_what_they_read(tmp_path):
    flake = Outline("7", np.array([[0.0, 0.0], [3.0, 0.0], [1.0, 2.0]]))
    folder, now = tmp_path / "p", 1e9
    Project.begin(folder, PlateFile(plate_id="feed", name="demo", material="FePS3"), [flake])
    for age, name in ((100, "scan.json"), (50, "corrections.csv"), (20, "layout.csv")):
        (folder / name).write_text("")
        os.utime(folder / name, (now - age, now - age))
    for age, name in ((200, "outlines.csv"), (200, "crystals.csv"), (30, "plate.json")):
        os.utime(folder / name, (now - age, now - age))
    lines = mosaic("status", folder).output.splitlines()
    assert "  done   corrections (older than plate.json)" in lines
    assert {"  done   scan", "  done   layout", "  to do  holder"} <= set(lines)
