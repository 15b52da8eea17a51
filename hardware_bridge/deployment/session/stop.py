"""Ctrl-C at any moment, Ctrl-Z, or any other stop: what it ends, and that nothing it began is stopped in turn."""

import atexit
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
"""Ctrl-C, an end that is asked for, a terminal that is gone, Ctrl-\\ and Ctrl-Z: all of them stop in good order.

Ctrl-Z too: a process that is suspended stops no motor and closes no shutter.
"""

TERMINAL_SIGNALS = (signal.SIGTTIN, signal.SIGTTOU)
"""Sent to who reads or writes a terminal from the background, and ignored: they would suspend the process.

A question then finds nobody to ask, which is a no.
"""

FATAL_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGIO", "SIGPWR", "SIGSTKFLT")
    if hasattr(signal, name)
)
"""Signals that end a process which has no use for them; they stop in good order where nobody has."""


class Stopped(RuntimeError):
    """The operator, or the system, asked the program to stop."""


class StopButton:
    """Ends a deployment in good order: pressed by a program (``press``) or, within its ``with``, by a signal.

    While a plan runs (``stopping``), the first press calls the given stop in a thread, and the plan ends by itself. At
    any other time ``check`` raises Stopped from then on; a signal raises it in the main thread at once. Further presses
    change nothing: what makes the instrument safe is bounded in time and must not be interrupted.

    Parameters
    ----------
    say : told, also from within a signal handler, that a signal came while something was being stopped already

    Attributes
    ----------
    reason : why it was pressed; empty while it was not
    """

    def __init__(self, say: Callable[[str], object] = lambda text: None) -> None:
        self.reason = ""
        self._say = say
        self._stop: Callable[[str], object] | None = None
        self._closing = False
        self._threads: list[threading.Thread] = []
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "StopButton":
        unused = [number for number in FATAL_SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
        self._before = {number: signal.signal(number, self._pressed) for number in (*SIGNALS, *unused)}
        self._before |= {number: signal.signal(number, signal.SIG_IGN) for number in TERMINAL_SIGNALS}
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

    def press(self, reason: str) -> None:
        """Stop for a reason, from any thread; returns at once, and a second press does nothing."""
        if not self.reason:
            self.reason = reason
            self._begin()

    def _pressed(self, number: int, frame: FrameType | None) -> None:
        again, self.reason = bool(self.reason), self.reason or f"stopped by {signal.Signals(number).name}"
        if again or self._closing:
            self._say("already stopping: motors and shutter first, then the files; this takes seconds\n")
        elif not self._begin():
            raise Stopped(self.reason)

    def _begin(self) -> bool:
        """Call what stops the plan, in a thread; returns whether there is one."""
        stop = self._stop
        if stop is None:
            return False
        thread = threading.Thread(target=stop, args=(self.reason,), daemon=True)
        thread.start()
        self._threads.append(thread)
        return True


def _be_deaf() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
