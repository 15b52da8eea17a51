"""Simulated ladders: a spectrum made worse step by step, and whether a scorer's total follows.

The rungs' true scores are known. A ladder counts where they fall by 0.3 points or more from its first rung to its last.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, rankdata

from beamgym.envs.arpes_spot import Quality
from beamgym.physics.arpes.recipes import recipe_grid
from beamgym.physics.arpes.score import Scores
from beamgym.physics.arpes.wide import (
    CleanSpectra,
    blurred,
    buried,
    clean_spectra,
    curve_spectra,
    doubled,
    seen_by,
    with_background,
)
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import Float32Array

RUNGS: Final = 8
LADDERS: Final[dict[str, NDArray[np.float64]]] = {
    "energy blur": np.linspace(0.0, 0.15, RUNGS),
    "two domains": np.linspace(0.0, 0.15, RUNGS),
    "background": np.linspace(0.0, 1.0, RUNGS),
    "thinning": np.geomspace(9e4, 1e3, RUNGS),
}
"""Rungs: added FWHM in eV; distance of two equal domains in 1/Å; flat background, electrons for each of the spectrum's;
electrons."""

LADDER_SOURCES: Final = ("published", "full", "wide")
"""Both recipes, and curves of any shape over backgrounds and detectors of any kind."""

WIDEST_SHIFT: Final = 0.14
"""Distance of two domains on the last rung at most, in widths of the window: at low kinetic energies it shows little
momentum."""

ELECTRONS: Final = 2e5
"""On every rung where they are not what changes: N is full."""

LEAST_FALL: Final = 0.3
_STREAM, _SIZE, _CHUNK, _APART = 111, 128, 50, 104_729
_SAME = 1e-4  # components and points in single precision
Qualities = Callable[[Float32Array], Quality]
Total = Callable[[Float32Array], NDArray[np.floating]]
"""Counts (m, e, a) to totals (m,)."""


@dataclass(frozen=True, eq=False)
class Rungs:
    """Ladders of one kind of m spectra: ``counts`` (r, m, e, a), and the true scores of each rung."""

    kind: str
    counts: list[Float32Array]
    truth: list[Scores]

    @property
    def true_totals(self) -> NDArray[np.float64]:
        """(r, m) of every rung."""
        return np.stack([scores.total for scores in self.truth])

    @property
    def counted(self) -> NDArray[np.bool_]:
        """(m,) whether the true total falls far enough for a ladder to count."""
        return np.asarray(self.truth[0].total - self.truth[-1].total >= LEAST_FALL)


def ladder_scenes(source: str, spectra: int, seed: int) -> CleanSpectra:
    """Return noise-free spectra of a source, (spectra, 128, 128), none of any training."""
    if source not in LADDER_SOURCES:
        raise ValueError(f"unknown source of ladders {source!r}; choose one of {', '.join(LADDER_SOURCES)}")
    if source == "wide":
        draw = np.random.default_rng([seed, _STREAM])
        return seen_by(with_background(curve_spectra(draw, spectra, _SIZE, bandless=0.0), draw), draw)
    keys = make_keys(seed, np.arange(spectra), LADDER_SOURCES.index(source), _STREAM)
    return clean_spectra(source, keys, recipe_grid((_SIZE, _SIZE)))


def worse(clean: CleanSpectra, kind: str, rung: float) -> tuple[CleanSpectra, float]:
    """Return spectra on a rung, and their electrons."""
    if kind == "energy blur":
        return blurred(clean, rung), ELECTRONS
    if kind == "two domains":
        most = WIDEST_SHIFT * clean.bands.shape[2] * rung / LADDERS[kind][-1]
        return doubled(clean, np.minimum(rung / clean.step_inv_a, most)), ELECTRONS
    if kind == "background":
        return buried(clean, np.full(len(clean), rung)), ELECTRONS
    return clean, rung


def build_rungs(clean: CleanSpectra, kind: str, seed: int) -> Rungs:
    """Return a ladder of m spectra, counted."""
    draw = np.random.default_rng([seed, _STREAM, list(LADDERS).index(kind)])
    counts, truth = [], []
    for rung in LADDERS[kind]:
        made, electrons = worse(clean, kind, float(rung))
        rate = made.rate
        mean = rate * (electrons / rate.sum((1, 2), keepdims=True, dtype=np.float64))
        counts.append(draw.poisson(mean).astype(np.float32))
        truth.append(made.scores(electrons)[1])
    return Rungs(kind, counts, truth)


def ladders(source: str, spectra: int, seed: int) -> Iterator[Rungs]:
    """Yield the ladders of every kind of so many spectra of a source, some spectra at a time."""
    clean = ladder_scenes(source, spectra, seed)
    for first in range(0, spectra, _CHUNK):
        part = clean[first : first + _CHUNK]
        yield from (build_rungs(part, kind, seed + 7919 * (first + 1)) for kind in LADDERS)


def ranks(scores: NDArray[np.floating], truth: NDArray[np.floating] | None = None) -> NDArray[np.float64]:
    """Return the rank correlation (m,) of scores (r, m) with the true ones, equal ones counting as equal.

    Where nobody knows these, as of a measured cut, it is that with how far up their ladders, falling, they are.
    """
    if truth is None:
        truth = np.broadcast_to(np.arange(len(scores), 0, -1.0)[:, None], np.shape(scores))
    order, right = (np.apply_along_axis(rankdata, 0, np.asarray(each, np.float64)) for each in (scores, truth))
    order, right = order - order.mean(0), right - right.mean(0)
    spread = np.sqrt((order**2).sum(0) * (right**2).sum(0))
    return np.asarray(np.divide((order * right).sum(0), spread, out=np.zeros(order.shape[1]), where=spread > 0.0))


def judge_ladders(
    totals: dict[str, Total], source: str, spectra: int, seed: int, progress: Callable[[int], None] | None = None
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return the rank correlations of every ladder that counts, by scorer and kind."""
    found: dict[str, dict[str, list[Any]]] = {name: {kind: [] for kind in LADDERS} for name in totals}
    for rungs in ladders(source, spectra, seed):
        for name, total in totals.items():
            scores = np.stack([total(counts) for counts in rungs.counts])
            found[name][rungs.kind].append(ranks(scores[:, rungs.counted], rungs.true_totals[:, rungs.counted]))
        if progress is not None:
            progress(1)
    return {name: {kind: np.concatenate(part) for kind, part in kinds.items()} for name, kinds in found.items()}


def covered(quality: Qualities, source: str, spectra: int, seed: int) -> dict[str, dict[str, float]]:
    """Return which share of the truth lies within a scorer's stated 68 % and 95 % intervals, by ``v2``.

    Parameters
    ----------
    quality : counts (m, e, a) to their quality by ``v2``, with bounds
    source : one of ``LADDER_SOURCES``
    spectra, seed : how many, and which; each is somewhere on one of the ladders, of 10³ to 10⁶ electrons

    Returns
    -------
    "S", "B" and "total", each with "68 %" and "95 %"
    """
    draw = np.random.default_rng([seed, _STREAM, 4, LADDER_SOURCES.index(source)])
    truth, bounds = [], []
    clean = ladder_scenes(source, spectra, seed + _APART)
    for first in range(0, spectra, _CHUNK):
        part = clean[first : first + _CHUNK]
        kind = list(LADDERS)[(first // _CHUNK) % 3]
        made, _ = worse(part, kind, float(draw.choice(LADDERS[kind])))
        mean = made.rate.astype(np.float64)
        mean *= (10.0 ** draw.uniform(3.0, 6.0, len(part)) / mean.sum((1, 2)))[:, None, None]
        counts = draw.poisson(mean).astype(np.float32)
        scores = made.scores(counts.sum((1, 2), dtype=np.float64))[1]
        truth.append(np.stack([scores.sharpness, scores.background, scores.total], axis=1))
        stated = quality(counts).bounds
        if stated is None:
            return {}
        bounds.append(stated[:, [0, 1, 3]])
    true, (low, high, least, most) = np.concatenate(truth), np.moveaxis(np.concatenate(bounds), 2, 0)
    inside = {
        "68 %": (true >= low - _SAME) & (true <= high + _SAME),
        "95 %": (true >= least - _SAME) & (true <= most + _SAME),
    }
    return {
        part: {level: float(held[:, i].mean()) for level, held in inside.items()}
        for i, part in enumerate(("S", "B", "total"))
    }


def figures(rho: NDArray[np.float64]) -> dict[str, Any]:
    """Return how many ladders count, their mean rank correlation with its 95 % interval, the share of those that run
    backwards with its interval, and the 5th percentile."""
    if len(rho) < 2:
        return {"ladders": len(rho), "mean": None, "backwards": None, "p5": None}
    draw = np.random.default_rng(0)
    interval = [
        list(
            map(
                float,
                bootstrap(
                    (rho,), f, n_resamples=500, method="percentile", rng=draw, vectorized=True
                ).confidence_interval,
            )
        )
        for f in (np.mean, lambda x, axis: (x < 0.0).mean(axis), lambda x, axis: np.quantile(x, 0.05, axis=axis))
    ]
    return {
        "ladders": len(rho), "mean": float(rho.mean()), "mean_ci95": interval[0],
        "backwards": float((rho < 0.0).mean()), "backwards_ci95": interval[1],
        "p5": float(np.quantile(rho, 0.05)), "p5_ci95": interval[2],
    }  # fmt: skip
