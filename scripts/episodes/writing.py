"""Plays or reads episodes, and writes them as a data set."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import typer
from tqdm import tqdm

import beamgym
from beamgym.agents.evaluation import context_of, make_vector_env, record_episodes
from beamgym.agents.policies import find_policy
from beamgym.envs.episodes import Episode, check_dataset_id, episode_files, read_episodes, write_minari
from beamgym.envs.kinds import sample_of
from beamgym.scripts.settings import read_settings


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for; see ``beamgym dataset --help``."""

    kind: str
    out: Path
    policy: str
    episodes: int
    level: str
    options: list[str]
    runs: list[Path]
    dataset_id: str | None
    overwrite: bool
    seed: int


def write_episodes(wanted: Wanted) -> dict[str, Any]:
    """Let a policy play an environment on training seeds and write what it did; return the figures of it.

    Raises
    ------
    ValueError, TypeError, gymnasium.error.Error : an environment, an option or a policy that is none
    """
    options = read_settings(wanted.kind, wanted.options, ("level",))
    env = make_vector_env(wanted.kind, 1, wanted.level, options)
    context = context_of(env)
    policy = find_policy(wanted.policy, wanted.kind, sample_of(context), context, env.single_observation_space)
    name = wanted.dataset_id or _name(wanted.kind, policy.name)
    check_dataset_id(name)
    spec = gym.spec(wanted.kind)
    spec.kwargs = {**spec.kwargs, "level": wanted.level, **options}
    about = {"env_spec": spec.to_json(), "algorithm_name": policy.name, **_made_by()}
    tally = _Tally()
    with tqdm(total=wanted.episodes, unit="episodes") as bar:
        played = record_episodes(
            policy, wanted.kind, wanted.episodes, wanted.seed, wanted.level, options, lambda done: bar.update(done)
        )
        spaces = env.single_observation_space, env.single_action_space
        folder = write_minari(wanted.out, name, tally.counted(played), *spaces, about, wanted.overwrite)
    return _told(name, folder, wanted.out, tally)


def write_runs(wanted: Wanted) -> dict[str, Any]:
    """Write the episodes that an instrument's runs left; return the figures of it.

    Raises
    ------
    ValueError : no run is named, none has an episode, or they are of several environments
    """
    if not wanted.runs:
        raise ValueError("name the runs: beamgym dataset runs --run FOLDER, what `beamgym deploy` wrote; repeats")
    read = [episode for file in episode_files([*wanted.runs]) for episode in read_episodes(file)]
    env_ids = sorted({str(episode.about.get("env_id")) for episode in read})
    if len(env_ids) > 1:
        raise ValueError(f"the runs are of {', '.join(env_ids)}; a data set holds episodes of one environment")
    names = sorted({str(episode.about.get("policy")) for episode in read})
    name = wanted.dataset_id or _name((env_ids or ["none"])[0], "runs")
    tally = _Tally()
    about = {"algorithm_name": ", ".join(names), **_made_by()}
    folder = write_minari(wanted.out, name, tally.counted(iter(read)), about=about, overwrite=wanted.overwrite)
    return _told(name, folder, wanted.out, tally)


class _Tally:
    """Counts what is written."""

    def __init__(self) -> None:
        self.episodes = self.steps = self.successes = 0

    def counted(self, episodes: Iterator[Episode]) -> Iterator[Episode]:
        for episode in episodes:
            self.episodes += 1
            self.steps += episode.steps
            self.successes += episode.success
            yield episode


def _name(env_id: str, who: str) -> str:
    """Return an id such as beamgym/LaueAlign/calibrating-v0, in letters that Minari takes."""
    task = env_id.rpartition("/")[2].rpartition("-")[0] or env_id
    return f"beamgym/{task}/{re.sub(r'[^-_0-9A-Za-z]', '-', who)}-v0"


def _made_by() -> dict[str, Any]:
    return {"author": ["beamgym"], "requirements": [f"beamgym=={beamgym.__version__}"]}


def _told(name: str, folder: Path, root: Path, tally: _Tally) -> dict[str, Any]:
    typer.echo(f"{tally.episodes} episodes, {tally.steps} steps, {tally.successes} successes in {folder}")
    typer.echo(f"read it: MINARI_DATASETS_PATH={root} python -c \"import minari; minari.load_dataset('{name}')\"")
    figures = {"episodes": tally.episodes, "steps": tally.steps, "successes": tally.successes}
    return {"id": name, "folder": str(folder), **figures}
