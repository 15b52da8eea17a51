"""Who turns manual axes where nobody was named: whoever answers the events' questions."""

from beamgym.hardware_bridge.deployment.events import Events, Note, Question
from beamgym.hardware_bridge.manual_operator import Operator


def asked_operator(events: Events | None) -> Operator:
    """Return the operator who is asked by the events' questions; without events, the one at the terminal."""
    if events is None:
        return Operator()

    async def ask(question: str) -> str:
        return await events.ask(Question(question, "axis"))

    return Operator(ask, lambda text: events.report(Note(text)))
