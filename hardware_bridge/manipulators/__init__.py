"""A six-axis manipulator before an electron analyser: its part of the instrument file."""

from beamgym.hardware_bridge.manipulators.entry import ManipulatorTaskEntry

__all__ = ["ManipulatorTaskEntry"]
