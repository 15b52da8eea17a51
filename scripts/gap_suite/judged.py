"""Every spectrum of a set answered by all: errors, what intervals hold the truth, what is told as none."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from beamgym.physics.arpes.gaps import MODELS, TUNED, answer_gap, most_likely_gap
from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.scripts.gap_suite.cases import cases
from beamgym.scripts.gap_suite.tuning import WORST_EV
from beamgym.scripts.rates import Rate

SHARES: Final = (0.5, 0.68, 0.9, 0.95)
"""Of the probability in the intervals whose coverage is told."""
_DRAWS = 1000


@dataclass(frozen=True, eq=False)
class Judged:
    """One kind of gap at one number of electrons; errors in eV, (n,) each.

    Parameters
    ----------
    kind, counts : of the set
    own, likely : errors of the answer, and of the most likely gap under the true model
    people : errors of the fits people make, by method
    held : (4, n) whether the intervals of ``SHARES`` hold the truth
    seen, above : whether a gap was said to be there; whether it was above the limit stated with the answer
    false : (n,) of spectra without a gap, whether one was said to be there
    limit : limits stated, eV
    """

    kind: str
    counts: float
    own: Float64Array
    likely: Float64Array
    people: dict[str, Float64Array]
    held: BoolArray
    seen: BoolArray
    above: BoolArray
    false: BoolArray
    limit: Float64Array

    @property
    def best(self) -> str:
        """The method of people's that has the smallest median error here."""
        return min(self.people, key=lambda name: float(np.median(self.people[name])))

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        return {
            "kind": self.kind,
            "counts": self.counts,
            "median_ev": float(np.median(self.own)),
            "likely_ev": float(np.median(self.likely)),
            "people_ev": {name: float(np.median(error)) for name, error in self.people.items()},
            "coverage": {f"{share:g}": float(row.mean()) for share, row in zip(SHARES, self.held, strict=True)},
            "seen": float(self.seen.mean()),
            "seen_above": Rate.of(self.seen[self.above]).as_dict(),
            "none": Rate.of(~self.false).as_dict(),
            "limit_ev": float(np.median(self.limit)),
            "errors_ev": self.own.tolist(),
            "likely_errors_ev": self.likely.tolist(),
            "people_errors_ev": {name: error.tolist() for name, error in self.people.items()},
            "held_68": self.held[1].tolist(),
        }


def judge(kind: str, counts: float, number: int, seed: int) -> Judged:
    """Answer spectra with and without a gap, ``number`` of each."""
    model = MODELS[kind]
    drawn = cases("test", seed, kind, counts, True, number)
    answers = [answer_gap(one.spectrum, model) for one in drawn]
    empty = [answer_gap(one.spectrum, model) for one in cases("test", seed, kind, counts, False, number)]
    true = np.array([one.gap_ev for one in drawn])
    likely = np.array([most_likely_gap(one.spectrum, model, one.parameters, one.gap_ev) for one in drawn])
    people = {name: np.array([fit.gap(one.spectrum) for one in drawn]) for name, fit in TUNED[kind].items()}
    limit = np.array([one.limit_ev for one in answers])
    ends = [[[one.posterior.quantile(0.5 + h * share) for one in answers] for h in (-0.5, 0.5)] for share in SHARES]
    return Judged(
        kind,
        counts,
        np.abs(np.array([one.gap_ev for one in answers]) - true),
        np.abs(likely - true),
        {name: np.where(np.isfinite(gap), np.abs(gap - true), WORST_EV) for name, gap in people.items()},
        np.array([(np.array(low) <= true) & (true <= np.array(high)) for low, high in ends]),
        np.array([one.seen for one in answers]),
        true > limit,
        np.array([one.seen for one in empty]),
        limit,
    )


def ratio(one: Float64Array, other: Float64Array) -> tuple[float, float, float]:
    """Return the ratio of two median errors of the same spectra, and its 95 % interval by drawing spectra anew."""
    random = np.random.default_rng(0)
    picks = random.integers(0, one.size, (_DRAWS, one.size))
    drawn = np.median(one[picks], axis=1) / np.median(other[picks], axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(np.median(one) / np.median(other)), float(low), float(high)
