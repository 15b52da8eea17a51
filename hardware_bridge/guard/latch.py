"""The guard's state: whether commands may pass, and what has latched it."""

import threading

from beamgym.hardware_bridge.guard.rules import Decision, GuardRefused, decide


class Latch:
    """State "new", "armed", "latched" or "closed"; may be latched from any thread and from a signal handler.

    Attributes
    ----------
    state : as above
    reason : why it latched, kept when it is closed; empty where it did not since it was armed
    item : the guard's item that latched it, 0 where none did
    """

    def __init__(self) -> None:
        self.state, self.reason, self.item = "new", "", 0
        # Reentrant: a signal handler may latch in the middle of this very thread's latching.
        self._turn = threading.RLock()

    def latch(self, reason: str, item: int) -> None:
        """Let nothing pass any more; the first reason is kept, since what follows from it is no news."""
        with self._turn:
            if self.state not in ("latched", "closed"):
                self.reason, self.item, self.state = reason, item, "latched"

    def arm(self) -> None:
        """Let commands pass from now on; raises GuardRefused where it was latched or closed meanwhile."""
        with self._turn:
            if self.state != "new":
                raise GuardRefused(11, self.decision().line)
            self.state = "armed"

    def release(self) -> tuple[str, int]:
        """Make it as new; returns what had latched it, for ``restore``."""
        with self._turn:
            latched_by = self.reason, self.item
            self.state, self.reason, self.item = "new", "", 0
            return latched_by

    def restore(self, latched_by: tuple[str, int]) -> bool:
        """Latch it for the reason it was latched before, where nothing has latched it since; returns whether."""
        with self._turn:
            if self.state != "new":
                return False
            self.state, (self.reason, self.item) = "latched", latched_by
            return True

    def close(self) -> str:
        """Let nothing pass for ever, and latch no more; returns the state until now."""
        with self._turn:
            state, self.state = self.state, "closed"
            return state

    def decision(self) -> Decision:
        """Return what the rule says of its state."""
        return decide("armed", {"state": self.state, "reason": self.reason})

    def check(self) -> None:
        """Raise GuardRefused where it is not armed."""
        decision = self.decision()
        if not decision.allowed:
            raise GuardRefused(decision.item, decision.line)

    def refusal(self) -> GuardRefused | None:
        """Return what has latched it since it was armed, also where it was closed since; None where nothing has."""
        return GuardRefused(self.item, self.reason) if self.reason else None
