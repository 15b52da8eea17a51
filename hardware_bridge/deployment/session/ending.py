"""The end of a session: what makes an instrument safe is waited for, whoever presses Ctrl-C meanwhile."""

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from beamgym.hardware_bridge.ca_loops import forget_channels
from beamgym.hardware_bridge.deployment.session.waiting import wait_out
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard import AbortReport, Guard

STAYS_S = 1.5
"""So long after an abort it is looked whether everything has stayed as it was left, seconds."""

_CANCEL_S = 10.0  # tasks that are cancelled end within this time, or are left


async def finish_episode(guard: Guard, well: bool, back: bool, closes: bool, stop_reason: str) -> None:
    """Leave the instrument safe at the end of an episode; see ``Session.finish``.

    Parameters
    ----------
    stop_reason : why the session was stopped; empty where it was not
    """
    if guard.state == "closed":
        # A pause within the run's last steps does them again.
        return guard.require_unlatched()
    if not well:
        if stop_reason:
            guard.abort(stop_reason)
        else:
            # No rule has asked for it: what broke the episode off is the reason, and not this.
            guard.abort("the episode broke off", item=0)
        await guard.aborted()
        return
    await guard.look_once_more()
    if back:
        await guard.safe_return()
    if closes:
        await guard.close()
    guard.require_unlatched()


@dataclass(frozen=True)
class Closing:
    """How the closing of a guard went.

    Parameters
    ----------
    closed : the closing, in the loop; not done where the loop hangs
    ended : what was waited for last: the closing, or the abort from the guard's own thread
    interruptions : what was raised meanwhile, such as a KeyboardInterrupt
    """

    closed: "Future[AbortReport | None]"
    ended: "Future[Any]"
    interruptions: tuple[BaseException, ...]

    @property
    def report(self) -> AbortReport | None:
        """What became of an abort; None where there was none, or where it is not known."""
        if not self.ended.done() or self.ended.exception() is not None:
            return None
        report: AbortReport | None = self.ended.result()
        return report

    def result(self) -> AbortReport | None:
        """Return what became of an abort, None without one; raises the first interruption, or DeviceError."""
        for interruption in self.interruptions:
            raise interruption
        if not self.closed.done():
            raise DeviceError("the instrument's loop does not answer; look whether everything stands and is closed")
        return self.closed.result()


def close_guard(guard: Guard, loop: asyncio.AbstractEventLoop, ending_s: float) -> Closing:
    """Close a guard in its loop and wait for it, uninterrupted; where the loop hangs, abort from the guard's thread.

    Parameters
    ----------
    ending_s : each of the two is waited for so long, seconds
    """
    closed: Future[AbortReport | None] = asyncio.run_coroutine_threadsafe(_closed(guard), loop)
    interruptions = [wait_out(closed, ending_s)]
    ended: Future[Any] = closed
    if not closed.done():
        ended = guard.abort("the instrument's loop does not answer")
        interruptions.append(wait_out(ended, ending_s))
    return Closing(closed, ended, tuple(filter(None, interruptions)))


async def _closed(guard: Guard) -> AbortReport | None:
    await guard.close()
    report = await guard.aborted()
    if report is None or not report.complete:
        return report
    await asyncio.sleep(STAYS_S)
    return replace(report, unconfirmed=await guard.stop_again())


def end_loop(engine: Any) -> None:
    """End an engine's loop and its thread."""
    loop, thread = engine.loop, engine._th
    if thread is None or not loop.is_running():
        return

    async def cancel_all() -> None:
        forget_channels(loop)
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(cancel_all(), loop).result(_CANCEL_S)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(_CANCEL_S)
    if not loop.is_running():
        loop.close()
