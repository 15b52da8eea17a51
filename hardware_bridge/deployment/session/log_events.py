"""What a guard does, told from the lines of its audit log: nothing can be in the one and not in the other."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from beamgym.hardware_bridge.deployment.events import (
    AlarmRaised,
    CommandAllowed,
    CommandDone,
    CommandRefused,
    DoseSpent,
    Event,
    Events,
    LogWritten,
    SignsRead,
    StateChanged,
)
from beamgym.hardware_bridge.guard import Guard

Line = Mapping[str, Any]
Subject = tuple[str, str, Any]
"""Verb, device and value of a command."""


class LogEvents:
    """Reports an audit log's lines as events; give it to ``AuditLog`` as its listener.

    Parameters
    ----------
    events : gets them
    guard : returns the guard that writes the log; None before there is one
    """

    def __init__(self, events: Events, guard: Callable[[], Guard | None]) -> None:
        self._events, self._guard = events, guard
        self._sent: dict[int, Subject] = {}

    def __call__(self, line: Line, sha256: str) -> None:
        """Report a line that was just written, and what it means."""
        self._events.report(LogWritten(line["n"], line["kind"], _what(line), sha256))
        tell = {"before": self._before, "after": self._after, "event": self._event}.get(line["kind"])
        if tell is not None:
            tell(line, line.get("data", {}))

    def _before(self, line: Line, data: Mapping[str, Any]) -> None:
        subject = line["command"], data["device"], data.get("value")
        self._sent[line["n"]] = subject
        self._events.report(CommandAllowed(line["n"], *subject))
        if (signs := _signs(data.get("decisions", ()))) is not None:
            self._events.report(signs)

    def _after(self, line: Line, data: Mapping[str, Any]) -> None:
        subject = self._sent.pop(line["id"], ("", "", None))
        self._events.report(CommandDone(*subject, line["outcome"], line["id"], data.get("readback")))
        guard = self._guard()
        if guard is not None and ("spent_s" in data or subject[:2] == ("close", "shutter")):
            self._events.report(DoseSpent(guard.shutter.dose.spent_s, guard.budget_s))

    def _event(self, line: Line, data: Mapping[str, Any]) -> None:
        kind = line["event"]
        if kind == "armed" or "command" not in data:
            for event in self._state(kind, data):
                self._events.report(event)
        elif kind == "refused":
            why = str(data.get("line") or data.get("error") or "")
            self._events.report(CommandRefused(*_subject(data), why, int(data.get("item") or 0)))
        else:
            self._events.report(CommandDone(*_subject(data), kind))

    def _state(self, kind: str, data: Mapping[str, Any]) -> list[Event]:
        """Return what a line says of the guard as a whole."""
        if kind == "abort":
            guard = self._guard()
            item = 0 if guard is None else guard.latched_item
            return [StateChanged("latched", data["reason"], item), AlarmRaised(data["reason"], item)]
        if kind == "abort ended" and data["unconfirmed"]:
            devices = tuple(data["unconfirmed"])
            return [AlarmRaised(f"not seen to stop: {', '.join(devices)}", devices=devices)]
        states: dict[str, Event] = {
            "armed": StateChanged("armed"),
            "suspended": StateChanged("suspended", data.get("line", "")),
            "resumed": StateChanged("running"),
            "closed": StateChanged("closed", data.get("reason", "")),
        }
        return [states[kind]] if kind in states else []


def _subject(data: Mapping[str, Any]) -> Subject:
    return data["command"], data["device"], data.get("value")


def _signs(decisions: Iterable[Mapping[str, Any]]) -> SignsRead | None:
    """Return what a command's decisions say of heartbeats and suspenders; None where they say nothing."""
    asked: dict[str, list[Mapping[str, Any]]] = {}
    for each in decisions:
        asked.setdefault(each["rule"], []).append(each["inputs"])
    if not asked.keys() & {"heartbeat", "suspender", "deadman"}:
        return None
    heartbeats = tuple((each["name"], each["missed"], each["allowed"]) for each in asked.get("heartbeat", ()))
    suspenders = tuple((each["name"], each["value"], each["low"], each["high"]) for each in asked.get("suspender", ()))
    life = asked.get("deadman", [{}])[-1]
    return SignsRead(heartbeats, suspenders, life.get("silent_s"), life.get("lapse_s"))


def _what(line: Line) -> str:
    """Return what a line is about, in a few words."""
    data = line.get("data", {})
    words = (line.get("event"), line.get("outcome"), line.get("command") or data.get("command"), data.get("device"))
    signed = (data.get("answer"), f"by {data['by']}") if line.get("event") == "answered" else ()
    return " ".join(str(word) for word in (*words, *signed) if word)
