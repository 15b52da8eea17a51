"""`beamgym benchmark laue-levels` and `laue-crystals` keep their contract, and refuse in one line before any work."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.imperfections import LAUE_LEVELS
from beamgym.scripts.benchmark import benchmark_command
from beamgym.scripts.laue_suites import harsh, images, playing, suite
from beamgym.scripts.laue_suites.crystals import CRYSTALS, SYSTEMS, lattice_system, rows_of
from beamgym.scripts.laue_suites.levels import CAMERA, ROWS, ZERO_ERRORS
from beamgym.scripts.laue_suites.page import command_line, machine, processor
from beamgym.scripts.laue_suites.rows import Goal


@pytest.fixture
def benchmark(as_verb):
    return as_verb(benchmark_command, columns=100)


@pytest.fixture
def quick(monkeypatch):
    """Only policies that need nothing prepared."""
    monkeypatch.setattr(playing, "USUAL", ("no-op", "random"))


def test_every_policy_has_the_same_starts_on_every_row(quick, benchmark, tmp_path):
    file = tmp_path / "figures.json"
    result = benchmark("laue-levels", "--level", "hard", "--episodes", 3, "--seed", 2, "--json", file)
    assert result.exit_code == 0, result.output
    content = json.loads(file.read_text())
    assert set(content) == {"suite", "seed", "episodes", "rows", "bars", "over_all_rows"}
    assert (content["suite"], content["seed"], content["episodes"]) == ("laue-levels", 2, 3)
    assert list(content["rows"]) == ["hard, 0.25°", "hard, 0.1°"]
    coarse, fine = (row["policies"]["no-op"] for row in content["rows"].values())
    assert coarse["failed"] == fine["failed"]  # it never moves: where it ends is where it started
    assert len(coarse["failed"]) == coarse["success"]["total"] == 3
    assert coarse["exposures_median"] == 20.0
    assert coarse["dose_s_median"] == 10.0
    curve = content["rows"]["hard, 0.25°"]["curves"]
    assert (curve["counted"], set(curve["success"])) == ("exposures", {"no-op", "random"})


def test_the_page_and_the_table_name_the_crystals_system(quick, benchmark, tmp_path):
    page = tmp_path / "page.md"
    words = ("laue-crystals", "--crystal", "kyanite", "--episodes", 2, "--policy", "true-pose", "--page", page)
    result = benchmark(*words)
    assert result.exit_code == 0, result.output
    assert "kyanite, triclinic" in result.output
    text = page.read_text()
    assert "beamgym benchmark laue-crystals --episodes 2 --seed 0 --policy true-pose --crystal kyanite\n" in text
    assert "| kyanite, triclinic | true-pose* | 100.0 (34.2–100.0) |" in text
    assert "meant for 200 episodes" in text
    assert machine() in text
    assert str(tmp_path) not in text


def test_the_page_has_pictures_of_what_failed_beside_it(monkeypatch, benchmark, tmp_path):
    few = [replace(row, policies=("index-and-move", "no-op")) for row in images.ROWS]
    monkeypatch.setattr(images, "ROWS", few)
    page = tmp_path / "page.md"
    result = benchmark("laue-image", "--level", "hard", "--episodes", 4, "--page", page)
    assert result.exit_code == 0, result.output
    pictures = sorted((tmp_path / "page_worst").iterdir())
    assert pictures
    text = page.read_text()
    for path in pictures:
        assert f"(<page_worst/{path.name}>)" in text
        with Image.open(path) as picture:
            assert (picture.format, picture.size) == ("PNG", (420, 470))
            assert np.asarray(picture.convert("RGB")).std() > 5
    assert "declared: right orientation, yet" in text
    assert "no-op" not in text.split("## The worst episodes")[1]


def test_an_agent_of_silicon_has_no_line_on_another_crystal(monkeypatch, benchmark):
    monkeypatch.setattr(playing, "USUAL", ("no-op", "shipped"))
    result = benchmark("laue-crystals", "--crystal", "Al2O3", "--episodes", 1)
    assert result.exit_code == 0, result.output
    assert " no-op" in result.output
    assert [line.split() for line in result.output.splitlines() if "shipped" in line] == [
        ["shipped", "is", "left", "out", "where", "it", "cannot", "play:", "Al2O3,", "rhombohedral."]
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["laue-level"], "did you mean 'laue-levels'"),
        (["laue-horse"], "did you mean 'laue-harsh'"),
        (
            ["xyz"],
            "The suites are arpes-domains, arpes-gap, arpes-measured, arpes-scorer, bands, denoise, engine",
        ),
        (["laue-harsh", "--crystal", "kyanit"], "unknown crystal 'kyanit'; did you mean 'kyanite'"),
        (["laue-harsh", "--level", "hard"], "--level is for environments, arpes-measured, laue-levels, laue-image"),
        (["laue-levels", "--level", "hrad"], "unknown level 'hrad'; did you mean 'hard'"),
        (["laue-levels", "--level", "xyz"], "choose one of real, hard, two-arc, camera, zero-errors"),
        (
            ["laue-levels", "--crystal", "Si"],
            "--crystal is for environments, laue-crystals and laue-harsh; laue-levels",
        ),
        (["laue-levels", "--policy", "calibrted"], "unknown policy 'calibrted'; did you mean 'calibrating'"),
        (["laue-levels", "--policy", "raster"], "raster plays another task"),
        (["laue-levels", "--episodes", "0"], "episodes is 0; it must lie between 1 and"),
        (["laue-levels", "--seed", "-1"], "the seed is -1"),
        (["laue-levels", "--pictures", "3"], "--pictures is for denoise and index; laue-levels takes"),
        (["laue-levels", "--goniometer", "psic"], "--goniometer is for environments; laue-levels takes"),
        (["index", "--level", "hard"], "--level compares policies; index takes"),
        (["laue-levels", "--page", "nowhere/page.md"], "cannot write nowhere"),
        (["laue-crystals", "--crystal", "kyanit"], "unknown crystal 'kyanit'; did you mean 'kyanite'"),
        (["laue-crystals", "--level", "herd"], "unknown level 'herd'; did you mean 'hard'"),
        (["laue-crystals", "--level", "none.yaml"], "cannot read the level's file none.yaml"),
        (["index", "--page", "page.md"], "laue-zone and learn; index takes"),
        (["beamgym/LaueAlign-v0", "--page", "page.md"], "--page is for laue-levels, laue-image, laue-crystals"),
        (["laue-image", "--level", "size"], "unknown level 'size'; did you mean 'sizes'"),
        (["laue-image", "--crystal", "Si"], "--crystal is for environments, laue-crystals and laue-harsh; laue-image"),
    ],
)
def test_a_mistake_is_one_line_and_costs_no_work(benchmark, monkeypatch, arguments, says):
    monkeypatch.setattr(suite, "play_row", lambda *given: pytest.fail("episodes were played"))
    result = benchmark(*arguments)
    assert result.exit_code == 1
    assert says in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_the_instruments_beyond_hard_differ_from_it_in_what_they_are_named_after():
    hard = LAUE_LEVELS["hard"]
    assert (CAMERA.detector_shift_mm, CAMERA.detector_tilt_deg) == (2.0, 1.0)
    assert ZERO_ERRORS.zero_error_deg == 0.3
    for level, names in ((CAMERA, {"detector_shift_mm", "detector_tilt_deg"}), (ZERO_ERRORS, {"zero_error_deg"})):
        assert {name for name, value in vars(level).items() if value != getattr(hard, name)} == names


def test_every_row_of_the_levels_has_a_goal_and_its_own_name():
    assert all(row.goal is not None for row in ROWS)
    assert len({row.name for row in ROWS}) == len(ROWS) == 8
    assert [row.goal.success for row in ROWS] == [0.995, 0.985] * 3 + [0.97, 0.98]


def test_the_eight_crystals_are_of_all_seven_lattice_systems():
    found = {name: lattice_system(load_crystal(name)) for name in CRYSTALS}
    assert set(found.values()) == set(SYSTEMS.values())
    assert (found["Si"], found["quartz"], found["Al2O3"], found["FePS3"]) == (
        "cubic",
        "hexagonal",
        "rhombohedral",
        "monoclinic",
    )


def test_rows_of_images_play_images_and_rendered_rows_stand_beside_lists():
    groups = {group: [row for row in images.ROWS if row.group == group] for group in {row.group for row in images.ROWS}}
    assert set(groups) == {"real", "hard", "sizes", "crystals", "rendered"}
    assert {row.env_id for row in images.ROWS if row.group != "rendered"} == {"beamgym/LaueAlignImage-v0"}
    assert {row.env_id for row in groups["rendered"]} == {"beamgym/LaueAlign-v0"}
    assert len({row.name for row in images.ROWS}) == len(images.ROWS)
    goals = [row.goal for row in groups["rendered"] if row.goal is not None]
    assert [goal.beside for goal in goals] == ["lists, real", "lists, hard"]
    assert {goal.apart for goal in goals} == {0.02}
    assert len(groups["crystals"]) == 7


def test_the_suite_of_images_plays_policies_that_see_images(monkeypatch, benchmark, tmp_path):
    few = [replace(row, policies=("index-and-move", "nelder-mead", "no-op")) for row in images.ROWS]
    monkeypatch.setattr(images, "ROWS", few)
    file = tmp_path / "figures.json"
    result = benchmark("laue-image", "--level", "real", "--episodes", 4, "--json", file)
    assert result.exit_code == 0, result.output
    rows = json.loads(file.read_text())["rows"]
    assert list(rows) == ["Si 84², real", "Si 84², real, 0.1°"]
    assert rows["Si 84², real"]["policies"]["index-and-move"]["success"]["count"] == 4
    assert set(rows["Si 84², real"]["policies"]) == {"index-and-move", "no-op"}
    assert "nelder-mead is left out" in result.output


def test_the_suite_at_harsh_compares_policies_on_the_same_starts(monkeypatch, benchmark, tmp_path):
    monkeypatch.setattr(harsh, "POLICIES", ("no-op", "true-pose"))
    monkeypatch.setattr(harsh, "GOAL", Goal(above="no-op", lead=0.1))
    file = tmp_path / "figures.json"
    original = harsh.SuiteRow
    monkeypatch.setattr(harsh, "SuiteRow", lambda *given, **named: original(*given, **named, policy="true-pose"))
    result = benchmark("laue-harsh", "--crystal", "LSCO", "--episodes", 3, "--json", file)
    assert result.exit_code == 0, result.output
    content = json.loads(file.read_text())
    names = ["La2-xSrxCuO4, tetragonal, 0.25°", "La2-xSrxCuO4, tetragonal, 1°"]
    assert list(content["rows"]) == names
    assert [bar["figure"] for bar in content["bars"]] == [f"{name}: aligned, less no-op" for name in names]
    assert content["bars"][1] == {
        "figure": f"{names[1]}: aligned, less no-op",
        "bar": "≥ +10 points",
        "reached": "+100.0 points; 3 only true-pose, 0 only it",
        "met": True,
    }


def test_the_crystals_at_harsh_are_of_six_systems_and_each_has_a_rival():
    rows = harsh.rows_of(None)
    assert len({lattice_system(load_crystal(name)) for name in harsh.CRYSTALS}) == 6
    assert len({row.name for row in rows}) == len(rows) == 12
    for row in rows:
        assert row.goal.above in row.policies
        assert row.options["level"] == "harsh"


def test_goals_are_for_the_usual_crystals_at_hard():
    assert all(row.goal is not None for row in rows_of(None, "hard"))
    assert all(row.goal is None for row in rows_of(None, "real"))
    assert [row.goal for row in rows_of("Ge", "hard")] == [None]


def test_the_command_repeats_what_was_asked_and_not_where_it_goes(tmp_path):
    options = {"policy": ["a b", "c"], "level": "hard", "page": tmp_path / "page.md", "episodes": 4}
    assert command_line("laue-levels", options, 4, 7) == (
        "beamgym benchmark laue-levels --episodes 4 --seed 7 --policy 'a b' --policy c --level hard"
    )


def test_the_processor_is_named_as_linux_tells_it(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel name\t: A Processor 9\n")
    assert processor(file) == "A Processor 9"
    assert processor(tmp_path / "none")
