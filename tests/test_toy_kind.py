"""A kind that the project does not know, as docs/add_a_kind.md prints it: made, benchmarked, trained, bundled."""

import json
import re
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from beamgym.agents.evaluation import evaluate, make_vector_env
from beamgym.agents.export import export_trained
from beamgym.agents.policies import find_policy, policy_names
from beamgym.agents.training import RunFolder, Trainer, load_config
from beamgym.envs import kinds
from beamgym.envs.bundles import OnnxModel
from beamgym.envs.policy import CannotPlay

ID = "lab/Lamp-v0"
PAGE = (Path(__file__).parents[1] / "docs" / "add_a_kind.md").read_text(encoding="utf-8")


def run(folder, *words):
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def printed_commands(verb):
    found = re.findall(rf"^beamgym (--import lamp {verb} .*)$", PAGE, re.M)
    assert found, verb
    return [command.split() for command in found]


@pytest.fixture(scope="module")
def bundle(lamp, lamp_folder):
    """The bundle of a training of a few steps."""
    config = load_config(ID, lamp_folder / "lamp.yml").model_copy(
        update={"n_timesteps": 1024, "n_envs": 8, "selection_episodes": 8}
    )
    trainer = Trainer(ID, config, RunFolder(lamp_folder / "run"))
    result = trainer.run()
    assert set(result.as_dict()) >= {"success_rate", "off_deg_median", "exposures_median"}
    return export_trained(trainer, lamp_folder / "lamp-few", "as docs/add_a_kind.md", result)


def test_the_pages_own_checks_find_it_sound(lamp_folder):
    assert run(lamp_folder, "-W", "error", "check_lamp.py").strip() == "sound"


def test_it_is_made_alone_and_as_a_vector(lamp):
    one = gym.make(ID, level="hard", render_mode="rgb_array")
    many = gym.make_vec(ID, num_envs=3, vectorization_mode="vector_entry_point", level="hard")
    seen, _ = one.reset(seed=5)
    together, _ = many.reset(seed=[4, 5, 6])
    assert all(np.array_equal(seen[name], together[name][1]) for name in seen)
    assert one.render().shape == (256, 256, 3)
    assert gym.make(one.spec).reset(seed=5)[0]["brightness"] == seen["brightness"]
    with pytest.raises(TypeError, match="unknown option colour; Lamp takes exposures, level, tolerance_deg"):
        gym.make(ID, colour="red")
    with pytest.raises(ValueError, match="unknown level 'awful'"):
        gym.make(ID, level="awful")


def test_its_baselines_are_compared_by_its_own_metrics(lamp):
    env = make_vector_env(ID, 1, "real")
    assert policy_names(env.loop.task.context) == ("scan", "random")
    scan, random = (evaluate(find_policy(name, ID), ID, 40, seed=0) for name in ("scan", "random"))
    assert scan.success_rate >= 0.95
    assert random.success_rate <= 0.2
    assert scan.value("off_deg_median") < 1.0 < random.value("off_deg_median")
    assert set(scan.as_dict()) == {
        "success_rate",
        "success_ci95",
        "exposures_median",
        "instrument_s_median",
        "off_deg_median",
    }


def test_rivals_of_other_kinds_do_not_play_it(lamp):
    with pytest.raises(CannotPlay, match=r"raster plays another task; the baselines of lab/Lamp-v0 are random, scan"):
        find_policy("raster", ID)
    with pytest.raises(CannotPlay, match="scan plays another task"):
        find_policy("scan", "beamgym/LaueAlign-v0")


def test_a_few_steps_of_training_end_in_a_bundle_that_says_what_it_is_for(bundle):
    manifest = OnnxModel.load(bundle).manifest
    assert manifest.env_id == ID
    assert manifest.encoder.name == "plain"
    assert manifest.units["angle"] == "-1..1 of the travel"
    assert set(json.loads((bundle / "manifest.json").read_text())["experiment"]) == {"kind", "setting"}
    setting = manifest.setting_of(kinds.KINDS["lamp"])
    assert (setting.tolerance_deg, [axis.name for axis in setting.axes]) == (4.0, ["angle"])


def test_the_bundle_plays_and_only_where_its_actions_mean_the_same(bundle, lamp):
    result = evaluate(find_policy(str(bundle), ID), ID, 8, seed=0)
    assert 0.0 <= result.success_rate <= 1.0
    with pytest.raises(CannotPlay, match=r"trained with max_step_deg=45.0, this has 10.0"):
        find_policy(str(bundle), ID).start(lamp.LampContext(max_step_deg=10.0), 1)


def test_the_pages_commands_run(lamp_folder):
    for words in printed_commands("benchmark"):
        if "--policy" not in words:
            words[words.index("--episodes") + 1] = "5"
            said = run(lamp_folder, "-m", "beamgym.scripts.main", *words)
            assert "scan" in said
            assert "off °" in said
    (words,) = printed_commands("train")
    few = ["--timesteps", "0"]
    assert "bundle: lamp-ppo" in run(lamp_folder, "-m", "beamgym.scripts.main", *words, *few)
    assert "beamgym --import lamp train lab/Lamp-v0 --seed 0" in (lamp_folder / "lamp-ppo" / "CARD.md").read_text()
    assert ID in run(lamp_folder, "-m", "beamgym.scripts.main", "--import", "lamp", "envs")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("--import", "no_such_lamp", "envs"),
            "--import no_such_lamp: ModuleNotFoundError: No module named 'no_such_lamp'",
        ),
        (("--import", "lamp.py", "envs"), "--import lamp.py: give a module's name, not its file: lamp"),
        (
            ("envs", "--import", "lamp"),
            "No such option: --import; it stands before the verb: beamgym --import MODULE VERB",
        ),
    ],
)
def test_a_wrong_import_is_one_line(tmp_path, words, line):
    command = [sys.executable, "-m", "beamgym.scripts.main", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2)
    assert done.stderr == f"error: {line}\n"
