"""A deployment within a plan of somebody else's RunEngine: its work in a thread, its plans inside that plan.

``Session`` and every mode of a deployment call their engine, ``engine(plan)``, and wait. Here the engine that they call
is a plan which already runs: it waits for the next plan that is asked for, and runs it as a part of itself. So the same
code serves `beamgym deploy` and anybody's RunEngine, and pauses, aborts and suspenders of that RunEngine hold.
"""

import asyncio
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, TypeVar

from beamgym.hardware_bridge.deployment.session.stop import Stopped
from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.rollout import awaited
from beamgym.physics.messages import one_line

bps, messages = need("bluesky.plan_stubs", "hardware"), need("bluesky.utils", "hardware")

_LOOK_S = 0.02  # between two looks whether a plan is asked for

T = TypeVar("T")
Plan = Generator[Any, Any, T]


class PlanEngine:
    """What a session takes for its RunEngine, where it works within a plan of another one.

    Used once: ``yield from engine.within(work)`` runs ``work`` in a thread, in which ``engine`` can be called.

    Parameters
    ----------
    stop : called with a reason, in a thread, when the RunEngine ends this plan while none of the work's is under way,
        and when it is halted
    """

    def __init__(self, stop: Callable[[str], object] = lambda reason: None) -> None:
        self._stop = stop
        self._engine: Any = None
        self._asked: Future[_Request | None] = Future()
        self._over = ""

    def within(self, work: Callable[[], T]) -> Plan[T]:
        """Return a plan that runs ``work`` in a thread, with the plans that it asks for inside this one.

        Returns
        -------
        What ``work`` returned

        Raises
        ------
        Exception : what ``work`` raised; what the RunEngine ended the plan with (abort, stop), when ``work`` has ended
        """
        yield from self._meet()
        # From here on it can be paused: what is waited for again after a pause is the same thing.
        yield from bps.checkpoint()
        ended: Future[T] = Future()
        threading.Thread(target=self._work, args=(work, ended), name="beamgym deployment", daemon=True).start()
        asked_to_end: Exception | None = None
        failed: Exception | None = None
        while True:
            request = None
            try:
                request = yield from self._next()
                if request is None:
                    break
                yield from request.run()
            except messages.FailedStatus as error:
                # Of a device whose plan has ended by another one's failure: what the work says of it comes first.
                failed = error
            except Exception as error:
                # The RunEngine lets a plan clean up: the instrument is left safe before it is let go.
                asked_to_end = asked_to_end or error
                if request is None:
                    self._end(_told_to(error))
            except GeneratorExit as error:
                # No cleanup is waited for after RE.halt(): the thread makes safe what it can by itself.
                self._let_go(_told_to(error))
                raise
        if asked_to_end is not None:
            raise asked_to_end
        result = ended.result()
        if failed is not None:
            raise failed
        return result

    # -- what a session calls, from the thread -----------------------------------------------------------------------

    def __call__(self, plan: Plan[Any]) -> Any:
        """Run a plan inside the one that waits for this thread; blocks until it has ended.

        Raises
        ------
        Stopped : the RunEngine ended it, by an abort, a stop or a halt
        Exception : what the plan raised
        """
        request = _Request(plan)
        self._asked.set_result(request)
        # After it was asked for: whoever lets go in between sees the one or the other.
        if self._over:
            raise Stopped(self._over)
        return request.outcome.result()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The RunEngine's loop, in which devices live."""
        loop: asyncio.AbstractEventLoop = self._engine.loop
        return loop

    @property
    def state(self) -> str:
        """What the RunEngine is doing."""
        return str(self._engine.state)

    @property
    def md(self) -> Any:
        """What the RunEngine puts into every start document."""
        return self._engine.md

    def subscribe(self, consumer: Callable[[str, dict[str, Any]], object]) -> int:
        """Let a consumer have the documents; returns a token for ``unsubscribe``."""
        token: int = self._engine.subscribe(consumer)
        return token

    def unsubscribe(self, token: int) -> None:
        """Let a consumer have no more documents."""
        self._engine.unsubscribe(token)

    def request_suspend(self, wait: Any, justification: str) -> None:
        """Suspend the plan until what ``wait`` makes has ended."""
        self._engine.request_suspend(wait, justification=justification)

    def abort(self, reason: str = "") -> None:
        """Abort the plan; what was called with a plan raises Stopped."""
        self._engine.abort(reason)

    # -- parts -------------------------------------------------------------------------------------------------------

    def _meet(self) -> Plan[None]:
        """Learn which RunEngine runs this plan: whoever is installed as a suspender is told."""
        yield messages.Msg("install_suspender", None, self)
        yield messages.Msg("remove_suspender", None, self)

    def install(self, engine: Any, *, event_type: str | None = None) -> None:
        """Take note of the RunEngine; it calls this."""
        self._engine = engine

    def remove(self) -> None:
        """Do nothing; the RunEngine calls this."""

    def get_futures(self) -> tuple[list[Any], str]:
        """Return that nothing is waited for; the RunEngine calls this."""
        return [], ""

    def _work(self, work: Callable[[], T], ended: "Future[T]") -> None:
        try:
            ended.set_result(work())
        except BaseException as error:
            ended.set_exception(error)
        finally:
            if not self._asked.done():
                self._asked.set_result(None)

    def _next(self) -> "Plan[_Request | None]":
        """Wait for the next plan that is asked for; None when the work has ended."""
        asked = self._asked

        async def look() -> None:
            while not asked.done():
                await asyncio.sleep(_LOOK_S)

        yield from awaited(look)
        request = asked.result()
        if request is not None:
            # Before the plan runs: when it has ended, the thread may ask for the next one at once.
            self._asked = Future()
        return request

    def _let_go(self, reason: str) -> None:
        """Run no plan any more, and tell the thread."""
        self._over = reason
        if self._asked.done() and (request := self._asked.result()) is not None:
            request.fail(reason)
        self._end(reason)

    def _end(self, reason: str) -> None:
        # In a thread: this is called in the loop, which whatever stops an instrument needs.
        threading.Thread(target=self._stop, args=(reason,), daemon=True).start()


class _Request:
    """A plan that is to be run, and what became of it."""

    def __init__(self, plan: Plan[Any]) -> None:
        self.plan = plan
        self.outcome: Future[Any] = Future()

    def run(self) -> Plan[None]:
        """Run it; what it raises is for who asked, but what ends the RunEngine's plan is raised here too."""
        try:
            result = yield from self.plan
        except (messages.RunEngineControlException, GeneratorExit) as error:
            self.fail(_told_to(error))
            raise
        except BaseException as error:
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(result)

    def fail(self, reason: str) -> None:
        """Tell who asked that the RunEngine ended it."""
        if not self.outcome.done():
            self.outcome.set_exception(Stopped(reason))


def _told_to(error: BaseException) -> str:
    if isinstance(error, messages.RequestAbort):
        return "the RunEngine was told to abort"
    if isinstance(error, messages.RequestStop):
        return "the RunEngine was told to stop"
    return "the RunEngine was halted" if isinstance(error, GeneratorExit) else f"the plan was ended: {one_line(error)}"
