"""Ctrl-C and SIGTERM ask a training to stop: it goes on until its state is whole, saves it and leaves."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_ASKING = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Notes the first Ctrl-C or SIGTERM; a second one ends the program at once.

    Outside the main thread, where no signal arrives, nothing is ever asked.
    """

    def __init__(self) -> None:
        self._asked: int | None = None

    @property
    def asked(self) -> bool:
        """Whether the training is to stop."""
        return self._asked is not None

    @contextmanager
    def noted(self) -> Iterator["Interrupts"]:
        """Take the signals over within a block."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before: dict[int, Any] = {number: signal.signal(number, self._note) for number in _ASKING}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def leave(self) -> None:
        """End the program as the signal would have; nothing where none came.

        Raises
        ------
        KeyboardInterrupt : after Ctrl-C
        SystemExit : with code 143 after SIGTERM
        """
        if self._asked == signal.SIGINT:
            raise KeyboardInterrupt
        if self._asked == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            self.leave()
        self._asked = number
        print("\nstopping after this step, with what is saved; once more to leave at once", file=sys.stderr)
