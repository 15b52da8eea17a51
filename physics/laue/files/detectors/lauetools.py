"""Calibrations of LaueTools: its five numbers, and the files .det, .fit and .cor that hold them."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files.detectors.checks import agreed_shape
from beamgym.physics.laue.files.parsing import numbers_of_line, read_text

_KEYS = ("dd", "xcen", "ycen", "xbet", "xgam", "pixelsize")
_WHOLE_TURN_DEG = 360.0


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


def read_det(file: Path, shape: tuple[int, int] | None) -> Detector:
    """Read a .det file: the first line holds dd, xcen, ycen, xbet, xgam, pixelsize and mostly the frame's two edges.

    Raises
    ------
    ValueError : a first line that is not six or eight numbers, or no shape
    """
    lines = read_text(file).splitlines()
    first = next((line for line in lines if line.strip()), "")
    wanted = "the first line must hold dd, xcen, ycen, xbet, xgam, pixelsize, and the frame's size or nothing more"
    try:
        numbers = numbers_of_line(first)
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}; {wanted}") from None
    if len(numbers) not in (6, 8):
        raise ValueError(f"{file.name}: {wanted}; found {first.strip()[:80]!r}")
    return _calibrated(numbers[:6], agreed_shape(shape, numbers[6:] or None, file.name), file)


def read_fit(file: Path, shape: tuple[int, int] | None) -> Detector:
    """Read the calibration in the text of a .fit file.

    Raises
    ------
    ValueError : no detector parameters in it, or entries that are no numbers
    """
    text = read_text(file)
    five, pixel, frame = (_below(file, text, t) for t in ("DetectorParameters", "pixelsize", "Frame dimensions"))
    if five is None or len(five) not in (5, 6) or pixel is None or len(pixel) != 1:
        raise ValueError(f"{file.name} holds no #DetectorParameters and #pixelsize; use the fit's .det file")
    return _calibrated([*five[:5], pixel[0]], agreed_shape(shape, frame, file.name), file)


def read_cor(file: Path, shape: tuple[int, int] | None) -> Detector:
    """Read the calibration in the comments of a .cor file.

    Raises
    ------
    ValueError : entries that are missing or no numbers
    """
    text = read_text(file)
    found = {key: _entry(file, text, key) for key in (*_KEYS, "ypixelsize", "framedim")}
    several = [key for key, values in found.items() if key != "framedim" and values and len(values) > 1]
    if several:
        raise ValueError(f"{file.name}: {several[0]} holds {len(found[several[0]] or ())} numbers; one is wanted")
    missing = [key for key in _KEYS if found[key] is None]
    if missing:
        raise ValueError(f"{file.name} has no calibration in its header (no {', '.join(missing)}); use the .det file")
    numbers = [float(values[0]) for key in _KEYS if (values := found[key])]
    across = found["ypixelsize"]
    if across and abs(across[0] - numbers[5]) > 1e-6 * abs(numbers[5]):
        raise ValueError(f"pixels must be square; {file.name} gives {numbers[5]:g} × {across[0]:g} mm")
    return _calibrated(numbers, agreed_shape(shape, found["framedim"], file.name), file)


def _calibrated(numbers: Sequence[float], shape: tuple[int, int], file: Path) -> Detector:
    dd, xcen, ycen, xbet, xgam, pixel = numbers
    if dd <= 0:
        raise ValueError(f"{file.name}: the distance dd must be above 0 mm, found {dd:g}; back-reflection turns xbet")
    for name, angle in (("xbet", xbet), ("xgam", xgam)):
        if abs(angle) > _WHOLE_TURN_DEG:
            raise ValueError(f"{file.name}: {name} is {angle:g}°, more than a whole turn")
    return from_lauetools(dd, xcen, ycen, xbet, xgam, pixel, shape, file.stem)


def _below(file: Path, text: str, title: str) -> list[float] | None:
    """Return the numbers of the line below a title."""
    match = re.search(rf"^#\s*{title}\s*\n#?(.*)$", text, re.MULTILINE)
    return _numbers(file, title, match[1]) if match and match[1].strip() else None


def _entry(file: Path, text: str, key: str) -> list[float] | None:
    """Return the numbers behind "# key :"."""
    match = re.search(rf"^#\s*{key}\s*:(.*)$", text, re.MULTILINE)
    return _numbers(file, key, match[1]) if match and match[1].strip() else None


def _numbers(file: Path, name: str, words: str) -> list[float]:
    try:
        return numbers_of_line(words)
    except ValueError as error:
        raise ValueError(f"{file.name}: {name}: {error}") from None
