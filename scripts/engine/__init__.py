"""Where the work of a command is done, `--workers` and `--ray`, and how far it is."""

from beamgym.scripts.engine.options import Ray, check_place, executor_for
from beamgym.scripts.engine.place import PLACES, Place, place_of
from beamgym.scripts.engine.telling import told

__all__ = [
    "PLACES",
    "Place",
    "Ray",
    "check_place",
    "executor_for",
    "place_of",
    "told",
]
