"""beamgym camera: a geometry file and a drawing from a few words, and the same words on beamgym index."""

import json

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from beamgym.physics.laue.files import load_detector_for
from beamgym.physics.laue.stated_camera import StatedCamera
from beamgym.scripts.camera import camera_command

APP = typer.Typer()
APP.command()(camera_command)


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def test_a_few_words_make_a_file_and_a_drawing(tmp_path):
    out = tmp_path / "camera.json"
    answer = run("back-reflection", "--distance", 40, "--pixel", 0.1, "--center", 450, 400, "--out", out)
    assert answer.exit_code == 0, answer.output
    assert "rotation: + is counter-clockwise seen from above" in answer.output
    panel = load_detector_for(out, (800, 900))
    assert panel == StatedCamera("back-reflection", 40.0, 0.1, (450.0, 400.0)).detector((800, 900))
    with Image.open(tmp_path / "camera.png") as picture:
        assert picture.size[0] > 1000


def test_a_scan_is_known_by_its_dots_and_its_size_by_the_picture(tmp_path):
    Image.fromarray(np.zeros((30, 40), dtype=np.uint8)).save(tmp_path / "scan.png")
    out = tmp_path / "film.json"
    words = ("transmission", "--distance", 60, "--dpi", 254, "--flip", "horizontal", "--image", tmp_path / "scan.png")
    assert run(*words, "--out", out).exit_code == 0
    written = json.loads(out.read_text())
    assert written["pixel_mm"] == pytest.approx(0.1)
    assert written["shape"] == [30, 40]
    assert load_detector_for(out, (30, 40)).mirrored


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("behind", "--distance", 40, "--pixel", 0.1), "back-reflection, transmission, side"),
        (("side", "--distance", 40), "give the pixel once"),
        (("side", "--distance", 40, "--pixel", 0.1, "--dpi", 300), "give the pixel once"),
        (("side", "--distance", -40, "--pixel", 0.1), "distance_mm must be a length in mm"),
        (("side", "--distance", 40, "--pixel", 100), "100 µm are 0.1"),
        (("side", "--distance", 40, "--pixel", 0.1, "--flip", "left"), "none, horizontal, vertical"),
        (("side", "--distance", 40, "--pixel", 0.1, "--goniometer", "two-arcs"), "did you mean"),
        (("side", "--distance", 40, "--pixel", 0.1, "--picture", "see.jpg"), "--picture .png"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, words, complaint):
    monkeypatch.chdir(tmp_path)
    answer = run(*words)
    assert answer.exit_code == 1
    assert complaint in answer.stderr
    assert "\n" not in answer.stderr.strip()
    assert list(tmp_path.iterdir()) == []
