"""`beamgym bands` reads, reconstructs, tells and writes; each mistake is one line with its remedy."""

import json

import h5py
import numpy as np
import pytest
from scipy.special import voigt_profile

from beamgym.physics.bands.files import read_bands
from beamgym.scripts.bands import bands_command
from beamgym.scripts.bands.found import doubted, wrong_unit
from beamgym.scripts.bands_suite.suite import run_suite

KX, KY, ENERGY = np.linspace(-0.4, 0.4, 10), np.linspace(-0.4, 0.4, 9), np.linspace(-1.6, 0.3, 110)
X, Y = np.meshgrid(KX, KY, indexing="ij")
TRUE = np.stack([-0.3 - X**2 - Y**2, -1.1 + 0.5 * (X**2 + Y**2)])


@pytest.fixture
def bands(as_verb):
    return as_verb(bands_command, columns=200)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bands")
    rate = sum(voigt_profile(ENERGY - band[..., None], 0.05, 0.03) for band in TRUE)
    with h5py.File(folder / "cube.h5", "w") as store:
        counts = np.random.default_rng(0).poisson(100.0 * rate)
        for name, values in (("E", ENERGY), ("kx", KX), ("ky", KY), ("V", np.moveaxis(counts, 2, 0))):
            store[name] = values
    for name, shift in (("one", 0.2), ("two", -0.15)):
        with h5py.File(folder / f"{name}.h5", "w") as store:
            for key, values in (("kx", KX), ("ky", KY), ("bands", TRUE * 1.1 + shift)):
                store[key] = values
    return folder


def test_bands_from_two_theories_agree_with_the_truth_and_are_written(bands, files, tmp_path):
    report = tmp_path / "r.json"
    theories = ("--theory", files / "one.h5", "--theory", files / "two.h5")
    result = bands(files / "cube.h5", *theories, "--pointwise", "--out", tmp_path / "out", "--json", report)
    assert result.exit_code == 0, result.output
    told = json.loads(report.read_text())
    assert max(told["compared"]["first_two_rms_ev"]) < 0.01
    assert max(told["pointwise"]["one"]["median_ev"]) < 0.02
    found = read_bands(tmp_path / "out" / "cube_one_bands.h5")
    assert np.sqrt(((found.energy_ev - TRUE) ** 2).mean()) < 0.012
    vector = json.loads((tmp_path / "out" / "cube_one_features.json").read_text())
    assert len(vector["coefficients"]) == 2
    assert (tmp_path / "out" / "cube_one_bands.png").read_bytes()[:4] == b"\x89PNG"
    assert "band 1: answers" in result.output
    assert "feature vector" in result.output


@pytest.mark.parametrize("method", ["plain", "curvature", "offset"])
def test_fields_start_from_the_aligned_theory_or_from_it_as_it_is(bands, files, tmp_path, method):
    report = tmp_path / "r.json"
    aligned = bands(files / "cube.h5", "--theory", files / "one.h5", "--method", method, "--json", report)
    assert aligned.exit_code == 0, aligned.output
    np.testing.assert_allclose(
        json.loads(report.read_text())["answers"][0]["mean_ev"], TRUE.mean(axis=(1, 2)), atol=0.02
    )
    words = ("--method", method, "--no-align", "--shift", "-0.1", "--json", report)
    assert bands(files / "cube.h5", "--theory", files / "one.h5", *words).exit_code == 0
    assert "shift_ev" not in json.loads(report.read_text())["answers"][0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--method", "global"), "choose one of joint, plain"),
        (("--no-align",), "leave --no-align out"),
        (("--bands", "5"), "must lie between 1 and 2"),
        (("--k-scale", "0.5"), "another cell"),
        (("--lattice", "cubic"), "hexagonal:3.28"),
        (("--window", "5", "6"), "the data run from"),
        (("--dataset", "W"), "'W' is no data set"),
        (("--theory", "none.h5"), "there is no theory"),
        (("--shift", "30"), "--shift"),
    ],
)
def test_a_mistake_is_one_line(bands, files, words, told):
    result = bands(files / "cube.h5", "--theory", files / "one.h5", *words)
    assert result.exit_code != 0
    assert told in str(result.exception)
    assert "\n" not in str(result.exception)


def test_a_theory_that_cannot_be_stretched_enough_is_in_another_unit():
    assert wrong_unit([1.4, 1.39, 1.0])
    assert not wrong_unit([1.4, 1.1, 0.9])


def test_bands_that_ran_away_or_hide_in_a_wide_line_are_doubted():
    assert doubted([0.02, 0.5, 0.03, 0.01], [0.2, 0.25, 1.4, 0.3]) == [2, 3]
    assert doubted([0.02, 0.5], None) == [2]
    assert doubted([0.02, 0.03], [2.0, 2.2], 3.3) == [1, 2]  # a flat cube: both lines are backgrounds
    assert doubted([0.02, 0.03], [0.2, 0.22], 3.3) == []


def test_the_suite_needs_its_data_and_knows_its_parts(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="choose one of patch, line"):
        run_suite({"part": ["cube"]}, 0, None)
    monkeypatch.setenv("BEAMGYM_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="BEAMGYM_DATA"):
        run_suite({}, 0, None)
