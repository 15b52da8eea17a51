"""One instrument from connecting to closing, and what stops it."""

from beamgym.hardware_bridge.deployment.session.log_events import LogEvents
from beamgym.hardware_bridge.deployment.session.plan_engine import PlanEngine
from beamgym.hardware_bridge.deployment.session.session import AUDIT, KEEP_TRYING_S, Session
from beamgym.hardware_bridge.deployment.session.stop import StopButton, Stopped

__all__ = [
    "AUDIT",
    "KEEP_TRYING_S",
    "LogEvents",
    "PlanEngine",
    "Session",
    "StopButton",
    "Stopped",
]
