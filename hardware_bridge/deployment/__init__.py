"""A run from connecting to its end."""

from beamgym.hardware_bridge.deployment.bundle_match import bundle_limits, match_bundle, plain_differences
from beamgym.hardware_bridge.deployment.session import AUDIT, KEEP_TRYING_S, Session
from beamgym.hardware_bridge.deployment.warm_up import warm_up

__all__ = [
    "AUDIT",
    "KEEP_TRYING_S",
    "Session",
    "bundle_limits",
    "match_bundle",
    "plain_differences",
    "warm_up",
]
