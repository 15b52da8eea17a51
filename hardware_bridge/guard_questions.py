"""Who asks the human, as the guard sees it: see confirmation.Confirmation, or any callable that answers questions."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, runtime_checkable

from beamgym.hardware_bridge.adapter_tools import in_thread
from beamgym.hardware_bridge.instrument_entries import ConfirmEntry

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
    confirm : called with a question, blocking or a coroutine function; True is yes, anything else is no
    entry : when to ask, from the instrument file
    """

    def __init__(self, confirm: Callable[[str], bool | Awaitable[bool]], entry: ConfirmEntry) -> None:
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
        if inspect.iscoroutinefunction(self._confirm):
            return question, await self._confirm(question) is True
        return question, await in_thread("the operator", ANSWER_S, self._confirm, question) is True


def questions(confirm: Any, entry: ConfirmEntry) -> Confirms:
    """Return what asks: the given object where it can, else one around the given callable."""
    return confirm if isinstance(confirm, Confirms) else Questions(confirm, entry)
