"""Spectra that are not as stated: what becomes of errors and coverage when a condition or an assumption is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from beamgym.physics.arpes.gaps import BAND, MODELS, DrawnGap, GapSpectrum, answer_gap, counted, mean_counts
from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.scripts.gap_suite.cases import cases
from beamgym.scripts.rates import Rate

COUNTS: Final = 1e4
_NODES = np.array([-1.5, -0.75, 0.0, 0.75, 1.5])


@dataclass(frozen=True, eq=False)
class OffJudged:
    """One way to be wrong: errors (n,) eV, whether the 68 % interval held the gap, and whether the misfit told."""

    name: str
    error: Float64Array
    held: BoolArray
    strange: BoolArray

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        return {
            "name": self.name,
            "median_ev": float(np.median(self.error)),
            "held": Rate.of(self.held).as_dict(),
            "strange": Rate.of(self.strange).as_dict(),
        }


def _resolution(one: DrawnGap) -> GapSpectrum:
    return replace(one.spectrum, resolution_ev=0.85 * one.spectrum.resolution_ev)


def _resolution_stated(one: DrawnGap) -> GapSpectrum:
    width = 0.85 * one.spectrum.resolution_ev
    return replace(one.spectrum, resolution_ev=width, resolution_error_ev=0.15 * width)


def _temperature(one: DrawnGap) -> GapSpectrum:
    return replace(one.spectrum, temperature_k=0.7 * one.spectrum.temperature_k)


def _fermi(one: DrawnGap) -> GapSpectrum:
    return replace(one.spectrum, fermi_error_ev=one.spectrum.fermi_error_ev / 3.0)


def _uneven(one: DrawnGap) -> GapSpectrum:
    return _counted_again(one, [one.gap_ev * (1.0 + 0.2 * x) for x in _NODES], one.parameters)


def _beside(one: DrawnGap) -> GapSpectrum:
    p = one.parameters.copy()
    p[BAND] += 0.005
    return _counted_again(one, [one.gap_ev], p)


def _counted_again(one: DrawnGap, gaps: list[float], parameters: Float64Array) -> GapSpectrum:
    means = [mean_counts(one.spectrum, one.kind, gap, parameters) for gap in gaps]
    seed = int(one.spectrum.counts.sum())
    return counted(one.spectrum, np.mean(means, axis=0), COUNTS, np.random.default_rng(seed))


WAYS: Final[dict[str, Callable[[DrawnGap], GapSpectrum]]] = {
    "as stated": lambda one: one.spectrum,
    "resolution stated 15 % too small": _resolution,
    "the same, stated ± 15 %": _resolution_stated,
    "temperature stated 30 % too low": _temperature,
    "Fermi level's error stated 3 times too small": _fermi,
    "gap varies by ± 20 % within the beam": _uneven,
    "5 meV beside the Fermi momentum": _beside,
}
"""What is wrong."""


def judge_off(kind: str, number: int, seed: int) -> list[OffJudged]:
    """Answer the same spectra once for every way to be wrong."""
    drawn = cases("test", seed, kind, COUNTS, True, number)
    true = np.array([one.gap_ev for one in drawn])
    out = []
    for name, changed in WAYS.items():
        answers = [answer_gap(changed(one), MODELS[kind]) for one in drawn]
        low, middle, high = (
            np.array([getattr(one, end) for one in answers]) for end in ("low_ev", "gap_ev", "high_ev")
        )
        strange = np.array([one.strange for one in answers])
        out.append(OffJudged(name, np.abs(middle - true), (low <= true) & (true <= high), strange))
    return out
