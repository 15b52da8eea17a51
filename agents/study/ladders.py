"""Degradation ladders: one measured spectrum, made worse step by step, and the network's score of each step.

The cut is Bi2Se3 by laser ARPES (PyARPES' example data). What its true score is nobody knows; that it falls when the
spectrum is blurred, thinned or buried in background is certain. Spearman's correlation of rung and score says whether
the network, which has never seen a measured spectrum, agrees.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.stats import spearmanr

from beamgym.envs.arpes_spot import COMPONENTS, Scorer, shipped_scorer
from beamgym.physics.arrays import Float64Array

CUT_FILE: Final = Path("arpes") / "bi2se3_cut.npz"
"""The measured cut, in the folder of measured data."""

CUT_EV: Final = 2.3e-3
"""Energy between its rows, eV. Not in the file: 0.35 eV from Dirac point to Fermi edge, which are 150 rows apart."""

COUNTS: Final = 2e5
"""Electrons of a rung where they are not what changes: N is full, so that it says nothing."""

SMOOTH_PX: Final = 1.5
"""Standard deviation, pixels, by which the measured counts are smoothed to estimate the rate behind them."""

BAR: Final = 0.9
"""Rank correlation that is asked for."""

_FWHM = 2.354820045


@dataclass(frozen=True)
class Ladder:
    """A spectrum made worse step by step.

    Parameters
    ----------
    name, unit : what changes
    reacts : the component that should see it, of ``COMPONENTS``
    falls : whether scores fall as the rungs rise; with more counts they rise
    """

    name: str
    unit: str
    reacts: str
    falls: bool = True


LADDERS: Final = {
    "blur": (Ladder("energy blur", "FWHM / eV", "S"), np.linspace(0.0, 0.1, 12)),
    "thinning": (Ladder("Poisson thinning", "electrons", "N", falls=False), np.geomspace(1e3, 9e4, 12)),
    "background": (Ladder("flat background", "electrons / those of the cut", "B"), np.linspace(0.0, 1.0, 12)),
}
"""Every ladder and its rungs; see docs/arpes_study.md for why they end where they do."""

FAR: Final = {"blur": np.linspace(0.0, 0.2, 12), "background": np.linspace(0.0, 3.0, 12)}
"""Rungs of the same ladders carried on, to see where the network stops following."""


@dataclass(frozen=True, eq=False)
class LadderResult:
    """Scores of a ladder of ever worse spectra.

    Parameters
    ----------
    ladder : which
    rungs : (r,) in its unit
    scores : (r, d, 4) S, B, N and total of d noise draws
    ood : (r,) mean ood value over the draws; above 1 is unlike the training's spectra
    """

    ladder: Ladder
    rungs: Float64Array
    scores: Float64Array
    ood: Float64Array

    @property
    def mean(self) -> Float64Array:
        """(r, 4) mean over the draws."""
        return np.asarray(self.scores.mean(axis=1))

    def spearman(self, component: str) -> float:
        """Return the rank correlation of rung and mean score, positive where the score does what it should."""
        of = self.mean[:, COMPONENTS.index(component)]
        return float(spearmanr(-self.rungs if self.ladder.falls else self.rungs, of).statistic)

    def spearman_of_draws(self, component: str) -> float:
        """Return the same over all single spectra."""
        of = self.scores[:, :, COMPONENTS.index(component)]
        rungs = np.repeat(self.rungs, of.shape[1])
        return float(spearmanr(-rungs if self.ladder.falls else rungs, of.ravel()).statistic)


def load_cut(folder: Path) -> NDArray[np.int64]:
    """Read the measured cut from the folder of measured data.

    Returns
    -------
    (240, 240) counts; rows energy, rising, columns angle. In the file the angle comes first.

    Raises
    ------
    FileNotFoundError : where it is not there
    ValueError : a file without ``I`` of two axes
    """
    file = folder / CUT_FILE
    if not file.is_file():
        raise FileNotFoundError(f"no measured cut at {file}; set BEAMGYM_DATA to the folder that holds {CUT_FILE}")
    with np.load(file, allow_pickle=False) as content:
        if "I" not in content or content["I"].ndim != 2:
            raise ValueError(f"{file} holds {sorted(content)}; it must hold I (angle, energy)")
        return np.asarray(content["I"].T, dtype=np.int64)


def run_ladder(
    name: str,
    counts: ArrayLike,
    draws: int = 8,
    seed: int = 0,
    rungs: ArrayLike | None = None,
    scorer: Scorer | None = None,
) -> LadderResult:
    """Make a measured spectrum worse, rung by rung, and score it.

    Parameters
    ----------
    name : of ``LADDERS``
    counts : (e, a) measured spectrum, rows energy
    draws : of the noise at each rung
    seed : of the noise
    rungs : (r,) in the ladder's unit; its own where none are given
    scorer : whose ``v2`` scores; the shipped one, averaged over mirror images, where none is given

    Returns
    -------
    LadderResult

    Raises
    ------
    ValueError : an unknown ladder, no draw, fewer counts than a rung asks for

    Notes
    -----
    Blur and background change an estimate of the rate, the smoothed counts, and Poisson noise is drawn after that, at
    the same number of electrons on every rung: blurred counts would have too little noise, which is seen. Thinning
    keeps each measured electron with the same probability.
    """
    if name not in LADDERS:
        raise ValueError(f"unknown ladder {name!r}; choose one of {', '.join(LADDERS)}")
    if draws < 1:
        raise ValueError(f"draws is {draws}; draw the noise once or more")
    ladder, own = LADDERS[name]
    steps = own if rungs is None else np.asarray(rungs, dtype=np.float64)
    measured = np.asarray(counts, dtype=np.int64)
    if measured.sum() < max(COUNTS, steps.max()):
        raise ValueError(f"the spectrum has {measured.sum()} counts; ladders need {max(COUNTS, steps.max()):g} or more")
    judge, random = scorer or shipped_scorer("v2", mirrored=True), np.random.default_rng(seed)
    found = [judge.quality(_WORSE[name](measured, float(step), draws, random)) for step in steps]
    scores = np.array([quality.scores for quality in found], dtype=np.float64)
    return LadderResult(ladder, steps, scores, np.array([float(quality.ood.mean()) for quality in found]))


def smoothed_rate(counts: NDArray[np.int64]) -> Float64Array:
    """Return an estimate (e, a) of the rate behind measured counts; sums to 1."""
    rate = gaussian_filter(counts.astype(np.float64), SMOOTH_PX, mode="nearest")
    return np.asarray(rate / rate.sum())


def _drawn(rate: Float64Array, draws: int, random: np.random.Generator) -> Float64Array:
    mean = rate * (COUNTS / rate.sum())
    return random.poisson(np.broadcast_to(mean, (draws, *mean.shape))).astype(np.float64)


def _blurred(counts: NDArray[np.int64], fwhm_ev: float, draws: int, random: np.random.Generator) -> Float64Array:
    rate = smoothed_rate(counts)
    if fwhm_ev > 0.0:
        rate = gaussian_filter1d(rate, fwhm_ev / _FWHM / CUT_EV, axis=0, mode="nearest")
    return _drawn(rate, draws, random)


def _thinned(counts: NDArray[np.int64], electrons: float, draws: int, random: np.random.Generator) -> Float64Array:
    share = electrons / counts.sum()
    return random.binomial(np.broadcast_to(counts, (draws, *counts.shape)), share).astype(np.float64)


def _buried(counts: NDArray[np.int64], share: float, draws: int, random: np.random.Generator) -> Float64Array:
    return _drawn(smoothed_rate(counts) + share / counts.size, draws, random)


_WORSE: Final[dict[str, Callable[[NDArray[np.int64], float, int, np.random.Generator], Float64Array]]] = {
    "blur": _blurred,
    "thinning": _thinned,
    "background": _buried,
}
