"""SimulatedArpes: n cleaved surfaces on stages before an electron analyser, as a World."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arpes.stage import Stage, motor_errors, stage
from beamgym.physics.arpes.surface import (
    Analyser,
    BeamFootprint,
    Geography,
    ScoreMap,
    SurfaceBank,
    SurfaceNumbers,
    check_material,
    surface_numbers,
)
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.goniometer import motors, normal_batch
from beamgym.physics.instrument import (
    AcquireSettings,
    Axis,
    BoolArray,
    Float64Array,
    Frame,
    MoveFailed,
    MoveReport,
    UInt64Array,
)

ARPES_READOUT_S: Final = 0.05
"""Time between two exposures that neither drives nor counts, seconds."""

FIRST_DWELL_S: Final = 0.5
"""Dwell of the exposure with which an episode begins."""

_STREAM_SURFACE, _STREAM_MOTORS, _STREAM_DRIFT, _STREAM_FRAME, _STREAM_READBACK, _STREAM_POOL = range(6)


@dataclass(frozen=True)
class ArpesContext:
    """What everybody knows of the instrument: stage, analyser and beam."""

    stage: Stage
    analyser: Analyser
    beam: BeamFootprint


class SimulatedArpes:
    """n simulated spectrometers with one cleaved surface each.

    Its axes are the stage's x and y in mm and the dwell in seconds, which is set like an axis: every exposure lasts as
    long as the dwell then set, whatever the settings of ``acquire`` say. One of the shortest dwell is made on the fly,
    in the last part of the move before it (see ``Stage.lead_s``); the site measured is then that of its middle.

    Parameters
    ----------
    n : samples
    level : "easy", "real", "hard" or SurfaceNumbers
    stage_name : "stepper", "piezo" or a Stage
    size : pixels of a spectrum along energy and slit, a multiple of 64
    beam : the light's footprint
    surfaces : draw every episode's surface from that many, which are kept; None draws a new one every time
    geography : what lies where, where that is known, as from ``measured_surface``; its flakes are drawn all the same
    material : "dirac", "square" or "hexagonal"; None draws it

    Raises
    ------
    ValueError : n or surfaces below 1, an unknown level, stage or material, a size that is no multiple of 64
    TypeError : a number of surfaces that is not whole, a beam or a geography of another kind
    """

    start_options = ("positions",)

    def __init__(
        self,
        n: int = 1,
        level: str | SurfaceNumbers = "real",
        stage_name: str | Stage = "stepper",
        size: int = 64,
        beam: BeamFootprint | None = None,
        surfaces: int | None = None,
        geography: Geography | None = None,
        material: str | None = None,
    ) -> None:
        if n < 1:
            raise ValueError(f"n is {n}; at least one sample is needed")
        _check_options(beam, surfaces, geography, material)
        if not isinstance(size, (int, np.integer)) or size < 64 or size % 64:
            raise ValueError(f"size is {size!r}; spectra have a multiple of 64 pixels on each edge")
        self.n, self.level, self.surfaces = n, surface_numbers(level), surfaces
        analyser = Analyser(Grid.uniform(shape=(int(size), int(size))))
        self.context = ArpesContext(stage(stage_name), analyser, beam or BeamFootprint())
        self.bank = SurfaceBank(surfaces or n, analyser, self.level, self.context.beam)
        self._geography, self._material = geography, material
        self._known: set[int] = set()
        self._errors = motor_errors(self.level)
        self._keys, self._slots = np.zeros(n, np.uint64), np.zeros(n, np.int64)
        self._motors = motors.start(self.context.stage.motors, self._errors, np.zeros(2), self._keys)
        self._dwell = np.full(n, self._first_dwell())
        self._behind_mm = np.zeros((n, 2))
        self._drift_mm_per_s = np.zeros((n, 2))
        self._frames, self._counter, self._clock = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n)
        self._counts = np.zeros((n, int(size), int(size)), np.float32)
        self._labels, self._site_score = np.zeros((n, 4)), np.zeros(n)
        self._best, self._threshold, self._best_site = np.zeros(n), np.zeros(n), np.zeros((n, 2))

    @property
    def axes(self) -> tuple[Axis, ...]:
        """x and y in mm, and the dwell in seconds."""
        return self.context.stage.axes

    def positions(self) -> Float64Array:
        """Return the readback of x and y and the dwell that is set, (n, 3)."""
        read = motors.readback(self._errors, self._motors, self._key(_STREAM_READBACK, self._frames))
        return np.concatenate([read, self._dwell[:, None]], axis=1)

    def reset(self, keys: UInt64Array, mask: BoolArray, positions: ArrayLike | None = None) -> None:
        """Cleave a new surface and put the stage in its middle, or at ``positions``, where ``mask`` is True.

        Parameters
        ----------
        keys : (n,) what is drawn is drawn from them
        mask : (n,) rows that begin anew
        positions : (3,) or (n, 3) x, y in mm and dwell in s with which to begin

        Raises
        ------
        ValueError : positions outside the limits; nothing has changed then
        """
        rows = np.flatnonzero(mask)
        begin = self._begin(positions)[rows]
        self._keys[rows] = keys[rows]
        fresh = motors.start(self.context.stage.motors, self._errors, begin[:, :2], self._key(_STREAM_MOTORS)[rows])
        self._motors = motors.begun_anew(self._motors, fresh, rows)
        self._dwell[rows], self._behind_mm[rows] = begin[:, 2], 0.0
        drift = normal_batch(self._key(_STREAM_DRIFT)[rows], 2, 0)
        self._drift_mm_per_s[rows] = self.level.drift_mm_per_hour / 3600.0 * drift
        self._frames[rows], self._clock[rows] = 0, 0.0
        self._labels[rows], self._site_score[rows] = 0.0, 0.0
        for row in rows:
            self._cleave(int(row))

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Drive x and y and set the dwell, to absolute (n, 3), where ``mask``; raises MoveFailed outside the limits.

        The duration reported is that until the exposure can begin: on the fly it is shorter than the way.
        """
        motors.check_target(self.axes, target, mask)
        keys = self._key(_STREAM_READBACK, self._frames)
        here, before = self.context.stage, self._motors
        self._motors, report = motors.move(here.motors, self._errors, before, target[:, :2], mask, keys)
        self._dwell = np.where(mask, target[:, 2], self._dwell)
        behind = here.behind_mm(before.axis, self._motors.axis, self._dwell)
        self._behind_mm = np.where(mask[:, None], behind, self._behind_mm)
        duration = np.where(mask, here.lead_s(before.motor, self._motors.motor, self._dwell), 0.0)
        self._clock += duration
        return MoveReport(np.concatenate([report.readback, self._dwell[:, None]], axis=1), duration)

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Count for the dwell that is set where ``mask`` is True; the other rows repeat their last frame."""
        rows = np.flatnonzero(mask)
        sites = np.ascontiguousarray((self.sites_mm() + self._behind_mm)[rows])
        self._behind_mm[rows] = 0.0
        slots, dwell, age = self._slots[rows], self._dwell[rows], self._clock[rows] / 3600.0
        keys = self._key(_STREAM_FRAME, self._frames)[rows]
        scores = self.bank.expose(rows, slots, sites, dwell, age, keys, self._counts)
        self._labels[rows] = scores.labels()
        self._site_score[rows] = self.bank.true_scores(slots, sites).total
        self._counter += mask
        self._frames += mask
        self._clock += mask * (self._dwell + ARPES_READOUT_S)
        return Frame(self._dwell.copy(), self._counter.copy(), self._clock.copy(), image=self._counts.copy())

    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Return what no instrument knows, each with n rows.

        "place_mm" (n, 2) where the beam really is; "labels" (n, 4) S, B, N and total of the last spectrum by its
        noise-free parts and real counts; "place_score", "best", "threshold" (n,) noise-free points at the reference
        dwell of the site last measured, of the surface's best site, and needed for success; "best_place_mm" (n, 2).
        """
        return {
            "place_mm": self.sites_mm(),
            "labels": self._labels.copy(),
            "place_score": self._site_score.copy(),
            "best": self._best.copy(),
            "threshold": self._threshold.copy(),
            "best_place_mm": self._best_site.copy(),
        }

    def sites_mm(self) -> Float64Array:
        """Return the sites under the beams, (n, 2) mm: with backlash, zero errors and drift."""
        return np.asarray(self._motors.true + self._drift_mm_per_s * self._clock[:, None])

    def score_map(self, row: int) -> ScoreMap:
        """Return the score map of the surface in a row."""
        return self.bank.map(int(self._slots[row]), self.context.stage.limits_mm)

    def geography(self, row: int) -> Geography:
        """Return the geography of the surface in a row; raises ValueError before the first reset."""
        kept = self.bank.kept[int(self._slots[row])]
        if kept is None:
            raise ValueError("there is no surface yet; reset first")
        return kept

    def _begin(self, positions: ArrayLike | None) -> Float64Array:
        home = np.array([*np.clip(0.0, *self.context.stage.limits_mm.T), self._first_dwell()])
        begin = np.asarray(home if positions is None else positions, dtype=np.float64)
        if begin.shape not in ((3,), (self.n, 3)):
            raise ValueError(f"positions has shape {begin.shape}; give (3,) or ({self.n}, 3): x, y in mm, dwell in s")
        begin = np.broadcast_to(begin, (self.n, 3))
        try:
            motors.check_target(self.axes, begin)
        except MoveFailed as error:
            raise ValueError(f"cannot start there: {error}") from None
        return begin

    def _first_dwell(self) -> float:
        return float(np.clip(FIRST_DWELL_S, *self.context.stage.dwell_s))

    def _cleave(self, row: int) -> None:
        if self.surfaces is None:
            slot, key = row, make_keys(self._keys[row], 0, 0, _STREAM_SURFACE)
        else:
            slot = int(self._keys[row] % np.uint64(self.surfaces))
            key = make_keys(slot, self.surfaces, 0, _STREAM_POOL)
        if self.surfaces is None or slot not in self._known:
            self.bank.draw(slot, np.uint64(key), self._geography, self._material)
            self._known.add(slot)
        self._slots[row] = slot
        drawn = self.score_map(row)
        self._best[row], self._threshold[row] = drawn.best, drawn.threshold
        self._best_site[row] = drawn.best_site_mm

    def _key(self, stream: int, step: Any = 0) -> UInt64Array:
        return make_keys(self._keys, 0, step, stream)


def _check_options(beam: Any, surfaces: Any, geography: Any, material: Any) -> None:
    """Refuse what cannot be built before anything is; raises ValueError or TypeError."""
    for name, value, kind, how in (
        ("beam", beam, BeamFootprint, "BeamFootprint(width_mm=0.05)"),
        ("geography", geography, Geography, "measured_surface(...).geography"),
    ):
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{name} is {value!r}; give a {kind.__name__}, as {how}, or None")
    if surfaces is not None:
        if isinstance(surfaces, bool) or not isinstance(surfaces, (int, np.integer)):
            raise TypeError(f"surfaces is {surfaces!r}; give a whole number, or None for a new surface every time")
        if surfaces < 1:
            raise ValueError(f"surfaces is {surfaces}; keep one or more, or None for a new surface every time")
    check_material(material)
