"""What every plan does: a deployment made and worked through in a thread, within the RunEngine that runs the plan."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from beamgym.envs.kinds import resolve
from beamgym.envs.policy import Policy
from beamgym.hardware_bridge.deployment import (
    DeployedPolicy,
    Deployment,
    OpenedInstrument,
    Options,
    PlanEngine,
    StopButton,
    open_instrument,
)
from beamgym.hardware_bridge.deployment.events import AlarmRaised, DirectionsChecked, Event, Note, Question
from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.hardware_bridge.plans.approvers import Approver, NobodyToAsk, present_approver

need("bluesky", "hardware")

from bluesky.utils import MsgGenerator  # noqa: E402 - after ``need``, which says what to install

READ_POLICY = "beamgym.scripts.deploying.policy:read_policy"
"""What finds a policy by its name. By name too: this floor does not know the agents, and scripts introduce the two."""

_LOOK_S = 0.05  # between two looks whether the RunEngine was paused

T = TypeVar("T")


class PlanEvents:
    """The sink of a plan's events: sentences are printed, questions go to the approver.

    A question is taken back while the RunEngine is paused, since whoever types then, types something else.

    Parameters
    ----------
    approver : who is asked
    paused : whether the RunEngine is
    """

    def __init__(self, approver: Approver, paused: Callable[[], bool] = lambda: False) -> None:
        self._approver, self._paused = approver, paused

    def report(self, event: Event) -> None:
        """Print what a human is to read."""
        if isinstance(event, Note):
            print(event.text)
        elif isinstance(event, AlarmRaised):
            print(f"ALARM: {event.line}")
        elif isinstance(event, DirectionsChecked):
            print(*(f"direction check: {line}" for line in event.lines), sep="\n")

    async def ask(self, question: Question) -> str:
        """Ask the approver, and once more after each pause."""
        while True:
            while self._paused():
                await asyncio.sleep(_LOOK_S)
            asking = asyncio.ensure_future(self._approver.ask(question))
            try:
                while not (asking.done() or self._paused()):
                    await asyncio.wait({asking}, timeout=_LOOK_S)
                if asking.done():
                    return asking.result()
            finally:
                asking.cancel()
                await asyncio.wait({asking})


class Unaided:
    """Stands where a deployment has a policy, and the work has none: nothing is decided."""

    name, oracle = "no policy", False

    def start(self, context: Any, n: int) -> list[None]:
        """Return empty memories."""
        return [None] * n

    def act(self, observation: Any, state: Any, truth: Any = None) -> Any:
        """Raise ValueError."""
        raise ValueError("this plan decides nothing; give the name of a policy")


def deployed(
    policy: Policy | str | None, instrument: str, options: Options, work: Callable[[Deployment], T], kind: str = ""
) -> MsgGenerator[T]:
    """Return a plan that makes a deployment in the RunEngine that runs it, and does some work with it.

    Everything that a deployment keeps holds here too: the instrument is left safe however the plan ends, a failing
    guard fails the plan, the folder of outputs is the same.

    Parameters
    ----------
    policy : an object, the name of a bundle or baseline, or None where the work needs none
    instrument : path of an instrument file, or name of a shipped one
    options : how it is deployed
    work : such as ``deployment.run``
    kind : of the instrument, where only one will do

    Returns
    -------
    What ``work`` returned

    Raises
    ------
    ValueError : in one line, what was refused or went wrong
    """
    button, approver = StopButton(), present_approver()
    engine = PlanEngine(button.press)
    events = PlanEvents(approver, lambda: engine.state == "paused")

    def in_thread() -> T:
        opened = open_instrument(instrument, options.out)
        _check_kind(opened, kind)
        _check_approver(opened, options, approver)
        found = _policy(policy, opened)
        return work(Deployment(found, opened, options, events, button, engine))

    return (yield from engine.within(in_thread))


def with_metadata(options: Options, **entries: Any) -> Options:
    """Return options whose start document has further entries; those that are empty are left out."""
    given = {name: value for name, value in entries.items() if value not in ("", None)}
    return replace(options, metadata={**options.metadata, **given})


def _policy(policy: Policy | str | None, opened: OpenedInstrument) -> Policy | DeployedPolicy:
    if policy is None:
        return Unaided()
    if not isinstance(policy, str):
        return policy
    found: DeployedPolicy = resolve(READ_POLICY)(policy, opened.file)
    return found


def _check_kind(opened: OpenedInstrument, kind: str) -> None:
    own = opened.file.kind
    if kind and own != kind:
        plan = resolve(bridge_kind(own).plan).__name__
        raise ValueError(f"{opened.path} is an instrument of the kind {own!r}; use the plan {plan}")


def _check_approver(opened: OpenedInstrument, options: Options, approver: Approver) -> None:
    """Raise ValueError at the start where every question would be a no."""
    asks = not (options.yes or options.confirm == "never")
    if asks and isinstance(approver, NobodyToAsk):
        raise ValueError(
            f"{opened.path}: nobody can be asked in this process, which has no terminal; register who answers, such as "
            'register_approver(FileApprover("approvals")), see docs/bluesky.md'
        )
