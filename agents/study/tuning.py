"""The benchmark score at its best: windows, threshold and criterion tried on surfaces that are not the study's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from beamgym.agents.study.published import on_sample_spectra
from beamgym.physics.arpes.score import BmsSettings, FitCriterion, bms_of_fits, bright_share, fit_curves
from beamgym.physics.arrays import Float64Array

WINDOWS_EV: Final = (
    *((-0.03, 0.01), (-0.06, 0.0), (-0.08, -0.02), (-0.12, 0.0)),
    *((-0.16, 0.0), (-0.16, -0.04), (-0.2, 0.0), (-0.25, 0.0)),
)
SLITS_DEG: Final = ((-14.0, -3.0), (-14.0, 0.0), (-12.0, -4.0), (-15.0, -3.0), (-15.0, 0.0))
THRESHOLDS: Final = (0.0, 1.0, 2.0, 4.0, 6.0)
"""In means of the map; 0 calls every pixel signal, as the paper's threshold of one count does."""

CRITERIA: Final = (
    *(FitCriterion(r2, significance) for r2, significance in product((0.5, 0.8), (5.0, 10.0, 15.0, 20.0, 30.0))),
    *(FitCriterion(-np.inf, significance, 2.0) for significance in (5.0, 10.0)),
)


@dataclass(frozen=True)
class TunedBms:
    """A setting and how it did: mean over surfaces of Spearman's correlation with the truth, and of fits believed."""

    settings: BmsSettings
    spearman: float
    believed: float


def tune_bms(
    seed: int = 0, surfaces: int = 10, places: int = 22, progress: Callable[[int], None] | None = None
) -> list[TunedBms]:
    """Try every setting of the grid, those that believe every fit among them.

    Parameters
    ----------
    seed, surfaces : number i has the seed ``seed + i`` of tuning
    places : along each edge of each surface
    progress : called with 1 for each pair of windows tried

    Returns
    -------
    best first, by the mean rank correlation of map and truth on the sample

    Raises
    ------
    ValueError : no surface
    """
    if surfaces < 1:
        raise ValueError(f"surfaces is {surfaces}; tune on one or more")
    seen = [on_sample_spectra(seed + i, places, "tuning") for i in range(surfaces)]
    spectra = [counts.astype(np.float64) for counts, _, _ in seen]
    electrons = [part.sum((1, 2)) for part in spectra]
    shares = {threshold: [bright_share(part, threshold * part.mean()) for part in spectra] for threshold in THRESHOLDS}
    truths, grid = [_centred_ranks(truth) for _, truth, _ in seen], seen[0][2]
    found = []
    for window, slit in product(WINDOWS_EV, SLITS_DEG):
        fits = [fit_curves(part, grid.energy_ev, grid.slit_deg, BmsSettings(window, slit)) for part in spectra]
        for settings in _settings(window, slit):
            rho, believed = [], []
            for i, fit in enumerate(fits):
                scores = bms_of_fits(fit, shares[settings.threshold][i], electrons[i], settings)
                rho.append(_correlation(scores.total, truths[i]))
                believed.append(scores.believed.mean())
            found.append(TunedBms(settings, float(np.mean(rho)), float(np.mean(believed))))
        if progress is not None:
            progress(1)
    return sorted(found, key=lambda one: -one.spearman)


def _settings(window: tuple[float, float], slit: tuple[float, float]) -> Iterator[BmsSettings]:
    for threshold in THRESHOLDS:
        yield BmsSettings(window, slit, threshold, True)
        for criterion, drop in product(CRITERIA, (False, True)):
            yield BmsSettings(window, slit, threshold, True, criterion, drop)


def _centred_ranks(values: NDArray[np.floating]) -> Float64Array:
    ranks = rankdata(values)
    return np.asarray(ranks - ranks.mean())


def _correlation(values: Float64Array, truth_ranks: Float64Array) -> float:
    """Return Spearman's correlation with what has the given ranks; 0 where all values are alike."""
    ranks = _centred_ranks(values)
    size = float(np.sqrt((ranks**2).sum() * (truth_ranks**2).sum()))
    return float((ranks * truth_ranks).sum()) / size if size > 0.0 else 0.0
