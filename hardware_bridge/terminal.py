"""Asks questions on the terminal that can be cancelled while they wait for an answer.

``input()`` in a thread cannot be ended: it keeps the terminal, and a process that ends meanwhile is killed by its own
lock on stdin. Here a descriptor is looked at now and then, and read only when something is there.
"""

import asyncio
import contextlib
import os
import select
import sys
import termios
from collections.abc import Callable

# Too short to be felt by who types, and nothing for the processor.
POLL_S = 0.05
"""Time between two looks for an answer, seconds."""

YES = ("y", "yes")
"""Answers that are a yes, in small letters; everything else is a no."""

Show = Callable[[str], object]


async def ask_terminal(question: str, show: Show) -> str:
    """Put a question to the terminal and return the line that is typed; waiting can be cancelled at any time.

    Parameters
    ----------
    question : as it is shown
    show : shows a text, without a newline after it

    Returns
    -------
    The line, without its newline. What was typed before the question was shown is no part of it

    Raises
    ------
    EOFError : there is nobody to ask, because standard input has ended or is no terminal that can be read

    Notes
    -----
    Reads the descriptor of ``sys.stdin``: do not use ``input()`` beside it, which may have read further.
    """
    line = _ask(question, show)
    try:
        while not line.complete():
            await asyncio.sleep(POLL_S)
    except asyncio.CancelledError:
        # The cursor stands behind the question that was taken back.
        with contextlib.suppress(OSError):
            show("\n")
        raise
    return line.text


def ask_nobody(question: str) -> str:
    """Raise EOFError: there is nobody to ask."""
    raise EOFError(f"nobody can be asked: {question}")


def said_yes(answer: object) -> bool:
    """Whether an answer is a yes: True, "y" or "yes"; anything else is a no."""
    # Everything else is no: a word that is not understood must not move a motor.
    return answer is True or (isinstance(answer, str) and answer.strip().lower() in YES)


class Line:
    """A line of a descriptor, taken as it comes; nothing here waits.

    Parameters
    ----------
    descriptor : of a terminal, a pipe or a file; None where standard input lies in memory, as in a test
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor, self._bytes = descriptor, bytearray()

    @property
    def text(self) -> str:
        """What has come so far."""
        return self._bytes.decode(errors="replace")

    def complete(self) -> bool:
        """Take what has come, and no more than this line; returns whether it is whole.

        Raises
        ------
        EOFError : nothing comes any more
        """
        try:
            return self._read_memory() if self._descriptor is None else self._read(self._descriptor)
        except (OSError, ValueError) as error:
            raise EOFError(str(error)) from None

    def _read(self, descriptor: int) -> bool:
        while select.select([descriptor], [], [], 0.0)[0]:
            # one by one: the next line in a pipe is the answer to the next question
            byte = os.read(descriptor, 1)
            if not byte and not self._bytes:
                raise EOFError("standard input has ended")
            if byte in (b"", b"\n"):
                return True
            self._bytes += byte
        return False

    def _read_memory(self) -> bool:
        # Where standard input lies in memory there is nothing to wait for.
        line = sys.stdin.readline() if sys.stdin is not None else ""
        if not line:
            raise EOFError("standard input has ended")
        self._bytes += line.removesuffix("\n").encode()
        return True


def standard_input() -> int | None:
    """Return the descriptor of standard input, or None where it has none."""
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def _ask(question: str, show: Show) -> Line:
    descriptor = standard_input()
    if descriptor is not None and os.isatty(descriptor):
        # what was typed before, perhaps to a question that was taken back, is no answer to this one
        with contextlib.suppress(termios.error):
            termios.tcflush(descriptor, termios.TCIFLUSH)
    show(question)
    return Line(descriptor)
