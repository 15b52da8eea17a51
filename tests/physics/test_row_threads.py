"""Rows shared out among threads: each is done once, in order, on the caller's terms."""

import os
import threading

import numpy as np
import pytest

from beamgym.physics.row_threads import joined_rows, over_rows, sharing_rows


def test_rows_are_not_shared_unless_asked_for():
    assert over_rows(100, lambda rows: (rows, threading.current_thread())) == [
        (slice(0, 100), threading.current_thread())
    ]


@pytest.mark.parametrize(("n", "threads", "runs"), [(100, 3, 3), (5, 2, 2), (3, 8, 3), (1, 4, 1)])
def test_every_row_is_in_one_run_and_runs_come_in_order(n, threads, runs):
    with sharing_rows(threads):
        found = over_rows(n, lambda rows: rows, least=1)
    assert len(found) == runs
    assert [i for rows in found for i in range(n)[rows]] == list(range(n))


def test_runs_are_done_at_once_by_several_threads():
    both = threading.Barrier(2)

    def meet(rows):
        both.wait(timeout=30)
        return threading.get_ident()

    with sharing_rows(2):
        assert len(set(over_rows(2, meet, least=1))) == 2


def test_few_rows_are_left_to_the_caller():
    with sharing_rows(4):
        assert len(over_rows(31, lambda rows: rows, least=16)) == 1
        assert len(over_rows(32, lambda rows: rows, least=16)) == 2


def test_sharing_ends_with_its_block_and_is_the_callers_alone():
    with sharing_rows(2):
        inside = over_rows(2, lambda rows: len(over_rows(8, lambda own: own, least=1)), least=1)
        other = []
        thread = threading.Thread(target=lambda: other.append(len(over_rows(8, lambda own: own, least=1))))
        thread.start()
        thread.join()
    assert other == [1]
    assert inside == [1, 1]  # a run is done by one thread, and so is what it calls
    assert len(over_rows(8, lambda rows: rows, least=1)) == 1


def test_arrays_are_joined():
    values = np.arange(10)
    with sharing_rows(3):
        doubled, squared = joined_rows(10, lambda rows: (2 * values[rows], values[rows] ** 2), least=1)
    assert doubled.tolist() == (2 * values).tolist()
    assert squared.tolist() == (values**2).tolist()


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_an_error_of_any_run_is_raised_when_all_have_ended(broken):
    ended = []

    def work(rows):
        if rows.start == broken:
            raise ValueError(f"run {broken}")
        ended.append(rows.start)

    with sharing_rows(3), pytest.raises(ValueError, match=f"run {broken}"):
        over_rows(3, work, least=1)
    assert sorted(ended) == sorted({0, 1, 2} - {broken})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_starts_threads_of_its_own():
    with sharing_rows(2):
        over_rows(2, lambda rows: rows, least=1)
        child = os.fork()
        if child == 0:
            os._exit(0 if len(over_rows(2, lambda rows: rows, least=1)) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
