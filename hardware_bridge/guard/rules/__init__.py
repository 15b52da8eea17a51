"""The guard's rules as pure functions, so that a log can be replayed."""

from beamgym.hardware_bridge.guard.rules.axes import swept_interval
from beamgym.hardware_bridge.guard.rules.decision import ITEMS, Decision, GuardRefused, refusal
from beamgym.hardware_bridge.guard.rules.replay import replay
from beamgym.hardware_bridge.guard.rules.rules import RULES

__all__ = ["ITEMS", "RULES", "Decision", "GuardRefused", "refusal", "replay", "swept_interval"]
