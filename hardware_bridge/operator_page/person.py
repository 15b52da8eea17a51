"""A person at the page as a policy: a move at a time, through the same guard, recorded as the same episodes."""

import threading
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.kinds import resolve
from beamgym.envs.task import Observation, Truth
from beamgym.hardware_bridge.kinds import bridge_kind_of
from beamgym.hardware_bridge.operator_page.access import Refused
from beamgym.hardware_bridge.operator_page.by_hand import Hand
from beamgym.hardware_bridge.operator_page.hold import Hold
from beamgym.hardware_bridge.operator_page.view import PageView

PERSON = "person"
"""Name of the policy that is whoever holds the page."""

_LOOK_S = 0.2  # between two signs of life of the person who is waited for


class Person:
    """Whoever holds the page, as a policy.

    Parameters
    ----------
    view : shows whose turn it is
    hold : its ``alive`` is called while the person thinks
    """

    name, oracle = PERSON, False

    def __init__(self, view: PageView, hold: Hold) -> None:
        self._view, self._hold = view, hold
        self._hand: Hand | None = None
        self._turn, self._number = threading.Condition(), 0
        self._waits, self._action = False, np.zeros((1, 1), dtype=np.float32)

    @property
    def rehearsed_by(self) -> "Idle":
        """What stands in for the person while a deployment is rehearsed in simulation."""
        return Idle(self)

    def context_for(self, context: Any) -> Any:
        """Return the context in which a person plays: a move is a step of axes.

        Raises
        ------
        ValueError : this kind of instrument takes no moves by hand
        """
        kind = bridge_kind_of(context)
        if kind is None or kind.by_hand is None:
            raise ValueError("this kind of instrument takes no moves by hand; name another policy")
        self._hand = resolve(kind.by_hand)(context)
        return self._hand.context

    def idle(self) -> NDArray[np.float32]:
        """Return the action that leaves everything as it is."""
        return self._known.action({}, declares=False)

    def start(self, context: Any, n: int) -> list[Any]:
        """Begin."""
        return [None] * n

    def act(
        self, observation: Observation, state: list[Any], truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], list[Any]]:
        """Return what the person decides, when it has been decided."""
        with self._turn:
            self._number, self._waits = self._number + 1, True
            fields = [asdict(field) for field in self._known.fields]
            self._view.set_turn({"number": self._number, "fields": fields})
            try:
                while self._waits:
                    self._turn.wait(_LOOK_S)
                    self._hold.alive()
            finally:
                self._waits = False
                self._view.set_turn(None)
            return self._action, state

    def take(self, body: Mapping[str, Any]) -> None:
        """Take the person's decision: the turn's ``number``, ``given`` numbers by axis, and whether it ``declares``.

        Raises
        ------
        Refused : it is not the person's turn, or a number is none
        """
        given, declares = body.get("given", {}), body.get("declares") is True
        with self._turn:
            if not self._waits or body.get("number") != self._number:
                raise Refused(HTTPStatus.CONFLICT, "that turn is over; nothing is sent")
            try:
                self._action = self._known.action(given if isinstance(given, dict) else {"": 0.0}, declares)
            except ValueError as error:
                raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from None
            self._waits = False
            self._turn.notify_all()

    @property
    def _known(self) -> Hand:
        if self._hand is None:
            raise ValueError("a person plays in the context that context_for returns")
        return self._hand


class Idle:
    """Moves nothing, in a person's place, where nobody is to be asked."""

    name, oracle = PERSON, False

    def __init__(self, person: Person) -> None:
        self._person = person

    def start(self, context: Any, n: int) -> list[Any]:
        """Begin."""
        return [None] * n

    def act(
        self, observation: Observation, state: list[Any], truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], list[Any]]:
        """Return the action that leaves everything as it is."""
        return self._person.idle(), state
