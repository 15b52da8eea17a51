"""What one frame tells of a known crystal's orientation: how far off it is, and what many frames say together."""

from beamgym.physics.laue.sight.errors import SightErrors, by_matched, index_errors, readings, sight_errors
from beamgym.physics.laue.sight.follow import Followed, begin, follow, foreseen_deg, merged, take

__all__ = [
    "Followed",
    "SightErrors",
    "begin",
    "by_matched",
    "follow",
    "foreseen_deg",
    "index_errors",
    "merged",
    "readings",
    "sight_errors",
    "take",
]
