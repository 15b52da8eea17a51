"""Public knowledge of one DiffractometerAlign task, and what it pays."""

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from beamgym.envs.exposures import ExposureRange
from beamgym.physics.diffractometer import Diffractometer, KnownCell
from beamgym.physics.diffractometer.scans import CentringError, MonoBeam, SlitCounter
from beamgym.physics.instrument import Axis, Float64Array

WITHIN_DEG: Final = 0.1
"""A UB that is right to this is what an episode is for."""
WIDTHS_DEG: Final = ExposureRange(0.5, 360.0)
"""Widths of scans, on the action's logarithmic scale."""
COUNTS_S: Final = ExposureRange(0.05, 20.0)
"""Seconds per point, on the action's logarithmic scale."""
MACROS: Final = ("scan", "azimuth", "centre", "drive")
"""What an action can ask for, in the order of its first number."""
ROUGH_DEG: Final = 0.5
"""Standard deviation about the worst axis, from which on reflections of an orientation are searched for."""
WIDE_DEG: Final = 10.0
"""As far as the rocking angle is scanned about a place that is known roughly."""
STRONG_COUNTS: Final = 150.0
"""Of a sweep at full speed, from which on a reflection is expected to be seen, and to be well centred."""
MOST_BRIGHTER: Final = 0.05
"""Probability of a brighter grain up to which an orientation is called decided."""
MOST_CHOICES: Final = 4
"""Peaks, cones and places that an action can choose among."""

_LEAST_LIFT, _MOST_ACCEPTANCE_DEG = 0.2, 10.0


@dataclass(frozen=True)
class AlignReward:
    """What an episode is paid.

    Parameters
    ----------
    kind : "dense" (as well for reflections that are centred and for an orientation that is decided) or "sparse"
    price : of an hour of beam, against 1 for a right UB
    wrong : what a wrong declaration costs
    """

    kind: Literal["dense", "sparse"] = "dense"
    price: float = 0.1
    wrong: float = 0.5

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.kind not in ("dense", "sparse"):
            raise ValueError(f"unknown reward {self.kind!r}; choose 'dense' or 'sparse'")
        for name in ("price", "wrong"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; choose a finite number, 0 or more")


@dataclass(frozen=True)
class PowderLine:
    """Reflections that one position of the arm shows together.

    Parameters
    ----------
    two_theta_deg : of the arm
    members : how many there are
    counts : that the weakest of them gives as the instrument sweeps over it at full speed
    """

    two_theta_deg: float
    members: int
    counts: float


@dataclass(frozen=True, eq=False)
class DiffractometerContext:
    """What everybody at the diffractometer knows.

    Parameters
    ----------
    material : name of the crystal
    known : its cell and structure
    instrument : the axes
    beam, detector : as they are stated
    lines : where to look for a first reflection, the one with most members first
    error_deg : how well angles are trusted, one standard deviation
    cell_error : how well wavelength and cell are trusted, relative
    zero_deg : how well zeros of axes are known, one standard deviation
    centred : how well the direction of a reflection is centred
    counts_scale : counts of a sweep at full speed over a reflection, over |F|² / sin 2θ
    prior_deg : error of the orientation that comes with the crystal; 0 where none does
    second_grain : volume of another grain over the crystal's, in samples that may have one; 0 where none has
    flux_factor : by which the crystal scatters more or less than expected: natural log, one standard deviation
    beam_time_s : budget
    """

    material: str
    known: KnownCell
    instrument: Diffractometer
    beam: MonoBeam
    detector: SlitCounter
    lines: tuple[PowderLine, ...]
    error_deg: float = 0.1
    cell_error: float = 0.001
    zero_deg: float = 0.05
    centred: CentringError = field(default_factory=lambda: CentringError(0.01, 0.02))
    counts_scale: float = 1.0
    prior_deg: float = 0.0
    second_grain: float = 0.0
    flux_factor: float = 0.5
    beam_time_s: float = 14400.0

    def __post_init__(self) -> None:
        """Check the budget."""
        if not (np.isfinite(self.beam_time_s) and self.beam_time_s > 10.0):
            raise ValueError(f"beam_time_s is {self.beam_time_s}; choose a finite number above 10")

    @property
    def instrument_axes(self) -> tuple[Axis, ...]:
        """The sample's axes, outermost first, then the arm's."""
        return self.instrument.axes

    @property
    def sample(self) -> str:
        """Name of the crystal."""
        return self.material

    @property
    def action_size(self) -> int:
        """Numbers of an action: what, a position for each axis, which, how wide, how long; the last one declares."""
        return len(self.instrument.axes) + 5

    @property
    def sweep_deg_s(self) -> float:
        """Speed of a sweep, degrees per second: of the slowest of the sample's axes."""
        return min(axis.speed for axis in self.instrument.sample.axes)

    @property
    def degrees_per_s(self) -> float:
        """Rocking curves' counts per second times degrees, over counts of a sweep."""
        return self.sweep_deg_s

    def acceptance_deg(self, two_theta_deg: float) -> float:
        """Return how far chi may turn a reflection before the slit cuts it off, from end to end, degrees."""
        lift = 2.0 * float(np.sin(np.radians(0.5 * abs(two_theta_deg))))
        return float(min(self.detector.across_deg / max(lift, _LEAST_LIFT), _MOST_ACCEPTANCE_DEG))

    def counts_of(self, strength: Float64Array, length: Float64Array) -> Float64Array:
        """Return the counts (n,) of a sweep at full speed over reflections of ``Lattice.strength`` and length (n,)."""
        sine = np.clip(0.5 * self.beam.wavelength_a * length, 1e-6, 1.0 - 1e-6)
        return np.asarray(self.counts_scale * strength * length / np.sin(2.0 * np.arcsin(sine)))

    @property
    def limits(self) -> Float64Array:
        """(k, 2) lowest and highest position of each axis, degrees."""
        return np.array([axis.limits for axis in self.instrument.axes], dtype=np.float64)

    def fractions(self, degrees: Float64Array) -> Float64Array:
        """Return where positions (..., k) lie within the axes' travel, -1 to 1."""
        low, high = self.limits.T
        return np.asarray(np.clip(2.0 * (degrees - low) / (high - low) - 1.0, -1.0, 1.0))

    def degrees(self, fractions: Float64Array) -> Float64Array:
        """Return the positions (..., k) of fractions of the travel."""
        low, high = self.limits.T
        return np.asarray(np.clip(low + 0.5 * (fractions + 1.0) * (high - low), low, high))
