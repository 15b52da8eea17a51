"""Calibrations of pyFAI: .poni files of the versions 1, 2 and 2.1."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files.detectors.checks import agreed_shape, number
from beamgym.physics.laue.files.parsing import read_text

_FAMILIES_M: Mapping[str, float] = {"pilatus": 172e-6, "eiger": 75e-6}
"""Pixels of the detectors that pyFAI names without their size (Dectris' data sheets)."""
_WHOLE_TURN = 2.0 * math.pi + 1e-9
_USUAL_ORIENTATION = 3
_WHERE = "the PONI file"


def from_poni(values: Mapping[str, Any], shape: tuple[int, int] | None = None) -> Detector:
    """Make a detector from the entries of a pyFAI .poni file.

    pyFAI's axis 1 is up (z here), 2 is −y and 3 the beam (x); distances in metres, angles in radians; a pixel's centre
    lies half a pixel from its edge. R = R3(rot3) R2(−rot2) R1(−rot1) (Kieffer & Karkoulis, J. Phys. Conf. Ser. 425
    (2013) 202012).

    Parameters
    ----------
    values : Distance, Poni1, Poni2, Rot1, Rot2, Rot3, and Detector_config or PixelSize1 and PixelSize2
    shape : (rows, columns), where the file does not say; one that contradicts the file is refused

    Raises
    ------
    ValueError : entries that are missing or no numbers, angles beyond a turn, pixels that are not square, an
        orientation or a distortion that is not read
    """
    lower = {str(key).lower(): value for key, value in values.items()}
    config = _config(lower)
    pixel = _pixel_m(lower, config)
    orientation = number(config.get("orientation") or _USUAL_ORIENTATION, "the detector's orientation", _WHERE)
    if orientation != _USUAL_ORIENTATION:
        raise ValueError(
            "only PONI files of detector orientation 3 are read: re-save it with pyFAI's default orientation"
        )
    shape = agreed_shape(shape, config.get("max_shape"), "PONI file")
    names = ("distance", "poni1", "poni2", "rot1", "rot2", "rot3")
    missing = [name for name in names if name not in lower]
    if missing:
        raise ValueError(f"the PONI file lacks {', '.join(missing)}; it must give Distance, Poni1-2 and Rot1-3")
    distance, poni1, poni2, *turns = (number(lower[name], name, _WHERE) for name in names)
    for name, angle in zip(names[3:], turns, strict=True):
        if abs(angle) > _WHOLE_TURN:
            raise ValueError(f"{_WHERE}: {name} is {angle:g}, more than a whole turn; its angles are in radians")
    turn = _about(2, turns[2]) @ _about(1, -turns[1]) @ _about(0, -turns[0])
    to_lab = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
    corner = np.array([0.5 * pixel - poni1, 0.5 * pixel - poni2, distance])
    origin = 1000.0 * to_lab @ turn @ corner
    return Detector(origin, to_lab @ turn[:, 1], to_lab @ turn[:, 0], 1000.0 * pixel, shape, "PONI")


def read_poni(file: Path, shape: tuple[int, int] | None) -> Detector:
    """Read a .poni file; where it holds several calibrations, as pyFAI appends them, the last.

    Raises
    ------
    ValueError : as ``from_poni``
    """
    values: dict[str, str] = {}
    for line in read_text(file).splitlines():
        key, colon, value = line.partition(":")
        key = key.strip().lower()
        if not colon or key.startswith("#"):
            continue
        # a key that comes again begins the next calibration
        values = {} if key in values else values
        values[key] = value.strip()
    return from_poni(values, shape)


def _config(lower: Mapping[str, Any]) -> Mapping[str, Any]:
    config = lower.get("detector_config") or {}
    if isinstance(config, str):
        try:
            config = json.loads(config)
        except (ValueError, RecursionError):
            raise ValueError(f"{_WHERE}: Detector_config is not valid JSON; re-save the file with pyFAI") from None
    if not isinstance(config, Mapping):
        raise ValueError(f"{_WHERE}: Detector_config must be an object {{…}}, found {str(config)[:40]!r}")
    for name in ("splinefile", "splineFile"):
        if (lower.get(name) or config.get(name)) not in (None, "", "None"):
            raise ValueError(
                f"{_WHERE} corrects a distortion by a spline file, which is not read: undistort the images"
            )
    return config


def _pixel_m(lower: Mapping[str, Any], config: Mapping[str, Any]) -> float:
    stated = [config.get(f"pixel{k}", lower.get(f"pixelsize{k}")) for k in (1, 2)]
    if None in stated:
        name = re.sub(r"[^a-z]", "", str(lower.get("detector", "")).lower())
        known = next((size for family, size in _FAMILIES_M.items() if name.startswith(family)), None)
        if known is None or stated != [None, None]:
            raise ValueError(f"{_WHERE} does not give the pixel size: add pixel1 and pixel2 to its Detector_config")
        return known
    pixel1, pixel2 = (number(value, f"pixel{k}", _WHERE) for k, value in enumerate(stated, start=1))
    if pixel1 <= 0 or abs(pixel1 - pixel2) > 1e-6 * pixel1:
        raise ValueError(f"pixels must be square; the PONI file gives {pixel1:g} × {pixel2:g} m")
    return pixel1


def _about(axis: int, angle_rad: float) -> Float64Array:
    matrix: Float64Array = Rotation.from_rotvec(angle_rad * np.eye(3)[axis]).as_matrix()
    return matrix
