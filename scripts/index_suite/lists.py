"""Drawn lists of peaks: one grain or several, on a calibrated camera, with false peaks as bright as true ones."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import MeasuredPattern
from beamgym.physics.laue.lab import lab_camera
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import misorientation_deg

POSITION_PX = 0.3
"""Standard deviation of a found position along columns and along rows."""
TUBE_KV = 30.0
JITTER = 0.3
"""Standard deviation of the logarithm of what a false peak's intensity is multiplied with."""
APART_DEG = 5.0
"""Grains are turned by this at least against one another: less is one grain with a boundary."""
_MOST_CAMERAS = 1000


@dataclass(frozen=True)
class DrawnList:
    """A list with its truth.

    Parameters
    ----------
    pattern : the peaks, brightest first
    camera : where the panel is, which its user knows
    orientations : (3, 3) of every grain, the strongest first
    """

    pattern: MeasuredPattern
    camera: Detector
    orientations: tuple[Float64Array, ...]


def drawn_list(
    crystal: Crystal,
    rng: np.random.Generator,
    true: int,
    false_share: float,
    weights: tuple[float, ...] = (1.0,),
) -> DrawnList:
    """Draw the brightest spots of each grain, and false peaks among them.

    Parameters
    ----------
    crystal, rng : what is drawn, and from which numbers
    true : spots of each grain
    false_share : share of the whole list that is false
    weights : how strongly each grain lights the picture
    """
    orientations = _orientations(crystal, rng, len(weights))
    camera, grains = _seen(crystal, rng, orientations, true)
    position = np.concatenate([places for places, _ in grains])
    position = position + rng.normal(0.0, POSITION_PX, position.shape)
    intensity = np.concatenate([weight * strength for weight, (_, strength) in zip(weights, grains, strict=True)])
    false = round(len(intensity) * false_share / (1.0 - false_share))
    edges = np.array([camera.shape[1], camera.shape[0]], dtype=np.float64) - 0.5
    position = np.concatenate([position, rng.uniform(-0.5, edges, (false, 2))])
    as_bright = rng.choice(intensity, false) * np.exp(rng.normal(0.0, JITTER, false))
    return DrawnList(_pattern(position, np.concatenate([intensity, as_bright])), camera, orientations)


def _orientations(crystal: Crystal, rng: np.random.Generator, count: int) -> tuple[Float64Array, ...]:
    found: list[Float64Array] = []
    while len(found) < count:
        one = Rotation.random(random_state=rng).as_matrix()
        if all(float(misorientation_deg(one, other, crystal.rotations)) > APART_DEG for other in found):
            found.append(one)
    return tuple(found)


def _seen(
    crystal: Crystal, rng: np.random.Generator, orientations: tuple[Float64Array, ...], true: int
) -> tuple[Detector, list[tuple[Float64Array, Float64Array]]]:
    """Draw cameras until one sees so many spots of every grain; return it, and positions and intensities of each."""
    beam = Beam.tube("W", TUBE_KV)
    table = crystal.reflections(beam.band_kev[1])
    for _ in range(_MOST_CAMERAS):
        camera = lab_camera(rng).true
        spots = LaueModel(crystal, beam, camera, brightest=true, table=table).spots(np.array(orientations))
        if (spots.count == true).all():
            position, intensity = spots.position_px.astype(np.float64), spots.intensity.astype(np.float64)
            return camera, list(zip(position, intensity, strict=True))
    raise RuntimeError(f"no camera of {_MOST_CAMERAS} sees {true} spots of {crystal.name}")


def _pattern(position_px: Float64Array, intensity: Float64Array) -> MeasuredPattern:
    order = np.argsort(-intensity, kind="stable")
    peaks = Peaks(
        position_px=position_px[order][None].astype(np.float32),
        intensity=intensity[order][None].astype(np.float32),
        count=np.array([len(order)], dtype=np.int64),
        saturated=np.zeros((1, len(order)), dtype=bool),
    )
    return MeasuredPattern(peaks)
