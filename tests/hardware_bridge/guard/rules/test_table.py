"""The rule table says what the guard does: in this order, all of it, and on the page as well."""

from pathlib import Path

import pytest

from beamgym.hardware_bridge.guard.devices.axis.interruption import Interruption
from beamgym.hardware_bridge.guard.devices.commands import GuardedCommand
from beamgym.hardware_bridge.guard.rules import table
from beamgym.hardware_bridge.guard.rules.page import as_markdown, items_of
from beamgym.hardware_bridge.records.audit_check import read_log

PAGE = Path(__file__).parents[4] / "docs" / "guard.md"

NOT_LOGGED = (table.LATCH, table.CONNECTION)
"""Asked at once before a send, and only of what was lost."""


async def one_step(guard):
    await guard.axes["x"].set(0.5)
    await guard.axes["dwell"].set(0.1)
    await guard.detector.trigger()


@pytest.fixture
def log(rig):
    """The audit log of one move, one exposure time and one frame, as (number, line) of every line."""
    r = rig()
    r.drive(one_step)
    r.audit.close()
    return list(read_log(r.log))


def expected(procedure, when, leave):
    """Names of the rules of a procedure, in the table's order."""
    steps = [step for step in table.PROCEDURES[procedure] if step.when in when and step.checklist not in leave]
    return [rule for step in steps for rule in step.checklist.rules]


def decided(log, command, device):
    """Names of the rules that decided before a command was sent, and afterwards."""
    (number, before), *_ = [
        (number, line)
        for number, line in log
        if line.get("command") == command and line["data"]["device"] == device and line["kind"] == "before"
    ]
    (after,) = [line for _, line in log if line["kind"] == "after" and line["id"] == number]
    return [[entry["rule"] for entry in line["data"].get("decisions", ())] for line in (before, after)]


def test_a_move_is_checked_in_the_tables_order(log):
    watched = (table.AXIS_UNDER_WAY, *(step.checklist for step in table.WATCHED))
    other = (table.EXPOSURE_AXIS_BEFORE_SET, table.EXPOSURE_AXIS_AFTER_SET, *watched)
    before, after = decided(log, "set", "x")
    assert before == expected("An axis moves", ("before",), (*NOT_LOGGED, table.EXPOSURE_AXIS_BEFORE_SET))
    assert after == expected("An axis moves", ("while", "after"), (*NOT_LOGGED, *other))


def test_an_exposure_time_is_checked_in_the_tables_order(log):
    other = (table.AXIS_BEFORE_MOVE, table.AXIS_AFTER_MOVE, table.PATH)
    before, after = decided(log, "set", "dwell")
    assert before == expected("An axis moves", ("before",), (*NOT_LOGGED, *other))
    watched = (table.AXIS_UNDER_WAY, *(step.checklist for step in table.WATCHED))
    assert after == expected("An axis moves", ("while", "after"), (*NOT_LOGGED, *other, *watched))


def test_a_frame_is_checked_in_the_tables_order(log):
    shutter = (table.SHUTTER_MAY_OPEN, table.SHUTTER_PLACE, table.BEAM)
    before, after = decided(log, "trigger", "detector")
    # the shutter has lines of its own, and an exposure time that an axis has set is not set again
    assert before == expected("A frame is taken", ("before",), (*NOT_LOGGED, *shutter, table.TIME))
    # the watch's looks leave no lines where all is well, nor does a shutter that stays open
    watched = (*(step.checklist for step in table.WATCHED), table.SHUTTER_IN_EXPOSURE)
    assert after == expected("A frame is taken", ("while", "after"), (*NOT_LOGGED, *watched))
    assert decided(log, "open", "shutter") == [["shutter_command", "attenuated"], ["shutter"]]


def test_arming_is_checked_in_the_tables_order(log):
    (armed,) = [line for _, line in log if line.get("event") == "armed"]
    found = [entry["rule"] for entry in armed["data"]["decisions"]]
    axis = list(table.AXIS_AT_ARMING.rules)
    # x and y one after another; the dwell is only read
    assert found == [
        "one_server",
        "identity",
        "heartbeat",
        "suspender",
        *axis,
        *axis,
        "shutter",
        "attenuated",
        "confirmed",
    ]
    assert list(dict.fromkeys(found)) == expected("The guard is armed", ("before",), (table.CONNECTION,))


def test_the_watch_asks_the_rules_that_the_table_says_it_asks(rig):
    asked = []

    class Heard(GuardedCommand):
        def decide(self, checklist, /, **facts):
            asked.append(checklist)
            super().decide(checklist, **facts)

    async def go(guard):
        guard.proxies()[0].device.losses = 0
        await guard.watch.check(Heard(guard, "watch", "instrument"))
        guard.axes["y"].state.swept = (5.0, 6.0)
        guard.axes["y"]._interrupt = Interruption(guard.check_latch)
        await guard.watch.check(Heard(guard, "watch", "instrument"))
        guard.axes["y"]._interrupt = guard.axes["y"].state.swept = None

    rig().drive(go, watch_s=100.0)
    apart = {table.SIGNS_OF_LIFE, table.CONNECTION, table.SUSPENSIONS, table.ONE_SERVER}
    assert set(asked) == {step.checklist for step in table.WATCHED} - apart


def test_every_rule_and_every_checklist_is_in_a_procedure():
    steps = [step for steps in table.PROCEDURES.values() for step in steps]
    assert {rule for step in steps for rule in step.checklist.rules} == set(table.RULES)
    checklists = {value for value in vars(table).values() if isinstance(value, table.Checklist)}
    assert checklists - {step.checklist for step in steps} == {table.FRAME_FORM, table.FRAME_IN_DRY_RUN}


def test_a_rule_says_in_its_first_line_to_which_items_it_belongs():
    assert items_of("frame_form") == (6, 20)
    assert all(items_of(rule) and set(items_of(rule)) <= set(range(1, 21)) for rule in table.RULES)


def test_the_page_shows_the_table():
    assert as_markdown() in PAGE.read_text(encoding="utf-8")
