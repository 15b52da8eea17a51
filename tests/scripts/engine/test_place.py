"""Where work is done is an option that changes no figure; what is finished is kept; mistakes are told in one line."""

import json

import numpy as np
import pytest

from beamgym.agents.evaluation import blocks
from beamgym.physics.jobs import InProcess, OnRay, Processes
from beamgym.scripts.benchmark import benchmark_command
from beamgym.scripts.engine import Place, executor_for, told
from beamgym.scripts.laue_suites.playing import play_row
from beamgym.scripts.laue_suites.rows import SuiteRow

FEW = ("beamgym/LaueAlign-v1", "--policy", "index-and-move", "--episodes", 20, "--set", "exposures=5")


@pytest.fixture
def benchmark(as_verb):
    return as_verb(benchmark_command, columns=100)


def test_no_workers_work_here_and_more_than_cores_are_warned_of(capsys):
    assert isinstance(executor_for(None, None), InProcess)
    assert isinstance(executor_for(0, None, here=1), InProcess)
    assert isinstance(executor_for(1000, None), Processes)
    error = capsys.readouterr().err
    assert "warning: 1000 workers share" in error
    assert len(error.strip().splitlines()) == 1


def test_a_ray_address_takes_every_core_or_the_most_jobs_that_were_named():
    pytest.importorskip("ray")
    assert isinstance(executor_for(None, "127.0.0.1:6379"), OnRay)
    assert executor_for(0, "127.0.0.1:6379").workers is None
    assert executor_for(3, "127.0.0.1:6379").workers == 3


def test_progress_in_a_log_is_some_lines_with_what_is_done(capsys):
    with told("frames", 100) as advance:
        for _ in range(50):
            advance(2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20
    assert lines[-1].startswith("frames: 100 of 100")


def test_episodes_in_blocks_come_to_the_same_figures_and_are_played_once(benchmark, tmp_path, monkeypatch):
    one, two, three = (tmp_path / f"{name}.json" for name in "abc")
    assert benchmark(*FEW, "--json", one).exit_code == 0
    rows = ("--workers", 0, "--rows", tmp_path / "rows")
    result = benchmark(*FEW, *rows, "--json", two)
    assert result.exit_code == 0, result.output
    assert json.loads(two.read_text()) == json.loads(one.read_text())
    monkeypatch.setattr(blocks, "run_episodes", lambda *given: pytest.fail("they were played before"))
    result = benchmark(*FEW, *rows, "--json", three)
    assert result.exit_code == 0, result.output
    assert three.read_text() == two.read_text()


def test_a_row_of_a_laue_suite_comes_to_the_same_figures_in_blocks():
    row = SuiteRow("row", "row", {"level": "hard", "exposures": 5}, policies=("calibrating",))
    (here,), (apart,) = (play_row(row, (), 17, 0, place).measured for place in (None, Place()))
    assert here.result.as_dict() == apart.result.as_dict()
    for name in ("claims", "misorientation_deg"):
        one, other = (getattr(found, name, getattr(found.result.episodes, name, None)) for found in (here, apart))
        assert np.isfinite(one).any()
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--workers", -1), "workers is -1; it must lie between 0 (no process besides) and 1024"),
        (("--ray", "auto"), "the Ray address 'auto' is not HOST:PORT of the head node"),
    ],
)
def test_a_mistake_is_one_line(benchmark, words, says):
    result = benchmark(*FEW, *words)
    assert result.exit_code == 1
    assert says in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_rows_of_another_version_or_other_episodes_are_not_mixed_in(benchmark, tmp_path):
    rows = ("--workers", 0, "--rows", tmp_path)
    assert benchmark(*FEW, *rows).exit_code == 0
    result = benchmark(*FEW, *rows, "--seed", 1)
    assert result.exit_code == 1
    assert "belongs to other settings: its cases is" in result.output
