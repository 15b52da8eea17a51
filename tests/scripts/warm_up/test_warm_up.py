"""`beamgym warm-up` compiles what environments, demo and deployments need, and says what and how long."""

import json
import os
import subprocess
import sys

import pytest
from numba import njit
from typer.testing import CliRunner

from beamgym.envs import ENVIRONMENTS
from beamgym.scripts import main
from beamgym.scripts.warm_up import command
from beamgym.scripts.warm_up.parts import parts


@pytest.fixture
def few_parts(monkeypatch):
    chosen = {name: part for name, part in parts().items() if "Zone" in name or name == "demo with Si"}
    monkeypatch.setattr(command, "parts", lambda: chosen)
    return chosen


def test_every_environment_the_demo_and_every_shipped_policy_are_warmed_up():
    names = list(parts())
    assert set(ENVIRONMENTS) <= set(names)
    assert [name for name in names if name.startswith("demo")] == ["demo with Si", "demo with quartz"]
    assert sum(name.startswith("deploy ") for name in names) == 2


def test_it_prints_a_line_for_each_part_and_writes_them(few_parts, tmp_path):
    file = tmp_path / "parts.json"
    result = CliRunner().invoke(main.app, ["warm-up", "--json", str(file)])
    assert result.exit_code == 0, result.output
    assert all(name in result.output for name in few_parts)
    assert "functions compiled in" in result.output
    rows = json.loads(file.read_text(encoding="utf-8"))
    assert [row["name"] for row in rows] == list(few_parts)
    assert all(row["why"] is None and row["seconds"] >= 0.0 for row in rows)


def test_one_that_is_ended_early_keeps_what_it_did_and_says_so(monkeypatch, tmp_path):
    def ended():
        raise KeyboardInterrupt

    def absent():
        raise ImportError("run: pip install 'beamgym[ioc]'")

    monkeypatch.setattr(command, "parts", lambda: {"one": absent, "two": ended, "three": ended})
    file = tmp_path / "parts.json"
    result = CliRunner().invoke(main.app, ["warm-up", "--json", str(file)])
    assert result.exit_code != 0
    assert "left out   one: run: pip install 'beamgym[ioc]'" in result.output
    assert "ended after 1 of 3 parts" in result.output
    assert [row["name"] for row in json.loads(file.read_text(encoding="utf-8"))] == ["one"]


@pytest.mark.parametrize("name", [name for name in parts() if name.startswith("deploy")])
def test_a_deployment_is_rehearsed_without_an_instrument(name):
    assert command.timed(parts()[name])["why"] is None


def test_what_is_compiled_is_counted_and_not_counted_again():
    @njit
    def twice(x):
        return 2 * x

    assert command.timed(lambda: twice(1.0))["compiled"] == 1
    assert command.timed(lambda: twice(1.0))["compiled"] == 0
    assert "nothing to compile" in command.line({"name": "twice", "compiled": 0, "seconds": 0.1, "why": None})


def test_a_part_whose_extra_is_not_installed_is_left_out_and_says_why():
    def part():
        raise ImportError("bluesky is needed; pip install 'beamgym[hardware]'")

    row = {"name": "deploy", **command.timed(part)}
    assert command.line(row) == "left out   deploy: bluesky is needed; pip install 'beamgym[hardware]'"


def test_it_says_where_the_kernels_are_kept(tmp_path):
    code = "from beamgym.scripts.warm_up.command import kept_in; print(kept_in())"
    elsewhere = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=elsewhere)
    assert done.stdout.strip() == str(tmp_path)
