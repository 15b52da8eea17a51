"""A lattice that explains the frames, with the lines that count in it."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.zone_search.refinement import LatticeFit, refined, tolerance_rad
from beamgym.physics.laue.zone_search.symmetry import Axes, lines_along, shortness_nats, spread_deg
from beamgym.physics.laue.zone_search.views import Views

LARGEST_INDEX = 16
"""Of a spot on a reduced lattice."""
SAME_DEG = 1.0
"""Lattices whose lines are nearer to each other than this are one."""
_IN_A_BALL = 1.55  # ln of the rays with |q| up to Q, beside mean(3 ln |q|) - ln V*: 1 + ln(4 pi / (3 * 2 * zeta(3)))
_PASSES = 4


@dataclass(frozen=True)
class FoundLattice:
    """A lattice on some frames, refined so that its axes keep it.

    Parameters
    ----------
    fit : the lattice
    axes : directions that count, and the turns about symmetry axes
    cost : nats it takes to tell the spots with its help; differences between lattices are logarithms of odds
    nothing : nats it takes to tell the spots without a lattice
    spots : in all frames, indexed or not
    lines : (k, 3) unit vectors along the directions that count, in the goniometer's frame
    spread_deg : (k,) standard deviation of their directions, degrees
    """

    fit: LatticeFit
    axes: Axes
    cost: float
    nothing: float
    spots: int
    lines: Float64Array
    spread_deg: Float64Array

    @property
    def saved(self) -> float:
        """Nats saved against spots that no lattice explains."""
        return self.nothing - self.cost

    def like(self, other: "FoundLattice") -> bool:
        """Whether the lines of two lattices are the same to ``SAME_DEG``."""
        cosines = np.abs(self.lines @ other.lines.T).max(axis=1)
        return bool((cosines > np.cos(np.radians(SAME_DEG))).all())

    @property
    def matched(self) -> int:
        """Spots with indices."""
        return int(self.fit.indexed.sum())


def fitted(views: Views, distance_mm: float, basis: Float64Array, axes: Axes) -> FoundLattice | None:
    """Return a lattice refined on all frames with its axes, or None where too few spots have indices."""
    fit = refined(views, distance_mm, basis, LARGEST_INDEX, _PASSES, axes.turns)
    if fit is None:
        return None
    lines = lines_along(fit.basis, axes.uvw)
    spread = spread_deg(fit.basis, fit.covariance, axes.uvw)
    cost = cost_of(views, fit)
    if not len(axes.turns):  # no symmetry axis, the shortest vector counts
        cost += shortness_nats(fit.basis, fit.covariance, axes.uvw[0])
    return FoundLattice(fit, axes, cost, views.spots * place_nats(views), views.spots, lines, spread)


def cost_of(views: Views, fit: LatticeFit) -> float:
    """Return the nats that tell all spots: which ray and how far off for indexed ones, which place for the others."""
    return indexed_nats(fit) * int(fit.indexed.sum()) + 0.5 * fit.chi2 + int((~fit.indexed).sum()) * place_nats(views)


def indexed_nats(fit: LatticeFit) -> float:
    """Return the nats that tell which of the rays as short as the spots' an indexed one is; there are no fewer rays."""
    length = np.linalg.norm(fit.hkl[fit.indexed] @ fit.basis.T, axis=1)
    return max(float(3.0 * np.log(length).mean()) + _IN_A_BALL, float(np.log(len(length))))


def place_nats(views: Views) -> float:
    """Return the nats that tell where on the hemisphere, within the tolerance, a spot without indices lies."""
    return float(np.log(2.0 / tolerance_rad(views) ** 2))
