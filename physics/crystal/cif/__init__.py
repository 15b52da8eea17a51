"""Reads the first structure of a CIF file, by its own rules, or refuses it in one line."""

from beamgym.physics.crystal.cif.read import CifWarning, read_cif

__all__ = ["CifWarning", "read_cif"]
