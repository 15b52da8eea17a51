"""n plates of which each frame brings its reading, drawn from a model of what the scan's indexing gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from beamgym.envs.plate_scan.context import FIRST_EXPOSURE_S, ScanContext
from beamgym.envs.plate_scan.outline_table import DIRECTIONS, OutlineTable, reach_at, reach_of
from beamgym.envs.plate_scan.readings import CALIBRATED_DEG, CAMERA_DEG, NOISE_DEG, FrameReading, ReadFrame
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.goniometer import MotorErrors, begun_anew, motors, move, normal_batch, readback, start
from beamgym.physics.instrument import (
    AcquireSettings,
    Axis,
    BoolArray,
    Float64Array,
    Frame,
    Int64Array,
    MoveReport,
    UInt64Array,
)
from beamgym.physics.laue.imperfections import Imperfections, imperfections
from beamgym.physics.mosaic.habit import HABITS, Habit
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import (
    FALSE_ON_RINGS,
    GAP_MM,
    LARGEST,
    MAX_PEAKS,
    STAGE_ZERO_MM,
    PlateOptions,
    drawn_outline,
)

SIGNALS_S: Final = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
SPOTS: Final[Mapping[str, tuple[float, ...]]] = {
    "FePS3": (0.0, 1.5, 4.5, 7.5, 17.5, 32.5, 59.0, 114.0, 128.0),
    "FePSe3": (0.0, 2.0, 8.0, 20.0, 34.0, 57.0, 70.0, 110.0, 128.0),
    "Ca2RuO4": (0.0, 2.0, 8.0, 21.5, 58.0, 109.0, 128.0, 128.0, 128.0),
    "Ca2Ru1-xMnxO4": (0.0, 2.0, 6.5, 20.5, 52.0, 101.0, 128.0, 128.0, 128.0),
    "YFe2Ge2": (0.0, 2.0, 8.5, 22.0, 29.0, 43.5, 65.5, 124.0, 128.0),
    "Sr4Ru3O10": (1.0, 10.5, 18.5, 37.0, 79.0, 120.0, 128.0, 128.0, 128.0),
    "KFe3(OH)6(SO4)2": (0.0, 3.5, 6.0, 8.5, 17.0, 36.0, 71.5, 124.0, 128.0),
}
"""Mean number of real spots that are found of a single crystal at level "real", by exposure in seconds with the whole
beam on it; a tungsten tube and the panel of ``physics.mosaic.plate``, 128 at most. Counted on frames of ``PlateWorld``,
against which the tests hold them."""
INDEXED_SPOTS, INDEXED_WIDTH = 7.0, 1.3
"""Real spots with which every second frame indexes, and over how many that changes (logistic)."""
SECOND_SPOTS, SECOND_WIDTH = 9.0, 1.5
"""The same of the smaller grain, for a frame to show two."""
TWIN_SHOWS: Final = 0.9
"""Share of the frames of a twin that show it, by the places of its spots or by their intensities."""
BRIGHTNESS: Final = 0.1
"""Standard deviation of the logarithm of a frame's number of spots, from one orientation to the next."""
_STREAM_PLATE, _STREAM_CAMERA, _STREAM_STAGE, _STREAM_FRAME = 70, 71, 72, 73
_SHAPES = 96
_DISC = np.array([[0.0, 0.0]] + [[0.55, a] for a in range(0, 360, 60)] + [[0.88, a + 15] for a in range(0, 360, 30)])
_SPOT = _DISC[:, :1] * np.stack([np.cos(np.radians(_DISC[:, 1])), np.sin(np.radians(_DISC[:, 1]))], axis=1)


@dataclass(frozen=True)
class _Plates:
    """The truth of n plates of m crystals; ``what`` by ``physics.mosaic.plate.WHATS``."""

    what: Int64Array
    angles_deg: Float64Array
    second_deg: Float64Array  # (n, m, 3) of the second grain, or the twin
    border: Float64Array  # (n, m, 3) normal and distance from the middle of the line between two grains
    twin_share: Float64Array
    bend_deg_per_mm: Float64Array  # (n, m, 2, 2)
    ringed: BoolArray
    brightness: Float64Array


class ModelPlates:
    """n simulated plates, each on its stage; the axes are x and y in mm and the exposure in seconds.

    Parameters
    ----------
    context : public; its material is one of ``SPOTS``
    n : plates
    level : "easy", "real", "hard", a level's file, or numbers: counts, missing and false spots, noise, camera
    options : what plates are drawn from; their number of crystals is the context's

    Raises
    ------
    ValueError : n below 1, or a material of which nobody has counted the spots
    """

    def __init__(self, context: ScanContext, n: int, level: Any = "real", options: PlateOptions | None = None) -> None:
        if n < 1:
            raise ValueError(f"n is {n}; at least one plate is needed")
        if context.material not in SPOTS:
            raise ValueError(f"the spots of {context.material!r} are not counted; take one of {', '.join(SPOTS)}")
        self.context, self.n, self.level = context, n, imperfections(level)
        self.options = options or PlateOptions(context.crystals)
        self.habit = HABITS[context.material]
        self._axes, self._errors = context.stage, MotorErrors(zero_sigma=STAGE_ZERO_MM)
        self._scale = _scales(self.level)
        self._keys = np.zeros(n, np.uint64)
        self._motors = start(self._axes, self._errors, np.zeros(2), self._keys)
        self._exposure, self._camera = np.full(n, FIRST_EXPOSURE_S), np.zeros((n, 2, 3))
        self._frames, self._counter, self._clock = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n)
        self.table = OutlineTable.blank(n, context.crystals)
        self._plates = _no_plates(n, context.crystals)
        self._reading, self._lit = FrameReading.nothing(n), np.zeros(n)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """x and y in mm, and the exposure in seconds."""
        return self.context.instrument_axes

    def positions(self) -> Float64Array:
        """Return the readback of x and y and the exposure that is set, (n, 3)."""
        return np.concatenate([readback(self._errors, self._motors), self._exposure[:, None]], axis=1)

    def reset(self, keys: UInt64Array, mask: BoolArray) -> None:
        """Draw a new plate and camera and send the stage to (0, 0), where ``mask`` is True."""
        rows = np.flatnonzero(mask)
        self._keys[rows] = keys[rows]
        fresh = start(self._axes, self._errors, np.zeros(2), make_keys(self._keys[rows], 0, 0, _STREAM_STAGE))
        self._motors = begun_anew(self._motors, fresh, rows)
        drawn = normal_batch(make_keys(self._keys, 0, 0, _STREAM_CAMERA), 6, 0).reshape(self.n, 2, 3)
        sizes = np.array([CAMERA_DEG, CALIBRATED_DEG])[:, None] * self._scale["camera"]
        self._camera[rows] = (drawn * sizes)[rows]
        self._exposure[rows], self._frames[rows], self._clock[rows], self._lit[rows] = FIRST_EXPOSURE_S, 0, 0.0, 0.0
        self.table = OutlineTable(*(values.copy() for values in vars(self.table).values()))
        for row in rows:
            self._draw(int(row))

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Drive x and y and set the exposure, to absolute (n, 3), where ``mask``; raises MoveFailed out of range."""
        motors.check_target(self.axes, target, mask)
        self._motors, report = move(self._axes, self._errors, self._motors, target[:, :2], mask)
        self._exposure = np.where(mask, target[:, 2], self._exposure)
        self._clock += report.duration_s
        return MoveReport(np.concatenate([report.readback, self._exposure[:, None]], axis=1), report.duration_s)

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Expose for as long as is set where ``mask`` is True; the other rows repeat their last frame."""
        rows = np.flatnonzero(mask)
        if len(rows):
            self._expose(rows)
        self._counter += mask
        self._frames += mask
        self._clock += mask * (self._exposure + self.context.readout_s)
        counter, clock = self._counter.copy(), self._clock.copy()
        return ReadFrame(self._exposure.copy(), counter, clock, reading=self._reading, plates=self.table)

    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Return what is hidden: "angles_deg" (n, m, 3), "what" (n, m), "fold_deg" (n,) by which turns count as the
        same, "camera_deg" (n, 3), "position_mm" (n, 2), and "lit" (n,), the share of the last beam on a crystal."""
        return {
            "angles_deg": self._plates.angles_deg.copy(),
            "what": self._plates.what.copy(),
            "fold_deg": np.full(self.n, 360.0),
            "camera_deg": self._camera[:, 0].copy(),
            "position_mm": self._motors.true.copy(),
            "lit": self._lit.copy(),
        }

    def _expose(self, rows: Int64Array) -> None:
        drawn = ndtr(normal_batch(make_keys(self._keys, 0, self._frames, _STREAM_FRAME)[rows], 8, 0))
        keys = make_keys(self._keys, 1, self._frames, _STREAM_FRAME)[rows]
        scatter = normal_batch(keys, 3, 0)
        at = self._motors.true[rows]
        k = ((self.table.centre_mm[rows] - at[:, None]) ** 2).sum(axis=2).argmin(axis=1)
        first, second = self._shares(rows, k, at)
        seconds = self._exposure[rows] * self._scale["counts"] * self._plates.brightness[rows, k]
        large, small = np.maximum(first, second), np.minimum(first, second)
        real, other = (self._spots(seconds * share) for share in (large, small))
        plates, what = self._plates, self._plates.what[rows, k]
        ringed = np.where(plates.ringed[rows, k], 1.0, np.maximum(0.0, 1.0 - first - second))
        stray = (self.level.false_spots + FALSE_ON_RINGS * ringed) * (0.5 + drawn[:, 0])
        found = np.minimum(real + np.where(what == 1, other, 0.0) + stray, MAX_PEAKS)
        indexed = drawn[:, 1] < _logistic((real - INDEXED_SPOTS) / INDEXED_WIDTH)
        apart = np.where(
            what == 2, drawn[:, 2] < TWIN_SHOWS, drawn[:, 2] < _logistic((other - SECOND_SPOTS) / SECOND_WIDTH)
        )
        several = indexed & apart & (small > 0.0)
        away = at - self.table.centre_mm[rows, k]
        angles = np.where((second > first)[:, None], plates.second_deg[rows, k], plates.angles_deg[rows, k]).copy()
        angles[:, :2] += np.einsum("rj,rjk->rk", away, plates.bend_deg_per_mm[rows, k])
        noise = scatter * (NOISE_DEG * self._scale["noise"] / np.sqrt(np.maximum(real, 1.0)))[:, None]
        old = self._reading
        new = FrameReading(*(values.copy() for values in vars(old).values()))
        new.spots[rows], new.indexed[rows], new.several[rows] = np.rint(found).astype(np.int64), indexed, several
        new.angles_deg[rows] = np.where(indexed[:, None], angles + noise + self._camera[rows, 0], 0.0)
        new.calibrated_deg[rows] = np.where(indexed[:, None], angles + noise + self._camera[rows, 1], 0.0)
        self._reading = new
        self._lit = self._lit.copy()
        self._lit[rows] = first + second

    def _spots(self, seconds: Float64Array) -> Float64Array:
        log = np.log(np.maximum(seconds, 1e-6))
        return np.asarray(
            np.interp(log, np.log(SIGNALS_S), SPOTS[self.context.material], left=0.0) * self._scale["found"]
        )

    def _shares(self, rows: Int64Array, k: Int64Array, at: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return the shares of the beam on the first and on the second grain of each row's crystal, (r,) each."""
        plates, what = self._plates, self._plates.what[rows, k]
        points = at[:, None] + 0.5 * self.context.beam_mm * _SPOT - self.table.centre_mm[rows, k][:, None]
        angle = np.arctan2(points[..., 1], points[..., 0])
        inside = np.hypot(points[..., 0], points[..., 1]) < reach_at(self.table.reach_mm[rows, k], angle)
        inside &= (what != 4)[:, None]
        border = plates.border[rows, k]
        beyond = np.einsum("rqj,rj->rq", points, border[:, :2]) > border[:, 2:]
        lit = inside.mean(axis=1)
        second = np.where(what == 1, (inside & beyond).mean(axis=1), 0.0)
        second = np.where(what == 2, plates.twin_share[rows, k] * lit, second)
        return lit - second, second

    def _draw(self, row: int) -> None:
        """Draw the plate of one row."""
        key = int(np.atleast_1d(make_keys(self._keys[row : row + 1], 0, 0, _STREAM_PLATE))[0])
        rng, m, options = np.random.Generator(np.random.Philox(key=key)), self.context.crystals, self.options
        pitch = pitch_mm(self.habit)
        columns = int(np.ceil(np.sqrt(m)))
        shapes = _shapes(self.habit.form, self.habit.size_mm)
        chosen, spins = rng.integers(0, len(shapes), m), rng.integers(0, DIRECTIONS, m)
        reach = shapes[chosen[:, None], (np.arange(DIRECTIONS) - spins[:, None]) % DIRECTIONS]
        room = np.maximum(0.5 * pitch - 0.5 * GAP_MM - reach.max(axis=1), 0.0)
        cell = np.stack([np.arange(m) % columns, np.arange(m) // columns], axis=1) - 0.5 * (columns - 1)
        centre = cell * [pitch, -pitch] + rng.uniform(-1.0, 1.0, (m, 2)) * room[:, None]
        thickness = self.habit.thickness_mm * np.clip(np.exp(0.3 * rng.normal(size=m)), 0.5, 2.0)
        self.table.centre_mm[row], self.table.reach_mm[row], self.table.thickness_mm[row] = centre, reach, thickness
        plates = self._plates
        shares = [options.two_grains, options.twins if self.habit.twin else 0.0, options.bent, options.empty]
        place = np.searchsorted(np.cumsum(shares), rng.uniform(size=m), side="right")
        plates.what[row] = np.array([1, 2, 3, 4, 0])[place]
        plates.angles_deg[row, :, :2] = rng.normal(size=(m, 2)) * np.hypot(options.wedge_deg, options.face_deg)
        plates.angles_deg[row, :, 2] = rng.uniform(-180.0, 180.0, m)
        plates.second_deg[row] = (
            plates.angles_deg[row] + np.array([0.0, 0.0, 1.0]) * rng.uniform(5.0, 355.0, m)[:, None]
        )
        toward, bent = rng.uniform(0.0, 2.0 * np.pi, m), rng.uniform(0.0, np.pi, m)
        plates.border[row] = np.stack(
            [np.cos(toward), np.sin(toward), np.abs(rng.normal(size=m)) * 0.15 * 2.0 * reach.mean(axis=1)], axis=1
        )
        plates.twin_share[row] = rng.uniform(0.25, 0.5, m)
        size = options.bend_deg * rng.uniform(1.0, 3.0, m) / (2.0 * reach.mean(axis=1)) * (plates.what[row] == 3)
        along = np.stack([np.cos(bent), np.sin(bent)], axis=1)
        axis = np.stack([-along[:, 1], along[:, 0]], axis=1)
        plates.bend_deg_per_mm[row] = size[:, None, None] * along[:, :, None] * axis[:, None, :]
        plates.ringed[row] = rng.uniform(size=m) < options.glue_rings
        plates.brightness[row] = np.exp(BRIGHTNESS * rng.normal(size=m))


def pitch_mm(habit: Habit) -> float:
    """Return how far the middles of cells lie apart that hold any crystal of a habit, mm."""
    return LARGEST * habit.size_mm + 2.0 * GAP_MM


@lru_cache(maxsize=16)
def _shapes(form: Any, size_mm: float) -> Float64Array:
    """Return reaches (s, 24) of outlines as they are drawn for plates, always the same ones."""
    rng = np.random.default_rng(20)
    found = [reach_of(Outline("-", drawn_outline(form, size_mm, rng)))[1] for _ in range(_SHAPES)]
    return np.array(found)


def _scales(level: Imperfections) -> dict[str, float]:
    """Return what a level changes against "real", as factors."""
    real = imperfections("real")
    camera = [level.detector_shift_mm / real.detector_shift_mm, level.detector_tilt_deg / real.detector_tilt_deg]
    return {
        "counts": level.counts_scale / real.counts_scale,
        "found": (1.0 - level.missing_fraction) / (1.0 - real.missing_fraction),
        "noise": level.centroid_noise_mm / real.centroid_noise_mm,
        "camera": float(np.mean(camera)),
    }


def _logistic(x: ArrayLike) -> Float64Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -50.0, 50.0))))


def _no_plates(n: int, m: int) -> _Plates:
    each = np.zeros((n, m))
    return _Plates(
        np.full((n, m), 4, dtype=np.int64),
        np.zeros((n, m, 3)),
        np.zeros((n, m, 3)),
        np.zeros((n, m, 3)),
        each.copy(),
        np.zeros((n, m, 2, 2)),
        np.zeros((n, m), dtype=np.bool_),
        np.ones((n, m)),
    )
