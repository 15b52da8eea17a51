"""Detectors read from and written to the files that other programs use."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.files import write_text
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files.frame_shape import agreed_shape
from beamgym.physics.laue.files.nexus_detector import read_nexus_detector
from beamgym.physics.laue.stated_camera import StatedCamera

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_JSON_KEYS = ("origin_mm", "fast", "slow", "pixel_mm", "shape")


def from_lauetools(
    dd_mm: float,
    xcen_px: float,
    ycen_px: float,
    xbet_deg: float,
    xgam_deg: float,
    pixel_mm: float,
    shape: tuple[int, int],
    name: str = "LaueTools",
) -> Detector:
    """Make a detector from LaueTools' calibration parameters.

    Parameters
    ----------
    dd_mm : distance from the sample to the plane, mm
    xcen_px, ycen_px : foot of the normal through the sample, LaueTools pixels (the first pixel's centre is 1)
    xbet_deg : angle between the normal and the lab's z, about −y; xgam_deg : turn of the image in its plane
    pixel_mm : mm
    shape : (rows, columns)

    Notes
    -----
    With n = (sin xbet, 0, cos xbet), e1 = (0, −1, 0) and e2 = (cos xbet, 0, −sin xbet), a point of the plane has
    X = xcen + (cos xgam p1 − sin xgam p2)/pixel, Y = ycen + (sin xgam p1 + cos xgam p2)/pixel (LaueTools).
    """
    beta, gamma = math.radians(xbet_deg), math.radians(xgam_deg)
    normal = np.array([math.sin(beta), 0.0, math.cos(beta)])
    e1, e2 = np.array([0.0, -1.0, 0.0]), np.array([math.cos(beta), 0.0, -math.sin(beta)])
    fast = math.cos(gamma) * e1 - math.sin(gamma) * e2
    slow = math.sin(gamma) * e1 + math.cos(gamma) * e2
    origin = dd_mm * normal + pixel_mm * ((1.0 - xcen_px) * fast + (1.0 - ycen_px) * slow)
    return Detector(origin, fast, slow, pixel_mm, shape, name)


def to_lauetools(detector: Detector) -> dict[str, float]:
    """Return LaueTools' parameters dd (mm), xcen, ycen (pixels from 1), xbet, xgam (degrees) and pixelsize (mm).

    Raises
    ------
    ValueError : a mirrored detector, or one whose normal leaves the xz plane: LaueTools cannot express it
    """
    if detector.mirrored:
        raise ValueError(
            "LaueTools has no mirrored detectors: swap or reverse fast or slow, and flip the images with it"
        )
    normal = detector.normal
    if abs(normal[1]) > 1e-6:
        raise ValueError(
            f"LaueTools needs the detector's normal in the xz plane; this one's y component is {normal[1]:.3g}: "
            "turn the lab frame about the beam first"
        )
    beta = math.atan2(normal[0], normal[2])
    e1, e2 = np.array([0.0, -1.0, 0.0]), np.array([math.cos(beta), 0.0, -math.sin(beta)])
    gamma = math.atan2(-float(detector.fast @ e2), float(detector.fast @ e1))
    offset = detector.distance_mm * normal - detector.origin_mm
    return {
        "dd": detector.distance_mm,
        "xcen": 1.0 + float(offset @ detector.fast) / detector.pixel_mm,
        "ycen": 1.0 + float(offset @ detector.slow) / detector.pixel_mm,
        "xbet": math.degrees(beta),
        "xgam": math.degrees(gamma),
        "pixelsize": detector.pixel_mm,
    }


def from_poni(values: Mapping[str, Any], shape: tuple[int, int] | None = None) -> Detector:
    """Make a detector from the entries of a pyFAI .poni file.

    pyFAI's axis 1 is up (z here), 2 is −y and 3 the beam (x); distances in metres, angles in radians; a pixel's centre
    lies half a pixel from its edge. R = R3(rot3) R2(−rot2) R1(−rot1) (Kieffer & Karkoulis, J. Phys. Conf. Ser. 425
    (2013) 202012).

    Parameters
    ----------
    values : Distance, Poni1, Poni2, Rot1, Rot2, Rot3, and Detector_config or PixelSize1 and PixelSize2
    shape : (rows, columns), where the file does not say; one that contradicts the file is refused
    """
    lower = {str(key).lower(): value for key, value in values.items()}
    config = lower.get("detector_config", {})
    config = json.loads(config) if isinstance(config, str) and config.strip() else (config or {})
    pixels: list[Any] = [config.get(f"pixel{k}", lower.get(f"pixelsize{k}")) for k in (1, 2)]
    if None in pixels:
        raise ValueError("the PONI file does not give the pixel size: add pixel1 and pixel2 to its Detector_config")
    pixel1, pixel2 = (float(p) for p in pixels)
    if abs(pixel1 - pixel2) > 1e-6 * pixel1:
        raise ValueError(f"pixels must be square; the PONI file gives {pixel1:g} × {pixel2:g} m")
    if int(config.get("orientation", 3) or 3) != 3:
        raise ValueError(
            "only PONI files of detector orientation 3 are read: re-save it with pyFAI's default orientation"
        )
    shape = agreed_shape(shape, config.get("max_shape"), "PONI file")
    try:
        names = ("distance", "poni1", "poni2", "rot1", "rot2", "rot3")
        distance, poni1, poni2, rot1, rot2, rot3 = (float(lower[k]) for k in names)
    except (KeyError, ValueError) as error:
        raise ValueError(f"the PONI file lacks a number: {error}; it must give Distance, Poni1-2 and Rot1-3") from None
    turn = _about(2, rot3) @ _about(1, -rot2) @ _about(0, -rot1)
    to_lab = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
    corner = np.array([0.5 * pixel1 - poni1, 0.5 * pixel2 - poni2, distance])
    origin = 1000.0 * to_lab @ turn @ corner
    return Detector(origin, to_lab @ turn[:, 1], to_lab @ turn[:, 0], 1000.0 * pixel1, shape, "PONI")


def load_detector(path: str | os.PathLike[str], shape: tuple[int, int] | None = None) -> Detector:
    """Read a detector from LaueTools .det, .fit or .cor, pyFAI .poni, NeXus .nxs/.h5, or this project's .json.

    Parameters
    ----------
    path : the file
    shape : (rows, columns), for files that do not say; where one does, its order of the two may differ

    Raises
    ------
    ValueError : an unknown ending, a file that lacks what is needed, or one of frames of another shape
    FileNotFoundError : no such file
    """
    file = Path(path)
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(_READERS))
        raise ValueError(f"cannot tell what detector file {file.name!r} is; endings that are read: {known}")
    if not file.is_file():
        raise FileNotFoundError(f"no detector file {str(file)!r}; check the path")
    return reader(file, shape)


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
    values = {key: np.asarray(getattr(detector, key)).tolist() for key in _JSON_KEYS}
    write_text(path, json.dumps({"name": detector.name, **values}, indent=2) + "\n")


def save_stated_camera(camera: StatedCamera, path: str | os.PathLike[str]) -> None:
    """Write a camera in its user's words as JSON, which ``load_detector`` reads; every word can be changed by hand."""
    write_text(path, json.dumps(camera.as_dict(), indent=2) + "\n")


def _states_rows_and_columns(file: Path) -> bool:
    """Tell whether a file says which of its two sizes is the rows; the formats of other programs leave it open."""
    if file.suffix.lower() != ".json":
        return file.suffix.lower() in (".nxs", ".h5")
    try:
        return bool(json.loads(_text(file)).get("shape"))
    except (ValueError, AttributeError):
        return True  # the reader will say what is wrong with it


def _read_det(file: Path, shape: tuple[int, int] | None) -> Detector:
    first = _text(file).splitlines()[0] if _text(file).strip() else ""
    numbers = [float(n) for n in re.findall(_NUMBER, first)]
    if len(numbers) < 6:
        raise ValueError(
            f"{file.name}: the first line must hold dd, xcen, ycen, xbet, xgam, pixelsize; found {first!r}"
        )
    written = tuple(int(n) for n in numbers[6:8]) if len(numbers) >= 8 else None
    return _calibrated(numbers[:6], agreed_shape(shape, written, file.name), file.stem)


def _read_fit(file: Path, shape: tuple[int, int] | None) -> Detector:
    text = _text(file)
    found = [_after(text, title) for title in ("DetectorParameters", "pixelsize", "Frame dimensions")]
    if found[0] is None or len(found[0]) < 5 or not found[1]:
        raise ValueError(f"{file.name} holds no #DetectorParameters and #pixelsize; use the fit's .det file")
    return _calibrated([*found[0][:5], found[1][0]], agreed_shape(shape, found[2], file.name), file.stem)


def _read_cor(file: Path, shape: tuple[int, int] | None) -> Detector:
    text = _text(file)
    keys = ("dd", "xcen", "ycen", "xbet", "xgam", "pixelsize")
    matches = [re.search(rf"^#\s*{key}\s*:\s*({_NUMBER})", text, re.MULTILINE) for key in keys]
    missing = [key for key, match in zip(keys, matches, strict=True) if match is None]
    if missing:
        raise ValueError(f"{file.name} has no calibration in its header (no {', '.join(missing)}); use the .det file")
    frame = re.search(r"^#\s*framedim\s*:\s*(.+)$", text, re.MULTILINE)
    written = [float(n) for n in re.findall(_NUMBER, frame[1])] if frame else None
    numbers = [float(match[1]) for match in matches if match]
    return _calibrated(numbers, agreed_shape(shape, written, file.name), file.stem)


def _calibrated(numbers: Sequence[float], shape: tuple[int, int], name: str) -> Detector:
    dd, xcen, ycen, xbet, xgam, pixel = numbers
    return from_lauetools(dd, xcen, ycen, xbet, xgam, pixel, shape, name)


def _read_poni(file: Path, shape: tuple[int, int] | None) -> Detector:
    lines = [line for line in _text(file).splitlines() if ":" in line and not line.lstrip().startswith("#")]
    values = {key.strip(): value.strip() for key, value in (line.split(":", 1) for line in lines)}
    try:
        return from_poni(values, shape)
    except json.JSONDecodeError:
        raise ValueError(f"{file.name}: Detector_config is not valid JSON; re-save the file with pyFAI") from None


def _read_json(file: Path, shape: tuple[int, int] | None) -> Detector:
    try:
        values = json.loads(_text(file))
        if not isinstance(values, dict):
            raise ValueError("not an object")
    except ValueError:
        raise ValueError(f"{file.name} is not a JSON object with {', '.join(_JSON_KEYS)}") from None
    if "place" in values:
        try:
            return StatedCamera.from_dict(values).detector(shape)
        except ValueError as error:
            raise ValueError(f"{file.name}: {error}") from None
    unknown = sorted(set(values) - {*_JSON_KEYS, "name"})
    missing = [key for key in _JSON_KEYS if key not in values]
    if unknown or missing:
        raise ValueError(f"{file.name}: unknown keys {unknown}, missing keys {missing}; wanted {', '.join(_JSON_KEYS)}")
    size = agreed_shape(shape, values["shape"], file.name)
    name = str(values.get("name", file.stem))
    return Detector(values["origin_mm"], values["fast"], values["slow"], values["pixel_mm"], size, name)


_READERS: Mapping[str, Callable[[Path, tuple[int, int] | None], Detector]] = {
    ".det": _read_det,
    ".fit": _read_fit,
    ".cor": _read_cor,
    ".poni": _read_poni,
    ".json": _read_json,
    ".nxs": read_nexus_detector,
    ".h5": read_nexus_detector,
}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{file.name} is not a text file; detector files are") from None


def _after(text: str, title: str) -> list[float] | None:
    match = re.search(rf"^#\s*{title}\s*\n#?(.*)$", text, re.MULTILINE)
    return [float(n) for n in re.findall(_NUMBER, match[1])] if match else None


def _about(axis: int, angle_rad: float) -> Float64Array:
    from scipy.spatial.transform import Rotation

    matrix: Float64Array = Rotation.from_rotvec(angle_rad * np.eye(3)[axis]).as_matrix()
    return matrix
