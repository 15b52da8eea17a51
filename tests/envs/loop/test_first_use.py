"""What is said before kernels are compiled for the first time."""

from pathlib import Path

import pytest

from beamgym.envs.loop import QUIET, first_use, tell_of_compiling
from beamgym.envs.make import make_env


@pytest.fixture
def heard(monkeypatch):
    monkeypatch.delenv(QUIET, raising=False)
    monkeypatch.setattr(first_use, "_told", [])


def test_an_empty_cache_is_told_of_once_with_the_place(heard, monkeypatch, capsys):
    monkeypatch.setattr(first_use, "_cache_files", lambda: [Path(f"/nowhere/at/{room}/kernel.nbi") for room in "ab"])
    tell_of_compiling()
    tell_of_compiling()
    (line,) = capsys.readouterr().err.splitlines()
    assert "kept in /nowhere/at;" in line
    assert "beamgym warm-up" in line


def test_a_filled_cache_and_a_quiet_user_hear_nothing(heard, monkeypatch, capsys, tmp_path):
    compiled = [tmp_path / f"kernel_{i}.nbi" for i in range(3)]
    for path in compiled:
        path.touch()
    # What another task needs was not compiled yet; this is no first use all the same.
    monkeypatch.setattr(first_use, "_cache_files", lambda: [*compiled, *(tmp_path / f"{i}.nbi" for i in range(90))])
    tell_of_compiling()
    monkeypatch.setenv(QUIET, "1")
    monkeypatch.setattr(first_use, "_cache_files", lambda: [Path("/nowhere/kernel.nbi")])
    tell_of_compiling()
    assert capsys.readouterr().err == ""


def test_numba_still_says_where_it_keeps_kernels():
    make_env("zone")
    assert all(path.suffix == ".nbi" for path in first_use._cache_files())
    assert len(first_use._cache_files()) > 20
