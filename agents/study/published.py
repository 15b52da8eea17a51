"""The published study, repeated: a cleaved surface scanned on a grid, and three ways to score what was measured.

Na et al., arXiv 2508.15983, map a Bi2Se3 crystal with misaligned domains and score each spectrum by the benchmark score
(BMS) and by their network. Here the surface is simulated, so that the true score of each place is known beside them.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.stats import spearmanr

from beamgym.agents.evaluation import first_seed
from beamgym.envs.arpes_spot import Scorer, shipped_scorer
from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arpes.score import bms_scores
from beamgym.physics.arpes.surface import (
    FIELD_MM,
    RASTER_CELLS,
    REFERENCE_DWELL_S,
    SURFACE_LEVELS,
    Analyser,
    SurfaceBank,
)
from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array
from beamgym.physics.counter_rng import make_keys

SURFACE: Final = replace(SURFACE_LEVELS["real"], tilt_deg=0.8)
"""The level "real" with flakes that are less tilted: slightly misaligned domains."""

BMS_WINDOW_EV: Final = (-0.06, 0.0)
"""Energies summed for the momentum distribution curve: wider than the paper's 20 meV, since charging shifts spectra."""

BMS_SLIT_DEG: Final = (-14.0, -3.0)
"""Angles of the branch that is fitted: as wide as the paper's −17° to −6°, inside this window of ±15°."""

FEWEST, MOST = 8, 64
"""Places along each edge of a scan."""

_STREAM_NOISE = 1
_APART_MM = 0.25  # between marked places


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
    truth : (g, g) noise-free ``v2`` points at the dwell of the scan
    cnn : (g, g) ``v2`` points by the network, of the counts
    bms : (g, g) benchmark score of the map of the sample, 0…1; NaN beside it
    fitted : share of the places on the sample whose momentum distribution curve could be fitted
    """

    seed: int
    centres_mm: Float64Array
    grid: Grid
    counts: Float32Array
    on_sample: BoolArray
    truth: Float64Array
    cnn: Float64Array
    bms: Float64Array
    fitted: float

    @property
    def electrons(self) -> Float64Array:
        """(g, g) electrons of each spectrum: what is mapped where there is no score."""
        return np.asarray(self.counts.sum(axis=(2, 3), dtype=np.float64))


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
    seed: int = 0, places: int = 32, dwell_s: float = REFERENCE_DWELL_S, size: int = 128, scorer: Scorer | None = None
) -> Scan:
    """Scan a simulated cleaved Bi2Se3 surface, and score its spectra.

    Parameters
    ----------
    seed : the user's number; seeds of the benchmark, which no scorer or agent was trained on
    places : g, along each edge of the 2 mm field
    dwell_s : at every place, seconds
    size : pixels of a spectrum along each edge, a multiple of 64
    scorer : whose ``v2`` points are mapped; the shipped one where none is given

    Raises
    ------
    ValueError : fewer than 8 or more than 64 places, a dwell that is not positive, a size that is no multiple of 64
    """
    if not FEWEST <= places <= MOST:
        raise ValueError(f"places is {places}; scan {FEWEST} to {MOST} along each edge")
    if not (np.isfinite(dwell_s) and dwell_s > 0.0):
        raise ValueError(f"dwell_s is {dwell_s}; count for a positive number of seconds")
    bank = SurfaceBank(1, Analyser(Grid.uniform(shape=(size, size))), SURFACE)
    key = np.uint64(make_keys(first_seed("benchmark", seed)))
    bank.draw(0, key, material="dirac")
    centres = ((np.arange(places) + 0.5) / places - 0.5) * FIELD_MM
    y, x = np.meshgrid(centres, centres, indexing="ij")
    where = np.stack([x.ravel(), y.ravel()], axis=1)
    counts = _expose(bank, where, dwell_s, key)
    shape = (places, places)
    on_sample = _on_sample(bank, where).reshape(shape)
    truth = np.where(on_sample, bank.true_scores(0, where, dwell_s).total.reshape(shape), np.nan)
    points = (scorer or shipped_scorer("v2")).quality(counts).scores[:, 3].astype(np.float64)
    bms, fitted = _benchmark(counts, bank.analyser.grid, on_sample)
    cube = counts.reshape(*shape, *counts.shape[1:])
    return Scan(seed, centres, bank.analyser.grid, cube, on_sample, truth, points.reshape(shape), bms, fitted)


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


def _benchmark(counts: Float32Array, grid: Grid, on_sample: BoolArray) -> tuple[Float64Array, float]:
    """Return the BMS of the spectra on the sample (g, g), relative to each other, and the share that was fitted.

    A pixel that counts electrons holds none or at least one, so that the paper's threshold of 1 would call everything
    signal. Here a pixel is signal from the map's mean per pixel up.
    """
    inside = on_sample.ravel()
    seen = counts[inside]
    scores = bms_scores(
        seen,
        grid.energy_ev,
        grid.slit_deg,
        window_ev=BMS_WINDOW_EV,
        slit_window_deg=BMS_SLIT_DEG,
        threshold=float(seen.mean(dtype=np.float64)),
    )
    out = np.full(inside.shape, np.nan)
    out[inside] = scores.total
    return out.reshape(on_sample.shape), float(np.isfinite(scores.fwhm_deg).mean())


def rank_correlations(scan: Scan) -> dict[str, float]:
    """Return Spearman's rank correlations of the maps on the sample.

    Returns
    -------
    "cnn_truth", "bms_truth", "electrons_truth", "cnn_bms": −1…1
    """
    maps = {"truth": scan.truth, "cnn": scan.cnn, "bms": scan.bms, "electrons": scan.electrons}
    pairs = ("cnn", "truth"), ("bms", "truth"), ("electrons", "truth"), ("cnn", "bms")
    return {
        f"{one}_{other}": float(spearmanr(maps[one][scan.on_sample], maps[other][scan.on_sample]).statistic)
        for one, other in pairs
    }


def best_true_points(scan: Scan) -> dict[str, float]:
    """Return the true points of each map's best site, and the largest of all ("truth")."""
    maps = {"truth": scan.truth, "cnn": scan.cnn, "bms": scan.bms, "electrons": scan.electrons}
    chosen = {name: np.where(scan.on_sample, points, -np.inf).argmax() for name, points in maps.items()}
    return {name: float(scan.truth.flat[place]) for name, place in chosen.items()}


def marked_places(scan: Scan) -> tuple[Marked, ...]:
    """Return five sites on the sample, 0.25 mm or more apart where the sample is wide enough.

    A is the best by the network, B the best by the BMS, C the brightest, D the middle and E the worst by the network.
    """
    inside = np.flatnonzero(scan.on_sample)
    cnn, bms, bright = (part.ravel()[inside] for part in (scan.cnn, scan.bms, scan.electrons))
    wishes = (
        ("best by CNN", -cnn),
        ("best by BMS", -bms),
        ("brightest", -bright),
        ("middle by CNN", np.abs(cnn - np.median(cnn))),
        ("worst by CNN", cnn),
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
