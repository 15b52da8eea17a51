"""`beamgym benchmark` keeps its machine-readable contract, and fails with one line."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from stable_baselines3 import PPO
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import beamgym
from beamgym.agents.evaluation.evaluator import Episodes, summarise
from beamgym.agents.training import NativeVecEnv
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files import save_detector
from beamgym.scripts import command_line
from beamgym.scripts.benchmark import benchmark_command
from beamgym.scripts.benchmarking.board import telling_episodes

DOCS = Path(__file__).parents[2] / "docs"
ID = "beamgym/LaueAlign-v0"
FIGURES = {
    "oracle",
    "success_rate",
    "success_ci95",
    "exposures_median",
    "motor_s_median",
    "instrument_s_median",
    "misorientation_deg_median",
}


@pytest.fixture
def benchmark(as_verb):
    return as_verb(benchmark_command, columns=100)


def test_the_json_is_what_the_contract_says(benchmark, tmp_path):
    file = tmp_path / "figures.json"
    baselines = ("random", "no-op", "true-pose", "nelder-mead", "index-and-move")
    named = [word for name in baselines for word in ("--policy", name)]
    result = benchmark(ID, *named, "--episodes", "10", "--seed", "4", "--level", "easy", "--json", str(file))
    assert result.exit_code == 0, result.output
    content = json.loads(file.read_text())
    assert set(content) == {"env", "level", "episodes", "seed", "beamgym", "stop", "policies"}
    assert (content["beamgym"], content["stop"]) == (beamgym.__version__, "declare")
    assert [name for name, figures in content["policies"].items() if figures["oracle"]] == ["true-pose"]
    assert (content["env"], content["level"], content["episodes"], content["seed"]) == (ID, "easy", 10, 4)
    assert tuple(content["policies"]) == baselines
    for figures in content["policies"].values():
        assert set(figures) == FIGURES
        low, high = figures["success_ci95"]
        assert 0 <= low <= figures["success_rate"] <= high <= 1
    assert content["policies"]["true-pose"]["success_rate"] == 1.0
    assert content["policies"]["no-op"]["exposures_median"] == 20.0, "failures count at full budget"
    assert [entry.name for entry in tmp_path.iterdir()] == ["figures.json"]


def test_every_key_of_the_json_stands_on_the_page_of_the_leaderboard(benchmark, tmp_path):
    file = tmp_path / "figures.json"
    options = ("--set", "exposures=3", "--stop", "truth", "--curves", str(tmp_path / "curves.svg"))
    result = benchmark(ID, "--policy", "no-op", "--episodes", "1", "--json", str(file), *options)
    assert "exposures=3" in " ".join(result.stdout.split()), "the table's heading names what was set"
    content = json.loads(file.read_text())
    section = (DOCS / "leaderboard.md").read_text(encoding="utf-8").split("## What the JSON holds")[1].split("## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    assert set(content) == {key for row in rows for key in re.findall(r"`(\w+)`", row[1])}
    assert {*content["policies"]["no-op"], *content["curves"]} <= set(re.findall(r"`(\w+)`", section))
    assert (content["stop"], content["options"]) == ("truth", {"exposures": 3, "stop": "truth"})


def test_the_same_command_gives_the_same_figures(benchmark, tmp_path):
    for name in ("one", "two"):
        benchmark(ID, "--policy", "index-and-move", "--episodes", "5", "--json", str(tmp_path / name))
    assert (tmp_path / "one").read_text() == (tmp_path / "two").read_text()


def test_the_table_names_the_stopping_mode_and_what_the_head_excludes(benchmark):
    result = benchmark(ID, "--policy", "true-pose", "--episodes", "4", "--goniometer", "two-arc")
    assert "stopping: declare" in result.output
    assert "random starts are excluded" in result.output
    result = benchmark(ID, "--policy", "true-pose", "--episodes", "2", "--stop", "truth")
    assert "stopping: truth" in result.output


def test_by_default_those_who_cannot_play_are_left_out_with_a_note(benchmark):
    result = benchmark("beamgym/LaueAlignImage-v0", "--episodes", "1")
    assert result.exit_code == 0, result.output
    assert "nelder-mead is left out" in result.output
    assert "true-pose*" in result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["beamgym/LaueAlgn-v0"], "did you mean 'beamgym/LaueAlign-v0'"),
        (["lab/Lamp-v0"], "beamgym --import MODULE benchmark lab/Lamp-v0"),
        ([ID, "--policy", "index_and_move"], "did you mean 'index-and-move'"),
        ([ID, "--level", "reel"], "level"),
        ([ID, "--crystal", "Sii"], "did you mean 'Si'"),
        ([ID, "--episodes", "0"], "at least 1"),
        ([ID, "zones"], "'zones' is one word too many"),
        (["learn", "zone"], "did you mean zones"),
        ([ID, "--seed", "-1"], "between 0 and"),
        ([ID, "--tolerance-deg", "0"], "tolerance_deg"),
        ([ID, "--json", "/nowhere/at/all.json"], "directory that exists"),
        (["beamgym/LaueAlignImage-v0", "--policy", "nelder-mead", "--episodes", "1"], "spot observations"),
    ],
)
def test_a_mistake_is_one_line_and_a_failure(benchmark, arguments, says):
    result = benchmark(*arguments)
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if line.strip()]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert says in lines[0]


@pytest.mark.parametrize(
    ("options", "policy", "says"),
    [
        (["observation=estimate"], "index-and-move", "index-and-move needs found spots or the camera's image"),
        (["observation=estimate"], "true-pose", "needs 'axes' in the observation, which has estimate"),
        (["observation=estimate", "action=decisions"], "no-op", "the environment takes choices"),
        (["observation=estimate"], "laue-align-si", "bundle laue-align-si observes"),
        (["action=axes"], "laue-align-si", "action has shape (7,), the bundle needs (4,)"),
    ],
)
def test_a_policy_made_for_something_else_is_refused_before_anything_is_played(
    benchmark, monkeypatch, options, policy, says
):
    monkeypatch.setattr("beamgym.scripts.benchmarking.policies.evaluate_in", lambda *_, **__: pytest.fail("it began"))
    settings = [word for option in options for word in ("--set", option)]
    before = [] if "action=decisions" in options else ["--policy", "random"]
    result = benchmark("beamgym/LaueAlign-v1", *settings, *before, "--policy", policy, "--episodes", "2")
    assert result.exit_code == 1
    assert says in " ".join(result.stderr.split())
    assert result.stderr.strip().count("\n") == 0


def test_figures_go_to_tensorboard_on_request(benchmark, tmp_path):
    result = benchmark(ID, "--policy", "no-op", "--episodes", "2", "--logdir", str(tmp_path / "runs"))
    assert result.exit_code == 0, result.output
    events = EventAccumulator(str(tmp_path / "runs" / "no-op"), size_guidance={"scalars": 0})
    events.Reload()
    tags, group = events.Tags(), f"benchmark/{ID}/real"
    assert {f"{group}/success_{name}" for name in ("rate", "low", "high", "by_exposures")} <= set(tags["scalars"])
    assert [event.step for event in events.Scalars(f"{group}/success_by_exposures")] == list(range(21))
    assert {f"{group}/median_episode", f"{group}/worst_episode"} == set(tags["images"])
    for which in ("median", "worst"):
        assert events.Images(f"{group}/{which}_episode")[0].encoded_image_string[:6] in (b"GIF87a", b"GIF89a")
    assert f"{group}/cost/motor_s" in tags["histograms"]
    assert "_hparams_/session_start_info" in events.PluginTagToContent("hparams")


def result(success, exposures, error):
    columns = {"exposures": exposures, "motor_s": exposures, "instrument_s": exposures, "misorientation_deg": error}
    arrays = {name: np.array(values, np.float64) for name, values in columns.items()}
    ended = np.array(success, np.bool_)
    return summarise(SimpleNamespace(name="it", oracle=False), Episodes(success=ended, ended=ended, **arrays), 20.0)


@pytest.mark.parametrize(
    ("success", "exposures", "error", "median", "worst"),
    [
        ([1, 1, 1], [5, 3, 9], [0.1, 0.1, 0.1], 0, 2),
        ([1, 0, 1], [20, 3, 4], [0.1, 9.0, 0.1], 0, 1),
        ([0, 0, 0], [20, 20, 20], [5.0, np.nan, 40.0], 0, 2),
        ([1], [2], [0.1], 0, 0),
    ],
)
def test_the_episodes_shown_are_the_median_and_the_worst(success, exposures, error, median, worst):
    assert telling_episodes(result(success, exposures, error)) == {"median": median, "worst": worst}


def test_where_beam_time_is_spent_the_figures_and_curves_are_of_beam_time(benchmark, tmp_path):
    file, picture = tmp_path / "figures.json", tmp_path / "curves.png"
    spot = ("beamgym/ArpesSpot-v0", "--policy", "true-map", "--episodes", "3", "--level", "easy")
    result = benchmark(*spot, "--json", str(file), "--curves", str(picture))
    assert result.exit_code == 0, result.output
    assert "beam s" in result.output
    content = json.loads(file.read_text())
    figures = content["policies"]["true-map"]
    assert set(figures) == {
        "oracle",
        "success_rate",
        "success_ci95",
        "beam_s_median",
        "exposures_median",
        "motor_s_median",
        "shortfall_median",
    }
    curve = content["curves"]["success"]["true-map"]
    assert len(curve) == len(content["curves"]["spent"])
    assert (curve[0], curve[-1]) == (0.0, figures["success_rate"])
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_a_picture_that_cannot_be_drawn_is_refused_before_the_work(benchmark, tmp_path):
    result = benchmark(ID, "--policy", "no-op", "--episodes", "1", "--curves", str(tmp_path / "curves.txt"))
    assert result.exit_code == 1
    assert "ends in .png, .pdf or .svg" in result.output


def test_success_against_exposures_is_drawn_where_those_are_counted(benchmark, tmp_path):
    file = tmp_path / "figures.json"
    drawn = ("--curves", str(tmp_path / "curves.png"), "--json", str(file))
    benchmark(ID, "--policy", "true-pose", "--episodes", "3", "--level", "easy", *drawn)
    curves = json.loads(file.read_text())["curves"]
    assert curves["counted"] == "exposures"
    assert curves["spent"] == list(range(21))


def test_the_policy_of_the_page_plays_from_the_folder_it_lies_in(printed, tmp_path):
    (tmp_path / "my_module.py").write_text(printed("add_a_policy.md", "class MyPolicy"), encoding="utf-8")
    (tmp_path / "check.py").write_text(printed("add_a_policy.md", "check_policy"), encoding="utf-8")
    words = [
        "beamgym/ArpesSpot-v0",
        "--policy",
        "my_module:MyPolicy",
        "--episodes",
        "3",
        "--level",
        "easy",
        "--json",
        "f",
    ]
    for command in (["-m", "beamgym.scripts.main", "benchmark", *words], ["check.py"]):
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "f").read_text())["policies"]["my grid"]
    assert figures["exposures_median"] == 123.0, "121 places of the grid, the way back, and the first frame"


def test_the_page_of_the_leaderboard_plays_a_saved_model(benchmark, printed, tmp_path, monkeypatch):
    envs = NativeVecEnv.make("beamgym/LaueAlign-v1", n_envs=1, seed=0, observation="estimate", action="decisions")
    PPO("MultiInputPolicy", envs, n_steps=8, batch_size=8, device="cpu", seed=0).save(tmp_path / "laue-align-ppo")
    (tmp_path / "my_sb3.py").write_text(printed("leaderboard.md", "class MyModel"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    options = ("--set", "observation=estimate", "--set", "action=decisions")
    result = benchmark("beamgym/LaueAlign-v1", *options, "--policy", "my_sb3:MyModel", "--episodes", "2")
    assert result.exit_code == 0, result.output
    assert "my ppo" in result.stdout


def test_two_policies_of_ones_own_stand_alike_in_table_json_curves_and_tensorboard(benchmark, tmp_path, monkeypatch):
    code = """
import numpy as np
class Once:
    name, oracle = "once", False
    def start(self, context, n):
        return [None] * n
    def act(self, observation, state, truth=None):
        return np.full((len(state), 4), 0.1, np.float32), state
class Never(Once):
    name = "beyond/never"
    def act(self, observation, state, truth=None):
        return np.full((len(state), 4), -0.1, np.float32), state
class Other(Once):
    pass
"""
    (tmp_path / "my_two_policies.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    own = [word for name in ("Once", "Never", "Other") for word in ("--policy", f"my_two_policies:{name}")]
    files = ("--json", "figures.json", "--curves", "curves.svg", "--logdir", "runs")
    result = benchmark(ID, *own, "--episodes", "2", "--set", "exposures=3", *files)
    assert result.exit_code == 0, result.output
    names = ["my_two_policies:Once", "beyond/never", "my_two_policies:Other"]
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert list(figures["policies"]) == list(figures["curves"]["success"]) == names
    assert [each["exposures_median"] for each in figures["policies"].values()] == [3.0, 3.0, 3.0]
    drawn = (tmp_path / "curves.svg").read_text()
    assert all(name in result.stdout and f"<!-- {name} -->" in drawn for name in names)
    assert {each.name for each in (tmp_path / "runs").iterdir()} == {
        "my_two_policies-Once",
        "beyond-never",
        "my_two_policies-Other",
    }


def test_a_policy_that_breaks_its_contract_is_told_how_to_mend_it(benchmark, tmp_path, monkeypatch):
    code = """
import numpy as np
class Wrong:
    name, oracle = "wrong", False
    def start(self, context, n):
        return [None] * n
    def act(self, observation, state, truth=None):
        return np.zeros((len(state), 4)), state
"""
    (tmp_path / "my_wrong_module.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = benchmark(ID, "--policy", "my_wrong_module:Wrong", "--episodes", "2")
    assert result.exit_code == 1
    assert result.stderr.strip() == "error: act(observation, state, truth=None): actions: are float64; return float32"


def test_a_camera_of_ones_own_is_played(benchmark, tmp_path):
    save_detector(Detector.back_reflection(shape=(201, 201), pixel_mm=0.6), tmp_path / "small.json")
    asked = (ID, "--policy", "true-pose", "--episodes", "2", "--detector")
    played = benchmark(*asked, str(tmp_path / "small.json"))
    assert played.exit_code == 0
    assert "true-pose*" in played.output
    refused = benchmark(*asked, str(tmp_path / "none.json"))
    assert refused.exit_code == 1
    assert "none.json" in refused.output


def test_results_that_could_not_be_written_are_refused_before_the_work(benchmark, tmp_path, monkeypatch):
    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command_line, "TemporaryFile", full)
    result = benchmark(ID, "--policy", "true-pose", "--episodes", "1", "--json", str(tmp_path / "figures.json"))
    assert result.exit_code == 1
    assert "No space left on device" in result.output
