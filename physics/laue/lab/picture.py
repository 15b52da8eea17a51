"""Pictures as a student takes them: a crude camera, film or an 8-bit screen, a collimator, letters, hot pixels, tails.

They are drawn to judge an indexer by what it was not made on, not to imitate one instrument: every number is drawn from
a range that laboratory cameras span.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import LaueModel

Float64Array = NDArray[np.float64]

DISTANCE_MM = (15.0, 80.0)
DISTANCE_ERROR = 0.08
CENTRE_ERROR_MM = 1.0
TRANSMISSION_SHARE = 0.2


@dataclass(frozen=True)
class LabCamera:
    """A camera as it is, and as its user states it.

    Parameters
    ----------
    true : where the panel really is
    stated : distance and centre by ruler, no tilt
    negative : densities of a negative, dark spots on light ground, 8 bits; False is a detector
    bits : 8 or 16
    spot_mm : standard deviation of a spot's core
    tail : share of a spot's light that spreads four times as wide
    """

    true: Detector
    stated: Detector
    negative: bool
    bits: int
    spot_mm: float
    tail: float


@dataclass(frozen=True)
class LabPicture:
    """A picture with its truth.

    Parameters
    ----------
    image : (slow, fast) uint8 or uint16
    camera : how it was taken
    orientation : (3, 3) U, crystal Cartesian to lab
    spots : spots drawn brighter than the noise
    position_px, strength : (k, 2) and (k,) spots that light the picture, brightest first: along fast and slow, and the
        peak's height in standard deviations of the noise on dark ground, before film or screen cut it
    further : (3, 3) orientations of further grains
    """

    image: NDArray[np.unsignedinteger]
    camera: LabCamera
    orientation: Float64Array
    spots: int
    position_px: Float64Array
    strength: Float64Array
    further: tuple[Float64Array, ...] = ()


def lab_camera(rng: np.random.Generator) -> LabCamera:
    """Draw a camera: 15 to 80 mm, stated up to 8 % and 1 mm wrong."""
    distance = float(np.exp(rng.uniform(*np.log(DISTANCE_MM))))
    pixels = int(rng.integers(500, 1000))
    reach = float(np.clip(distance * rng.uniform(1.6, 3.2), 60.0, 160.0))
    shape, pixel_mm = (pixels, int(pixels * rng.uniform(0.8, 1.25))), reach / pixels
    place = Detector.transmission if rng.random() < TRANSMISSION_SHARE else Detector.back_reflection
    stated = place(distance, shape, pixel_mm)
    sideways, tilt = rng.uniform(-CENTRE_ERROR_MM, CENTRE_ERROR_MM, 2), rng.normal(0.0, 0.4, 2)
    away = distance * rng.uniform(-DISTANCE_ERROR, DISTANCE_ERROR)
    shift = sideways[0] * stated.fast + sideways[1] * stated.slow + away * stated.normal
    negative = bool(rng.random() < 0.4)
    return LabCamera(
        stated.displaced(shift, np.array([0.0, *tilt])),
        stated,
        negative,
        8 if negative or rng.random() < 0.4 else 16,
        float(max(rng.uniform(0.15, 0.4), 0.7 * pixel_mm)),
        float(rng.uniform(0.0, 0.25)),
    )


def lab_picture(crystal: Crystal, seed: int, empty: bool = False, further: Sequence[float] = ()) -> LabPicture:
    """Take a picture of a crystal in a random orientation with a random camera; one seed, one picture.

    Parameters
    ----------
    crystal, seed : what is drawn
    empty : leave every spot out and keep all else, to count what a finder finds where nothing is
    further : how bright further grains in the beam are beside the first, one number each; all else stays
    """
    rng = np.random.default_rng(seed)
    camera = lab_camera(rng)
    orientation = Rotation.random(random_state=rng).as_matrix()
    beam = Beam.tube("W", float(rng.uniform(25.0, 35.0)))
    model = LaueModel(crystal, beam, camera.true)
    spots = model.spots(orientation)
    count = int(spots.count[0])
    position, strength = spots.position_px[0, :count].astype(np.float64), spots.intensity[0, :count].astype(np.float64)
    visible = int(rng.integers(25, 90))
    scale = float(np.sort(strength)[::-1][min(visible, count - 1)])
    shown = min(visible, count)
    others = tuple(Rotation.random(random_state=seed * 10 + k).as_matrix() for k in range(1, len(further) + 1))
    for weight, other in zip(further, others, strict=True):
        spots = model.spots(other)
        more, brightness = spots.position_px[0, : spots.count[0]], weight * spots.intensity[0, : spots.count[0]]
        position, strength = np.concatenate([position, more]), np.concatenate([strength, brightness])
        shown += int((brightness >= scale).sum())
    illumination, open_ = _illumination(camera, position, 0.0 * strength if empty else strength / scale, rng)
    image = _read_out(illumination, camera, rng)
    column, row = np.rint(position).astype(int).T
    inside = (row >= 0) & (row < image.shape[0]) & (column >= 0) & (column < image.shape[1])
    inside[inside] = open_[row[inside], column[inside]]
    inside &= not empty
    order = np.argsort(-strength[inside], kind="stable")
    height = 6.0 * strength[inside] / scale
    return LabPicture(image, camera, orientation, shown, position[inside][order], height[order], others)


def _illumination(
    camera: LabCamera, position: Float64Array, strength: Float64Array, rng: np.random.Generator
) -> tuple[Float64Array, NDArray[np.bool_]]:
    """Expected light (the faintest visible spot's peak is 6 standard deviations of the noise) and where spots fall."""
    shape = camera.true.shape
    sharp = np.zeros(shape)
    row, column = np.rint(position[:, 1]).astype(int), np.rint(position[:, 0]).astype(int)
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    _splat(sharp, position[inside], np.minimum(strength[inside], 300.0))
    width = camera.spot_mm / camera.true.pixel_mm
    core, halo = gaussian_filter(sharp, width), gaussian_filter(sharp, 4.0 * width)
    peak = 2.0 * np.pi * width**2
    spots = 6.0 * peak * ((1.0 - camera.tail) * core + camera.tail * halo)
    ground, open_ = _ground(camera, rng)
    return spots * open_ + ground, open_


def _splat(image: Float64Array, position: Float64Array, strength: Float64Array) -> None:
    """Add spots at fractional pixels, spread over their four neighbours."""
    floor = np.floor(position).astype(int)
    part = position - floor
    for dx in (0, 1):
        for dy in (0, 1):
            share = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
            row, column = floor[:, 1] + dy, floor[:, 0] + dx
            inside = (row >= 0) & (row < image.shape[0]) & (column >= 0) & (column < image.shape[1])
            np.add.at(image, (row[inside], column[inside]), (share * strength)[inside])


def _ground(camera: LabCamera, rng: np.random.Generator) -> tuple[Float64Array, NDArray[np.bool_]]:
    """A hill of scattered light about the beam with the collimator's shadow and bright rim, and where spots fall."""
    panel = camera.true
    rows, columns = np.mgrid[: panel.shape[0], : panel.shape[1]].astype(np.float64)
    beam_px, _ = panel.to_pixel(np.array([[np.sign(panel.origin_mm[0] + panel.normal[0]) or 1.0, 0.0, 0.0]]))
    centre = np.nan_to_num(beam_px[0], nan=0.5 * panel.shape[0])
    radius_mm = panel.pixel_mm * np.hypot(columns - centre[0], rows - centre[1])
    hill = rng.uniform(20.0, 80.0) * np.exp(-0.5 * (radius_mm / (panel.distance_mm * rng.uniform(0.4, 1.0))) ** 2)
    hole = rng.uniform(2.0, 6.0)
    rim = rng.uniform(0.0, 60.0) * np.exp(-0.5 * ((radius_mm - hole) / 0.3) ** 2)
    return np.where(radius_mm < hole, 0.3, 1.0) * hill + rim, radius_mm > hole


def _read_out(illumination: Float64Array, camera: LabCamera, rng: np.random.Generator) -> NDArray[np.unsignedinteger]:
    noisy = illumination + rng.normal(size=illumination.shape) * np.sqrt(1.0 + np.maximum(illumination, 0.0) / 60.0)
    top = 2**camera.bits - 1
    if camera.negative:
        exposed = 1.0 - np.exp(-np.maximum(noisy, 0.0) / rng.uniform(80.0, 250.0))
        grey = top * (0.92 - 0.85 * exposed ** rng.uniform(0.8, 1.2))
    else:
        full = float(np.percentile(noisy, 99.9)) * rng.uniform(0.7, 2.0)
        grey = top * (0.02 + noisy / max(full, 1.0) * 0.9)
    image = np.clip(np.rint(grey), 0, top)
    _write_letters(image, camera, rng)
    hot = rng.random(image.shape) < rng.choice([0.0, 1e-5, 1e-4])
    image[hot] = 0 if camera.negative else top
    picture: NDArray[np.unsignedinteger] = image.astype(np.uint8 if camera.bits == 8 else np.uint16)
    return picture


def _write_letters(image: Float64Array, camera: LabCamera, rng: np.random.Generator) -> None:
    """A label in a corner, as on films and screens."""
    if rng.random() < 0.5:
        return
    size = max(12, image.shape[0] // 30)
    picture = Image.new("L", (12 * size, 2 * size), 0)
    label = f"XTAL {rng.integers(1, 99)}  {rng.integers(10, 60)} min"
    ImageDraw.Draw(picture).text((4, 2), label, 255, font_size=size)
    letters = np.asarray(picture)[: image.shape[0], : image.shape[1]] > 128
    top, left = (0 if rng.random() < 0.5 else image.shape[0] - letters.shape[0]), 0
    corner = image[top : top + letters.shape[0], left : left + letters.shape[1]]
    corner[letters[: corner.shape[0], : corner.shape[1]]] = 10.0 if camera.negative else 0.9 * (2**camera.bits - 1)
