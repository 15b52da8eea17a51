"""The practice instrument, served over EPICS Channel Access, with faults to order."""

from beamgym.hardware_bridge.practice.audit_compare import Agreement, compare_with_record
from beamgym.hardware_bridge.practice.process import IocProcess

__all__ = [
    "Agreement",
    "IocProcess",
    "compare_with_record",
]
