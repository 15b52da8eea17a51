"""The model of the engine agrees with what can be worked out by hand, and measures what it says."""

from dataclasses import replace

import pytest

from beamgym.physics.jobs import InProcess
from beamgym.scripts.engine_suite.kinds import JobKind
from beamgym.scripts.engine_suite.measuring import checksum, clocked, empty, megabyte, overhead
from beamgym.scripts.engine_suite.model import modelled, most_workers

SECOND = JobKind("a second", empty, int, (1.0,), megabytes=10.0)


def test_one_worker_works_all_the_time_but_for_its_start():
    found = modelled(replace(SECOND, start_s=5.0), 0.0, 1, 20)
    assert found.seconds == pytest.approx(25.0)
    assert found.efficiency == pytest.approx(20 / 25)
    assert found.lost_at_start == pytest.approx(0.2)
    assert found.bottleneck == "the workers' start"
    assert found.mb_per_s == pytest.approx(8.0)


def test_a_driver_that_is_asked_for_more_than_it_can_is_the_bottleneck():
    found = modelled(SECOND, 0.01, 1000, 20_000)
    assert most_workers(SECOND.seconds, 0.01) == pytest.approx(100.0)
    assert found.bottleneck == "the driver"
    assert found.seconds == pytest.approx(200.0, rel=0.02)
    assert found.efficiency == pytest.approx(0.1, rel=0.02)


def test_a_driver_with_time_to_spare_costs_next_to_nothing():
    found = modelled(SECOND, 0.0001, 1000, 20_000)
    assert found.driver == pytest.approx(0.1, rel=0.02)
    assert found.efficiency > 0.99
    assert found.bottleneck == "none"


def test_more_workers_than_jobs_are_idle():
    found = modelled(SECOND, 0.0, 10, 11)
    assert found.seconds == pytest.approx(2.0)
    assert found.efficiency == pytest.approx(11 / 20)
    assert found.bottleneck == "too few jobs for so many workers"


def test_what_is_measured_is_counted():
    found = overhead("here", InProcess(), 1, 50)
    assert found.jobs == 50
    assert found.per_s == pytest.approx(50 / found.seconds)
    assert found.per_job_ms == pytest.approx(1e3 / found.per_s)


def test_results_are_compared_in_their_order():
    kind = JobKind("a megabyte", megabyte, int)
    _, same = clocked(InProcess(), kind, 3, 1)
    assert same == checksum([megabyte(i) for i in range(3)])
    assert same != checksum([megabyte(i) for i in (0, 2, 1)])
