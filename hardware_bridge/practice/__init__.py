"""The practice instrument, served over EPICS Channel Access, with faults to order."""

from beamgym.hardware_bridge.practice.audit_compare import compare_with_record
from beamgym.hardware_bridge.practice.process import IocProcess

__all__ = [
    "IocProcess",
    "compare_with_record",
]
