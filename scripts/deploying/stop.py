"""Ctrl-C at any moment: what it stops, and that nothing it began is stopped in turn."""

import atexit
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(RuntimeError):
    """The operator, or the system, asked the program to stop."""


class StopButton:
    """Turns the signals that end a program into one orderly stop.

    While a plan runs (``stopping``), the first signal calls the given stop in a thread, and the plan ends by itself.
    At any other time it raises Stopped in the main thread. Further signals are noted, and change nothing: what makes
    the instrument safe is bounded in time and must not be interrupted.

    Attributes
    ----------
    reason : why it was pressed; empty while it was not
    """

    def __init__(self) -> None:
        self.reason = ""
        self._stop: Callable[[str], object] | None = None
        self._closing = False
        self._threads: list[threading.Thread] = []
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "StopButton":
        self._before = {number: signal.signal(number, self._pressed) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        # the last to be registered is the first to run: nothing interrupts what other libraries then take down
        atexit.unregister(_be_deaf)
        atexit.register(_be_deaf)

    @contextmanager
    def stopping(self, stop: Callable[[str], object]) -> Iterator[None]:
        """Let a signal call ``stop`` with the reason, in a thread, while the body runs.

        Raises
        ------
        Stopped : at the end of the body, when the button was pressed within it
        """
        self.check()
        self._stop = stop
        try:
            self.check()
            yield
        finally:
            self._stop = None
            for thread in self._threads:
                thread.join()
            self.check()

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Let no signal interrupt the body, which makes the instrument safe."""
        before, self._closing = self._closing, True
        try:
            yield
        finally:
            self._closing = before

    def check(self) -> None:
        """Raise Stopped where it was pressed."""
        if self.reason:
            raise Stopped(self.reason)

    def _pressed(self, number: int, frame: FrameType | None) -> None:
        again, self.reason = bool(self.reason), self.reason or f"stopped by {signal.Signals(number).name}"
        if again or self._closing:
            _say("already stopping: motors and shutter first\n")
        elif self._stop is not None:
            thread = threading.Thread(target=self._stop, args=(self.reason,), daemon=True)
            self._threads.append(thread)
            thread.start()
        else:
            raise Stopped(self.reason)


def _say(text: str) -> None:
    """Say something from a signal handler: a terminal that is gone, or stands still, must not disturb an abort."""
    with suppress(OSError, ValueError):
        descriptor = -1 if sys.__stderr__ is None else sys.__stderr__.fileno()
        if select.select([], [descriptor], [], 0.0)[1]:
            os.write(descriptor, text.encode())


def _be_deaf() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
