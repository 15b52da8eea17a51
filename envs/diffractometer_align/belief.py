"""What one episode has found so far."""

from dataclasses import dataclass, field

import numpy as np

from beamgym.envs.diffractometer_align.context import MOST_BRIGHTER, MOST_CHOICES
from beamgym.physics.diffractometer import Candidates
from beamgym.physics.instrument import Float64Array


@dataclass(frozen=True)
class Cone:
    """Where reflections of a line lie if one reflection is known: on a cone about it.

    Parameters
    ----------
    length : of their vectors, 1/Å
    angle_deg : from the known one
    chance : that one is
    seconds : that looking along it takes, about
    """

    length: float
    angle_deg: float
    chance: float
    seconds: float


@dataclass(frozen=True, eq=False)
class PendingPeak:
    """A peak of the last scan that looked for reflections.

    Parameters
    ----------
    positions : (k,) degrees
    axis : index of the scanned axis
    step_deg : from point to point
    about : (3,) axis of an azimuth scan, zeros else
    significance : standard deviations above background
    """

    positions: Float64Array
    axis: int
    step_deg: float
    about: Float64Array
    significance: float


@dataclass(frozen=True, eq=False)
class Grain:
    """A grain that was found and set aside.

    Parameters
    ----------
    u : (3, 3) its orientation
    scale : logarithm of measured over expected intensities
    centred, intensity : (m, k) and (m,) its reflections
    """

    u: Float64Array
    scale: float
    centred: Float64Array
    intensity: Float64Array


@dataclass(frozen=True, eq=False)
class Belief:
    """What one episode has found so far.

    Parameters
    ----------
    centred : (m, k) positions of centred reflections; intensity (m,) of them
    empty : (e, 3) scattering vectors where nothing was
    missed : (o, k) places where a wide scan about a roughly known one showed nothing
    failed : (f, 3) where something was that could not be centred
    tried : cones that were looked along in vain
    pending : peaks not centred yet
    prior_u : (3, 3) orientation that came with the crystal, or None
    candidates : orientations; None below two reflections, or one with a prior
    looks : (p, k) places to look at next, with the bits (p,) and chances (p,) of ``next_looks``
    cones : to look along, the best first
    u : (3, 3) refined orientation; None where there is none
    error_deg : of it
    aside : another grain, whose reflections are in none of the above
    settled : which of both grains is the brighter is known
    strays : what an orientation left over was found to be of the same grain; it is not followed again
    searched : reflections that rows would have shown since the first one was centred, were there a brighter grain
    hunted : scans since a grain was set aside
    brighter_chance : probability that a brighter grain is there
    at : (k,) where the axes stood last, about
    """

    centred: Float64Array
    intensity: Float64Array
    empty: Float64Array = field(default_factory=lambda: np.zeros((0, 3)))
    missed: Float64Array = field(default_factory=lambda: np.zeros((0, 0)))
    failed: Float64Array = field(default_factory=lambda: np.zeros((0, 3)))
    tried: tuple[tuple[float, float], ...] = ()
    pending: tuple[PendingPeak, ...] = ()
    prior_u: Float64Array | None = None
    candidates: Candidates | None = None
    looks: Float64Array = field(default_factory=lambda: np.zeros((0, 0)))
    bits: Float64Array = field(default_factory=lambda: np.zeros(0))
    cones: tuple[Cone, ...] = ()
    u: Float64Array | None = None
    error_deg: float = float("inf")
    aside: tuple[Grain, ...] = ()
    settled: bool = False
    strays: bool = False
    searched: float = 0.0
    hunted: int = 0
    brighter_chance: float = 0.0
    at: Float64Array = field(default_factory=lambda: np.zeros(0))

    @property
    def decided(self) -> bool:
        """Whether one orientation is certain."""
        return self.certain and self.brighter_chance <= MOST_BRIGHTER

    @property
    def certain(self) -> bool:
        """Whether one orientation is, of a grain that need not be the brightest."""
        return self.candidates is not None and self.candidates.decided is not None

    @property
    def probabilities(self) -> Float64Array:
        """(MOST_CHOICES + 1,) of the first candidates, and of none."""
        out = np.zeros(MOST_CHOICES + 1)
        out[-1] = 1.0
        if self.candidates is not None:
            first = [one.probability * (1.0 - self.brighter_chance) for one in self.candidates.found[:MOST_CHOICES]]
            out[: len(first)] = first
            out[-1] = 1.0 - (1.0 - self.candidates.none) * (1.0 - self.brighter_chance)
        return out


def blank_belief(k: int, prior_u: Float64Array | None) -> Belief:
    """Return what is known before anything is found."""
    return Belief(np.zeros((0, k)), np.zeros(0), missed=np.zeros((0, k)), prior_u=prior_u, at=np.zeros(k))
