"""Errors of scorers on the same spectra: the shipped network, gradient boosting and the best constant."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, spearmanr

from beamgym.agents.spectra.boosting import BOOSTING_BUNDLE, boosting_features
from beamgym.envs.arpes_spot import COMPONENTS, Quality, Scorer, scorer_input, shipped_scorer
from beamgym.envs.bundles import OnnxModel
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import Float32Array

BENCHMARK_SIZE: Final = 224
"""Pixels along energy and slit of the spectra that are judged on."""

SCORE_BINS: Final = 20
_STREAM, _CONSTANT_STREAM = 93, 94  # of no training
_CONSTANT_SPECTRA = 2048
_RESAMPLES = 1000
_CHUNK = 64
_LOW = (1.0, 4.0)  # totals that are rare
_SAME = 1e-4  # points: totals in single precision

Judged = tuple[Float32Array, Float32Array]
"""Counts (m, e, a) and what they are scored, S, B, N and total (m, 4)."""


@dataclass(frozen=True)
class Errors:
    """A predictor's errors on the total.

    Parameters
    ----------
    mae, mae_ci95 : mean absolute error in points, and its bootstrap interval
    mae_uniform, mae_uniform_ci95 : the same with every score from 0 to 10 counted alike (20 bins)
    spearman : rank correlation with the truth; NaN for a constant
    components : mean absolute errors of S, B and N, where they are predicted
    mae_low : mean absolute error of spectra whose true total is 1 to 4; NaN where there are none
    coverage : share of true totals within the stated 68 % and 95 % intervals, where a predictor states them
    """

    mae: float
    mae_ci95: tuple[float, float]
    mae_uniform: float
    mae_uniform_ci95: tuple[float, float]
    spearman: float
    components: dict[str, float] = field(default_factory=dict)
    mae_low: float = float("nan")
    coverage: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON has them; what is unknown is null."""
        return {
            "mae": self.mae,
            "mae_ci95": list(self.mae_ci95),
            "mae_uniform": self.mae_uniform,
            "mae_uniform_ci95": list(self.mae_uniform_ci95),
            "spearman": self.spearman if np.isfinite(self.spearman) else None,
            "mae_low": self.mae_low if np.isfinite(self.mae_low) else None,
            **({"components": self.components} if self.components else {}),
            **({"coverage": self.coverage} if self.coverage else {}),
        }


def published_spectra(spectra: int, seed: int) -> Iterator[Judged]:
    """Yield fresh spectra of recipe `published` at 224 x 224, none of them in any training."""
    grid, keys = recipe_grid((BENCHMARK_SIZE, BENCHMARK_SIZE)), make_keys(seed, np.arange(spectra), 0, _STREAM)
    for first in range(0, spectra, _CHUNK):
        batch = generate("published", keys[first : first + _CHUNK], grid)
        yield batch.counts, batch.paper.labels()


def compare(
    source: Iterator[Judged],
    progress: Callable[[int], None] | None = None,
    others: Mapping[str, Scorer] | None = None,
) -> dict[str, Errors]:
    """Return the errors of every predictor on the same spectra; ``others`` are networks beside the shipped one."""
    networks: dict[str, Scorer] = {"shipped": shipped_scorer("paper", mirrored=True), **(others or {})}
    trees, constant = boosting(), best_constant()
    labels, theirs, ours = [], [], dict[str, list[Quality]]({name: [] for name in networks})
    for counts, truth in source:
        labels.append(truth)
        for name, network in networks.items():
            ours[name].append(network.quality(counts))
        features = boosting_features(**scorer_input(counts))
        theirs.append(trees.predict({"features": features}, batch=None)[:, 0])
        if progress is not None:
            progress(len(truth))
    truth = np.concatenate(labels)
    total = truth[:, 3]
    return {
        **{name: _network_errors(found, truth) for name, found in ours.items()},
        "gradient-boosting": errors(np.concatenate(theirs), total),
        "constant": errors(np.full(len(total), constant, np.float32), total),
    }


def _network_errors(found: list[Quality], truth: Float32Array) -> Errors:
    scores = np.concatenate([quality.scores for quality in found])
    parts = {name: float(np.abs(scores[:, i] - truth[:, i]).mean()) for i, name in enumerate(COMPONENTS[:3])}
    return replace(errors(scores[:, 3], truth[:, 3], parts), coverage=_coverage(found, truth[:, 3]))


def _coverage(found: list[Quality], total: Float32Array) -> dict[str, float]:
    """Return which share of true totals lies within the stated intervals; nothing where none are stated."""
    if any(quality.bounds is None for quality in found):
        return {}
    low, high, least, most = np.concatenate([quality.bounds[:, 3] for quality in found if quality.bounds is not None]).T
    inside = {"68 %": (low, high), "95 %": (least, most)}
    return {
        name: float(((total >= ends[0] - _SAME) & (total <= ends[1] + _SAME)).mean()) for name, ends in inside.items()
    }


def errors(predicted: Float32Array, total: Float32Array, components: dict[str, float] | None = None) -> Errors:
    """Return the errors of predictions (n,) against totals (n,), n at least 2."""
    off = np.abs(predicted.astype(np.float64) - total)
    bins = np.clip((total * SCORE_BINS / 10.0).astype(np.int64), 0, SCORE_BINS - 1)
    constant = np.ptp(predicted) == 0.0 or np.ptp(total) == 0.0
    return Errors(
        float(off.mean()),
        _interval(off, lambda values, places: values.mean(), bins),
        mean_over_bins(off, bins),
        _interval(off, mean_over_bins, bins),
        float("nan") if constant else float(spearmanr(predicted, total).statistic),
        components or {},
        float(off[low].mean()) if (low := (total >= _LOW[0]) & (total <= _LOW[1])).any() else float("nan"),
    )


def mean_over_bins(off: NDArray[np.float64], bins: NDArray[np.int64]) -> float:
    """Return the mean over the bins of the errors' mean in each bin (n,) that has any."""
    bins = bins.astype(np.int64)  # resampling makes floats of them
    number = np.bincount(bins, minlength=SCORE_BINS)
    return float((np.bincount(bins, off, SCORE_BINS)[number > 0] / number[number > 0]).mean())


def best_constant() -> float:
    """Return the median total of `published`, which has the smallest mean absolute error of all constants."""
    keys = make_keys(0, np.arange(_CONSTANT_SPECTRA), 0, _CONSTANT_STREAM)
    grid = recipe_grid((BENCHMARK_SIZE, BENCHMARK_SIZE))
    totals = [generate("published", part, grid).paper.total for part in np.array_split(keys, _CONSTANT_SPECTRA // 64)]
    return float(np.median(np.concatenate(totals)))


def boosting() -> OnnxModel:
    """Return the shipped trees."""
    return OnnxModel.load(Path(str(files("beamgym.envs.models"))) / BOOSTING_BUNDLE)


def _interval(
    off: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64], NDArray[np.int64]], float],
    bins: NDArray[np.int64],
) -> tuple[float, float]:
    found = bootstrap(
        (off, bins),
        statistic,
        paired=True,
        vectorized=False,
        n_resamples=_RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)
