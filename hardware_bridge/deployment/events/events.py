"""The kinds of event, and the protocol of who gets them.

A terminal, a web page and somebody's own program are all such a sink. Every event is a frozen dataclass and says of
itself everything that a reader needs, so that a page that was opened late can show the last event of each kind.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from beamgym.hardware_bridge.deployment.events.content import AxisReading, Findings, Proposal, Question

State = Literal[
    "connecting", "connected", "rehearsing", "rehearsed", "armed", "running", "suspended", "latched", "closed"
]
"""What a deployment is doing. "rehearsing" is in simulation; "latched" refuses every command until it is re-armed."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened.

    Parameters
    ----------
    time_s : when, unix time in seconds
    """

    time_s: float = field(default_factory=time.time)


@dataclass(frozen=True)
class StateChanged(Event):
    """The deployment does something else now.

    Parameters
    ----------
    state : what
    reason : why, where it is suspended or latched
    item : the guard's item that latched it, 0 where none did
    """

    state: State
    reason: str = ""
    item: int = 0


@dataclass(frozen=True)
class Note(Event):
    """A sentence for whoever watches.

    Parameters
    ----------
    text : the sentence
    in_passing : it need not catch the eye
    """

    text: str
    in_passing: bool = False


@dataclass(frozen=True)
class Progress(Event):
    """So many of so many are done."""

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class QuestionAsked(Event):
    """A question waits for its answer; every sink is told, one of them answers (``Events.ask``)."""

    question: Question


@dataclass(frozen=True)
class QuestionAnswered(Event):
    """A question waits no more; ``answer`` is None where it was taken back, or where nobody was there to ask."""

    question: Question
    answer: str | None


@dataclass(frozen=True)
class CommandProposed(Event):
    """The policy has decided; nothing was judged, asked or sent yet."""

    proposal: Proposal


@dataclass(frozen=True)
class CommandAllowed(Event):
    """Every rule lets a command to one device pass; it is sent now.

    Parameters
    ----------
    number : of its line in the audit log
    verb : "set", "stop", "open", "close", "trigger" or "expose"
    device, value : the device's name, and what it is sent to
    """

    number: int
    verb: str
    device: str
    value: Any


@dataclass(frozen=True)
class CommandRefused(Event):
    """The guard refused a command, or found something amiss while it watched ("watch") or armed ("arm").

    Parameters
    ----------
    verb, device, value : as in CommandAllowed
    line : why, in one line
    item : the guard's item, 0 where none decided
    """

    verb: str
    device: str
    value: Any
    line: str
    item: int = 0


@dataclass(frozen=True)
class CommandDone(Event):
    """A command came to its end.

    Parameters
    ----------
    verb, device, value : as in CommandAllowed
    outcome : one word: "done", "stopped", "failed", "unconfirmed", "unknown", "not sent" or "dry run"
    number : of its line in the audit log; None for one that was never sent
    readback : where an axis that was set stood then, in its unit; None for all else
    """

    verb: str
    device: str
    value: Any
    outcome: str
    number: int | None = None
    readback: float | None = None


@dataclass(frozen=True, eq=False)
class FrameTaken(Event):
    """A frame was accepted.

    Parameters
    ----------
    step : of the episode, 0 for the first exposure
    image : (rows, columns), oriented as the instrument file says; None where the detector gives peaks only
    spots_px : (p, 2) places of the peaks found, along fast and slow; None where none are looked for
    counter : the detector's own number of the frame
    exposure_s : exposure, seconds
    taken_s : when it was taken, unix time in seconds; its age is counted from there
    """

    step: int
    image: NDArray[Any] | None
    spots_px: NDArray[np.floating[Any]] | None
    counter: int
    exposure_s: float
    taken_s: float


@dataclass(frozen=True)
class AxesRead(Event):
    """Where every axis stands after a step."""

    step: int
    axes: tuple[AxisReading, ...]


@dataclass(frozen=True)
class AxisOnWay(Event):
    """Where an axis is that moves, in its unit; a few times a second."""

    axis: str
    readback: float


@dataclass(frozen=True)
class EstimateMade(Event):
    """What the task estimates from the frames, by name with the unit at its end; None where it cannot say."""

    step: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class DoseSpent(Event):
    """Seconds of open shutter since the guard was made, and how many are allowed (None: no limit)."""

    spent_s: float
    budget_s: float | None


@dataclass(frozen=True)
class SignsRead(Event):
    """The signs of life and of readiness on which a command was decided.

    Parameters
    ----------
    heartbeats : (name, readings missed, how many may be missed) of each
    suspenders : (name, value, low, high) of each; None for a bound that there is not
    silent_s, lapse_s : seconds since the policy's last sign of life, and how many are too many
    """

    heartbeats: tuple[tuple[str, int, int], ...]
    suspenders: tuple[tuple[str, float, float | None, float | None], ...]
    silent_s: float | None
    lapse_s: float | None


@dataclass(frozen=True)
class InstrumentRead(Event):
    """Everything was read once, and nothing was written."""

    findings: Findings


@dataclass(frozen=True)
class DirectionsChecked(Event):
    """The direction check was made.

    Parameters
    ----------
    passed : every axis and the image are the way round that the instrument file says
    axes : "right", "flipped", "still" or "unclear" by the axis's name
    lines : the result in words, with remedies
    record : path of the file in which it is kept
    """

    passed: bool
    axes: Mapping[str, str]
    lines: tuple[str, ...]
    record: str


@dataclass(frozen=True)
class AlarmRaised(Event):
    """A human must look now.

    Parameters
    ----------
    line : why, in one line
    item : the guard's item, 0 where none decided
    devices : those that were not seen to stop or to close
    """

    line: str
    item: int = 0
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class LogWritten(Event):
    """A line of the audit log was written.

    Parameters
    ----------
    number, kind : of the line
    what : its command, event or outcome, with the device where there is one
    sha256 : its hash, which the next line repeats
    """

    number: int
    kind: str
    what: str
    sha256: str


@dataclass(frozen=True)
class EpisodeEnded(Event):
    """An episode ended; ``ending`` says how, ``success`` whether by what can be seen it is at its goal."""

    ending: str
    success: bool
    metrics: Mapping[str, Any]


@dataclass(frozen=True)
class Ended(Event):
    """The deployment ended and has left the instrument; always the last event.

    Parameters
    ----------
    mode : what was asked for, such as "run" or "check"
    problem : why it broke off, in one line; "" where it did not
    log_head : hash of the audit log's last line; "" without a log
    """

    mode: str
    problem: str = ""
    log_head: str = ""


class Events(Protocol):
    """Who is told what happens, and answers questions."""

    def report(self, event: Event) -> object:
        """Take an event. Called from several threads where no ``EventStream`` is between, from one where it is.

        Must return at once and raise nothing where no ``EventStream`` is between: the guard's own threads call it.
        """
        ...

    async def ask(self, question: Question) -> str:
        """Return a human's answer. Cancelled when the answer is no longer waited for: the question is taken back.

        "y" and "yes" are a yes, everything else is a no.

        Raises
        ------
        EOFError : there is nobody to ask, which counts as a no
        """
        ...
