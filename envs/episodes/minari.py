"""Episodes as a Minari data set (Farama Foundation): the folder that ``minari.load_dataset`` and d3rlpy read.

Layout of Minari 0.5: ``ID/data/main_data.hdf5`` with a group ``episode_N`` each, and ``metadata.json`` beside it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.episodes.episode import Episode
from beamgym.envs.episodes.files import DATASET, append_episode
from beamgym.physics.files import replacing_folder

METADATA = "metadata.json"
MINARI_VERSION = "0.5.3"
"""Version of Minari whose layout is written."""

_ID = re.compile(r"([-_\w]+/)*[-_\w]+-v\d+")


def check_dataset_id(dataset_id: str) -> None:
    """Raise ValueError for a name that Minari would not take."""
    if not _ID.fullmatch(dataset_id):
        raise ValueError(f"{dataset_id!r} is no id of a data set; give one such as beamgym/LaueAlign/calibrating-v0")


def write_minari(
    root: str | PathLike[str],
    dataset_id: str,
    episodes: Iterable[Episode],
    observation: spaces.Space[Any] | None = None,
    action: spaces.Space[Any] | None = None,
    about: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a data set, all or nothing.

    Parameters
    ----------
    root : folder of Minari's data sets, which it knows as MINARI_DATASETS_PATH
    dataset_id : such as "beamgym/LaueAlign/calibrating-v0"
    episodes : at least one; those without a step are left out
    observation, action : the environment's spaces; where none are given, Boxes about the first episode's arrays
    about : further entries of the metadata, such as "env_spec" and "algorithm_name"
    overwrite : replace a data set that is there

    Returns
    -------
    The data set's folder

    Raises
    ------
    ValueError : an id that is none, no episode, or a folder that is there
    """
    check_dataset_id(dataset_id)
    folder = Path(root) / dataset_id
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(folder, overwrite) as draft:
        (draft / "data").mkdir()
        count, steps, first = 0, 0, None
        for episode in episodes:
            if episode.steps:
                first = first or episode
                append_episode(draft / "data" / DATASET, episode, parts=_has_parts(observation, episode))
                count, steps = count + 1, steps + episode.steps
        if first is None:
            raise ValueError("there is no episode with a step; nothing was written")
        seen, done = observation or _space_of_parts(first.observations), action or _space_of(first.actions)
        content = {
            "dataset_id": dataset_id,
            "minari_version": MINARI_VERSION,
            "data_format": "hdf5",
            "jpeg_encoding": False,
            "total_episodes": count,
            "total_steps": steps,
            "dataset_size": round((draft / "data" / DATASET).stat().st_size / 1e6, 1),
            "observation_space": json.dumps(described(seen)),
            "action_space": json.dumps(described(done)),
            **(about or {}),
        }
        (draft / "data" / METADATA).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return folder


def described(space: spaces.Space[Any]) -> dict[str, Any]:
    """Return a space as Minari writes it; raises ValueError for one that no environment here has."""
    match space:
        case spaces.Dict():
            return {"type": "Dict", "subspaces": {name: described(part) for name, part in space.spaces.items()}}
        case spaces.Discrete():
            return {"type": "Discrete", "dtype": "int64", "start": int(space.start), "n": int(space.n)}
        case spaces.MultiDiscrete():
            start, counts = space.start.tolist(), space.nvec.tolist()
            return {"type": "MultiDiscrete", "dtype": str(space.dtype), "nvec": counts, "start": start}
        case spaces.Box():
            bounds = {"low": space.low.tolist(), "high": space.high.tolist()}
            return {"type": "Box", "dtype": str(space.dtype), "shape": list(space.shape), **bounds}
    raise ValueError(f"a {type(space).__name__} is described by nothing here; use Box, Discrete, MultiDiscrete or Dict")


def _has_parts(space: spaces.Space[Any] | None, episode: Episode) -> bool:
    return isinstance(space, spaces.Dict) if space is not None else list(episode.observations) != ["observation"]


def _space_of_parts(observations: Mapping[str, NDArray[Any]]) -> spaces.Space[Any]:
    parts: dict[str, spaces.Space[Any]] = {name: _space_of(values) for name, values in observations.items()}
    return parts["observation"] if list(parts) == ["observation"] else spaces.Dict(parts)


def _space_of(values: NDArray[Any]) -> spaces.Box:
    if values.dtype == np.uint8:
        return spaces.Box(0, 255, values.shape[1:], np.uint8)
    return spaces.Box(-np.inf, np.inf, values.shape[1:], values.dtype.type)
