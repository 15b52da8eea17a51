"""Brings events from the threads of a deployment to one sink, in order, so that no sink can hold up a guard."""

import asyncio
import logging
import queue
import threading
import time

from beamgym.hardware_bridge.deployment.events.content import Question
from beamgym.hardware_bridge.deployment.events.events import Event, Events, QuestionAnswered, QuestionAsked

DRAIN_S = 5.0
"""A sink is waited for so long at the end of a deployment, seconds; what it then has not taken is lost."""

SHOWN_S = 1.0
"""A question is put after so long, seconds, although the sink has not yet taken what was reported before it."""

_LOOK_S = 0.01


class EventStream:
    """Hands events to a sink in a thread of its own: ``report`` returns at once and raises nothing.

    A sink that hangs, such as a terminal on which somebody pressed Ctrl-S, or that raises, changes nothing for the
    instrument. What it raises goes to the logger ``beamgym.hardware_bridge``.

    Parameters
    ----------
    sink : gets every event in the order in which they were reported, from one thread
    """

    def __init__(self, sink: Events) -> None:
        self.sink = sink
        # its put may be called again by a signal handler that interrupts it
        self._queue: queue.SimpleQueue[Event | threading.Event | None] = queue.SimpleQueue()
        self._turn = threading.RLock()
        self._thread: threading.Thread | None = None

    def report(self, event: Event) -> None:
        """Take an event; from any thread, and from a signal handler."""
        self._queue.put(event)
        self._start()

    async def ask(self, question: Question) -> str:
        """Put a question to the sink when it has taken what was reported before.

        Raises
        ------
        EOFError : nobody can be asked
        """
        self.report(QuestionAsked(question))
        answer: str | None = None
        try:
            taken, give_up = self._mark(), time.monotonic() + SHOWN_S
            while not taken.is_set() and time.monotonic() < give_up:
                await asyncio.sleep(_LOOK_S)
            answer = await self.sink.ask(question)
            return answer
        finally:
            self.report(QuestionAnswered(question, answer))

    def drain(self, timeout_s: float = DRAIN_S) -> bool:
        """Wait until the sink has taken everything that was reported; returns False where it did not in time."""
        return self._thread is None or self._mark().wait(timeout_s)

    def close(self, timeout_s: float = DRAIN_S) -> None:
        """Wait as ``drain`` does and end the thread; a later report starts another one."""
        with self._turn:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join(timeout_s)

    def _mark(self) -> threading.Event:
        """Return what will be set when the sink has taken everything that was reported until now."""
        mark = threading.Event()
        self._queue.put(mark)
        self._start()
        return mark

    def _start(self) -> None:
        if self._thread is None:
            with self._turn:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._deliver, name="beamgym events", daemon=True)
                    self._thread.start()

    def _deliver(self) -> None:
        while (event := self._queue.get()) is not None:
            if isinstance(event, threading.Event):
                event.set()
                continue
            try:
                self.sink.report(event)
            except Exception:
                logging.getLogger("beamgym.hardware_bridge").warning("a sink of events failed", exc_info=True)
