"""What is known of an instrument before its frames are seen: several beliefs, of which the frames choose."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.laue.estimation.model.layout import Layout

_FREE_DEG = 1e3
_HELD = 1e-5


@dataclass(frozen=True)
class Prior:
    """One belief about an instrument: standard deviations, and how likely the belief is before any frame.

    Parameters
    ----------
    share : how likely it is that this belief is the right one
    shift_mm : of the panel's centre along each of its edges, mm
    distance_mm : of the panel's centre across it, mm
    tilt_deg : of each of the panel's two tilts, degrees
    twist_deg : by which the panel is turned about its normal, degrees
    zero_deg : of every axis's zero error, degrees
    play_deg, play_sigma_deg : mean and deviation of the play that all rotation axes have, degrees
    play_each_deg : by which each axis's own play differs from that, degrees
    start_deg : of where each axis stands within its play at first, degrees
    readback_deg : of every reading, degrees
    miss_mm : by which each axis misses the sample, in each of three directions, mm
    cell : by which the cell differs in shape, in each way that the symmetry leaves it
    """

    share: float = 1.0
    shift_mm: float = 0.5
    distance_mm: float = 0.5
    tilt_deg: float = 0.3
    twist_deg: float = 0.1
    zero_deg: float = 0.02
    play_deg: float = 0.12
    play_sigma_deg: float = 0.12
    play_each_deg: float = 0.01
    start_deg: float = 0.02
    readback_deg: float = 0.008
    miss_mm: float = 0.0
    cell: float = 0.0005

    def mean(self, layout: Layout) -> Float64Array:
        """Return what is expected of every parameter, (p,)."""
        mean = np.zeros(layout.size)
        mean[layout.play] = self.play_deg
        return mean

    def precision(self, layout: Layout, rotates: BoolArray) -> Float64Array:
        """Return 1 / σ² of every parameter, (p,), as ``sigma``."""
        return _precision(self, layout, tuple(rotates.tolist()))

    def sigma(self, layout: Layout, rotates: BoolArray) -> Float64Array:
        """Return one standard deviation of every parameter, (p,); those of linear axes are held, the mount is free."""

        def of_axes(sigma: float) -> Float64Array:
            return np.where(rotates, max(sigma, _HELD), _HELD)

        sigma = np.empty(layout.size)
        sigma[layout.mount] = _FREE_DEG
        sigma[layout.shift] = self.shift_mm, self.shift_mm, self.distance_mm
        sigma[layout.tilt], sigma[layout.twist], sigma[layout.cell] = self.tilt_deg, self.twist_deg, self.cell
        sigma[layout.zero], sigma[layout.each] = of_axes(self.zero_deg), of_axes(self.play_each_deg)
        sigma[layout.start], sigma[layout.play] = of_axes(self.start_deg), self.play_sigma_deg
        sigma[layout.miss] = np.repeat(of_axes(self.miss_mm), 3)
        sigma[layout.readings] = np.tile(of_axes(self.readback_deg), layout.frames)
        return sigma


@lru_cache(maxsize=1024)
def _precision(prior: Prior, layout: Layout, rotates: tuple[bool, ...]) -> Float64Array:
    precision: Float64Array = prior.sigma(layout, np.array(rotates)) ** -2.0
    precision.flags.writeable = False
    return precision


CAMERAS = (
    (0.6, 0.5, 0.5, 0.3, 0.1, 0.0005),
    (0.25, 2.0, 2.0, 1.0, 1.0, 0.0005),
    (0.15, 1.0, 6.0, 0.6, 0.6, 0.015),
)
"""Share, shift along the panel and across it in mm, tilt and twist in degrees, shape of the cell: a camera placed to
half a millimetre; one placed to two; one of which the distance is hardly known, before a crystal whose cell is not."""
AXES = (
    (0.35, 0.01, 0.01, 0.005, 0.0),
    (0.25, 0.4, 0.01, 0.005, 0.0),
    (0.2, 0.08, 0.04, 0.01, 0.03),
    (0.2, 0.4, 0.1, 0.02, 0.1),
)
"""Share, zero error, own play and reading in degrees, miss in mm: axes that are exact; exact but for zeros that nobody
set; fair; or poor."""

PRIORS = tuple(
    Prior(
        share=of_camera * of_axes,
        shift_mm=shift,
        distance_mm=distance,
        tilt_deg=tilt,
        twist_deg=twist,
        zero_deg=zero,
        play_each_deg=play,
        readback_deg=reading,
        miss_mm=miss,
        cell=cell,
    )
    for of_camera, shift, distance, tilt, twist, cell in CAMERAS
    for of_axes, zero, play, reading, miss in AXES
)
"""Every camera with every kind of axes."""
