"""A small known move of every axis shows that it turns the way the file says."""

from beamgym.hardware_bridge.direction_check.check import DirectionReport, judge_directions
from beamgym.hardware_bridge.direction_check.coordinates import Coordinates, coordinates_of
from beamgym.hardware_bridge.direction_check.record import (
    devices_digest,
    direction_check_passed,
    make_known_moves,
    make_seen_moves,
    require_direction_check,
    require_same_coordinates,
    write_direction_record,
)
from beamgym.hardware_bridge.direction_check.ways import check_by_eye, check_by_frames, check_directions

__all__ = [
    "Coordinates",
    "DirectionReport",
    "check_by_eye",
    "check_by_frames",
    "check_directions",
    "coordinates_of",
    "devices_digest",
    "direction_check_passed",
    "judge_directions",
    "make_known_moves",
    "make_seen_moves",
    "require_direction_check",
    "require_same_coordinates",
    "write_direction_record",
]
