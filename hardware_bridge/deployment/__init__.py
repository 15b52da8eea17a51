"""The headless run: every mode takes a policy and an instrument, returns data, and reports through one sink."""

from beamgym.hardware_bridge.deployment.bundle_match import bundle_limits, match_bundle, plain_differences
from beamgym.hardware_bridge.deployment.causes import DeployFailed
from beamgym.hardware_bridge.deployment.check import check
from beamgym.hardware_bridge.deployment.deployment import Deployment
from beamgym.hardware_bridge.deployment.directions import (
    DirectionCheck,
    ensure_directions,
    make_direction_check,
    refuse_other_coordinates,
    refuse_unchecked,
)
from beamgym.hardware_bridge.deployment.dry_run import DryRun, dry_run
from beamgym.hardware_bridge.deployment.instrument import OpenedInstrument, open_instrument
from beamgym.hardware_bridge.deployment.policy import DeployedPolicy, deployed_policy, refuse_aimless
from beamgym.hardware_bridge.deployment.practise import Comparison, practise
from beamgym.hardware_bridge.deployment.run import run
from beamgym.hardware_bridge.deployment.session import AUDIT, KEEP_TRYING_S, PlanEngine, Session, StopButton, Stopped
from beamgym.hardware_bridge.deployment.terms import Options
from beamgym.hardware_bridge.deployment.verify import Verification, verify
from beamgym.hardware_bridge.deployment.warm_up import warm_up

__all__ = [
    "AUDIT",
    "KEEP_TRYING_S",
    "Comparison",
    "DeployFailed",
    "DeployedPolicy",
    "Deployment",
    "DirectionCheck",
    "DryRun",
    "OpenedInstrument",
    "Options",
    "PlanEngine",
    "Session",
    "StopButton",
    "Stopped",
    "Verification",
    "bundle_limits",
    "check",
    "deployed_policy",
    "dry_run",
    "ensure_directions",
    "make_direction_check",
    "match_bundle",
    "open_instrument",
    "plain_differences",
    "practise",
    "refuse_aimless",
    "refuse_other_coordinates",
    "refuse_unchecked",
    "run",
    "verify",
    "warm_up",
]
