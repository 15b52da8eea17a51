"""Unknown lattices from patterns alone: distance, reciprocal lattice up to its scale, directions of symmetry axes."""

from beamgym.physics.laue.zone_search.found import FoundLattice, fitted
from beamgym.physics.laue.zone_search.search import search_lattices
from beamgym.physics.laue.zone_search.views import View, Views

__all__ = [
    "FoundLattice",
    "View",
    "Views",
    "fitted",
    "search_lattices",
]
