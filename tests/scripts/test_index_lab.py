"""beamgym index for a hand-turned camera: words for a geometry, marks on a film, two pictures, several cells."""

import json

import numpy as np
import pytest
import typer
from PIL import Image
from scipy.ndimage import map_coordinates
from typer.testing import CliRunner

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.goniometer.goniometer import goniometer
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.pattern import ImageBackground, ImageModel, Sensor, SpotShape
from beamgym.physics.laue.pattern.spots import LaueModel
from beamgym.physics.laue.stated_camera import Fiducials, StatedCamera
from beamgym.physics.orientation import misorientation_deg, rotation_matrix
from beamgym.scripts.index import index_command

APP = typer.Typer()
APP.command()(index_command)
MOUNT = rotation_matrix(np.array([4.0, -7.0, 10.0]))
WORDS = ("--camera", "back-reflection", "--distance", 40, "--pixel", 0.25, "--center", 212, 195)
TURNED = (10.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def silicon():
    return load_crystal("Si")


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def camera(**changes):
    """The student's camera as it really is: a little off the words."""
    words = {"distance_mm": 40.2, "pixel_mm": 0.25, "center_px": (213.0, 194.0), "shape": (400, 420)}
    return StatedCamera("back-reflection", **{**words, **changes}).detector()


def taken(crystal, panel, positions=(0.0, 0.0, 0.0)):
    """An 8-bit picture of the crystal on a two-arc head."""
    u = goniometer("two-arc").rotation(np.array(positions)) @ MOUNT
    spots = LaueModel(crystal, Beam.tube("W"), panel).spots(u[None])
    model = ImageModel(panel, SpotShape(blur_mm=0.3), ImageBackground(), Sensor())
    image = model.render(spots, make_keys(3, np.arange(1)), exposure_s=10.0)[0]
    return np.clip(image / np.percentile(image, 99.8) * 200.0, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, silicon):
    """Pictures before and after a turn, by a camera as stated and by a mirrored one."""
    place = tmp_path_factory.mktemp("student")
    for name, panel in (("a", camera()), ("m", camera(flip="horizontal"))):
        Image.fromarray(taken(silicon, panel)).save(place / f"{name}1.png")
        Image.fromarray(taken(silicon, panel, TURNED)).save(place / f"{name}2.png")
    return place


def indexed(tmp_path, image, *options):
    result = tmp_path / "result.json"
    answer = run(image, "--json", result, "--out", tmp_path / "see.png", *options)
    assert answer.exit_code == 0, answer.output
    return json.loads(result.read_text()), answer.output


def test_words_do_instead_of_a_geometry_file(tmp_path, folder, silicon):
    report, text = indexed(tmp_path, folder / "a1.png", "--crystal", "Si", *WORDS)
    assert misorientation_deg(np.array(report["u"]), MOUNT, silicon.rotations) < 1.0
    assert "c [0 0 1] points" in text
    assert "Bunge" in text
    assert "± " in text


def test_several_targets_make_a_table(tmp_path, folder):
    targets = ("pose [001] beam [110] up", "axis [001] x", "pose [100] beam [001] up")
    options = [word for target in targets for word in ("--target", target)]
    report, text = indexed(tmp_path, folder / "a1.png", "--crystal", "Si", *WORDS, *options)
    assert [way["reachable"] for way in report["targets"]] == [False, True, True]
    assert report["target"] == report["targets"][0]
    rows = [line for line in text.splitlines() if line.startswith("  [") and "along x" in line]
    assert len(rows) == 3
    assert "glue anew" in rows[0]
    axes = report["targets"][2]["axes"]
    assert f"{axes['rotation']['turn']:+.2f}" in rows[2]
    assert axes["rotation"]["sense"] == "+ is counter-clockwise seen from above"
    assert 0.0 < axes["rotation"]["uncertainty"] < 1.0


@pytest.mark.parametrize(
    ("name", "flip", "verdict", "advice"),
    [
        ("a", "none", "as stated", None),
        ("m", "none", "mirrored", "--flip horizontal"),
        ("a", "horizontal", "mirrored", "--flip none"),
        ("m", "horizontal", "as stated", None),
    ],
)
def test_two_pictures_settle_the_hand(tmp_path, folder, silicon, name, flip, verdict, advice):
    report, text = indexed(
        tmp_path, folder / f"{name}1.png", "--crystal", "Si", *WORDS, "--flip", flip,
        "--second", folder / f"{name}2.png", "--turned", "rotation=10",
    )  # fmt: skip
    assert report["handedness"]["verdict"] == verdict
    right = misorientation_deg(np.array(report["u"]), MOUNT, silicon.rotations) < 1.0
    assert right == (verdict == "as stated")
    assert ("do NOT turn" in text) == (verdict == "mirrored")
    if advice is not None:
        assert f"index with {advice}" in text


def test_of_several_cells_the_right_one_wins_and_all_are_told(tmp_path, folder):
    report, text = indexed(tmp_path, folder / "a1.png", *WORDS, "--crystal", "quartz", "--crystal", "Si")
    assert report["crystal"] == "Si"
    assert [row["crystal"] for row in report["cells"]] == ["Si", "quartz"]
    assert "of the cells given" in text


def test_a_film_photographed_askew_is_straightened_by_its_marks(tmp_path, silicon):
    panel = camera(distance_mm=40.0, center_px=(209.5, 199.5))
    film = taken(silicon, panel).astype(float)
    # what a phone sees: the film's corners as a trapezium in a larger picture
    corners = np.array([[60.0, 40.0], [560.0, 75.0], [530.0, 540.0], [85.0, 500.0]])
    size_mm = (419 * 0.25, 399 * 0.25)
    marks = Fiducials(corners, size_mm, (600, 640))
    column, row = np.meshgrid(np.arange(640.0), np.arange(600.0))
    where = marks.to_film_mm(np.stack([column, row], axis=-1)) / 0.25
    photo = map_coordinates(film, [where[..., 1], where[..., 0]], order=1, cval=float(np.median(film)))
    Image.fromarray(np.rint(photo).astype(np.uint8)).save(tmp_path / "phone.png")
    report, _ = indexed(
        tmp_path, tmp_path / "phone.png", "--crystal", "Si", "--camera", "back-reflection", "--distance", 40,
        "--fiducials", *corners.ravel(), "--fiducial-size", *size_mm,
    )  # fmt: skip
    assert misorientation_deg(np.array(report["u"]), MOUNT, silicon.rotations) < 0.3
    assert report["residual_px"] < 1.0


def test_peaks_beyond_a_radius_are_left_out(tmp_path, folder):
    all_of_them, _ = indexed(tmp_path, folder / "a1.png", "--crystal", "Si", *WORDS)
    near, _ = indexed(tmp_path, folder / "a1.png", "--crystal", "Si", *WORDS, "--max-radius", 20)
    assert near["peaks"] < all_of_them["peaks"]


def test_a_page_for_the_lab_book_is_one_page_of_pdf(tmp_path, folder):
    page = tmp_path / "page.pdf"
    _, text = indexed(tmp_path, folder / "a1.png", "--crystal", "Si", *WORDS, "--target", "axis [001] x", "--pdf", page)
    assert f"wrote {page}" in text
    content = page.read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") == 1


def test_a_failure_says_what_to_try_and_shows_what_was_found(tmp_path, folder):
    out = tmp_path / "see.png"
    wrong = ("--camera", "back-reflection", "--distance", 90, "--pixel", 0.25)
    answer = run(folder / "a1.png", "--crystal", "quartz", *wrong, "--out", out)
    assert answer.exit_code == 1
    assert answer.stderr.startswith("error: not indexed")
    assert "\n" not in answer.stderr.strip()
    assert "measure the distance" in answer.stdout
    assert "best guess" in answer.stdout
    with Image.open(out) as picture:
        assert picture.size[0] > 600


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--crystal", "Si"), "give the camera once"),
        ((*WORDS, "--crystal", "Si", "--detector", "camera.json"), "give the camera once"),
        (("--detector", "camera.json", "--crystal", "Si", "--distance", 40), "go with --camera"),
        (("--camera", "back-reflection", "--pixel", 0.1, "--crystal", "Si"), "needs --distance"),
        (("--camera", "back-reflection", "--distance", 40, "--crystal", "Si"), "needs the pixel once"),
        ((*WORDS, "--dpi", 300, "--crystal", "Si"), "needs the pixel once"),
        ((*WORDS, "--crystal", "Si", "--flip", "left"), "--flip is one of"),
        ((*WORDS, "--crystal", "Si", "--fiducial-size", 10, 10), "go together"),
        ((*WORDS, "--crystal", "Si", "--second", "b.png"), "go together"),
        ((*WORDS, "--crystal", "Si", "--max-radius", -1), "--max-radius is a length"),
        ((*WORDS, "--crystal", "Si", "--pdf", "page.png"), "ends in .pdf"),
        ((*WORDS,), "give the crystal once"),
    ],
)
def test_options_that_lack_each_other_are_refused_in_one_line(folder, options, complaint):
    answer = run(folder / "a1.png", *options)
    assert answer.exit_code == 1
    assert complaint in answer.stderr
    assert "\n" not in answer.stderr.strip()
