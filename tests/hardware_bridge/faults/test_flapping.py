"""A beam that comes and goes: how often it may suspend a run, by what the instrument itself was told."""

import pytest

pytest.importorskip("caproto", reason="the practice instrument needs the extra 'ioc'")


async def flap(bench, guard, times, why):
    """Take the beam away and give it back, as often as it is suspended; stop where the guard has latched."""
    for number in range(times):
        await bench.asked(lambda: bench.ioc.put("sim:fault:beam_loss", "1"))
        await bench.until(lambda number=number: len(why) > number or guard.state == "latched")
        if guard.state == "latched":
            return
        await bench.asked(lambda: bench.ioc.put("sim:fault:beam_loss", ""))
        await bench.until(lambda: guard.watch.tripped == "")


def suspended(bench, times=6):
    """Return why a run was suspended, each time, while the beam came and went."""
    why = []

    async def go(guard):
        await flap(bench, guard, times, why)
        await guard.aborted()

    bench.drive(go, suspend=lambda back, line: why.append(line))
    return why


def test_a_beam_that_comes_and_goes_ends_the_run(bench):
    b = bench("arpes")
    assert len(suspended(b)) == 3
    assert b.guard.latched_item == 9
    assert b.guard.reason.startswith("suspended 4 times within a minute, 3 are allowed")
    truth = b.ioc.truth()
    assert (truth["moving"], truth["shutter_open"]) == ([], False)


def test_the_bound_of_a_run_holds_whatever_time_it_takes(bench):
    b = bench("arpes", lambda content: content.update(suspensions={"per_minute": 1000, "per_run": 2}))
    assert len(suspended(b)) == 2
    assert b.guard.reason.startswith("suspended 3 times in a run, 2 are allowed")


def test_where_the_file_allows_it_a_run_is_suspended_again_and_again(bench):
    b = bench("arpes", lambda content: content.update(suspensions={"per_minute": 1000, "per_run": 1000}))
    assert len(suspended(b)) == 6
    assert b.guard.reason == ""
