"""Is an audit log whole, and do its decisions come out the same again?

With a record: and did the practice instrument receive what the log says, and nothing else? With a head: and does it end
where the run said that it ends?
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beamgym.hardware_bridge.deployment.events import Events, Nobody, Note
from beamgym.hardware_bridge.guard.rules import ReplayReport, replay
from beamgym.hardware_bridge.practice import Agreement, compare_with_record
from beamgym.hardware_bridge.records import LogReport, verify_log

_HEAD = re.compile("[0-9a-f]{12,64}")


@dataclass(frozen=True)
class Verification:
    """What a log says of itself.

    Parameters
    ----------
    path : the log
    log : whether its chain is whole
    replayed : its decisions made again; None where the chain is broken
    agreement : what the practice instrument's record says of it; None without one
    complaints : what is wrong with it, in lines; empty where nothing is
    """

    path: Path
    log: LogReport
    replayed: ReplayReport | None
    agreement: Agreement | None
    complaints: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        log, again, agreed = self.log, self.replayed, self.agreement
        content: dict[str, Any] = {"lines": log.lines, "commands": log.commands, "head": log.head}
        content |= {"unknown": log.unknown, "ok": log.whole}
        content |= {} if again is None else {"decisions": again.decisions, "same": again.same}
        return content | ({} if agreed is None else {"puts": agreed.puts, "agreed": agreed.ok})


def verify(
    path: Path, record: Path | None = None, head: str | None = None, events: Events | None = None
) -> Verification:
    """Say what a log says of itself, and of the guard's decisions when they are made again.

    Parameters
    ----------
    path : the audit log
    record : what the practice instrument received (`beamgym ioc --record FILE`); the log is held against it
    head : hash of the last line as the run printed it, or its first 12 digits
    events : is told each finding as a note

    Raises
    ------
    ValueError : in one line, for a log or a record that cannot be read, and for a head that is no hash
    """
    if head is not None and not _HEAD.fullmatch(head):
        raise ValueError(f"--head is {head!r}; give the hash that the run printed, its first 12 digits at least")
    told = events or Nobody()
    report = verify_log(path, head)
    told.report(Note(f"{path}: {report.summary()}"))
    if report.problem:
        return Verification(path, report, None, None, (f"{path} is not whole: {report.problem}",))
    complaints = [] if report.whole else [f"{path} is not whole: {report.summary()}"]
    again = replay(path)
    told.report(Note(again.summary()))
    # a session that only looked has neither commands nor decisions
    if again.differences or (report.commands and not again.same):
        complaints.append(f"{path}: {again.summary()}")
    agreed = None if record is None else compare_with_record(path, record)
    if agreed is not None:
        told.report(Note(f"{record}: {agreed.summary()}"))
        complaints += [] if agreed.ok else [f"{path} and {record} are {agreed.summary()}"]
    return Verification(path, report, again, agreed, tuple(complaints))
