"""A pause that an operator asks for: the policy's next decision waits until it may go on."""

import threading
from collections.abc import Callable
from typing import Any

from beamgym.envs.policy import Policy

_LOOK_S = 0.2  # between two signs of life of who is waited for


class Hold:
    """Whether decisions wait, and for whom.

    Parameters
    ----------
    alive : called several times a second while one waits: a human at the page is a sign of life

    Attributes
    ----------
    by : who asked for it; empty where nobody did
    """

    def __init__(self, alive: Callable[[], object] = lambda: None) -> None:
        self.by, self.alive = "", alive
        self._free = threading.Event()
        self._free.set()

    def hold(self, operator: str) -> None:
        """Let decisions wait from now on."""
        self.by = operator
        self._free.clear()

    def go_on(self) -> None:
        """Let them wait no more."""
        self.by = ""
        self._free.set()

    def wait(self) -> None:
        """Return when decisions need not wait."""
        while not self._free.wait(_LOOK_S):
            self.alive()


class HeldPolicy:
    """A policy whose decisions wait while an operator wants them to; it decides what the given one does.

    Parameters
    ----------
    policy : who decides
    hold : whether it waits
    """

    def __init__(self, policy: Policy, hold: Hold) -> None:
        self._policy, self._hold = policy, hold

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)

    def act(self, observation: Any, state: Any, truth: Any = None) -> Any:
        """Decide, and return it when it may go on: what waits was decided on the frame that was shown."""
        decided = self._policy.act(observation, state, truth)
        self._hold.wait()
        return decided
