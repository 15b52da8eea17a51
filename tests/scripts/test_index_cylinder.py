"""`beamgym index` on a cylindrical plate's picture that another program drew."""

import json

import numpy as np
import pytest
import tifffile
from scipy.spatial.transform import Rotation
from strange_plate import plate_picture
from typer.testing import CliRunner

from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.files import load_detector, save_detector
from beamgym.scripts.main import app

RUNNER = CliRunner()
BEAM_PX = [640.0, 210.0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("plate")
    turn = Rotation.from_rotvec([0.0, 0.0, 15.0], degrees=True).as_matrix()
    u = Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()
    for name, one in (("first", u), ("second", turn @ u)):
        tifffile.imwrite(where / f"{name}.tif", plate_picture(one, 3, sense=-1))
    words = {"radius_mm": 160.0, "pixel_mm": 0.8, "beam_px": BEAM_PX}
    (where / "cyl.json").write_text(json.dumps(words), encoding="utf-8")
    return where


def indexed(folder, *options):
    given = ["index", str(folder / "first.tif"), "--crystal", "NaCl", "--band-a", "0.8,4", *options]
    return RUNNER.invoke(app, [*given, "--out", str(folder / "picture.png")])


def test_a_plates_picture_is_indexed_and_a_known_turn_tells_its_hand(folder):
    told = folder / "told.json"
    result = indexed(
        folder, "--detector", str(folder / "cyl.json"), "--json", str(told), "--grains", "1",
        "--second", str(folder / "second.tif"), "--goniometer", "e4ch", "--turned", "omega=15",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    report = json.loads(told.read_text(encoding="utf-8"))
    assert report["matched"] > 0.85 * report["peaks"]
    assert report["residual_deg"] < 0.1
    np.testing.assert_allclose(report["centre_px"], BEAM_PX, atol=1.0)
    assert report["handedness"]["verdict"] == "mirrored"
    assert not any(warning.startswith("mirrored?") for warning in report["warnings"])
    assert "cyl.json" in report["handedness"]["sentence"] or "--flip horizontal" in report["handedness"]["sentence"]


@pytest.mark.slow
def test_a_picture_that_lies_on_its_side_is_indexed_all_the_same(folder):
    picture = tifffile.imread(folder / "first.tif")
    tifffile.imwrite(folder / "side.tif", np.ascontiguousarray(picture.T))
    words = {"radius_mm": 160.0, "pixel_mm": 0.8, "beam_px": BEAM_PX, "unrolled": "rows", "shape": [1250, 450]}
    (folder / "side.json").write_text(json.dumps(words), encoding="utf-8")
    told = folder / "side-told.json"
    given = ["index", str(folder / "side.tif"), "--crystal", "NaCl", "--detector", str(folder / "side.json")]
    result = RUNNER.invoke(app, [*given, "--grains", "1", "--json", str(told), "--out", str(folder / "side.png")])
    assert result.exit_code == 0, result.output
    report = json.loads(told.read_text(encoding="utf-8"))
    assert report["matched"] > 0.85 * report["peaks"]
    assert any(warning.startswith("mirrored?") for warning in report["warnings"])


def test_a_plate_for_pictures_of_another_size_is_refused(folder):
    plate = CylinderDetector.around(160.0, (400, 1250), 0.8)
    save_detector(plate, folder / "other.json")
    assert load_detector(folder / "other.json") == plate
    result = indexed(folder, "--detector", str(folder / "other.json"))
    assert result.exit_code != 0
    assert "400" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"radius_mm": 0.16, "pixel_mm": 0.8}, "radius_mm must lie within"),
        ({"radius_mm": 160.0, "pixel_mm": 800.0}, "pixel_mm must be a length"),
        ({"radius_mm": 160.0, "pixel_mm": 0.9}, "circumference"),
        ({"radius_mm": 160.0, "pixel_mm": 0.8, "axis": "slanted"}, "axis is one of"),
        ({"radius_mm": 160.0, "pixel_mm": 0.8, "center": [1, 2]}, "unknown keys"),
        ({"radius_mm": 160.0}, "missing keys"),
    ],
)
def test_words_that_cannot_be_are_told_in_one_line(folder, words, said):
    (folder / "wrong.json").write_text(json.dumps(words), encoding="utf-8")
    result = indexed(folder, "--detector", str(folder / "wrong.json"))
    assert result.exit_code != 0
    assert said in result.output
    assert "Traceback" not in result.output


def test_bands_that_cannot_be_are_told_in_one_line(folder):
    plate = ["--detector", str(folder / "cyl.json")]
    twice = indexed(folder, *plate, "--wavelength", "0.8", "4")
    assert twice.exit_code != 0
    assert "say the same thing" in twice.output
    given = ["index", str(folder / "first.tif"), "--crystal", "NaCl", *plate]
    words = RUNNER.invoke(app, [*given, "--band-a", "short"])
    assert words.exit_code != 0
    assert "0.8,4" in words.output
