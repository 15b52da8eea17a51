"""Asks a human to confirm a run, and stores what was confirmed: policy, plan, limits and instrument.

A yes is bound to the SHA-256 of those four and kept beside the instrument file. When one of them changes, or a limit
has become wider, somebody is asked again. What the instrument file itself wants confirmed (every so many steps, moves
above a size) is asked in every mode.
"""

import asyncio
import contextlib
import hashlib
import inspect
import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from beamgym.hardware_bridge.devices import DeviceError, in_thread
from beamgym.hardware_bridge.instrument_file import ConfirmEntry, InstrumentFile, tighter_limits
from beamgym.hardware_bridge.terminal import ask_nobody, said_yes
from beamgym.physics.files import write_text

Mode = Literal["every", "first", "never"]
MODES: tuple[Mode, ...] = ("every", "first", "never")
Answer = bool | str
Ask = Callable[[str], Answer | Awaitable[Answer]]
Limits = tuple[tuple[str, float, float], ...]

FORMAT = "beamgym-confirmations"


class NotConfirmed(ValueError):
    """Nobody has said yes to this run, and nobody may be asked."""


@dataclass(frozen=True)
class Subject:
    """What a yes is bound to.

    Parameters
    ----------
    policy : SHA-256 of the policy, see ``bundle_digest`` and ``content_digest``
    plan : SHA-256 of how it is run: steps, dose, modes
    instrument : the instrument file's digest
    limits : (axis, low, high) that hold, the motors' own included
    """

    policy: str
    plan: str
    instrument: str
    limits: Limits

    def digest(self) -> str:
        """Return the SHA-256 of all of it, in hex."""
        return content_digest(asdict(self))

    def covered_by(self, other: "Subject") -> bool:
        """Whether a yes to ``other`` holds for this: the same, within the same limits or narrower ones."""
        # Narrower limits need no new yes: whatever was allowed within them was allowed before.
        same = (self.policy, self.plan, self.instrument) == (other.policy, other.plan, other.instrument)
        return same and not self.wider_than(other)

    def wider_than(self, other: "Subject") -> list[str]:
        """Return the axes whose limits reach beyond the other's, or that it does not have."""
        known = {name: (low, high) for name, low, high in other.limits}
        return [
            name
            for name, low, high in self.limits
            if name not in known or low < known[name][0] or high > known[name][1]
        ]


def subject(
    policy: str,
    plan: Mapping[str, Any],
    file: InstrumentFile,
    motor_limits: Mapping[str, tuple[float, float] | None] | None = None,
) -> Subject:
    """Put together what a run's yes is bound to.

    Parameters
    ----------
    policy : from ``bundle_digest``, or ``content_digest`` of what describes another policy
    plan : how it is run, such as {"max_steps": 20, "dose_s": 1200.0}
    file : the instrument
    motor_limits : as read from the motors

    Raises
    ------
    ValueError : an axis without limits
    """
    limits = [
        (axis.name, *tighter_limits(axis.name, axis.limits, (motor_limits or {}).get(axis.name))) for axis in file.axes
    ]
    return Subject(policy, content_digest(dict(plan)), file.digest(), tuple(limits))


def bundle_digest(folder: str | Path) -> str:
    """Return the SHA-256 over the names and contents of a bundle's files; raises ValueError where there is none."""
    path = Path(folder)
    # Names and contents: an exchanged file of the same name is another policy.
    files = sorted(entry for entry in path.glob("*") if entry.is_file()) if path.is_dir() else []
    if not files:
        raise ValueError(f"{path} is no bundle: it holds no files; give the directory that `beamgym train` wrote")
    return content_digest({entry.name: hashlib.sha256(entry.read_bytes()).hexdigest() for entry in files})


def content_digest(content: Any) -> str:
    """Return the SHA-256 of plain data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Confirmation:
    """Decides when somebody is asked, asks, and keeps what was answered.

    Parameters
    ----------
    bound : what a yes is bound to
    mode : "every" step, only the "first" run of it, or "never": then the first run must have been confirmed before,
        except on an instrument that is a simulation
    file : the instrument, whose ``confirm`` part holds in every mode
    store : where answers are kept; None forgets them
    ask : puts a question; returns True or "yes", or an awaitable of it. A coroutine function is cancelled when the
        answer is no longer waited for; one that blocks is left behind in its thread. Without it nobody can be asked
    timeout_s : no answer within this is no
    says : what the run is, in words, for the question before it
    """

    def __init__(
        self,
        bound: Subject,
        mode: Mode,
        file: InstrumentFile,
        store: Path | None = None,
        ask: Ask = ask_nobody,
        timeout_s: float = 600.0,
        says: str = "",
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"unknown mode {mode!r}; choose {', '.join(MODES)}")
        self.bound, self.mode = bound, mode
        self.entry: ConfirmEntry = file.confirm
        self.step, self._says = 0, says
        self._simulation, self._store, self._ask, self._timeout_s = file.simulation, store, ask, timeout_s
        self._given = _read(store)

    def start_question(self) -> str:
        """Return what must be asked before anything moves, or nothing.

        Raises
        ------
        NotConfirmed : it must be asked, and the mode is "never"
        """
        why = self._new_run()
        # A simulation cannot hurt anybody.
        if not why or (self.mode == "never" and self._simulation):
            return ""
        if self.mode == "never":
            raise NotConfirmed(f"{why}; run it once with --confirm first, a human at the instrument")
        return f"{why}. {self._says and f'{self._says}. '}Run it ({self.bound.digest()[:12]})?"

    async def start(self) -> tuple[str, bool]:
        """Ask what must be asked before the run, and keep a yes.

        Returns
        -------
        The question, empty where there was none, and whether the run may begin
        """
        question = self.start_question()
        if not question:
            return "", True
        answer = await self.ask(question)
        if answer:
            self._keep()
        return question, answer

    def why_ask(self, lengths: Mapping[str, float], exposes: bool = False) -> str:
        """Return why somebody must be asked before a command, and nothing where nobody need be.

        Parameters
        ----------
        lengths : how far each axis is to move, in its own unit
        exposes : it is an exposure, which is asked about with the move before it
        """
        far = [name for name, length in lengths.items() if abs(length) > self.entry.larger_than.get(name, math.inf)]
        if far:
            return f"step {self.step}, {', '.join(f'{name} by more than {self._longest(name)}' for name in far)}"
        every = self.entry.every_n_steps
        asked = self.mode == "every" or (every and self.step and self.step % every == 0)
        return f"step {self.step}" if asked and not exposes else ""

    def exposed(self) -> None:
        """Count an exposure that was let pass: it ends a step."""
        self.step += 1

    async def ask(self, question: str) -> bool:
        """Put a question; anything but a yes within the time is no, and so is nobody to ask.

        After a no to a command, a yes that was kept for this run holds no more.
        """
        answer = await self._answered(f"{question} [yes/no] ")
        if not answer:
            self._withdraw()
        return answer

    async def _answered(self, text: str) -> bool:
        try:
            if inspect.iscoroutinefunction(self._ask):
                answer: Any = await asyncio.wait_for(self._ask(text), self._timeout_s)
            else:
                answer = await in_thread("the operator", self._timeout_s, self._ask, text)
                if inspect.isawaitable(answer):
                    answer = await asyncio.wait_for(answer, self._timeout_s)
        except (TimeoutError, DeviceError, EOFError):
            return False
        return said_yes(answer)

    def _longest(self, axis: str) -> str:
        return f"{self.entry.larger_than[axis]:g}"

    def _new_run(self) -> str:
        """Say what is new about this run, or nothing where it was confirmed before."""
        if any(self.bound.covered_by(given) for given in self._given):
            return ""
        if not self._given:
            return "no run on this instrument file was confirmed yet"
        last = self._given[-1]
        for name, what in (("instrument", "instrument file"), ("policy", "policy"), ("plan", "plan")):
            if getattr(self.bound, name) != getattr(last, name):
                return f"the {what} is another one than was confirmed last"
        return f"the limits of {', '.join(self.bound.wider_than(last))} are wider than was confirmed last"

    def _keep(self) -> None:
        self._given.append(self.bound)
        self._write()

    def _withdraw(self) -> None:
        left = [given for given in self._given if not self.bound.covered_by(given)]
        if len(left) < len(self._given):
            self._given = left
            # A no must not fail because it cannot be kept.
            with contextlib.suppress(ValueError):
                self._write()

    def _write(self) -> None:
        if self._store is None:
            return
        entries = [{**asdict(given), "sha256": given.digest()} for given in self._given]
        text = json.dumps({"format": FORMAT, "time_s": time.time(), "confirmed": entries}, indent=1)
        try:
            write_text(self._store, text + "\n", durable=True)
        except OSError as error:
            raise ValueError(
                f"cannot keep the answer in {self._store}: {error.strerror}; let this user write there"
            ) from None


def store_of(instrument: str | Path) -> Path:
    """Return where the answers for an instrument file are kept: beside it."""
    path = Path(instrument)
    return path.with_name(f"{path.name}.confirmed.json")


def _read(store: Path | None) -> list[Subject]:
    if store is None or not store.exists():
        return []
    try:
        content = json.loads(store.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(content["format"])
        return [_subject(entry) for entry in content["confirmed"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{store} holds no confirmations ({error}); remove it, and you will be asked again") from None


def _subject(entry: Mapping[str, Any]) -> Subject:
    limits = tuple((str(name), float(low), float(high)) for name, low, high in entry["limits"])
    given = Subject(str(entry["policy"]), str(entry["plan"]), str(entry["instrument"]), limits)
    # Against hands that edit the file by mistake; who wants to forge it can compute the hash, too.
    if given.digest() != entry["sha256"]:
        raise ValueError("an entry does not match its own hash")
    return given
