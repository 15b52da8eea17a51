"""The published study, repeated: a cleaved surface scanned on a grid, and several ways to score what was measured.

Na et al., arXiv 2508.15983, map a Bi2Se3 crystal with misaligned domains and score each spectrum by the benchmark score
(BMS) and by their network. Here the surface is simulated, so that the true score of each place is known beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, spearmanr

from beamgym.agents.evaluation import Purpose, first_seed
from beamgym.envs.arpes_spot import ComposedScorer, Scorer, composed_scorer, shipped_scorer
from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arpes.score import BmsSettings, FitCriterion, bms_scores
from beamgym.physics.arpes.surface import (
    FIELD_MM,
    RASTER_CELLS,
    REFERENCE_DWELL_S,
    SURFACE_LEVELS,
    Analyser,
    SurfaceBank,
    draw_geographies,
)
from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array
from beamgym.physics.counter_rng import make_keys

SURFACE: Final = replace(SURFACE_LEVELS["real"], tilt_deg=0.8)
"""The level "real" with flakes that are less tilted: slightly misaligned domains."""

PUBLISHED_BMS: Final = BmsSettings((-0.06, 0.0), (-14.0, -3.0), threshold=1.0, threshold_in_means=True)
"""The benchmark score as published, every fit believed, in windows that this data has.

Its energies are wider than the paper's 20 meV, since charging shifts spectra; its angles are as wide as the paper's
−17° to −6°, inside a window of ±15°. A pixel of counts holds 0 or at least 1, so that the paper's threshold of 1 would
call everything signal: here it is the map's mean per pixel."""

FILTERED_BMS: Final = replace(PUBLISHED_BMS, criterion=FitCriterion())
"""The same with fits filtered; a rejected one gives no sharpness."""

TUNED_BMS: Final = BmsSettings(
    (-0.16, 0.0),
    (-15.0, -3.0),
    threshold=4.0,
    threshold_in_means=True,
    criterion=FitCriterion(least_r2=0.5, least_significance=15.0),
    drop_rejected=True,
)
"""The best setting of ``tune_bms`` on surfaces that are not the study's: `beamgym study --tune`."""

BMS: Final = {"bms": PUBLISHED_BMS, "bms filtered": FILTERED_BMS, "bms tuned": TUNED_BMS}
NAMES: Final = {
    "composed": "composed scorer, v2",
    "cnn": "earlier CNN, v2",
    "bms": "BMS as published (adapted windows)",
    "bms filtered": "BMS, fits filtered",
    "bms tuned": "BMS, filtered and tuned",
    "electrons": "electrons counted",
}
"""What is mapped beside the truth, and what it is called in tables."""

FEWEST, MOST = 8, 64
"""Places along each edge of a scan."""

_STREAM_NOISE = 1
_APART_MM = 0.25  # between marked places
_RESAMPLES = 5000


@dataclass(frozen=True, eq=False)
class Scan:
    """One surface, scanned on a grid of g x g sites; rows run along y, columns along x.

    Parameters
    ----------
    seed : that drew the surface
    centres_mm : (g,) places along x, and along y
    grid : energies and slit angles of the spectra
    counts : (g, g, e, a) electrons counted
    on_sample : (g, g) places whose centre lies on the sample; the others show the holder
    truth : (g, g) noise-free ``v2`` points at the dwell of the scan; NaN beside the sample
    maps : (g, g) each by its name in ``NAMES``; NaN beside the sample
    believed : share of the places on the sample whose fit is believed, for each benchmark score
    """

    seed: int
    centres_mm: Float64Array
    grid: Grid
    counts: Float32Array
    on_sample: BoolArray
    truth: Float64Array
    maps: Mapping[str, Float64Array]
    believed: Mapping[str, float]


@dataclass(frozen=True)
class Marked:
    """A site whose spectrum is shown.

    Parameters
    ----------
    letter, why : its name, and what it stands for
    row, column : of the scan
    """

    letter: str
    why: str
    row: int
    column: int


def scan_surface(
    seed: int = 0,
    places: int = 32,
    dwell_s: float = REFERENCE_DWELL_S,
    size: int = 128,
    *,
    one_sign: bool = True,
    purpose: Purpose = "benchmark",
    composed: ComposedScorer | None = None,
    earlier: Scorer | None = None,
) -> Scan:
    """Scan a simulated cleaved Bi2Se3 surface, and score its spectra.

    Parameters
    ----------
    seed : the user's number
    places : g, along each edge of the 2 mm field
    dwell_s : at every place, seconds
    size : pixels of a spectrum along each edge, a multiple of 64
    one_sign : whether the surface potential shifts every spectrum down, by the size of what was drawn
    purpose : whose seeds; those of the benchmark are none that a scorer or agent was trained on
    composed, earlier : whose ``v2`` points are mapped; the shipped ones where none are given

    Raises
    ------
    ValueError : fewer than 8 or more than 64 places, a dwell that is not positive, a size that is no multiple of 64
    """
    bank, where, counts = expose_surface(seed, places, dwell_s, size, one_sign, purpose)
    on_sample = _on_sample(bank, where)
    seen, shape = counts[on_sample], (places, places)

    def mapped(values: NDArray[np.floating]) -> Float64Array:
        out = np.full(len(where), np.nan)
        out[on_sample] = values
        return out.reshape(shape)

    grid = bank.analyser.grid
    judge, older = composed or composed_scorer("v2", mirrored=True), earlier or shipped_scorer("v2")
    bms = {name: bms_scores(seen, grid.energy_ev, grid.slit_deg, settings) for name, settings in BMS.items()}
    maps = {
        "composed": mapped(judge.quality(seen, grid.energy_ev).scores[:, 3]),
        "cnn": mapped(older.quality(seen).scores[:, 3]),
        **{name: mapped(scores.total) for name, scores in bms.items()},
        "electrons": mapped(seen.sum((1, 2), dtype=np.float64)),
    }
    return Scan(
        seed,
        _centres(places),
        grid,
        counts.reshape(*shape, *counts.shape[1:]),
        on_sample.reshape(shape),
        mapped(bank.true_scores(0, where[on_sample], dwell_s).total),
        maps,
        {name: float(scores.believed.mean()) for name, scores in bms.items()},
    )


def expose_surface(
    seed: int, places: int, dwell_s: float, size: int, one_sign: bool, purpose: Purpose
) -> tuple[SurfaceBank, Float64Array, Float32Array]:
    """Return a bank with the surface, the places (m, 2) in mm, and the electrons counted there (m, e, a)."""
    if not FEWEST <= places <= MOST:
        raise ValueError(f"places is {places}; scan {FEWEST} to {MOST} along each edge")
    if not (np.isfinite(dwell_s) and dwell_s > 0.0):
        raise ValueError(f"dwell_s is {dwell_s}; count for a positive number of seconds")
    bank = SurfaceBank(1, Analyser(Grid.uniform(shape=(size, size))), SURFACE)
    key = np.uint64(make_keys(first_seed(purpose, seed)))
    geography = draw_geographies(np.array([key], dtype=np.uint64), SURFACE)[0]
    bank.draw(0, key, geography.shifted_one_way(-1) if one_sign else geography, material="dirac")
    y, x = np.meshgrid(_centres(places), _centres(places), indexing="ij")
    where = np.stack([x.ravel(), y.ravel()], axis=1)
    return bank, where, _expose(bank, where, dwell_s, key)


def on_sample_spectra(
    seed: int, places: int, purpose: Purpose, one_sign: bool = True
) -> tuple[Float32Array, Float64Array, Grid]:
    """Return counts (m, e, a) and true points (m,) of the places on a surface's sample, and their grid."""
    bank, where, counts = expose_surface(seed, places, REFERENCE_DWELL_S, 128, one_sign, purpose)
    inside = _on_sample(bank, where)
    return counts[inside], np.asarray(bank.true_scores(0, where[inside]).total), bank.analyser.grid


def _centres(places: int) -> Float64Array:
    return np.asarray(((np.arange(places) + 0.5) / places - 0.5) * FIELD_MM)


def _expose(bank: SurfaceBank, where: Float64Array, dwell_s: float, key: np.uint64) -> Float32Array:
    m = len(where)
    counts = np.empty((m, *bank.analyser.grid.shape), np.float32)
    keys = make_keys(key, 0, np.arange(m), _STREAM_NOISE)
    bank.expose(np.arange(m), np.zeros(m, np.int64), where, np.full(m, dwell_s), np.zeros(m), keys, counts)
    return counts


def _on_sample(bank: SurfaceBank, where: Float64Array) -> BoolArray:
    geography = bank.kept[0]
    if geography is None:
        raise ValueError("the bank holds no surface; draw one first")
    cell = np.clip(((where + 0.5 * geography.field_mm) / geography.cell_mm).astype(np.int64), 0, RASTER_CELLS - 1)
    return np.asarray(geography.on_sample[cell[:, 1], cell[:, 0]])


def rank_correlations(scan: Scan) -> dict[str, float]:
    """Return Spearman's rank correlation of each map with the truth, on the sample, −1…1, by the map's name."""
    truth = scan.truth[scan.on_sample]
    return {name: float(spearmanr(values[scan.on_sample], truth).statistic) for name, values in scan.maps.items()}


def best_true_points(scan: Scan) -> dict[str, float]:
    """Return the true points of each map's best site, and the largest of all ("truth")."""
    maps = {"truth": scan.truth, **scan.maps}
    chosen = {name: np.where(scan.on_sample, points, -np.inf).argmax() for name, points in maps.items()}
    return {name: float(scan.truth.flat[place]) for name, place in chosen.items()}


def median_with_interval(values: list[float]) -> tuple[float, float | None, float | None]:
    """Return the median over surfaces and its 95 % interval by percentile bootstrap; no interval for one surface."""
    median = float(np.median(values))
    if len(values) < 2:
        return median, None, None
    found = bootstrap(
        (values,), np.median, n_resamples=_RESAMPLES, method="percentile", rng=np.random.default_rng(0), vectorized=True
    ).confidence_interval
    return median, float(found.low), float(found.high)


def marked_places(scan: Scan) -> tuple[Marked, ...]:
    """Return five sites on the sample, 0.25 mm or more apart where the sample is wide enough.

    A is the best by the composed scorer, B the best by the tuned BMS, C the brightest, D the middle and E the worst by
    the composed scorer.
    """
    inside = np.flatnonzero(scan.on_sample)
    points, bms, bright = (scan.maps[name].ravel()[inside] for name in ("composed", "bms tuned", "electrons"))
    wishes = (
        ("best by scorer", -points),
        ("best by BMS", -bms),
        ("brightest", -bright),
        ("middle by scorer", np.abs(points - np.median(points))),
        ("worst by scorer", points),
    )
    row, column = np.unravel_index(inside, scan.on_sample.shape)
    place = np.stack([scan.centres_mm[column], scan.centres_mm[row]], axis=1)
    taken: list[int] = []
    for _, wish in wishes:
        order = np.argsort(wish, kind="stable")
        free = [i for i in order if all(np.hypot(*(place[i] - place[j])) >= _APART_MM for j in taken)]
        taken.append(int(free[0] if free else order[0]))
    named = zip("ABCDE", (why for why, _ in wishes), taken, strict=True)
    return tuple(Marked(letter, why, int(row[i]), int(column[i])) for letter, why, i in named)
