"""SimulatedLaue: n crystals on goniometers in front of cameras, as a World."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.counter_rng import make_keys, uniforms
from beamgym.physics.crystal import Crystal
from beamgym.physics.goniometer import (
    Goniometer,
    MotorErrors,
    MotorState,
    begun_anew,
    move,
    of_rotations,
    readback,
    sample_offset_mm,
    start,
)
from beamgym.physics.instrument import (
    AcquireSettings,
    Axis,
    BoolArray,
    Float64Array,
    Frame,
    MoveReport,
    Peaks,
    UInt64Array,
)
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.camera import FAINTEST_COUNTS, LaueCamera
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfection_kernels import disturb
from beamgym.physics.laue.imperfections import (
    LEAST_SECOND_GRAIN,
    Imperfections,
    imperfections,
    miscalibrated_detectors,
)
from beamgym.physics.laue.pattern import LaueModel, Samples, Spots, few_spots
from beamgym.physics.laue.quick_imperfection_kernels import disturb_quickly
from beamgym.physics.orientation import check_rotation, random_orientations
from beamgym.physics.row_threads import over_rows

Frames = Literal["spots", "rendered"]
Draws = Literal["box-muller", "ziggurat"]
MountFilter = Callable[[Float64Array], BoolArray]
MountShape = Callable[[Float64Array, UInt64Array, Float64Array | None], Float64Array]
_Lists = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]  # places, counts, and how many are spots

LAUE_READOUT_S = 2.0
_MOST_SPOTS = 128  # brightest spots simulated, or drawn on an image
_SPOTS_PER_FOUND = 1.4  # simulated for one to be found: at 20 % noise 1 of 10,000 found ones comes from further down
_DRAWS = 1000  # mounts drawn before a goniometer that reaches no target is reported
(
    _STREAM_MOUNT,
    _STREAM_CAMERA,
    _STREAM_MOTORS,
    _STREAM_READBACK,
    _STREAM_FRAME,
    _STREAM_IMAGE,
    _STREAM_DISTANCE,
    _STREAM_LATTICE,
    _STREAM_GRAIN,
    _STREAM_FEW,
    _STREAM_SHAPE,
) = range(11)


_DISTURB: Mapping[Draws, Callable[..., None]] = {"box-muller": disturb, "ziggurat": disturb_quickly}


@dataclass(frozen=True)
class LaueContext:
    """Public knowledge of a Laue instrument: the crystal on it and the nominal geometry."""

    crystal: Crystal
    goniometer: Goniometer
    detector: Detector
    beam: Beam


class SimulatedLaue:
    """n simulated Laue instruments with one crystal each.

    Parameters
    ----------
    crystal, goniometer, beam, detector : the sample and the nominal instrument
    n : samples
    level : imperfections, by name ("easy", "real", "hard", "harsh", "dim"), from a level's file, or as numbers
    frames : "spots" draws found peaks from the noise model; "rendered" draws images for the peak finder
    max_peaks : peaks kept of a frame, brightest first
    mount_filter : says which mounts (m, 3, 3) a start may be drawn from, e.g. those from which a target can be reached
    camera : how images are made and searched, for frames="rendered"
    draws : how the noise of found peaks is drawn: "box-muller", as ever, or "ziggurat", other numbers of the same
        distributions in half the time
    mount_shape : changes mounts (m, 3, 3) that were drawn evenly, by keys (m,) of its own and by what a reset says of
        each, (m,) or None, before the filter sees them; may be set later

    Raises
    ------
    ValueError : for n below 1, unknown frames, draws or level, or a detector that no reflection in the band can reach
    """

    start_options = ("mount", "positions", "start_within_deg")

    def __init__(
        self,
        crystal: Crystal,
        goniometer: Goniometer,
        beam: Beam,
        detector: Detector,
        n: int = 1,
        level: str | PathLike[str] | Imperfections = "real",
        frames: Frames = "spots",
        max_peaks: int = 64,
        mount_filter: MountFilter | None = None,
        camera: LaueCamera | None = None,
        draws: Draws = "box-muller",
        mount_shape: MountShape | None = None,
    ) -> None:
        if frames not in ("spots", "rendered"):
            raise ValueError(f"unknown frames {frames!r}; choose 'spots' (fast) or 'rendered' (images and peak finder)")
        if draws not in _DISTURB:
            raise ValueError(f"unknown draws {draws!r}; choose one of {', '.join(_DISTURB)}")
        if n < 1:
            raise ValueError(f"n is {n}; at least one sample is needed")
        self.n, self.context = n, LaueContext(crystal, goniometer, detector, beam)
        self.level, self.frames, self.max_peaks = imperfections(level), frames, max_peaks
        self._disturb = _DISTURB[draws]
        _check_distance(self.level, detector)
        self._errors = MotorErrors(
            backlash=of_rotations(goniometer.axes, self.level.backlash_deg),
            zero_sigma=of_rotations(goniometer.axes, self.level.zero_error_deg),
            readback_sigma=of_rotations(goniometer.axes, self.level.readback_noise_deg),
            eccentricity_mm=self.level.eccentricity_mm,
        )
        self._motors = start(goniometer.axes, self._errors, goniometer.home(), np.zeros(n, dtype=np.uint64))
        self.model = LaueModel(crystal, beam, detector, brightest=self._simulated_spots())
        self._samples = _samples(self.model, n, self.level)
        self.camera = camera or (LaueCamera(detector) if frames == "rendered" else None)
        self._mount_filter, self.mount_shape = mount_filter, mount_shape
        self._keys = np.zeros(n, dtype=np.uint64)
        self._mount = np.tile(np.eye(3), (n, 1, 1))
        self._orientation = self._turned(np.arange(n))
        self._panels = np.tile(detector.as_vector(), (n, 1))
        self._counter, self._clock, self._frames = np.zeros(n, np.int64), np.zeros(n), np.zeros(n, np.int64)
        self._dose, self._exposure = np.zeros(n), np.zeros(n)
        self._peaks = _no_peaks(n, max_peaks)
        self._image: NDArray[Any] | None = None
        self._drawn = self._kept = 0

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The goniometer's axes, outermost first."""
        return self.context.goniometer.axes

    @property
    def excluded_share(self) -> float:
        """Share of the mounts drawn so far that the filter turned away."""
        return 1.0 - self._kept / self._drawn if self._drawn else 0.0

    def positions(self) -> Float64Array:
        """Return the readback of every axis, (n, k)."""
        return readback(self._errors, self._motors, self._motor_keys())

    def reset(
        self,
        keys: UInt64Array,
        mask: BoolArray,
        mount: ArrayLike | None = None,
        positions: ArrayLike | None = None,
        start_within_deg: ArrayLike | None = None,
    ) -> None:
        """Mount a new crystal, miscalibrate the camera anew and put the motors where an episode begins.

        Parameters
        ----------
        keys : (n,) what is drawn is drawn from them
        mask : (n,) rows that begin anew
        mount : (3, 3) or (n, 3, 3), how the crystal sits on the goniometer at zero angles; by default drawn at random
            from those that the mount filter lets pass
        positions : (k,) or (n, k) where the motors begin; home by default
        start_within_deg : one number or (n,), what ``mount_shape`` is told of the mounts it changes

        Raises
        ------
        ValueError : for a mount that is no rotation, positions outside the limits, or distances that nothing makes use
            of; nothing has changed then
        """
        rows = np.flatnonzero(mask)
        begin = self.context.goniometer.check_positions(
            self.context.goniometer.home() if positions is None else positions
        )
        if begin.shape not in ((len(self.axes),), (self.n, len(self.axes))):
            raise ValueError(f"positions have shape {begin.shape}; give (k,) or (n, k) = {(self.n, len(self.axes))}")
        begin = np.broadcast_to(begin, (self.n, len(self.axes)))[rows]
        within = None if start_within_deg is None else self._one_distance_each(start_within_deg)[rows]
        given = self._draw_mounts(keys[rows], within) if mount is None else self._one_mount_each(mount)[rows]
        self._keys[rows] = keys[rows]
        self._mount[rows] = given
        self._panels[rows] = self._draw_panels(keys[rows])
        lattice_keys, grain_keys = (make_keys(keys[rows], 0, 0, part) for part in (_STREAM_LATTICE, _STREAM_GRAIN))
        self._samples.draw(rows, lattice_keys, grain_keys)
        self._motors = self._begun(begin, mask)
        self._orientation[rows] = self._turned(rows)
        self._frames[rows] = 0
        self._clock[rows] = self._dose[rows] = 0.0

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Move to absolute positions (n, k) where ``mask`` is True; raises MoveFailed outside the limits."""
        self._motors, report = move(self.axes, self._errors, self._motors, target, mask, self._motor_keys())
        rows = np.flatnonzero(mask)
        self._orientation[rows] = self._turned(rows)
        self._clock += report.duration_s
        return report

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Expose where ``mask`` is True; the other rows repeat their last frame."""
        keys, exposure = make_keys(self._keys, 0, self._frames, _STREAM_FRAME), settings.of_each(self.n)
        lists = self._listed(np.flatnonzero(mask), keys, exposure)
        self._counter += mask
        self._frames += mask
        self._clock += mask * (exposure + LAUE_READOUT_S)
        self._dose += mask * exposure
        self._exposure = np.where(mask | (self._exposure == 0.0), exposure, self._exposure)
        if self.frames == "spots":
            self._peaks = self._found(lists, mask)
            image, found = None, self._peaks
        else:
            image, found = self._expose(lists, exposure, mask), None
        finder = self.camera.find if self.camera else None
        return Frame(self._exposure.copy(), self._counter.copy(), self._clock.copy(), image, found, finder)

    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Return orientation (n, 3, 3), crystal to lab, mount (n, 3, 3), detector (n, 9) and dose (n,).

        Also b_matrix (n, 3, 3), the true lattice in the crystal's Cartesian frame, 1/Å, and where there is a second
        grain its second_orientation (n, 3, 3) and second_share (n,), its volume over the larger one's.
        """
        known = {
            "orientation": self._orientation.copy(),
            "mount": self._mount.copy(),
            "detector": self._panels.copy(),
            "dose": self._dose.copy(),
            "b_matrix": self._samples.lattice.copy(),
        }
        if self.level.second_grain > 0.0:
            known["second_orientation"] = self._samples.second(self._orientation, np.arange(self.n))
            known["second_share"] = self._samples.share.copy()
        return known

    def _simulated_spots(self) -> int:
        if self.frames == "rendered" or self.level.true_spots > 0.0:
            return _MOST_SPOTS
        return min(math.ceil(_SPOTS_PER_FOUND * self.max_peaks / (1.0 - self.level.missing_fraction)), _MOST_SPOTS)

    def _one_mount_each(self, mount: ArrayLike) -> Float64Array:
        given = check_rotation(mount, "mount")
        if given.shape not in ((3, 3), (self.n, 3, 3)):
            raise ValueError(f"mount has shape {given.shape}; give one (3, 3) or one a sample, {(self.n, 3, 3)}")
        return np.broadcast_to(given, (self.n, 3, 3))

    def check_distances(self, within_deg: ArrayLike) -> None:
        """Raise ValueError where ``reset`` would not take these for ``start_within_deg``."""
        within = self._one_distance_each(within_deg)
        if self.mount_shape is not None:
            self.mount_shape(np.tile(np.eye(3), (self.n, 1, 1)), np.zeros(self.n, dtype=np.uint64), within)

    def _one_distance_each(self, within_deg: ArrayLike) -> Float64Array:
        given = np.asarray(within_deg, dtype=np.float64)
        if given.shape not in ((), (self.n,)):
            raise ValueError(f"start_within_deg has shape {given.shape}; give a number, or one a sample, {(self.n,)}")
        if self.mount_shape is None:
            raise ValueError("these starts are drawn from all orientations; make the environment with start_within_deg")
        return np.broadcast_to(given, (self.n,))

    def _draw_mounts(self, keys: UInt64Array, within: Float64Array | None = None) -> Float64Array:
        mounts = np.empty((len(keys), 3, 3))
        left = np.arange(len(keys))
        for attempt in range(_DRAWS):
            drawn = random_orientations(make_keys(keys[left], 0, attempt, _STREAM_MOUNT))
            if self.mount_shape is not None:
                told = None if within is None else within[left]
                drawn = self.mount_shape(drawn, make_keys(keys[left], 0, attempt, _STREAM_SHAPE), told)
            good = np.ones(len(left), np.bool_) if self._mount_filter is None else self._mount_filter(drawn)
            mounts[left[good]] = drawn[good]
            self._drawn, self._kept = self._drawn + len(left), self._kept + int(good.sum())
            left = left[~good]
            if not len(left):
                return mounts
        raise ValueError(
            f"no mount among {_DRAWS} lets goniometer {self.context.goniometer.name!r} reach the target; "
            "widen its limits or choose another target"
        )

    def _draw_panels(self, keys: UInt64Array) -> Float64Array:
        """Draw where the detectors of m samples stand, (m, 9)."""
        detector = self.context.detector
        panels = miscalibrated_detectors(detector, self.level, make_keys(keys, 0, 0, _STREAM_CAMERA))
        if self.level.distance_range_mm > 0.0:
            off = 2.0 * uniforms(make_keys(keys, 0, 0, _STREAM_DISTANCE), 1) - 1.0
            panels[:, :3] += self.level.distance_range_mm * off * detector.normal
        return panels

    def _spots(self, rows: NDArray[np.int64], exposure_s: Float64Array) -> Spots:
        panels = self._panels[rows]
        if self.level.eccentricity_mm > 0.0:
            panels[:, :3] -= sample_offset_mm(self.context.goniometer, self._motors)[rows]
        spots = self._samples.spots(self._orientation[rows], panels, rows)
        if self.level.true_spots <= 0.0 or not len(rows):
            return spots
        least_rate = (FAINTEST_COUNTS / (exposure_s * self.level.counts_scale))[:, None].astype(np.float32)
        keys = make_keys(self._keys[rows], 0, self._frames[rows], _STREAM_FEW)
        return few_spots(spots, self.level.true_spots, least_rate, keys)

    def _turned(self, rows: NDArray[np.int64]) -> Float64Array:
        """Return how the crystals of some rows now stand, (m, 3, 3)."""
        turned: Float64Array = self.context.goniometer.rotation(self._motors.true[rows]) @ self._mount[rows]
        return turned

    def _begun(self, positions: Float64Array, mask: BoolArray) -> MotorState:
        fresh = start(self.axes, self._errors, positions, make_keys(self._keys[mask], 0, 0, _STREAM_MOTORS))
        return begun_anew(self._motors, fresh, mask)

    def _motor_keys(self) -> UInt64Array | None:
        return make_keys(self._keys, 0, self._frames, _STREAM_READBACK) if self.level.readback_noise_deg > 0 else None

    def _found(self, lists: _Lists, mask: BoolArray) -> Peaks:
        position, intensity, count = lists
        new = Peaks(
            self._peaks.position_px.copy(),
            self._peaks.intensity.copy(),
            self._peaks.count.copy(),
            self._peaks.saturated,
        )
        new.position_px[mask], new.intensity[mask], new.count[mask] = position, intensity, count
        return new

    def _listed(self, chosen: NDArray[np.int64], keys: UInt64Array, exposure_s: Float64Array) -> _Lists:
        """Expose some samples: their disturbed spots, as they are found, or as they are drawn on images."""
        m, rendered = len(chosen), self.frames == "rendered"
        room = _MOST_SPOTS if rendered else self.max_peaks
        faintest = 0.0 if rendered else FAINTEST_COUNTS
        position, intensity = np.empty((m, room, 2), np.float32), np.empty((m, room), np.float32)
        source, count = np.empty((m, room), np.int64), np.empty(m, np.int64)

        def expose_rows(part: slice) -> None:
            rows = chosen[part]
            spots = self._spots(rows, exposure_s[rows])
            given = spots.position_px, spots.intensity, spots.count, keys[rows]
            made = position[part], intensity[part], source[part], count[part]
            for same, seconds in _equally_long(exposure_s[rows]):
                numbers = self._numbers(seconds, faintest)
                one = (each[same] for each in given), (each[same] for each in made)
                self._disturb(*one[0], numbers, self.context.detector.shape, *one[1])

        over_rows(m, expose_rows)
        return position, intensity, count

    def _numbers(self, exposure_s: float, faintest: float) -> Float64Array:
        """Return the level's numbers as the kernels of disturbed spots take them."""
        level, detector = self.level, self.context.detector
        return np.array(
            [
                exposure_s * level.counts_scale,
                level.centroid_noise_mm / detector.pixel_mm,
                level.missing_fraction,
                level.false_spots,
                level.intensity_noise,
                faintest,
                FAINTEST_COUNTS,
            ]
        )

    def _expose(self, lists: _Lists, exposure_s: Float64Array, mask: BoolArray) -> NDArray[Any]:
        if self.camera is None:
            raise ValueError("this instrument has no camera; make it with frames='rendered'")
        position, intensity, count = lists
        image_keys = make_keys(self._keys[mask], 0, self._frames[mask], _STREAM_IMAGE)
        scale, parts = self.level.counts_scale, []
        for same, seconds in _equally_long(exposure_s[mask]):
            spots = position[same], intensity[same], count[same]
            parts.append(self.camera.expose(*spots, seconds * scale, image_keys[same]))
        drawn = parts[0] if len(parts) == 1 else np.concatenate(parts)
        image = np.zeros((self.n, *drawn.shape[1:]), drawn.dtype) if self._image is None else self._image.copy()
        image[mask] = drawn
        self._image = image
        return image.copy()


def _equally_long(exposure_s: Float64Array) -> Iterator[tuple[slice, float]]:
    """Yield the runs of samples (m,) that are exposed equally long, and for how many seconds; one run of none."""
    begins = [0, *(np.flatnonzero(np.diff(exposure_s)) + 1).tolist()]
    for first, last in itertools.pairwise([*begins, max(len(exposure_s), 1)]):
        yield slice(first, last), float(exposure_s[first]) if len(exposure_s) else 1.0


def _samples(model: LaueModel, n: int, level: Imperfections) -> Samples:
    second = (LEAST_SECOND_GRAIN, level.second_grain) if level.second_grain > 0.0 else None
    return Samples(model, n, level.axial_ratio_fraction, second)


def _check_distance(level: Imperfections, detector: Detector) -> None:
    if level.distance_range_mm >= 0.5 * detector.distance_mm:
        raise ValueError(
            f"distance_range_mm is {level.distance_range_mm:g} and the detector stands at {detector.distance_mm:g} mm; "
            "choose a range below half of its distance"
        )


def _no_peaks(n: int, room: int) -> Peaks:
    return Peaks(
        np.zeros((n, room, 2), np.float32),
        np.zeros((n, room), np.float32),
        np.zeros(n, np.int64),
        np.zeros((n, room), np.bool_),
    )
