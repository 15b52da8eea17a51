"""Checks that the commands in an audit log equal those that the practice instrument received."""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

from beamgym.hardware_bridge.practice.simulated import read_records
from beamgym.hardware_bridge.records import LogReport, read_log, verify_log

CLOCK_S = 1e-3
"""Two processes of one computer read its clock with no more difference than this, seconds."""

Key = tuple[str, str, str]
"""Command, device and value as text, so that nan equals nan; empty where the command has no value of its own."""

_MOTOR = re.compile(r"([^.]+)\.(VAL|STOP)")
_VALUED = ("set", "expose")
_CONSOLE = "console@"  # the emulator's own console: it stands for the hand of somebody else


@dataclass(frozen=True)
class Agreement:
    """What a log and an emulator's record say of each other.

    Parameters
    ----------
    log : what the log says of itself
    puts : commands that the emulator received from clients
    later : commands of other clients that it received after the log was closed
    unlogged : those that no ``before`` line announced, or that an announced one was followed by once too often
    unreceived : commands that the log calls done and the emulator never received
    """

    log: LogReport
    puts: int
    unlogged: tuple[str, ...] = ()
    unreceived: tuple[str, ...] = ()
    later: int = 0

    @property
    def ok(self) -> bool:
        """Whether the log is whole, every command has its outcome, and both sides name the same commands."""
        return self.log.ok and not self.unlogged and not self.unreceived

    def summary(self) -> str:
        """Return it in one line."""
        if not self.log.ok:
            return self.log.summary()
        if self.unlogged:
            return f"NOT THE SAME: {len(self.unlogged)} commands received and not logged, first {self.unlogged[0]}"
        if self.unreceived:
            return f"NOT THE SAME: {len(self.unreceived)} commands logged and not received, first {self.unreceived[0]}"
        later = f"; {self.later} later ones are other clients'" if self.later else ""
        return f"the same: {self.puts} commands received, each announced by exactly one line{later}"


def compare_with_record(
    log: str | PathLike[str],
    record: str | PathLike[str] | Iterable[Mapping[str, Any]],
    exposure_axes: Collection[str] = ("dwell",),
) -> Agreement:
    """Hold an audit log against a practice instrument's record (`beamgym ioc --record FILE`).

    Parameters
    ----------
    log : the audit log, of a guard whose axes have the names of the emulator's motors
    record : the record's file, or its events as ``IocProcess.records`` gives them
    exposure_axes : axes that are the camera's exposure time

    Returns
    -------
    Agreement
        whose ``ok`` says: the chain is whole, every ``before`` has an outcome or "unknown", every command that the
        emulator received since the log's first line has exactly one ``before`` line, written before it came, and every
        command that ended "done" was received

    Raises
    ------
    ValueError : a log or a record that cannot be read
    """
    report = verify_log(log)
    if report.problem:
        return Agreement(report, 0)
    lines = [members for _, members in read_log(log)]
    announced = [_announced(members, exposure_axes) for members in lines if members.get("kind") == "before"]
    begun_s = _number(lines[0].get("time_s")) if lines else 0.0
    # A record may go on over several sessions; what came before this log is not its matter.
    since = [event for event in _events(record) if _from_client(event) and event["time_s"] >= begun_s - CLOCK_S]
    taken = [_taken(event, announced) for event in since]
    later = _after(since, taken, lines)
    unlogged = tuple(
        _told(event) for event, known, after in zip(since, taken, later, strict=True) if not (known or after)
    )
    unreceived = tuple(
        f"line {number}: {verb} {device} {value}".rstrip()
        for _, number, (verb, device, value) in announced
        if report.outcomes.get(number) == "done"
    )
    return Agreement(report, len(since) - sum(later), unlogged, unreceived, sum(later))


def _after(puts: Sequence[Mapping[str, Any]], taken: Sequence[bool], lines: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Say of each put whether it came after the end, of a client with nothing before it and nothing announced."""
    if not lines or lines[-1].get("kind") != "close":
        return [False] * len(puts)
    ended_s = _number(lines[-1].get("time_s")) + CLOCK_S
    ours = {each["client"] for each, known in zip(puts, taken, strict=True) if known or each["time_s"] <= ended_s}
    return [each["time_s"] > ended_s and each["client"] not in ours for each in puts]


def _events(record: str | PathLike[str] | Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    if not isinstance(record, str | PathLike):
        return record
    try:
        events = read_records(record)
        for number, event in enumerate(events, 1):
            if not _is_event(event):
                raise ValueError(f"line {number} is no event")
        return events
    except OSError as error:
        raise ValueError(f"cannot read the record {record}: {error.strerror}; check its path") from None
    except ValueError as error:
        raise ValueError(f"{record} is no record of a practice instrument: {error}; check its path") from None


def _is_event(event: Any) -> bool:
    if not isinstance(event, dict) or event.get("kind") != "put":
        return isinstance(event, dict) and isinstance(event.get("kind"), str)
    texts = all(isinstance(event.get(key), str) for key in ("pv", "client"))
    return texts and isinstance(event.get("time_s"), int | float) and "value" in event


def _from_client(event: Mapping[str, Any]) -> bool:
    """Say whether an event is a put, by neither the emulator's console nor to the simulation's own PVs."""
    return event["kind"] == "put" and not event["client"].startswith(_CONSOLE) and ":sim:" not in event["pv"]


def _announced(members: Mapping[str, Any], exposure_axes: Collection[str]) -> tuple[float, int, Key]:
    """Return when, in which line and what a ``before`` line announces."""
    verb, data = members.get("command"), members.get("data")
    if not (isinstance(verb, str) and isinstance(data, dict) and isinstance(data.get("device"), str)):
        raise ValueError(f"line {members['n']} of the log announces nothing that a guard sends; give a guard's log")
    device = "detector" if data["device"] in exposure_axes else data["device"]
    # The exposure-time axis is the camera's AcquireTime: one PV, two names in the log.
    verb = "expose" if verb == "set" and device == "detector" else verb
    value = str(_number(data.get("value"))) if verb in _VALUED else ""
    return _number(members.get("time_s")), members["n"], (verb, device, value)


def _number(value: Any) -> float:
    """Return a recorded number; nan for what is none."""
    return float(value) if isinstance(value, int | float) else math.nan


def _taken(event: Mapping[str, Any], announced: list[tuple[float, int, Key]]) -> bool:
    """Take the last line that announced what was received off the list; returns False where there is none.

    The last, since a stop is tried again and again while a server is away, and the one that gets through is the newest.
    """
    key = _received(event)
    for place in reversed(range(len(announced))):
        time_s, _, found = announced[place]
        # Announced before it came, but for the two clocks' disagreement.
        if found == key and time_s <= event["time_s"] + CLOCK_S:
            # Each line accounts for one command: a second put needs a second line.
            del announced[place]
            return True
    return False


def _received(event: Mapping[str, Any]) -> Key | None:
    """Return what a put is in the words of the log; None for what no guard ever puts."""
    name, value = event["pv"].rpartition(":")[2], event["value"]
    motor = _MOTOR.fullmatch(name)
    if motor is not None:
        return ("set", motor[1], str(_number(value))) if motor[2] == "VAL" else ("stop", motor[1], "")
    if name == "Acquire":
        return ("trigger" if value else "stop", "detector", "")
    if name == "AcquireTime":
        return ("expose", "detector", str(_number(value)))
    if event["pv"].endswith("shutter:Open"):
        return ("open" if value else "close", "shutter", "")
    return None


def _told(event: Mapping[str, Any]) -> str:
    return f"{event['pv']} = {event['value']}"
