"""Every job is done once, whoever does it and whoever is lost; what a job raises is raised; a loss too many is told."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import jobs_to_do as jobs
import pytest

from beamgym.physics.jobs import InProcess, OnRay, Processes, WorkerLost, run_in_order

NUMBERS = list(range(12))
SQUARES = [number * number for number in NUMBERS]
pytestmark = pytest.mark.filterwarnings("ignore:2 workers share 1 cores")


@pytest.mark.parametrize("executor", [InProcess(), Processes(1)], ids=["here", "one process"])
def test_results_come_in_the_order_of_the_cases(executor):
    told = []
    assert run_in_order(executor, jobs.squared, NUMBERS, told.append) == SQUARES
    assert sorted(told) == NUMBERS


def test_what_a_killed_process_had_is_done_again_and_nothing_twice(tmp_path):
    lost = []
    answers = list(Processes(2, lost.append).run(jobs.DiesOnce(tmp_path, 4), NUMBERS))
    assert sorted(number for number, _ in answers) == NUMBERS
    assert dict(answers) == dict(zip(NUMBERS, SQUARES, strict=True))
    assert lost == ["job 4 has lost its worker (exit code -9); it is done again"]


def test_a_job_that_always_kills_its_process_is_given_up_and_named():
    lost = []
    with pytest.raises(WorkerLost, match=r"job 1 has lost its worker 3 times \(exit code -9\)") as error:
        list(Processes(1, lost.append).run(jobs.dies, NUMBERS))
    assert "\n" not in str(error.value)
    assert len(lost) == 2


def test_what_a_job_raises_is_raised_with_the_place_as_a_note():
    with pytest.raises(FileNotFoundError, match="nothing there: 'a file'") as error:
        list(Processes(1).run(jobs.fails, NUMBERS))
    assert "jobs_to_do.py" in "".join(error.value.__notes__)


def test_an_error_that_cannot_be_sent_is_told_in_words():
    with pytest.raises(RuntimeError, match="OddError: 1 and 2"):
        list(Processes(1).run(jobs.fails, [5]))


def test_more_processes_than_cores_are_warned_of_and_none_refused():
    with pytest.warns(UserWarning, match=r"\d+ workers share \d+ cores"):
        Processes((os.cpu_count() or 1) + 1)
    with pytest.raises(ValueError, match="0 workers: give 1 or more"):
        Processes(0)


@pytest.mark.parametrize("address", ["auto", "head", "ray://head:10001", "head:0", "head:port", ":6379"])
def test_what_is_no_address_of_ray_is_named_before_anything_is_done(address):
    with pytest.raises(ValueError, match=r"is not HOST:PORT of the head node, such as 127\.0\.0\.1:6379"):
        OnRay(address)


def test_nobody_at_the_address_is_told_in_one_line():
    pytest.importorskip("ray")
    with pytest.raises(OSError, match=r"no Ray at 127\.0\.0\.1:1 \(.*refused\); give the head node's address") as error:
        list(OnRay("127.0.0.1:1").run(jobs.squared, NUMBERS))
    assert "\n" not in str(error.value)


def test_a_server_that_is_no_ray_is_told_apart_at_once():
    pytest.importorskip("ray")
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(OSError, match=rf"what answers at 127\.0\.0\.1:{server.server_port} is no Ray"):
            list(OnRay(f"127.0.0.1:{server.server_port}").run(jobs.squared, NUMBERS))
        server.shutdown()
