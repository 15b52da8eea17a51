"""The practice instrument: a simulated instrument of any kind behind EPICS Channel Access (`beamgym ioc`).

The emulated hardware (``practice.simulated``) lives by the wall clock and in its state file; this server shows it.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from beamgym.hardware_bridge.practice.camera import Camera
from beamgym.hardware_bridge.practice.motor import MotorRecord
from beamgym.hardware_bridge.practice.server import LoopbackServer, cancelled
from beamgym.hardware_bridge.practice.simulated import EmulatedHardware, StateFile, TruthRecord, emulated_sample
from beamgym.hardware_bridge.practice.utilities import HEARTBEAT_S, Utilities

CA_PORT = 5064
REPEATER_PORT = 5065
PREFIX = "bgym:"
FAST = 1e6
"""Speed at which a move or an exposure takes no time that anybody would notice."""

# A moving motor is published 20 times a second, as real records do; one that rests has nothing to tell but dose and
# faults.
_MOVING_S, _RESTING_S = 0.05, 0.25


@dataclass(frozen=True)
class IocOptions:
    """What the practice instrument is to be.

    Parameters
    ----------
    kind : of instrument, such as "laue" or "arpes"
    prefix : of every PV
    address : to listen on; other than loopback only on request
    port : TCP and UDP
    repeater_port : to which beacons go
    seed : of the first sample
    speed : how many times faster than real time motors and exposures are
    record, state : files of the truth record and of the hardware's state, or None
    environment : options of the environment whose instrument it is, such as level, goniometer, stage
    """

    kind: str
    prefix: str = PREFIX
    address: str = "127.0.0.1"
    port: int = CA_PORT
    repeater_port: int = REPEATER_PORT
    seed: int = 0
    speed: float = 1.0
    record: str | None = None
    state: str | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("port", "repeater_port"):
            if not 1 <= getattr(self, name) <= 65535:
                raise ValueError(f"{name} is {getattr(self, name)}; choose 1 to 65535")
        if not self.prefix or len(self.prefix) > 20 or set(self.prefix) & set(" ."):
            raise ValueError(f"prefix is {self.prefix!r}; give 1 to 20 characters without spaces and dots, as {PREFIX}")


class SoftIoc:
    """Records over one emulated instrument; ``run`` serves them until it is cancelled.

    Parameters
    ----------
    options : what it is to be
    hardware : what it serves; made from the options by default
    """

    def __init__(self, options: IocOptions, hardware: EmulatedHardware | None = None) -> None:
        self.options = options
        self.hardware = hardware or emulated_hardware(options)
        prefix = options.prefix
        self.utilities = Utilities(self.hardware, prefix, self._act, self._note)
        self.detector: Any = _detector_of(self.hardware)(
            self.hardware, prefix, self._act, lambda: self._wait(lambda: self.hardware.exposure is None), self._note
        )
        self.motors = [
            MotorRecord(self.hardware, name, prefix, self._act, self._rest, self._note) for name in self.hardware.motors
        ]
        self._lock, self._published, self._wake = asyncio.Lock(), asyncio.Condition(), asyncio.Event()
        self.server: LoopbackServer | None = None

    @property
    def channels(self) -> dict[str, Any]:
        """Every channel by its full name."""
        groups = [self.utilities.channels, self.detector.channels, *(motor.channels for motor in self.motors)]
        return {name: channel for group in groups for name, channel in group.pvdb.items()}

    @property
    def listening(self) -> bool:
        """Whether clients can connect."""
        return self.server is not None and self.server.port is not None

    async def run(self) -> None:
        """Serve until cancelled; raises ValueError where the port is taken."""
        chosen = self.options
        self.server = LoopbackServer(self.channels, chosen.address, chosen.port, chosen.repeater_port)
        parts = [asyncio.create_task(part) for part in (self.server.run(), self._keep_time(), self._beat())]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            # One that ends by itself has failed: whatever it raised ends the server.
            for part in done:
                part.result()
        finally:
            for part in parts:
                await cancelled(part)
            # However it ended: the port must be free for the next start.
            await self.server.close_sockets()
            # After the parts, so that nothing is received after it.
            self.hardware.record.write("server_stopped", self.hardware.advance())
            self.hardware.keep()

    async def _keep_time(self) -> None:
        """Let the hardware's events happen when they are due, and show what moves."""
        while True:
            now = self.hardware.advance()
            await self._publish()
            due = self.hardware.next_event() - now
            busy = any(motor.motion is not None for motor in self.hardware.motors.values())
            # Cleared before the wait and set after every action: a motor that just set off is shown at once, not at the
            # next round.
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), min(max(due, 0.0), _MOVING_S if busy else _RESTING_S))
            except TimeoutError:
                continue

    async def _beat(self) -> None:
        while True:
            await self.utilities.beat()
            await asyncio.sleep(HEARTBEAT_S)

    async def _publish(self) -> None:
        # One at a time, or an older state could be published after a newer one.
        async with self._lock:
            await self.utilities.publish()
            await self.detector.publish()
            for motor in self.motors:
                await motor.publish()
        # After everything is published: a put completes only when its effect can be seen, as a record's does.
        async with self._published:
            self._published.notify_all()

    async def _act(self, do: Callable[[], Any]) -> Any:
        # At once, in the handler: the order of actions is that of the puts.
        result = do()
        await self._publish()
        self._wake.set()
        return result

    async def _rest(self, name: str) -> None:
        await self._wait(lambda: self.hardware.motors[name].motion is None)

    async def _wait(self, until: Callable[[], bool]) -> None:
        """Return when something is so and has been published."""
        async with self._published:
            await self._published.wait_for(until)

    def _note(self, pv: str, value: Any, client: str) -> None:
        plain = value.decode("latin-1") if isinstance(value, bytes) else value
        self.hardware.record.write("put", self.hardware.clock(), pv=pv, value=plain, client=client)


def _detector_of(hardware: EmulatedHardware) -> Any:
    """Return what shows the counts or pictures of a sample; the counter is imported where there is one."""
    if not hardware.sample.counts:
        return Camera
    from beamgym.hardware_bridge.practice.counter import Counter

    return Counter


def emulated_hardware(options: IocOptions) -> EmulatedHardware:
    """Make the hardware that options ask for, from its state file where there is one."""
    sample = emulated_sample(options.kind, dict(options.environment))
    record, state = TruthRecord(options.record), StateFile(options.state)
    return EmulatedHardware(sample, record, state, options.seed, options.speed)


def serve(options: IocOptions, ready: Callable[[SoftIoc], None] = lambda ioc: None) -> None:
    """Serve the practice instrument until SIGINT or SIGTERM.

    Parameters
    ----------
    options : what it is to be
    ready : called when it listens

    Raises
    ------
    ValueError : options that cannot be, or a port that is taken
    """
    # caproto logs clients that vanish with a traceback; in practice killing them is the exercise.
    logging.getLogger("caproto").setLevel(logging.CRITICAL)

    async def main() -> None:
        ioc = SoftIoc(options)
        running = asyncio.ensure_future(ioc.run())
        for number in (signal.SIGINT, signal.SIGTERM):
            # The state file and the record are closed properly on Ctrl-C, too.
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
        # caproto says nowhere when it listens; whoever waits for ``ready`` must be able to connect.
        while not (running.done() or ioc.listening):
            await asyncio.sleep(0.01)
        if ioc.listening:
            ready(ioc)
        try:
            await running
        except asyncio.CancelledError:
            return

    asyncio.run(main())
