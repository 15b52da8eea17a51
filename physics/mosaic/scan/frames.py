"""Frames of a scan, and the file that keeps them as they come."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import Float64Array
from beamgym.physics.files import replacing
from beamgym.physics.instrument import Peaks

_PART = "{:05d}.h5"


@dataclass(frozen=True, eq=False)
class TakenFrame:
    """One frame of one crystal.

    Parameters
    ----------
    point_mm : (2,) where the beam was, by the readback
    exposure_s, time_s : of the exposure, and its end by the instrument's clock
    peaks : found in it (n = 1)
    image : (slow, fast) counts, where the camera gave one
    """

    point_mm: Float64Array
    exposure_s: float
    time_s: float
    peaks: Peaks
    image: NDArray[Any] | None = None


class FrameStore:
    """An HDF5 file that grows by one crystal at a time.

    Until the scan is finished every crystal's frames lie in a file of their own in ``NAME.parts`` beside it, written
    whole or not at all: a scan that is killed loses the crystal in hand and nothing else.

    Parameters
    ----------
    path : of the file, ending in .h5
    plate : the plate's identity

    Raises
    ------
    ValueError : where the file or its parts hold frames of another plate, or are no such file
    """

    def __init__(self, path: str | os.PathLike[str], plate: str) -> None:
        self.path, self.plate = Path(path), plate
        self._parts = self.path.with_suffix(".parts")
        self._files = self._kept()

    def _kept(self) -> dict[str, Path]:
        """Return where the frames of each crystal lie, as it is on the disk now."""
        files: dict[str, Path] = {}
        for found in sorted(self._parts.glob("[0-9]*.h5")):
            for name in _names(found, self.plate):
                files[name] = found
        if self.path.exists():
            for name in _names(self.path, self.plate):
                files.setdefault(name, self.path)
        return files

    @property
    def names(self) -> tuple[str, ...]:
        """Crystals whose frames are kept."""
        return tuple(self._files)

    def add(self, name: str, frames: Sequence[TakenFrame]) -> None:
        """Keep the frames of one crystal."""
        self._parts.mkdir(parents=True, exist_ok=True)
        taken = [int(found.stem) for found in self._parts.glob("[0-9]*.h5")]
        part = self._parts / _PART.format(max(taken, default=-1) + 1)
        with replacing(part) as draft:
            _write(draft, self.plate, {name: frames})
        self._files[name] = part

    def read(self, name: str) -> tuple[TakenFrame, ...]:
        """Return the frames of one crystal; raises KeyError where there are none."""
        return _read(self._files[name], name)

    def finish(self) -> None:
        """Join all parts into the file, those of another scan of the plate too, and remove what was joined."""
        if not self._parts.exists():
            return
        joined = sorted(self._parts.glob("[0-9]*.h5"))
        self._files = self._kept()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as draft:
            _write(draft, self.plate, {name: self.read(name) for name in self._files})
        self._files = dict.fromkeys(self._files, self.path)
        for part in joined:
            part.unlink(missing_ok=True)
        if not any(self._parts.glob("[0-9]*.h5")):
            shutil.rmtree(self._parts)


def _names(path: Path, plate: str) -> list[str]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            own = str(file.attrs.get("plate", ""))
            names = [str(group.attrs["name"]) for group in file["entry/crystals"].values()]
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} holds no frames of a plate ({error}); give another file, or remove it") from None
    if own != plate:
        raise ValueError(
            f"{path} holds frames of another plate ({own or 'none named'}, this one is {plate}): its outlines were "
            "other ones; give the scan a folder of its own"
        )
    return names


def _write(path: Path, plate: str, crystals: dict[str, Sequence[TakenFrame]]) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["plate"] = plate
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        parent = entry.create_group("crystals")
        for number, (name, frames) in enumerate(crystals.items()):
            group = parent.create_group(f"{number:05d}")
            group.attrs["name"] = name
            group.attrs["NX_class"] = "NXcollection"
            for key, values in _arrays(frames):
                compressed = {"compression": "gzip", "compression_opts": 1} if key == "image" else {}
                data = group.create_dataset(key, data=values, **compressed)
                unit = {"point_mm": "mm", "exposure_s": "s", "time_s": "s", "position_px": "px"}.get(key)
                if unit:
                    data.attrs["units"] = unit


def _arrays(frames: Sequence[TakenFrame]) -> Iterator[tuple[str, NDArray[Any]]]:
    counts = [int(frame.peaks.count[0]) for frame in frames]
    room = max(counts, default=0)
    position, intensity = np.zeros((len(frames), room, 2), np.float32), np.zeros((len(frames), room), np.float32)
    full = np.zeros((len(frames), room), np.bool_)
    for k, (frame, count) in enumerate(zip(frames, counts, strict=True)):
        position[k, :count] = frame.peaks.position_px[0, :count]
        intensity[k, :count] = frame.peaks.intensity[0, :count]
        full[k, :count] = frame.peaks.saturated[0, :count]
    yield "point_mm", np.array([frame.point_mm for frame in frames]).reshape(-1, 2)
    yield "exposure_s", np.array([frame.exposure_s for frame in frames])
    yield "time_s", np.array([frame.time_s for frame in frames])
    yield "count", np.array(counts, dtype=np.int64)
    yield "position_px", position
    yield "intensity", intensity
    yield "saturated", full
    images = [frame.image for frame in frames if frame.image is not None]
    if images and len(images) == len(frames):
        yield "image", np.stack(images)


def _read(path: Path, name: str) -> tuple[TakenFrame, ...]:
    import h5py

    with h5py.File(path, "r") as file:
        for group in file["entry/crystals"].values():
            if str(group.attrs["name"]) != name:
                continue
            data = {key: np.asarray(group[key]) for key in group}
            return tuple(_frame(data, k) for k in range(len(data["count"])))
    raise KeyError(name)


def _frame(data: dict[str, NDArray[Any]], k: int) -> TakenFrame:
    count = int(data["count"][k])
    peaks = Peaks(
        data["position_px"][k : k + 1, :count].astype(np.float32),
        data["intensity"][k : k + 1, :count].astype(np.float32),
        np.array([count], dtype=np.int64),
        data["saturated"][k : k + 1, :count].astype(np.bool_),
    )
    image = data["image"][k] if "image" in data else None
    return TakenFrame(data["point_mm"][k], float(data["exposure_s"][k]), float(data["time_s"][k]), peaks, image)
