"""Compares an instrument file with what its devices say they are set to; every difference is a line with its remedy."""

from beamgym.hardware_bridge.settings_check.difference import Difference, refused
from beamgym.hardware_bridge.settings_check.read import read_differences

__all__ = ["Difference", "read_differences", "refused"]
