"""What a policy sees of a frame: spots, from the list that is observed or from the image, by the peak finder."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from beamgym.envs.laue_align import SPOT_FIELDS, ImageFinder
from beamgym.envs.policy import CannotPlay
from beamgym.envs.task import Observation
from beamgym.physics.instrument import Float64Array
from beamgym.physics.laue.detector import Detector

_BRIGHTEST = 1e6


@dataclass(frozen=True)
class FrameSpots:
    """The spots of one frame, the brightest first.

    Parameters
    ----------
    normals : (p, 3) unit plane normals in the lab, by the nominal panel
    counts : (p,)
    panel : the nominal panel in whose pixels the spots were found
    """

    normals: Float64Array
    counts: Float64Array
    panel: Detector

    @property
    def position_px(self) -> Float64Array:
        """Where they lie, in pixels of the panel, (p, 2)."""
        ray = np.array([1.0, 0.0, 0.0]) - 2.0 * self.normals[:, :1] * self.normals
        position, _ = self.panel.to_pixel(ray)
        return position


def spots_of_frames(observation: Observation, context: Any, policy: str) -> list[FrameSpots]:
    """Return what each of n observations shows.

    Parameters
    ----------
    observation : with "spots", or with "image"
    context : gives the nominal panel
    policy : who asks, by name

    Raises
    ------
    CannotPlay : for an environment that observes neither
    """
    if "spots" in observation:
        return [_listed(spots, context.detector) for spots in observation["spots"]]
    if "image" in observation:
        images = observation["image"]
        return _found(images, image_finder(context.detector, images.shape[1]))
    raise CannotPlay(f"{policy} needs found spots or the camera's image; use an environment with 'spots' or 'image'")


def _listed(spots: Any, panel: Detector) -> FrameSpots:
    rows = spots.reshape(-1, SPOT_FIELDS).astype(np.float64)
    rows = rows[rows[:, 4] > 0.5]
    return FrameSpots(rows[:, :3], np.expm1(rows[:, 3] * np.log1p(_BRIGHTEST)), panel)


def _found(images: Any, finder: ImageFinder) -> list[FrameSpots]:
    peaks = finder.find(images)
    rows = [slice(0, int(count)) for count in peaks.count]
    return [
        FrameSpots(
            finder.panel.plane_normals(peaks.position_px[i, kept]),
            peaks.intensity[i, kept].astype(np.float64),
            finder.panel,
        )
        for i, kept in enumerate(rows)
    ]


@lru_cache(maxsize=8)
def image_finder(detector: Detector, size: int) -> ImageFinder:
    """Return what finds the spots of images of so many pixels along an edge."""
    return ImageFinder(detector, size)
