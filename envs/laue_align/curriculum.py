"""Starts that lie farther from the goal the better an agent does: each environment has its own distance."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from beamgym.physics.instrument import BoolArray, Float64Array

UP, DOWN = 1.1, 1.1**3
"""Factor of the distance after a success, and its inverse after a failure: it stays where three of four succeed, since
three steps up make one down (weighted up-down method; Kaernbach, Perception & Psychophysics 49 (1991) 227)."""
FIRST_TOLERANCES = 4.0
"""Tolerances within which the first starts lie, where nobody says another angle."""
ALL_DEG = 180.0
"""From this distance on mounts are drawn evenly from all orientations, as without a curriculum."""


@dataclass(frozen=True)
class Growth:
    """How far n environments have come.

    Parameters
    ----------
    within_deg : (n,) largest error of the start of the present episode, as the rule has it
    over : (n,) that episode has ended by itself, and counts
    won : (n,) and was a success
    given_deg : (n,) the same where a reset named a start of its own, which counts for nothing; NaN elsewhere
    """

    within_deg: Float64Array
    over: BoolArray
    won: BoolArray
    given_deg: Float64Array

    @property
    def told_deg(self) -> Float64Array:
        """(n,) largest error of the start of the present episode, as it was used."""
        return np.where(np.isnan(self.given_deg), self.within_deg, self.given_deg)


@dataclass(frozen=True)
class Curriculum:
    """The rule by which distances grow, and shrink again; they depend on an environment's own episodes alone.

    Parameters
    ----------
    first_deg : the distance of the first episode, and the least there is
    """

    first_deg: float

    def begin(self, n: int) -> Growth:
        """Return what n environments begin with."""
        no = np.zeros(n, dtype=np.bool_)
        return Growth(np.full(n, self.first_deg), no, no, np.full(n, np.nan))

    def next(self, growth: Growth, rows: BoolArray) -> Growth:
        """Return the growth when some rows (n,) begin another episode; one that was cut short counts for nothing."""
        counts = growth.over & rows
        step = np.where(growth.won, UP, 1.0 / DOWN)
        grown = np.clip(growth.within_deg * step, self.first_deg, ALL_DEG)
        return _begun(growth, np.where(counts, grown, growth.within_deg), rows)

    def anew(self, growth: Growth, rows: BoolArray) -> Growth:
        """Return the growth with some rows (n,) at their beginning."""
        return _begun(growth, np.where(rows, self.first_deg, growth.within_deg), rows)

    def given(self, growth: Growth, rows: BoolArray, start: Mapping[str, Any]) -> Growth:
        """Return the growth when a reset named where some rows (n,) begin.

        Where it named mounts or positions no distance is known, and all orientations may be.
        """
        within = start.get("start_within_deg", ALL_DEG)
        return replace(growth, given_deg=np.where(rows, np.minimum(within, ALL_DEG), growth.given_deg))

    def judged(self, growth: Growth, ended: BoolArray, success: BoolArray) -> Growth:
        """Return the growth after a step: which episodes have ended (n,), and with success (n,)."""
        counts = ended & np.isnan(growth.given_deg)
        return replace(growth, over=growth.over | counts, won=growth.won | (counts & success))

    def starts(self, growth: Growth) -> Float64Array:
        """Return what the world is told, (n,) degrees: infinity where all orientations may be drawn."""
        return np.where(growth.within_deg >= ALL_DEG, np.inf, growth.within_deg)


def _begun(growth: Growth, within_deg: Float64Array, rows: BoolArray) -> Growth:
    """Return the growth with other distances (n,), and some rows (n,) before an episode that the rule begins."""
    given = np.where(rows, np.nan, growth.given_deg)
    return Growth(within_deg, growth.over & ~rows, growth.won & ~rows, given)
