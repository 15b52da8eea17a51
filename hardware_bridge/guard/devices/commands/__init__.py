"""One guarded command with its decisions and its two lines in the log, and what a device needs from its guard."""

from beamgym.hardware_bridge.guard.devices.commands.command import CommandLog, GuardedCommand
from beamgym.hardware_bridge.guard.devices.commands.supervisor import CHANGED, ROUNDS, Supervisor

__all__ = ["CHANGED", "ROUNDS", "CommandLog", "GuardedCommand", "Supervisor"]
