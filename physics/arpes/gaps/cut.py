"""A cut across the Fermi momentum: all columns together, with a straight band whose place and velocity are fitted."""

from dataclasses import replace
from itertools import product

import numpy as np

from beamgym.physics.arpes.gaps.kernels import BAND, TILT, VELOCITY, WIDTH, fit_gaps
from beamgym.physics.arpes.gaps.models import GapModel, Priors
from beamgym.physics.arpes.gaps.spectrum import Fold, GapSpectrum
from beamgym.physics.arrays import Float64Array

MOST_COLUMNS = 16
"""Columns of a cut beyond which neighbours are added up."""
_VELOCITIES_EV = (-0.16, -0.05, 0.05, 0.16)
_BANDS_EV = (-0.03, 0.0, 0.03)
_TRIED_EV = (0.003, 0.015)
_KEPT = 2


def cut_spectrum(bare: GapSpectrum, columns: Float64Array) -> GapSpectrum:
    """Return a cut as a spectrum of many columns.

    Parameters
    ----------
    bare : an EDC on the same energies, under the same conditions
    columns : (a, n) electrons, evenly spaced along the slit

    Returns
    -------
    GapSpectrum of at most 16 columns, neighbours added up
    """
    group = -(-len(columns) // MOST_COLUMNS)
    number = len(columns) // group
    summed = columns[: group * number].reshape(number, group, -1).sum(axis=1)
    return replace(bare, counts=summed, along=np.linspace(-1.0, 1.0, number))


def cut_starts(spectrum: GapSpectrum, model: GapModel, fold: Fold, priors: Priors) -> Float64Array:
    """Return where fits of a cut begin: (2, 10), the best of many bands at two gaps."""
    tried = []
    for band, velocity, gap in product(_BANDS_EV, _VELOCITIES_EV, _TRIED_EV):
        start = priors.centre.copy()
        start[[BAND, VELOCITY, WIDTH, TILT]] = band, velocity, np.log(0.02), 0.0
        value, _, where = fit_gaps(
            model.code, fold.fine, fold.first, fold.weights, spectrum.columns, spectrum.kt_ev, np.array([gap]),
            spectrum.counts, priors.centre, priors.precision, start[None],
        )  # fmt: skip
        tried.append((float(value[0]), where[0]))
    tried.sort(key=lambda pair: -pair[0])
    return np.stack([where for _, where in tried[:_KEPT]])
