"""Shared by all adapters: checks options, imports optional libraries, and bounds every wait."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from beamgym.physics.extras import need as need
from beamgym.physics.messages import named_line, one_line

P = ParamSpec("P")
T = TypeVar("T")
OptionsT = TypeVar("OptionsT", bound="AdapterOptions")

Readings = dict[str, dict[str, Any]]
"""What ``read()`` and ``describe()`` return: a name, and what is known under it."""


class DeviceError(RuntimeError):
    """A device that cannot be reached, does not answer in time, or answers what it should not; one line."""


class AdapterOptions(BaseModel):
    """Options of one adapter; a key that is not among the fields is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_options(model: type[OptionsT], device: str, options: Mapping[str, Any]) -> OptionsT:
    """Check a device's options.

    Parameters
    ----------
    model : the adapter's options
    device : the device's name, for the message
    options : what the instrument file says

    Returns
    -------
    The options, defaults filled in

    Raises
    ------
    ValueError : an unknown key or a wrong value, in one line that names the device and the option
    """
    known = ", ".join(model.model_fields) or "none"
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        # One mistake at a time: the rest often follows from the first.
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise ValueError(f"device {device!r}: no option {key!r}; the options are {known}") from None
        if first["type"] == "missing":
            raise ValueError(f"device {device!r}: option {key!r} is missing; the options are {known}") from None
        text = f"device {device!r}: option {key!r} is {first['input']!r}: {first['msg']}"
        raise ValueError(one_line(text)) from None


def finite(name: str, value: float) -> float:
    """Return the value as a float; ValueError where it is no finite number."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} cannot be sent to {number}; a target is a finite number")
    return number


def number_reading(name: str, value: float, timestamp: float | None = None) -> Readings:
    """Return one number as ``read()`` gives it; the time is now unless ``timestamp`` (unix s) says otherwise."""
    return {name: {"value": float(value), "timestamp": time.time() if timestamp is None else timestamp}}


def number_key(name: str, source: str, unit: str) -> Readings:
    """Return one number as ``describe()`` gives it."""
    return {name: {"source": source, "dtype": "number", "shape": [], "units": unit}}


def signal_key(name: str, source: str, value: Any) -> Readings:
    """Return one reading without a unit, a text or a number, as ``describe()`` gives it."""
    return {name: {"source": source, "dtype": "string" if isinstance(value, str) else "number", "shape": []}}


def frame_keys(name: str, source: str, shape: tuple[int, int]) -> Readings:
    """Return image, counter and time of a detector as ``describe()`` gives them."""
    keys = {f"{name}_image": {"source": source, "dtype": "array", "shape": list(shape)}}
    for key, dtype in (("counter", "integer"), ("time", "number")):
        keys[f"{name}_{key}"] = {"source": source, "dtype": dtype, "shape": []}
    return keys


async def in_thread(what: str, timeout_s: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call in a thread of its own, for at most ``timeout_s``.

    Parameters
    ----------
    what : what is being done, for the message
    timeout_s : wait this long, seconds
    function : the blocking call, with its arguments

    Returns
    -------
    What the call returned

    Raises
    ------
    DeviceError : it did not return in time; the thread is left behind and does not keep the process alive. Also where
        it ended its thread, by SystemExit or the like
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        # It was given up meanwhile; what comes late is nobody's answer.
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(value)  # type: ignore[arg-type]

    def work() -> None:
        value, failure = None, None
        try:
            value = function(*args, **kwargs)
        except BaseException as error:
            # SystemExit ends a thread without a word, and whoever waits would wait for nothing.
            ordinary = isinstance(error, Exception) and not isinstance(error, StopIteration)
            failure = error if ordinary else _ended(what, error)
        # The loop may have ended while the call hung.
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, value, failure)

    # A daemon thread and no pool: a hung call would keep a pool's thread, and the process, for ever.
    threading.Thread(target=work, name=f"beamgym {what}", daemon=True).start()
    # Not wait_for: a TimeoutError of the call itself is another thing.
    try:
        await asyncio.wait({answer}, timeout=timeout_s)
        if not answer.done():
            raise DeviceError(f"{what}: no answer within {timeout_s:g} s")
        return answer.result()
    finally:
        answer.cancel()


def _ended(what: str, error: BaseException) -> DeviceError:
    """Return an error for what a Future, or a loop, would not take as one."""
    found = DeviceError(f"{what} was ended by {named_line(error)}")
    found.__cause__ = error
    return found


async def answered(what: str, timeout_s: float, work: Any, remedy: str = "") -> Any:
    """Await ``work`` for at most ``timeout_s``; whatever it raises becomes a DeviceError of one line.

    ``remedy`` is what a human can do where no answer came in time, as "; ask the maker".
    """
    try:
        return await asyncio.wait_for(work, timeout_s)
    except DeviceError:
        raise
    except TimeoutError:
        # wait_for's own text says neither what nor how long.
        raise DeviceError(f"{what}: no answer within {timeout_s:g} s{remedy}") from None
    except Exception as error:
        raise DeviceError(f"{what}: {one_line(error, 200)}") from error
