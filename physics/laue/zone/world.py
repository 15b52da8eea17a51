"""SimulatedZone: n unknown crystals on two-circle goniometers before back-reflection panels, as a World."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.counter_rng import make_keys, uniforms
from beamgym.physics.goniometer import Goniometer, motors
from beamgym.physics.instrument import (
    AcquireSettings,
    Axis,
    BoolArray,
    Float64Array,
    Frame,
    MoveReport,
    UInt64Array,
)
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfections import (
    LEVEL_SUFFIXES,
    NEEDS_A_KNOWN_CRYSTAL,
    Imperfections,
    imperfections,
    miscalibrated_detectors,
)
from beamgym.physics.laue.peaks import PeakFinder
from beamgym.physics.laue.zone.crystals import CrystalSystem, crystal_system
from beamgym.physics.laue.zone.images import CountedImages, DrawnImages, SpotLists, ZoneImages
from beamgym.physics.laue.zone.kernels import pick_rays, survey
from beamgym.physics.laue.zone.spectrum_tables import (
    LEAST_SIN_THETA,
    copper_spectrum,
    largest_length,
    point_spectrum,
    rank_table,
)
from beamgym.physics.orientation import random_orientations
from beamgym.physics.row_threads import over_rows

StartFilter = Callable[[Float64Array, Float64Array], BoolArray]
"""Says of orientations (m, 3, 3) and cells (m, 6) from which of them an episode may start, (m,)."""

PUBLISHED = "published"
PANEL_MM = 100.0
DISTANCE_MM = (40.0, 60.0)
TRAVEL_DEG = 120.0
ZONE_READOUT_S = 2.0
_RAYS = 4096  # directions kept of a crystal, those that can be brightest
_DIRECTIONS = 16384  # directions listed before the choice
_ZETA3 = 1.2020569  # one lattice point in ζ(3) is primitive
_DRAWS = 1000
(
    _STREAM_CELL,
    _STREAM_LIMIT,
    _STREAM_FILM,
    _STREAM_MOUNT,
    _STREAM_TILT,
    _STREAM_MOTORS,
    _STREAM_FRAME,
    _STREAM_READBACK,
) = range(8)

PERFECT = Imperfections(**{item.name: 0.0 for item in fields(Imperfections) if item.name != "counts_scale"})


@dataclass(frozen=True)
class ZoneSetup:
    """Public knowledge: the crystal's system, the goniometer, and the panel at its mean distance."""

    system: CrystalSystem
    goniometer: Goniometer
    detector: Detector


@dataclass
class Samples:
    """What only the simulation knows, for n samples.

    ``cell`` (n, 6); ``scale`` (n,) 1 over the volume per atom, 1/Å³; ``limit`` (n,) spots shown; ``rays`` (n, m, 4)
    each crystal's directions, ``rays_used`` (n,) of them; ``mount`` (n, 3, 3) crystal to goniometer; ``panel`` (n, 9)
    where the panel stands.
    """

    cell: Float64Array
    scale: Float64Array
    limit: NDArray[np.int64]
    rays: NDArray[np.float32]
    rays_used: NDArray[np.int64]
    mount: Float64Array
    panel: Float64Array


def two_circle() -> Goniometer:
    """Return the goniometer: theta about y (outer) carries phi about the vertical z (inner), each ±120°."""
    limits = (-TRAVEL_DEG, TRAVEL_DEG)
    return Goniometer(
        "two-circle", (Axis("theta", (0.0, 1.0, 0.0), limits=limits), Axis("phi", (0.0, 0.0, 1.0), limits=limits))
    )


class SimulatedZone:
    """n simulated Laue cameras, each with an unknown crystal of one system.

    Parameters
    ----------
    system : one of the seven crystal systems by name, or numbers
    n : samples
    level : "published" (equal disks), or imperfections by name ("easy", "real", "hard"), a level's file, or numbers
    size : pixels on the panel's edge
    start_filter : says from which orientations (m, 3, 3) of which cells (m, 6) an episode may start; may be set before
        the first reset
    """

    def __init__(
        self,
        system: str | CrystalSystem = "cubic",
        n: int = 1,
        level: str | PathLike[str] | Imperfections = PUBLISHED,
        size: int = 84,
        start_filter: StartFilter | None = None,
    ) -> None:
        chosen = system if isinstance(system, CrystalSystem) else crystal_system(system)
        mean_mm = 0.5 * (DISTANCE_MM[0] + DISTANCE_MM[1])
        detector = Detector.back_reflection(mean_mm, (size, size), PANEL_MM / size)
        self.n, self.context = n, ZoneSetup(chosen, two_circle(), detector)
        self.axes: tuple[Axis, ...] = self.context.goniometer.axes
        self.level, published = _level(level)
        self.image_model: ZoneImages = DrawnImages(detector) if published else CountedImages(detector, self.level)
        self.spectrum = point_spectrum() if published else copper_spectrum()
        self._ranks = rank_table(self.spectrum)
        self.start_filter = start_filter
        self._keys, self._frames = np.zeros(n, np.uint64), np.zeros(n, np.int64)
        self._counter, self._clock = np.zeros(n, np.int64), np.zeros(n)
        self._samples = Samples(
            np.zeros((n, 6)),
            np.zeros(n),
            np.zeros(n, np.int64),
            np.zeros((n, _RAYS, 4), np.float32),
            np.zeros(n, np.int64),
            np.tile(np.eye(3), (n, 1, 1)),
            np.tile(detector.as_vector(), (n, 1)),
        )
        self._errors = motors.MotorErrors(
            backlash=motors.of_rotations(self.axes, self.level.backlash_deg),
            zero_sigma=motors.of_rotations(self.axes, self.level.zero_error_deg),
            readback_sigma=motors.of_rotations(self.axes, self.level.readback_noise_deg),
            eccentricity_mm=self.level.eccentricity_mm,
        )
        self._motors = motors.start(self.axes, self._errors, self.context.goniometer.home(), self._keys)
        self._image = self.image_model.blank(n)
        self._finder = PeakFinder(max_peaks=128)

    def positions(self) -> Float64Array:
        """Return the readback of both axes, (n, 2) degrees."""
        return motors.readback(self._errors, self._motors, self._key(_STREAM_READBACK, self._frames))

    def reset(self, keys: UInt64Array, mask: BoolArray) -> None:
        """Mount a new crystal, put the panel at a new distance and home the motors, where ``mask`` is True."""
        rows = np.flatnonzero(mask)
        self._keys[rows] = keys[rows]
        self._frames[rows], self._clock[rows] = 0, 0.0
        self._new_crystals(rows)
        fresh = motors.start(self.axes, self._errors, self.context.goniometer.home(), self._key(_STREAM_MOTORS))
        self._motors = _merged(self._motors, fresh, mask)
        self._place_films(rows)
        self._samples.mount[rows] = self._draw_mounts(rows)

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Move to absolute positions (n, 2) where ``mask`` is True; raises MoveFailed outside the limits."""
        keys = self._key(_STREAM_READBACK, self._frames)
        self._motors, report = motors.move(self.axes, self._errors, self._motors, target, mask, keys)
        self._clock += report.duration_s
        return report

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Expose where ``mask`` is True; the other rows repeat their last frame."""
        rows = np.flatnonzero(mask)
        keys = self._key(_STREAM_FRAME, self._frames)[rows]
        image = self._image.copy()
        image[rows] = self.image_model.expose(self.spots(rows), settings.of_all, keys)
        self._image = image
        self._counter += mask
        self._frames += mask
        self._clock += mask * (settings.of_all + ZONE_READOUT_S)
        exposure = settings.of_each(self.n)
        return Frame(exposure, self._counter.copy(), self._clock.copy(), image.copy(), finder=self._finder)

    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Return orientation and mount (n, 3, 3), crystal to lab, cell (n, 6) and detector (n, 9)."""
        return {
            "orientation": self._orientation(),
            "mount": self._samples.mount.copy(),
            "cell": self._samples.cell.copy(),
            "detector": self._samples.panel.copy(),
        }

    def spots(self, rows: NDArray[np.int64]) -> SpotLists:
        """Return the spots on the panels of m samples now."""
        m, room, samples = len(rows), self.image_model.room(self.context.system), self._samples
        spots = SpotLists(np.empty((m, room, 2)), np.empty((m, room)), np.empty(m, np.int64))
        detector = self.context.detector
        limits = samples.limit[rows] if self.image_model.limited else np.full(m, room)
        orientation, panels, scales = self._orientation()[rows], self._panels()[rows], samples.scale[rows]

        def survey_rows(part: slice) -> None:
            survey(
                orientation[part],
                panels[part],
                detector.pixel_mm,
                detector.shape[0],
                samples.rays,
                samples.rays_used,
                rows[part],
                LEAST_SIN_THETA,
                self.spectrum,
                scales[part],
                limits[part],
                self.image_model.separation_px,
                tuple(one[part] for one in spots),
            )

        over_rows(m, survey_rows, least=4)
        return spots

    def _key(self, stream: int, step: Any = 0) -> UInt64Array:
        return make_keys(self._keys, 0, step, stream)

    def _orientation(self) -> Float64Array:
        orientation: Float64Array = self.context.goniometer.rotation(self._motors.true) @ self._samples.mount
        return orientation

    def _panels(self) -> Float64Array:
        """Return the panels as the sample sees them, (n, 9): a sample that wanders moves them the other way."""
        panels = self._samples.panel.copy()
        if self.level.eccentricity_mm > 0.0:
            panels[:, :3] -= motors.sample_offset_mm(self.context.goniometer, self._motors)
        return panels

    def _new_crystals(self, rows: NDArray[np.int64]) -> None:
        system, samples = self.context.system, self._samples
        cells = system.draw_cells(self._key(_STREAM_CELL)[rows])
        volumes, b = system.primitive_volumes(cells), system.b_matrices(cells)
        samples.cell[rows], samples.scale[rows] = cells, 1.0 / volumes
        samples.limit[rows] = system.draw_spot_limits(self._key(_STREAM_LIMIT)[rows])
        per_length = (len(self._ranks) - 1) / largest_length()
        sphere = 2.0 * _ZETA3 * _DIRECTIONS * 3.0 / (4.0 * np.pi) / (volumes * float(system.lattice))

        def pick_rows(part: slice) -> None:
            scratch = np.empty((_DIRECTIONS + _DIRECTIONS // 4, 4), np.float32)
            for i in range(part.start, part.stop):
                row, longest = rows[i], min(largest_length(), float(sphere[i] ** (1.0 / 3.0)))
                samples.rays_used[row] = pick_rays(
                    b[i], cells[i, :3], system.lattice, longest, self._ranks, per_length, scratch, samples.rays[row]
                )

        over_rows(len(rows), pick_rows, least=1)

    def _place_films(self, rows: NDArray[np.int64]) -> None:
        """Put each panel at its own hidden distance, and out of place and tilted as the level says."""
        low, high = DISTANCE_MM
        panels = miscalibrated_detectors(self.context.detector, self.level, self._key(_STREAM_TILT)[rows])
        distance = low + (high - low) * uniforms(self._key(_STREAM_FILM)[rows], 1)[:, 0]
        panels[:, 0] += self.context.detector.distance_mm - distance
        self._samples.panel[rows] = panels

    def _draw_mounts(self, rows: NDArray[np.int64]) -> Float64Array:
        home = self.context.goniometer.rotation(self._motors.true)[rows]
        mounts, left = np.empty((len(rows), 3, 3)), np.arange(len(rows))
        for attempt in range(_DRAWS):
            drawn = random_orientations(make_keys(self._keys[rows[left]], 0, attempt, _STREAM_MOUNT))
            start = home[left] @ drawn
            good = np.ones(len(left), np.bool_)
            if self.start_filter is not None:
                good = self.start_filter(start, self._samples.cell[rows[left]])
            mounts[left[good]] = drawn[good]
            left = left[~good]
            if not len(left):
                return mounts
        raise ValueError(f"no start among {_DRAWS} lies outside the tolerance; choose a smaller one")


def _level(level: str | PathLike[str] | Imperfections) -> tuple[Imperfections, bool]:
    if level == PUBLISHED:
        return PERFECT, True
    try:
        numbers = imperfections(level)
    except ValueError as error:
        if str(level).endswith(LEVEL_SUFFIXES):
            raise
        raise ValueError(f"{error}, or {PUBLISHED!r}") from None
    asked = [name for name in NEEDS_A_KNOWN_CRYSTAL if getattr(numbers, name)]
    if asked:
        raise ValueError(
            f"level {level!r} has {', '.join(asked)} above 0, which an unknown crystal at an unknown distance does not "
            "take; give 'published', 'easy', 'real', 'hard', or Imperfections without them"
        )
    return numbers, False


def _merged(state: motors.MotorState, fresh: motors.MotorState, mask: BoolArray) -> motors.MotorState:
    pairs = ((getattr(fresh, item.name), getattr(state, item.name)) for item in fields(motors.MotorState))
    return motors.MotorState(*(np.where(mask.reshape(-1, *[1] * (new.ndim - 1)), new, old) for new, old in pairs))
