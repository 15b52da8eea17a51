"""Reads an audit log back: is the chain whole, and has every command an outcome?"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

from beamgym.hardware_bridge.records.audit_lines import START, LineError, digest, read_line

MAX_LINE_BYTES = 10_000_000
"""A longer line is none of ours; reading stops there instead of filling the memory."""


@dataclass
class LogReport:
    """What a log says.

    Parameters
    ----------
    lines : whole lines that were found good
    commands : ``before`` lines
    outcomes : outcome of every finished command, by its number
    pending : numbers of the commands without an outcome
    torn : numbers of the lines that a crash cut short and a later session closed
    tail : what there is of a last line that is cut short, and that nobody closed yet
    sessions, closed : how often the log was opened and closed
    open : the last session did not close it: it still runs, it crashed, or lines were cut off
    head : hash of the last whole line; a copy of it kept elsewhere shows whether lines were cut off the end
    problem : what is wrong, with the line's number; empty where nothing is
    line : number of the line that is wrong, 1-based; 0 where nothing is
    """

    lines: int = 0
    commands: int = 0
    outcomes: dict[int, str] = field(default_factory=dict)
    pending: list[int] = field(default_factory=list)
    torn: list[int] = field(default_factory=list)
    tail: bytes = b""
    sessions: int = 0
    closed: int = 0
    open: bool = False
    head: str = START
    problem: str = ""
    line: int = 0

    @property
    def cut_short(self) -> bool:
        """Whether the last line is cut short: the writer crashed, or is writing at this moment."""
        return bool(self.tail)

    @property
    def ok(self) -> bool:
        """Whether nothing was changed, the log was closed, and every command has its outcome or "unknown"."""
        return not (self.problem or self.pending or self.cut_short or self.open) and self.lines > 0

    @property
    def whole(self) -> bool:
        """Whether it is ``ok``, and every session in it was closed: none ended without warning."""
        return self.ok and self.sessions == self.closed

    @property
    def unknown(self) -> list[int]:
        """Numbers of the commands of which nobody knows what became."""
        return [number for number, outcome in self.outcomes.items() if outcome == "unknown"]

    def summary(self) -> str:
        """Return the report in one line."""
        if self.problem:
            return f"NOT WHOLE: {self.problem}"
        counts = f"{self.lines} lines, {self.commands} commands, {len(self.unknown)} with unknown outcome"
        if not self.lines:
            return "EMPTY: not one line; a log begins with a line as soon as it is opened"
        if not self.ok:
            why = "the session still runs, it has crashed, or lines were cut off the end"
            return f"NOT CLOSED: {counts}, {len(self.pending)} without outcome; {why}"
        if not self.whole:
            crashed = f"{self.sessions - self.closed} of {self.sessions} sessions ended without warning"
            return f"NOT CLOSED: {counts}; {crashed}; head {self.head}"
        return f"whole: {counts}, head {self.head}"


def verify_log(path: str | PathLike[str], head: str | None = None) -> LogReport:
    """Check a log's chain, numbering and outcomes.

    Parameters
    ----------
    path : the log
    head : the hash it must end with, where one was noted down, or how that begins

    Returns
    -------
    LogReport
        whose ``problem`` names the first line that was changed, put in, taken out or moved

    Raises
    ------
    ValueError : when there is no such file, or it cannot be read
    """
    report, reader = LogReport(), _Reader()
    try:
        with Path(path).open("rb") as file:
            for _ in reader.read(file, report):
                pass
    except OSError as error:
        raise ValueError(f"cannot read the audit log {path}: {error.strerror}; check its path") from None
    if head is not None and not report.problem and not (head and report.head.startswith(head)):
        report.problem = (
            f"the log ends with {report.head[:12]}, not with {head[:12]} as noted: lines are missing, or were added"
        )
        report.line = report.lines + 1
    return report


def read_log(path: str | PathLike[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, members) of every line of a log whose chain is whole.

    Raises
    ------
    ValueError : at the first line that is not; the message names it
    """
    report = LogReport()
    with Path(path).open("rb") as file:
        yield from _Reader().read(file, report)
    if report.problem:
        raise ValueError(f"{path}: {report.problem}")


class _BrokenChain(ValueError):
    """A whole line that cannot stand where it stands."""

    def __init__(self, line: int, complaint: str) -> None:
        super().__init__(f"line {line} {complaint}")
        self.line = line


class _Reader:
    """Follows the chain through a file and fills a report."""

    def read(self, file: BinaryIO, report: LogReport) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (line number, members) of the good lines until one is wrong."""
        previous, number, torn = START, 0, ""
        while raw := file.readline(MAX_LINE_BYTES):
            number += 1
            # A last line without its end is not wrong yet: the writer may be in the middle of it.
            if not raw.endswith(b"\n"):
                if len(raw) == MAX_LINE_BYTES:
                    report.problem, report.line = f"line {number} is longer than any that is written here", number
                report.tail = raw
                return
            line = raw[:-1]
            try:
                members = read_line(line)
                torn = self._follow(members, previous, number, torn, report)
            except LineError as error:
                if torn:
                    report.problem, report.line = f"line {number - 1} was changed: {torn}", number - 1
                    return
                # Judged with the next line: one that recovers it says that it is this torn one.
                torn, previous = str(error), digest(line)
                continue
            except _BrokenChain as error:
                report.problem, report.line = str(error), error.line
                return
            previous = report.head = digest(line)
            report.lines += 1
            yield number, members
        # A torn line that nobody recovered is a changed one.
        if torn:
            report.problem, report.line = f"line {number} was changed: {torn}", number

    def _follow(self, members: dict[str, Any], previous: str, number: int, torn: str, report: LogReport) -> str:
        """Check a line against the one before; returns the complaint about it that the next line may explain."""
        if torn:
            if members.get("kind") != "recovered" or members.get("torn") != previous:
                raise _BrokenChain(number - 1, f"was changed: {torn}")
            report.torn.append(number - 1)
        if members.get("previous") != previous:
            raise _BrokenChain(number, f"does not follow line {number - 1}: one of them was changed, moved or removed")
        if members.get("n") != number:
            raise _BrokenChain(number, f"says that it is line {members.get('n')}: lines were put in or taken out")
        _count(members, number, report)
        return ""


def _count(members: dict[str, Any], number: int, report: LogReport) -> None:
    kind = members.get("kind")
    if kind == "before":
        report.commands += 1
        report.pending.append(number)
    elif kind == "after":
        command = members.get("id")
        # Two outcomes, or one without a command, can only be written by somebody else.
        if command not in report.pending:
            raise _BrokenChain(number, f"is the outcome of command {command}, which waits for none")
        report.pending.remove(command)
        report.outcomes[command] = str(members.get("outcome"))
    report.sessions += kind == "open"
    report.closed += kind == "close"
    if kind in ("open", "close"):
        report.open = kind == "open"
