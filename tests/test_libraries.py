"""The programs of docs/libraries.md run with the libraries as they are; each is skipped where its library is absent.

`make clients` builds an environment for each of them.
"""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from beamgym.envs import ENVIRONMENTS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "libraries.md"

PROGRAMS = {
    "sb3": ("stable_baselines3", "import SAC"),
    "contrib": ("sb3_contrib", "RecurrentPPO"),
    "rllib": ("ray", "PPOConfig"),
    "torchrl": ("torchrl", "ClipPPOLoss"),
    "tianshou": ("tianshou", "PPOExperimentBuilder"),
    "minari": ("minari", "DataCollector"),
}
"""By client: the package that it needs, and words of its program."""


def run(words, folder):
    """Run a program in a folder of its own, where its files go; return what it printed."""
    quiet = {"OMP_NUM_THREADS": "1", "RAY_AUTH_MODE": "disabled", "HOME": str(folder), "MPLCONFIGDIR": str(folder)}
    place = {"MINARI_DATASETS_PATH": str(folder), "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", "")}
    env = {**os.environ, **quiet, **{name: value for name, value in place.items() if value}}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("client", PROGRAMS)
def test_the_program_of_the_page_runs(client, printed, tmp_path):
    package, words = PROGRAMS[client]
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed here; make clients")
    (tmp_path / "program.py").write_text(printed("libraries.md", words), encoding="utf-8")
    said = run(["program.py"], tmp_path)
    if client in ("rllib", "torchrl"):
        assert int(re.findall(r"episodes (\d+)", said)[-1]) > 0
    if client == "minari":
        assert said.split() == ["3", "60"]


@pytest.mark.slow
@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_torchrl_takes_every_id(env_id):
    pytest.importorskip("torchrl", reason="torchrl is not installed here; make clients")
    from torchrl.envs.libs.gym import GymEnv
    from torchrl.envs.utils import check_env_specs

    env = GymEnv(f"beamgym:{env_id}")
    check_env_specs(env)
    played = env.rollout(3)
    assert 1 <= len(played) <= 3
    assert played["next", "reward"].isfinite().all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LaueAlign-v0", "LaueAlign-v1", "LaueAlignImage-v0", "LaueZone-v0", "ArpesSpot-v0"])
def test_rl_zoo3_trains_by_the_shipped_files_as_they_are(name, tmp_path):
    if find_spec("rl_zoo3") is None:
        pytest.skip("rl_zoo3 is not installed here; make clients")
    few = ["-n", "64", "-params", "n_envs:2", "n_steps:32", "batch_size:32", "--eval-freq", "-1", "--log-folder", "."]
    config = str(ROOT / "agents" / "configs" / f"{name}.yml")
    task = ["--algo", "ppo", "--env", f"beamgym/{name}", "--gym-packages", "beamgym", "--conf-file", config]
    run(["-m", "rl_zoo3.train", *task, *few], tmp_path)
    assert (tmp_path / "ppo" / f"beamgym-{name}_1" / f"beamgym-{name}.zip").is_file()


@pytest.mark.slow
def test_cleanrl_runs_from_its_own_file_behind_the_shim(printed, tmp_path):
    file = os.environ.get("BEAMGYM_CLEANRL")
    if not file or find_spec("tyro") is None:
        pytest.skip("BEAMGYM_CLEANRL names no file of CleanRL; make clients")
    (tmp_path / "cleanrl_shim.py").write_text(printed("libraries.md", "SyncVectorEnv"), encoding="utf-8")
    few = ["--num-envs", "2", "--num-steps", "64", "--total-timesteps", "256"]
    said = run(["cleanrl_shim.py", file, "--env-id", "beamgym:beamgym/LaueAlign-v1", *few], tmp_path)
    assert "episodic_return=" in said


def test_the_page_names_every_client_that_is_tried():
    page = PAGE.read_text(encoding="utf-8")
    for _, words in PROGRAMS.values():
        assert page.count(words) >= 1
