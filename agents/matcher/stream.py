"""Frames of crystals in the simulated world, by regime: one fault each on the level "hard", and all together."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import Crystal, free_axial_ratios
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.instrument import AcquireSettings
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.estimation import Estimator, Shot
from beamgym.physics.laue.imperfections import LAUE_LEVELS, Imperfections
from beamgym.physics.laue.simulator import SimulatedLaue

HARD, HARSH = LAUE_LEVELS["hard"], LAUE_LEVELS["harsh"]
REGIMES: dict[str, Imperfections] = {
    "few true, many false": replace(HARD, missing_fraction=0.0, false_spots=40.0, true_spots=10.0),
    "distance": replace(HARD, distance_range_mm=HARSH.distance_range_mm),
    "axial ratios": replace(HARD, axial_ratio_fraction=HARSH.axial_ratio_fraction),
    "two grains": replace(HARD, second_grain=HARSH.second_grain),
    "harsh": HARSH,
}
EXPOSURE_S = 10.0
TURN_DEG = 30.0
"""Between frames every axis moves to within so much of where it began."""


@dataclass(frozen=True, eq=False)
class Subject:
    """One crystal on the nominal instrument, with what is prepared of it.

    Parameters
    ----------
    crystal, beam, detector, goniometer : as everybody knows them
    """

    crystal: Crystal
    beam: Beam
    detector: Detector
    goniometer: Goniometer

    @cached_property
    def estimator(self) -> Estimator:
        """The product's estimator: its tables, its search and its adjustment."""
        return Estimator(self.crystal, self.beam, self.goniometer, self.detector)

    @cached_property
    def free_ratios(self) -> int:
        """How many axial ratios its symmetry leaves."""
        return len(free_axial_ratios(self.crystal))


@dataclass(frozen=True, eq=False)
class Draw:
    """One crystal's frames, and the truth.

    Parameters
    ----------
    subject : the crystal by its file, and the nominal instrument
    shots : the frames
    mount : (3, 3) truth: the larger grain at zero angles
    stood : (T, 3, 3) truth: the larger grain in the lab, frame by frame
    detector : (9,) truth
    b_matrix : (3, 3) truth
    """

    subject: Subject
    shots: tuple[Shot, ...]
    mount: Float64Array
    stood: Float64Array
    detector: Float64Array
    b_matrix: Float64Array

    def first(self, frames: int) -> "Draw":
        """Return the first frames alone."""
        return replace(self, shots=self.shots[:frames])

    @property
    def turns(self) -> Float64Array:
        """(T, 3, 3) how the goniometer has turned the crystal, as read."""
        return self.subject.goniometer.rotation(np.array([shot.readback for shot in self.shots]))

    @property
    def farther_mm(self) -> float:
        """Truth: by how much the camera is farther than it is said to be."""
        return float((self.detector[:3] - self.subject.detector.origin_mm) @ self.subject.detector.normal)


def draws(subject: Subject, level: Imperfections, seed: int, count: int, frames: int = 4) -> Iterator[Draw]:
    """Draw episodes of a crystal: frames at turns of its goniometer that were drawn too."""
    rng = np.random.default_rng([seed, 11])
    world = SimulatedLaue(subject.crystal, subject.goniometer, subject.beam, subject.detector, count, level)
    every = np.ones(count, dtype=np.bool_)
    world.reset(make_keys(seed, np.arange(count), 0, 0), every)
    home, truth = world.positions(), world.truth()
    low, high = (np.array([axis.limits[k] for axis in world.axes]) for k in (0, 1))
    shots: list[list[Shot]] = [[] for _ in range(count)]
    stood = np.empty((count, frames, 3, 3))
    for t in range(frames):
        if t:
            world.move(np.clip(home + rng.uniform(-TURN_DEG, TURN_DEG, home.shape), low, high), every)
        peaks = world.acquire(AcquireSettings(EXPOSURE_S), every).peaks()
        read, stood[:, t] = world.positions(), world.truth()["orientation"]
        turned = subject.goniometer.rotation(read)
        for i in range(count):
            rows = slice(int(peaks.count[i]))
            where, counts = peaks.position_px[i, rows], peaks.intensity[i, rows]
            shots[i].append(Shot(read[i], turned[i], where.astype(np.float64), counts.astype(np.float64)))
    for i in range(count):
        yield Draw(subject, tuple(shots[i]), truth["mount"][i], stood[i], truth["detector"][i], truth["b_matrix"][i])
