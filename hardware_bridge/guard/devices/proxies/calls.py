"""Calls devices of any library, asynchronous or blocking, and gives up each call after a time limit.

A device may be an ophyd-async one (coroutines in the RunEngine's loop), a classic ophyd one or plain Python (blocking
calls). Blocking calls run in a thread of their own, so that a device that hangs never holds the loop.
"""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from beamgym.hardware_bridge.devices import DeviceError, answered, in_thread
from beamgym.physics.messages import one_line

_NO_LOOP = "no running event loop"
_TELLTALES = ("read", "stop", "locate", "describe", "connect", "motor_limits", "moving", "alarm", "trigger", "set")


def lives_in_loop(device: Any) -> bool:
    """Say whether a device is asynchronous: one of its usual methods is a coroutine function."""
    return any(inspect.iscoroutinefunction(getattr(type(device), name, None)) for name in _TELLTALES)


async def begin(what: str, limit_s: float, returned: Callable[[], None], device: Any, method: str, *args: Any) -> Any:
    """Call a method that starts something and return its Status (or coroutine, or None) without waiting for it.

    ``returned`` is called when the call is over, be it long after ``limit_s``: until then it may still start what it is
    to start.
    """

    def start() -> Any:
        try:
            return getattr(device, method)(*args)
        except RuntimeError as error:
            # What asyncio says of an AsyncStatus that is made in a thread names neither the reason nor the remedy.
            if str(error) != _NO_LOOP:
                raise
            raise DeviceError(f"{what}: {_NO_LOOP} in a thread; make its other methods, such as read, async") from error
        finally:
            returned()

    # An asynchronous device only makes a coroutine here; a classic one may block on the network.
    return start() if lives_in_loop(device) else await in_thread(what, limit_s, start)


async def answer(what: str, limit_s: float, device: Any, attribute: str, *args: Any) -> Any:
    """Return what a method, sync or async, or a property says; DeviceError after ``limit_s``."""
    if lives_in_loop(device):
        # On the loop: its properties and methods return at once, or a coroutine.
        value = getattr(device, attribute)
        if callable(value):
            value = value(*args)
    else:
        value = await in_thread(what, limit_s, _ask, device, attribute, args)
    # A plain method of a classic device may still hand out a Future.
    if inspect.isawaitable(value):
        return await answered(what, limit_s, value)
    return value


async def finished(what: str, status: Any, limit_s: float | None) -> bool:
    """Wait for a Status; returns False when ``limit_s`` seconds have passed, and leaves the Status to itself then.

    Raises
    ------
    DeviceError : the Status says that it failed
    """
    # A device that returns nothing has done it when the call returns.
    if status is None:
        return True
    # A plain ``async def set`` is a Status to bluesky, too.
    if inspect.iscoroutine(status):
        status = asyncio.ensure_future(status)
    if isinstance(status, asyncio.Future):
        done, _ = await asyncio.wait({status}, timeout=limit_s)
        return bool(done) and _succeeded(what, status.exception() if not status.cancelled() else "cancelled")
    # Said here, in one line: an object that never ends would wait for its whole time limit.
    if not hasattr(status, "add_callback"):
        raise DeviceError(f"{what} returned {type(status).__name__}, not a bluesky Status")
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    # Callbacks of classic Statuses come from their own threads.
    status.add_callback(lambda _: _wake(loop, ended))
    done, _ = await asyncio.wait({ended}, timeout=limit_s)
    if not done:
        return False
    # A failed ophyd Status may hold no exception; that it failed counts.
    return _succeeded(what, None if status.success else status.exception(timeout=0) or "failed without a reason")


def forget(status: Any) -> None:
    """Let go of a Status that nobody waits for any longer, so that its failure is no surprise to anybody."""
    task = status if isinstance(status, asyncio.Future) else getattr(status, "task", None)
    if isinstance(task, asyncio.Future) and not task.done():
        # Asked for its exception, so that asyncio does not report it as never retrieved.
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        task.get_loop().call_soon_threadsafe(task.cancel)


def _ask(device: Any, attribute: str, args: tuple[Any, ...]) -> Any:
    value = getattr(device, attribute)
    return value(*args) if callable(value) else value


def _wake(loop: asyncio.AbstractEventLoop, ended: "asyncio.Future[None]") -> None:
    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    # A Status may end after its loop did.
    if not loop.is_closed():
        loop.call_soon_threadsafe(end)


def _succeeded(what: str, error: Any) -> bool:
    if error is None:
        return True
    raise DeviceError(f"{what}: {one_line(error, 200)}") from (error if isinstance(error, BaseException) else None)
