"""The operator's token is alive while it is written anew, and not because of what its date says."""

import os
import time

import pytest

from beamgym.hardware_bridge.guard.life import TokenFile


def dated(path, seconds):
    """Write a file and date it so many seconds ahead of now."""
    path.touch()
    os.utime(path, (time.time() + seconds,) * 2)


def test_a_token_that_is_dated_ahead_while_it_is_watched_falls_silent_all_the_same(tmp_path):
    now, path = [0.0], tmp_path / "token"
    dated(path, 0.0)
    token = TokenFile(path, lambda: now[0])
    dated(path, 3600.0)
    now[0] = 10.0
    assert token() == 0.0
    now[0] = 40.0
    assert token() == 30.0


def test_a_token_that_is_dated_ahead_at_the_start_is_refused_in_one_line(tmp_path):
    dated(tmp_path / "token", 3600.0)
    with pytest.raises(ValueError, match=r"is dated 3[56]\d\d s in the future; set the clocks right") as caught:
        TokenFile(tmp_path / "token")
    assert "\n" not in str(caught.value)


def test_an_old_token_is_as_silent_as_it_is_old_and_one_written_since_the_last_look_no_older_than_that(tmp_path):
    now, path = [0.0], tmp_path / "token"
    dated(path, -500.0)
    token = TokenFile(path, lambda: now[0])
    assert token() == pytest.approx(500.0, abs=60.0)
    now[0] = 3.0
    dated(path, -200.0)  # a file server whose clock is behind
    assert token() == 3.0
    now[0] = 4.0
    path.unlink()
    assert token() == float("inf")
