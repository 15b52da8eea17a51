"""Scenes on disk: HDF5 files of some frames with their expected counts, written whole or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import Float32Array
from beamgym.physics.counts import Poisson
from beamgym.physics.jobs import (
    ANOTHER,
    Executor,
    InProcess,
    ShardCase,
    ShardPlan,
    check_settings,
    hdf5_bytes,
    write_shards,
)
from beamgym.physics.scenes.scene import SCENES, Scene, SceneSource, scene_source

SHARD_FORMAT: Final = "beamgym counts shard 2"
_READ: Final = ("beamgym counts shard 1", SHARD_FORMAT)
"""In form 1 a frame's counts depend on the number of its shard too."""


def write_scenes(
    folder: Path,
    kind: str,
    split: str,
    seed: int,
    frames: int,
    per_shard: int = 32,
    done: Callable[[int], object] = lambda number: None,
    *,
    executor: Executor | None = None,
    mend: bool = True,
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
    executor : where the work is done; in this process by default
    mend : make damaged shards anew

    Returns
    -------
    The files, in order

    Raises
    ------
    ValueError : numbers that make no data set, or a folder that holds another one
    DamagedShard : a shard is not as it was written, and is not to be made anew

    Notes
    -----
    ``entry/rate`` (n, slow, fast) expected counts at 1×, ``entry/first`` and ``entry/second`` two independent frames
    counted at it, ``entry/mask``, ``entry/model``; ``entry/peaks`` (k, 6): the frame's number, then ``Scene.peaks``.
    A frame depends on kind, split, seed and its number alone, its counts included.
    """
    if frames < 1 or per_shard < 1:
        raise ValueError(f"{frames} frames, {per_shard} in a file: give 1 or more of both")
    scene_source(kind, split)
    if seed < 0:
        raise ValueError(f"the seed must not be negative; got {seed}")
    made = SceneShards(kind, split)
    settings = {"format": SHARD_FORMAT, "kind": kind, "split": split}
    plan = ShardPlan(Path(folder), settings, seed, frames, per_shard, made, made.has_written)
    return write_shards(plan, executor or InProcess(), done, mend)


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
            if file.attrs.get("format") not in _READ or str(file.attrs.get("kind")) not in SCENES:
                raise ValueError(f"{path} is no shard of counted scenes; `beamgym dataset counts` writes them")
            entry, kind = file["entry"], str(file.attrs["kind"])
            peaks, models = entry["peaks"][()], entry["model"].asstr()[()]
            return [
                Scene(kind, str(model), rate, mask.astype(np.bool_), peaks[peaks[:, 0] == i, 1:])
                for i, (model, rate, mask) in enumerate(zip(models, entry["rate"][()], entry["mask"][()], strict=True))
            ]
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is damaged or no shard of scenes; write it anew") from error


@dataclass(frozen=True)
class SceneShards:
    """Makes the bytes of the shards of a kind of scene, and knows them again."""

    kind: str
    split: str

    def __call__(self, case: ShardCase) -> bytes:
        """Return a shard's bytes, which depend on the case's seed, first and samples alone."""
        source, numbers = _source(self.kind, self.split), range(case.first, case.first + case.samples)
        scenes = [source.take(case.seed, index) for index in numbers]
        return hdf5_bytes(lambda file: _fill(file, scenes, self.about(case)))

    def about(self, case: ShardCase) -> dict[str, Any]:
        """Return the attributes of a shard."""
        about = {"format": SHARD_FORMAT, "kind": self.kind, "split": self.split, "seed": case.seed}
        return {**about, "first": case.first, "frames": case.samples}

    def has_written(self, path: Path, case: ShardCase) -> bool:
        """Return whether a file is this shard and whole; raises ValueError for a shard of another data set."""
        wanted = self.about(case)
        try:
            with h5py.File(path, "r") as file:
                found = {name: file.attrs.get(name) for name in wanted}
        except OSError:
            return False
        check_settings(path, found, wanted, ANOTHER)
        return True


@cache
def _source(kind: str, split: str) -> SceneSource:
    """Return who draws scenes, made once in a process: its crystals take seconds."""
    return scene_source(kind, split)


def _fill(file: h5py.File, scenes: list[Scene], about: dict[str, Any]) -> None:
    rate = np.stack([scene.rate for scene in scenes])
    packed: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    file.attrs.update(about)
    entry = file.create_group("entry")
    entry.create_dataset("rate", data=rate, **packed)
    for name, counts in zip(("first", "second"), _counted(rate, about), strict=True):
        entry.create_dataset(name, data=counts, **packed)
    entry.create_dataset("mask", data=np.stack([scene.mask for scene in scenes]), **packed)
    entry.create_dataset("model", data=[scene.model for scene in scenes], dtype=h5py.string_dtype())
    numbered = [np.column_stack([np.full(len(each.peaks), i), each.peaks]) for i, each in enumerate(scenes)]
    entry.create_dataset("peaks", data=np.concatenate(numbered))


def _counted(rate: Float32Array, about: dict[str, Any]) -> NDArray[np.uint32]:
    """Return two independent frames of each scene, (2, n, slow, fast), counted by its own number's random numbers."""
    frames = []
    for index, expected in enumerate(rate, start=int(about["first"])):
        draw = np.random.default_rng([int(about["seed"]), index, SCENES.index(str(about["kind"])), 9])
        frames.append([Poisson().draw(expected, draw) for _ in range(2)])
    counted: NDArray[np.uint32] = np.array(frames).astype(np.uint32).swapaxes(0, 1)
    return counted
