"""Structures as users give them: CIF files, read by rules of their own, and the checks that every structure passes."""

from beamgym.physics.crystal.cif.read import CifWarning, read_cif
from beamgym.physics.crystal.cif.structure_input import (
    B_ISO,
    DEFAULT_B_ISO,
    BeamgymWarning,
    DebyeWallerWarning,
    check_structure,
    prepared,
)

__all__ = [
    "B_ISO",
    "DEFAULT_B_ISO",
    "BeamgymWarning",
    "CifWarning",
    "DebyeWallerWarning",
    "check_structure",
    "prepared",
    "read_cif",
]
