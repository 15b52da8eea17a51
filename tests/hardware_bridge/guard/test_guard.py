"""The guard as a whole: arming, abort, dry run, confirmation, log, replay, identity, and that no switch exists."""

import asyncio
import inspect
import json
import math
import re
import signal
import threading
from pathlib import Path

import pytest

from beamgym.hardware_bridge.guard import guard as guard_module
from beamgym.hardware_bridge.guard.devices.dose import DoseMeter
from beamgym.hardware_bridge.guard.guard import Guard
from beamgym.hardware_bridge.guard.life import DeadMan, SignsOfLife, TokenFile
from beamgym.hardware_bridge.guard.rules import table
from beamgym.hardware_bridge.guard.rules.decision import GuardRefused
from beamgym.hardware_bridge.guard.rules.replay import replay
from beamgym.hardware_bridge.instrument_file import entries as instrument_entries
from beamgym.hardware_bridge.records.audit_check import verify_log


async def one_step(guard):
    await asyncio.gather(guard.axes["x"].set(0.5), guard.axes["y"].set(-0.5), guard.axes["dwell"].set(0.1))
    await guard.detector.trigger()


def lines(rig):
    rig.audit.close()
    return [json.loads(line) for line in rig.log.read_text().splitlines()]


# 11: abort and return


def test_item_11_nothing_passes_before_arming(rig):
    async def go():
        guard = r.make()
        try:
            with pytest.raises(GuardRefused, match="the guard is new; arm it first"):
                await guard.axes["x"].set(0.5)
        finally:
            await guard.close()

    r = rig()
    asyncio.run(go())
    assert r.x.sets == []


def test_item_11_a_latched_guard_refuses_all_but_stopping_and_closing(rig):
    async def go(guard):
        await guard.axes["x"].set(0.5)
        guard.abort("a test")
        await guard.aborted()
        for command in (guard.axes["y"].set, guard.detector.trigger):
            with pytest.raises(GuardRefused, match="latched: a test"):
                await (command(0.1) if command == guard.axes["y"].set else command())
        await guard.shutter.set(0)
        await guard.axes["x"].stop()
        with pytest.raises(GuardRefused, match="re-arm it by hand"):
            await guard.arm()

    r = rig()
    r.drive(go)
    assert r.y.sets == []
    assert r.shutter.puts == [0]
    through = rig(without=(11,))

    async def latched(guard):
        guard.abort("a test")
        await guard.aborted()
        await guard.axes["y"].set(0.1)

    through.drive(latched)
    assert through.y.sets == [0.1]


@pytest.mark.parametrize("where", ["the loop", "another thread", "a signal handler"])
def test_item_11_an_abort_stops_motors_and_closes_the_shutter_from_anywhere(rig, where):
    r = rig()
    r.x.travel_s = 60.0

    async def go(guard):
        await guard.axes["y"].set(0.1)
        status = guard.axes["x"].set(0.5)
        await r.until(lambda: r.x.really_moving)
        if where == "the loop":
            guard.abort("a test")
        elif where == "another thread":
            threading.Thread(target=guard.abort, args=("a test",)).start()
        else:
            previous = signal.signal(signal.SIGUSR1, lambda *_: guard.abort("a test"))
            signal.raise_signal(signal.SIGUSR1)
            signal.signal(signal.SIGUSR1, previous)
        with pytest.raises(GuardRefused, match="latched: a test"):
            await status
        return await guard.aborted()

    assert r.drive(go).complete
    assert not r.x.really_moving
    assert (r.x.stops >= 1, r.y.stops >= 1) == (True, True)


def test_item_11_an_abort_works_while_the_loop_is_blocked(rig):
    r = rig()

    async def go(guard):
        await guard.axes["x"].set(0.5)
        r.x.go(0.9, 90.0)
        future = guard.abort("a test")
        return future.result(60.0)  # blocks the loop

    assert r.drive(go).complete
    assert not r.x.really_moving


def test_item_11_an_abort_goes_on_until_the_server_is_back(rig):
    r = rig()

    async def go(guard):
        await guard.axes["x"].set(0.5)
        r.x.go(0.9, 90.0)
        r.x.fault = r.shutter.fault = "gone"
        guard.shutter.dose.start()
        future = guard.abort("a test")
        await r.until(lambda: r.log.read_text().count('"command":"stop"') >= 2)
        assert not future.done()
        assert r.x.really_moving
        r.x.fault = r.shutter.fault = ""
        return await guard.aborted()

    report = r.drive(go)
    assert report.complete
    assert report.attempts > 1
    assert not r.x.really_moving
    assert r.shutter.puts[-1] == 0


def test_item_11_an_abort_that_cannot_be_completed_ends_and_says_what_is_left(rig):
    r = rig()

    async def go(guard):
        await guard.axes["x"].set(0.5)
        r.x.fault = "gone"
        guard.abort("a test")
        return await guard.aborted()

    report = r.drive(go, keep_trying_s=0.5)
    assert report.unconfirmed == ("x",)
    assert lines(r)[-2]["data"]["unconfirmed"] == ["x"]


def test_item_11_aborting_twice_is_one_abort(rig):
    async def go(guard):
        await guard.axes["x"].set(0.5)
        assert guard.abort("first") is guard.abort("second")
        await guard.aborted()
        return guard.reason

    r = rig()
    assert r.drive(go) == "first"
    assert sum(line.get("event") == "abort" for line in lines(r)) == 1


def test_item_11_the_safe_return_goes_back_once_and_not_after_an_abort(rig):
    async def go(guard):
        await guard.axes["x"].set(0.5)
        assert await guard.safe_return()
        assert await guard.safe_return()
        guard.abort("a test")
        await guard.aborted()
        with pytest.raises(GuardRefused, match="latched"):
            await guard.safe_return()

    r = rig()
    r.drive(go)
    assert r.x.sets == [0.5, 0.0]


def test_item_11_there_is_no_return_from_a_position_that_is_not_known(rig):
    async def go(guard):
        await guard.axes["x"].set(0.5)
        guard.axes["x"].state.certain = False
        await guard.safe_return()

    r = rig()
    with pytest.raises(GuardRefused, match="where x stands is not certain"):
        r.drive(go)
    through = rig(without=(11,))
    through.drive(go)
    assert through.x.sets == [0.5, 0.0]


def test_item_11_closing_while_something_is_under_way_stops_it(rig):
    r = rig()
    r.x.travel_s = 60.0

    async def go():
        guard = r.make()
        await guard.arm()
        status = guard.axes["x"].set(0.5)
        await r.until(lambda: r.x.really_moving)
        await guard.close()
        await guard.close()
        with pytest.raises(GuardRefused):
            await status

    asyncio.run(asyncio.wait_for(go(), 200.0))
    assert not r.x.really_moving


# 12: dry run


def test_item_12_a_dry_run_decides_everything_and_puts_nothing(rig):
    async def go(guard):
        await one_step(guard)
        await one_step(guard)
        positions = await guard.positions()
        with pytest.raises(GuardRefused, match="item 1"):
            await guard.axes["x"].set(9.0)
        await guard.aborted()
        return positions

    r = rig()
    assert r.drive(go, dry_run=True)["x"] == 0.5
    assert (r.x.sets, r.x.stops, r.y.sets, r.shutter.puts, r.camera.triggers) == ([], 0, [], [], 0)
    assert r.camera.exposures == []
    assert not [line for line in lines(r) if line["kind"] == "before"]


# 13: confirmation


def test_item_13_nothing_is_armed_that_nobody_confirmed(rig):
    r = rig()
    r.answers["driven"] = False
    with pytest.raises(GuardRefused, match="item 13: nobody confirmed"):
        r.drive(one_step)
    through = rig(without=(13,))
    through.answers["driven"] = False
    through.drive(one_step)
    assert through.x.sets == [0.5]


def test_item_13_larger_moves_and_every_second_exposure_are_asked_for(rig):
    r = rig({"confirm": {"every_n_steps": 2, "larger_than": {"x": 0.4}}})

    async def go(guard):
        for _ in range(4):
            await one_step(guard)

    r.drive(go)
    asked = [question for question in r.questions if "driven" not in question]
    assert [question.split()[0] for question in asked] == ["x", "2"]
    r = rig({"confirm": {"larger_than": {"x": 0.4}}})
    r.answers["x by more"] = False
    with pytest.raises(GuardRefused, match="item 13"):
        r.drive(one_step)
    assert r.x.sets == []


# 14 and 15: log and replay


def test_item_14_every_put_has_one_line_before_and_one_outcome(rig):
    r = rig()
    r.drive(one_step)
    written = lines(r)
    before = [
        (line["command"], line["data"]["device"], line["data"]["value"]) for line in written if line["kind"] == "before"
    ]
    puts = [("set", "x", 0.5), ("set", "y", -0.5), ("set", "dwell", 0.1), ("trigger", "detector", 0.1)]
    # once more at the trigger: another client may have set it meanwhile
    puts.append(("expose", "detector", 0.1))
    assert sorted(before) == sorted([*puts, ("open", "shutter", 1), ("close", "shutter", 0)])
    assert sum(line["kind"] == "after" for line in written) == len(before)
    assert not verify_log(r.log).problem


@pytest.mark.parametrize("fault", ["nan", "frozen", "stall", "failing", "gone"])
def test_item_14_every_line_before_has_an_outcome_in_every_fault(rig, fault, arpes_content):
    r = rig({"axes": [{**axis, "timeout_s": 0.5} for axis in arpes_content["axes"]]})

    async def go(guard):
        status = guard.axes["x"].set(0.5)
        r.x.fault = fault
        await status

    with pytest.raises((GuardRefused, RuntimeError)):
        r.drive(go, keep_trying_s=0.5)
    report = verify_log(r.log)
    assert not report.problem
    written = lines(r)
    numbers = [line["n"] for line in written if line["kind"] == "before"]
    assert sorted(line["id"] for line in written if line["kind"] == "after") == numbers
    assert len(r.x.sets) == sum(line.get("command") == "set" for line in written if line["kind"] == "before")


def test_item_15_a_replay_of_the_log_decides_the_same(rig):
    r = rig()
    r.drive(one_step)
    bad = rig()
    bad.x.fault = "overshoot"
    with pytest.raises(GuardRefused):
        bad.drive(one_step)
    for each in (r, bad):
        each.audit.close()
        report = replay(each.log)
        assert report.same, report.summary()
        assert report.decisions > 20


# 19: identity


def test_item_19_a_simulation_does_not_pose_as_hardware(rig):
    r = rig()
    r.identity = type(r.beat)("identity", "beamgym-simulation")
    with pytest.raises(GuardRefused, match=r"item 19: .*file says hardware"):
        r.drive(one_step)
    through = rig(without=(19,))
    through.identity = r.identity
    through.drive(one_step)
    assert through.x.sets == [0.5]


@pytest.mark.parametrize("found", ["ID07", None])
def test_item_19_hardware_does_not_pose_as_a_simulation(rig, arpes_content, found):
    names = {name: "sim:identity" if name == "who" else f"sim:{name}" for name in (*arpes_content["devices"], "who")}
    devices = {name: {"adapter": "epics", "address": address} for name, address in names.items()}
    devices["dwell"] = arpes_content["devices"]["dwell"]
    changes = {"simulation": True, "identity": {"device": "who"}, "devices": devices}
    r = rig(changes)
    r.identity = None if found is None else type(r.beat)("identity", found)
    with pytest.raises(GuardRefused, match="this may be real hardware"):
        r.drive(one_step)
    good = rig(changes)
    good.identity = type(r.beat)("identity", "beamgym-simulation")
    good.drive(one_step)
    assert good.x.sets == [0.5]


def test_item_19_a_simulation_with_a_motor_on_another_server_is_refused(rig, arpes_content, monkeypatch):
    async def found(file, devices):
        return ["sim:x.RBV at 10.0.0.7:5064"]

    devices = {name: {"adapter": "epics", "address": f"sim:{name}"} for name in arpes_content["devices"]}
    devices |= {"dwell": arpes_content["devices"]["dwell"], "who": {"adapter": "epics", "address": "sim:identity"}}
    r = rig({"simulation": True, "identity": {"device": "who"}, "devices": devices})
    r.identity = type(r.beat)("identity", "beamgym-simulation")
    monkeypatch.setattr("beamgym.hardware_bridge.guard.arming.strangers", found)
    with pytest.raises(GuardRefused, match=r"item 19: .*another server: sim:x.RBV at 10\.0\.0\.7:5064"):
        r.drive(one_step)
    assert r.x.sets == []


# Arming and re-arming


def test_item_11_an_abort_while_the_guard_is_armed_is_not_forgotten(rig):
    r = rig()

    def answer(question):
        r.guard.abort("somebody pressed the button")
        return True

    with pytest.raises(GuardRefused, match="latched: somebody pressed the button"):
        r.drive(one_step, confirm=answer)
    assert r.x.sets == []


def test_item_11_only_a_latched_guard_is_rearmed(rig):
    r = rig()

    async def go(guard):
        with pytest.raises(GuardRefused, match="the guard is armed; only a latched guard is re-armed"):
            await guard.rearm("a human")
        await one_step(guard)
        await guard.close()
        with pytest.raises(GuardRefused, match="the guard is closed"):
            await guard.rearm("a human")
        return guard.state

    assert r.drive(go) == "closed"


def test_item_11_a_second_human_does_not_rearm_meanwhile(rig):
    async def go(guard):
        await asyncio.wrap_future(guard.abort("a test"))
        return await asyncio.gather(guard.rearm("one"), guard.rearm("two"), return_exceptions=True)

    first, second = rig().drive(go)
    assert first is None
    assert "the guard is new; only a latched guard" in str(second)


def test_item_11_an_abort_while_the_guard_is_rearmed_latches_it_for_its_own_reason(rig):
    r = rig()

    async def go(guard):
        await asyncio.wrap_future(guard.abort("the first"))
        r.confirm_now = lambda: guard.abort("the second")
        with pytest.raises(GuardRefused, match="latched: the second"):
            await guard.rearm("a human")
        report = await guard.aborted()
        with pytest.raises(GuardRefused, match="latched: the second"):
            await guard.axes["x"].set(0.5)
        return report

    asked = []

    def answer(question):
        asked.append(question)
        if len(asked) > 1:
            r.confirm_now()
        return True

    assert r.drive(go, confirm=answer).reason == "the second"


def test_item_11_a_guard_that_could_not_be_rearmed_stays_latched_and_keeps_its_report(rig):
    async def go(guard):
        ended = await asyncio.wrap_future(guard.abort("a test"))
        r.beat.value = 5
        with pytest.raises(GuardRefused, match="item 7"):
            await guard.rearm("a human")
        assert (guard.state, guard.reason) == ("latched", "a test")
        return ended, await guard.aborted()

    r = rig()
    ended, still = r.drive(go)
    assert ended is still


def test_item_11_nothing_is_rearmed_while_a_command_is_still_ending(rig):
    async def go(guard):
        with guard.life.busy():
            await asyncio.wrap_future(guard.abort("a test"))
            with pytest.raises(GuardRefused, match="a command is still ending"):
                await guard.rearm("a human")
        await guard.rearm("a human")
        await guard.axes["x"].set(0.5)

    r = rig()
    r.drive(go)
    assert r.x.sets == [0.5]
    (again,) = [line for line in lines(r) if line.get("event") == "re-armed"]
    assert again["data"] == {"operator": "a human", "latched_by": "a test"}


# No switch


def test_no_option_and_no_key_of_a_file_turns_an_item_off():
    options = set(inspect.signature(Guard.__init__).parameters) - {"self"}
    assert options == {
        "file", "devices", "audit", "confirm", "deadman", "dry_run", "keep_trying_s", "answer_s", "watch_s", "hold_s",
        "suspend",
    }  # fmt: skip
    keys = {
        key
        for entry in vars(instrument_entries).values()
        if inspect.isclass(entry) and issubclass(entry, instrument_entries.Strict)
        for key in entry.model_fields
    }
    assert not [key for key in keys if "item" in key or "guard" in key or "without" in key or "unsafe" in key]


def test_the_shipped_rule_table_cannot_be_changed():
    with pytest.raises(TypeError):
        table.RULES["limits"] = table.RULES["finite"]
    with pytest.raises(TypeError):
        table.TIME_LIMITS["move"] = lambda **inputs: math.inf
    with pytest.raises(AttributeError):
        table.TARGET.rules = ()


def test_nothing_in_the_package_puts_another_rule_table_in_its_place():
    folder = Path(guard_module.__file__).parents[2]
    sources = [path for part in ("hardware_bridge", "scripts") for path in (folder / part).glob("**/*.py")]
    assert len(sources) > 20
    naming = {path.name for path in sources if re.search(r"\b(RULES|TIME_LIMITS)\b", path.read_text(encoding="utf-8"))}
    assert naming == {"page.py", "table.py"}


def test_a_test_that_leaves_an_item_out_has_the_whole_table_back_afterwards(without):
    shipped, far = table.RULES, {"axis": "x", "target": math.nan}
    with without(2, 5):
        assert table.decide("finite", far).allowed
        assert not table.decide("homed", {"axis": "x", "home_required": True, "home_done": None}).allowed
        assert math.isinf(table.time_limit_s("move", distance=1.0, speed=1.0, timeout_s=1.0))
    assert table.RULES is shipped
    assert not table.decide("finite", far).allowed


# Parts


def test_the_dose_goes_on_until_the_shutter_was_seen_closed_and_counts_the_longer_of_both():
    now = [0.0]
    meter = DoseMeter(lambda: now[0])
    meter.start()
    now[0] = 2.0
    assert meter.spent_s == 2.0
    meter.exposed(5.0)
    assert meter.spent_s == 5.0
    meter.stop()
    now[0] = 100.0
    assert meter.spent_s == 5.0
    meter.start()
    meter.start()
    now[0] = 101.0
    assert meter.spent_s == 6.0


def test_a_command_under_way_excuses_the_policy_and_nobody_else(tmp_path):
    now = [0.0]
    policy = DeadMan(lambda: now[0])
    life = SignsOfLife(policy)
    now[0] = 7.0
    assert life.silent_s() == 7.0
    with life.busy():
        assert life.silent_s() == 0.0
        assert life.silent_s(besides=1) == 7.0
    assert life.silent_s() == 0.0
    token = TokenFile(tmp_path / "token")
    assert SignsOfLife([policy, token]).silent_s() == float("inf")
    (tmp_path / "token").touch()
    assert token() < 60.0
    with pytest.raises(ValueError, match="there is no dead-man"):
        SignsOfLife([])
