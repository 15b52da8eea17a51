"""The simulated sample behind the practice instrument: the very world that an environment of the same seed has.

Motors tell it where they went, turning points included, because its axes have backlash. What several motors did
between two exposures is handed on as one move, as an environment does, so that clocks and noise agree with it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.loop import EpisodeKeys, checked_seed
from beamgym.hardware_bridge.practice.simulated.kind import PracticeSample, practice_sample
from beamgym.physics.instrument import AcquireSettings, Axis, Float64Array

_ONE = np.ones(1, dtype=np.bool_)


class EmulatedSample:
    """A crystal or a cleaved surface in its instrument, as an environment's World with n = 1.

    Parameters
    ----------
    kind : of instrument, such as "laue" (LaueAlign with rendered frames) or "arpes" (ArpesSpot)
    options : of that environment, such as level, crystal, goniometer, target, stage
    made : what the two make, where it is made already

    Raises
    ------
    ValueError, TypeError : an unknown kind or option
    """

    counts = False
    """Whether its detector is a counter, and no camera."""

    def __init__(self, kind: str, options: dict[str, Any], made: PracticeSample | None = None) -> None:
        self.kind, self._sample = kind, practice_sample(kind, options) if made is None else made
        self.task, self.world = self._sample.task, self._sample.world
        self.home, self.exposure_s, self.readout_s = self._sample.home, self._sample.exposure_s, self._sample.readout_s
        self.exposure_limits_s = self._sample.exposure_limits_s
        self.axes: tuple[Axis, ...] = self.world.axes[: len(self.home)]
        # Where the world has one axis more than there are motors, the last one is the exposure time.
        self._takes_time = len(self.world.axes) > len(self.home)
        self.seed, self.history = 0, list[list[Any]]()
        self._stands, self._dwell, self.moved = self.home.copy(), self.exposure_s, dict[int, float]()
        self.shape: tuple[int, int] = self._rehearse()

    def _rehearse(self) -> tuple[int, int]:
        """Do everything once, so that kernels are compiled before anybody waits; returns a frame's shape."""
        self.reset(0)
        self.carry(0, float(self.home[0]))
        image = self.expose(self.exposure_s)
        self.readback_noise()
        self.truth()
        return image.shape[0], image.shape[1]

    def reset(self, seed: int) -> None:
        """Mount the sample with which the first episode of a seed begins; the motors are at home then."""
        # The same keys as an environment of this seed: its first episode has this very sample.
        keys = EpisodeKeys(1)
        keys.reseed([checked_seed(seed)], np.random.default_rng)
        self.world.reset(keys.next(_ONE), _ONE)
        self.seed, self.history = int(seed), []
        self._stands, self._dwell, self.moved = self.home.copy(), self.exposure_s, {}

    def restore(self, seed: int, history: list[list[Any]], moved: dict[int, float]) -> None:
        """Bring a seed's sample to where its history, and the moves not yet in it, had brought it."""
        self.reset(seed)
        # Played again, since the world's noise and wear depend on everything that was done.
        for what, value in history:
            if what == "go":
                self._go(np.array(value))
            else:
                self.expose(value)
        self.moved = dict(moved)

    @property
    def sweeps(self) -> bool:
        """Whether an exposure lasts until ``full`` says so, and not for its time; counters can do so, cameras not."""
        return False

    @property
    def full(self) -> bool:
        """Whether an exposure under way that counts while axes move has all that it was to count."""
        return False

    def begin(self) -> None:
        """Take note that an exposure begins."""

    def disarm(self) -> None:
        """Take note that an exposure was broken off."""

    def carry(self, axis: int, dial: float) -> None:
        """Take note that a motor has arrived at, or turned round at, a dial position."""
        # Twice between two exposures means that it turned round; for backlash these are two moves.
        if axis in self.moved:
            self.settle()
        self.moved[axis] = dial

    def settle(self) -> None:
        """Hand what the motors did since the last exposure to the world, as one move."""
        if self.moved:
            target = self._stands.copy()
            for axis, dial in self.moved.items():
                target[axis] = dial
            self.moved = {}
            self._go(np.append(target, self._dwell)[: len(self.world.axes)])

    def expose(self, seconds: float) -> NDArray[Any]:
        """Take one frame (slow, fast); uint16 counts for Laue, float32 counts for ARPES."""
        if self._takes_time and seconds != self._dwell:
            # A change of the exposure time is a move of the world, even where no motor moved.
            self.moved.setdefault(0, float(self._stands[0]))
            self._dwell = seconds
        # What the motors did belongs to this frame.
        self.settle()
        frame = self.world.acquire(AcquireSettings(exposure_s=seconds), _ONE)
        self.history.append(["expose", seconds])
        image: NDArray[Any] = np.asarray(frame.image)[0]
        return image

    def dark(self, counter: int) -> NDArray[Any]:
        """Return a frame (slow, fast) without light."""
        return self._sample.dark(counter, self.shape)

    def bare(self, counter: int, seconds: float) -> NDArray[Any]:
        """Return a frame (slow, fast) of beam without the sample."""
        return self._sample.bare(counter, self.shape, seconds)

    def readback_noise(self) -> Float64Array:
        """Return what the encoders now read beyond the motors' counts, (k,)."""
        noise: Float64Array = self.world.positions()[0, : len(self.axes)] - self._stands
        return noise

    def truth(self) -> dict[str, Any]:
        """Return what no instrument knows, as plain numbers and lists; see ``World.truth``.

        Beside the world's own truth: "inside" (the pose or place now held would count as success) and, for Laue,
        "misorientation_deg" and "tolerance_deg".
        """
        self.settle()
        truth = self.world.truth()
        plain = {name: values[0].tolist() for name, values in truth.items()}
        return {**plain, **self._sample.inside(truth)}

    def _go(self, target: Float64Array) -> None:
        self.world.move(target[None], _ONE)
        self.history.append(["go", target.tolist()])
        self._stands = target[: len(self.home)].copy()
        if self._takes_time:
            self._dwell = float(target[-1])


def emulated_sample(kind: str, options: dict[str, Any]) -> EmulatedSample:
    """Return what the hardware of a kind serves; raises ValueError, TypeError for an unknown kind or option."""
    sample = practice_sample(kind, options)
    emulated: EmulatedSample = (sample.emulator or EmulatedSample)(kind, options, sample)
    return emulated
