"""Asks the human at the instrument, one question at a time, each with a time limit."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

from beamgym.hardware_bridge.devices import DeviceError, in_thread
from beamgym.hardware_bridge.terminal import ask_nobody

Ask = Callable[[str], str | Awaitable[str]]
Tell = Callable[[str], object]


class Operator:
    """Asks and tells. Several axes share one, so that their questions do not mix.

    Parameters
    ----------
    ask : puts a question and returns the answer; may block, or be a coroutine function. Without it nobody can be asked
    tell : shows a text; must return at once
    """

    def __init__(self, ask: Ask = ask_nobody, tell: Tell = lambda text: None) -> None:
        self._ask = ask
        self._tell = tell
        # Two axes that move together would ask at the same time, and the answers could be exchanged.
        self._turn = asyncio.Lock()
        self._unanswered = False

    def tell(self, text: str) -> None:
        """Show a text."""
        self._tell(text)

    async def ask(self, question: str, timeout_s: float) -> str:
        """Return the answer; the time runs once the questions before are answered.

        Raises
        ------
        DeviceError : none came within ``timeout_s``, an earlier question still hangs, or the operator went away
        """
        try:
            # The lock first: the time of a question begins when it is put.
            async with self._turn, asyncio.timeout(timeout_s):
                return await self._answer(question, timeout_s)
        except TimeoutError:
            raise DeviceError(f"the operator did not answer within {timeout_s:g} s: {question}") from None

    async def _answer(self, question: str, timeout_s: float) -> str:
        # A blocking prompt that nobody waits for any more still reads the terminal, and would take the next answer.
        if self._unanswered:
            raise DeviceError("the operator has not answered the question before; answer it, then start anew")
        self._unanswered = True
        try:
            if inspect.iscoroutinefunction(self._ask):
                return str(await self._asked(self._ask(question)))
            return str(await in_thread("the operator", timeout_s, self._blocking, question))
        except EOFError:
            raise DeviceError("there is nobody to ask: the terminal is closed; run deploy from a terminal") from None

    async def _asked(self, answer: Awaitable[str]) -> str:
        try:
            return await answer
        finally:
            self._unanswered = False

    def _blocking(self, question: str) -> str:
        try:
            return str(self._ask(question))
        finally:
            # A question that nobody waits for any more holds the terminal until it is answered.
            self._unanswered = False
