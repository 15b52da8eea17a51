"""`beamgym speed` keeps its machine-readable contract; how fast anything is, no test says."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from beamgym.scripts import main, speed
from beamgym.scripts.speeds import cases as speed_cases
from beamgym.scripts.speeds import row as speed_row
from beamgym.scripts.speeds.work import Work

KEYS = ["name", "value", "unit", "peer", "peer_value", "ratio"]
CONTRACT = (
    "laue_spots_si_back",
    "laue_image_2048",
    "laue_image_84_noise",
    "index_60_peaks",
    "env_laue_spots_vec256",
    "env_laue_image_84",
)


def invoke(*words):
    return CliRunner().invoke(main.app, ["speed", *words])


def test_the_names_of_the_contract_are_there():
    assert set(CONTRACT) <= set(speed_cases.CASES)
    assert set(speed_cases.PEERS) <= set(speed_cases.CASES)


def test_one_row_is_written_as_the_contract_says(tmp_path):
    file = tmp_path / "speed.json"
    result = invoke("--only", "laue_image_84_noise", "--repeats", "1", "--seconds", "0", "--json", str(file))
    assert result.exit_code == 0, result.output
    (row,) = json.loads(file.read_text())
    assert list(row) == KEYS
    assert (row["name"], row["unit"]) == ("laue_image_84_noise", "images/s")
    assert row["value"] > 0
    assert row["peer"] is row["peer_value"] is row["ratio"] is None
    assert [entry.name for entry in tmp_path.iterdir()] == ["speed.json"]


def test_an_absent_peer_is_null(monkeypatch):
    def absent(seed):
        raise ModuleNotFoundError("No module named 'laue_torch'", name="laue_torch")

    monkeypatch.setitem(speed_cases.CASES, "laue_spots_si_back", (lambda seed: Work(lambda: None, 3), "lists/s"))
    monkeypatch.setitem(speed_cases.PEERS, "laue_spots_si_back", ("laue-torch", absent))
    row = speed_row.row("laue_spots_si_back", 0, 1, 0.0)
    assert row["peer"] is row["peer_value"] is row["ratio"] is None


def test_the_ratio_is_ours_by_theirs(monkeypatch):
    monkeypatch.setattr(speed_row, "measure", lambda work, repeats, seconds: work.amount)
    monkeypatch.setitem(speed_cases.CASES, "laue_spots_si_back", (lambda seed: Work(lambda: None, 30), "lists/s"))
    monkeypatch.setitem(speed_cases.PEERS, "laue_spots_si_back", ("peer", lambda seed: Work(lambda: None, 4)))
    assert speed_row.row("laue_spots_si_back", 0, 1, 0.0)["ratio"] == 7.5


def test_the_first_call_which_compiles_is_not_counted():
    calls = []
    speed_row.measure(Work(lambda: calls.append(len(calls)), 1), repeats=3, seconds=0.0)
    assert len(calls) == 4


def test_rows_run_with_one_thread_whatever_the_environment_says():
    assert set(speed.ONE_THREAD.values()) == {"1"}
    assert {"OMP_NUM_THREADS", "NUMBA_NUM_THREADS"} <= set(speed.ONE_THREAD)


def test_the_timed_cases_do_what_they_are_called():
    assert speed_cases.laue_image_84_noise(0).once().shape == (256, 84, 84)
    spots = speed_cases.laue_spots_si_back(0).once()
    assert len(spots.count) == 256
    assert np.all(spots.intensity[spots.mask] > 0)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--only", "laue_spots_si_bak"), "did you mean 'laue_spots_si_back'"),
        (("--only", "laue_spots_si_back", "--json", "/nowhere/at/all.json"), "directory that exists"),
    ],
)
def test_a_mistake_is_one_line_and_a_failure(words, says):
    result = invoke(*words)
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if line.strip()]
    assert line.startswith("error: ")
    assert says in line


def test_a_row_that_fails_says_why():
    with pytest.raises(OSError, match=r"could not be measured: KeyError"):
        speed.measured_apart("no_such_row", 0, 1, 0.0)
