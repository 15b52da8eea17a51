"""Public knowledge of one PlateScan task, and what it pays."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from beamgym.envs.exposures import ExposureRange
from beamgym.physics.instrument import Axis, Float64Array
from beamgym.physics.laue.simulator import LAUE_READOUT_S
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import BEAM_MM, PlateContext

KNOWN_DEG: Final = 0.2
"""An orientation that is determined to this counts as known."""
EXPOSURE_S: Final = (0.1, 60.0)
"""Shortest and longest exposure, seconds."""
FIRST_EXPOSURE_S: Final = 1.0
"""Of the frame that is taken where the stage stands when an episode begins."""
CALIBRATED_AFTER: Final = 8
"""Indexed crystals from which on the camera is known from their patterns, as in ``physics.mosaic.scan``."""


@dataclass(frozen=True)
class ScanReward:
    """What an episode is paid.

    Parameters
    ----------
    kind : "dense" (each step the rise of what is known, less the price of its beam time) or "rate" (at the end alone:
        what is known by then per hour of beam)
    price : of an hour of beam, in plates
    wrong : weight of mass that is believed and is not known, against mass that is
    """

    kind: Literal["dense", "rate"] = "dense"
    price: float = 1.0
    wrong: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in ("dense", "rate"):
            raise ValueError(f"unknown reward {self.kind!r}; choose 'dense' or 'rate'")
        for name in ("price", "wrong"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; choose a finite number, 0 or more")


@dataclass(frozen=True)
class ScanContext:
    """Public knowledge of one PlateScan task: what everybody at the instrument knows.

    Parameters
    ----------
    material : name of the crystals' material
    crystals : rows of the table, at least as many as lie on the plate
    stage : its axes x and y; at (x, y) the beam falls on the plate's point (x, y)
    exposure_s : shortest and longest exposure
    beam_mm : diameter of the beam on the plate
    beam_time_s : budget, the first exposure included
    action : "nearest" (the next crystal is the nearest unfinished one) or "anywhere" (the unfinished one that is
        nearest to a point of the plate that the action names)
    readout_s : of every exposure
    outlines : of a plate that stays the same; none where plates are drawn, whose outlines come with their frames
    optics : material, camera and beam by which real frames are indexed; None where frames bring their readings
    """

    material: str
    crystals: int
    stage: tuple[Axis, Axis]
    exposure_s: tuple[float, float] = EXPOSURE_S
    beam_mm: float = BEAM_MM
    beam_time_s: float = 1200.0
    action: Literal["nearest", "anywhere"] = "nearest"
    readout_s: float = LAUE_READOUT_S
    outlines: tuple[Outline, ...] = ()
    optics: PlateContext | None = None

    def __post_init__(self) -> None:
        if self.action not in ("nearest", "anywhere"):
            raise ValueError(f"unknown action {self.action!r}; choose 'nearest' or 'anywhere'")
        if not (np.isfinite(self.beam_time_s) and self.beam_time_s > 1.0):
            raise ValueError(f"beam_time_s is {self.beam_time_s}; choose a finite number above 1")
        if not 0.0 < self.exposure_s[0] < self.exposure_s[1] < np.inf:
            raise ValueError(f"exposure_s is {self.exposure_s}; give the shortest, above 0, and then the longest")
        if len(self.outlines) > self.crystals:
            raise ValueError(f"{len(self.outlines)} outlines for a table of {self.crystals} rows; raise crystals")

    @property
    def instrument_axes(self) -> tuple[Axis, ...]:
        """The stage's axes x and y in mm, and the exposure in seconds, which is set like an axis."""
        timer = Axis("exposure", (0.0, 0.0, 0.0), kind="linear", limits=self.exposure_s, speed=float("inf"))
        return (*self.stage, timer)

    @property
    def sample(self) -> str:
        """Name of the material."""
        return self.material

    @property
    def action_size(self) -> int:
        """Numbers of an action; the last one stops."""
        return 6 if self.action == "nearest" else 8

    @property
    def limits_mm(self) -> Float64Array:
        """(2, 2) lowest and highest position of x and of y."""
        return np.array([axis.limits for axis in self.stage], dtype=np.float64)

    def fractions(self, points_mm: Float64Array) -> Float64Array:
        """Return where points (..., 2), mm, lie within the stage's travel, -1 to 1."""
        low, high = self.limits_mm.T
        return np.asarray(np.clip(2.0 * (points_mm - low) / (high - low) - 1.0, -1.0, 1.0))

    def exposure_of(self, share: Float64Array) -> Float64Array:
        """Return the exposures (n,), seconds, of numbers -1 to 1 on the action's logarithmic scale."""
        return ExposureRange(*self.exposure_s).seconds(share)

    def share_of(self, exposure_s: Float64Array) -> Float64Array:
        """Return exposures (n,), seconds, on the action's scale, -1 to 1."""
        return ExposureRange(*self.exposure_s).number(exposure_s)
