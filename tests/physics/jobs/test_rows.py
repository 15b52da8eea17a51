"""Rows that are kept come back to the last bit, also out of a file whose last line was cut; settings are held apart."""

import errno
import os
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import pytest

from beamgym.physics.jobs import InProcess, Keeping, Pace, of_row, row_of, run_jobs
from beamgym.physics.jobs.journal import open_journal


@dataclass(frozen=True, eq=False)
class Row:
    number: int
    share: float
    words: tuple[str, ...]
    values: np.ndarray


def made(number):
    return Row(number, 1.0 / (3 + number), ("a", str(number)), np.array([np.nan, 0.1 * number], dtype=np.float32))


def stored(path, seed=1):
    return Keeping(path, {"seed": seed}, row_of, of_row(Row))


def same(one, other):
    assert (one.number, one.share, one.words) == (other.number, other.share, other.words)
    assert one.values.dtype == other.values.dtype
    np.testing.assert_array_equal(one.values, other.values)
    return True


def refuse(number):
    raise AssertionError("it was made before")


def test_rows_come_back_as_they_were_and_are_not_made_again(tmp_path):
    path = tmp_path / "rows.jsonl"
    first = run_jobs(InProcess(), made, range(3), keeping=stored(path))
    told = []
    again = run_jobs(InProcess(), refuse, range(3), told.append, stored(path))
    assert all(same(*pair) for pair in zip(first, again, strict=True))
    assert told == [0, 1, 2]


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_line_that_a_kill_has_cut_is_done_again(tmp_path, cut):
    path = tmp_path / "rows.jsonl"
    run_jobs(InProcess(), made, range(3), keeping=stored(path))
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    rows = run_jobs(InProcess(), made, range(3), keeping=stored(path))
    assert [row.number for row in rows] == [0, 1, 2]
    assert path.read_bytes() == whole


def test_rows_of_other_settings_and_other_files_are_refused(tmp_path):
    path = tmp_path / "rows.jsonl"
    run_jobs(InProcess(), made, range(2), keeping=stored(path))
    with pytest.raises(ValueError, match=r"rows\.jsonl belongs to other settings: its seed is 1, not 2"):
        run_jobs(InProcess(), made, range(2), keeping=stored(path, seed=2))
    for text in ("my thesis", "my thesis\nin two lines\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match="is damaged or no journal"):
            run_jobs(InProcess(), made, range(2), keeping=stored(path))
        assert path.read_text() == text


def test_two_commands_do_not_write_one_journal(tmp_path):
    with open_journal(tmp_path / "a.jsonl", {}), get_context("spawn").Pool(1) as pool:
        assert "another command writes" in pool.apply(opened, (str(tmp_path / "a.jsonl"),))


def opened(path):
    try:
        with open_journal(path, {}):
            return "opened"
    except ValueError as error:
        return str(error)


def test_a_disk_that_is_full_in_the_middle_of_a_line_leaves_the_lines_before(tmp_path, monkeypatch):
    path, write = tmp_path / "rows.jsonl", os.write
    run_jobs(InProcess(), made, range(1), keeping=stored(path))
    whole = path.read_bytes()

    def full(handle, content):
        if len(content) < 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(handle, content[: len(content) // 2])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*rows\.jsonl'"):
        run_jobs(InProcess(), made, range(2), keeping=stored(path))
    assert path.read_bytes() == whole


def test_rate_and_time_left_follow_the_last_minute():
    now = [0.0]
    pace = Pace(100, lambda: now[0])
    assert pace.left_s == float("inf")
    for _ in range(50):
        now[0] += 2.0
        pace.add()
    assert pace.per_s == pytest.approx(0.5)
    assert pace.text == "30/min, 1 min 40 s left"
