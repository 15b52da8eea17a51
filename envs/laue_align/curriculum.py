"""Starts that lie farther from the goal the better an agent does: each environment has its own distance."""

from dataclasses import dataclass, replace

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
    within_deg : (n,) largest error of the start of the present episode
    over : (n,) that episode has ended by itself
    won : (n,) and was a success
    """

    within_deg: Float64Array
    over: BoolArray
    won: BoolArray


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
        return Growth(np.full(n, self.first_deg), no, no)

    def next(self, growth: Growth, rows: BoolArray) -> Growth:
        """Return the growth when some rows (n,) begin another episode; one that was cut short counts for nothing."""
        counts = growth.over & rows
        step = np.where(growth.won, UP, 1.0 / DOWN)
        grown = np.clip(growth.within_deg * step, self.first_deg, ALL_DEG)
        return Growth(np.where(counts, grown, growth.within_deg), growth.over & ~rows, growth.won & ~rows)

    def anew(self, growth: Growth, rows: BoolArray) -> Growth:
        """Return the growth with some rows (n,) at their beginning."""
        first = self.begin(len(rows))
        return Growth(np.where(rows, first.within_deg, growth.within_deg), growth.over & ~rows, growth.won & ~rows)

    def judged(self, growth: Growth, ended: BoolArray, success: BoolArray) -> Growth:
        """Return the growth after a step: which episodes have ended (n,), and with success (n,)."""
        return replace(growth, over=growth.over | ended, won=growth.won | (ended & success))

    def starts(self, growth: Growth) -> Float64Array:
        """Return what the world is told, (n,) degrees: infinity where all orientations may be drawn."""
        return np.where(growth.within_deg >= ALL_DEG, np.inf, growth.within_deg)
