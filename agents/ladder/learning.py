"""Trains one seed of one rung with an unmodified library, testing along the way; what was cut goes on."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack

from beamgym.agents.evaluation import first_seed
from beamgym.agents.ladder.algorithms import Deciding, keep_model, load_model, new_model
from beamgym.agents.ladder.rungs import Rung
from beamgym.agents.training import NativeVecEnv
from beamgym.physics.files import write_json

PARTS = 10
"""Tests on the way, evenly over the steps; a cut training goes on from the last one."""
EPISODES = 200
"""Of a test: the same for every seed and rung, the benchmark's of seed 0."""

Act = Callable[[Any], NDArray[Any]]
"""Observations (n, ...) → actions (n, ...)."""


@dataclass(frozen=True)
class Point:
    """One point of a learning curve.

    Parameters
    ----------
    steps : of training so far
    cpu_s : CPU seconds of training so far, tests left out
    right, episodes : of the test; ``right`` succeeded
    exposures : mean length of the test's episodes, the first frame included
    """

    steps: int
    cpu_s: float
    right: int
    episodes: int
    exposures: float


def learn(rung: Rung, seed: int, folder: Path, tell: Callable[[Point], object] = lambda point: None) -> list[Point]:
    """Train one seed to the end, and return its learning curve.

    Parameters
    ----------
    rung : what is learned, and how
    seed : of the training; its episodes are those of ``first_seed("training", seed)``
    folder : where the model and the curve are kept, and read where they are there
    tell : is told every point as soon as it is tested

    Raises
    ------
    ValueError : the folder holds a training of other settings
    """
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, rung, seed)
    points = read_curve(folder)
    done = points[-1].steps if points else 0
    if done >= rung.steps:
        return points
    env = _vector(rung, rung.n_envs, "training", seed, skip=done)
    model = load_model(rung, env, folder) if points else new_model(rung, env, seed)
    spent = points[-1].cpu_s if points else 0.0
    while done < rung.steps:
        begun = time.process_time()
        if model.num_timesteps <= done:  # else it was cut between the model's file and the curve's
            model.learn(-(-rung.steps // PARTS), reset_num_timesteps=False)
        spent += time.process_time() - begun
        done = int(model.num_timesteps)
        test = right_of(rung, Deciding(model))
        point = Point(done, round(spent, 1), *test)
        points.append(point)
        keep_model(model, folder)
        write_json(folder / "curve.json", [asdict(each) for each in points])
        tell(point)
    env.close()
    return points


def _claim(folder: Path, rung: Rung, seed: int) -> None:
    """Write down what the folder is a training of; raises ValueError where it is one of something else."""
    path, plan = folder / "rung.json", json.loads(json.dumps({**asdict(rung), "seed": seed}))
    # How many others are trained says nothing of this one.
    del plan["seeds"]
    # What a rung did not say yet when the folder was begun was as it is by default.
    if path.exists() and {"stack": 1, **json.loads(path.read_text(encoding="utf-8"))} == plan:
        return
    if path.exists() or (folder / "curve.json").exists():
        raise ValueError(f"{folder} holds a training of other settings of {rung.name}; give another --logdir")
    write_json(path, plan)


def read_curve(folder: Path) -> list[Point]:
    """Return the curve kept in a folder; empty where there is none."""
    path = folder / "curve.json"
    return [Point(**each) for each in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []


def right_of(rung: Rung, act: Act, episodes: int = EPISODES) -> tuple[int, int, float]:
    """Play the test episodes of a rung; return how many succeeded, of how many, and their mean number of exposures."""
    env = _vector(rung, episodes, "benchmark", 0)
    seen, running = env.reset(), np.ones(episodes, dtype=np.bool_)
    right, exposures = np.zeros(episodes, dtype=np.bool_), np.ones(episodes)
    while running.any():
        env.step_async(act(seen))
        seen, _, ended, infos = env.step_wait()
        for i in np.flatnonzero(ended & running):
            right[i] = infos[i]["is_success"]
        exposures += running & ~ended
        for i in np.flatnonzero(ended & running):
            exposures[i] += infos[i]["cost"]["exposures"]
        running &= ~ended
    env.close()
    return int(right.sum()), episodes, round(float(exposures.mean()), 2)


def _vector(rung: Rung, n: int, purpose: Any, seed: int, skip: int = 0) -> VecEnv:
    made = gym.make_vec(
        rung.env_id,
        num_envs=n,
        vectorization_mode="vector_entry_point",
        autoreset_mode="SameStep",
        **rung.options,
    )
    env = NativeVecEnv(made)  # type: ignore[arg-type]
    # A training that goes on takes episodes of its own range that it has not seen.
    env.seed(first_seed(purpose, seed) + skip)
    return VecFrameStack(env, rung.stack) if rung.stack > 1 else env
