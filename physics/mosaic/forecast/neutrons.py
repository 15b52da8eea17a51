"""What a neutron Laue camera shows of a whole plate: the patterns of all its crystals added up."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.mosaic.plate_frame import PLATE_TO_LAB

_FACETS = 16
"""Flat panels around the cylinder, on which spots are calculated before they are laid onto it."""


@dataclass(frozen=True)
class NeutronCamera:
    """A flat camera in back-reflection, or an image plate bent to an upright cylinder around the sample.

    Parameters
    ----------
    kind : "flat" or "cylinder"
    distance_mm : of the flat camera; radius of the cylinder
    width_mm, height_mm : of the flat camera; the cylinder goes all round, and only its height counts
    pixel_mm : of the picture
    wavelength_a : shortest and longest neutrons, Å
    spot_mm : standard deviation of a spot: plate, beam's divergence, a crystal's own mosaic
    """

    kind: Literal["flat", "cylinder"] = "flat"
    distance_mm: float = 160.0
    width_mm: float = 250.0
    height_mm: float = 200.0
    pixel_mm: float = 1.0
    wavelength_a: tuple[float, float] = (0.9, 3.5)
    spot_mm: float = 1.5

    def __post_init__(self) -> None:
        """Check it."""
        if self.kind not in ("flat", "cylinder"):
            raise ValueError(f"a neutron camera of kind {self.kind!r}; choose flat or cylinder")
        for name in ("distance_mm", "width_mm", "height_mm", "pixel_mm", "spot_mm"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise ValueError(f"{name} is {getattr(self, name):g}; give a length above 0 mm")

    @property
    def extent_mm(self) -> tuple[float, float, float, float]:
        """(left, right, low, high) of the picture, mm; the cylinder is unrolled as the sample sees it, beam at 0."""
        half = self.width_mm / 2.0 if self.kind == "flat" else np.pi * self.distance_mm
        return -half, half, -self.height_mm / 2.0, self.height_mm / 2.0


def plate_pattern(
    orientations: ArrayLike, mass: ArrayLike, crystal: Crystal, camera: NeutronCamera | None = None
) -> Float64Array:
    """Return the picture of a plate in a neutron Laue camera.

    Parameters
    ----------
    orientations : (n, 3, 3) crystal Cartesian to the plate's frame; the plate stands across the beam
    mass : (n,) the intensity of every crystal is proportional to it
    crystal : loaded for neutrons
    camera : where it is not given, a flat one in back-reflection

    Returns
    -------
    (rows, columns) intensity in arbitrary units, the upper edge first, as an eye at the sample sees it

    Raises
    ------
    ValueError : the crystal was loaded for X-rays, or nothing can reach the camera

    Notes
    -----
    Crystals are seen at one point: a plate is small beside the distance. Absorption and extinction, which in a
    large plate are not the same for all spots, are left out.
    """
    camera = camera or NeutronCamera()
    u = PLATE_TO_LAB @ np.asarray(orientations, dtype=np.float64).reshape(-1, 3, 3)
    weights = np.asarray(mass, dtype=np.float64) / np.sum(mass)
    beam = Beam.neutron(wavelength_a=camera.wavelength_a)
    left, right, low, high = camera.extent_mm
    shape = (round((high - low) / camera.pixel_mm), round((right - left) / camera.pixel_mm))
    whole = np.zeros(shape)
    for panel in _panels(camera):
        across, up, strength = _spots(LaueModel(crystal, beam, panel), u, weights, camera)
        _add(whole, (up - low) / camera.pixel_mm - 0.5, (across - left) / camera.pixel_mm - 0.5, strength)
    wrap = "wrap" if camera.kind == "cylinder" else "constant"
    smooth: Float64Array = gaussian_filter(whole[::-1], camera.spot_mm / camera.pixel_mm, mode=("constant", wrap))
    return smooth


def _add(picture: Float64Array, row: Float64Array, column: Float64Array, strength: Float64Array) -> None:
    """Add points to a picture, each shared out among the four pixels around it; what lies outside is left out."""
    i, j = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    for below in (0, 1):
        for beside in (0, 1):
            part = np.abs(1 - below - (row - i)) * np.abs(1 - beside - (column - j)) * strength
            inside = (i + below >= 0) & (i + below < len(picture)) & (j + beside >= 0)
            inside &= j + beside < picture.shape[1]
            np.add.at(picture, (i[inside] + below, j[inside] + beside), part[inside])


def _panels(camera: NeutronCamera) -> list[Detector]:
    pixel = camera.pixel_mm / 4.0
    rows = int(camera.height_mm / pixel)
    if camera.kind == "flat":
        return [Detector.back_reflection(camera.distance_mm, (rows, int(camera.width_mm / pixel)), pixel)]
    found, step = [], 2.0 * np.pi / _FACETS
    wide = int(2.0 * camera.distance_mm * np.tan(step / 2.0) / pixel) + 2
    # A facet touches the cylinder in its middle and lies outside it elsewhere, where it must be higher.
    rows = int(rows / np.cos(step / 2.0)) + 2
    for k in range(_FACETS):
        angle = k * step
        out, along = (np.cos(angle), np.sin(angle), 0.0), (np.sin(angle), -np.cos(angle), 0.0)
        found.append(Detector.facing(out, along, camera.distance_mm, (rows, wide), pixel, f"facet {k}"))
    return found


def _spots(
    model: LaueModel, u: Float64Array, weights: Float64Array, camera: NeutronCamera
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return where spots lie in the picture, right and up, mm, and how bright they are."""
    spots = model.spots(u)
    there = spots.mask
    strength = (spots.intensity * weights[:, None])[there].astype(np.float64)
    lab = model.detector.to_lab_mm(spots.position_px[there].astype(np.float64))
    if camera.kind == "flat":
        return lab[:, 1], lab[:, 2], strength
    around = -np.arctan2(lab[:, 1], lab[:, 0])
    out = np.hypot(lab[:, 0], lab[:, 1])
    facet = -np.arctan2(*_centre(model.detector)[[1, 0]])
    mine = np.abs((around - facet + np.pi) % (2.0 * np.pi) - np.pi) <= np.pi / _FACETS
    up = lab[:, 2] * camera.distance_mm / out
    return (around * camera.distance_mm)[mine], up[mine], strength[mine]


def _centre(panel: Detector) -> Float64Array:
    rows, columns = panel.shape
    return np.asarray(panel.to_lab_mm(np.array([(columns - 1) / 2.0, (rows - 1) / 2.0])), dtype=np.float64)
