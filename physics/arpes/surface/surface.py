"""Surfaces under a beam: spectra at any site, the score of each site, and the best sites.

A surface is a ``Geography`` (what lies where) with ``Flakes`` (what each emits). The beam covers several flakes at
once; its spectrum is their mixture, shifted by charging, damped by contamination, blurred by what differs under it.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from beamgym.physics.arpes.detection import centre
from beamgym.physics.arpes.score import REFERENCE_COUNTS, Scores, v2_sharpness, v2_total
from beamgym.physics.arpes.surface.fields import RASTER_CELLS, Geography, draw_geographies
from beamgym.physics.arpes.surface.flakes import LADDER_EV, LARGEST_SHIFT_EV, Analyser, Flakes, draw_flakes
from beamgym.physics.arpes.surface.kernels import (
    BESIDE,
    BLUR,
    MOMENTUM,
    PARTS,
    SPREAD,
    WIDTH,
    Tables,
    compose,
    cover,
    expose_sites,
    true_scores,
)
from beamgym.physics.arpes.surface.levels import MOST_FLAKES, SurfaceNumbers
from beamgym.physics.arrays import Float32Array, Float64Array
from beamgym.physics.row_threads import over_rows

REFERENCE_DWELL_S: Final = 2.0
"""Dwell at which sites are compared."""

TOP_SHARE: Final = 0.01
"""Share of the reachable sample that counts as the best of it."""

NEAR_BEST: Final = 0.25
"""Points below the best site's score within which a site counts as good as it."""

LEAST_OF_BEST: Final = 0.5
"""Share of the best site's points without which no site counts as good; it rules where that is 0.5 points or less."""

_STRIDE: Final = 2  # raster cells between the sites of a score map
_EDGE_LOSS: Final = 0.15  # sensitivity lost at the detector's edges
_RINGS, _POINTS = 5, 12  # of the beam's core; the tails have a few more
_TAIL_RINGS, _TAIL_POINTS = 3, 8


@dataclass(frozen=True)
class BeamFootprint:
    """The beam on the sample: an elliptical Gaussian with tails.

    Parameters
    ----------
    width_mm, height_mm : FWHM of the beam across itself, horizontally and vertically, mm
    grazing_deg : angle between beam and surface; the footprint is width / sin(grazing) long, along x
    tail_share : share of the light in the tails
    tail_factor : how much wider the tails are

    Raises
    ------
    ValueError : sizes that are not positive, an angle outside 0 < grazing ≤ 90°, a share outside 0…1
    """

    width_mm: float = 0.05
    height_mm: float = 0.05
    grazing_deg: float = 45.0
    tail_share: float = 0.1
    tail_factor: float = 4.0

    def __post_init__(self) -> None:
        for name in ("width_mm", "height_mm", "tail_factor"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, not {value!r}")
        if not 0.0 < self.grazing_deg <= 90.0:
            raise ValueError(
                f"grazing_deg is {self.grazing_deg!r}; the beam meets the surface at more than 0° up to 90°"
            )
        if not 0.0 <= self.tail_share < 1.0:
            raise ValueError(f"tail_share is {self.tail_share!r}; it is a share, 0 up to below 1")

    @property
    def fwhm_mm(self) -> tuple[float, float]:
        """FWHM of the core on the surface along x and y, mm."""
        return self.width_mm / math.sin(math.radians(self.grazing_deg)), self.height_mm

    def points(self) -> Float64Array:
        """Return the beam as points of the surface, (q, 3): x, y in mm and weights that sum to 1.

        The points lie on ellipses that hold equal shares of the light, turned against each other.
        """
        parts = [(1.0, 1.0 - self.tail_share, _RINGS, _POINTS)]
        if self.tail_share > 0.0:
            parts.append((self.tail_factor, self.tail_share, _TAIL_RINGS, _TAIL_POINTS))
        rows = []
        for wider, share, rings, points in parts:
            for ring in range(rings):
                low, high = ring / rings, (ring + 1) / rings
                radius = math.sqrt(2.0 * (_shell(high) - _shell(low)) * rings)  # keeps the ring's mean square
                angle = 2.0 * np.pi * (np.arange(points) + 0.25 + 0.5 * (ring % 2)) / points  # none on an axis
                sigma = wider * np.array(self.fwhm_mm) / 2.354820045
                xy = radius * sigma * np.stack([np.cos(angle), np.sin(angle)], axis=1)
                rows.append(np.column_stack([xy, np.full(points, share / (rings * points))]))
        return np.concatenate(rows)


def _shell(share: float) -> float:
    """Return ∫ u e^−u du, u = r²/2σ², up to the radius that holds ``share`` of a Gaussian."""
    return 1.0 if share >= 1.0 else 1.0 - (1.0 - share) * (1.0 - math.log(1.0 - share))


@dataclass(frozen=True, eq=False)
class ScoreMap:
    """Scores of the sites of a surface: noise-free ``v2`` points at the reference dwell, as cleaved.

    Parameters
    ----------
    points : (m, m) points 0…10, NaN beside the sample or out of reach; rows along y, columns along x
    centres_mm : (m,) sites along x, and along y
    best : the largest
    threshold : points that a site needs to be among the best: of the top 1 % of the area, or within 0.25 of the best,
        and half of the best at least, so that it is above 0, which is what a site beside the sample scores
    """

    points: Float64Array
    centres_mm: Float64Array
    best: float
    threshold: float

    @property
    def best_site_mm(self) -> Float64Array:
        """(2,) x and y of the best site, mm."""
        row, column = np.unravel_index(int(np.nanargmax(self.points)), self.points.shape)
        return np.array([self.centres_mm[column], self.centres_mm[row]])


class SurfaceBank:
    """Up to s surfaces, measured with one analyser and one beam.

    Parameters
    ----------
    room : s
    analyser : grid, resolution, temperature; slit pixels in a multiple of 64
    numbers : the level's numbers
    beam : the light's footprint

    Raises
    ------
    ValueError : room below 1, slit pixels that are no multiple of 64
    """

    def __init__(
        self, room: int, analyser: Analyser, numbers: SurfaceNumbers, beam: BeamFootprint | None = None
    ) -> None:
        rows, columns = analyser.grid.shape
        if room < 1:
            raise ValueError(f"room is {room}; there must be room for one surface or more")
        if columns % 64:
            raise ValueError(f"the grid has {columns} slit pixels; scores on surfaces need a multiple of 64")
        self.analyser, self.numbers, self.beam = analyser, numbers, beam or BeamFootprint()
        self._points = self.beam.points()
        self._quantile = np.clip(ndtri(np.linspace(0.0, 1.0, 4097)), -9.0, 9.0)
        self.gain = (centre(_EDGE_LOSS, rows)[0][:, None] * centre(_EDGE_LOSS, columns)[0]).astype(np.float32)
        self._turned_gain = np.ascontiguousarray(self.gain.reshape(-1, 64, columns).transpose(0, 2, 1))
        g, f, r = RASTER_CELLS, MOST_FLAKES, analyser.long_grid.shape[0]
        self.tables = Tables(
            np.full((room, g, g), -1, np.int16),
            np.zeros((room, g, g), np.float32),
            np.zeros((room, g, g), np.float32),
            np.ones(room),
            np.zeros((room, f, len(LADDER_EV), r, columns), np.float32),
            np.zeros((room, f, r), np.float32),
            np.zeros((room, r), np.float32),
            np.zeros((room, f)),
            np.zeros((room, f, 2)),
            np.zeros((room, f)),
        )
        self.materials = [""] * room
        self.kept: list[Geography | None] = [None] * room
        self._maps: dict[int, ScoreMap] = {}

    def draw(self, slot: int, key: np.uint64, geography: Geography | None = None, material: str | None = None) -> None:
        """Put a surface drawn from ``key`` into ``slot``; with a ``geography`` given, only its flakes are drawn."""
        drawn = geography or draw_geographies(np.array([key], dtype=np.uint64), self.numbers)[0]
        self.put(slot, drawn, draw_flakes(key, self.numbers, self.analyser, material))

    def put(self, slot: int, geography: Geography, flakes: Flakes) -> None:
        """Put a surface into ``slot``; what was there is forgotten."""
        tables = self.tables
        tables.flake[slot], tables.layer[slot] = geography.flake, geography.layer
        tables.potential[slot], tables.field[slot] = geography.potential_ev, geography.field_mm
        tables.signal[slot], tables.ground[slot], tables.holder[slot] = flakes.signal, flakes.ground, flakes.holder
        tables.width[slot], tables.direction[slot] = flakes.width_ev, flakes.direction_inv_a
        tables.momentum[slot] = flakes.momentum_fwhm_inv_a
        self.materials[slot], self.kept[slot] = flakes.material, geography
        self._maps.pop(slot, None)

    def spectrum(self, slot: int, site_mm: ArrayLike, age_h: float = 0.0) -> tuple[Float32Array, Float32Array]:
        """Return one noise-free spectrum, in front of the detector: bands (e, a) and background (e, a)."""
        x, y = np.asarray(site_mm, dtype=np.float64)
        flake_weight, rest, part = np.empty(MOST_FLAKES), np.empty(MOST_FLAKES), np.empty(PARTS)
        signal, ground = np.empty(self.gain.shape, np.float32), np.empty(self.gain.shape[0], np.float32)
        older = age_h * self.numbers.ageing_per_hour
        cover(slot, x, y, older, self.tables, self._points, LARGEST_SHIFT_EV, flake_weight, rest, part)
        compose(slot, self.tables, flake_weight, rest, part, *self._grid(), signal, ground)
        return signal, np.broadcast_to(ground[:, None], signal.shape).copy()

    def true_scores(
        self, slots: ArrayLike, sites_mm: ArrayLike, dwell_s: ArrayLike = REFERENCE_DWELL_S, age_h: ArrayLike = 0.0
    ) -> Scores:
        """Return the ``v2`` scores of the noise-free spectra at sites.

        Parameters
        ----------
        slots : (m,) or one number
        sites_mm : (m, 2)
        dwell_s : (m,) or one number; the counts are those expected
        age_h : hours since the cleave
        """
        sites = np.ascontiguousarray(sites_mm, dtype=np.float64).reshape(-1, 2)
        m = len(sites)
        slot = np.ascontiguousarray(np.broadcast_to(np.asarray(slots, dtype=np.int64), (m,)))
        older = np.broadcast_to(np.asarray(age_h, dtype=np.float64) * self.numbers.ageing_per_hour, (m,)).copy()
        parts, judged = np.empty((m, PARTS)), np.empty((m, 3))

        def score_rows(part: slice) -> None:
            true_scores(
                slot[part], sites[part], older[part], self.tables, self._points, LARGEST_SHIFT_EV, *self._grid(),
                self._turned_gain, parts[part], judged[part],
            )  # fmt: skip

        over_rows(m, score_rows)
        expected = judged[:, 2] * self.numbers.counts_per_s * np.asarray(dwell_s, dtype=np.float64)
        return self.scores(parts, judged, expected)

    def expose(
        self,
        rows: NDArray[np.int64],
        slots: NDArray[np.int64],
        sites_mm: Float64Array,
        dwell_s: Float64Array,
        age_h: Float64Array,
        keys: NDArray[np.uint64],
        counts: Float32Array,
    ) -> Scores:
        """Count electrons at m sites; ``counts`` (n, e, a) is written at ``rows`` (m,).

        Returns
        -------
        Scores
            the labels of those spectra: components of the noise-free parts, and the electrons really counted
        """
        m = len(rows)
        parts, judged, events = np.empty((m, PARTS)), np.empty((m, 3)), np.empty(m)
        older, mean = age_h * self.numbers.ageing_per_hour, dwell_s * self.numbers.counts_per_s

        def expose_rows(part: slice) -> None:
            expose_sites(
                rows[part], slots[part], sites_mm[part], older[part], self.tables, self._points, LARGEST_SHIFT_EV,
                *self._grid(), self._turned_gain, self.gain, (mean[part], keys[part], self._quantile),
                parts[part], judged[part], counts, events[part],
            )  # fmt: skip

        over_rows(m, expose_rows, least=4)
        return self.scores(parts, judged, events)

    def scores(self, parts: Float64Array, judged: Float64Array, events: Float64Array) -> Scores:
        """Return the scores of m spectra from the kernels' measures and the number of electrons."""
        sharpness = v2_sharpness(
            np.hypot(self.analyser.resolution_ev, parts[:, BLUR]),
            self.analyser.temperature_k,
            parts[:, WIDTH],
            parts[:, MOMENTUM],
            parts[:, SPREAD],
        )
        sharpness = np.where(parts[:, BESIDE] < 1.0, sharpness, 0.0)
        number = np.minimum(1.0, events / REFERENCE_COUNTS)
        feature, contrast = judged[:, 0].copy(), judged[:, 1].copy()
        return Scores(feature, sharpness, contrast, number, v2_total(feature, sharpness, contrast, number))

    def map(self, slot: int, limits_mm: Float64Array) -> ScoreMap:
        """Return the score map of a surface; it is kept until another surface takes the slot.

        Parameters
        ----------
        limits_mm : (2, 2) of the stage: [x, y] each lowest and highest

        Raises
        ------
        ValueError : no sample within reach, or none that scores anything under this beam
        """
        if slot not in self._maps:
            self._maps[slot] = self._draw_map(slot, limits_mm)
        return self._maps[slot]

    def _draw_map(self, slot: int, limits_mm: Float64Array) -> ScoreMap:
        geography = self.kept[slot]
        if geography is None:
            raise ValueError(f"slot {slot} holds no surface; draw one first")
        centres = geography.centres_mm[::_STRIDE]
        y, x = np.meshgrid(centres, centres, indexing="ij")
        good = geography.on_sample[::_STRIDE, ::_STRIDE]
        for coordinate, (low, high) in zip((x, y), limits_mm, strict=True):
            good = good & (coordinate >= low) & (coordinate <= high)
        if not good.any():
            raise ValueError("no part of the sample is within the stage's limits; widen them or move the sample")
        points = np.full(good.shape, np.nan)
        points[good] = self.true_scores(slot, np.stack([x[good], y[good]], axis=1)).total
        ranked = np.sort(points[good])
        best, top = float(ranked[-1]), float(ranked[-max(1, round(TOP_SHARE * len(ranked)))])
        if best <= 0.0:
            long, high = (1e3 * fwhm for fwhm in self.beam.fwhm_mm)
            raise ValueError(
                f"every site of this surface scores 0: its clean flakes are smaller than the beam ({long:.0f} x "
                f"{high:.0f} um), or it has none; give a smaller beam=, a larger field_mm= or less layer"
            )
        return ScoreMap(points, centres, best, max(min(top, best - NEAR_BEST), LEAST_OF_BEST * best))

    def _grid(self) -> tuple[Float64Array, float, int]:
        return LADDER_EV, self.analyser.grid.energy_step_ev, self.analyser.margin
