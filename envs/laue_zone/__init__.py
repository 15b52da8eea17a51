"""Find a symmetry axis of an unknown crystal with two axes."""

from typing import TYPE_CHECKING, Any

from beamgym.envs.laue_zone.charted_task import ZONE_FIELDS, ZONE_UNITS, ZONES
from beamgym.envs.laue_zone.factory import LaueZoneOptions, build
from beamgym.envs.laue_zone.task import LaueZoneTask, ZoneContext

if TYPE_CHECKING:
    from beamgym.envs.laue_zone.rendering import ZoneRenderer

__all__ = [
    "ZONES",
    "ZONE_FIELDS",
    "ZONE_UNITS",
    "LaueZoneOptions",
    "LaueZoneTask",
    "ZoneContext",
    "ZoneRenderer",
    "build",
]


def __getattr__(name: str) -> Any:
    """Return what draws pictures; imported when it is asked for, since matplotlib is half of a start."""
    if name == "ZoneRenderer":
        from beamgym.envs.laue_zone.rendering import ZoneRenderer

        return ZoneRenderer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
