"""The fit of largest likelihood with the true model: what no prior knowledge of widths and background can give."""

import numpy as np

from beamgym.physics.arpes.gaps.kernels import fit_gaps
from beamgym.physics.arpes.gaps.models import GapModel, flattened, priors_of
from beamgym.physics.arpes.gaps.posterior import LARGEST_EV, height_of
from beamgym.physics.arpes.gaps.spectrum import GapSpectrum, fold_of
from beamgym.physics.arrays import Float64Array

_POINTS, _ROUNDS = 24, 3


def most_likely_gap(spectrum: GapSpectrum, model: GapModel, start: Float64Array, about_ev: float) -> float:
    """Return the gap of largest likelihood, eV; Fermi level and centre are held by what is stated of them.

    Parameters
    ----------
    spectrum, model : what was measured, and its kind
    start : (10,) parameters of the kernels at which fits begin, such as the true ones
    about_ev : a gap near which the search is closest, such as the true one

    Notes
    -----
    The likelihood is maximised in the other parameters on a grid of gaps, which is then narrowed thrice about its best.
    """
    priors = flattened(priors_of(model, height_of(spectrum), spectrum.fermi_error_ev, len(spectrum.counts) > 1))
    fold = fold_of(spectrum)
    gaps = np.unique(
        np.concatenate([np.linspace(0.0, LARGEST_EV, _POINTS // 2), about_ev * np.geomspace(0.4, 2.5, 12)])
    )
    begin = start
    for _ in range(_ROUNDS):
        value, _, where = fit_gaps(
            model.code, fold.fine, fold.first, fold.weights, spectrum.columns, spectrum.kt_ev, gaps, spectrum.counts,
            priors.centre, priors.precision, begin[None],
        )  # fmt: skip
        best = int(np.argmax(value))
        found, begin = float(gaps[best]), where[best]
        gaps = np.linspace(gaps[max(best - 1, 0)], gaps[min(best + 1, gaps.size - 1)], 9)
    return found
