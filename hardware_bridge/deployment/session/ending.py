"""The end of a session: what makes an instrument safe is waited for, whoever presses Ctrl-C meanwhile."""

import asyncio
import time
from concurrent.futures import Future
from typing import Any

from beamgym.hardware_bridge.ca_loops import forget_channels

_LOOK_S = 0.02
_CANCEL_S = 10.0  # tasks that are cancelled end within this time, or are left


def wait_out(future: "Future[Any]", timeout_s: float) -> BaseException | None:
    """Wait until a future is done, or for ``timeout_s`` seconds; it is never cancelled.

    Returns
    -------
    The first interruption, such as a KeyboardInterrupt, for the caller to raise when it has done what must follow
    """
    ended: list[Any] = []
    interruption: BaseException | None = None
    give_up = time.monotonic() + timeout_s
    while True:
        try:
            future.add_done_callback(ended.append)
            # no lock here, which an interruption could leave locked
            while not ended and time.monotonic() < give_up:
                time.sleep(_LOOK_S)
            return interruption
        except BaseException as error:
            interruption = interruption or error


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
