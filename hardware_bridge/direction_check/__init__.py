"""A small known move of every axis shows that it turns the way the file says."""

from beamgym.hardware_bridge.direction_check.check import SignReport, judge_signs
from beamgym.hardware_bridge.direction_check.record import (
    check_signs,
    devices_digest,
    make_known_moves,
    make_seen_moves,
    signs_passed,
    write_signs,
)

__all__ = [
    "SignReport",
    "check_signs",
    "devices_digest",
    "judge_signs",
    "make_known_moves",
    "make_seen_moves",
    "signs_passed",
    "write_signs",
]
