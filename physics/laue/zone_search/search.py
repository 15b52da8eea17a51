"""The search: distance by zones, bases by quadruples, commensurate lattices by nats, axes by what keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.laue.zone import AxisChoice, CrystalSystem
from beamgym.physics.laue.zone_search.commensurate import Lattice, related_lattices
from beamgym.physics.laue.zone_search.distances import sharp_distances
from beamgym.physics.laue.zone_search.found import LARGEST_INDEX, FoundLattice, cost_of, fitted
from beamgym.physics.laue.zone_search.kernels import best_quadruples, spread_over_zones, zone_memberships
from beamgym.physics.laue.zone_search.refinement import LatticeFit, refined, tolerance_rad
from beamgym.physics.laue.zone_search.symmetry import Axes, possible_axes
from beamgym.physics.laue.zone_search.views import Views

CHOSEN, ON_ONE_ZONE = 16, 5
"""Spots that are tried as a basis, and how many of them may lie on one zone."""
SMALL_INDEX = 8
"""Largest index on the basis of a quadruple."""
BASES, FOLLOWED, ENOUGH = 8, 6, 2
"""Bases kept of each distance, followed of all, and followed where a lattice with the right axes was among them."""
INDEXED = 0.7
"""Share of the spots that such a lattice indexes."""
REFINED = 8
"""Lattices that are refined with their axes."""
NEAR, WIDE = 17.0, 55.0
"""A turn that misses the lattice by less than so many errors of a normal is likely, or possible."""
LIKELIER_NATS = 60.0
LEAST_SHARE = 0.02


@dataclass(frozen=True)
class _Candidate:
    cost: float
    fit: LatticeFit
    lattice: Lattice
    axes: Axes

    def fits(self, views: Views) -> bool:
        """Whether it indexes most spots and has the system's axes."""
        return float(self.fit.indexed.mean()) >= INDEXED and self.axes.misfit < NEAR * views.sigma_rad


def search_lattices(views: Views, system: CrystalSystem, choice: AxisChoice = "principal") -> list[FoundLattice]:
    """Return the lattices of a crystal system that explain the spots of some frames, the likeliest first.

    Parameters
    ----------
    views : the frames, the camera as stated, the spots' error
    system : the crystal's system
    choice : which axes count

    Returns
    -------
    lattices whose lines differ; none where nothing fits
    """
    candidates: list[_Candidate] = []
    for number, (_, distance, basis) in enumerate(_bases(views)[:FOLLOWED]):
        if number < ENOUGH or not any(one.fits(views) for one in candidates):
            candidates += _candidates(views, distance, basis, system, choice)
    candidates.sort(key=lambda one: one.cost)
    found: dict[tuple[float, float, float], FoundLattice] = {}
    for one in candidates:
        key = (round(one.cost, 3), round(one.axes.misfit, 6), _length(one))
        if len(found) < REFINED and key not in found:
            lattice = fitted(views, one.fit.distance_mm, one.lattice.basis, one.axes)
            if lattice is not None:
                found[key] = lattice
    return _distinct(sorted(found.values(), key=lambda one: one.cost))


def _bases(views: Views) -> list[tuple[float, float, Float64Array]]:
    """Return (score, distance, basis) of the best quadruples at the sharpest distances."""
    out = []
    for distance in sharp_distances(views):
        normals = views.normals(distance)
        order = np.argsort(-zone_memberships(normals, views.sigma_rad), kind="stable")
        chosen = spread_over_zones(normals, order, 4.0 * views.sigma_rad, CHOSEN, ON_ONE_ZONE)
        score, bases = np.empty(BASES), np.empty((BASES, 3, 3))
        best_quadruples(normals, chosen, tolerance_rad(views), SMALL_INDEX, LEAST_SHARE, score, bases)
        out += [(float(score[i]), distance, bases[i]) for i in range(BASES) if score[i] > 0.0]
    return sorted(out, key=lambda one: -one[0])


def _candidates(
    views: Views, distance_mm: float, basis: Float64Array, system: CrystalSystem, choice: AxisChoice
) -> list[_Candidate]:
    """Return the lattices commensurate with a basis that have the system's axes."""
    rough = refined(views, distance_mm, basis, SMALL_INDEX, 3)
    if rough is None:
        return []
    short = related_lattices(rough.basis, _whole(rough), width=3, depth=3)[0]
    fit = refined(views, rough.distance_mm, short.basis, LARGEST_INDEX, 4)
    if fit is None:
        return []
    out = []
    for lattice in related_lattices(fit.basis, _whole(fit)):
        unit = lattice.basis / np.cbrt(abs(np.linalg.det(lattice.basis)))
        cost = cost_of(views, fit._replace(basis=unit, hkl=_spread(fit, lattice)))
        for axes in possible_axes(unit, system, choice, WIDE * views.sigma_rad):
            unlikely = 0.0 if axes.misfit < NEAR * views.sigma_rad else LIKELIER_NATS
            out.append(_Candidate(cost + unlikely, fit, lattice, axes))
    return out


def _length(one: _Candidate) -> float:
    """Return the length of its first direct vector that counts: it tells apart candidates of one lattice."""
    return round(float(np.linalg.norm(one.axes.uvw[0] @ np.linalg.inv(one.lattice.basis))), 6)


def _whole(fit: LatticeFit) -> Int64Array:
    return np.rint(fit.hkl[fit.indexed]).astype(np.int64)


def _spread(fit: LatticeFit, lattice: Lattice) -> Float64Array:
    """Return the lattice's indices (n, 3) for all spots, zeros for those without."""
    hkl = np.zeros_like(fit.hkl)
    hkl[fit.indexed] = lattice.hkl
    return hkl


def _distinct(found: Sequence[FoundLattice]) -> list[FoundLattice]:
    kept: list[FoundLattice] = []
    for one in found:
        if not any(one.like(other) for other in kept):
            kept.append(one)
    return kept
