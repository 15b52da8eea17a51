"""One guarded command: collects the rules' decisions about it and writes its two lines in the audit log.

A command that a rule refuses is never sent and has one line, "refused". One that is sent has a line before, written
before anything leaves this computer, and an outcome after. In a dry run both are the one line "dry run".
"""

from collections.abc import Callable
from typing import Any, Protocol

from beamgym.hardware_bridge.devices import DeviceError, in_thread
from beamgym.hardware_bridge.guard.rules import Checklist, GuardRefused, decisions
from beamgym.hardware_bridge.records import AuditError, AuditLog

_WRITE_S = 1.0  # a disk that takes longer must not hold up a stop


class CommandLog(Protocol):
    """Where a command writes its lines, and whether the guard is armed."""

    @property
    def audit(self) -> AuditLog:
        """The audit log."""
        ...

    @property
    def state(self) -> str:
        """The guard's state: "new", "armed", "latched" or "closed"."""
        ...


class GuardedCommand:
    """A command to one device.

    Parameters
    ----------
    guard : whose log and state are used
    verb : "set", "stop", "open", "close", "trigger", "expose", or what is done without a device, such as "arm"
    device : the device's name
    value : what it is sent to

    Attributes
    ----------
    device : the device's name
    ended : its last line is written
    """

    def __init__(self, guard: CommandLog, verb: str, device: str, value: Any = None) -> None:
        self._guard = guard
        self.device = device
        self._facts = {"device": device, "value": value}
        self._verb = verb
        self._decisions: list[dict[str, Any]] = []
        self._number: int | None = None
        self.ended = False

    @property
    def sent(self) -> bool:
        """Whether its line before is written and its outcome is not."""
        return self._number is not None

    def decide(self, checklist: Checklist, /, **facts: Any) -> None:
        """Let a checklist's rules decide in order, and note each decision for the log.

        Parameters
        ----------
        checklist : which rules decide; see rules/table.py
        facts : readings and settings by the names of the rules' parameters

        Raises
        ------
        GuardRefused : at the first rule that says no; the ones after it are not asked
        """
        for rule, inputs, decision in decisions(checklist, facts):
            # As the log has it: replay compares item and verdict, and lets the words improve.
            verdict = {"item": decision.item, "allowed": decision.allowed, "line": decision.line}
            self._decisions.append({"rule": rule, "inputs": inputs, "verdict": verdict})
            if not decision.allowed:
                raise GuardRefused(decision.item, decision.line)

    def about(self, value: Any) -> None:
        """Say what the device is sent to, where that was not known at first."""
        self._facts["value"] = value

    def send(self) -> None:
        """Write the line before; the command may leave after that."""
        self._number = self._guard.audit.before(self._verb, **self._facts, **self._noted())

    def end(self, outcome: str, **data: Any) -> None:
        """Write what became of it: once, and only if it was sent; a refused or pretended one has its single line."""
        # Forgotten before it is written: a log that fails here must not be told a second outcome.
        number, self._number, self.ended = self._number, None, True
        noted, audit = self._noted(), self._guard.audit
        if number is None:
            audit.event(outcome, command=self._verb, **self._facts, **data, **noted)
        else:
            audit.after(number, outcome, **data, **noted)

    async def send_whatever_happens(self) -> None:
        """Write the line before a stop or a close: a log that fails, or hangs, does not hold it up."""
        await self._in_spite_of_the_log(self.send)

    async def end_whatever_happens(self, outcome: str, **data: Any) -> None:
        """Write the outcome of a stop or a close, in the same way."""
        await self._in_spite_of_the_log(lambda: self.end(outcome, **data))

    async def _in_spite_of_the_log(self, write: Callable[[], None]) -> None:
        try:
            # In the devices' loop, where a line takes microseconds; after a failure the disk may hang, so then in a
            # thread.
            if self._guard.state == "armed":
                write()
            else:
                await in_thread("the audit log", _WRITE_S, write)
        except (AuditError, DeviceError, ValueError):
            # The log itself refuses every later command: this session can only stop and close.
            return

    def drop(self) -> None:
        """Forget what was decided: a look at which nothing was found needs no line."""
        self._decisions.clear()

    def _noted(self) -> dict[str, Any]:
        # Each decision stands in one line only: those before the send there, the others with the outcome.
        noted, self._decisions = self._decisions, []
        return {"decisions": noted} if noted else {}
