"""Simulated spectra whose gap is known: pairing, density waves, hard gaps and none, over the conditions of a bench."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from beamgym.physics.arpes.gaps.kernels import (
    BAND,
    BREAKING,
    FLOOR,
    HEIGHT,
    PARAMETERS,
    SHIFT,
    SHIRLEY,
    SLOPE,
    WIDTH,
    expected,
)
from beamgym.physics.arpes.gaps.models import MODELS
from beamgym.physics.arpes.gaps.spectrum import GapSpectrum, fold_of
from beamgym.physics.arrays import Float64Array

GAPS_EV: Final = (0.002, 0.030)
TEMPERATURES_K: Final = (5.0, 60.0)
RESOLUTIONS_EV: Final = (0.003, 0.015)
COUNTS: Final = (1e3, 1e5)


@dataclass(frozen=True, eq=False)
class DrawnGap:
    """A simulated EDC and its truth.

    Parameters
    ----------
    spectrum : as an experiment has it
    kind : of ``MODELS``
    gap_ev : true gap; 0 for none
    parameters : (10,) true parameters of the kernels
    mean : (n,) expected counts
    """

    spectrum: GapSpectrum
    kind: str
    gap_ev: float
    parameters: Float64Array
    mean: Float64Array


def drawn_gap(random: np.random.Generator, kind: str, gapped: bool, counts: float) -> DrawnGap:
    """Draw one EDC.

    Parameters
    ----------
    random : where from
    kind : of ``MODELS``
    gapped : whether it has a gap, 2 to 30 meV, evenly; else none
    counts : electrons expected in all pixels
    """
    gap = float(random.uniform(*GAPS_EV)) if gapped else 0.0
    temperature, resolution = random.uniform(*TEMPERATURES_K), random.uniform(*RESOLUTIONS_EV)
    fermi_error = float(np.exp(random.uniform(np.log(0.3e-3), np.log(1.5e-3))))
    step = random.uniform(1.0e-3, 2.0e-3)
    energy = step * np.arange(np.ceil(-0.15 / step), np.floor(0.06 / step) + 1)
    p = _parameters(random, kind, fermi_error)
    empty = GapSpectrum(energy, np.ones(energy.size), temperature, resolution, fermi_error)
    mean = mean_counts(empty, kind, gap, p)
    p[HEIGHT] = np.log(counts / mean.sum())
    return DrawnGap(counted(empty, mean, counts, random), kind, gap, p, mean * counts / mean.sum())


def mean_counts(spectrum: GapSpectrum, kind: str, gap_ev: float, parameters: Float64Array) -> Float64Array:
    """Return the expected counts (n,) of an EDC on a spectrum's pixels and under its conditions."""
    fold = fold_of(spectrum)
    fixed = fold.fine, fold.first, fold.weights, np.zeros(1), spectrum.kt_ev
    return np.asarray(expected(MODELS[kind].code, *fixed, gap_ev, parameters)[0])


def counted(spectrum: GapSpectrum, mean: Float64Array, counts: float, random: np.random.Generator) -> GapSpectrum:
    """Return the spectrum with counts drawn, so many expected in all."""
    return replace(spectrum, counts=random.poisson(mean * counts / mean.sum()).astype(np.float64), along=None)


def _parameters(random: np.random.Generator, kind: str, fermi_error_ev: float) -> Float64Array:
    """Draw widths, background and offsets; evenly in logarithms, within what materials show."""

    def between(low: float, high: float) -> float:
        return float(random.uniform(np.log(low), np.log(high)))

    p = np.zeros(PARAMETERS)
    p[SHIFT] = random.normal(0.0, fermi_error_ev)
    p[WIDTH] = between(0.004, 0.04) if kind in ("superconducting", "cdw") else between(0.001, 0.012)
    p[BREAKING] = between(0.0003, 0.006)
    p[BAND] = random.normal(*MODELS[kind].centre_ev) if MODELS[kind].centre_ev[1] > 0.0 else 0.0
    p[SHIRLEY] = between(0.1, 1.5)
    p[SLOPE] = random.uniform(-2.0, 3.0)
    p[FLOOR] = between(0.003, 0.05)
    return p
