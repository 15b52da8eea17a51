"""Stages commanded by short texts over VISA: GPIB, USB, sockets and serial lines, by pyvisa."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from beamgym.hardware_bridge.adapters.visa_commands import VisaOptions
from beamgym.hardware_bridge.devices import (
    DeviceError,
    Readings,
    finite,
    in_thread,
    need,
    number_key,
    number_reading,
)
from beamgym.physics.messages import one_line

pyvisa = need("pyvisa", "visa")
AsyncStatus = need("ophyd_async.core", "hardware").AsyncStatus

T = TypeVar("T")


class VisaLine:
    """One open line to one controller; its axes take turns on it.

    Parameters
    ----------
    address : VISA resource, e.g. "ASRL/dev/ttyUSB0::INSTR" or "TCPIP::10.0.0.5::5025::SOCKET"
    options : of the first axis that uses the line; see VisaOptions
    """

    def __init__(self, address: str, options: VisaOptions) -> None:
        self.address = address
        self._options = options
        # A thread lock: calls run in threads, since pyvisa blocks.
        self._turn = threading.Lock()
        self._resource: Any = None

    def open(self) -> None:
        """Open the line unless it is open; DeviceError where that fails."""
        with self._taken():
            if self._resource is None:
                self._open()

    def close(self) -> None:
        """Close the line; it may be opened again."""
        with self._taken():
            self._close()

    def send(self, command: str, reply: str | None) -> None:
        """Send a command; where ``reply`` is given, the controller must answer exactly that."""
        with self._taken():
            # A silent controller would let the read run into its time limit.
            if reply is None:
                self._guarded(command, lambda resource: resource.write(command))
                return
            found = self._query(command)
        # A controller that refuses a command says so here and nowhere else.
        if found != reply:
            raise DeviceError(f"{self.address}: {command!r} was answered {found[:60]!r}, not {reply!r}")

    def query(self, command: str) -> str:
        """Send a command and return the answer, without line end."""
        with self._taken():
            return self._query(command)

    def _query(self, command: str) -> str:
        return str(self._guarded(command, lambda resource: resource.query(command))).strip()

    def _guarded(self, command: str, work: Callable[[Any], T]) -> T:
        if self._resource is None:
            self._open()
        try:
            return work(self._resource)
        except Exception as error:  # pyvisa's backends raise VisaIOError, OSError, serial's own and UnicodeDecodeError
            # What comes late would be taken for the next answer: the line is opened anew.
            self._close()
            raise DeviceError(f"{self.address}: {command!r} failed: {one_line(error, 120)}") from None

    def _taken(self) -> "_Turn":
        return _Turn(self._turn, self.address, 4.0 * self._options.reply_s)

    def _open(self) -> None:
        options = self._options
        try:
            # pyvisa keeps one manager a library for everybody; closing it would close the other lines too.
            resource = pyvisa.ResourceManager(options.backend).open_resource(
                self.address, write_termination=options.write_end, read_termination=options.read_end
            )
            self._resource = resource
            # pyvisa counts milliseconds.
            resource.timeout = 1e3 * options.reply_s
            if options.baud is not None:
                resource.baud_rate = options.baud
        except Exception as error:  # as above, and ValueError for a backend that is not installed
            self._close()
            raise DeviceError(f"cannot open VISA resource {self.address!r}: {one_line(error, 160)}") from None

    def _close(self) -> None:
        resource, self._resource = self._resource, None
        if resource is not None:
            # A line that broke cannot always be closed, and is left either way.
            with contextlib.suppress(Exception):
                resource.close()


class _Turn:
    """The lock of a line, waited for within bounds."""

    def __init__(self, lock: threading.Lock, address: str, timeout_s: float) -> None:
        self._lock, self._address, self._timeout_s = lock, address, timeout_s

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._timeout_s):
            raise DeviceError(f"{self._address}: the line is busy for more than {self._timeout_s:g} s")

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class VisaAxis:
    """One axis of a stage.

    Parameters
    ----------
    name : the axis's name
    unit : "deg" or "mm"
    line : the line to its controller
    options : its commands; see VisaOptions
    timeout_s : a move may take this long, seconds
    """

    parent = None

    def __init__(self, name: str, unit: str, line: VisaLine, options: VisaOptions, timeout_s: float) -> None:
        self.name = name
        self._unit = unit
        self._line = line
        self._options = options
        self._timeout_s = timeout_s

    async def connect(self, timeout: float) -> None:
        """Open the line and read the position; DeviceError names the resource."""
        await in_thread(f"{self.name}: VISA resource {self._line.address}", timeout, self._line.open)
        # An open line need not have a controller at its end; an answer shows it.
        await self._number(self._options.position)

    def set(self, value: float) -> Any:
        """Send an absolute move and wait until the controller says that it stands; judging arrival is the guard's."""
        return AsyncStatus(self._move(value), name=self.name)

    async def read(self) -> Readings:
        """Return the position as the controller gives it; NaN where it says so."""
        return number_reading(self.name, await self._number(self._options.position))

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        return number_key(self.name, f"visa://{self._line.address}", self._unit)

    async def motor_limits(self) -> tuple[float, float] | None:
        """Return the tighter of the controller's and the options' ends of travel, or None where neither has any."""
        options = self._options
        pairs = [] if options.low is None or options.high is None else [(options.low, options.high)]
        if options.low_limit is not None and options.high_limit is not None:
            pairs.append((await self._number(options.low_limit), await self._number(options.high_limit)))
        if not pairs:
            return None
        low, high = max(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
        if not low <= high:
            raise DeviceError(f"{self.name}: the ends of travel are {low:g} and {high:g} {self._unit}, in wrong order")
        return low, high

    async def moving(self) -> bool:
        """Say whether the controller reports motion."""
        return re.match(self._options.moving_reply, await self._query(self._options.moving)) is not None

    async def alarm(self) -> str:
        """Return the controller's error, or "" where all is well or it has none to read."""
        if self._options.error is None:
            return ""
        reply = await self._query(self._options.error)
        # An empty answer is no word that all is well.
        return "" if reply == self._options.error_free else reply or "empty answer"

    async def home_done(self) -> bool:
        """Say whether the controller reports the axis homed; False where it cannot be asked."""
        return self._options.homed is not None and await self._query(self._options.homed) == self._options.homed_reply

    async def stop(self, success: bool = True) -> None:
        """Send the stop command."""
        await self._send(self._options.stop, self._options.stop_reply)

    async def close(self) -> None:
        """Close the line."""
        await in_thread(f"{self.name}: closing", self._patience_s, self._line.close)

    @property
    def _patience_s(self) -> float:
        # A turn on the line and the answer itself.
        return 6.0 * self._options.reply_s

    async def _move(self, value: float) -> None:
        target = finite(self.name, value)
        deadline = time.monotonic() + self._timeout_s
        await self._send(self._options.move, self._options.move_reply, target)
        # There is no completion over a text line: it has to be asked.
        while await self.moving():
            if time.monotonic() > deadline:
                raise DeviceError(f"{self.name} still moves {self._timeout_s:g} s after its command to {target:g}")
            await asyncio.sleep(self._options.poll_s)

    async def _send(self, command: str, reply: str | None, position: float = 0.0) -> None:
        text = self._options.text(command, position)
        await in_thread(f"{self.name}: {text!r}", self._patience_s, self._line.send, text, reply)

    async def _query(self, command: str) -> str:
        text = self._options.text(command)
        return await in_thread(f"{self.name}: {text!r}", self._patience_s, self._line.query, text)

    async def _number(self, command: str) -> float:
        return self._options.value(f"{self.name}: {command!r}", await self._query(command))
