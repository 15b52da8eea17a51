"""The stage of docs/add_an_adapter.md is driven through the guard, by a server that was not written for it."""

import asyncio
import socketserver
import textwrap
import threading
import time
from types import SimpleNamespace

import pytest

from beamgym.hardware_bridge.adapters.connect import connect_device
from beamgym.hardware_bridge.adapters.table import BUILDERS, Request, Shared, build
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.rules.decision import GuardRefused
from beamgym.hardware_bridge.instrument_file.entries import DeviceEntry
from beamgym.hardware_bridge.manual_operator import Operator

PAGE = "add_an_adapter.md"


class Stage(socketserver.ThreadingTCPServer):
    """Two channels that travel 5 units a second between -0.8 and 0.8, over a socket, one line a command."""

    daemon_threads = allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Connection)
        self.heard, self.lock = [], threading.Lock()
        self.start, self.goal, self.begun = [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]

    def where(self, channel):
        way = self.goal[channel] - self.start[channel]
        gone = 5.0 * (time.monotonic() - self.begun[channel])
        return self.goal[channel] if gone >= abs(way) else self.start[channel] + gone * (1 if way > 0 else -1)

    def send(self, channel, goal):
        self.start[channel], self.goal[channel], self.begun[channel] = self.where(channel), goal, time.monotonic()

    def answer(self, command, channel, *words):
        self.heard.append(command)
        if command == "move":
            self.send(channel, float(words[0]))
            return "ok"
        if command == "stop":
            self.send(channel, self.where(channel))
            return "ok"
        busy = int(self.where(channel) != self.goal[channel])
        return {"where": f"{self.where(channel):.4f}", "busy": f"{busy}", "limits": "-0.8 0.8"}.get(command, "error")


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        command, channel, *words = self.rfile.readline().decode().split()
        with self.server.lock:
            self.wfile.write((self.server.answer(command, int(channel), *words) + "\n").encode())


@pytest.fixture
def stage():
    with Stage() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def program(printed, stage):
    """What the page's program defines, its devices sent to the server's port."""
    text = printed(PAGE, "class SocketAxis")
    names = {}
    exec(compile(text.replace("5025", str(stage.server_address[1])), PAGE, "exec"), names)
    return names


@pytest.fixture
def driven(rig, program):
    """A rig whose x and y are the page's devices."""
    made = rig()
    found = program["devices"]()
    made.x, made.y = found["my_x"], found["my_y"]
    return made


def test_its_axes_go_where_the_guard_lets_them_and_no_further(driven, stage):
    async def go(guard):
        for axis in (driven.x, driven.y):
            await connect_device(axis.name, axis, 5.0)
        await asyncio.gather(guard.axes["x"].set(0.5), guard.axes["y"].set(-0.25))
        assert [stage.where(0), stage.where(1)] == [0.5, -0.25]
        sent = stage.heard.count("move")
        with pytest.raises(GuardRefused, match=r"0\.9"):
            await guard.axes["x"].set(0.9)  # within the file's limits, outside the stage's own
        assert stage.heard.count("move") == sent

    driven.drive(go)


def test_an_abort_stops_it_on_its_way(driven, stage):
    async def go(guard):
        way = asyncio.ensure_future(asyncio.wait_for(guard.axes["x"].set(0.7), 30.0))
        await driven.until(lambda: stage.where(0) > 0.05)
        guard.abort("a test")
        await guard.aborted()
        assert "stop" in stage.heard
        assert 0.0 < stage.where(0) < 0.7
        with pytest.raises(Exception, match="a test"):
            await way

    driven.drive(go)


def test_a_stage_that_is_gone_is_one_line(program):
    axis = program["SocketAxis"]("x", "127.0.0.1", 1, 0)
    with pytest.raises(DeviceError, match="x: cannot be reached"):
        asyncio.run(connect_device("x", axis, 5.0))


def test_the_builder_of_the_page_makes_the_same_axis(printed, program, stage, monkeypatch):
    text = textwrap.dedent(printed(PAGE, "class SocketOptions"))
    exec(compile(text, PAGE, "exec"), program)
    monkeypatch.setitem(BUILDERS["axis"], "socket", program["socket_axis"])
    address = f"127.0.0.1:{stage.server_address[1]}"

    def request(**options):
        entry = DeviceEntry.model_construct(adapter="socket", address=address, options=options)
        return Request("axis", "y", "stage", SimpleNamespace(devices={"stage": entry}), Shared(Operator(), {}))

    stage.send(1, 0.4)
    axis = build(request(channel=1))
    assert asyncio.run(axis.motor_limits()) == (-0.8, 0.8)
    with pytest.raises(ValueError, match="no option 'chanel'; the options are channel"):
        build(request(chanel=1))
