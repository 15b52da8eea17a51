"""Public knowledge of one ArpesAlign task, and what it pays."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from beamgym.envs.exposures import ExposureRange
from beamgym.physics.arpes.aligning import ALIGNING_READOUT_S, LayeredCrystal
from beamgym.physics.arpes.detection import Grid
from beamgym.physics.instrument import Axis, Float64Array

STEPS: Final = np.array([0.5, 0.5, 0.3, 5.0, 5.0, 20.0])
"""Full steps of the six axes where the action is steps, mm and degrees."""
STILL: Final = np.array([0.02, 0.02, 0.02, 0.1, 0.1, 0.4])
"""A declaration counts where no axis is asked to go farther than this, mm and degrees."""


@dataclass(frozen=True)
class StandsWithin:
    """What success asks for.

    Parameters
    ----------
    gamma_deg : Γ is measured so near to the analyser's axis, along the slit and across it (tilt and polar)
    azimuth_deg : the direction lies so near to the slit
    height_mm : the sample stands so near to the focus
    """

    gamma_deg: float = 0.3
    azimuth_deg: float = 1.0
    height_mm: float = 0.1


@dataclass(frozen=True)
class PoseReward:
    """What an episode is paid.

    Parameters
    ----------
    kind : "dense" (as well for coming nearer) or "sparse" (the end alone)
    time_cost : per second of beam time, dense alone
    wrong : what a wrong declaration costs
    """

    kind: Literal["dense", "sparse"] = "dense"
    time_cost: float = 0.001
    wrong: float = 0.2

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.kind not in ("dense", "sparse"):
            raise ValueError(f"unknown reward {self.kind!r}; choose 'dense' or 'sparse'")
        for name in ("time_cost", "wrong"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; choose a finite number, 0 or more")


@dataclass(frozen=True, eq=False)
class ArpesAlignContext:
    """What everybody at the manipulator knows.

    Parameters
    ----------
    told : the crystal; without its bands, ``terms`` (0, 6), where the dispersion is not told
    direction : that is to lie along the slit
    grid : energies and slit angles of a cut
    axes : x, y, z, polar, tilt, azimuth and dwell
    within : what success asks for
    beam_time_s : budget, the first exposure included
    action : "absolute" (positions in the travel) or "steps" (from where the axes stand)
    readout_s : of every exposure
    """

    told: LayeredCrystal
    direction: str
    grid: Grid
    axes: tuple[Axis, ...]
    within: StandsWithin = StandsWithin()
    beam_time_s: float = 300.0
    action: Literal["absolute", "steps"] = "absolute"
    readout_s: float = ALIGNING_READOUT_S

    def __post_init__(self) -> None:
        """Check action and budget."""
        if self.action not in ("absolute", "steps"):
            raise ValueError(f"unknown action {self.action!r}; choose 'absolute' or 'steps'")
        if not (np.isfinite(self.beam_time_s) and self.beam_time_s > 1.0):
            raise ValueError(f"beam_time_s is {self.beam_time_s}; choose a finite number above 1")

    @property
    def instrument_axes(self) -> tuple[Axis, ...]:
        """x, y, z, polar, tilt, azimuth and dwell."""
        return self.axes

    @property
    def sample(self) -> str:
        """The crystal's lattice."""
        return self.told.name

    @property
    def action_size(self) -> int:
        """Numbers of an action: six axes, the dwell and the declaration."""
        return 8

    @property
    def dispersion_told(self) -> bool:
        """Whether the bands are known beforehand."""
        return len(self.told.terms) > 0

    @property
    def limits(self) -> Float64Array:
        """(6, 2) lowest and highest position of the six axes."""
        return np.array([axis.limits for axis in self.axes[:6]], dtype=np.float64)

    @property
    def dwells(self) -> ExposureRange:
        """Dwells on the action's logarithmic scale."""
        return ExposureRange(*self.axes[6].limits)

    def fractions(self, pose: Float64Array) -> Float64Array:
        """Return where poses (..., 6) lie in the axes' travel, -1 to 1."""
        low, high = self.limits.T
        return np.asarray(np.clip(2.0 * (pose - low) / (high - low) - 1.0, -1.0, 1.0))

    def poses(self, fractions: Float64Array) -> Float64Array:
        """Return the poses (..., 6) of fractions of the travel."""
        low, high = self.limits.T
        return np.asarray(np.clip(low + 0.5 * (fractions + 1.0) * (high - low), low, high))
