"""n simulated diffractometers, each with a crystal that nobody knows how it stands."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.counter_rng import make_keys, uniforms
from beamgym.physics.crystal import Crystal
from beamgym.physics.diffractometer import Diffractometer, diffractometer
from beamgym.physics.diffractometer.scans.asked import POINTS, ScanFrame, ScanSettings
from beamgym.physics.diffractometer.scans.beams import MonoBeam, SlitCounter, counter, mono_beam
from beamgym.physics.diffractometer.scans.centring import centre
from beamgym.physics.diffractometer.scans.counting import ScanSample, drawn
from beamgym.physics.diffractometer.scans.levels import ScanErrors, scan_errors
from beamgym.physics.diffractometer.scans.paths import SETTLE_S, ScanPath, check_envelope, within_envelope
from beamgym.physics.diffractometer.scans.profiles import points_until_peak
from beamgym.physics.diffractometer.scans.reflecting import Reflecting, reflecting
from beamgym.physics.diffractometer.scans.ways import centring_way, first_way, way_of
from beamgym.physics.goniometer import motors, normal_batch, travel_time_s
from beamgym.physics.instrument import (
    AcquireSettings,
    Axis,
    BoolArray,
    Float64Array,
    Frame,
    MoveReport,
    UInt64Array,
)
from beamgym.physics.orientation import random_orientations, rotation_matrix

_STREAM_MOUNT, _STREAM_GRAIN, _STREAM_ERRORS, _STREAM_PRIOR, _STREAM_COUNTS, _STREAM_HAS = 80, 81, 82, 83, 84, 85
FIRST_COUNT_S = 1.0
"""The count with which an episode begins, seconds."""


class ScanWorld:
    """n diffractometers that scan; see ``ScanSettings`` for what they are asked and ``ScanFrame`` for what they give.

    Parameters
    ----------
    crystal : structure, of the beam's radiation
    n : samples
    instrument : name of a preset that has a bisecting position: "e4cv", "e4ch", "neutron-4c" or "psic"
    beam : "tube", "synchrotron", "neutron", or a MonoBeam
    detector : "point", or a SlitCounter
    level : "easy", "real", "hard", or ScanErrors
    prior_deg : standard deviation about each axis of an orientation that is known beforehand; 0 where none is

    Raises
    ------
    ValueError : n below 1, an instrument without a bisecting position, unknown names, or a wavelength that reaches
        nothing
    """

    def __init__(
        self,
        crystal: Crystal,
        n: int,
        instrument: str | Diffractometer = "e4cv",
        beam: str | MonoBeam = "tube",
        detector: str | SlitCounter = "point",
        level: str | ScanErrors = "real",
        prior_deg: float = 0.0,
    ) -> None:
        if n < 1:
            raise ValueError(f"n is {n}; at least one sample is needed")
        self.instrument = diffractometer(instrument)
        if not self.instrument.halved:
            raise ValueError(
                f"{self.instrument.name} has no bisecting position, and scans are simulated for those that have one: "
                "take e4cv, e4ch, neutron-4c or psic"
            )
        self.instrument = within_envelope(self.instrument)
        self.crystal, self.n = crystal, n
        self.beam, self.detector, self.level = mono_beam(beam), counter(detector), scan_errors(level)
        self.prior_deg = prior_deg
        most = max(abs(limit) for axis in self.instrument.arm.axes for limit in axis.limits)
        self._nominal = reflecting(crystal, self.beam, most)
        k = len(self.axes)
        self._keys = np.zeros(n, np.uint64)
        self._at, self._zero = np.zeros((n, k)), np.zeros((n, k))
        self._u = np.tile(np.eye(3), (n, 2, 1, 1))
        self._shares = np.zeros((n, 2))
        self._offset, self._wavelength = np.zeros((n, 3)), np.full(n, self.beam.wavelength_a)
        self._prior = np.full((n, 3, 3), np.nan)
        self._scans, self._counter, self._clock = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n)
        self._samples: list[ScanSample | None] = [None] * n
        self._frame = nothing_scanned(n, k)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The sample's axes, outermost first, then the arm's."""
        return self.instrument.axes

    @property
    def context(self) -> Diffractometer:
        """The diffractometer."""
        return self.instrument

    def positions(self) -> Float64Array:
        """Return the readback of every axis, (n, k) degrees."""
        return self._at.copy()

    def reset(self, keys: UInt64Array, mask: BoolArray) -> None:
        """Mount a new crystal anyhow and send all axes to 0, where ``mask`` is True."""
        rows = np.flatnonzero(mask)
        self._keys[rows] = keys[rows]
        own = self._keys[rows]
        k, level = len(self.axes), self.level
        drawn = normal_batch(make_keys(own, 0, 0, _STREAM_ERRORS), k + 5, 0)
        self._at[rows] = 0.0
        self._zero[rows] = drawn[:, :k] * level.zero_deg
        self._offset[rows] = drawn[:, k : k + 3] * level.offset_mm
        self._wavelength[rows] = self.beam.wavelength_a * (1.0 + level.wavelength * drawn[:, k + 3])
        first = random_orientations(make_keys(own, 0, 0, _STREAM_MOUNT))
        self._u[rows, 0] = first
        self._u[rows, 1] = random_orientations(make_keys(own, 0, 0, _STREAM_GRAIN))
        has = _uniform(make_keys(own, 0, 0, _STREAM_HAS)) < level.second_chance
        size = np.exp(level.flux_factor * drawn[:, k + 4])
        self._shares[rows, 0] = size
        self._shares[rows, 1] = size * level.second_grain * has
        self._scans[rows], self._counter[rows], self._clock[rows] = 0, 0, 0.0
        self._prior[rows] = np.nan
        if self.prior_deg > 0.0:
            turns = normal_batch(make_keys(own, 0, 0, _STREAM_PRIOR), 3, 0) * self.prior_deg
            shown = self._shown(first, self._zero[rows])
            self._prior[rows] = np.array([rotation_matrix(turn) for turn in turns]) @ shown
        for row in rows:
            self._samples[row] = self._sample(int(row))

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Drive all axes to absolute (n, k) degrees where ``mask``; raises MoveFailed outside limits or envelope."""
        motors.check_target(self.axes, target, mask)
        check_envelope(self.instrument, target[mask])
        seconds = np.where(mask, travel_time_s(self.axes, self._at, target), 0.0)
        seconds += SETTLE_S * (seconds > 0.0)
        self._at = np.where(mask[:, None], target, self._at)
        self._clock += seconds
        return MoveReport(self._at.copy(), seconds)

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Scan, where ``mask`` is True, as ``ScanSettings`` say; others count once. Other rows repeat their last."""
        asked = settings if isinstance(settings, ScanSettings) else ScanSettings.counting(self.n, FIRST_COUNT_S)
        new = _copied(self._frame)
        paths = {int(row): self._way(int(row), asked) for row in np.flatnonzero(mask)}
        for row, path in paths.items():
            new.centred[row], new.on_peak[row], new.intensity[row] = self._at[row], False, 0.0
            if path is None:
                self._centre(row, asked, new)
            else:
                counts = self._counted(row, path)
                if asked.is_brief(row):
                    many = points_until_peak(counts, path.count_s)
                    path, counts = path.first(many), counts[:many]
                self._record(row, path, counts, new)
                new.busy_s[row], new.exposure_s[row] = path.busy_s, path.count_s.sum()
            self._clock[row] += new.busy_s[row]
        self._counter += mask
        new.counter[:], new.time_s[:] = self._counter, self._clock
        new.prior_u[:] = self._prior
        self._frame = new
        return _copied(new)

    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Return what is hidden.

        "u" (n, 3, 3), crystal to mount frame as the readings of the innermost axis have it; "zero_deg" (n, k),
        "offset_mm" (n, 3), "wavelength_a" (n,), "second_share" (n,)
        """
        return {
            "u": self._shown(self._u[:, 0], self._zero),
            "zero_deg": self._zero.copy(),
            "offset_mm": self._offset.copy(),
            "wavelength_a": self._wavelength.copy(),
            "second_share": self._shares[:, 1] / np.maximum(self._shares[:, 0], 1e-12),
        }

    def _shown(self, u: Float64Array, zero: Float64Array) -> Float64Array:
        """Return orientations with the innermost axis' zero error in them, which nobody can tell apart."""
        inner = len(self.instrument.sample.axes) - 1
        only = np.zeros((len(zero), inner + 1))
        only[:, inner] = zero[:, inner]
        return np.asarray(self.instrument.sample.rotation(only) @ u)

    def _sample(self, row: int) -> ScanSample:
        ratio = self._wavelength[row] / self.beam.wavelength_a
        q = self._nominal.q * ratio
        bragg = np.arcsin(np.minimum(np.sin(self._nominal.bragg) * ratio, 1.0 - 1e-9))
        one = Reflecting(q, bragg, self._nominal.strength)
        us = np.ascontiguousarray(self._u[row])
        return ScanSample(one, us, self._shares[row].copy(), self._offset[row], self._zero[row], self._wavelength[row])

    def drawn(self, row: int, path: ScanPath) -> tuple[Float64Array, Float64Array]:
        """Return what the counter counts along a way, (p,), and the attenuator's factors (p,); it is a scan more.

        Parameters
        ----------
        row : of the sample
        path : where the axes go; nothing is moved
        """
        sample = self._samples[row]
        assert sample is not None
        key = np.uint64(np.atleast_1d(make_keys(self._keys[row : row + 1], 0, self._scans[row], _STREAM_COUNTS))[0])
        self._scans[row] += 1
        return drawn(self.instrument, sample, self.beam, self.detector, path, self.level.spikes_per_s, key)

    def go_on_from(self, row: int, scans: int) -> None:
        """Let the next scan of a sample be that with the number ``scans``, as if so many had been made."""
        self._scans[row] = scans

    def _way(self, row: int, asked: ScanSettings) -> ScanPath | None:
        return way_of(self.instrument, self._at[row], asked, row, self.beam.wavelength_a)

    def _counted(self, row: int, path: ScanPath) -> Float64Array:
        counts, weaker = self.drawn(row, path)
        return counts * weaker

    def _record(self, row: int, path: ScanPath, counts: Float64Array, new: ScanFrame) -> None:
        p = len(counts)
        new.counts[row], new.count_s[row], new.where[row] = 0.0, 0.0, 0.0
        new.counts[row, :p], new.count_s[row, :p], new.points[row] = counts, path.count_s, p
        new.where[row, :p] = np.nan_to_num(path.degrees)
        good = np.flatnonzero(path.count_s > 0.0)
        if len(good) and p > 1:
            self._at[row] = np.clip(path.degrees[good[-1]], *self._limits)

    @property
    def _limits(self) -> tuple[Float64Array, Float64Array]:
        low, high = np.array([axis.limits for axis in self.axes]).T
        return low, high

    def _centre(self, row: int, asked: ScanSettings, new: ScanFrame) -> None:
        start, count_s = self._at[row].copy(), float(asked.count_s[row])

        def scan(here: Float64Array, axis: int, width_deg: float, each_s: float) -> tuple[ScanPath, Float64Array]:
            path = centring_way(self.instrument, here, axis, width_deg, each_s, asked.fly)
            return path, self._counted(row, path)

        def first() -> tuple[ScanPath, Float64Array]:
            path = first_way(self.instrument, start, asked, row, self.beam.wavelength_a)
            return path, self._counted(row, path)

        done = centre(self.instrument, start, first, self.detector, scan, count_s)
        self._record(row, done.path, done.counts, new)
        self._at[row] = np.clip(done.degrees, *self._limits)
        new.centred[row], new.on_peak[row], new.intensity[row] = self._at[row], done.on_peak, done.intensity
        new.busy_s[row], new.exposure_s[row] = done.busy_s, done.counted_s


def _uniform(keys: UInt64Array) -> Float64Array:
    return uniforms(keys, 1)[:, 0]


def nothing_scanned(n: int, k: int) -> ScanFrame:
    """Return the frame of n diffractometers of k axes that have not scanned yet."""
    zero, none = np.zeros(n), np.zeros(n, dtype=np.int64)
    return ScanFrame(
        zero.copy(),
        none.copy(),
        zero.copy(),
        counts=np.zeros((n, POINTS)),
        points=none.copy(),
        where=np.zeros((n, POINTS, k)),
        count_s=np.zeros((n, POINTS)),
        busy_s=zero.copy(),
        centred=np.zeros((n, k)),
        on_peak=np.zeros(n, dtype=np.bool_),
        intensity=zero.copy(),
        prior_u=np.full((n, 3, 3), np.nan),
    )


def _copied(frame: ScanFrame) -> ScanFrame:
    names = [name for name in vars(frame) if name not in ("image", "found", "finder")]
    return ScanFrame(**{name: getattr(frame, name).copy() for name in names})
