"""The thread behind an abort answers every request, also one that comes while it is being ended."""

import threading

import pytest

from beamgym.hardware_bridge.guard.abort import AbortThread

LONG_S = 20.0


class Bench:
    """What is stopped: counts how often."""

    answer_s, loop = 1.0, None

    def __init__(self):
        self.halts = 0
        self.audit = self

    def event(self, kind, **data):
        pass

    def check_deadman(self):
        pass

    async def halt(self):
        self.halts += 1
        return ()


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def thread(bench):
    made = AbortThread(bench, keep_trying_s=1.0)
    made.start()
    yield made
    made.close()


def running(thread):
    return thread._thread is not None and thread._thread.is_alive()


def test_an_abort_that_is_asked_for_while_the_thread_is_being_ended_is_done(thread, bench):
    ending, late = thread._thread, []
    join = ending.join

    def joined(timeout=None):
        join(timeout)
        late.append(thread.request("late"))

    ending.join = joined
    thread.close()
    assert late[0].result(LONG_S).reason == "late"
    assert bench.halts == 1


def test_an_abort_after_the_end_is_done_by_a_thread_that_ends_again(thread, bench):
    thread.close()
    assert not running(thread)
    assert thread.request("after").result(LONG_S).complete
    again = thread._thread
    if again is not None:
        again.join(LONG_S)
    assert not running(thread)
    assert bench.halts == 1


def test_all_who_ask_at_once_get_the_same_report(thread, bench):
    gate, reports = threading.Barrier(8), []

    def ask():
        gate.wait()
        reports.append(thread.request("now"))

    asking = [threading.Thread(target=ask) for _ in range(8)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert {report.result(LONG_S) for report in reports} == {reports[0].result()}
    assert len(set(map(id, reports))) == 1
    assert bench.halts == 1
