"""What a scorer says of measured spectra, and whether it is to be believed."""

import inspect
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.arpes_spot import (
    COMPONENTS,
    ComposedScorer,
    QualityScorer,
    Scorer,
    composed_scorer,
    shipped_scorer,
)
from beamgym.envs.bundles import BundleError
from beamgym.physics.arpes.load import (
    ENERGY_WINDOW_EV,
    SLIT_WINDOW_DEG,
    USUAL_SHARE,
    LoadError,
    MeasuredSpectra,
    Window,
    band_doubts,
    choose_window,
    into_window,
    unit_doubts,
)
from beamgym.physics.arrays import BoolArray, Float64Array

KNOWN: Final = ("yes", "doubtful", "no")
"""Answers to whether a spectrum is like what the scorer knows: flagged by none, doubted by a check, flagged by it."""

WITH_F: Final = ("S", "B", "N", "F", "total")
"""Columns of a scorer that tells F, too."""

LEAST_KNOWN_ENERGIES: Final = 0.5
"""Share of the energies that a scorer needs which is told the rows' energies."""

LEAST_ANGLES: Final = 0.4
"""Share of the angles below which a spectrum looks like another material's."""

_CHUNK = 64


@dataclass(frozen=True, eq=False)
class SpectrumVerdict:
    """Scores of a file's m spectra.

    Parameters
    ----------
    measured : the spectra
    window : what the scorer saw of them
    components : names of the scores' columns, S, B, N, perhaps F, total
    scores, uncertainty : (m, c) in points; NaN where a spectrum holds no numbers
    ood : (m,) out-of-distribution value; above 1 is unlike the scorer's training
    electrons : (m,) in the window
    bandless : (m,) whether the angles show no bands
    doubts : of the file as a whole, a line each
    site_doubts : of single spectra, "" where there is none, (m,)
    """

    measured: MeasuredSpectra
    window: Window
    components: tuple[str, ...]
    scores: Float64Array
    uncertainty: Float64Array
    ood: Float64Array
    electrons: Float64Array
    bandless: BoolArray
    doubts: tuple[str, ...]
    site_doubts: tuple[str, ...]

    @property
    def flagged(self) -> BoolArray:
        """(m,) whether the scorer calls a spectrum unlike its training."""
        return self.ood > 1.0

    @property
    def total(self) -> Float64Array:
        """(m,) the total in points, NaN where there is none."""
        return np.asarray(self.scores[:, self.components.index("total")])

    def known(self, row: int) -> str:
        """Return whether a spectrum is like what the scorer knows, of ``KNOWN``."""
        if self.flagged[row]:
            return "no"
        return "doubtful" if self.doubts or self.site_doubts[row] else "yes"


def score_measured(measured: MeasuredSpectra, scorer: Scorer | None = None) -> SpectrumVerdict:
    """Score the spectra of a file.

    Parameters
    ----------
    measured : with angles
    scorer : that of ``best_scorer`` where none is given

    Returns
    -------
    SpectrumVerdict

    Raises
    ------
    LoadError : spectra without angles, or with nothing in the window
    """
    if measured.slit_deg is None:
        raise LoadError(f"{measured.name} has no angles: there is no score of bands; name them with --angle-axis")
    try:
        window = choose_window(measured.energy_ev, measured.slit_deg)
    except ValueError as error:
        raise LoadError(f"{measured.name}: {error}") from None
    judge = scorer or best_scorer()
    energy = _row_energies(measured, window)
    parts = [
        score_spectra(into_window(measured.counts[start : start + _CHUNK], window) / measured.gain, energy, judge)
        for start in range(0, len(measured.counts), _CHUNK)
    ]
    scores, uncertainty, ood, electrons = (np.concatenate([part[i] for part in parts]) for i in range(4))
    for column in (scores, uncertainty, ood):
        column[~measured.alive] = np.nan
    size = measured.noise.electron / measured.gain
    lines = [_bands(measured, window, row, size) for row in range(len(scores))]
    least = LEAST_KNOWN_ENERGIES if _asks_for_energies(judge) else USUAL_SHARE
    unit = unit_doubts(measured.noise, measured.gain, measured.unit)
    doubts = (*measured.fermi.doubts, *_too_little(window, least), *unit)
    names = WITH_F if scores.shape[1] == len(WITH_F) else COMPONENTS
    bandless = np.array([bool(line) for line in lines])
    return SpectrumVerdict(measured, window, names, scores, uncertainty, ood, electrons, bandless, doubts, tuple(lines))


def best_scorer(definition: str = "v2") -> ComposedScorer | QualityScorer:
    """Return the scorer for measured spectra: the composed one, or the elder where that is not shipped."""
    try:
        return composed_scorer(definition, mirrored=True)
    except (BundleError, OSError):
        return shipped_scorer(definition, mirrored=True)


def score_spectra(
    counts: NDArray[np.float32], energy_ev: Float64Array, scorer: Scorer
) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array]:
    """Return scores and uncertainties (m, c), ood values (m,) and electrons (m,) of spectra (m, e, a) in electrons.

    The columns are S, B, N and the total, with F before the total where the scorer tells it. A scorer that asks for the
    rows' energies is told them; the others take their rows for the whole window.
    """
    asks = _asks_for_energies(scorer)
    found = scorer.quality(counts, energy_ev=energy_ev) if asks else scorer.quality(counts)  # type: ignore[call-arg]
    value, error = (np.asarray(part, dtype=np.float64) for part in (found.scores, found.uncertainty))
    if found.feature is not None and found.feature_uncertainty is not None:
        value, error = (
            np.insert(value, 3, found.feature, axis=1),
            np.insert(error, 3, found.feature_uncertainty, axis=1),
        )
    return value, error, np.asarray(found.ood, dtype=np.float64), counts.sum(axis=(1, 2), dtype=np.float64)


def _asks_for_energies(scorer: Scorer) -> bool:
    return "energy_ev" in inspect.signature(scorer.quality).parameters


def _row_energies(measured: MeasuredSpectra, window: Window) -> Float64Array:
    """Return E − E_F at the rows that the scorer gets."""
    if window.energy_edges is None:
        return measured.energy_ev[window.rows]
    edges = np.linspace(*window.energy_ev, window.shape[0] + 1)
    return np.asarray(0.5 * (edges[1:] + edges[:-1]))


def _bands(measured: MeasuredSpectra, window: Window, row: int, size: float) -> str:
    if not measured.alive[row]:
        return "holds NaN"
    part = measured.counts[row][window.rows, window.columns] / measured.gain
    return next(iter(band_doubts(part, size)), "")


def _too_little(window: Window, least_energies: float) -> list[str]:
    """Return what the window lacks, where it is so much that a scorer takes the spectrum for another one."""
    found = []
    for what, held, whole, least in (
        ("energies", window.energy_ev, ENERGY_WINDOW_EV, least_energies),
        ("angles", window.slit_deg, SLIT_WINDOW_DEG, LEAST_ANGLES),
    ):
        share = (min(held[1], held[0] + whole[1] - whole[0]) - held[0]) / (whole[1] - whole[0])
        if share < least:
            found.append(
                f"only {100 * share:.0f} % of the window's {what} were measured; the scorer knows {100 * least:.0f} %"
            )
    if window.energy_ev[1] < 0.0:
        found.append("the Fermi level was not measured; the scorer knows spectra that hold it")
    return found
