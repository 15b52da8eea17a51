"""`beamgym ub` says what it found in every convention, and each mistake in one line with its remedy."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy.spatial.transform import Rotation

from beamgym.physics.crystal import load_crystal
from beamgym.physics.diffractometer import cell_of_crystal, diffractometer, positions_of, scattering_vectors
from beamgym.physics.orientation import misorientation_deg
from beamgym.scripts.ub import ub_command
from beamgym.scripts.ub_suite.cases import run_case
from beamgym.scripts.ub_suite.suite import run_suite

CELL = "5.41,5.49,11.96,90,90,90"
LAMBDA = 1.0
HKL = np.array([[1, 1, 1], [0, 2, 2], [2, 0, 4], [1, -2, 3], [2, 1, -2]])


@pytest.fixture
def ub(as_verb):
    return as_verb(ub_command, columns=200)


@pytest.fixture(scope="module")
def known():
    return cell_of_crystal(load_crystal("Ca2RuO4"))


@pytest.fixture(scope="module")
def truth():
    return Rotation.random(random_state=4).as_matrix()


@pytest.fixture(scope="module")
def angles(known, truth):
    e4cv = diffractometer("e4cv")
    exact = positions_of(e4cv, HKL @ (truth @ known.b_matrix).T, LAMBDA).degrees
    return exact + 0.02 * np.random.default_rng(0).normal(size=exact.shape)


def table(path, angles, names="omega,chi,phi,tth", extra=None):
    lines = [names, *(",".join(f"{value:.4f}" for value in row) for row in angles)]
    if extra:
        lines = [f"{line},{more}" for line, more in zip(lines, extra, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_ub_is_found_and_told_in_every_convention(ub, known, truth, angles, tmp_path):
    file = table(tmp_path / "r.csv", angles)
    done = ub(file, "--crystal", "Ca2RuO4", "--wavelength", LAMBDA, "--error", 0.03, "--json", tmp_path / "r.json")
    assert done.exit_code == 0, done.output
    assert "DECIDED" in done.output
    assert "look next 3" in done.output
    report = json.loads((tmp_path / "r.json").read_text())
    assert misorientation_deg(report["u"], truth, known.rotations) < 0.1
    assert [row["hkl"] for row in report["rows"]] != []
    assert np.array(report["ub"]["hklpy2"]) == pytest.approx(2.0 * np.pi * np.array(report["ub"]["beamgym"]))
    assert np.array(report["ub"]["nicos"])[:, 2] == pytest.approx(np.array(report["ub"]["beamgym"])[2])
    where = list(report["next"][0]["positions"].values())
    q, _ = scattering_vectors(diffractometer("e4cv"), [where], LAMBDA)
    assert np.linalg.solve(report["ub"]["beamgym"], q[0]) == pytest.approx(report["next"][0]["hkl"], abs=0.02)


def test_two_reflections_are_not_decided_and_it_says_where_to_look(ub, angles, tmp_path):
    done = ub(table(tmp_path / "r.csv", angles[:2]), f"--cell={CELL}", "--wavelength", LAMBDA)
    assert done.exit_code == 0, done.output
    assert "NOT DECIDED" in done.output
    assert "bits" in done.output


def test_zeros_are_refined_on_request(ub, angles, tmp_path):
    shifted = angles + np.array([0.2, 0.0, 0.0, 0.0])
    done = ub(
        table(tmp_path / "r.csv", shifted),
        "--crystal",
        "Ca2RuO4",
        "--wavelength",
        LAMBDA,
        "--refine",
        "omega",
        "--error",
        0.2,
    )
    assert "refined omega: 0." in done.output
    value = float(done.output.split("refined omega:")[1].split("±")[0])
    assert value == pytest.approx(0.2, abs=0.05)


def test_without_a_cell_the_lattice_is_found(ub, angles, tmp_path):
    done = ub(table(tmp_path / "r.csv", angles), "--wavelength", LAMBDA, "--error", 0.03)
    assert done.exit_code == 0, done.output
    assert "Niggli's cell" in done.output
    indexed = table(tmp_path / "i.csv", angles, extra=["h,k,l", *(",".join(map(str, hkl)) for hkl in HKL)])
    told = ub(indexed, "--wavelength", LAMBDA, "--json", tmp_path / "i.json")
    assert told.exit_code == 0, told.output
    assert json.loads((tmp_path / "i.json").read_text())["cell"] == pytest.approx(
        [5.41, 5.492, 11.961, 90, 90, 90], rel=5e-3
    )


def test_a_known_direction_makes_do_with_one_reflection(ub, known, truth, angles, tmp_path):
    axis = truth @ np.linalg.inv(known.b_matrix).T @ [0, 0, 1]
    words = "[001] " + " ".join(f"{v:.4f}" for v in axis) + " 1"
    done = ub(table(tmp_path / "r.csv", angles[:1]), f"--cell={CELL}", "--wavelength", LAMBDA, "--along", words)
    assert done.exit_code == 0, done.output
    assert "1 of 1 reflections explained" in done.output


def a_file(tmp_path, text):
    (tmp_path / "r.csv").write_text(text)
    return tmp_path / "r.csv"


@pytest.mark.parametrize(
    ("text", "words", "remedy"),
    [
        ("", ["--cell", CELL], "holds no reflection"),
        ("1,2,3,4\n1,2,3,4\n", ["--cell", CELL], "name the columns"),
        ("tth,omega,chi\n20,10,0\n", ["--cell", CELL], "no column phi; e4cv wants omega, chi, phi, tth"),
        ("mu,eta,chi,phi,nu,delta\n0,10,0,0,0,20\n", ["--cell", CELL], "use --preset psic"),
        ("tth,komega,kappa,kphi\n20,10,0,0\n", ["--cell", CELL], "use --preset kappa"),
        ("tth,omega,chi,phi\n20,10,0,x\n", ["--cell", CELL], "line 2: phi is x; give a number"),
        ("tth,omega,chi,phi\n20,10,0\n", ["--cell", CELL], "line 2: 3 values under 4"),
        ("tth,tth,chi,phi\n20,10,0,1\n", ["--cell", CELL], "stands twice"),
        (
            "tth,omega,chi,phi,intensity,monitor\n20,10,0,0,99,\n",
            ["--cell", CELL],
            "monitor is nothing; give its counts",
        ),
        ("tth,omega,chi,phi,intensity\n20,10,0,0,0\n", ["--cell", CELL], "nothing was seen"),
        ("tth,omega,chi,phi\n20,10,0,0\n20.1,10,0,0.1\n", ["--cell", CELL], "lines 2 and 3 are the same reflection"),
        ("tth,omega,chi,phi\n20,10,0,0\n", ["--cell", CELL], "one reflection leaves the turn"),
        ("tth,omega,chi,phi\n0.9,0.4,0,0\n0.9,0.4,50,0\n", ["--cell", CELL], "has no reflection up to"),
        ("qx,qy,qz\n9,0,0\n", ["--cell", CELL], "units of 2π"),
        ("tth,omega,chi,phi\n20,10,0,0\n", ["--cell", "5,5,5"], "write all six"),
        ("tth,omega,chi,phi\n20,10,0,0\n", ["--cell", "a,b"], "no list of numbers"),
        ("tth,omega,chi,phi\n20,10,0,0\n", ["--cell", CELL, "--crystal", "Si"], "give the crystal once"),
        ("tth,omega,chi,phi\n20,10,0,0\n", ["--cell", CELL, "--energy", "8"], "give the wavelength once"),
        ("tth,omega,chi,phi\n20,10,0,0\n", ["--cell", CELL, "--preset", "fourc"], "unknown diffractometer"),
        ("tth,omega,chi,phi\n20,10,0,0\n", ["--cell", CELL, "--along", "c up"], "as in '[001] 0 0 1 2'"),
        ("tth,omega,chi,phi\n20,10,0,0\n20,10,50,0\n", [], "a lattice needs three"),
    ],
)
def test_a_mistake_is_one_line_with_its_remedy(ub, tmp_path, text, words, remedy):
    done = ub(a_file(tmp_path, text), *words, "--wavelength", LAMBDA)
    assert done.exit_code == 1
    errors = [line for line in done.output.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert remedy in errors[0]


def test_reflections_of_another_frame_are_recognised(ub, angles, tmp_path):
    relative = angles.copy()
    relative[:, 0] -= 0.5 * relative[:, 3]
    file = table(tmp_path / "r.csv", relative)
    done = ub(file, "--crystal", "Ca2RuO4", "--wavelength", LAMBDA)
    assert done.exit_code == 1
    assert "--omega-relative" in done.output
    again = ub(file, "--crystal", "Ca2RuO4", "--wavelength", LAMBDA, "--omega-relative")
    assert "DECIDED" in again.output


def test_a_wrong_cell_or_wavelength_is_said(ub, angles, tmp_path):
    done = ub(table(tmp_path / "r.csv", angles), "--cell", "3.2,3.2,3.2,90,90,90", "--wavelength", LAMBDA)
    assert done.exit_code == 1
    assert "no orientation of the cell explains" in done.output
    assert "check the cell, the wavelength" in done.output


def test_the_suite_judges_by_the_truth_and_repeats():
    one, again = run_case("tetragonal", 3, 5), run_case("tetragonal", 3, 5)
    assert one == again
    assert one.answers["8, two spurious"].right
    assert one.answers["4"].error_deg < 1.0


def test_the_suite_refuses_what_makes_no_sense():
    for options, words in (({"part": ["round"]}, "unknown part"), ({"episodes": 0}, "between 1 and")):
        with pytest.raises(ValueError, match=words):
            run_suite(options, 0, Console(quiet=True))
    with pytest.raises(ValueError, match="negative"):
        run_suite({}, -1, Console(quiet=True))


def test_the_table_of_the_page_is_read_and_left_open_as_the_page_says(ub, tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "ub.md").read_text(encoding="utf-8")
    table = page.split("```\n")[1]
    assert table.startswith("tth,omega,chi,phi,intensity\n")
    (tmp_path / "r.csv").write_text(table, encoding="utf-8")
    result = ub(tmp_path / "r.csv", "--crystal", "kyanite", "--wavelength", "1.2")
    assert result.exit_code == 0, result.output
    assert "NOT DECIDED" in result.output
    assert "look next 1" in result.output
