"""Laboratory pictures on disk with their truth: HDF5 files of some pictures, each of its number and the seed alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import h5py

from beamgym.physics.crystal import Crystal, load_crystal
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
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.lab.picture import LabCamera, LabPicture, lab_picture

SHARD_FORMAT: Final = "beamgym laue shard 1"
PICTURED: Final = ("Si", "quartz", "Al2O3", "SrTiO3", "FePS3", "Ca2RuO4", "Bi2Se3", "kyanite")
"""Crystals where none are named, from cubic to triclinic."""
MOST_SEEDS, MOST_PICTURES = 1_000_000, 1_000_000_000

# Picture i of a data set is drawn from a number far above those of any benchmark.
_FIRST: Final = 10**15


@dataclass(frozen=True, eq=False)
class NamedPicture:
    """A picture of a data set: its number there, the crystal in the beam, and the picture with its truth."""

    number: int
    crystal: str
    picture: LabPicture


@dataclass(frozen=True)
class PictureShards:
    """Makes the bytes of shards of pictures of some crystals, and knows them again."""

    crystals: tuple[str, ...]

    def __call__(self, case: ShardCase) -> bytes:
        """Return a shard's bytes, which depend on the case's seed, first and samples alone."""
        numbers = range(case.first, case.first + case.samples)
        drawn = [self.take(case.seed, number) for number in numbers]
        return hdf5_bytes(lambda file: _fill(file, drawn, self.about(case)))

    def take(self, seed: int, number: int) -> NamedPicture:
        """Return picture ``number`` of a seed; the crystals take turns."""
        name = self.crystals[number % len(self.crystals)]
        return NamedPicture(number, name, lab_picture(_crystal(name), _FIRST + MOST_PICTURES * seed + number))

    def about(self, case: ShardCase) -> dict[str, Any]:
        """Return the attributes of a shard."""
        about = {"format": SHARD_FORMAT, "crystals": ",".join(self.crystals), "seed": case.seed}
        return {**about, "first": case.first, "pictures": case.samples}

    def has_written(self, path: Path, case: ShardCase) -> bool:
        """Return whether a file is this shard and whole; raises ValueError for a shard of another data set."""
        wanted = self.about(case)
        try:
            with h5py.File(path, "r") as file:
                found, held = {name: file.attrs.get(name) for name in wanted}, len(file.get("entry", ()))
        except OSError:
            return False
        check_settings(path, found, wanted, ANOTHER)
        return held == case.samples


def write_pictures(
    folder: Path,
    seed: int,
    pictures: int,
    crystals: Sequence[str] = PICTURED,
    per_shard: int = 32,
    done: Callable[[int], object] = lambda number: None,
    *,
    executor: Executor | None = None,
    mend: bool = False,
) -> list[Path]:
    """Write laboratory pictures with their truth; shards that are there already, of the same data set, are kept.

    Parameters
    ----------
    folder : of the shards; made if missing
    seed : of the data set
    pictures : how many
    crystals : which are in the beam, in turn: names as ``load_crystal`` takes them
    per_shard : pictures in a file
    done : called with the number of pictures each time some are written or found
    executor : where the work is done; in this process by default
    mend : make damaged shards anew

    Returns
    -------
    The files, in order

    Raises
    ------
    ValueError : numbers or crystals that make no data set, or a folder that holds another one
    DamagedShard : a shard is not as it was written, and is not to be made anew

    Notes
    -----
    ``entry/picture_000000000`` and so on, each with ``image``, ``orientation`` (3, 3), ``position_px`` (k, 2) and
    ``strength`` (k,) of ``LabPicture``; attributes name the crystal and say how the camera stands (``true_…``) and is
    stated to stand (``stated_…``).
    """
    if not 1 <= pictures <= MOST_PICTURES or per_shard < 1:
        raise ValueError(f"{pictures} pictures, {per_shard} in a file: give 1 or more of both, at most {MOST_PICTURES}")
    if not 0 <= seed < MOST_SEEDS:
        raise ValueError(f"the seed is {seed}; it must lie between 0 and {MOST_SEEDS - 1}")
    if not crystals:
        raise ValueError("name one crystal or more")
    for name in crystals:
        _crystal(name)
    made = PictureShards(tuple(crystals))
    settings = {"kind": "laue", "format": SHARD_FORMAT, "crystals": list(crystals)}
    plan = ShardPlan(Path(folder), settings, seed, pictures, per_shard, made, made.has_written)
    return write_shards(plan, executor or InProcess(), done, mend)


def read_pictures(path: str | Path) -> list[NamedPicture]:
    """Return the pictures of a shard.

    Raises
    ------
    FileNotFoundError : no such file
    ValueError : a file that is no shard of pictures
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no shard {path}")
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != SHARD_FORMAT:
                raise ValueError(f"{path} is no shard of Laue pictures; `beamgym dataset laue` writes them")
            return [_read(file["entry"][name]) for name in sorted(file["entry"])]
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is damaged or no shard of Laue pictures; write it anew") from error


@cache
def _crystal(name: str) -> Crystal:
    return load_crystal(name)


_PARTS: Final = ("origin_mm", "fast", "slow", "pixel_mm", "shape")


def _fill(file: h5py.File, drawn: list[NamedPicture], about: dict[str, Any]) -> None:
    file.attrs.update(about)
    entry = file.create_group("entry")
    for one in drawn:
        group, picture = entry.create_group(f"picture_{one.number:09d}"), one.picture
        group.create_dataset("image", data=picture.image, compression="gzip", compression_opts=1, shuffle=True)
        for name in ("orientation", "position_px", "strength"):
            group.create_dataset(name, data=getattr(picture, name))
        camera = picture.camera
        group.attrs.update({"number": one.number, "crystal": one.crystal, "spots": picture.spots})
        group.attrs.update({name: getattr(camera, name) for name in ("negative", "bits", "spot_mm", "tail")})
        for word, panel in (("true", camera.true), ("stated", camera.stated)):
            group.attrs.update({f"{word}_{part}": getattr(panel, part) for part in _PARTS})


def _read(group: h5py.Group) -> NamedPicture:
    about = group.attrs
    camera = LabCamera(
        _panel(about, "true"),
        _panel(about, "stated"),
        bool(about["negative"]),
        int(about["bits"]),
        float(about["spot_mm"]),
        float(about["tail"]),
    )
    image, orientation, position, strength = (
        group[name][()] for name in ("image", "orientation", "position_px", "strength")
    )
    picture = LabPicture(image, camera, orientation, int(about["spots"]), position, strength)
    return NamedPicture(int(about["number"]), str(about["crystal"]), picture)


def _panel(about: h5py.AttributeManager, word: str) -> Detector:
    origin, fast, slow, pixel_mm, shape = (about[f"{word}_{part}"] for part in _PARTS)
    return Detector(origin, fast, slow, float(pixel_mm), (int(shape[0]), int(shape[1])))
