"""Scenes on disk: HDF5 files of some frames with their expected counts, written whole or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from beamgym.physics.counts import Poisson
from beamgym.physics.files import replacing
from beamgym.physics.scenes.scene import SCENES, Scene, scene_source

SHARD_FORMAT: Final = "beamgym counts shard 1"


def write_scenes(
    folder: Path,
    kind: str,
    split: str,
    seed: int,
    frames: int,
    per_shard: int = 32,
    done: Callable[[int], object] = lambda number: None,
) -> list[Path]:
    """Write frames of a kind of scene; shards that are there already, of the same data set, are kept.

    Parameters
    ----------
    folder : of the shards; made if missing
    kind, split : see ``scene_source``
    seed : of the data set
    frames : how many
    per_shard : frames in a file
    done : called with the number of frames each time some are written or found

    Returns
    -------
    The files, in order

    Raises
    ------
    ValueError : numbers that make no data set, or a folder that holds another one

    Notes
    -----
    ``entry/rate`` (n, slow, fast) expected counts at 1×, ``entry/first`` and ``entry/second`` two independent frames
    counted at it, ``entry/mask``, ``entry/model``; ``entry/peaks`` (k, 6): the frame's number, then ``Scene.peaks``.
    """
    if frames < 1 or per_shard < 1:
        raise ValueError(f"{frames} frames, {per_shard} in a file: give 1 or more of both")
    source, paths = scene_source(kind, split), []
    about = {"format": SHARD_FORMAT, "kind": kind, "split": split, "seed": seed}
    for number, first in enumerate(range(0, frames, per_shard)):
        path, numbers = folder / f"shard_{number:05d}.h5", range(first, min(first + per_shard, frames))
        own = {**about, "first": first, "frames": len(numbers)}
        if not _is_there(path, own):
            scenes = [source.take(seed, index) for index in numbers]
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as draft, h5py.File(draft, "w") as file:
                _fill(file, scenes, own)
        paths.append(path)
        done(len(numbers))
    return paths


def read_shard(path: str | Path) -> list[Scene]:
    """Return the scenes of a shard, without q.

    Raises
    ------
    FileNotFoundError : no such file
    ValueError : a file that is no shard of scenes
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no shard {path}")
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != SHARD_FORMAT or str(file.attrs.get("kind")) not in SCENES:
                raise ValueError(f"{path} is no shard of counted scenes; `beamgym dataset counts` writes them")
            entry, kind = file["entry"], str(file.attrs["kind"])
            peaks, models = entry["peaks"][()], entry["model"].asstr()[()]
            return [
                Scene(kind, str(model), rate, mask.astype(np.bool_), peaks[peaks[:, 0] == i, 1:])
                for i, (model, rate, mask) in enumerate(zip(models, entry["rate"][()], entry["mask"][()], strict=True))
            ]
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is damaged or no shard of scenes; write it anew") from error


def _is_there(path: Path, about: dict[str, Any]) -> bool:
    """Return whether a shard is written already; raises ValueError where it belongs to another data set."""
    if not path.is_file():
        return False
    try:
        with h5py.File(path, "r") as file:
            found = {name: file.attrs.get(name) for name in about}
    except OSError:
        return False
    if found != about:
        raise ValueError(f"{path.parent} holds another data set; choose another folder")
    return True


def _fill(file: h5py.File, scenes: list[Scene], about: dict[str, Any]) -> None:
    draw = np.random.default_rng([int(about["seed"]), int(about["first"]), SCENES.index(str(about["kind"])), 9])
    rate = np.stack([scene.rate for scene in scenes])
    packed: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    file.attrs.update(about)
    entry = file.create_group("entry")
    entry.create_dataset("rate", data=rate, **packed)
    for name in ("first", "second"):
        entry.create_dataset(name, data=Poisson().draw(rate, draw).astype(np.uint32), **packed)
    entry.create_dataset("mask", data=np.stack([scene.mask for scene in scenes]), **packed)
    entry.create_dataset("model", data=[scene.model for scene in scenes], dtype=h5py.string_dtype())
    numbered = [np.column_stack([np.full(len(each.peaks), i), each.peaks]) for i, each in enumerate(scenes)]
    entry.create_dataset("peaks", data=np.concatenate(numbered))
