"""Whether a frame shows the sample at all: each kind's own test, by which a run ends that has nothing before it."""

from beamgym.hardware_bridge.presence.counts import counts_presence
from beamgym.hardware_bridge.presence.crystal import CrystalPresence, crystal_presence
from beamgym.hardware_bridge.presence.finding import Presence, PresenceTest
from beamgym.hardware_bridge.presence.spectrum import spectrum_presence

__all__ = [
    "CrystalPresence",
    "Presence",
    "PresenceTest",
    "counts_presence",
    "crystal_presence",
    "spectrum_presence",
]
