"""Deployments as bluesky plans with plain arguments, for one's own RunEngine, blueapi and the queue server."""

from beamgym.hardware_bridge.plans.approvers import Approver, FileApprover, TerminalApprover, register_approver
from beamgym.hardware_bridge.plans.plans import align, check, check_directions, dry_run, find_spot, find_ub, go_back
from beamgym.hardware_bridge.plans.within import deployed

__all__ = [
    "Approver",
    "FileApprover",
    "TerminalApprover",
    "align",
    "check",
    "check_directions",
    "deployed",
    "dry_run",
    "find_spot",
    "find_ub",
    "go_back",
    "register_approver",
]
