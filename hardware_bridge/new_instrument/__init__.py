"""Writes an instrument file from what the records of an instrument say, with what a human has to decide left open."""

from beamgym.hardware_bridge.new_instrument.request import NewInstrument, new_instrument
from beamgym.hardware_bridge.new_instrument.write import Written, write_instrument

__all__ = ["NewInstrument", "Written", "new_instrument", "write_instrument"]
