"""The fits people make, tuned on a wide grid: windows, smoothing, start values, backgrounds, scale and offset."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from beamgym.physics.arpes.gaps import MODELS, DrawnGap, PracticalFit, posterior_of
from beamgym.scripts.gap_suite.cases import KINDS, LEVELS, cases

METHODS = ("leading edge", "peaks", "symmetrised", "Dynes")
WORST_EV = 0.08
"""What a fit that fails is off by."""
_SPECTRA = {"leading edge": 300, "peaks": 300, "symmetrised": 60, "Dynes": 60}
"""So many are drawn to tune a method; fits that are quick, and have a scale and an offset besides, on more."""


def grid() -> Iterator[PracticalFit]:
    """Yield every setting that is tried."""
    for smooth in (0.0015, 0.003, 0.006, 0.010):
        for level in (0.2, 0.3, 0.5, 0.7):
            for window in (0.05, 0.1):
                for metal in (False, True):
                    yield PracticalFit("leading edge", window, smooth, metal, level=level)
    for smooth in (0.0015, 0.003, 0.006, 0.010):
        for window in (0.04, 0.06):
            yield PracticalFit("peaks", window, smooth)
    for window in (0.03, 0.04, 0.05, 0.06):
        for free in (False, True):
            for curved in (False, True):
                for smooth in (0.0, 0.002):
                    yield PracticalFit("symmetrised", window, smooth, free, curved)
        yield PracticalFit("symmetrised", window, starts="one")
    for window in (0.03, 0.05, 0.07, 0.1, 0.15):
        for free in (False, True):
            for smooth in (0.0, 0.003):
                yield PracticalFit("Dynes", window, smooth, free)
        yield PracticalFit("Dynes", window, free=True, starts="one")


def errors_ev(fit: PracticalFit, drawn: list[DrawnGap]) -> np.ndarray:
    """Return how far a fit is off, eV; a failed one by ``WORST_EV``."""
    found = np.array([fit.gap(one.spectrum) for one in drawn])
    true = np.array([one.gap_ev for one in drawn])
    return np.where(np.isfinite(found), np.abs(found - true), WORST_EV)


def calibrated(fit: PracticalFit, drawn: list[DrawnGap]) -> PracticalFit:
    """Return a leading edge with the scale and offset that make the median error least."""
    shifted = replace(fit, offset_ev=0.1)  # so that edges above the Fermi level are not cut at 0
    raw = np.array([shifted.gap(one.spectrum) for one in drawn]) - 0.1
    true = np.array([one.gap_ev for one in drawn])
    scales, offsets = np.linspace(0.4, 1.6, 25), np.linspace(-0.008, 0.012, 41)
    error = np.median(np.abs(scales[:, None, None] * raw + offsets[:, None] - true), axis=2)
    i, j = np.unravel_index(int(np.argmin(error)), error.shape)
    return replace(fit, scale=float(scales[i]), offset_ev=float(offsets[j]))


def tuned(kind: str, counts: float, methods: Sequence[str] = METHODS) -> list[tuple[float, PracticalFit]]:
    """Return the settings of the grid with their median errors, eV, on tuning spectra, the best first."""
    tried = []
    for number in sorted({_SPECTRA[method] for method in methods}):
        drawn = cases("tuning", 0, kind, counts, True, number)
        for fit in grid():
            if fit.method in methods and _SPECTRA[fit.method] == number:
                own = calibrated(fit, drawn) if fit.method == "leading edge" else fit
                tried.append((float(np.median(errors_ev(own, drawn))), own))
    return sorted(tried, key=lambda pair: pair[0])


def rises(kind: str, counts: float, number: int = 60) -> np.ndarray:
    """Return by how much a gap raises the log posterior of selection spectra that have none, from which ``RISE`` is."""
    drawn = cases("selection", 0, kind, counts, False, number)
    return np.array([posterior_of(one.spectrum, MODELS[kind]).rise for one in drawn])


def main() -> None:
    """Print the best settings of every method: python -m beamgym.scripts.gap_suite.tuning [METHOD]; or rise."""
    if sys.argv[1:] == ["rise"]:
        for kind in KINDS:
            for counts in LEVELS:
                print(kind, f"{counts:g}", np.quantile(rises(kind, counts), (0.9, 0.95, 0.98)).round(2), flush=True)
        return
    methods, counts = tuple(sys.argv[1:]) or METHODS, LEVELS[0]
    for kind in KINDS:
        ranked = tuned(kind, counts, methods)
        for method in methods:
            error, fit = next(pair for pair in ranked if pair[1].method == method)
            print(f"{kind} {counts:g} {1e3 * error:.2f} meV {fit}", flush=True)


if __name__ == "__main__":
    main()
