"""A guarded motor: decided on before it is sent, followed while it moves, judged when it stands."""

from beamgym.hardware_bridge.guard.devices.axis.guarded import GuardedAxis
from beamgym.hardware_bridge.guard.devices.axis.state import AxisState

__all__ = ["AxisState", "GuardedAxis"]
