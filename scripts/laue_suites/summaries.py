"""What holds over all rows: success, success against exposures, and whether what was claimed was right."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from beamgym.physics.instrument import BoolArray
from beamgym.scripts.laue_suites.measured import CLAIM_EDGES, Measured
from beamgym.scripts.rates import Rate

DRAWS = 4000
"""Draws of the bootstrap over all rows."""
BUDGETS = (1, 2, 3, 4, 6, 10, 20)
"""Exposures up to which success is told."""

Shares = tuple[float, float, float]
"""A mean over rows with the low and the high end of its interval, shares from 0 to 1."""


def over_all_rows(measured: Sequence[Measured]) -> dict[str, Shares]:
    """Return, for every policy that played all rows, mean success over rows with its interval."""
    return {name: stratified([one.aligned for one in rows]) for name, rows in _everywhere(measured).items()}


def against_exposures(measured: Sequence[Measured], budgets: Sequence[int] = BUDGETS) -> dict[str, list[Shares]]:
    """Return, for every policy that played all rows, mean success had only so many exposures been allowed."""
    return {
        name: [stratified([_within(one, budget) for one in rows]) for budget in budgets]
        for name, rows in _everywhere(measured).items()
    }


def stratified(rates: Sequence[Rate]) -> Shares:
    """Return the mean share over rows, and the 95 % interval of a bootstrap stratified by rows.

    Every row counts alike; episodes are drawn anew within their row (Agarwal et al., "Deep Reinforcement Learning at
    the Edge of the Statistical Precipice", NeurIPS 2021).
    """
    rng = np.random.default_rng(0)
    drawn = np.mean([rng.binomial(rate.total, rate.share, DRAWS) / rate.total for rate in rates], axis=0)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(np.mean([rate.share for rate in rates])), float(low), float(high)


def claims_held(measured: Sequence[Measured]) -> list[tuple[str, float, float, float, Rate]]:
    """Return, for every policy and class of stated probability, over all rows: what was stated, and what was right.

    Returns
    -------
    (policy, lower end, upper end, mean probability stated, share right) of the classes that hold declarations
    """
    found = []
    for name in dict.fromkeys(one.result.name for one in measured):
        claims = np.concatenate([one.claims for one in measured if one.result.name == name])
        right = np.concatenate([one.result.episodes.success for one in measured if one.result.name == name])
        for low, high in pairwise((*CLAIM_EDGES, np.inf)):
            inside: BoolArray = (claims >= low) & (claims < high)
            if inside.any():
                found.append((name, low, min(high, 1.0), float(claims[inside].mean()), Rate.of(right[inside])))
    return found


def _within(one: Measured, budget: int) -> Rate:
    episodes = one.result.episodes
    return Rate.of(episodes.success & (episodes.exposures <= budget))


def _everywhere(measured: Sequence[Measured]) -> dict[str, list[Measured]]:
    names, rows = {one.row.name for one in measured}, {}
    for policy in dict.fromkeys(one.result.name for one in measured):
        theirs = [one for one in measured if one.result.name == policy]
        if len(theirs) == len(names):
            rows[policy] = theirs
    return rows
