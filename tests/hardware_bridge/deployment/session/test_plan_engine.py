"""Work that calls an engine, within a plan of a RunEngine of somebody else's: pauses, aborts and errors reach both."""

import threading

import pytest

pytest.importorskip("bluesky", reason="plans need the extra 'hardware'")

from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky import preprocessors as bpp
from bluesky.run_engine import RunEngineInterrupted

from beamgym.hardware_bridge.deployment.session.ending import end_loop
from beamgym.hardware_bridge.deployment.session.plan_engine import PlanEngine
from beamgym.hardware_bridge.deployment.session.stop import Stopped

LONG_S = 600.0


@pytest.fixture
def engine():
    made = RunEngine(context_managers=[])
    yield made
    end_loop(made)


class Told:
    """Documents, the reasons for which the work was told to stop, and how its plans ended."""

    def __init__(self, engine):
        self.documents, self.reasons, self.ended, self.over = [], [], [], threading.Event()
        engine.subscribe(lambda name, document: self.documents.append((name, document)))

    def stop(self, reason):
        self.reasons.append(reason)
        self.over.set()

    def statuses(self):
        return [document["exit_status"] for name, document in self.documents if name == "stop"]


def one_run(steps=()):
    """A run with these messages in it, that says how it ended."""

    def inside():
        yield from bps.checkpoint()
        for step in steps:
            yield from step()

    yield from bpp.run_wrapper(inside())
    return "seen"


def playing(told, plans, steps=()):
    """A plan whose work runs so many plans and returns what they returned; ``made`` becomes the engine."""
    made = PlanEngine(told.stop)

    def work():
        found = []
        for _ in range(plans):
            try:
                found.append(made(one_run(steps)))
            except Stopped as error:
                told.ended.append(str(error))
                raise
        return found

    return made.within(work)


def test_plans_that_the_work_asks_for_run_inside_and_return_to_it(engine):
    told, found = Told(engine), []

    def plan():
        found.append((yield from playing(told, 2)))

    engine(plan())
    assert found == [["seen", "seen"]]
    assert told.statuses() == ["success", "success"]
    assert [document["scan_id"] for name, document in told.documents if name == "start"] == [1, 2]
    assert engine.suspenders == ()


def test_an_error_of_the_work_is_the_plans(engine):
    made = PlanEngine()

    def work():
        raise ValueError("the guard refused")

    with pytest.raises(ValueError, match="the guard refused"):
        engine(made.within(work))
    assert engine.state == "idle"


def test_an_error_in_a_plan_is_the_works_and_fails_the_run(engine):
    told = Told(engine)

    def broken():
        yield from bps.null()
        raise LookupError("no such motor")

    with pytest.raises(LookupError, match="no such motor"):
        engine(playing(told, 1, (broken,)))
    assert told.statuses() == ["fail"]


def test_a_pause_within_a_plan_goes_on_where_it_was(engine):
    told, steps = Told(engine), []

    def noted():
        yield from bps.null()
        steps.append(1)

    pauses = iter([bps.pause])

    def pausing():
        yield from next(pauses, bps.null)()

    with pytest.raises(RunEngineInterrupted):
        engine(playing(told, 1, (noted, pausing)))
    assert engine.state == "paused"
    engine.resume()
    assert told.statuses() == ["success"]
    assert steps == [1]


@pytest.mark.parametrize(
    ("how", "word", "status"), [("abort", "told to abort", "abort"), ("stop", "told to stop", "success")]
)
def test_what_ends_a_paused_plan_reaches_the_work_and_the_run(engine, how, word, status):
    told = Told(engine)
    with pytest.raises(RunEngineInterrupted):
        engine(playing(told, 2, (bps.pause,)))
    getattr(engine, how)()
    assert told.ended == [f"the RunEngine was {word}"]
    assert told.statuses() == [status]


def test_a_halt_tells_the_work_and_waits_for_nothing(engine):
    told = Told(engine)
    with pytest.raises(RunEngineInterrupted):
        engine(playing(told, 1, (bps.pause,)))
    engine.halt()
    assert told.over.wait(LONG_S)
    assert told.reasons == ["the RunEngine was halted"]
    assert engine.state == "idle"


def test_an_abort_while_no_plan_runs_asks_the_work_to_end_and_waits_for_it(engine):
    told = Told(engine)
    made = PlanEngine(told.stop)
    finished = []

    def work():
        # as a session that is arming: it ends when it is told, and then has something to tidy
        threading.Thread(target=engine.abort, daemon=True).start()
        assert told.over.wait(LONG_S)
        finished.append("tidied")
        raise Stopped(told.reasons[0])

    with pytest.raises(RunEngineInterrupted):
        engine(made.within(work))
    assert finished == ["tidied"]
    assert told.reasons == ["the RunEngine was told to abort"]
