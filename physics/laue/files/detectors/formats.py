"""Detectors read from and written to the files that other programs use."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.physics.files import write_text
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files.detectors.checks import agreed_shape, number, possible
from beamgym.physics.laue.files.detectors.lauetools import read_cor, read_det, read_fit
from beamgym.physics.laue.files.detectors.nexus import read_nexus_detector
from beamgym.physics.laue.files.detectors.poni import read_poni
from beamgym.physics.laue.files.parsing import read_text
from beamgym.physics.laue.stated_camera import StatedCamera, StatedCylinder

_RADIUS = "radius_mm"
_JSON_KEYS = ("origin_mm", "fast", "slow", "pixel_mm", "shape")


def load_detector(path: str | os.PathLike[str], shape: tuple[int, int] | None = None) -> Detector:
    """Read a detector from LaueTools .det, .fit or .cor, pyFAI .poni, NeXus .nxs/.h5, or this project's .json.

    Parameters
    ----------
    path : the file
    shape : (rows, columns), for files that do not say; where one does, its order of the two may differ

    Raises
    ------
    ValueError : an unknown ending, a file that lacks what is needed, one of frames of another shape, or lengths in a
        unit that makes an impossible camera
    FileNotFoundError : no such file
    """
    file = Path(path)
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(_READERS))
        raise ValueError(f"cannot tell what detector file {file.name!r} is; endings that are read: {known}")
    if not file.is_file():
        raise FileNotFoundError(f"no detector file {str(file)!r}; check the path")
    return possible(reader(file, shape), file.name)


def load_detector_for(path: str | os.PathLike[str], image_shape: tuple[int, int] | None) -> Detector:
    """Read a detector for images of this shape (slow, fast); None where no image is known.

    Raises
    ------
    ValueError : as ``load_detector``, or for an image of another shape than the file states: it was binned, cropped or
        turned, and every angle would be wrong
    """
    file = Path(path)
    stated = load_detector(file).shape if file.is_file() and _states_rows_and_columns(file) else None
    if image_shape is not None and stated is not None and stated != image_shape:
        raise ValueError(
            f"the image has {image_shape[0]} rows and {image_shape[1]} columns, {file.name} says {stated[0]} and "
            f"{stated[1]}: give the geometry of this camera at this binning"
        )
    return load_detector(file, shape=image_shape)


def save_detector(detector: Detector, path: str | os.PathLike[str]) -> None:
    """Write a detector as JSON, which ``load_detector`` reads back exactly."""
    keys = (*_JSON_KEYS, _RADIUS) if isinstance(detector, CylinderDetector) else _JSON_KEYS
    values = {key: np.asarray(getattr(detector, key)).tolist() for key in keys}
    write_text(path, json.dumps({"name": detector.name, **values}, indent=2) + "\n")


def save_stated_camera(camera: StatedCamera, path: str | os.PathLike[str]) -> None:
    """Write a camera in its user's words as JSON, which ``load_detector`` reads; every word can be changed by hand."""
    write_text(path, json.dumps(camera.as_dict(), indent=2) + "\n")


def stated_cylinder(path: str | os.PathLike[str]) -> StatedCylinder | None:
    """Return a geometry file's words on a cylindrical plate; None where it holds something else.

    Raises
    ------
    ValueError : words that mean nothing, with the file's name
    """
    file = Path(path)
    values = _words(file)
    if values is None or not _is_cylinder(values):
        return None
    try:
        return StatedCylinder.from_dict(values)
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from None


def is_stated_camera(path: str | os.PathLike[str]) -> bool:
    """Tell whether a geometry file holds a person's words on a camera, as ``save_stated_camera`` writes them."""
    values = _words(Path(path))
    return values is not None and "place" in values and not _is_cylinder(values)


def _words(file: Path) -> dict[str, Any] | None:
    """Return the object that a .json holds; None for another file, or one that the reader will refuse."""
    if file.suffix.lower() != ".json":
        return None
    try:
        values = json.loads(read_text(file))
    except (ValueError, OSError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _is_cylinder(values: Mapping[str, Any]) -> bool:
    """Tell whether an object holds a person's words on an image plate bent to a cylinder, not a calibrated one."""
    return values.get("place", "cylinder") == "cylinder" and "radius_mm" in values and "origin_mm" not in values


def _states_rows_and_columns(file: Path) -> bool:
    """Tell whether a file says which of its two sizes is the rows; the formats of other programs leave it open."""
    if file.suffix.lower() != ".json":
        return file.suffix.lower() in (".nxs", ".h5")
    try:
        return bool(json.loads(read_text(file)).get("shape"))
    except (ValueError, AttributeError, RecursionError):
        return True  # the reader will say what is wrong with it


def _read_json(file: Path, shape: tuple[int, int] | None) -> Detector:
    try:
        values = json.loads(read_text(file))
        if not isinstance(values, dict):
            raise ValueError("not an object")
    except (ValueError, RecursionError):
        raise ValueError(f"{file.name} is not a JSON object with {', '.join(_JSON_KEYS)}") from None
    if "place" in values or _is_cylinder(values):
        words = StatedCylinder if _is_cylinder(values) else StatedCamera
        try:
            return words.from_dict(values).detector(shape)
        except ValueError as error:
            raise ValueError(f"{file.name}: {error}") from None
    unknown = sorted(set(values) - {*_JSON_KEYS, _RADIUS, "name"})
    missing = [key for key in _JSON_KEYS if key not in values]
    if unknown or missing:
        raise ValueError(f"{file.name}: unknown keys {unknown}, missing keys {missing}; wanted {', '.join(_JSON_KEYS)}")
    size = agreed_shape(shape, values["shape"], file.name)
    name = str(values.get("name", file.stem))
    origin, fast, slow = (_vector(values[key], key, file.name) for key in ("origin_mm", "fast", "slow"))
    pixel = _json_number(values["pixel_mm"], "pixel_mm", file.name)
    if _RADIUS not in values:
        return Detector(origin, fast, slow, pixel, size, name)
    radius = _json_number(values[_RADIUS], _RADIUS, file.name)
    return CylinderDetector(origin, fast, slow, pixel, size, name, radius_mm=radius)


def _vector(value: Any, key: str, where: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError(f"{where}: {key} must be three numbers, found {str(value)[:40]!r}")
    return np.array([_json_number(part, key, where) for part in value])


def _json_number(value: Any, key: str, where: str) -> float:
    if isinstance(value, str):
        raise ValueError(f"{where}: {key} must be a number, found the text {value[:40]!r}")
    return number(value, key, where)


_READERS: Mapping[str, Callable[[Path, tuple[int, int] | None], Detector]] = {
    ".det": read_det,
    ".fit": read_fit,
    ".cor": read_cor,
    ".poni": read_poni,
    ".json": _read_json,
    ".nxs": read_nexus_detector,
    ".h5": read_nexus_detector,
}
