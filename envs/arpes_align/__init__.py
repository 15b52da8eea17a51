"""Bring a cleaved crystal before an analyser: site, focus, normal along the lens, a direction along the slit."""

from typing import TYPE_CHECKING, Any

from beamgym.envs.arpes_align.context import STEPS, STILL, ArpesAlignContext, PoseReward, StandsWithin
from beamgym.envs.arpes_align.factory import MIRROR, ArpesAlignOptions, build, task_over
from beamgym.envs.arpes_align.setting import PoseSetting
from beamgym.envs.arpes_align.task import ArpesAlignTask
from beamgym.envs.arpes_align.views import BRIGHTEST, POSE_UNITS, counts_of_grey

if TYPE_CHECKING:
    from beamgym.envs.arpes_align.rendering import PoseRenderer

__all__ = [
    "BRIGHTEST",
    "MIRROR",
    "POSE_UNITS",
    "STEPS",
    "STILL",
    "ArpesAlignContext",
    "ArpesAlignOptions",
    "ArpesAlignTask",
    "PoseRenderer",
    "PoseReward",
    "PoseSetting",
    "StandsWithin",
    "build",
    "counts_of_grey",
    "task_over",
]


def __getattr__(name: str) -> Any:
    """Return what draws pictures; imported when it is asked for, since matplotlib is half of a start."""
    if name == "PoseRenderer":
        from beamgym.envs.arpes_align.rendering import PoseRenderer

        return PoseRenderer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
