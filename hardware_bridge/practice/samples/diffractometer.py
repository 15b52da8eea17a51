"""The diffractometer to practise on: DiffractometerAlign, whose counter counts where axes stand, or while they move."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.diffractometer_align import DiffractometerAlignOptions, build
from beamgym.envs.options import read_options
from beamgym.envs.task import Truth
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.practice.simulated import EmulatedSample, PracticeSample
from beamgym.physics.diffractometer.scans import FIRST_COUNT_S, POINTS, ScanPath
from beamgym.physics.instrument import Float64Array

COLUMNS = ("time", "monitor", "detector", "filter")
"""What the counter gives of each point: seconds, the monitor's counts, its own, and the attenuator's factor."""

MONITOR_PER_S = 1e5
"""Counts of the monitor before the sample, a second."""

_CLOSE = 1e-6  # degrees
_FILE_OPTIONS = ("crystal", "instrument", "beam", "beam_time_s")


@dataclass(frozen=True)
class Sweep:
    """How the counter is to count while axes move.

    Parameters
    ----------
    axis : index of the axis whose position goes on from channel to channel; -1 where the client opens and closes each
    edges : (p + 1,) positions of that axis between channels, dial; empty without one
    times : (p,) seconds that a channel takes
    """

    axis: int
    edges: Float64Array
    times: Float64Array


def practice(options: dict[str, Any]) -> PracticeSample:
    """Return a crystal on its diffractometer; the options are those of DiffractometerAlign."""
    task, world = build(read_options(DiffractometerAlignOptions, options), 1)
    home = np.zeros(len(world.axes))
    return PracticeSample(
        task, world, home, _inside, FIRST_COUNT_S, 0.0, (0.01, 3600.0), dark, bare, emulator=ScanningSample
    )


def practice_options(file: InstrumentFile, level: str) -> dict[str, Any]:
    """Return the options of DiffractometerAlign with which it has the instrument of a file."""
    return {**{name: getattr(file.experiment, name) for name in _FILE_OPTIONS}, "level": level}


def judged(task: Any, state: Any, truth: dict[str, Any]) -> bool:
    """Return whether what was declared is right by the truth of the practice instrument."""
    _, verdict = task.judge(state, {name: np.asarray(value)[None] for name, value in truth.items() if name == "u"})
    return bool(verdict.is_success[0])


def dark(counter: int, shape: tuple[int, int]) -> NDArray[Any]:
    """Return what the counter gives without beam: nothing, of the monitor either."""
    out = np.zeros(shape)
    out[:, 3] = 1.0
    return out


def bare(counter: int, shape: tuple[int, int], seconds: float) -> NDArray[Any]:
    """Return what it gives of the beam without a crystal: the monitor's counts and a few stray ones."""
    rng = np.random.default_rng(counter)
    out = dark(counter, shape)
    out[0] = seconds, rng.poisson(MONITOR_PER_S * seconds), rng.poisson(0.5 * seconds), 1.0
    return out


def _inside(truth: Truth) -> dict[str, Any]:
    # what is declared is known to the client alone
    return {"inside": None}


class ScanningSample(EmulatedSample):
    """A crystal on a diffractometer, whose counter may count while its axes move.

    Parameters
    ----------
    kind, options, made : as ``EmulatedSample``

    Notes
    -----
    What is kept of the past is where the axes stand and how many scans were made: counts depend on nothing else.
    """

    counts = True

    def __init__(self, kind: str, options: dict[str, Any], made: PracticeSample | None = None) -> None:
        self._sweep: Sweep | None = None
        self._counting = False
        self._at, self._began = np.zeros(0), np.zeros(0)
        self._opened: Float64Array | None = None
        self._legs: list[tuple[Float64Array, Float64Array]] = []
        super().__init__(kind, options, made)

    def reset(self, seed: int) -> None:
        """Mount the sample with which the first episode of a seed begins; the motors are at home then."""
        super().reset(seed)
        self._at, self._scans = self.home.copy(), 0
        self.disarm()
        self._remember()

    def restore(self, seed: int, history: list[list[Any]], moved: dict[int, float]) -> None:
        """Bring a seed's sample to where its history had brought it."""
        self.reset(seed)
        for _, (scans, at) in history:
            self._scans, self._at = int(scans), np.array(at)
        self.world.go_on_from(0, self._scans)
        self._remember()

    def carry(self, axis: int, dial: float) -> None:
        """Take note that a motor has arrived somewhere."""
        self._at[axis] = dial
        self._remember()

    def settle(self) -> None:
        """Do nothing: where the axes stand is known."""

    def arm(self, sweep: Sweep) -> None:
        """Let the next exposure count while axes move; raises ValueError for what cannot be a sweep."""
        p = len(sweep.times)
        if not 1 <= p <= POINTS or not (np.isfinite(sweep.times) & (sweep.times >= 0.0)).all():
            raise ValueError(f"a sweep has 1 to {POINTS} channels of 0 s or more each")
        if sweep.axis >= 0 and (len(sweep.edges) != p + 1 or not np.isfinite(sweep.edges).all()):
            raise ValueError(f"a sweep of {p} channels has {p + 1} edges")
        if sweep.axis >= len(self.axes):
            raise ValueError(f"there is no axis {sweep.axis}")
        self._sweep = sweep

    def disarm(self) -> None:
        """Forget a sweep."""
        self._sweep, self._counting, self._opened, self._legs = None, False, None, []

    @property
    def sweeps(self) -> bool:
        """Whether the next exposure, or the one under way, counts while axes move."""
        return self._sweep is not None

    @property
    def channel(self) -> int:
        """How many channels are counted."""
        return len(self._legs) if self._sweep is None or self._sweep.axis < 0 else len(self._passed(self._sweep))

    @property
    def full(self) -> bool:
        """Whether a sweep under way has all of its channels."""
        return self._counting and self._sweep is not None and self.channel >= len(self._sweep.times)

    def begin(self) -> None:
        """Take note that an exposure begins."""
        self._began, self._counting, self._opened, self._legs = self._at.copy(), True, None, []

    def gate(self, opened: bool) -> None:
        """Open or close a channel of a sweep without an axis of its own."""
        if self._sweep is None or not self._counting or self._sweep.axis >= 0:
            return
        if opened:
            self._opened = self._at.copy()
        elif self._opened is not None:
            self._legs.append((self._opened, self._at.copy()))
            self._opened = None

    def expose(self, seconds: float) -> NDArray[Any]:
        """Return what was counted, (points, 4): one point where the axes stand, or a sweep's channels."""
        if not self._counting:
            self.begin()
        path = self._way(seconds)
        self.disarm()
        counts, weaker = self.world.drawn(0, path)
        self._scans += 1
        self._remember()
        image = dark(0, (POINTS, len(COLUMNS)))
        p = len(counts)
        rng = np.random.default_rng([self.seed, self._scans])
        image[:p, 0], image[:p, 1] = path.count_s, rng.poisson(MONITOR_PER_S * path.count_s)
        image[:p, 2], image[:p, 3] = counts, weaker
        return image

    def dark(self, counter: int) -> NDArray[Any]:
        """Return what is counted without beam: seconds, and nothing in them."""
        image = dark(counter, (POINTS, len(COLUMNS)))
        if self._counting:
            times = self._way(1.0).count_s
            image[: len(times), 0] = times
            self.disarm()
        return image

    def readback_noise(self) -> Float64Array:
        """Return zeros: encoders read what the motors count."""
        return np.zeros(len(self.axes))

    def _way(self, seconds: float) -> ScanPath:
        sweep, at = self._sweep, self._at
        if sweep is None:
            edges = np.stack([self._began, at])[None]
            return _path(edges, np.array([seconds]))
        times = sweep.times.copy()
        edges = np.tile(at, (len(times), 2, 1))
        if sweep.axis >= 0:
            edges[:, 0, sweep.axis], edges[:, 1, sweep.axis] = sweep.edges[:-1], sweep.edges[1:]
            counted = self._passed(sweep)
        else:
            counted = np.arange(min(len(self._legs), len(times)))
            for i in counted:
                edges[i] = self._legs[i]
        times[np.setdiff1d(np.arange(len(times)), counted)] = 0.0
        return _path(edges, times)

    def _passed(self, sweep: Sweep) -> NDArray[np.int64]:
        """Return the channels that the swept axis has passed."""
        low, high = np.sort([self._began[sweep.axis], self._at[sweep.axis]])
        pairs = np.sort(np.stack([sweep.edges[:-1], sweep.edges[1:]]), axis=0)
        return np.flatnonzero((pairs[0] >= low - _CLOSE) & (pairs[1] <= high + _CLOSE))

    def _remember(self) -> None:
        self.history = [["scans", [self._scans, self._at.tolist()]]]


def _path(edges: Float64Array, times: Float64Array) -> ScanPath:
    return ScanPath(edges.mean(axis=1), edges, times, float(times.sum()), np.cumsum(times))
