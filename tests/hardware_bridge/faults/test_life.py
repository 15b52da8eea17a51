"""Signs of life that stop, servers that die and hands of others, over Channel Access: what the instrument really did.

Each item comes with the same fault getting through where that item is left out, which only a test's subclass can do.
"""

import asyncio
import contextlib
import threading
import time

import pytest

pytest.importorskip("caproto", reason="the practice instrument needs the extra 'ioc'")

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.life import DeadMan, TokenFile
from beamgym.hardware_bridge.guard.rules.decision import GuardRefused
from beamgym.hardware_bridge.practice.client import DirectClient

SLOW = 0.0005
"""With this .VELO a motor makes 0.025 mm/s on the fast instrument: a move of 1 mm takes 40 s."""


async def on_the_way(bench, guard, target=0.9, speed=SLOW):
    """Send the slowed x axis and return its Status when the motor has really left."""
    bench.ioc.put("x.VELO", speed)
    status = guard.axes["x"].set(target)
    await bench.until(lambda: bench.ioc.truth()["positions"]["x"] > 0.005)
    return status


async def ended(status):
    """Wait for the end of a move, whatever it is; returns its error."""
    with contextlib.suppress(GuardRefused, DeviceError):
        await status
    return status.exception()


def overdue(guard, name):
    """Whether the guard has missed more beats of a server than it allows."""
    (beats,) = [each for each in guard.watch.heartbeats if each.entry.name == name]
    return beats.missed > beats.allowed


async def goes_on(bench, guard, status, seen):
    """Return whether the motor still moves, and nobody stopped it, when the guard has seen the fault; end the test."""
    await bench.until(seen)
    await bench.looked(0)  # it has decided on what it saw
    moves = bench.ioc.truth()["moving"] == ["x"] and bench.received(":x.STOP") == []
    guard.abort("the test has seen enough")
    await ended(status)
    await guard.aborted()
    return moves


def stopped_on_the_way(bench):
    """Return whether x was stopped, once, before its target, and stands."""
    truth = bench.ioc.truth()
    return truth["moving"] == [] and len(bench.happened("stopped")) == 1 and truth["positions"]["x"] < 0.89


class Clock:
    """Seconds that pass when they are told to, for signs of life; ``asked`` counts how often somebody looked."""

    def __init__(self):
        self.now_s, self.asked = 0.0, 0

    def __call__(self):
        self.asked += 1
        return self.now_s

    def asked_again(self, times=4):
        """Return a call that tells whether somebody has looked so often again."""
        enough = self.asked + times
        return lambda: self.asked >= enough


class Hand:
    """Holds the operator's token by a clock that stands while it touches, and leaps when it has let go."""

    def __init__(self, token):
        self.clock, self._token = Clock(), token
        token.touch()
        self.signs = [DeadMan(self.clock), TokenFile(token, self.clock)]

    async def hold_on(self, bench, guard):
        """Be alive for longer than the guard waits for a sign of life, by touching in between."""
        for _ in range(3):
            self.clock.now_s += 0.6 * LAPSE_S
            self._token.touch()
            await bench.until(self.clock.asked_again())
            assert guard.state == "armed"

    def let_go(self):
        self.clock.now_s += LAPSE_S + 1.0


class Pacemaker:
    """Beats, by a field of the instrument that does nothing, as the heartbeat of a second server would."""

    def __init__(self, bench, field="y.RDBD"):
        self.beating = True
        self._client, self._pv = DirectClient(bench.ioc.port), bench.ioc.prefix + field
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self.beating = False
        self._thread.join(10.0)
        self._client.close()

    def _run(self):
        beats = 0
        while self.beating:
            beats += 1
            self._client.put(self._pv, float(beats))
            time.sleep(0.05)


# 7: heartbeats


def quick_heartbeat(content):
    content["heartbeats"] = [{"name": "server", "device": "pulse", "period_s": 0.4, "missed": 10}]


def second_heartbeat(content):
    content["devices"]["pacemaker"] = {"adapter": "epics", "address": "bgym:y.RDBD"}
    content["heartbeats"].append({"name": "suspenders", "device": "pacemaker", "period_s": 0.4, "missed": 10})
    content["suspenders"] = [{**entry, "heartbeat": "suspenders"} for entry in content["suspenders"]]


def test_item_7_a_server_that_hangs_stops_the_motors_that_still_listen(bench):
    async def hang(guard):
        status = await on_the_way(b, guard)
        b.ioc.put("sim:fault:stopped_heartbeat", "1")
        return status

    async def stop(guard):
        error = await ended(await hang(guard))
        await guard.aborted()
        return error

    b = bench(change=quick_heartbeat)
    assert isinstance(b.drive(stop), GuardRefused)
    assert b.guard.latched_item == 7
    assert stopped_on_the_way(b)

    async def go(guard):
        return await goes_on(b, guard, await hang(guard), lambda: overdue(guard, "server"))

    b = bench(change=quick_heartbeat, without=(7,))
    assert b.drive(go)


def test_item_7_the_suspenders_server_has_a_heartbeat_of_its_own(bench):
    async def hang(guard):
        heart = Pacemaker(b)
        try:
            await guard.arm()
            await on_the_way(b, guard)
        finally:
            heart.stop()
        return guard.axes["x"]

    async def stop(guard):
        await hang(guard)
        await b.until(lambda: guard.state == "latched")
        await guard.aborted()

    b = bench(change=second_heartbeat)
    b.drive(stop, arm=False)
    assert (b.guard.latched_item, "'suspenders'" in b.guard.reason) == (7, True)
    assert stopped_on_the_way(b)

    async def go(guard):
        await hang(guard)
        await b.until(lambda: overdue(guard, "suspenders"))
        await b.looked(0)
        return guard.state, b.ioc.truth()["moving"]

    b = bench(change=second_heartbeat, without=(7,))
    assert b.drive(go, arm=False) == ("armed", ["x"])


def test_item_7_nothing_starts_with_a_server_that_does_not_beat(bench):
    async def arm(guard):
        b.ioc.put("sim:fault:stopped_heartbeat", "1")
        with pytest.raises(GuardRefused) as caught:
            await guard.arm()
        return caught.value.item

    b = bench(change=quick_heartbeat)
    assert b.drive(arm, arm=False) == 7
    assert b.ioc.puts() == []


# 8: the dead-man


LAPSE_S = 240.0
"""What the bench's file allows, seconds of the test's own clock."""


def test_item_8_an_operator_who_lets_go_stops_a_motor_on_its_way(bench, tmp_path):
    hand = Hand(tmp_path / "token")

    async def let_go(guard):
        status = await on_the_way(b, guard)
        await hand.hold_on(b, guard)
        hand.let_go()
        return status

    async def stop(guard):
        await ended(await let_go(guard))
        await guard.aborted()

    b = bench()
    b.drive(stop, deadman=hand.signs)
    assert b.guard.latched_item == 8
    assert stopped_on_the_way(b)

    async def go(guard):
        status = await let_go(guard)
        return await goes_on(b, guard, status, hand.clock.asked_again())

    b, hand = bench(without=(8,)), Hand(tmp_path / "another token")
    assert b.drive(go, deadman=hand.signs)


def test_item_8_a_policy_that_fell_silent_sends_nothing_more(bench):
    clock = Clock()

    async def wake_up_late(guard):
        await guard.axes["x"].set(0.2)
        clock.now_s += LAPSE_S + 1.0
        seen = clock.asked_again()
        await b.until(lambda: guard.state == "latched" if b.enforces(8) else seen())
        await guard.axes["x"].set(0.4)

    b = bench()
    with pytest.raises(GuardRefused, match=r"latched: .*no sign of life"):
        b.drive(wake_up_late, deadman=DeadMan(clock))
    assert (b.guard.latched_item, b.received(":x.VAL")) == (8, [0.2])
    b = bench(without=(8,))
    b.drive(wake_up_late, deadman=DeadMan(clock))
    assert b.received(":x.VAL") == [0.2, 0.4]


def test_item_8_a_motor_is_stopped_while_the_policy_blocks_the_loop(bench, tmp_path):
    hand = Hand(tmp_path / "token")

    async def block(guard):
        status = await on_the_way(b, guard)
        hand.let_go()
        seen, give_up = hand.clock.asked_again(), time.monotonic() + 30.0
        while b.ioc.truth()["moving"] and (b.enforces(8) or not seen()) and time.monotonic() < give_up:
            time.sleep(0.05)  # nothing else runs in this loop
        found = b.ioc.truth()
        if not b.enforces(8):
            assert seen()
            guard.abort("the test has seen enough")
        await ended(status)
        await guard.aborted()
        return found["moving"], found["positions"]["x"]

    b = bench()
    moving, place = b.drive(block, deadman=hand.signs)
    assert (moving, b.guard.latched_item) == ([], 8)
    assert place < 0.85
    assert b.received(":x.STOP")[:1] == [1]
    b, hand = bench(without=(8,)), Hand(tmp_path / "another token")
    moving, place = b.drive(block, deadman=hand.signs)
    assert moving == ["x"]


# 16: reconnects


def homed(content):
    for entry in content["axes"]:
        entry.update({"home_required": True} if entry["unit"] == "mm" else {})


async def found_again(proxy, tries=60):
    """Wait until a device answers again; libca finds a server that is back only after some time."""
    for _ in range(tries):
        with contextlib.suppress(DeviceError):
            return await proxy.position()
        await asyncio.sleep(0.5)
    raise AssertionError("the server is not found again")


async def rearmed(guard, tries=60):
    """Re-arm; libca finds a server that is back again only after some time."""
    for _ in range(tries):
        try:
            return await guard.rearm("A. Nobody")
        except DeviceError:
            await asyncio.sleep(0.5)
    raise AssertionError("the server is not found again")


def test_item_16_rearming_reads_limits_and_positions_again_and_asks_for_homing(bench):
    async def look_again(guard):
        await guard.axes["x"].set(0.5)
        await asyncio.wrap_future(guard.abort("somebody pressed the button"))
        for name, value in (("x.VAL", 0.3), ("x.HLM", 0.6), ("sim:fault:unhomed", "x")):
            b.ioc.put(name, value)
        with pytest.raises(GuardRefused, match="x must be homed") as caught:
            await guard.rearm("A. Nobody")
        assert (caught.value.item, guard.state) == (16, "latched")
        with pytest.raises(GuardRefused, match="latched"):
            await guard.axes["y"].set(0.5)
        await guard.aborted()
        assert b.received(":y.VAL") == []
        b.ioc.put("sim:fault:unhomed", "")
        b.ioc.put("x.HOMF", 1)
        await guard.rearm("A. Nobody")
        assert guard.motor_limits["x"] == (-1.0, 0.6)
        assert guard.home["x"] == pytest.approx(0.0, abs=1e-3)
        await guard.axes["y"].set(0.5)

    b = bench(change=homed)
    b.drive(look_again)
    assert (b.received(":x.VAL"), b.received(":y.VAL")) == ([0.5], [0.5])


@pytest.mark.slow
def test_item_16_after_a_server_died_nothing_goes_on_before_a_human_has_armed_it_anew(bench):
    async def die(guard):
        await guard.axes["x"].set(0.5)
        await asyncio.to_thread(b.ioc.kill)
        await asyncio.to_thread(b.ioc.restart)
        b.ioc.put("x.HLM", 0.6)
        await b.until(lambda: guard.state == "latched" or not b.enforces(16))
        await guard.aborted()

    async def alone(guard):
        await die(guard)
        with pytest.raises(GuardRefused, match="latched"):
            await guard.axes["y"].set(0.5)
        assert (guard.latched_item, b.received(":y.VAL")) == (16, [])
        await rearmed(guard)
        assert guard.motor_limits["x"] == (-1.0, 0.6)
        await guard.axes["y"].set(0.5)

    b = bench()
    b.drive(alone)
    assert (b.received(":x.VAL"), b.received(":y.VAL")) == ([0.5], [0.5])

    async def resume(guard):
        await die(guard)
        await found_again(guard.axes["y"].proxy)
        await guard.axes["y"].set(0.5)

    b = bench(without=(7, 9, 11, 16))
    b.drive(resume)
    assert b.received(":y.VAL") == [0.5]


def test_item_16_an_axis_that_must_be_homed_and_is_not_is_not_armed(bench):
    async def arm(guard):
        b.ioc.put("sim:fault:unhomed", "y")
        await guard.arm()
        await guard.axes["y"].set(0.5)

    b = bench(change=homed)
    with pytest.raises(GuardRefused, match="y must be homed"):
        b.drive(arm, arm=False)
    assert b.ioc.puts() == []
    b = bench(change=homed, without=(16,))
    b.drive(arm, arm=False)
    assert b.received(":y.VAL") == [0.5]


@pytest.mark.slow
def test_item_16_a_motor_whose_server_dies_on_the_way_is_stopped_once_the_server_is_found_again(bench):
    async def die(guard):
        # slow enough for libca, which looks for a lost server every few seconds only
        status = await on_the_way(b, guard, target=0.95, speed=0.1 * SLOW)
        await asyncio.to_thread(b.ioc.kill)
        await asyncio.to_thread(b.ioc.restart)
        error = await ended(status)
        return error, await guard.aborted()

    async def stay(guard):
        found = await die(guard)
        with pytest.raises(GuardRefused, match="latched"):
            await guard.axes["y"].set(0.5)
        return found

    b = bench()
    error, report = b.drive(stay, keep_trying_s=240.0)
    assert error is not None
    assert report.complete
    assert stopped_on_the_way(b)
    assert (b.received(":x.VAL"), b.received(":y.VAL")) == ([0.95], [])

    async def resume(guard):
        found = await die(guard)
        await found_again(guard.axes["y"].proxy)
        await guard.axes["y"].set(0.5)
        return found

    # the move that failed is stopped all the same, since any failure aborts; what gets through is the next command
    b = bench(without=(7, 9, 11, 16))
    _, report = b.drive(resume, keep_trying_s=240.0)
    assert report.complete
    assert b.received(":y.VAL") == [0.5]


def suspenders_elsewhere(content):
    """The beam current, and the heartbeat that vouches for it, come from a server of their own."""
    del content["devices"]["pressure"]
    content["devices"]["current"]["address"] = "side:current"
    content["devices"]["pacemaker"] = {**content["devices"]["pulse"], "address": "side:heartbeat"}
    content["heartbeats"].append({"name": "suspenders", "device": "pacemaker", "period_s": 0.4, "missed": 10})
    (beam,) = [entry for entry in content["suspenders"] if entry["name"] == "beam"]
    content["suspenders"] = [{**beam, "heartbeat": "suspenders"}]


@pytest.mark.parametrize("how", ["end", pytest.param("hang", marks=pytest.mark.slow)])
def test_items_9_and_16_a_motor_is_stopped_when_the_suspenders_own_server_is_lost_and_the_motors_lives(
    bench, side_server, how
):
    async def lose(guard):
        status = await on_the_way(b, guard)
        getattr(side, how)()
        return status

    async def stop(guard):
        await ended(await lose(guard))
        return await guard.aborted()

    b, side = bench(change=suspenders_elsewhere), side_server()
    assert b.drive(stop).complete
    assert b.guard.latched_item in (7, 16)
    assert stopped_on_the_way(b)

    async def go(guard):
        status = await lose(guard)
        (beam,) = guard.watch.suspenders
        return await goes_on(b, guard, status, lambda: beam.value is None)

    b, side = bench(change=suspenders_elsewhere, without=(7, 9, 16)), side_server()
    assert b.drive(go)


# 17: other hands


@pytest.mark.parametrize("place", ["y", "y=0.9"])
def test_item_17_an_axis_that_somebody_else_moves_ends_the_run(bench, place):
    async def other(guard):
        await guard.axes["x"].set(0.2)
        b.ioc.put("sim:fault:foreign_move", place)
        await b.until(lambda: guard.state == "latched" or not (b.enforces(17) or b.ioc.truth()["moving"]))
        await guard.axes["x"].set(0.4)

    b = bench()
    with pytest.raises(GuardRefused):
        b.drive(other)
    assert b.guard.latched_item == 17
    # it is not ours to stop what somebody else drives
    assert (b.received(":x.VAL"), b.received(":y.STOP")) == ([0.2], [])
    b = bench(without=(17,))
    b.drive(other)
    assert b.received(":x.VAL") == [0.2, 0.4]
    assert b.ioc.truth()["positions"]["y"] > 0.05


def test_item_17_a_frame_over_which_somebody_moved_an_axis_is_not_taken(bench):
    def long(content):
        content["detector"]["exposure_s"] = [0.1, 600.0]

    async def other(guard):
        guard.detector.exposure_s = 200.0
        b.ioc.put("j6.VELO", 0.05)
        exposing = guard.detector.trigger()
        await b.until(lambda: b.happened("exposing"))
        b.ioc.put("sim:fault:foreign_move", "j6=30.0")
        await exposing
        return guard.detector.frame

    b = bench("laue", long)
    with pytest.raises(GuardRefused):
        b.drive(other)
    assert b.guard.latched_item == 17
    assert b.guard.detector.frame is None
    truth = b.ioc.truth()
    assert (truth["shutter_open"], truth["exposing"]) == (False, False)
    b = bench("laue", long, without=(17,))
    assert b.drive(other) is not None
    assert b.ioc.truth()["positions"]["j6"] > 1.0
