"""A plate of crystals on a real stage: its part of the instrument file, and its scan through the guard."""

from typing import TYPE_CHECKING, Any

from beamgym.hardware_bridge.plates.entry import MosaicTaskEntry

if TYPE_CHECKING:
    from beamgym.hardware_bridge.plates.scanning import PlateStage, ScanPlan, scan_over

__all__ = ["MosaicTaskEntry", "PlateStage", "ScanPlan", "scan_over"]


def __getattr__(name: str) -> Any:
    """Return what scans, which needs bluesky; imported when it is asked for."""
    if name in ("PlateStage", "ScanPlan", "scan_over"):
        from beamgym.hardware_bridge.plates import scanning

        return getattr(scanning, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
