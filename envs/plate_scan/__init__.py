"""Learn how the crystals of a plate stand, in little beam time."""

from typing import TYPE_CHECKING, Any

from beamgym.envs.plate_scan.context import EXPOSURE_S, FIRST_EXPOSURE_S, KNOWN_DEG, ScanContext, ScanReward
from beamgym.envs.plate_scan.factory import PlateScanOptions, build, task_over
from beamgym.envs.plate_scan.model_world import SPOTS, ModelPlates
from beamgym.envs.plate_scan.setting import ScanSetting
from beamgym.envs.plate_scan.task import PlateScanTask
from beamgym.envs.plate_scan.views import FIELDS, SCAN_UNITS

if TYPE_CHECKING:
    from beamgym.envs.plate_scan.rendering import ScanRenderer

__all__ = [
    "EXPOSURE_S",
    "FIELDS",
    "FIRST_EXPOSURE_S",
    "KNOWN_DEG",
    "SCAN_UNITS",
    "SPOTS",
    "ModelPlates",
    "PlateScanOptions",
    "PlateScanTask",
    "ScanContext",
    "ScanRenderer",
    "ScanReward",
    "ScanSetting",
    "build",
    "task_over",
]


def __getattr__(name: str) -> Any:
    """Return what draws pictures; imported when it is asked for, since matplotlib is half of a start."""
    if name == "ScanRenderer":
        from beamgym.envs.plate_scan.rendering import ScanRenderer

        return ScanRenderer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
