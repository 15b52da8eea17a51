"""The environments' pages say what the code does: their tables are read and compared, their examples are run."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import beamgym  # noqa: F401 - registers the environments
from beamgym.envs.actions import decode_rotation
from beamgym.envs.laue_align.factory import BEAMS, DETECTORS, LaueAlignOptions
from beamgym.envs.laue_align.rules import rules
from beamgym.envs.laue_align.task import RewardModel
from beamgym.physics.laue import camera
from beamgym.physics.laue.imperfections import LAUE_LEVELS, Imperfections
from beamgym.physics.laue.simulator import FAINTEST_COUNTS, LAUE_READOUT_S

PAGES = Path(__file__).resolve().parents[2] / "docs" / "environments"
ENVIRONMENTS = {"laue_align.md": "beamgym/LaueAlign-v0", "laue_align_image.md": "beamgym/LaueAlignImage-v0"}


def _tables(page: str) -> list[list[list[str]]]:
    """Return every table of a page as rows of cells, the heading first."""
    tables: list[list[list[str]]] = [[]]
    for line in (PAGES / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("|"):
            cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if not all(set(cell) <= {"-", ":"} for cell in cells):
                tables[-1].append(cells)
        elif tables[-1]:
            tables.append([])
    return [table for table in tables if table]


def _table(page: str, first: str) -> list[list[str]]:
    """Return the rows, without heading, of the table whose first heading is ``first``."""
    found = [table[1:] for table in _tables(page) if table[0][0] == first]
    assert len(found) == 1, f"{page} has {len(found)} tables headed {first!r}"
    return found[0]


def _code(cell: str) -> str:
    match = re.match(r"`([^`]*)`", cell)
    assert match, f"{cell!r} does not begin with code"
    return match.group(1)


def _examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture(scope="module")
def env() -> Any:
    made = gym.make("beamgym/LaueAlign-v0", disable_env_checker=True).unwrapped
    made.reset(seed=1)
    return made


def test_the_levels_on_the_page_are_those_of_the_code() -> None:
    levels = ("easy", "real", "hard", "harsh", "dim")
    heading = ["number", *(f"`{level}`" for level in levels)]
    tables = [table for table in _tables("laue_align.md") if table[0][:6] == heading]
    assert len(tables) == 1
    rows = tables[0][1:]
    assert [_code(row[0]) for row in rows] == [item.name for item in fields(Imperfections)]
    for row in rows:
        for level, cell in zip(levels, row[1:6], strict=True):
            assert float(cell) == getattr(LAUE_LEVELS[level], _code(row[0])), f"{_code(row[0])} of level {level}"
    assert set(LAUE_LEVELS) == set(levels)


@pytest.mark.parametrize("page", ENVIRONMENTS)
def test_the_observations_on_the_page_are_those_of_the_space(page: str) -> None:
    space = gym.make(ENVIRONMENTS[page], disable_env_checker=True).unwrapped.observation_space
    rows = _table(page, "key")
    assert {_code(row[0]): _code(row[1]) for row in rows} == {key: str(box.shape) for key, box in space.items()}
    assert all(box.dtype == (np.uint8 if key == "image" else np.float32) for key, box in space.items())


def test_the_numbers_of_the_reward_on_the_page_are_those_of_the_code() -> None:
    rows = next(table[1:] for table in _tables("laue_align.md") if table[0] == ["number", "value"])
    model = RewardModel()
    assert {_code(row[0]): float(row[1]) for row in rows} == {
        item.name: getattr(model, item.name) for item in fields(RewardModel) if item.name != "kind"
    }


def test_the_numbers_of_version_1_on_the_page_are_those_of_the_code() -> None:
    text, (old, new) = (PAGES / "laue_align.md").read_text(encoding="utf-8"), (rules(0), rules(1))
    for each, place in ((old, 1), (new, 2)):
        row = next(line for line in text.splitlines() if line.startswith("| `gamma`, `shaping`"))
        told = [float(number) for number in row.split("|")[place + 1].split(",")]
        assert told == [each.reward.gamma, each.reward.shaping, each.reward.time_cost, each.reward.success]
    assert f"costs {new.reward.price:g} |" in text
    assert f"| {old.max_rotation_deg:g}° | {new.max_rotation_deg:g}° |" in text


def test_the_potential_has_the_values_that_the_page_names(env: Any) -> None:
    text = (PAGES / "laue_align.md").read_text(encoding="utf-8")
    named = re.search(r"φ is ([\d.]+) at ([\d.]+)°, ([\d.]+) at ([\d.]+)° and ([\d.]+) at ([\d.]+)°", text)
    assert named
    values = [float(number) for number in named.groups()]
    potential = RewardModel().potential(np.array(values[1::2]), env.loop.task.context.tolerance_deg)
    np.testing.assert_allclose(potential, values[::2], atol=5e-4)


def test_a_shaped_step_pays_what_the_formula_on_the_page_says(env: Any) -> None:
    env.reset(seed=3)
    model, tolerance = RewardModel(), env.loop.task.context.tolerance_deg
    truth = env.loop.instrument.truth()["orientation"]
    before = model.potential(env.loop.task.context.target.error_deg(truth, env.loop.state.goals), tolerance)[0]
    _, reward, _, _, info = env.step(np.array([0.4, -0.2, 0.1, -1.0]))
    after = model.potential(np.array([info["misorientation_deg"]]), tolerance)[0]
    paid = model.gamma * after - before - model.time_cost * info["cost"]["instrument_s"]
    assert reward == pytest.approx(paid, abs=1e-9)


def test_the_options_on_the_page_are_those_of_the_code_with_their_defaults() -> None:
    rows = _table("laue_align.md", "option")
    told = {_code(row[0]): _code(row[1]) for row in rows}
    defaults = {item.name: item.default for item in fields(LaueAlignOptions)}
    assert told == {name: f'"{value}"' if isinstance(value, str) else str(value) for name, value in defaults.items()}
    takes = {_code(row[0]): row[2] for row in rows}
    for option, names in (("beam", BEAMS), ("detector", DETECTORS)):
        assert all(f"`{name}`" in takes[option] for name in names)


def test_the_keys_of_info_on_the_page_are_those_that_come_back(env: Any) -> None:
    _, first = env.reset(seed=1)
    *_, info = env.step(np.zeros(4))
    costs = {_code(row[0]) for row in _table("laue_align.md", "cost")}
    assert set(first["cost"]) == set(info["cost"]) == costs
    keys = {_code(row[0]) for row in _table("laue_align.md", "key of a step's info")}
    assert set(info) == keys | {"cost"}


def test_the_times_and_the_cube_law_are_as_the_page_says(env: Any) -> None:
    text = (PAGES / "laue_align.md").read_text(encoding="utf-8")
    context = env.loop.task.context
    assert f"exposure {context.exposure_s:g} s and read-out {context.readout_s:g} s a frame" in text
    assert context.readout_s == LAUE_READOUT_S
    assert f"motors at {context.goniometer.axes[0].speed:g}°/s" in text
    assert f"fewer than {FAINTEST_COUNTS:g} counts" in text
    assert "|a| = 0.1 is 0.09° and |a| = 1 is 90°" in text
    turns = decode_rotation(np.array([[0.1, 0, 0], [0, 1.0, 0]]), context.max_rotation_deg)
    np.testing.assert_allclose(turns, [[0.09, 0, 0], [0, 90, 0]], atol=1e-12)


def test_the_camera_on_the_page_is_the_camera_of_the_code() -> None:
    rows = next(table for table in _tables("laue_align_image.md") if table[0] == ["number", "value", "why"])[1:]
    told = {row[0]: row[1] for row in rows}
    hill, width = camera.BACKGROUND, f"standard deviation {camera.BACKGROUND.hill_width_deg:g}°"
    assert told == {
        "spot, standard deviation": f"{camera.SPOT_MM:g} mm, at least half a pixel",
        "diffuse hill": f"{hill.hill_per_mm2:g} counts/(s mm²) at the beam, {width}",
        "flat background": f"{hill.flat_per_mm2:g} counts/(s mm²)",
        "beam hole": f"radius {camera.HOLE_MM:g} mm",
        "gain": f"{camera.GAIN:g} units a count",
        "pedestal, read noise": f"{camera.PEDESTAL:g}, {camera.READ_NOISE:g} units",
        "read-out": "16 bits",
        "full pixels": f"{100 * camera.MAX_SATURATED_SHARE:g} % at most, or the frame is refused (`FrameFailed`)",
    }
    assert camera.LEAST_SPOT_PX == 0.5
    assert camera.FAINTEST_COUNTS == FAINTEST_COUNTS


@pytest.mark.parametrize(("page", "number"), [(page, i) for page in ENVIRONMENTS for i in range(len(_examples(page)))])
def test_the_examples_on_the_page_run(page: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {}
    exec(compile(_examples(page)[number], f"{page}, example {number + 1}", "exec"), space)
    assert "observation" in space or (tmp_path / "episode.gif").stat().st_size > 0
