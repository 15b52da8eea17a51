"""Asks a human before a run and before commands: by ``records.Confirmation``, or by any callable."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from beamgym.hardware_bridge.devices import DeviceError, in_thread
from beamgym.hardware_bridge.instrument_file import ConfirmEntry
from beamgym.hardware_bridge.terminal import said_yes

ANSWER_S = 600.0
"""A human who has not answered by then has said no, seconds."""


@runtime_checkable
class Confirms(Protocol):
    """Decides when a human is asked, and asks."""

    async def start(self) -> tuple[str, bool]:
        """Ask before the run; returns the question, empty where none was needed, and whether the answer is yes."""
        ...

    def why_ask(self, lengths: Mapping[str, float], exposes: bool = False) -> str:
        """Return why a human must be asked before a command, and nothing where nobody need be.

        Parameters
        ----------
        lengths : how far each axis is to move, in its own unit
        exposes : the command is an exposure
        """
        ...

    async def ask(self, question: str) -> bool:
        """Put a question; anything but a yes, and nobody to ask, is a no."""
        ...

    def exposed(self) -> None:
        """Count an exposure that was let pass."""
        ...


class Questions:
    """Asks by a plain callable: before the run, for moves longer than the file says, and every so many exposures.

    Parameters
    ----------
    confirm : called with a question; True or "yes" is yes, anything else is no. A coroutine function, such as
        ``ask_terminal``, is cancelled when the answer is no longer waited for; one that blocks is left in its thread
    entry : when to ask, from the instrument file
    """

    def __init__(self, confirm: Callable[[str], bool | str | Awaitable[bool | str]], entry: ConfirmEntry) -> None:
        self._confirm = confirm
        self._entry = entry
        self._exposures = 0

    async def start(self) -> tuple[str, bool]:
        """Ask before the run."""
        question = "May this instrument be driven?"
        return question, await self.ask(question)

    def why_ask(self, lengths: Mapping[str, float], exposes: bool = False) -> str:
        """Return why a human must be asked, where the file says so."""
        longest = self._entry.larger_than
        far = [name for name, length in lengths.items() if name in longest and abs(length) > longest[name]]
        if far:
            return ", ".join(f"{name} by more than {longest[name]:g}" for name in far)
        every = self._entry.every_n_steps
        due = exposes and every and self._exposures and self._exposures % every == 0
        return f"{self._exposures} exposures were made" if due else ""

    async def ask(self, question: str) -> bool:
        """Put a question."""
        try:
            # Can be taken back when an abort comes; a blocking one keeps its thread until somebody answers.
            if inspect.iscoroutinefunction(self._confirm):
                return said_yes(await asyncio.wait_for(self._confirm(question), ANSWER_S))
            return said_yes(await in_thread("the operator", ANSWER_S, self._confirm, question))
        except (TimeoutError, DeviceError, EOFError):
            # Nobody there is a no: silence must not move a motor.
            return False

    def exposed(self) -> None:
        """Count an exposure that was let pass."""
        self._exposures += 1


def questions(confirm: Any, entry: ConfirmEntry) -> Confirms:
    """Return what asks: the given object where it can, else one around the given callable."""
    # An object that knows policies and limits (records.Confirmation) asks better questions than a bare callable.
    return confirm if isinstance(confirm, Confirms) else Questions(confirm, entry)
