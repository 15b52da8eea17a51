"""What a run leaves behind: the chained audit log, documents, frames, confirmations."""

from beamgym.hardware_bridge.records.audit import AuditError, AuditLog
from beamgym.hardware_bridge.records.audit_check import LogReport, read_log, verify_log
from beamgym.hardware_bridge.records.confirmation import MODES, Confirmation, content_digest, store_of, subject
from beamgym.hardware_bridge.records.documents import Consumer, DocumentCollector, JsonLines, tiled_consumer
from beamgym.hardware_bridge.records.frame_store import DATASET, FrameStore
from beamgym.hardware_bridge.records.nexus_writer import write_nexus
from beamgym.hardware_bridge.records.own_file import refuse_link
from beamgym.hardware_bridge.records.scan_numbers import ScanNumbers, scan_numbers_of
from beamgym.hardware_bridge.records.shown_command import ShownCommand, ShownMove

__all__ = [
    "DATASET",
    "MODES",
    "AuditError",
    "AuditLog",
    "Confirmation",
    "Consumer",
    "DocumentCollector",
    "FrameStore",
    "JsonLines",
    "LogReport",
    "ScanNumbers",
    "ShownCommand",
    "ShownMove",
    "content_digest",
    "read_log",
    "refuse_link",
    "scan_numbers_of",
    "store_of",
    "subject",
    "tiled_consumer",
    "verify_log",
    "write_nexus",
]
