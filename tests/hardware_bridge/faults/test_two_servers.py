"""Two servers with the same PV names: nothing is armed, and a second one that comes up during a run ends it.

Both are practice instruments, and each tells by its own record what it received. The companions leave item 19 out.
"""

import asyncio
import sys
from functools import partial

import pytest

pytest.importorskip("caproto", reason="the practice instrument needs the extra 'ioc'")

from beamgym.hardware_bridge.adapters import connect, searches
from beamgym.hardware_bridge.adapters.searches import search_servers
from beamgym.hardware_bridge.guard import servers
from beamgym.hardware_bridge.guard.rules.decision import GuardRefused
from beamgym.hardware_bridge.practice.process import IocProcess

SEARCH_S = 5.0
"""Two servers on a busy machine may take so long to answer a search, seconds."""


@pytest.fixture
def copy(request, monkeypatch):
    """Call it for a second instrument with the names of the first, on a port of its own."""
    of_search = sys.modules[connect.__module__]
    monkeypatch.setattr(of_search, "search_servers", partial(search_servers, wait_s=SEARCH_S))
    monkeypatch.setattr(of_search, "_SEARCH_S", 4.0 * SEARCH_S)
    started = []

    def start(kind):
        home = request.getfixturevalue("ports")
        started.append(IocProcess(kind, home["side"], repeater_port=home["repeater"], speed=50.0))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_two_servers_of_one_name_arm_nothing_and_both_are_named(bench, copy, ports):
    b = bench("arpes")
    other = copy("arpes")
    with pytest.raises(GuardRefused, match=r"item 19: bgym:.* is served by ") as refused:
        b.drive(lambda guard: guard.axes["x"].set(0.2).task)
    for port in (ports["first"], ports["side"]):
        assert f"127.0.0.1:{port}" in refused.value.line
    assert [*b.ioc.puts(), *other.puts()] == []


@pytest.mark.slow
def test_without_item_19_a_copy_of_the_instrument_is_not_noticed(bench, copy):
    b = bench("arpes", without=(19,))
    copy("arpes")

    async def move(guard):
        await guard.axes["x"].set(0.2)

    b.drive(move)
    assert b.guard.reason == ""


@pytest.mark.slow
def test_a_second_server_that_comes_up_while_the_guard_is_armed_ends_the_run(bench, copy, monkeypatch):
    monkeypatch.setattr(servers, "EVERY_S", 0.2)
    b = bench("arpes")

    async def wait(guard):
        await asyncio.to_thread(copy, "arpes")
        await b.latched()

    b.drive(wait)
    assert (b.guard.latched_item, " is served by " in b.guard.reason) == (19, True)


def test_one_server_that_answers_twice_is_one(laue_ioc, ports):
    listed = {"EPICS_CA_AUTO_ADDR_LIST": "NO", "EPICS_CA_SERVER_PORT": str(ports["first"])}
    twice = listed | {"EPICS_CA_ADDR_LIST": f"127.0.0.1 127.0.0.1:{ports['first']} no.such.host.example"}
    names = ["bgym:j1", *(f"bgym:absent:{number}" for number in range(200)), "bgym:j2.RBV"]
    found = search_servers(names, SEARCH_S, environment=twice)
    here = [f"127.0.0.1:{ports['first']}"]
    assert {name: where for name, where in found.items() if where} == {"bgym:j1": here, "bgym:j2.RBV": here}


def test_a_search_goes_where_libca_searches():
    default = searches._places({})
    assert default
    assert {port for _, port in default} == {5064}
    listed = {"EPICS_CA_ADDR_LIST": "a b:17", "EPICS_CA_AUTO_ADDR_LIST": " no ", "EPICS_CA_SERVER_PORT": "9"}
    assert searches._places(listed) == [("a", 9), ("b", 17)]
