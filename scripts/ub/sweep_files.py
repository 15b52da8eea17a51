"""Reads a sweep: HDF5 with a stack of frames, or a folder of one file a frame, and how its axis turned."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from beamgym.physics.laue.files import read_image

HDF5 = (".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".cxi")
_FRAMES = (".cbf", ".tif", ".tiff", ".edf", ".img", ".npy")
_EVEN = 1e-3  # of a step: angles of a file that differ by more are no even steps
_HEADER = 8192
_START, _STEP = re.compile(rb"Start_angle\s+([-+\d.eE]+)"), re.compile(rb"Angle_increment\s+([-+\d.eE]+)")


@dataclass(frozen=True)
class SweepFiles:
    """Frames in their order, and what their files say of themselves.

    Parameters
    ----------
    path : file or folder
    files : one a frame; of HDF5 the one file
    dataset : of HDF5
    count : frames
    start_deg, step_deg : of the axis, None where nothing says so
    standing : positions of axes that the file knows, by name
    wavelength_a : Å, None where the file does not say
    notes : what was taken from the file, a line each
    """

    path: Path
    files: tuple[Path, ...]
    dataset: str | None
    count: int
    start_deg: float | None = None
    step_deg: float | None = None
    standing: dict[str, float] = field(default_factory=dict)
    wavelength_a: float | None = None
    notes: tuple[str, ...] = ()

    def frames(self) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_]]]:
        """Yield each frame (slow, fast) with the pixels that are to be ignored."""
        if len(self.files) == 1:
            yield from self._stack()
            return
        for file in self.files:
            read = read_image(file, 0, None, invert=False)
            yield read.image, read.ignored

    def _stack(self) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_]]]:
        """Yield a file's frames, with the mask that the first one is read with."""
        first = read_image(self.files[0], 0, self.dataset, invert=False)
        with h5py.File(self.files[0], "r") as file:
            parts = _stacks(file, self.dataset)
            if sum(len(part) for part in parts) != self.count or parts[0].shape[1:] != first.image.shape:
                raise ValueError(f"{self.path} holds several stacks; name one by --data")
            for part in parts:
                full = np.iinfo(part.dtype).max if part.dtype.kind == "u" else None
                for image in part:
                    yield image, first.ignored if full is None else first.ignored | (image == full)


def is_sweep(path: Path) -> bool:
    """Return whether a path is one of frames, and no table: a folder, or HDF5."""
    return path.is_dir() or path.suffix.lower() in HDF5


def read_sweep(path: Path, axis: str, dataset: str | None = None) -> SweepFiles:
    """Look at a sweep; frames are read later, one by one.

    Parameters
    ----------
    path : HDF5, or a folder of CBF, TIFF, EDF or .npy files, which are taken in the order of the numbers in their names
    axis : that was swept, whose positions are looked for
    dataset : of HDF5, where the file holds several

    Raises
    ------
    ValueError : no frames, or angles in uneven steps
    """
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise ValueError(f"there is no sweep {path}; give an HDF5 file, or a folder with one file a frame")
    count = read_image(path, 0, dataset, invert=False).frames
    if count < 2:
        raise ValueError(f"{path} holds one frame; a sweep has several: name the stack by --data")
    with h5py.File(path, "r") as file:
        angles = _named(file, axis)
        around = {name: _named(file, name) for name in ("omega", "chi", "phi", "kappa", "theta", "mu", "eta")}
        wavelength = _wavelength(file)
        increment = _named(file, f"{axis}_increment")
        if increment is None:
            increment = _named(file, f"{axis}_range_average")
    start, step, notes = None, None, []
    if angles is not None and angles.size in (count, count + 1):
        start, step = _even(path, axis, angles)
        notes.append(f"{axis} from {start:g}° in steps of {step:g}° by the file")
    elif angles is not None and angles.size == 1 and increment is not None and increment.size == 1:
        start, step = float(angles[0]), float(increment[0])
        notes.append(f"{axis} from {start:g}° in steps of {step:g}° by the file")
    standing = {
        name: float(value.flat[0])
        for name, value in around.items()
        if name != axis and _is_one(value) and value is not None
    }
    return SweepFiles(path, (path,), dataset, count, start, step, standing, wavelength, tuple(notes))


def _stacks(file: Any, dataset: str | None) -> list[Any]:
    """Return the stacks of frames in a file, in their order: the one that is named, the only one, or Eiger's parts."""
    if dataset is not None:
        return [file[dataset]]
    found: dict[str, Any] = {}

    def look(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim == 3 and item.dtype.kind in "iuf":
            found[path] = item

    file.visititems(look)
    # Eiger's master file links its parts, which a visit does not follow
    data = file.get("entry/data")
    for name in sorted(data) if isinstance(data, h5py.Group) else ():
        if re.fullmatch(r"data_\d+", name) and data.get(name) is not None:
            found.setdefault(f"entry/data/{name}", data[name])
    parts = [found[path] for path in sorted(found) if re.search(r"data_\d+$", path)]
    return parts or list(found.values())[:1]


def _folder(path: Path) -> SweepFiles:
    found = [file for file in path.iterdir() if file.suffix.lower() in _FRAMES]
    if len(found) < 2:
        raise ValueError(f"{path} holds {len(found)} frames; a sweep has several, as {', '.join(_FRAMES[:3])} files")
    suffixes = sorted({file.suffix.lower() for file in found})
    if len(suffixes) > 1:
        raise ValueError(
            f"{path} holds {' and '.join(suffixes)} files; put the frames of one sweep into a folder alone"
        )
    files = tuple(sorted(found, key=_number))
    with open(files[0], "rb") as file:
        head = file.read(_HEADER)
    start, step = _START.search(head), _STEP.search(head)
    if start is None or step is None:
        return SweepFiles(path, files, None, len(files))
    first, by = float(start[1]), float(step[1])
    note = f"start {first:g}° and step {by:g}° by the frames' own headers"
    return SweepFiles(path, files, None, len(files), first, by, notes=(note,))


def _number(file: Path) -> tuple[str, int, str]:
    """Return what files are sorted by: the last number in the name, within what stands before it."""
    match = re.search(r"^(.*?)(\d+)(\D*)$", file.stem)
    return (file.stem, 0, "") if match is None else (match[1], int(match[2]), match[3])


def _named(file: Any, name: str) -> NDArray[np.float64] | None:
    """Return the first dataset of numbers that has a name, flat."""
    found: list[NDArray[np.float64]] = []

    def look(path: str, item: Any) -> None:
        named = not found and isinstance(item, h5py.Dataset) and path.rpartition("/")[2].lower() == name
        if named and item.dtype.kind in "iuf" and item.ndim <= 1:
            found.append(np.atleast_1d(np.asarray(item[()], dtype=np.float64)))

    file.visititems(look)
    return found[0] if found else None


def _is_one(values: NDArray[np.float64] | None) -> bool:
    return values is not None and values.size > 0 and bool(np.ptp(values) < 1e-6)


def _wavelength(file: Any) -> float | None:
    for name in ("incident_wavelength", "wavelength"):
        values = _named(file, name)
        if _is_one(values) and values is not None:
            return float(values[0])
    return None


def _even(path: Path, axis: str, angles: NDArray[np.float64]) -> tuple[float, float]:
    steps = np.diff(angles)
    step = float(np.median(steps))
    if step == 0.0 or np.abs(steps - step).max() > _EVEN * abs(step) + 1e-6:
        raise ValueError(
            f"{path}: {axis} goes from {angles[0]:g}° to {angles[-1]:g}° in uneven steps; give --start and --step, or "
            "by --axis the one that was swept"
        )
    return float(angles[0]), step
