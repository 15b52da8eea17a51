"""Scans of a guarded diffractometer as bluesky plans: the very ways of the simulated one, on motors and a counter."""

import asyncio
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from beamgym.envs.task import TaskCommand
from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.rollout import BlueskyInstrument, awaited
from beamgym.hardware_bridge.sweeps import SweepRequest
from beamgym.physics.diffractometer import Diffractometer
from beamgym.physics.diffractometer.scans import (
    FIRST_COUNT_S,
    Centring,
    ScanFrame,
    ScanPath,
    ScanSettings,
    centring_scans,
    centring_way,
    check_envelope,
    first_way,
    nothing_scanned,
    points_until_peak,
    way_of,
)
from beamgym.physics.instrument import AcquireSettings, Float64Array, Frame, FrameFailed, MoveReport

bps = need("bluesky.plan_stubs", "hardware")

T = TypeVar("T")
Plan = Generator[Any, Any, T]

_LOOK_S = 0.005  # between two looks whether the counter has begun
_STANDS = 1.5
"""A point that is to be counted for so many times the seconds in which its axes pass it is counted standing, where
nothing slows the axes down."""
_SAME = 1e-9


class ScanInstrument(BlueskyInstrument):
    """A guarded diffractometer that scans, as ``ScanSettings`` say and as ``ScanWorld`` does.

    Notes
    -----
    A scan on the fly is one guarded trigger of the counter, given while the axes stand, and guarded moves while it
    counts. The way of a whole scan is checked before the first of its moves.
    """

    _at: Float64Array | None = None
    _scans = 0

    def move_plan(self, target: Float64Array) -> Plan[MoveReport]:
        """Move to absolute positions (1, k), all axes together."""
        report = yield from super().move_plan(target)
        self._at = np.asarray(target, dtype=np.float64).reshape(-1).copy()
        return report

    def acquire_for_plan(self, command: TaskCommand) -> Plan[Frame]:
        """Scan as a command says."""
        return (yield from self.acquire_plan(command.settings(AcquireSettings(FIRST_COUNT_S))))

    def acquire_plan(self, settings: AcquireSettings | None = None) -> Plan[Frame]:
        """Scan, or count once where the axes stand; returns a ScanFrame of n = 1.

        Raises
        ------
        MoveFailed : a scan through a limit or the collision envelope; nothing has moved for it
        FrameFailed : the monitor counted nothing where the counter did count
        """
        asked = settings if isinstance(settings, ScanSettings) else ScanSettings.counting(1, FIRST_COUNT_S)
        if self._at is None:
            self._at = np.asarray((yield from self.positions_plan())[0], dtype=np.float64)
        here, began_s = self._at.copy(), time.monotonic()
        known = self._known
        path = way_of(known.instrument, here, asked, 0, known.beam.wavelength_a)
        if path is None:
            done = yield from self._centred(here, asked)
            frame = self._frame_of(done.path, done.counts, done.counted_s)
            frame.on_peak[0], frame.intensity[0] = done.on_peak, done.intensity
            yield from self.move_plan(np.clip(done.degrees, *known.limits.T)[None])
        else:
            way, counts, counted_s = yield from self._scanned(path)
            if asked.is_brief(0):
                # made whole, and looked at as far as its first peak
                many = points_until_peak(counts, way.count_s)
                way, counts = way.first(many), counts[:many]
            frame = self._frame_of(way, counts, counted_s)
            good = np.flatnonzero(frame.count_s[0] > 0.0)
            # the axes stand half a step further on; what was counted last was counted here
            if len(good) and frame.points[0] > 1:
                self._at = np.clip(frame.where[0, good[-1]], *known.limits.T)
        frame.centred[0] = self._at
        frame.busy_s[0] = max(time.monotonic() - began_s, float(frame.exposure_s[0]))
        self._frame = frame
        return frame

    @property
    def _known(self) -> Any:
        return self.context

    def _centred(self, start: Float64Array, asked: ScanSettings) -> Plan[Centring]:
        known = self._known
        wavelength_a, count_s = known.beam.wavelength_a, float(asked.count_s[0])
        steps = centring_scans(known.instrument, start, known.detector, count_s)
        wanted = next(steps)
        while True:
            if wanted.axis < 0:
                path = first_way(known.instrument, start, asked, 0, wavelength_a)
            else:
                path = centring_way(
                    known.instrument, wanted.here, wanted.axis, wanted.width_deg, wanted.count_s, asked.fly
                )
            made = yield from self._scanned(path)
            try:
                wanted = steps.send(made[:2])
            except StopIteration as end:
                done: Centring = end.value
                return done

    def _scanned(self, path: ScanPath) -> Plan[tuple[ScanPath, Float64Array, float]]:
        """Go a way and count; returns it with the seconds really counted, its counts (p,), and those seconds' sum."""
        known = self._known
        good = np.flatnonzero(path.count_s > 0.0)
        if not len(good):
            return path, np.zeros(len(path.count_s)), 0.0
        check_envelope(known.instrument, path.degrees[good])
        path = replace(path, edges=np.clip(path.edges, *known.limits.T))
        if not callable(getattr(self.guard.detector.proxy.device, "prepare_sweep", None)):
            counted = yield from self._point_by_point(path, good)
        else:
            counted = yield from self._swept(path, good)
        self._scans += 1
        seconds, counts = _checked(counted, good)
        times, all_counts = np.zeros(len(path.count_s)), np.zeros(len(path.count_s))
        times[good], all_counts[good] = seconds, counts
        return replace(path, count_s=times), all_counts, float(times.sum())

    def _swept(self, path: ScanPath, good: Any) -> Plan[Float64Array]:
        """Count a whole way in one sweep of the counter, rows (m, 4) of its points ``good`` (m,)."""
        legs = self._legs(path, good)
        if len(good) == 1 and _standing(legs[0]):
            yield from self._go(legs[0][0])
            once = yield from self._counted(float(path.count_s[good[0]]))
            first: Float64Array = once[:1]
            return first
        axis = self._only_axis(legs)
        names, times = self.file.axis_names, path.count_s[good]
        edges = np.zeros(0) if axis < 0 else np.append(legs[:, 0, axis], legs[-1, 1, axis])
        request = SweepRequest("" if axis < 0 else names[axis], edges, times)
        yield from self._go(legs[0, 0])
        rest = partial(self._go, legs[-1, 1]) if axis >= 0 else partial(self._leg_by_leg, legs, times)
        counted = yield from self._counted(float(times.sum()), request, rest)
        rows: Float64Array = counted[: len(good)]
        return rows

    def _legs(self, path: ScanPath, good: Any) -> Float64Array:
        """Return from where to where the axes go while each point is counted, (m, 2, k)."""
        legs: Float64Array = path.edges[good].copy()
        if self.file.experiment.speed_follows:
            return legs
        speed = np.array([axis.speed for axis in self._known.instrument.axes])
        passing = (np.abs(legs[:, 1] - legs[:, 0]) / speed).max(axis=1)
        stands = path.count_s[good] > _STANDS * passing
        legs[stands] = path.degrees[good][stands][:, None]
        return legs

    @staticmethod
    def _only_axis(legs: Float64Array) -> int:
        """Return the axis by which alone legs go on from each other without a gap; -1 where there is none."""
        moved = np.flatnonzero(np.abs(np.ptp(legs.reshape(-1, legs.shape[2]), axis=0)) > _SAME)
        if len(moved) != 1 or len(legs) < 2:
            return -1
        way = legs[:, :, moved[0]]
        steps = way[:, 1] - way[:, 0]
        joined = np.abs(way[1:, 0] - way[:-1, 1]).max() < 1e-6
        return int(moved[0]) if joined and (np.all(steps > _SAME) or np.all(steps < -_SAME)) else -1

    def _leg_by_leg(self, legs: Float64Array, times: Float64Array) -> Plan[None]:
        gate = self.guard.detector.proxy.device.gate
        for (first, last), seconds in zip(legs, times, strict=True):
            yield from self._go(first)
            yield from awaited(partial(gate, True))
            if _standing((first, last)):
                yield from bps.sleep(float(seconds))
            else:
                yield from self._go(last)
            yield from awaited(partial(gate, False))

    def _point_by_point(self, path: ScanPath, good: Any) -> Plan[Float64Array]:
        """Count each point by itself, with a counter that knows nothing of sweeps."""
        rows, legs = [], self._legs(path, good)
        for (first, last), seconds in zip(legs, path.count_s[good], strict=True):
            yield from self._go(first)
            rest = None if _standing((first, last)) else partial(self._go, last)
            rows.append((yield from self._counted(float(seconds), None, rest))[0])
        return np.array(rows)

    def _go(self, target: Float64Array) -> Plan[None]:
        """Move those axes that are not there yet, together; every command costs its checks."""
        assert self._at is not None
        names = self.file.axis_names
        wanted = {names[i]: float(target[i]) for i in np.flatnonzero(np.abs(target - self._at) > _SAME)}
        if not wanted:
            return
        self.guard.announce(wanted)
        yield from awaited(lambda: self.guard.judge_move(wanted))
        group = f"go-{self._scans}-{id(wanted)}"
        for name, value in wanted.items():
            yield from bps.abs_set(self.guard.axes[name], value, group=group)
        yield from bps.wait(group)
        self._at = target.copy()

    def _counted(
        self, seconds: float, sweep: SweepRequest | None = None, meanwhile: Callable[[], Plan[None]] | None = None
    ) -> Plan[Float64Array]:
        """Trigger the counter, move meanwhile, and return its frame (points, 4)."""
        detector = self.guard.detector
        detector.sweep, detector.exposure_s = sweep, seconds
        group = f"count-{self._scans}-{id(sweep)}"
        try:
            status = yield from bps.trigger(detector, group=group)
            if meanwhile is not None:
                yield from awaited(partial(_begun, detector, status))
                yield from meanwhile()
            yield from bps.wait(group)
        finally:
            detector.sweep = None
        image = detector.last_frame().image
        assert image is not None
        return np.asarray(image[0], dtype=np.float64)

    def _frame_of(self, path: ScanPath, counts: Float64Array, counted_s: float) -> ScanFrame:
        known: Diffractometer = self._known.instrument
        held = self.guard.detector.last_frame()
        frame, p = nothing_scanned(1, len(known.axes)), len(counts)
        frame.counts[0, :p], frame.count_s[0, :p], frame.points[0] = counts, path.count_s, p
        frame.where[0, :p] = np.nan_to_num(path.degrees)
        frame.exposure_s[0], frame.counter[0], frame.time_s[0] = counted_s, held.counter[0], held.time_s[0]
        return frame


async def _begun(detector: Any, status: Any) -> None:
    """Return when a counter counts, or its trigger has ended otherwise."""
    begun = getattr(detector.proxy.device, "begun", None)
    while not status.done:
        # one that does not say when it begins is given the time of a trigger
        if detector.ours and (begun is None or begun.is_set()):
            return
        await asyncio.sleep(_LOOK_S)


def _standing(leg: Any) -> bool:
    return bool(np.abs(np.asarray(leg[1]) - np.asarray(leg[0])).max() < _SAME)


def _checked(counted: Float64Array, good: Any) -> tuple[Float64Array, Float64Array]:
    """Return seconds and counts (m,) of points that were counted; raises FrameFailed where the monitor says nothing."""
    seconds, monitor = counted[: len(good), 0], counted[: len(good), 1]
    missing = (seconds > 0.0) & ~(monitor > 0.0)
    if missing.any():
        raise FrameFailed(
            f"the monitor counted nothing at {int(missing.sum())} of {len(good)} points: no beam, or no monitor; look "
            "at the beam and the monitor's cable, or count without a monitor by giving seconds as its counts"
        )
    return seconds, counted[: len(good), 2] * np.maximum(counted[: len(good), 3], 1.0)
