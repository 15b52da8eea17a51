"""`beamgym ub SWEEP` on a stack that a short program of its own formulas has written."""

import json
from math import erf

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from beamgym.physics.diffractometer import known_cell
from beamgym.physics.orientation import misorientation_deg
from beamgym.scripts import main

WAVELENGTH, EDGE, DISTANCE, PIXEL, SIZE, STEP, FRAMES = 0.7107, 5.431, 60.0, 0.6, 128, 1.0, 50


def orientation():
    c, s = np.cos([0.3, 1.1, -0.7]), np.sin([0.3, 1.1, -0.7])
    first, last = (np.array([[c[i], -s[i], 0], [s[i], c[i], 0], [0, 0, 1.0]]) for i in (0, 2))
    return first @ np.array([[1.0, 0, 0], [0, c[1], -s[1]], [0, s[1], c[1]]]) @ last


def frames():
    """Silicon turned about z, which is up; rays along x; a panel behind it at right angles to the beam."""
    rng, u = np.random.default_rng(5), orientation()
    out = rng.poisson(2.0, (FRAMES, SIZE, SIZE))
    turn = np.radians(np.arange(0, FRAMES * STEP, 0.02))
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    every = np.stack(np.meshgrid(*[np.arange(-7, 8)] * 3, indexing="ij"), -1).reshape(-1, 3)
    same = (every % 2 == every[:, :1] % 2).all(1) & every.any(1)
    allowed = same & ((every[:, 0] % 2 == 1) | (every.sum(1) % 4 == 0))
    for x, y, z in every[allowed] @ u.T / EDGE:
        kx = x * np.cos(turn) - y * np.sin(turn) + 1.0 / WAVELENGTH
        ky = x * np.sin(turn) + y * np.cos(turn)
        miss = kx**2 + ky**2 + z**2 - 1.0 / WAVELENGTH**2
        for i in np.flatnonzero(miss[:-1] * miss[1:] < 0):
            column = (SIZE - 1) / 2 - ky[i] / kx[i] * DISTANCE / PIXEL
            row = (SIZE - 1) / 2 - z / kx[i] * DISTANCE / PIXEL
            if kx[i] <= 0 or not (3 < column < SIZE - 4 and 3 < row < SIZE - 4):
                continue
            spot = np.exp(-0.5 * ((columns - column) ** 2 + (rows - row) ** 2)) / (2 * np.pi)
            middle = np.degrees(turn[i]) / STEP
            for f in range(max(0, int(middle) - 2), min(FRAMES, int(middle) + 3)):
                out[f] += rng.poisson(3000.0 * 0.5 * (erf((f + 1 - middle) / 0.5) - erf((f - middle) / 0.5)) * spot)
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made, stack = tmp_path_factory.mktemp("sweep"), frames()
    with h5py.File(made / "sweep.h5", "w") as file:
        file["entry/data/data"] = stack.astype(np.uint32)
        file["entry/sample/goniometer/omega"] = np.arange(FRAMES) * STEP
        file["entry/instrument/beam/incident_wavelength"] = WAVELENGTH
    (made / "frames").mkdir()
    for number, frame in enumerate(stack):
        np.save(made / "frames" / f"run_{number + 1}.npy", frame.astype(np.int32))
    corner = (SIZE - 1) / 2 * PIXEL
    panel = {"origin_mm": [DISTANCE, corner, corner], "fast": [0, -1, 0], "slow": [0, 0, -1], "pixel_mm": PIXEL}
    (made / "panel.json").write_text(json.dumps({**panel, "shape": [SIZE, SIZE], "name": "panel"}))
    return made


def ub(*words):
    return CliRunner().invoke(main.app, ["ub", *map(str, words), "--preset", "e4ch"])


def off_deg(report):
    return misorientation_deg(
        np.array(report["u"]), orientation(), known_cell([EDGE] * 3 + [90.0] * 3, "F d -3 m").lattice_rotations
    )


def test_a_stack_in_a_file_gives_ub_and_a_picture(folder, tmp_path):
    out = ("--json", tmp_path / "r.json", "--picture", tmp_path / "p.png")
    result = ub(folder / "sweep.h5", "--crystal", "Si", "--detector", folder / "panel.json", *out)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["decided"]
    assert off_deg(report) < 0.1
    assert report["candidates"][0]["explains"] > 0.8 * report["reflections"]
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"
    assert "omega from 0° in steps of 1° by the file" in result.output


def test_a_folder_of_frames_gives_the_same(folder, tmp_path):
    words = ("--start", 0, "--step", STEP, "--wavelength", WAVELENGTH, "--json", tmp_path / "r.json")
    result = ub(folder / "frames", "--crystal", "Si", "--detector", folder / "panel.json", *words)
    assert result.exit_code == 0, result.output
    assert off_deg(json.loads((tmp_path / "r.json").read_text())) < 0.1


def test_the_cell_is_found_where_none_is_given(folder):
    result = ub(folder / "sweep.h5", "--detector", folder / "panel.json")
    assert result.exit_code == 0, result.output
    assert "cell 3.8" in result.output  # the primitive cell of silicon, a / √2


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("sweep.h5", (), "give --detector FILE"),
        ("frames", ("--detector", "panel.json"), "give --wavelength"),
        ("frames", ("--detector", "panel.json", "--wavelength", 0.7), "give --start and --step"),
        ("sweep.h5", ("--detector", "panel.json", "--axis", "theta"), "give --start and --step"),
        ("sweep.h5", ("--detector", "panel.json", "--at", "chi=up"), "no number of degrees"),
        ("sweep.h5", ("--detector", "panel.json", "--threshold", 5000), "expose longer"),
        ("sweep.h5", ("--detector", "panel.json", "--crystal", "Si", "--step", -1), "check the cell"),
        ("absent.h5", ("--detector", "panel.json"), "there is no sweep"),
    ],
)
def test_what_cannot_be_a_sweep_is_one_line(folder, name, words, message):
    given = [folder / word if word == "panel.json" else word for word in words]
    result = ub(folder / name, *given)
    assert result.exit_code != 0
    said = result.output.strip().splitlines()[-1]
    assert message in said, result.output
    assert "Traceback" not in result.output
