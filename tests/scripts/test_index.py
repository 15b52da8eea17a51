"""beamgym index: an image in; orientation, turns, picture and files out; or one line and nothing written."""

import json
import shutil

import h5py
import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.diffractometer import diffractometer, scattering_vectors
from beamgym.physics.goniometer.goniometer import goniometer
from beamgym.physics.goniometer.targets import pose_target
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files.detectors.formats import load_detector, save_detector
from beamgym.physics.laue.pattern import ImageBackground, ImageModel, Sensor, SpotShape
from beamgym.physics.laue.pattern.spots import LaueModel
from beamgym.physics.orientation import misorientation_deg, random_orientations, rotation_matrix
from beamgym.scripts.index import index_command
from beamgym.scripts.indexing.words import read_target

PANEL = Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)
APP = typer.Typer()
APP.command()(index_command)


@pytest.fixture(scope="module")
def silicon():
    return load_crystal("Si")


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def folder_with_image(folder, crystal, u, panel=PANEL):
    spots = LaueModel(crystal, Beam.tube("W"), panel).spots(u[None])
    model = ImageModel(panel, SpotShape(blur_mm=0.3), ImageBackground(), Sensor())
    image = model.render(spots, make_keys(3, np.arange(1)), exposure_s=10.0)[0]
    Image.fromarray(image).save(folder / "si.tif")
    save_detector(PANEL, folder / "camera.json")
    return folder / "si.tif", folder / "camera.json"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, silicon):
    """An image and its camera, rendered once for the tests that never come to index it."""
    return folder_with_image(tmp_path_factory.mktemp("prepared"), silicon, near_target(silicon, 9.0))


def near_target(crystal, degrees, seed=1):
    """An orientation this far from [001] along the beam, [110] up."""
    vector = random_orientations(make_keys(seed, np.arange(1)))[0] @ np.array([degrees, 0, 0])
    return rotation_matrix(vector) @ pose_target(crystal).orientations[0]


def test_the_report_brings_the_target_home(tmp_path, silicon):
    u = near_target(silicon, 9.0)
    image, camera = folder_with_image(tmp_path, silicon, u)
    out, result, nexus = tmp_path / "see.png", tmp_path / "result.json", tmp_path / "result.h5"
    target = "pose [001] beam [110] up"
    answer = run(
        image,
        "--crystal",
        "Si",
        "--detector",
        camera,
        "--target",
        target,
        "--out",
        out,
        "--json",
        result,
        "--h5",
        nexus,
    )
    assert answer.exit_code == 0, answer.output
    assert "UB (1/Å, no 2π" in answer.output
    assert "turn rotation by " in answer.output
    report = json.loads(result.read_text())
    assert misorientation_deg(np.array(report["u"]), u, silicon.rotations) < 0.05
    np.testing.assert_allclose(np.array(report["u"]) @ silicon.b_matrix, report["ub_inv_a"], atol=1e-9)
    head = goniometer("two-arc")
    positions = np.array([report["target"]["axes"][name]["to"] for name in head.names])
    arrived = head.rotation(positions[None]) @ u
    assert pose_target(silicon).error_deg(arrived)[0] < 0.05
    with Image.open(out) as picture:
        assert picture.size[0] > 600
    with h5py.File(nexus) as file:
        assert file["entry/peaks/indexed"][()].sum() == report["matched"]


def test_a_film_with_gaps_and_a_mask_is_indexed_and_what_was_assumed_is_told(tmp_path, silicon):
    u = near_target(silicon, 9.0)
    image, camera = folder_with_image(tmp_path, silicon, u)
    counts = np.array(Image.open(image)).astype(float)
    film = 250 - np.clip((counts - counts.min()) / 40.0, 0, 240)
    Image.fromarray(np.stack([film.astype(np.uint8)] * 3, axis=2)).save(tmp_path / "film.png")
    result = tmp_path / "result.json"
    options = ("--crystal", "Si", "--detector", camera, "--mask", "0,0,511,20", "--json", result)
    answer = run(tmp_path / "film.png", *options)
    assert answer.exit_code == 0, answer.output
    report = json.loads(result.read_text())
    assert misorientation_deg(np.array(report["u"]), u, silicon.rotations) < 0.1
    assert report["notes"][:2] == [
        "the mask 0,0,511,20 leaves out 4.1 % of the pixels",
        "dark spots on a light ground: taken for a film and inverted",
    ]
    assert "note: dark spots on a light ground" in answer.output


def test_turns_start_where_the_axes_stand(tmp_path, silicon):
    image, camera = folder_with_image(tmp_path, silicon, near_target(silicon, 6.0))
    result = tmp_path / "result.json"
    options = ("--crystal", "Si", "--detector", camera, "--goniometer", "six-axis", "--json", result)
    assert run(image, *options, "--at", "j6 = 5, j1=-2").exit_code == 0
    report = json.loads(result.read_text())
    arm = goniometer("six-axis")
    start = np.zeros(6)
    start[[arm.names.index("j6"), arm.names.index("j1")]] = 5.0, -2.0
    goal = np.array([report["target"]["axes"][name]["to"] for name in arm.names])
    np.testing.assert_allclose([report["target"]["axes"][name]["turn"] for name in arm.names], goal - start)
    arrived = arm.rotation(goal[None]) @ arm.rotation(start[None])[0].T @ np.array(report["u"])
    assert pose_target(silicon).error_deg(arrived)[0] < 1e-3


def test_a_target_out_of_reach_says_how_to_glue_the_crystal(tmp_path, silicon):
    u = near_target(silicon, 44.0, seed=4)
    image, camera = folder_with_image(tmp_path, silicon, u)
    result = tmp_path / "result.json"
    answer = run(image, "--crystal", "Si", "--detector", camera, "--goniometer", "two-arc", "--json", result)
    assert answer.exit_code == 0
    way = json.loads(result.read_text())["target"]
    assert not way["reachable"]
    assert "glue the crystal anew" in answer.output
    assert "_arc would have to go to" in way["because"]
    assert "its limits are -20 to 20" in answer.output
    turn = rotation_matrix(np.array(way["remount"]["axis_lab"]) * way["remount"]["angle_deg"])
    assert pose_target(silicon).error_deg((turn @ u)[None])[0] < 0.05


def test_the_camera_is_refined_on_a_reference_crystal(tmp_path, silicon):
    moved = PANEL.displaced(np.array([0.4, 0.5, -0.6]), np.zeros(3))
    image, camera = folder_with_image(tmp_path, silicon, near_target(silicon, 20.0), moved)
    out = tmp_path / "refined.json"
    answer = run(image, "--crystal", "Si", "--detector", camera, "--refine-detector", "--detector-out", out)
    assert answer.exit_code == 0, answer.output
    refined = load_detector(out)
    assert refined.distance_mm == pytest.approx(moved.distance_mm, abs=0.05)
    np.testing.assert_allclose(refined.origin_mm, moved.origin_mm, atol=0.1)


def test_a_peak_list_does_instead_of_an_image(tmp_path, silicon):
    u = near_target(silicon, 30.0)
    spots = LaueModel(silicon, Beam.tube("W"), PANEL, brightest=60).spots(u[None])
    table = np.column_stack([spots.position_px[0] + 1, spots.intensity[0]])
    np.savetxt(tmp_path / "peaks.txt", table, header="X Y I")
    save_detector(PANEL, tmp_path / "camera.json")
    answer = run(
        tmp_path / "peaks.txt", "--one-based", "--crystal", "Si", "--detector", tmp_path / "camera.json",
        "--json", tmp_path / "result.json",
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    report = json.loads((tmp_path / "result.json").read_text())
    assert misorientation_deg(np.array(report["u"]), u, silicon.rotations) < 0.01
    assert report["matched"] == 60


def test_neutrons_are_indexed_by_their_wavelengths(tmp_path):
    """A list of peaks, with the band said in Å and with the usual one, which is told."""
    salt = load_crystal("NaCl", "neutron")
    u = near_target(salt, 20.0)
    spots = LaueModel(salt, Beam.neutron(), PANEL, brightest=40).spots(u[None])
    rows = np.column_stack([spots.position_px[0], spots.intensity[0]])
    np.savetxt(tmp_path / "peaks.txt", rows, header="X Y I")
    save_detector(PANEL, tmp_path / "camera.json")
    options = ("--crystal", "NaCl", "--radiation", "neutron", "--detector", tmp_path / "camera.json")
    for words in (("--wavelength", 0.8, 4), ()):
        answer = run(tmp_path / "peaks.txt", *options, *words, "--json", tmp_path / "result.json")
        assert answer.exit_code == 0, answer.output
        assert ("neutrons of 0.8 to 4 Å are assumed" in answer.stderr) == (not words)
        found = np.array(json.loads((tmp_path / "result.json").read_text())["u"])
        assert misorientation_deg(found, u, salt.rotations) < 0.02


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"--crystal": "Sj"}, "did you mean"),
        ({"--crystal": None}, "give the crystal once"),
        ({"--band": "25 5"}, "lowest < highest"),
        ({"--band": "1 1.5"}, "no reflection between 1 and 1.5 keV can reach this detector"),
        ({"--band": "1 1.5"}, "use energies above 1.98 keV"),
        ({"--wavelength": "8.2 12.4"}, "use energies above 1.98 keV"),
        ({"--wavelength": "4 0.8"}, "0 < shortest < longest"),
        ({"--wavelength": "0.5 2.5", "--band": "5 25"}, "give one of them"),
        ({"--radiation": "neutron", "--band": "5 25"}, "such as --wavelength 0.8 4"),
        ({"--radiation": "neutron", "--wavelength": "5 25000"}, "0.1 to 30 Å; found 5 to 25000 Å"),
        ({"--radiation": "neutron", "--wavelength": "8 12"}, "use wavelengths below 6.27 Å"),
        ({"--saturation": "nan"}, "--saturation is the count at which a pixel is full"),
        ({"--saturation": "0"}, "a positive number, got 0"),
        ({"--out": "see.foo"}, "give a name that ends in .png"),
        ({"--detector": "none.json"}, "none.json"),
        ({"--goniometer": "two-arcs"}, "did you mean"),
        ({"--goniometer": "two-arc", "--at": "phi=3"}, "no axis 'phi'"),
        ({"--goniometer": "two-arc", "--at": "rotation=x"}, "axis=position"),
        ({"--target": "pose [001] beam [002] up"}, "parallel"),
        ({"--radiation": "light"}, "xray or neutron"),
        ({"--h5": "nowhere/result.h5"}, "give a file in a directory that exists"),
        ({"--json": "."}, "it is a folder; give a file in it"),
        ({"image": "binned.tif"}, "the image has 256 rows and 256 columns, camera.json says 512 and 512"),
        ({"image": "none.tif"}, "no image file"),
        ({"image": "cut.tif"}, "damaged or cut short"),
        ({"image": "empty.tif"}, "0 peaks found; at least 5"),
    ],
)
def test_a_failure_is_one_line_and_leaves_nothing(tmp_path, prepared, change, complaint, monkeypatch):
    image = tmp_path / prepared[0].name
    for file in prepared:
        shutil.copy(file, tmp_path)
    (tmp_path / "cut.tif").write_bytes(image.read_bytes()[:200000])
    Image.fromarray(np.zeros((512, 512), dtype=np.uint16)).save(tmp_path / "empty.tif")
    Image.fromarray(np.zeros((256, 256), dtype=np.uint16)).save(tmp_path / "binned.tif")
    monkeypatch.chdir(tmp_path)
    options = {"--crystal": "Si", "--detector": "camera.json", "--json": "result.json", "--out": "see.png"}
    options.update(change)
    name = options.pop("image", image.name)
    before = sorted(tmp_path.iterdir())
    words = [word for key, value in options.items() if value is not None for word in (key, *_words(key, value))]
    answer = run(name, *words)
    assert answer.exit_code == 1, answer.output
    line = answer.stderr.strip()
    assert line.startswith("error: ")
    assert complaint in line
    assert "\n" not in line
    assert sorted(tmp_path.iterdir()) == before


def _words(key, value):
    return value.split() if key in ("--band", "--wavelength") else [value]


def test_a_target_reads_with_and_without_its_small_words(silicon):
    long, short = read_target(silicon, "pose [001] beam [110] up"), read_target(silicon, "pose [001] [110]")
    np.testing.assert_allclose(long.orientations, short.orientations)


def test_a_second_grain_is_told_drawn_and_kept(tmp_path, silicon):
    u = near_target(silicon, 9.0)
    model = LaueModel(silicon, Beam.tube("W"), PANEL, brightest=40)
    turn = rotation_matrix([20.0, -5.0, 11.0])
    spots = [model.spots(one[None]) for one in (u, turn @ u)]
    rows = [np.column_stack([one.position_px[0], one.intensity[0]]) for one in spots]
    np.savetxt(tmp_path / "two.txt", np.concatenate(rows), header="X Y I", comments="")
    save_detector(PANEL, tmp_path / "camera.json")
    options = ["--crystal", "Si", "--detector", tmp_path / "camera.json", "--json", tmp_path / "r.json"]
    done = run(tmp_path / "two.txt", *options, "--h5", tmp_path / "r.h5", "--pdf", tmp_path / "r.pdf")
    assert done.exit_code == 0, done.output
    assert "second grain: turned by " in done.stdout
    report = json.loads((tmp_path / "r.json").read_text())
    first, second = report["grains"]
    assert first["u"] == report["u"]
    found = [np.array(grain["u"]) for grain in (first, second)]
    away = [min(misorientation_deg(one, true, silicon.rotations) for one in found) for true in (u, turn @ u)]
    assert max(away) < 0.05
    assert second["from_first"]["angle_deg"] == pytest.approx(
        misorientation_deg(u, turn @ u, silicon.rotations), abs=0.05
    )
    with h5py.File(tmp_path / "r.h5") as file:
        np.testing.assert_allclose(file["entry/grains/orientation_matrix"][1], found[1])
    assert (tmp_path / "r.pdf").stat().st_size > 10_000
    alone = run(tmp_path / "two.txt", *options, "--grains", "1")
    assert "second grain" not in alone.stdout
    assert len(json.loads((tmp_path / "r.json").read_text())["grains"]) == 1


def test_a_crystal_is_handed_over_to_a_diffractometer(tmp_path, silicon):
    u = near_target(silicon, 9.0)
    image, camera = folder_with_image(tmp_path, silicon, u)
    words = ("--goniometer", "two-arc", "--at", "rotation=12", "--hand-over", "e4cv:1.2")
    answer = run(image, "--crystal", "Si", "--detector", camera, *words)
    assert answer.exit_code == 0, answer.output
    given = json.loads((tmp_path / "si-e4cv.json").read_text())
    mount = goniometer("two-arc").rotation([12.0, 0.0, 0.0]).T @ u
    assert misorientation_deg(given["u"], mount, silicon.rotations) < 0.1
    for one in given["first_reflections"]:
        q, _ = scattering_vectors(diffractometer("e4cv"), list(one["positions"].values()), 1.2)
        assert np.linalg.solve(given["ub"]["beamgym"], q[0]) == pytest.approx(one["hkl"], abs=1e-6)
    refused = run(image, "--crystal", "Si", "--detector", camera, "--hand-over", "e4cv:long")
    assert refused.exit_code == 1
    assert "PRESET:WAVELENGTH" in refused.output
