"""Three sinks: nobody, a recorder, and several at once."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from beamgym.hardware_bridge.deployment.events.content import Question
from beamgym.hardware_bridge.deployment.events.events import Event, Events
from beamgym.hardware_bridge.terminal import said_yes

EventT = TypeVar("EventT", bound=Event)


class Nobody:
    """Nobody watches, and nobody can be asked: every question counts as a no."""

    def report(self, event: Event) -> None:
        """Take an event and forget it."""

    async def ask(self, question: Question) -> str:
        """Raise EOFError: there is nobody to ask."""
        raise EOFError("nobody watches this deployment; give it a sink that answers questions")


class Recorder:
    """Keeps every event, in order.

    Parameters
    ----------
    answer : called with each question, returns the answer; without it there is nobody to ask

    Attributes
    ----------
    events : what was reported until now
    """

    def __init__(self, answer: Callable[[Question], str] | None = None) -> None:
        self.events: list[Event] = []
        self._answer = answer

    def report(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    async def ask(self, question: Question) -> str:
        """Return what ``answer`` says; raises EOFError without one."""
        if self._answer is None:
            raise EOFError("this recorder answers no questions; give it a function that does")
        return self._answer(question)

    def of(self, kind: type[EventT]) -> list[EventT]:
        """Return the events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


class Several:
    """Tells several sinks everything, and takes the first answer that any of them gives.

    Parameters
    ----------
    sinks : such as a terminal and a web page; one that raises at a report does not keep it from the others
    """

    def __init__(self, *sinks: Events) -> None:
        self.sinks = sinks

    def report(self, event: Event) -> None:
        """Tell every sink; the first error is raised when all were told."""
        errors = []
        for sink in self.sinks:
            try:
                sink.report(event)
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]

    async def ask(self, question: Question) -> str:
        """Ask every sink at once; the others' questions are taken back when one has answered.

        Raises
        ------
        EOFError : none of them has anybody to ask
        """
        waiting = {asyncio.ensure_future(sink.ask(question)) for sink in self.sinks}
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                answers = [task.result() for task in done if task.exception() is None]
                if answers:
                    # of two at once a no counts
                    return min(answers, key=said_yes)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        raise EOFError("nobody is there to be asked")
