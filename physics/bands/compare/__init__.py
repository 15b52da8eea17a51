"""Band structures compared: feature vectors, distances, and the numbers that are read off them."""

from beamgym.physics.bands.compare.distances import Comparison, compared
from beamgym.physics.bands.compare.features import TARGET_EV, FeatureVector, features, rebuilt, symmetry_centre
from beamgym.physics.bands.compare.quantities import FREE_EV_A2, BandGap, Extremum, extremum, gap_between

__all__ = [
    "FREE_EV_A2",
    "TARGET_EV",
    "BandGap",
    "Comparison",
    "Extremum",
    "FeatureVector",
    "compared",
    "extremum",
    "features",
    "gap_between",
    "rebuilt",
    "symmetry_centre",
]
