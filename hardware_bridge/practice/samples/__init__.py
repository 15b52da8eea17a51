"""The simulated sample of each kind of practice instrument, with its instrument about it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beamgym.hardware_bridge.practice.samples.diffractometer import COLUMNS, MONITOR_PER_S, ScanningSample, Sweep

__all__ = ["COLUMNS", "MONITOR_PER_S", "ScanningSample", "Sweep"]


def __getattr__(name: str) -> Any:
    """Return what counts, with the task of diffractometers; imported when it is asked for."""
    if name in __all__:
        from beamgym.hardware_bridge.practice.samples import diffractometer

        return getattr(diffractometer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
