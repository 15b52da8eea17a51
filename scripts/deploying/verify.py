"""`beamgym deploy --verify LOG`: is an audit log whole, and do its decisions come out the same again?

With `--record FILE`: and did the practice instrument receive what the log says, and nothing else? With `--head HASH`:
and does it end where the run said that it ends?
"""

import re
from pathlib import Path
from typing import Any

import typer

from beamgym.hardware_bridge.guard.rules import replay
from beamgym.hardware_bridge.practice import compare_with_record
from beamgym.hardware_bridge.records import LogReport, verify_log
from beamgym.physics.files import write_json

_HEAD = re.compile("[0-9a-f]{12,64}")


def verify_logs(path: Path, json_file: Path | None, record: Path | None = None, head: str | None = None) -> None:
    """Print what a log says of itself, and of the guard's decisions when they are made again.

    Parameters
    ----------
    path : the audit log
    json_file : gets the result too
    record : what the practice instrument received (`beamgym ioc --record FILE`); the log is held against it
    head : hash of the last line as the run printed it, or its first 12 digits

    Raises
    ------
    ValueError : in one line, for a log that is not whole, or ends elsewhere, whose decisions come out otherwise, or
        that differs from the record
    """
    if head is not None and not _HEAD.fullmatch(head):
        raise ValueError(f"--head is {head!r}; give the hash that the run printed, its first 12 digits at least")
    report = verify_log(path, head)
    typer.echo(f"{path}: {report.summary()}")
    content: dict[str, Any] = {"lines": report.lines, "commands": report.commands, "head": report.head}
    content |= {"unknown": report.unknown, "ok": report.whole}
    complaints = _complaints(path, report)
    if not report.problem:
        complaints += _replayed(path, report, content)
        complaints += [] if record is None else _compared(path, record, content)
    if json_file is not None:
        write_json(json_file, content)
    if complaints:
        raise ValueError(complaints[0])


def _complaints(path: Path, report: LogReport) -> list[str]:
    if report.problem:
        return [f"{path} is not whole: {report.problem}"]
    return [] if report.whole else [f"{path} is not whole: {report.summary()}"]


def _replayed(path: Path, report: LogReport, content: dict[str, Any]) -> list[str]:
    again = replay(path)
    typer.echo(again.summary())
    content |= {"decisions": again.decisions, "same": again.same}
    # a session that only looked has neither commands nor decisions
    return [f"{path}: {again.summary()}"] if again.differences or (report.commands and not again.same) else []


def _compared(path: Path, record: Path, content: dict[str, Any]) -> list[str]:
    agreed = compare_with_record(path, record)
    typer.echo(f"{record}: {agreed.summary()}")
    content |= {"puts": agreed.puts, "agreed": agreed.ok}
    return [] if agreed.ok else [f"{path} and {record} are {agreed.summary()}"]
