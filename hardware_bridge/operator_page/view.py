"""What the page shows: the present state of a run, made of its events, and the questions that wait for an answer."""

import asyncio
import hashlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.kinds import resolve
from beamgym.hardware_bridge.deployment.events import (
    AlarmRaised,
    AxesRead,
    AxisOnWay,
    CommandAllowed,
    CommandDone,
    CommandProposed,
    CommandRefused,
    DoseSpent,
    Ended,
    EpisodeEnded,
    EstimateMade,
    Event,
    FrameTaken,
    LogWritten,
    Note,
    Proposal,
    Question,
    SignedAnswer,
    SignsRead,
    StateChanged,
)
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.hardware_bridge.operator_page.access import Refused
from beamgym.hardware_bridge.operator_page.onlooker import Limits, Looking, Predicted

LOG_LINES, REFUSALS, NOTES, PATH = 12, 8, 6, 200
"""So many of the last ones are shown."""

SCORE = "score_points"
"""Name of the estimate that colours the map of the sites."""

Shown = dict[str, Any]


class PageView:
    """A sink of events that remembers the present, and through which questions are answered.

    Parameters
    ----------
    file : the instrument
    about : what stays: name of the run, and what else the page says of it

    Attributes
    ----------
    version : grows with every change
    changed : notified of every change; its lock guards everything here
    """

    def __init__(self, file: InstrumentFile, **about: Any) -> None:
        self.version, self.changed = 0, threading.Condition()
        self._axes: dict[str, Shown] = {axis.name: _axis(file, axis) for axis in file.axes}
        self._shown: Shown = {
            "run": {"instrument": file.name, "kind": file.kind, "simulation": file.simulation, **about},
            "state": {"state": "connecting", "reason": "", "item": 0, "since_s": time.time()},
            "dose": {"spent_s": 0.0, "budget_s": None if file.dose is None else file.dose.budget_s},
            "goal": "" if (words := bridge_kind(file.kind).goal) is None else resolve(words)(file),
        } | dict.fromkeys(("alarm", "frame", "sight", "estimate", "proposal", "episode", "ended", "signs", "turn"))
        self._log: deque[Shown] = deque(maxlen=LOG_LINES)
        self._refusals: deque[Shown] = deque(maxlen=REFUSALS)
        self._notes: deque[Shown] = deque(maxlen=NOTES)
        self._path: deque[Shown] = deque(maxlen=PATH)
        self._looking, self._looked_at = Looking(file, self._seen), 0
        self._image: tuple[int, NDArray[Any] | None] = (0, None)
        self._spots: NDArray[Any] | None = None
        self._open: dict[str, _Open] = {}
        self._takers: dict[type[Event], Callable[[Any], object]] = {
            StateChanged: self._state,
            AlarmRaised: self._alarm,
            FrameTaken: self._frame,
            AxesRead: self._read,
            AxisOnWay: self._on_way,
            CommandProposed: self._proposed,
            CommandAllowed: self._allowed,
            CommandDone: self._done,
            CommandRefused: lambda event: self._refusals.append(_plain(event)),
            EstimateMade: self._estimate,
            SignsRead: lambda event: self._keep("signs", _plain(event)),
            DoseSpent: lambda event: self._keep("dose", _plain(event)),
            EpisodeEnded: lambda event: self._keep("episode", _plain(event)),
            Ended: lambda event: self._keep("ended", _plain(event)),
            LogWritten: lambda event: self._log.append(_plain(event)),
            Note: lambda event: self._notes.append(_plain(event)),
        }

    @property
    def ended(self) -> bool:
        """Whether the deployment has ended."""
        return self._shown["ended"] is not None

    def report(self, event: Event) -> None:
        """Take an event."""
        with self.changed:
            taker = self._takers.get(type(event))
            if taker is not None:
                taker(event)
                self.change()

    def change(self) -> None:
        """Let every page know that something is another now."""
        with self.changed:
            self.version += 1
            self.changed.notify_all()

    def set_turn(self, turn: Shown | None) -> None:
        """Show that it is a person's turn, and what may be given; None where it is not."""
        with self.changed:
            self._keep("turn", turn)
            self.change()

    def shown(self) -> Shown:
        """Return the present as JSON has it; every number that is none is null."""
        with self.changed:
            questions = [each.shown for each in self._open.values()]
            lists = {"log": list(self._log), "refusals": list(self._refusals), "notes": list(self._notes)}
            axes = [dict(axis) for axis in self._axes.values()]
            now = {"version": self.version, "axes": axes, "path": list(self._path), "questions": questions}
            return {**self._shown, **lists, **now}

    def image(self, number: int) -> NDArray[Any] | None:
        """Return the image of the frame with a number, where it is the last one."""
        with self.changed:
            return self._image[1] if self._image[0] == number else None

    def preview(self, given: Mapping[str, str]) -> Shown:
        """Return what the next frame would show with axes at given places; those that are not named stay.

        Raises
        ------
        Refused : a place that is no number, or no frame has told how the sample stands
        """
        with self.changed:
            axes = [(name, axis.get("readback")) for name, axis in self._axes.items()]
        try:
            places = np.array([float(given.get(name, math.nan if at is None else at)) for name, at in axes])
        except ValueError:
            places = np.array([math.nan])
        if not np.isfinite(places).all():
            raise Refused(HTTPStatus.BAD_REQUEST, "give places of axes as numbers, when all were read once")
        seen = self._looking.ahead(places)
        if seen is None:
            raise Refused(HTTPStatus.CONFLICT, "no frame has told yet how the sample stands")
        return _drawn(seen)

    async def ask(self, question: Question) -> SignedAnswer:
        """Show a question and wait until a page answers it; taken back where the wait is cancelled."""
        waiting: asyncio.Future[SignedAnswer] = asyncio.get_running_loop().create_future()
        with self.changed:
            self._open[question.number] = _Open(question, waiting)
            self.change()
        try:
            return await waiting
        finally:
            with self.changed:
                self._open.pop(question.number, None)
                self.change()

    def answer(self, number: str, sha256: str, text: str, by: str) -> None:
        """Answer a question that waits, once; from any thread.

        Parameters
        ----------
        number : of the question
        sha256 : hash of what the page has shown; of a command, the command's
        text : the answer
        by : what its operator is called

        Raises
        ------
        Refused : nobody waits for it any more, or what it is about has changed
        """
        with self.changed:
            waits = self._open.get(number)
            if waits is None or waits.answered:
                raise Refused(
                    HTTPStatus.CONFLICT, "that question was answered or taken back meanwhile; nothing is sent"
                )
            if sha256 != waits.shown["sha256"]:
                raise Refused(HTTPStatus.CONFLICT, "the command is another one than this page has shown; look again")
            waits.answered = True
        waits.loop.call_soon_threadsafe(waits.give, SignedAnswer(text, by))

    def _keep(self, name: str, content: Shown | None) -> None:
        self._shown[name] = content

    def _state(self, event: StateChanged) -> None:
        plain = _plain(event)
        self._keep("state", {**plain, "since_s": plain.pop("time_s")})
        if event.state == "armed":
            self._keep("alarm", None)

    def _alarm(self, event: AlarmRaised) -> None:
        # the line that raised it is not covered by what follows from it
        before = self._shown["alarm"] or {}
        self._keep("alarm", {**_plain(event), **({"line": before["line"], "item": before["item"]} if before else {})})

    def _frame(self, event: FrameTaken) -> None:
        number, image = self._image[0] + 1, event.image
        self._image = number, image
        self._spots = None if event.spots_px is None else np.asarray(event.spots_px, dtype=float)
        spots = None if self._spots is None else np.round(self._spots, 1).tolist()
        shown: Shown = {"number": number, "step": event.step, "counter": event.counter, "exposure_s": event.exposure_s}
        shown |= {"taken_s": event.taken_s, "came_s": event.time_s, "spots_px": spots}
        self._keep("frame", _json({**shown, "shape": None if image is None else list(image.shape)}))

    def _read(self, event: AxesRead) -> None:
        for reading in event.axes:
            axis = self._axes.setdefault(reading.name, {"name": reading.name, "unit": reading.unit, "forbidden": []})
            target = axis.get("target") if reading.target is None else reading.target
            axis |= _json({"target": target, "readback": reading.readback, "read_s": event.time_s})
            axis |= _json({"low": reading.low, "high": reading.high, "swept": None})
        places = [reading.readback for reading in event.axes]
        self._path.append({"step": event.step, "at": _json(places), "score": None})
        self._keep("proposal", None)
        if self._spots is not None and self._looked_at != self._image[0]:
            self._looked_at = self._image[0]
            limits: Limits = {axis.name: (axis.low, axis.high) for axis in event.axes}
            self._looking.look(self._looked_at, self._spots, np.array(places), limits)

    def _estimate(self, event: EstimateMade) -> None:
        self._keep("estimate", _plain(event))
        if self._path and self._path[-1]["step"] == event.step:
            self._path[-1]["score"] = _json(event.values.get(SCORE))

    def _seen(self, number: int, seen: Predicted) -> None:
        """Take what a frame shows, from the thread that looks; that of an older frame says nothing of the last one."""
        with self.changed:
            if number == self._image[0]:
                self._keep("sight", {"number": number, **_drawn(seen)})
                self.change()

    def _on_way(self, event: AxisOnWay) -> None:
        self._axes[event.axis] |= _json({"readback": event.readback, "read_s": event.time_s})

    def _proposed(self, event: CommandProposed) -> None:
        self._keep("proposal", _proposal(event.proposal))
        for move in event.proposal.axes:
            self._axes[move.name] |= _json({"swept": [move.stands_at, move.goes_to]})

    def _allowed(self, event: CommandAllowed) -> None:
        if event.verb == "set" and event.device in self._axes:
            self._axes[event.device] |= _json({"target": event.value, "moves": True})

    def _done(self, event: CommandDone) -> None:
        axis = self._axes.get(event.device)
        if axis is None or event.verb != "set":
            return
        axis |= {"moves": False, "outcome": event.outcome}
        if event.readback is not None:
            axis |= _json({"readback": event.readback, "read_s": event.time_s})


class _Open:
    """A question that waits for its answer."""

    def __init__(self, question: Question, waiting: "asyncio.Future[SignedAnswer]") -> None:
        self.shown, self.answered = _question(question), False
        self.loop, self._waiting = waiting.get_loop(), waiting

    def give(self, answer: SignedAnswer) -> None:
        """Give the answer, unless the question was taken back; call it in the question's loop."""
        if not self._waiting.done():
            self._waiting.set_result(answer)


def _question(question: Question) -> Shown:
    command = question.command
    shown: Shown = {"number": question.number, "about": question.about, "text": question.text, "asked_s": time.time()}
    shown["proposal"] = None if question.proposal is None else _proposal(question.proposal)
    if command is None:
        return {**shown, "command": None, "sha256": hashlib.sha256(question.text.encode()).hexdigest()}
    moves = [{**_plain(move), "by": _json(move.by), "stays": bool(move.stays)} for move in command.moves]
    return {**shown, "command": {**_plain(command), "moves": moves}, "sha256": command.sha256}


def _drawn(seen: Predicted) -> Shown:
    predicted, goal = (
        None if places is None else np.round(places, 1).tolist() for places in (seen.predicted_px, seen.goal_px)
    )
    shown: Shown = {"line": seen.line, "turn": _json(seen.turn), "values": _json(seen.values)}
    return shown | {"predicted_px": predicted, "goal_px": goal}


def _proposal(proposal: Proposal) -> Shown:
    return {**_plain(proposal), "sha256": proposal.sha256}


def _axis(file: InstrumentFile, axis: Any) -> Shown:
    low, high = axis.limits or (None, None)
    forbidden = [
        {"name": box.name, "low": box.forbidden[axis.name][0], "high": box.forbidden[axis.name][1]}
        | {"margin": box.margin, "others": [name for name in box.forbidden if name != axis.name]}
        for box in file.envelopes
        if axis.name in box.forbidden
    ]
    now = dict.fromkeys(("target", "readback", "read_s", "swept", "outcome"))
    return {
        "name": axis.name,
        "unit": axis.unit,
        "low": low,
        "high": high,
        "forbidden": forbidden,
        "moves": False,
    } | now


def _plain(event: Any) -> Shown:
    """Return a dataclass's fields as JSON has them."""
    content: Shown = _json({name: getattr(event, name) for name in event.__dataclass_fields__})
    return content


def _json(value: Any) -> Any:
    """Return a value as JSON has it: what is no finite number is null."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.ndarray):
        return _json(value.tolist())
    if hasattr(value, "items"):
        return {str(key): _json(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json(part) for part in value]
    return _plain(value) if hasattr(value, "__dataclass_fields__") else str(value)
