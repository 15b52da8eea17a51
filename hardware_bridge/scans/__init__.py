"""A diffractometer on the bridge: its part of the instrument file, and scans as plans of guarded moves and counts."""

from typing import TYPE_CHECKING, Any

from beamgym.hardware_bridge.scans.entry import DiffractometerTaskEntry

if TYPE_CHECKING:
    from beamgym.hardware_bridge.scans.instrument import ScanInstrument
    from beamgym.hardware_bridge.scans.scaler import ScalerDetector

__all__ = ["DiffractometerTaskEntry", "ScalerDetector", "ScanInstrument"]

_WHERE = {"ScanInstrument": "instrument", "ScalerDetector": "scaler"}


def __getattr__(name: str) -> Any:
    """Return what scans, which needs bluesky; imported when it is asked for."""
    if name in _WHERE:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
