"""SightedLaue: a simulated Laue instrument whose frames give an orientation, as an estimator would, and no spots."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import UInt64Array
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings, BoolArray, Float64Array, Frame, Peaks
from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.laue.sight import readings, sight_errors
from beamgym.physics.laue.simulator import LAUE_READOUT_S, SimulatedLaue

_STREAM_CAMERA_SIGHT, _STREAM_FRAME_SIGHT = 20, 21

NOT_SIGHTED = ("distance_range_mm", "axial_ratio_fraction", "second_grain", "true_spots", "zero_error_deg")
"""Numbers of a level of which the model of the estimator's errors knows nothing."""


@dataclass(frozen=True)
class SightedFrame(Frame):
    """A frame that gives an orientation; its peaks, without noise, are made when a picture asks for them.

    Parameters
    ----------
    orientation : (n, 3, 3) crystal to lab
    pattern : makes the peaks
    """

    orientation: Float64Array = field(default_factory=lambda: np.empty((0, 3, 3)))
    pattern: "Pattern | None" = None

    def peaks(self) -> Peaks:
        """Return the brightest spots of the pattern, without noise."""
        return super().peaks() if self.pattern is None else self.pattern.peaks()


@dataclass(frozen=True)
class Pattern:
    """What stands in the beam, of which the spots are made when they are asked for; arrays of n rows.

    Parameters
    ----------
    model : (n,) objects, the pattern's own model of each
    orientation : (n, 3, 3) crystal to lab
    exposure_s : (n,)
    most : most spots of a frame
    """

    model: NDArray[np.object_]
    orientation: Float64Array
    exposure_s: Float64Array
    most: int

    def peaks(self) -> Peaks:
        """Return the brightest spots, without noise."""
        n, most = len(self.model), self.most
        position, counts = np.zeros((n, most, 2), dtype=np.float32), np.zeros((n, most), dtype=np.float32)
        shown = np.zeros(n, dtype=np.int64)
        for model in set(self.model):
            rows = np.flatnonzero(self.model == model)
            spots = model.spots(self.orientation[rows])
            wide = min(most, spots.intensity.shape[1])
            position[rows, :wide] = spots.position_px[:, :wide]
            counts[rows, :wide] = spots.intensity[:, :wide] * self.exposure_s[rows, None].astype(np.float32)
            shown[rows] = np.minimum(spots.count, most)
        return Peaks(position, counts, shown, np.zeros(counts.shape, dtype=np.bool_))


class SightedLaue(SimulatedLaue):
    """As SimulatedLaue, in a thirtieth of the time: an exposure draws what an estimator would make of its spots.

    Raises
    ------
    ValueError : also for a level whose errors the model does not know
    """

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        check_sighted(self.level)
        self.errors = sight_errors(self.level)
        self._seen = np.tile(np.eye(3), (self.n, 1, 1))

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> SightedFrame:
        """Expose where ``mask`` is True; the other rows repeat their last frame."""
        rows = np.flatnonzero(mask)
        camera, frame = self._sight_keys(rows)
        seen = self._seen.copy()
        seen[rows] = readings(self.errors, self._orientation[rows], camera, frame)
        self._seen = seen
        self._counter += mask
        self._frames += mask
        self._clock += mask * (settings.of_all + LAUE_READOUT_S)
        self._dose += mask * settings.of_all
        exposure = settings.of_each(self.n)
        models = np.full(self.n, self.model, dtype=object)
        pattern = Pattern(models, self._orientation.copy(), exposure, self.max_peaks)
        return SightedFrame(exposure, self._counter.copy(), self._clock.copy(), orientation=seen, pattern=pattern)

    def _sight_keys(self, rows: np.ndarray[Any, Any]) -> tuple[UInt64Array, UInt64Array]:
        camera = make_keys(self._keys[rows], 0, 0, _STREAM_CAMERA_SIGHT)
        return camera, make_keys(self._keys[rows], 0, self._frames[rows], _STREAM_FRAME_SIGHT)


def check_sighted(level: Imperfections) -> None:
    """Raise ValueError for a level with errors that the model of an estimator's errors does not know."""
    strange = [name for name in NOT_SIGHTED if getattr(level, name)]
    if strange:
        raise ValueError(
            f"observation='estimate' and 'goal' know no {', '.join(strange)} of a level; choose 'easy', "
            "'real' or 'hard', or another observation"
        )
