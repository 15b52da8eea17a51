"""The abort: a thread that stops every motor we sent and closes the shutter, and tries again until both were seen.

It works while the RunEngine's loop is blocked, from any thread and from a signal handler, since asking for it only
puts a word into a queue. It runs the stops in the devices' loop where that answers, and in its own where it does not.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any, Protocol

from beamgym.hardware_bridge.ca_loops import forget_channels
from beamgym.hardware_bridge.records import AuditLog
from beamgym.physics.messages import named_line

LOOP_GRACE_S = 0.5
"""A loop that does not answer within this time is taken to be blocked."""

_PAUSE_S = 0.2  # between attempts
_DEADMAN_S = 0.1  # between checks of the dead-man


@dataclass(frozen=True)
class AbortReport:
    """What became of an abort.

    Parameters
    ----------
    reason : why
    unconfirmed : devices that were not seen to stop or close; a human must look at them now
    attempts : how many were needed
    seconds : from the request to the end
    """

    reason: str
    unconfirmed: tuple[str, ...]
    attempts: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether everything was seen to stand, and the shutter to be closed."""
        return not self.unconfirmed


class Stoppable(Protocol):
    """What can be brought to a stop from outside its own loop: the guard."""

    @property
    def audit(self) -> AuditLog:
        """The audit log."""
        ...

    @property
    def answer_s(self) -> float:
        """A device answers within this time, seconds."""
        ...

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop in which the devices live; None before they were connected."""
        ...

    async def halt(self) -> tuple[str, ...]:
        """Stop and close everything once; returns what was not seen to stand or to be closed."""
        ...

    def check_deadman(self) -> None:
        """Abort where a sign of life is missing."""
        ...


class AbortThread:
    """The thread behind ``Guard.abort``; it also looks whether the dead-man lapsed, since a blocked loop cannot.

    Parameters
    ----------
    guard : whom it serves
    keep_trying_s : an abort that cannot be completed is tried for so long, seconds
    """

    def __init__(self, guard: Stoppable, keep_trying_s: float) -> None:
        self.report: Future[AbortReport] | None = None
        self._guard = guard
        self._keep_trying_s = keep_trying_s
        # SimpleQueue.put is reentrant: a signal handler may ask for an abort in the middle of another put.
        self._requests: queue.SimpleQueue[tuple[str, Future[AbortReport]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        # Held for a few lines, and by its own thread again: a signal handler may interrupt whoever holds it.
        self._lock = threading.RLock()

    def start(self) -> None:
        """Start the thread, once."""
        with self._lock:
            if self._thread is None:
                # A daemon: a device call that hangs must not keep the process alive.
                self._thread = threading.Thread(target=self._run, name="beamgym guard", daemon=True)
                self._thread.start()

    def request(self, reason: str) -> "Future[AbortReport]":
        """Ask for an abort; returns at once. One that is under way, or ended, serves for all until ``forget``.

        After ``close``, and in the middle of it, it is done all the same.
        """
        with self._lock:
            report = self.report
            if report is None:
                report = self.report = Future()
                self._requests.put((reason, report))
                if self._closed:
                    self._requests.put(None)
                self.start()
            return report

    def forget(self) -> None:
        """Let the next request be a new abort; call it when a human has re-armed."""
        self.report = None

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            thread, self._closed = self._thread, True
            if thread is not None:
                # Queued behind what was asked before, so that an abort under way is finished first.
                self._requests.put(None)
        if thread is not None and threading.current_thread() is not thread:
            thread.join(timeout=2.0 * LOOP_GRACE_S + _DEADMAN_S)

    def _run(self) -> None:
        while True:
            try:
                request = self._requests.get(timeout=_DEADMAN_S)
            except queue.Empty:
                self._guard.check_deadman()
                continue
            if request is not None:
                reason, report = request
                report.set_result(self._abort(reason))
            elif self._ends():
                return

    def _ends(self) -> bool:
        """Whether nothing more was asked for; a request from then on starts another thread."""
        with self._lock:
            if not self._requests.empty():
                return False
            self._thread = None
            loop, self._loop = self._loop, None
        if loop is not None:
            forget_channels(loop)
            loop.close()
        return True

    def _abort(self, reason: str) -> AbortReport:
        begun, attempts = time.monotonic(), 0
        self._tell("abort", reason=reason)
        while True:
            attempts += 1
            unconfirmed = self._attempt()
            spent = time.monotonic() - begun
            # Everything is asked again at each attempt, also what was safe: it may have been set off meanwhile.
            if not unconfirmed or spent > self._keep_trying_s:
                break
            time.sleep(_PAUSE_S)
        report = AbortReport(reason, unconfirmed, attempts, spent)
        self._tell("abort ended", unconfirmed=list(unconfirmed), attempts=attempts, seconds=spent)
        return report

    def _attempt(self) -> tuple[str, ...]:
        # Several answers one after another (stop, stand-still, shutter and its readback) and the log in between.
        limit_s = 6.0 * self._guard.answer_s
        loop = self._guard.loop
        try:
            if loop is not None and self._answers(loop):
                # Preferred where it answers: the connections of the devices belong to that loop.
                return self._in_loop(loop, self._guard.halt, limit_s)
            return self._own_loop().run_until_complete(_within(self._guard.halt, limit_s))
        except BaseException as error:
            # An attempt that breaks down is one that failed; the next one may go well. Whatever it was, the thread
            # that stops motors goes on.
            self._tell("abort attempt", error=named_line(error))
            return ("everything",)

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        """Return a loop of this thread's own, kept from attempt to attempt with what was connected in it."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop

    def _answers(self, loop: asyncio.AbstractEventLoop) -> bool:
        if not loop.is_running():
            return False
        # A loop that runs may still be blocked, by a policy that computes in it: only an answer shows that it is not.
        here = threading.Event()
        try:
            loop.call_soon_threadsafe(here.set)
        except RuntimeError:
            # The loop was closed between the two questions.
            return False
        return here.wait(LOOP_GRACE_S)

    def _in_loop(
        self, loop: asyncio.AbstractEventLoop, work: Callable[[], Coroutine[Any, Any, tuple[str, ...]]], limit_s: float
    ) -> tuple[str, ...]:
        future = asyncio.run_coroutine_threadsafe(work(), loop)
        try:
            return future.result(limit_s)
        except (FutureTimeoutError, CancelledError):
            future.cancel()
            return ("everything",)

    def _tell(self, kind: str, **data: Any) -> None:
        try:
            self._guard.audit.event(kind, **data)
        except Exception:
            # An abort goes on although its log cannot be written.
            return


async def _within(work: Callable[[], Awaitable[tuple[str, ...]]], limit_s: float) -> tuple[str, ...]:
    return await asyncio.wait_for(work(), limit_s)
