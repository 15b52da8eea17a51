"""`beamgym fit-level` reads what runs leave, writes a level that everything takes, and says what it cannot use."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import yaml

from beamgym.envs.episodes import EPISODES, Episode, append_episode
from beamgym.hardware_bridge.instrument_file import context_of, load_instrument, shipped_instrument
from beamgym.physics.laue.imperfections import LAUE_LEVELS, imperfections, read_level
from beamgym.physics.laue.level_fit import Estimate, random_targets, simulated_runs
from beamgym.physics.laue.simulator import LaueContext
from beamgym.scripts.fit_level.command import fit_level_command
from beamgym.scripts.fit_level.recorded import recorded_run
from beamgym.scripts.fit_level.tables import notes, trials_table

REAL = LAUE_LEVELS["real"]


@pytest.fixture
def fit_level(as_verb):
    return as_verb(fit_level_command, columns=160)


def about(file):
    limits = [axis.limits or (-180.0, 180.0) for axis in file.axes]
    axes = [
        {"name": axis.name, "unit": "deg", "limits": list(ends)} for axis, ends in zip(file.axes, limits, strict=True)
    ]
    return {"env_id": "beamgym/LaueAlign-v0", "axes": axes}


def an_episode(run, file):
    """A run as the bridge records it: the declaration at its end repeats the last frame."""
    again = np.r_[np.arange(run.frames), run.frames - 1]
    steps = run.frames
    infos = {
        "target": run.target[again],
        "readback": run.readback[again],
        "declared": np.arange(steps + 1) == steps,
        "exposure_s": run.exposure_s[again],
        "found_px": run.peaks.position_px[again],
        "found_intensity": run.peaks.intensity[again],
        "found_count": run.peaks.count[again],
        "found_saturated": run.peaks.saturated[again],
    }
    none = np.zeros(steps, np.bool_)
    return Episode({}, np.zeros((steps, 4), np.float32), np.zeros(steps), none, none, infos, about(file))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder with the runs of a simulated instrument, as `beamgym deploy` leaves them."""
    folder = tmp_path_factory.mktemp("out")
    shutil.copy(shipped_instrument("laue_soft_ioc"), folder / "instrument.yaml")
    file = load_instrument(folder / "instrument.yaml")
    known = context_of(file)
    context = LaueContext(known.crystal, known.goniometer, known.detector, known.beam)
    runs = simulated_runs(context, REAL, random_targets(context, 5, 3, 4), 10.0, 4)
    for run in runs[:4]:
        append_episode(folder / EPISODES, an_episode(run, file))
    (folder / "rearmed-2").mkdir()
    append_episode(folder / "rearmed-2" / EPISODES, an_episode(runs[4], file))
    return SimpleNamespace(folder=folder, runs=runs, file=file)


def test_a_folder_of_runs_becomes_a_level_that_an_environment_takes(fit_level, recorded, tmp_path):
    out, figures = tmp_path / "mine.yaml", tmp_path / "mine.json"
    result = fit_level(str(recorded.folder), "--out", str(out), "--against", "real", "--json", str(figures))
    assert result.exit_code == 0, result.exception
    assert "5 runs, 15 frames" in result.output
    file, found = read_level(out), json.loads(figures.read_text(encoding="utf-8"))
    assert (file.source["instrument"], file.source["sample"], file.source["frames"]) == ("laue-soft-ioc", "Si", 15)
    assert set(file.intervals) == set(found["estimates"])
    for name, row in found["estimates"].items():
        assert file.imperfections[name] == row["value"]
        assert row["within"] == (row["low"] <= row["true"] <= row["high"])
    assert sum(row["within"] for row in found["estimates"].values()) >= 10
    env = gym.make("beamgym/LaueAlign-v0", level=str(out))
    assert env.reset(seed=1)[0]["spots"].any()


def test_a_frame_that_a_declaration_repeats_counts_once(recorded):
    run = recorded_run(recorded.folder, an_episode(recorded.runs[0], recorded.file))
    assert run.frames == 3
    assert np.array_equal(run.readback, recorded.runs[0].readback)
    assert np.array_equal(run.peaks.position_px, recorded.runs[0].peaks.position_px)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "name the folders of recorded runs"),
        (("nowhere",), "there is no nowhere"),
        (("RUNS", "--out", "mine.txt"), "--out is mine.txt; a level's file ends in .yaml"),
        (("RUNS", "--against", "awful"), "unknown level 'awful'"),
        (("RUNS", "--trials", "3"), "--trials simulates its own runs"),
        (("RUNS/rearmed-2",), "1 runs with 3 frames can be used, 0 cannot; at least 3 runs and 12 frames"),
        (("ALONE",), "there is no instrument.yaml beside"),
        (("ARPES",), "arpes-soft-ioc is no Laue instrument"),
        (("RUNS", "OTHER"), "are runs of instruments with another camera; fit them apart"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(fit_level, recorded, tmp_path, words, line):
    episode = an_episode(recorded.runs[0], recorded.file)
    for name in ("ALONE", "ARPES", "OTHER"):
        (tmp_path / name / "run").mkdir(parents=True)
        append_episode(tmp_path / name / "run" / EPISODES, episode)
    content = yaml.safe_load((recorded.folder / "instrument.yaml").read_text(encoding="utf-8"))
    content["detector"]["origin_mm"][0] = -71.0
    (tmp_path / "OTHER" / "run" / "instrument.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    arpes = tmp_path / "ARPES" / "run"
    shutil.copy(shipped_instrument("arpes_soft_ioc"), arpes / "instrument.yaml")
    (arpes / EPISODES).unlink()
    append_episode(arpes / EPISODES, replace(episode, about=about(load_instrument(arpes / "instrument.yaml"))))
    places = {name: str(tmp_path / name) for name in ("ALONE", "ARPES", "OTHER")} | {"RUNS": str(recorded.folder)}
    given = [places.get(word, word.replace("RUNS", places["RUNS"])) for word in words]
    result = fit_level(*given)
    assert result.exit_code != 0
    assert line in str(result.exception)
    assert "\n" not in str(result.exception)


def test_runs_without_spots_are_refused(recorded):
    episode = an_episode(recorded.runs[0], recorded.file)
    infos = {name: values for name, values in episode.infos.items() if not name.startswith("found")}
    with pytest.raises(ValueError, match="an episode without found spots"):
        recorded_run(recorded.folder, replace(episode, infos=infos))


def a_fit(value, low, high, one=False):
    estimates = {"backlash_deg": Estimate(value, low, high)}
    camera = {"along fast / mm": (0.3, 0.01)} if one else {}
    return SimpleNamespace(
        estimates=estimates, runs=3, frames=12, spots=400, left_out={1: "dark"}, one_instrument=one, camera=camera,
        follows="readback" if one else "target",
    )  # fmt: skip


def test_trials_count_the_intervals_that_hold_the_true_number():
    table = trials_table([a_fit(0.05, 0.04, 0.06), a_fit(0.07, 0.06, 0.08)], imperfections("real"))
    assert [next(iter(column.cells)) for column in table.columns] == [
        "backlash_deg",
        "0.05",
        "0.07",
        "0.05",
        "0.07",
        "1 of 2",
    ]


def test_what_was_left_out_and_where_the_camera_stands_is_said():
    lines = notes(a_fit(0.05, 0.04, 0.06, one=True))
    assert "run 2 is left out: dark" in lines
    assert "  along fast / mm: +0.300 ± 0.010" in lines
    assert any("where they read, not where they were sent" in line for line in lines)
