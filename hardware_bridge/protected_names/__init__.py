"""Names of what no policy may command: personnel protection, front ends, vacuum valves, insertion devices."""

from beamgym.hardware_bridge.protected_names.files import FOLDERS, VARIABLE, read_protected_names
from beamgym.hardware_bridge.protected_names.names import Protected, ProtectedNames

__all__ = ["FOLDERS", "VARIABLE", "Protected", "ProtectedNames", "read_protected_names"]
