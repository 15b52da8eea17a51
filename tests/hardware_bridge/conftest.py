"""Channel Access on loopback for one pytest process, and a practice instrument for each test that asks for one.

libca and caproto's clients read EPICS_CA_* once, so the port is chosen here, before any of them is imported. One server
per kind is kept for the whole process; every test gets it as new: first sample, first settings, no faults, no records.
"""

import atexit
import contextlib
import copy
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_records import OddServer

from beamgym.hardware_bridge.guard.rules.replay import replay
from beamgym.hardware_bridge.practice.audit_compare import Agreement, compare_with_record
from beamgym.hardware_bridge.practice.process import HeldPort, IocProcess, loopback_environment
from beamgym.physics.instrument import Axis

_HELD = [HeldPort() for _ in range(3)]
"""Until the process ends: servers come and go on them, and no other worker of xdist takes one meanwhile."""

for _held in _HELD:
    atexit.register(_held.close)
PORT, REPEATER_PORT, SIDE_PORT = (held.number for held in _HELD)
os.environ.update(loopback_environment(PORT, REPEATER_PORT))
os.environ["EPICS_CA_ADDR_LIST"] = f"127.0.0.1:{PORT} 127.0.0.1:{SIDE_PORT}"


LEFT_OPEN = ("ignore:unclosed (transport|<socket):ResourceWarning", "ignore:loop is closed:ResourceWarning")
"""What caproto's servers and clients leave to the garbage collector."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of this folder alone leave sockets open; the hook is given the tests of all folders."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for words in LEFT_OPEN:
                item.add_marker(pytest.mark.filterwarnings(words))


_KEPT: dict[str, IocProcess] = {}
"""The one server that is running: both kinds answer on the same port, so only one can."""


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_for_later_tests() -> Iterator[None]:
    """Collect the garbage while the last test of a file still lets it be; a later test would fail by it.

    A server that is kept is held as well until the next test that asks for it: idle it takes a fiftieth of a core.
    """
    yield
    gc.collect()
    for server in _KEPT.values():
        _signal(server, signal.SIGSTOP)


@pytest.fixture(scope="session")
def _keeper() -> Iterator[dict[str, IocProcess]]:
    """Return the servers that are kept, and end them with the session."""
    pytest.importorskip("caproto", reason="the practice instrument needs the extra 'ioc'")
    yield _KEPT
    _end_kept()


def _signal(server: IocProcess, number: signal.Signals) -> None:
    if server.running and server._process is not None:
        server._process.send_signal(number)


def _end_kept(but: str = "") -> None:
    for name in [name for name in _KEPT if name != but]:
        server = _KEPT.pop(name)
        _signal(server, signal.SIGCONT)  # one that is held does not hear that it is to end
        server.close()


def _server(keeper: dict[str, IocProcess], kind: str) -> IocProcess:
    _end_kept(but=kind)
    if kind not in keeper:
        keeper[kind] = IocProcess(kind, PORT, repeater_port=REPEATER_PORT, speed=50.0)
    _signal(keeper[kind], signal.SIGCONT)
    keeper[kind].fresh()
    return keeper[kind]


@pytest.fixture
def ports() -> dict[str, int]:
    """Ports of this process: of the first server, of one beside it, of the repeater."""
    return {"first": PORT, "side": SIDE_PORT, "repeater": REPEATER_PORT}


@pytest.fixture
def laue_ioc(_keeper: dict[str, IocProcess]) -> IocProcess:
    """A Laue instrument as new, 50 times faster than real time."""
    return _server(_keeper, "laue")


@pytest.fixture
def arpes_ioc(_keeper: dict[str, IocProcess]) -> IocProcess:
    """An ARPES instrument as new, 50 times faster than real time."""
    return _server(_keeper, "arpes")


@pytest.fixture
def special_ioc(_keeper: dict[str, IocProcess]) -> Iterator[Callable[..., IocProcess]]:
    """Call it with IocProcess's arguments for an instrument of one's own on the worker's port, while the test lasts."""
    started: list[IocProcess] = []

    def start(kind: str, **arguments: Any) -> IocProcess:
        _end_kept()
        server = IocProcess(kind, PORT, repeater_port=REPEATER_PORT, **arguments)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.close()


SIDE_SERVER = """
import asyncio, sys

from beamgym.hardware_bridge.practice.channels import Channels, Double
from beamgym.hardware_bridge.practice.server import LoopbackServer

async def main():
    channels = Channels("side:")
    for name in ("current", "heartbeat"):
        channels.add(name, Double, 200.0)
    server = LoopbackServer(channels.pvdb, "127.0.0.1", int(sys.argv[1]), int(sys.argv[2]))
    running, beats = asyncio.ensure_future(server.run()), 0
    while not running.done():
        await asyncio.sleep(0.1)
        beats += 1
        await channels.show({"heartbeat": float(beats)})
    running.result()

asyncio.run(main())
"""


def _wait_for_port(process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + 240.0
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", SIDE_PORT), timeout=1.0):
            return
        assert process.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.05)


class SideServer:
    """A second server, of a beam current `side:current` and a heartbeat `side:heartbeat`, on a port of its own."""

    def __init__(self) -> None:
        words = [sys.executable, "-c", SIDE_SERVER, str(SIDE_PORT), str(REPEATER_PORT)]
        self._process = subprocess.Popen(words)
        _wait_for_port(self._process)

    def end(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        """Let it do nothing any more, with its connections open."""
        self._process.send_signal(signal.SIGSTOP)


@pytest.fixture
def side_server() -> Iterator[Callable[[], SideServer]]:
    """Call it for a second server; only one at a time can be."""
    started: list[SideServer] = []

    def start() -> SideServer:
        for other in started:
            other.end()
        started.append(SideServer())
        return started[-1]

    yield start
    for server in started:
        server.end()


@pytest.fixture(scope="module")
def camera_server() -> Iterator[Callable[[dict[str, dict[str, Any]]], None]]:
    """Call it with the entries of rigs/camera_server.py, by prefix, for a server of such cameras beside the others."""
    import rigs

    started: list[subprocess.Popen[bytes]] = []

    def start(entries: dict[str, dict[str, Any]]) -> None:
        script = Path(rigs.__file__).with_name("camera_server.py")
        words = [sys.executable, str(script), str(SIDE_PORT), str(REPEATER_PORT), json.dumps(entries)]
        started.append(subprocess.Popen(words))
        _wait_for_port(started[-1])

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def odd_server() -> Iterator[Callable[[dict[str, Any]], OddServer]]:
    """Call it with PVs for a server of odd records, while the test lasts; only one at a time can be."""
    started: list[OddServer] = []

    def start(pvs: dict[str, Any]) -> OddServer:
        for other in started:
            _purge_channels()
            other.close()
        started[:] = [OddServer(pvs, SIDE_PORT, REPEATER_PORT)]
        return started[0]

    yield start
    _purge_channels()
    for server in started:
        server.close()


@pytest.fixture(autouse=True)
def _no_channels_left() -> Iterator[None]:
    """Close every channel after a test: libca would tell a loop that has ended when a server comes or goes."""
    yield
    _purge_channels()


def _purge_channels() -> None:
    aioca = sys.modules.get("aioca")
    if aioca is not None:
        aioca.purge_channel_caches()


@pytest.fixture
def agreed_log() -> Callable[..., Agreement]:
    """Call it with a closed audit log and the IocProcess (or its record): both must tell the same story.

    The log's chain is whole, every command that the emulator received has exactly one ``before`` line, every ``before``
    has an outcome or "unknown", what ended "done" was received, and every decision comes out the same again.
    """

    def agree(log: Any, ioc: Any) -> Agreement:
        found = _compared_in_the_end(lambda: compare_with_record(log, _record_of(ioc)))
        assert found.ok, found.summary()
        again = replay(log)
        assert not again.differences, again.summary()
        return found

    return agree


@pytest.fixture
def without() -> Callable[..., Any]:
    """Call it with guard items: within ``with without(8):`` the rule table lets pass what they would refuse.

    Only a test can do that, by putting another table in the place of the shipped one, which cannot be changed. Item 5
    is a time limit besides, which nothing reaches then.
    """

    from rigs.guarded import left_out

    return left_out


LATE_S = 15.0
"""A server on a busy machine may be so far behind with what it was sent, seconds."""


def _record_of(ioc: Any) -> Any:
    return ioc.records() if isinstance(ioc, IocProcess) else ioc


def _compared_in_the_end(compare: Callable[[], Agreement]) -> Agreement:
    """Compare again while the only complaint is what was sent and is still on its way: a stop waits for no answer."""
    give_up = time.monotonic() + LATE_S
    found = compare()
    while found.log.ok and found.unreceived and not found.unlogged and time.monotonic() < give_up:
        time.sleep(0.05)
        found = compare()
    return found


class PaperSample:
    """A sample without physics for the emulated hardware: a rotation and a linear axis, frames of 6 x 8 pixels."""

    kind = "laue"
    axes = (
        Axis("phi", (0.0, 0.0, 1.0), speed=2.0),
        Axis("x", (1.0, 0.0, 0.0), "linear", limits=(-5.0, 5.0), step=0.01),
    )
    home = np.zeros(2)
    exposure_s, readout_s, exposure_limits_s, shape = 10.0, 2.0, (0.1, 100.0), (6, 8)

    counts = sweeps = full = False

    def begin(self):
        """Nothing lasts longer than its time."""

    def disarm(self):
        """Nothing is counted while axes move."""

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        self.seed, self.history, self.moved = seed, [], {}

    def restore(self, seed: int, history: list[Any], moved: dict[int, float]) -> None:
        self.seed, self.history, self.moved = seed, list(history), dict(moved)

    def carry(self, axis: int, dial: float) -> None:
        self.history.append([axis, dial])

    def expose(self, seconds: float) -> Any:
        self.history.append(["expose", seconds])
        return np.arange(48, dtype=np.uint16).reshape(self.shape) + np.uint16(len(self.history))

    def dark(self, counter: int) -> Any:
        return np.zeros(self.shape, dtype=np.uint16)

    def readback_noise(self) -> Any:
        return np.zeros(2)

    def truth(self) -> dict[str, Any]:
        return {"inside": False}


@pytest.fixture
def paper_sample() -> PaperSample:
    """A sample without physics: phi in degrees, x in mm, frames of 6 x 8 pixels."""
    return PaperSample()


@pytest.fixture
def bench(
    request: pytest.FixtureRequest, tmp_path: Path, agreed_log: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Call it for a guard over the practice instrument as new: bench("arpes", change, without=(9,))."""
    for extra in ("bluesky", "aioca", "ophyd_async"):
        pytest.importorskip(extra, reason="driving the practice instrument needs the extras 'hardware' and 'epics'")
    from rigs.served import BUSY_S, LONG_S, Bench

    monkeypatch.setattr("beamgym.hardware_bridge.guard.arming.CONNECT_S", LONG_S)
    monkeypatch.setattr("beamgym.hardware_bridge.guard.devices.proxies.shutter.SHUTTER_S", 2.0 * BUSY_S)
    made: list[Bench] = []

    def make(kind: str = "arpes", change: Any = None, without: tuple[int, ...] = ()) -> Bench:
        folder = tmp_path / f"bench{len(made)}"
        folder.mkdir()
        ioc = _server(request.getfixturevalue("_keeper"), kind)
        made.append(Bench(ioc, folder, change, without, agreed_log))
        return made[-1]

    return make


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Call it for a guard over plain-Python devices with faults: rig({"dose": None}, AsyncMotor, without=(5,))."""
    pytest.importorskip("ophyd_async", reason="the rig's devices need the extra 'hardware'")
    from rigs.faulty import Motor
    from rigs.plain import Rig

    made: list[Rig] = []

    def make(changes: dict[str, Any] | None = None, motor: type[Motor] = Motor, without: tuple[int, ...] = ()) -> Rig:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Rig(folder, changes or {}, motor, without))
        return made[-1]

    yield make
    for each in made:
        each.audit.close()


@pytest.fixture
def async_motor() -> type:
    """A motor of the rig with coroutines, as ophyd-async has them."""
    from rigs.faulty import AsyncMotor

    return AsyncMotor


@pytest.fixture
def arpes_content() -> dict[str, Any]:
    """The rig's instrument file as a mapping, to be changed."""
    from rigs.plain import ARPES

    return copy.deepcopy(ARPES)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Call it for a simulated crystal without a guard, and a RunEngine whose loop is ended afterwards."""
    pytest.importorskip("bluesky", reason="an episode as a plan needs the extra 'hardware'")
    from rigs.stage import Stage

    made: list[Stage] = []

    def make(**options: Any) -> Stage:
        made.append(Stage(tmp_path, **options))
        return made[-1]

    yield make
    for entry in made:
        entry.close()
