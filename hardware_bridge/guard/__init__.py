"""Every command to an instrument passes here: before, while and after something moves."""

from beamgym.hardware_bridge.guard.abort import AbortReport
from beamgym.hardware_bridge.guard.guard import Guard
from beamgym.hardware_bridge.guard.life import DeadMan, TokenFile
from beamgym.hardware_bridge.guard.speed import guard_step_ms

__all__ = [
    "AbortReport",
    "DeadMan",
    "Guard",
    "TokenFile",
    "guard_step_ms",
]
