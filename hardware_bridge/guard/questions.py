"""Asks a human before a run and before commands: by ``records.Confirmation``, or by any callable."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, runtime_checkable

from beamgym.hardware_bridge.devices import DeviceError, in_thread
from beamgym.hardware_bridge.instrument_file import ConfirmEntry
from beamgym.hardware_bridge.terminal import said_yes

ANSWER_S = 600.0
"""A human who has not answered by then has said no, seconds."""


@runtime_checkable
class Confirms(Protocol):
    """Asks what must be asked; both return the question, empty where none was needed, and whether the answer is yes."""

    async def start(self) -> tuple[str, bool]:
        """Ask before the run."""
        ...

    async def permit(self, device: str, length: float = 0.0, exposes: bool = False) -> tuple[str, bool]:
        """Ask before a command: a move of ``length`` in the axis's unit, or an exposure."""
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
        return await self._ask("May this instrument be driven?")

    async def permit(self, device: str, length: float = 0.0, exposes: bool = False) -> tuple[str, bool]:
        """Ask before a command, where the file says so."""
        every, longest = self._entry.every_n_steps, self._entry.larger_than.get(device)
        due = exposes and every and self._exposures and self._exposures % every == 0
        self._exposures += exposes
        if longest is not None and length > longest:
            return await self._ask(f"{device} is to move by {length:.6g}, more than {longest:g}. Move it?")
        return await self._ask(f"{self._exposures - 1} exposures were made. Go on?") if due else ("", True)

    async def _ask(self, question: str) -> tuple[str, bool]:
        try:
            # Can be taken back when an abort comes; a blocking one keeps its thread until somebody answers.
            if inspect.iscoroutinefunction(self._confirm):
                return question, said_yes(await asyncio.wait_for(self._confirm(question), ANSWER_S))
            return question, said_yes(await in_thread("the operator", ANSWER_S, self._confirm, question))
        except (TimeoutError, DeviceError, EOFError):
            # Nobody there is a no: silence must not move a motor.
            return question, False


def questions(confirm: Any, entry: ConfirmEntry) -> Confirms:
    """Return what asks: the given object where it can, else one around the given callable."""
    # An object that knows policies and limits (records.Confirmation) asks better questions than a bare callable.
    return confirm if isinstance(confirm, Confirms) else Questions(confirm, entry)
