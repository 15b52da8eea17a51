"""The emulated hardware that the devices of one practice instrument share, and waits for what it does in time."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.practice.simulated import EmulatedHardware, StateFile, TruthRecord, emulated_sample
from beamgym.physics.instrument import Axis

core = need("ophyd_async.core", "hardware")

from ophyd_async.core import StandardReadable  # noqa: E402 - after ``need``, which says what to install

TICK_S = 0.05
"""Between two looks at what moves or is exposed, seconds; also how often those who subscribed to a reading are told."""

_SHORTEST_S = 0.001

T = TypeVar("T")


class Bench:
    """One emulated instrument.

    Parameters
    ----------
    kind : such as "laue" or "arpes"
    options : of the environment whose instrument it is
    seed : of the sample
    speed : motors and exposures are that many times faster than real ones

    Attributes
    ----------
    mocked : devices hold what they are told, and the hardware is left alone

    Raises
    ------
    ValueError, TypeError : an unknown kind or option, a speed that is not positive
    """

    def __init__(self, kind: str, options: dict[str, Any], seed: int, speed: float) -> None:
        sample = emulated_sample(kind, options)
        self._hardware = EmulatedHardware(sample, TruthRecord(None), StateFile(None), seed, speed)
        # The truth is asked for from the main thread, and devices live in the RunEngine's.
        self._turn = threading.RLock()
        self.mocked = False

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Its motors' nature."""
        return self._hardware.sample.axes

    @property
    def exposure_limits_s(self) -> tuple[float, float]:
        """Shortest and longest exposure, seconds."""
        return self._hardware.sample.exposure_limits_s

    @contextmanager
    def hardware(self) -> Iterator[EmulatedHardware]:
        """Hold the hardware as it is now; nobody else does meanwhile."""
        with self._turn:
            self._hardware.advance()
            yield self._hardware

    def ask(self, question: Callable[[EmulatedHardware], T]) -> Callable[[], T]:
        """Return a call that answers a question about the hardware as it then is."""

        def answer() -> T:
            with self.hardware() as hardware:
                return question(hardware)

        return answer

    async def until(self, over: Callable[[EmulatedHardware], bool]) -> AsyncIterator[None]:
        """Yield at once and a few times a second until something is over."""
        while True:
            with self.hardware() as hardware:
                if over(hardware):
                    return
                left_s = hardware.next_event() - hardware.clock()
            yield
            await asyncio.sleep(min(max(left_s, _SHORTEST_S), TICK_S))

    def signal(self, datatype: Any, question: Callable[[EmulatedHardware], Any], unit: str | None = None) -> Any:
        """Return an ophyd-async signal that reads from the hardware."""
        return core.SignalR(self._backend(datatype, question, None, unit))

    def setting(
        self,
        datatype: Any,
        question: Callable[[EmulatedHardware], Any],
        command: Callable[[EmulatedHardware, Any], object],
        unit: str | None = None,
    ) -> Any:
        """Return an ophyd-async signal that reads from the hardware and sets it."""
        return core.SignalRW(self._backend(datatype, question, command, unit))

    def _backend(self, datatype: Any, question: Any, command: Any, unit: str | None) -> Any:
        ask = self.ask(question)

        def get() -> Any:
            # A mock holds what it was told; ophyd-async keeps this backend for it.
            return backend.reading["value"] if self.mocked else ask()

        def put(value: Any) -> Any:
            if self.mocked:
                return value
            with self.hardware() as hardware:
                command(hardware, value)
            return None

        given = {} if command is None else {"setter": put}
        backend = core.SoftSignalBackend(datatype, ask(), unit, getter=get, poll_period=TICK_S, **given)
        return backend


class PartOfBench(StandardReadable):
    """A device of a bench; connected with ``mock`` it leaves the hardware alone, as does then the whole bench.

    Parameters
    ----------
    bench : the instrument
    name : of the device
    """

    def __init__(self, bench: Bench, name: str = "") -> None:
        self._bench = bench
        super().__init__(name=name)

    async def connect(self, mock: Any = False, *args: Any, **kwargs: Any) -> None:
        """Connect, to the emulated hardware or as a mock."""
        self._bench.mocked = bool(mock)
        await super().connect(mock, *args, **kwargs)
