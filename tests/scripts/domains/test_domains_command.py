"""`beamgym domains` tells, draws and writes; each mistake is one line with its remedy."""

import json

import numpy as np
import pytest

from beamgym.physics.arpes.domains import CANVAS, simulated_cuts, simulated_sample
from beamgym.scripts.domains import domains_command
from beamgym.scripts.domains_suite.suite import run_suite


@pytest.fixture
def domains(as_verb):
    return as_verb(domains_command, columns=300)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("domains")
    axes = {"eV": CANVAS.energy_ev, "alpha": CANVAS.slit_deg}
    one = simulated_cuts(31, 1, numbers=(2,)).counts[0]
    np.savez(folder / "cut.npz", counts=one, **axes)
    np.savez(folder / "turned.npz", counts=one[::-1, ::-1], eV=axes["eV"][::-1], alpha=axes["alpha"][::-1])
    np.savez(folder / "nan.npz", counts=np.where(np.arange(120) == 50, np.nan, one), **axes)
    np.savez(folder / "negative.npz", counts=one - 5.0, **axes)
    sample = simulated_sample(903, 2, side=8).cuts.counts.reshape(8, 8, *CANVAS.shape)
    place = np.arange(8) * 0.1
    np.savez(folder / "sample.npz", counts=sample, y=place, x=place, **axes)
    np.savez(folder / "angles.npz", counts=sample[0], beta=place * 30.0, **axes)
    return folder


WORDS = ("--energy-axis", "eV", "--angle-axis", "alpha", "--unit", "deg", "--unit", "eV")


@pytest.mark.parametrize("method", ["network", "mixture", "peaks", "autocorrelation"])
def test_a_cut_is_told_by_every_method(domains, files, tmp_path, method):
    result = domains(files / "cut.npz", "--method", method, *WORDS, "--json", tmp_path / "r.json", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "r.json").read_text())
    assert len(report["domains"]) == report["number"]
    assert sum(one["weight"] for one in report["domains"]) == pytest.approx(1.0)
    assert "one cut of unknown dispersion" in result.output
    assert (tmp_path / "cut_domains.png").is_file()


def test_axes_that_run_backwards_change_nothing(domains, files, tmp_path):
    for name in ("cut", "turned"):
        result = domains(files / f"{name}.npz", *WORDS, "--json", tmp_path / f"{name}.json")
        assert result.exit_code == 0, result.output
    one, other = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("cut", "turned"))
    assert one["domains"] == other["domains"]


def test_a_sample_is_mapped_and_written(domains, files, tmp_path):
    result = domains(files / "sample.npz", *WORDS, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "domains   2 over 64 sites" in result.output
    table = np.load(tmp_path / "sample_domains.npz")
    assert table["domain"].shape == (8, 8)
    np.testing.assert_allclose(table["weight_1"] + table["weight_2"], 1.0)


@pytest.mark.parametrize(
    ("name", "words", "says"),
    [
        ("nan", (), "NaN"),
        ("negative", (), "negative"),
        ("angles", (), "map over a second angle"),
        ("cut", ("--method", "guess"), "choose one of network, mixture"),
        ("none", (), "there is no file"),
    ],
)
def test_a_mistake_is_one_line(domains, files, name, words, says):
    result = domains(files / f"{name}.npz", *WORDS, *words)
    assert result.exit_code != 0
    assert says in str(result.exception)
    assert "\n" not in str(result.exception)


@pytest.mark.parametrize("options", [{"part": ["maps"]}, {"episodes": 0}])
def test_the_suite_refuses_what_it_does_not_know(options):
    with pytest.raises(ValueError, match=r"choose one of|give 1 to"):
        run_suite(options, 0, None)
