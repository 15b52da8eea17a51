"""Episodes in HDF5, laid out as Minari's ``main_data.hdf5``: a group ``episode_N`` each, and nothing executable."""

import json
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from beamgym.envs.episodes.episode import Episode

EPISODES = "training.h5"
"""Name of the file in the folder of a run."""

DATASET = "main_data.hdf5"
"""Name of the file of a data set in Minari's layout."""

FORMAT = 1
_ABOUT, _COLUMNS = "about", ("actions", "rewards", "terminations", "truncations")


def append_episode(path: str | PathLike[str], episode: Episode, parts: bool = True) -> None:
    """Write an episode into a file behind those that are there; a file that is missing is made.

    Without ``parts`` an observation named "observation" is written as one array, as Minari has it for a Box.
    """
    with h5py.File(path, "a") as file:
        file.attrs["format"] = FORMAT
        number = len(_names(file))
        group = file.create_group(f"episode_{number}")
        group.attrs["id"], group.attrs["total_steps"] = number, episode.steps
        if "seed" in episode.about:
            group.attrs["seed"] = int(episode.about["seed"])
        group.attrs[_ABOUT] = json.dumps(dict(episode.about), allow_nan=False)
        for name in _COLUMNS:
            group.create_dataset(name, data=getattr(episode, name))
        for part in ("observations", "infos"):
            for name, values in getattr(episode, part).items():
                where = f"{part}/{name}" if parts or part == "infos" else part
                group.create_dataset(where, data=values, compression="gzip", compression_opts=1)
        file.attrs["total_episodes"] = number + 1


def episode_files(places: Sequence[str | PathLike[str]]) -> list[Path]:
    """Return the episode files at some places: files, or folders in which every one is taken, in the order of names.

    Raises
    ------
    ValueError : a place that is not there, or a folder without any
    """
    found: list[Path] = []
    for place in map(Path, places):
        if not place.exists():
            raise ValueError(f"there is no {place}; give the folder of a run, or a file {EPISODES}")
        files = sorted((*place.rglob(EPISODES), *place.rglob(DATASET))) if place.is_dir() else [place]
        if not files:
            raise ValueError(
                f"no run in {place} has a file {EPISODES}; give the folder that `beamgym deploy` wrote, or a "
                "data set in Minari's layout"
            )
        found += [file for file in files if file not in found]
    return found


def read_episodes(path: str | PathLike[str]) -> Iterator[Episode]:
    """Yield the episodes of one file.

    Raises
    ------
    ValueError : in one line, for a file that is none of ours
    """
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT:
                raise ValueError(f"its format is {file.attrs.get('format')}, not {FORMAT}")
            yield from [_episode(file[name]) for name in _names(file)]
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path} holds no recorded episodes: {error}") from None


def _names(file: Any) -> list[str]:
    names = [name for name in file if name.startswith("episode_")]
    return sorted(names, key=lambda name: int(name.removeprefix("episode_")))


def _episode(group: Any) -> Episode:
    actions, rewards, terminations, truncations = (np.asarray(group[name]) for name in _COLUMNS)
    about: Mapping[str, Any] = json.loads(group.attrs[_ABOUT])
    observations, infos = _parts(group, "observations"), _parts(group, "infos")
    return Episode(observations, actions, rewards, terminations, truncations, infos, about)


def _parts(group: Any, name: str) -> dict[str, Any]:
    """Return the arrays of a group by name; one array alone is named "observation"."""
    found = group.get(name, {})
    if isinstance(found, h5py.Dataset):
        return {"observation": np.asarray(found)}
    return {key: np.asarray(values) for key, values in found.items()}
