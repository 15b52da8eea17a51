"""What is fitted to: the recorded runs of one instrument, and where rays land on a panel that stands elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.instrument import Float64Array, Peaks
from beamgym.physics.laue.detector import BEAM


@dataclass(frozen=True)
class RecordedRun:
    """One run of T frames on one crystal, as it was recorded.

    Parameters
    ----------
    target : (T, k) where the axes had been sent before each frame; row 0 is where they stood
    readback : (T, k) where they said that they were
    peaks : found spots of the T frames
    exposure_s : (T,) seconds
    """

    target: Float64Array
    readback: Float64Array
    peaks: Peaks
    exposure_s: Float64Array

    def __post_init__(self) -> None:
        frames = len(self.exposure_s)
        if self.target.shape != self.readback.shape or len(self.target) != frames or len(self.peaks.count) != frames:
            raise ValueError(
                f"targets, readbacks, frames and exposures are {len(self.target)}, {len(self.readback)}, "
                f"{len(self.peaks.count)} and {frames}; one of each is needed a frame"
            )

    @property
    def frames(self) -> int:
        """T."""
        return len(self.exposure_s)


def joined(peaks: Sequence[Peaks]) -> Peaks:
    """Return the peaks of several frames as those of one, padded to the longest list."""
    room = max(one.intensity.shape[1] for one in peaks)

    def padded(name: str) -> NDArray[Any]:
        parts = [getattr(one, name) for one in peaks]
        widths = [[(0, 0), (0, room - part.shape[1]), *[(0, 0)] * (part.ndim - 2)] for part in parts]
        return np.concatenate([np.pad(part, width) for part, width in zip(parts, widths, strict=True)])

    count = np.concatenate([one.count for one in peaks])
    return Peaks(padded("position_px"), padded("intensity"), count, padded("saturated"))


def landing_px(scattering: Float64Array, panel: Float64Array, pixel_mm: float) -> Float64Array:
    """Return where rays land on the plane of a panel.

    Parameters
    ----------
    scattering : (m, 3) scattering vectors in the lab, any length
    panel : (9,) or (m, 9) origin_mm, fast, slow
    pixel_mm : edge of a pixel

    Returns
    -------
    (m, 2) pixels along fast and slow
    """
    squared = (scattering**2).sum(axis=1, keepdims=True)
    ray = BEAM - 2.0 * scattering[:, :1] * scattering / squared
    origin, fast, slow = (panel[..., i : i + 3] for i in (0, 3, 6))
    normal = np.cross(fast, slow)
    reach = (origin * normal).sum(axis=-1) / (ray * normal).sum(axis=-1)
    point = reach[:, None] * ray - origin
    position: Float64Array = np.stack([(point * fast).sum(axis=-1), (point * slow).sum(axis=-1)], axis=-1) / pixel_mm
    return position
