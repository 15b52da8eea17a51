"""From found spots, or from an image, to an orientation, refined with the camera's geometry."""

from beamgym.physics.laue.indexing.camera_search import FoundCamera, find_camera
from beamgym.physics.laue.indexing.cylinder_search import solve_on_cylinder
from beamgym.physics.laue.indexing.grains import MOST_GRAINS, find_grains, shares_of_light
from beamgym.physics.laue.indexing.handedness import Hand, HandednessCheck, check_handedness
from beamgym.physics.laue.indexing.indexing import Indexed, Indexer, NotIndexed, predict_px
from beamgym.physics.laue.indexing.measured import (
    Finder,
    MeasuredPattern,
    pattern_of,
    read_pattern,
    straightened,
    transposed,
    within_radius,
)
from beamgym.physics.laue.indexing.open_camera import SeenGrain, grain_near, grains_at_distances
from beamgym.physics.laue.indexing.plausibility import Plausibility, plausibility
from beamgym.physics.laue.indexing.refinement import (
    CALIBRATED,
    CYLINDER,
    IN_WORDS,
    CameraKnowledge,
    Refined,
    geometry_change,
    refine,
)
from beamgym.physics.laue.indexing.solver import BAND_KEV, IndexingFailed, SolvedPattern, solve
from beamgym.physics.laue.matching import MIN_MATCHED

__all__ = [
    "BAND_KEV",
    "CALIBRATED",
    "CYLINDER",
    "IN_WORDS",
    "MIN_MATCHED",
    "MOST_GRAINS",
    "CameraKnowledge",
    "Finder",
    "FoundCamera",
    "Hand",
    "HandednessCheck",
    "Indexed",
    "Indexer",
    "IndexingFailed",
    "MeasuredPattern",
    "NotIndexed",
    "Plausibility",
    "Refined",
    "SeenGrain",
    "SolvedPattern",
    "check_handedness",
    "find_camera",
    "find_grains",
    "geometry_change",
    "grain_near",
    "grains_at_distances",
    "pattern_of",
    "plausibility",
    "predict_px",
    "read_pattern",
    "refine",
    "shares_of_light",
    "solve",
    "solve_on_cylinder",
    "straightened",
    "transposed",
    "within_radius",
]
