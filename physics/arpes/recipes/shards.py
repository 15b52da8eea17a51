"""Data sets on disk: HDF5 files of some hundred spectra with labels and parameters, written whole or not at all."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.recipes.batch import Batch
from beamgym.physics.arpes.recipes.recipes import PARAMETERS, check_recipe
from beamgym.physics.arpes.recipes.sampler import Sampler, check_whole
from beamgym.physics.arpes.score import Scores
from beamgym.physics.files import replacing
from beamgym.physics.jobs import (
    ANOTHER,
    Executor,
    InProcess,
    Processes,
    ShardCase,
    ShardPlan,
    check_settings,
    hdf5_bytes,
    write_shards,
)
from beamgym.physics.messages import one_line

SHARD_FORMAT: Final = "beamgym arpes shard 1"
"""What a shard calls itself."""

ENDING: Final = ".h5"

T = TypeVar("T")


class BrokenShard(ValueError):
    """A file that is not a complete shard: truncated, of another kind, or from an interrupted write."""


def shard_path(folder: Path, number: int) -> Path:
    """Return where shard ``number`` of a data set lies."""
    return folder / f"shard_{number:05d}{ENDING}"


def write_shard(path: Path, batch: Batch, **attributes: str | int | float) -> None:
    """Write spectra with their labels and parameters; the file appears whole or not at all.

    Parameters
    ----------
    path : the file; one that is there is replaced
    batch : n spectra
    attributes : more about the data set, such as its seed

    Notes
    -----
    Layout in NeXus terms: ``entry/data`` (NXdata: counts, energy, slit), ``entry/paper`` and ``entry/v2`` (components
    and total of both scores), ``entry/parameters`` (everything that was drawn), ``entry/keys``.
    """
    with replacing(path) as draft, h5py.File(draft, "w") as file:
        _fill(file, batch, attributes)


def read_shard(path: Path) -> Batch:
    """Read the spectra of one shard.

    Parameters
    ----------
    path : the file

    Returns
    -------
    Batch, without noise-free images

    Raises
    ------
    FileNotFoundError : where there is none
    BrokenShard : a file that is cut off, no shard, or holds another number of spectra than it says, by name
    """
    return _open(Path(path), _read)


def read_scores(path: Path) -> tuple[Scores, Scores]:
    """Read the published and the ``v2`` scores of one shard, without its spectra; raises as ``read_shard`` does."""
    return _open(Path(path), lambda entry: (_record(Scores, entry["paper"]), _record(Scores, entry["v2"])))


def _open(path: Path, read: Callable[[h5py.Group], T]) -> T:
    if not path.is_file():
        raise FileNotFoundError(f"there is no shard {path}")
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != SHARD_FORMAT:
                found = file.attrs.get("format")
                raise BrokenShard(f"{path} is no ARPES shard of this program; its format is {found!r}")
            _check_amount(path, file)
            return read(file["entry"])
    except (OSError, KeyError, RuntimeError) as error:
        raise BrokenShard(
            f"{path} is cut off or damaged ({one_line(error)}); delete it and generate again, or skip it on request"
        ) from None


def _check_amount(path: Path, file: h5py.File) -> None:
    held = [len(file["entry"][name]) for name in ("data/counts", "keys", "paper/total", "v2/total")]
    told = int(file.attrs.get("spectra", held[0]))
    if set(held) != {told}:
        raise BrokenShard(
            f"{path} says that it holds {told} spectra, but has {min(held)}; delete it and generate again, or skip it "
            "on request"
        )


def shard_attributes(path: Path) -> dict[str, Any]:
    """Return a shard's attributes: recipe, seed, first spectrum, number of spectra, version.

    Raises
    ------
    BrokenShard : a file that is cut off
    """
    try:
        with h5py.File(path, "r") as file:
            return {name: value.item() if hasattr(value, "item") else value for name, value in file.attrs.items()}
    except OSError as error:
        raise BrokenShard(f"{path} is cut off or damaged ({one_line(error)}); delete it and generate again") from None


def read_dataset(folder: Path, skip_broken: bool = False) -> Iterator[Batch]:
    """Yield the spectra of a data set, one shard after another in the order of their numbers.

    Parameters
    ----------
    folder : of ``write_dataset``
    skip_broken : leave out shards that are missing or cannot be read, with a warning that names them

    Yields
    ------
    Batch

    Raises
    ------
    FileNotFoundError : a folder without shards
    BrokenShard : a shard that is missing before the last one there is, or broken; unless they are to be skipped
    """
    folder = Path(folder)
    numbers = [int(name) for path in folder.glob(f"shard_*{ENDING}") if (name := path.stem[6:]).isdigit()]
    if not numbers:
        raise FileNotFoundError(f"there are no shards in {folder}; write some with `beamgym dataset arpes`")
    for number in range(max(numbers) + 1):
        try:
            batch = _read_numbered(folder, number)
        except BrokenShard as error:
            if not skip_broken:
                raise
            warnings.warn(f"skipped: {error}", stacklevel=2)
            continue
        yield batch


def _read_numbered(folder: Path, number: int) -> Batch:
    path = shard_path(folder, number)
    if not path.is_file():
        raise BrokenShard(f"{path} is missing; the command that wrote the others writes it, or skip it on request")
    return read_shard(path)


def write_dataset(
    folder: Path,
    sampler: Sampler,
    seed: int,
    count: int,
    per_shard: int = 512,
    workers: int = 0,
    done: Callable[[int], object] | None = None,
    *,
    executor: Executor | None = None,
    mend: bool = True,
) -> list[Path]:
    """Write a data set; shards of the same data set that are there already and whole are kept.

    Parameters
    ----------
    folder : created where it is not there
    sampler : what to draw
    seed : of the data set
    count : of spectra
    per_shard : spectra in a file
    workers : processes; 0 works here
    done : called with the number of spectra whenever a shard is finished
    executor : where the work is done, in place of ``workers``
    mend : make damaged shards anew

    Returns
    -------
    the shards' paths, in order

    Raises
    ------
    ValueError : numbers below one, or a folder that holds another data set
    TypeError : a seed or a number that is not whole
    DamagedShard : a shard is not as it was written, and is not to be made anew
    """
    check_amounts(seed, count, per_shard, workers)
    even = [float(f"{share:.6g}") for share in sampler.acceptance]
    settings = {
        "kind": "arpes",
        "recipe": sampler.recipe,
        "energies": sampler.grid.shape[0],
        "angles": sampler.grid.shape[1],
        "score": sampler.score,
        "acceptance": even,
    }
    made = SpectraShards(sampler)
    plan = ShardPlan(Path(folder), settings, int(seed), int(count), int(per_shard), made, made.has_written)
    place = executor or (Processes(workers) if workers else InProcess())
    return write_shards(plan, place, done or (lambda _: None), mend)


def check_amounts(seed: int, count: int, per_shard: int, workers: int) -> None:
    """Check the arguments of ``write_dataset`` before anything is drawn; raises as it does."""
    check_whole(seed=seed, count=count, per_shard=per_shard, workers=workers)
    if seed < 0:
        raise ValueError(f"the seed must not be negative; got {seed}")
    if count < 1 or per_shard < 1 or workers < 0:
        raise ValueError(f"a data set needs count ≥ 1, per_shard ≥ 1, workers ≥ 0; got {count}, {per_shard}, {workers}")


@dataclass(frozen=True)
class SpectraShards:
    """Makes the bytes of a sampler's shards, and knows them again."""

    sampler: Sampler

    def __call__(self, case: ShardCase) -> bytes:
        """Return a shard's bytes, which depend on the case's seed, first and samples alone."""
        batch = self.sampler.take(case.seed, np.arange(case.first, case.first + case.samples))
        return hdf5_bytes(lambda file: _fill(file, batch, self.about(case)))

    def about(self, case: ShardCase) -> dict[str, str | int | float]:
        """Return the attributes of a shard that are not in its spectra."""
        even = ",".join(f"{share:.6g}" for share in self.sampler.acceptance)
        return {
            "seed": case.seed,
            "first": case.first,
            "spectra": case.samples,
            "score": self.sampler.score,
            "acceptance": even,
        }

    def has_written(self, path: Path, case: ShardCase) -> bool:
        """Return whether a file is this shard and whole; raises ValueError for a shard of another data set."""
        try:
            found = shard_attributes(path)
        except BrokenShard:
            return False
        grid = self.sampler.grid.shape
        wanted = {**self.about(case), "recipe": self.sampler.recipe, "energies": grid[0], "angles": grid[1]}
        check_settings(path, {name: found.get(name) for name in wanted}, wanted, ANOTHER)
        try:
            _open(path, lambda _: None)
        except BrokenShard:
            return False
        return True


def _fill(file: h5py.File, batch: Batch, attributes: dict[str, str | int | float]) -> None:
    file.attrs.update(
        {
            "format": SHARD_FORMAT,
            "program": f"beamgym {version('beamgym')}",
            "recipe": batch.recipe,
            "energies": batch.counts.shape[1],
            "angles": batch.counts.shape[2],
            "spectra": len(batch.counts),
            **attributes,
        }
    )
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = "NXentry"
    data = entry.create_group("data")
    data.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": [".", "energy", "."]})
    data.create_dataset("counts", data=_small(batch.counts), compression="gzip", compression_opts=1, shuffle=True)
    data.create_dataset("energy", data=batch.energy_ev).attrs["units"] = "eV"
    data.create_dataset("slit", data=batch.slit_deg).attrs["units"] = "degree"
    entry.create_dataset("keys", data=batch.keys)
    for name, record in (("paper", batch.paper), ("v2", batch.v2), ("parameters", batch.parameters)):
        group = entry.create_group(name)
        for field in fields(record):
            group.create_dataset(field.name, data=getattr(record, field.name))


def _small(counts: NDArray[np.float32]) -> NDArray[Any]:
    """Return whole counts as 16 bits, four times smaller once packed; an ADC's readings as they are."""
    whole = counts.max(initial=0.0) < 65536.0 and (counts == np.floor(counts)).all()
    return counts.astype(np.uint16) if whole else counts


def _read(entry: h5py.Group) -> Batch:
    recipe = check_recipe(str(entry.file.attrs["recipe"]))
    data = entry["data"]
    counts = data["counts"][()].astype(np.float32)
    empty = np.empty((0, *counts.shape[1:]), dtype=np.float32)
    return Batch(
        recipe,
        entry["keys"][()],
        counts,
        data["energy"][()],
        data["slit"][()],
        _record(Scores, entry["paper"]),
        _record(Scores, entry["v2"]),
        _record(PARAMETERS[recipe], entry["parameters"]),
        empty,
        empty,
    )


def _record(kind: type[Any], group: h5py.Group) -> Any:
    return kind(**{field.name: group[field.name][()] for field in fields(kind)})
