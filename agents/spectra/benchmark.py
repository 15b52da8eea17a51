"""Errors of scorers on the same spectra: the shipped network, gradient boosting and the best constant."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, spearmanr

from beamgym.agents.spectra.boosting import BOOSTING_BUNDLE, boosting_features
from beamgym.envs.arpes_spot import COMPONENTS, ComposedScorer, Quality, Scorer, scorer_input, shipped_scorer
from beamgym.envs.bundles import OnnxModel
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import BoolArray, Float32Array

BENCHMARK_SIZE: Final = 224
"""Pixels along energy and slit of the spectra that are judged on."""

SCORE_BINS: Final = 20
_STREAM, _CONSTANT_STREAM = 93, 94  # of no training
_CONSTANT_SPECTRA = 2048
_RESAMPLES = 1000
_CHUNK = 64
_LOW = (1.0, 4.0)  # totals that are rare
_SAME = 1e-4  # points and components in single precision
LEVELS_STATED: Final = ("68 %", "95 %")
Coverage = dict[str, dict[str, BoolArray]]


class Judged(NamedTuple):
    """Counts (m, e, a), what ``paper`` scores them, S, B, N and total (m, 4), and the total by ``v2`` (m,), where it is
    known."""

    counts: Float32Array
    truth: Float32Array
    v2: Float32Array | None = None


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
    coverage : share of the truth within the stated 68 % and 95 % intervals, where a predictor states them: of "total",
        which is a staircase, so that an interval holds a whole step or nothing, of "S", "B", and of "v2 total"
    """

    mae: float
    mae_ci95: tuple[float, float]
    mae_uniform: float
    mae_uniform_ci95: tuple[float, float]
    spearman: float
    components: dict[str, float] = field(default_factory=dict)
    mae_low: float = float("nan")
    coverage: dict[str, dict[str, float]] = field(default_factory=dict)

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
        yield Judged(batch.counts, batch.paper.labels(), batch.v2.labels()[:, 3])


def compare(
    source: Iterable[Judged],
    progress: Callable[[int], None] | None = None,
    others: Mapping[str, Scorer] | None = None,
) -> dict[str, Errors]:
    """Return the errors of every predictor on the same spectra; ``others`` are networks beside the shipped one."""
    networks: dict[str, Scorer] = {"shipped": shipped_scorer("paper", mirrored=True), **(others or {})}
    trees, constant = boosting(), best_constant()
    labels, theirs, ours = [], [], dict[str, list[Quality]]({name: [] for name in networks})
    within: dict[str, list[Coverage]] = {name: [] for name in networks}
    for counts, truth, v2 in source:
        labels.append(truth)
        for name, network in networks.items():
            by = _qualities(network, counts)
            ours[name].append(by["paper"])
            within[name].append(_coverage(by, truth, v2))
        features = boosting_features(**scorer_input(counts))
        theirs.append(trees.predict({"features": features}, batch=None)[:, 0])
        if progress is not None:
            progress(len(truth))
    truth = np.concatenate(labels)
    total = truth[:, 3]
    return {
        **{name: _network_errors(found, truth, within[name]) for name, found in ours.items()},
        "gradient-boosting": errors(np.concatenate(theirs), total),
        "constant": errors(np.full(len(total), constant, np.float32), total),
    }


def _network_errors(found: list[Quality], truth: Float32Array, within: list[Coverage]) -> Errors:
    scores = np.concatenate([quality.scores for quality in found])
    parts = {name: float(np.abs(scores[:, i] - truth[:, i]).mean()) for i, name in enumerate(COMPONENTS[:3])}
    coverage = {
        part: {level: float(np.concatenate([one[part][level] for one in within]).mean()) for level in LEVELS_STATED}
        for part in within[0]
    }
    return replace(errors(scores[:, 3], truth[:, 3], parts), coverage=coverage)


def _qualities(network: Scorer, counts: Float32Array) -> dict[str, Quality]:
    if isinstance(network, ComposedScorer):
        return network.qualities(counts)
    return {"paper": network.quality(counts)}


def _coverage(by: dict[str, Quality], truth: Float32Array, v2: Float32Array | None) -> Coverage:
    """Return which truths lie within the stated intervals; nothing where none are stated."""
    stated = by["paper"].bounds
    if stated is None:
        return {}
    judged = {"total": (truth[:, 3], stated[:, 3]), "S": (truth[:, 0], stated[:, 0]), "B": (truth[:, 1], stated[:, 1])}
    if v2 is not None and "v2" in by and by["v2"].bounds is not None:
        judged["v2 total"] = (v2, by["v2"].bounds[:, 3])
    return {
        part: {
            level: (true >= bounds[:, 2 * i] - _SAME) & (true <= bounds[:, 2 * i + 1] + _SAME)
            for i, level in enumerate(LEVELS_STATED)
        }
        for part, (true, bounds) in judged.items()
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
