"""Waits for what another thread's loop does, with no lock that an interruption could leave locked."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

_LOOK_S = 0.02  # between two looks whether a wait is to end

T = TypeVar("T")


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


def in_loop(
    loop: asyncio.AbstractEventLoop,
    work: Callable[[], Coroutine[Any, Any, T]],
    timeout_s: float,
    check: Callable[[], object],
) -> T:
    """Run a coroutine in a loop of another thread and wait for its result; see ``Session.in_loop``."""
    future = asyncio.run_coroutine_threadsafe(work(), loop)
    try:
        return _waited(future, timeout_s, check)
    except BaseException:
        future.cancel()
        raise


def _waited(future: "Future[T]", timeout_s: float, check: Callable[[], object]) -> T:
    """Return a future's result; ``check`` is called a few times a second until it is there."""
    ended: list[Any] = []
    future.add_done_callback(ended.append)
    give_up = time.monotonic() + timeout_s
    # no lock here, which an interruption could leave locked
    while not ended:
        check()
        if time.monotonic() > give_up:
            raise TimeoutError(f"no result within {timeout_s:g} s")
        time.sleep(_LOOK_S)
    return future.result()
