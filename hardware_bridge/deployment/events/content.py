"""What events carry: a proposed command, a question, the axes as they stand, and what a check found."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from uuid import uuid4

from beamgym.hardware_bridge.records import ShownCommand

About = Literal["start", "command", "direction", "re-arm", "axis"]


@dataclass(frozen=True)
class AxisMove:
    """What one command does to one axis; positions are in ``unit``.

    Parameters
    ----------
    name, unit : of the axis
    stands_at, goes_to : its position now and its target
    low, high : the limits that hold for it
    """

    name: str
    unit: str
    stands_at: float
    goes_to: float
    low: float
    high: float

    @property
    def by(self) -> float:
        """Length and direction of the move."""
        return self.goes_to - self.stands_at


@dataclass(frozen=True)
class Proposal:
    """A command as a whole, before anything of it is sent.

    Parameters
    ----------
    step : number of the episode's step that it ends: 1, 2, …
    axes : every axis, those that stay where they are included
    declares : the policy says that it is done
    moves : something is to move; False for a declaration, and for what the budget does not allow any more
    limited : the move was shortened to stay within the axes' range
    spots : number of spots on the frame on which it rests; None where none are counted
    """

    step: int
    axes: tuple[AxisMove, ...]
    declares: bool
    moves: bool
    limited: bool
    spots: int | None

    def is_shown_in(self, command: ShownCommand) -> bool:
        """Whether a command that a guard asks about goes where this one goes; an exposure goes with the move before."""
        targets = {move.name: move.goes_to for move in command.moves if not move.stays}
        mine = {axis.name: axis.goes_to for axis in self.axes}
        return all(mine.get(name) == target for name, target in targets.items())

    @property
    def sha256(self) -> str:
        """Hash of everything in it, in hex: a yes to one proposal is not a yes to a changed one."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


class SignedAnswer(str):
    """An answer of which it is known who gave it.

    Attributes
    ----------
    by : what that operator is called; the audit log keeps it
    """

    by: str

    def __new__(cls, text: str, by: str) -> "SignedAnswer":
        """Return an answer that says who gave it."""
        answer = super().__new__(cls, text)
        answer.by = by
        return answer


@dataclass(frozen=True)
class Question:
    """Something that a human is asked.

    Parameters
    ----------
    text : as it is shown, with the answers that are expected at its end
    about : what it is about: the run ("start"), a "command", what a human sees of the
        "direction" check, whether to "re-arm" a latched guard, or the reading of an "axis" that is turned by hand
    proposal : the whole command that waits for the answer, as the policy decided it, where one does
    command : the same as the guard has read it: what a yes is bound to, with limits, nearest box, exposure and dose
    number : no two questions have the same
    """

    text: str
    about: About
    proposal: Proposal | None = None
    command: ShownCommand | None = None
    number: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class AxisReading:
    """One axis as it stands, in ``unit``.

    Parameters
    ----------
    name, unit : of the axis
    target : where it was sent last; None before the first command
    readback : where it is
    low, high : the limits that hold for it
    """

    name: str
    unit: str
    target: float | None
    readback: float
    low: float
    high: float


@dataclass(frozen=True)
class AxisCheck:
    """One axis as a check read it.

    Parameters
    ----------
    name, unit : of the axis
    position : readback; None where it could not be read
    limits : those that will hold; None where there are none
    source : where each limit comes from, in words, or what is wrong with them
    moving, alarm, homed : as the motor says; None, or "", where it says nothing
    """

    name: str
    unit: str
    position: float | None
    limits: tuple[float, float] | None
    source: str
    moving: bool | None
    alarm: str
    homed: bool | None


@dataclass(frozen=True)
class OtherCheck:
    """Something else that a check read, in words: what it is, what it says, and what is asked of it."""

    what: str
    says: str
    wanted: str


@dataclass(frozen=True)
class DifferenceFound:
    """A difference between file and device: its place in the file, what it is with its remedy, and its weight.

    ``refused`` says that a run would be refused or broken off by it; otherwise it is only worth knowing.
    """

    place: str
    text: str
    refused: bool


@dataclass(frozen=True)
class Findings:
    """Everything that a check read; among the others stands what nothing guards; differences, the gravest first."""

    axes: tuple[AxisCheck, ...]
    others: tuple[OtherCheck, ...]
    differences: tuple[DifferenceFound, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)
