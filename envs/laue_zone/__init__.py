"""Find a symmetry axis of an unknown crystal with two axes."""

from beamgym.envs.laue_zone.factory import LaueZoneOptions, build
from beamgym.envs.laue_zone.rendering import ZoneRenderer
from beamgym.envs.laue_zone.task import LaueZoneTask, ZoneContext

__all__ = [
    "LaueZoneOptions",
    "LaueZoneTask",
    "ZoneContext",
    "ZoneRenderer",
    "build",
]
