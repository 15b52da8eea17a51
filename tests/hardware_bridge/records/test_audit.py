"""The audit log survives crashes, shows every change at its line, and has one writer."""

import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from beamgym.hardware_bridge.records import audit
from beamgym.hardware_bridge.records.audit import AuditError, AuditLog
from beamgym.hardware_bridge.records.audit_check import read_log, verify_log
from beamgym.hardware_bridge.records.audit_lines import START, digest


@pytest.fixture
def path(tmp_path):
    return tmp_path / "session.jsonl"


@pytest.fixture
def written(path):
    """A closed log of two commands and an event: eight lines."""
    with AuditLog(path, clock=lambda: 12.5) as log:
        first = log.before("set", axis="j1", target=2.0)
        log.after(first, "done", readback=2.0)
        log.event("frame", counter=7)
        second = log.before("trigger", exposure_s=10.0)
        log.after(second, "failed", reason="hung")
    return path


def test_each_line_holds_the_hash_of_the_line_before_it(written):
    lines = written.read_bytes().splitlines()
    assert [json.loads(line)["previous"] for line in lines] == [START, *(digest(line) for line in lines[:-1])]


def test_a_closed_log_is_whole_and_counts_its_commands_and_outcomes(written):
    report = verify_log(written)
    assert report.ok
    assert report.whole
    assert (report.lines, report.commands, report.sessions, report.closed) == (7, 2, 1, 1)
    assert report.outcomes == {2: "done", 5: "failed"}
    assert report.head == digest(written.read_bytes().splitlines()[-1])
    assert report.summary().startswith("whole: 7 lines, 2 commands, 0 with unknown outcome")


def test_a_line_is_on_the_disk_before_before_returns(path, monkeypatch):
    synced: list[bytes] = []
    real = os.fsync
    monkeypatch.setattr(audit.os, "fsync", lambda file: (real(file), synced.append(path.read_bytes()))[0])
    with AuditLog(path) as log:
        number = log.before("set", axis="j1")
        assert b'"command":"set"' in synced[-1].splitlines()[number - 1]
        log.after(number, "done")
        assert b'"outcome":"done"' in synced[-1]


@pytest.mark.parametrize("line", range(1, 8))
def test_a_changed_byte_is_found_at_its_line(written, line):
    lines = written.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b"12.5", b"12.6")
    written.write_bytes(b"".join(lines))
    report = verify_log(written)
    assert not report.ok
    assert report.line == line
    assert f"line {line} was changed" in report.summary()


def test_a_changed_line_with_a_fresh_own_hash_is_found_by_the_next_line(written):
    lines = written.read_bytes().splitlines()
    body = lines[1].replace(b"2.0", b"3.0")
    body = body[: body.rindex(b',"sha256"')] + b"}"
    lines[1] = body[:-1] + b',"sha256":"' + digest(body).encode() + b'"}'
    written.write_bytes(b"\n".join(lines) + b"\n")
    assert "line 3 does not follow line 2" in verify_log(written).problem


@pytest.mark.parametrize("line", range(1, 7))
def test_a_line_taken_out_is_found(written, line):
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join(lines[: line - 1] + lines[line:]))
    assert verify_log(written).line == line


def test_two_lines_in_exchanged_order_are_found(written):
    lines = written.read_bytes().splitlines(keepends=True)
    lines[2], lines[3] = lines[3], lines[2]
    written.write_bytes(b"".join(lines))
    assert verify_log(written).line == 3


def test_lines_cut_off_the_end_are_found_by_the_noted_head(written):
    head = verify_log(written).head
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join(lines[:3]))
    report = verify_log(written, head=head)
    assert not report.ok
    assert report.line == 4
    assert "lines are missing" in report.problem


@pytest.mark.parametrize("kept", range(7))
def test_a_log_that_was_cut_is_not_whole(written, kept):
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join(lines[:kept]))
    report = verify_log(written)
    assert not report.ok
    assert not report.whole
    assert report.summary().startswith("NOT CLOSED: " if kept else "EMPTY: ")


def test_a_session_cut_off_whole_is_found_by_the_noted_head_or_how_it_begins(written):
    first = written.read_bytes()
    AuditLog(written).close()
    head = verify_log(written).head
    assert verify_log(written, head=head[:12]).whole
    written.write_bytes(first)
    assert verify_log(written).whole
    assert "lines are missing" in verify_log(written, head=head).problem
    assert "lines are missing" in verify_log(written, head="").problem


def test_closing_gives_commands_without_an_outcome_unknown(path):
    log = AuditLog(path)
    number = log.before("set", axis="j1")
    assert log.pending == {number}
    log.close()
    report = verify_log(path)
    assert report.ok
    assert report.unknown == [number]


def test_a_command_has_exactly_one_outcome(path):
    with AuditLog(path) as log:
        number = log.before("set")
        log.after(number, "done")
        with pytest.raises(ValueError, match=f"command {number} waits for no outcome"):
            log.after(number, "failed")
        with pytest.raises(ValueError, match="command 99 waits"):
            log.after(99, "done")


def test_a_second_outcome_forged_into_the_file_is_found(path):
    with AuditLog(path) as log:
        number = log.before("set")
        log.after(number, "done")
        log._pending.add(number)
        log.after(number, "failed")
    assert f"outcome of command {number}, which waits for none" in verify_log(path).problem


def test_a_session_that_crashed_shows_as_not_closed_and_the_next_one_says_unknown(path):
    log = AuditLog(path)
    number = log.before("set", axis="j1")
    os.close(log._file)  # as kill -9 does
    report = verify_log(path)
    assert not report.ok
    assert report.pending == [number]
    assert report.summary().startswith("NOT CLOSED")
    AuditLog(path).close()
    report = verify_log(path)
    assert report.ok
    assert not report.whole
    assert "1 of 2 sessions ended without warning" in report.summary()
    assert report.unknown == [number]
    assert (report.sessions, report.closed) == (2, 1)


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_a_line_cut_short_by_a_crash_is_kept_reported_and_closed_at_the_next_open(path, kept):
    log = AuditLog(path)
    first = log.before("set", axis="j1")
    whole = path.read_bytes()
    log.after(first, "done")
    os.close(log._file)
    torn = path.read_bytes()[len(whole) :][:kept]
    path.write_bytes(whole + torn)
    assert verify_log(path).cut_short
    AuditLog(path).close()
    report = verify_log(path)
    assert report.ok
    assert report.torn == [3]
    assert report.unknown == [first]
    assert path.read_bytes().startswith(whole + torn)


def test_what_was_cut_short_cannot_be_changed_afterwards(path):
    log = AuditLog(path)
    log.event("frame")
    os.close(log._file)
    path.write_bytes(path.read_bytes()[:-10])
    AuditLog(path).close()
    path.write_bytes(path.read_bytes().replace(b'"event":"frame"', b'"event":"blank"'))
    assert verify_log(path).line == 2


def test_a_log_that_was_changed_is_not_continued(written):
    content = written.read_bytes().replace(b'"j1"', b'"j2"')
    written.write_bytes(content)
    with pytest.raises(ValueError, match=r"line 2 was changed: .*start a new log"):
        AuditLog(written)
    assert written.read_bytes() == content


def test_a_log_is_continued_by_the_next_session(written):
    with AuditLog(written) as log:
        log.event("armed")
    report = verify_log(written)
    assert report.ok
    assert (report.lines, report.sessions, report.closed) == (10, 2, 2)


def test_one_process_has_one_log_open_once(path):
    with AuditLog(path), pytest.raises(ValueError, match="another process writes the audit log"):
        AuditLog(path)


def test_another_process_cannot_open_the_log_and_a_killed_one_leaves_no_lock(path):
    script = (
        "import sys, time; from beamgym.hardware_bridge.records.audit import AuditLog\n"
        "log = AuditLog(sys.argv[1]); log.before('set', axis='j1'); print('open', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "open\n"
        with pytest.raises(ValueError, match="another process writes"):
            AuditLog(path)
        child.kill()
        child.wait(30)
    AuditLog(path).close()
    assert verify_log(path).unknown == [2]


def test_readings_come_back_as_they_were_not_finite_ones_too(path):
    with AuditLog(path) as log:
        log.event(
            "readings",
            array=np.array([[1.0, math.nan], [0.1, -math.inf]]),
            integer=np.int64(3),
            flag=np.bool_(True),
            pair=(0.1, 1e-300),
            path=Path("x"),
        )
    data = next(members["data"] for _, members in read_log(path) if members.get("event") == "readings")
    assert data["array"][0][0] == 1.0
    assert math.isnan(data["array"][0][1])
    assert data["array"][1] == [0.1, -math.inf]
    assert (data["integer"], data["flag"], data["pair"]) == (3, True, [0.1, 1e-300])
    assert "'x'" in data["path"]["text"]


def test_lines_of_several_threads_do_not_mix(path):
    with AuditLog(path) as log:

        def work():
            for _ in range(25):
                log.after(log.before("set"), "done")

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    report = verify_log(path)
    assert report.ok
    assert report.commands == 100


def test_a_full_disk_refuses_the_command_and_every_later_one(path, monkeypatch):
    log = AuditLog(path)
    real = os.write
    monkeypatch.setattr(audit.os, "write", lambda file, content: real(file, content[:5]))
    with pytest.raises(AuditError, match="cannot be written: the disk took only a part"):
        log.before("set")
    monkeypatch.undo()
    with pytest.raises(AuditError, match="failed before"):
        log.before("set")
    with pytest.raises(AuditError):
        log.close()
    report = verify_log(path)
    assert (report.problem, report.tail, report.commands, report.open) == ("", b"", 0, True)


def test_a_disk_that_does_not_keep_a_line_refuses_the_command(path, monkeypatch):
    log = AuditLog(path)

    def fail(file):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(audit.os, "fsync", fail)
    with pytest.raises(AuditError, match="cannot be written: Input/output error; nothing moves"):
        log.before("set")
    monkeypatch.undo()
    with pytest.raises(AuditError, match="failed before"):
        log.event("frame")
    with pytest.raises(AuditError):
        log.close()
    AuditLog(path).close()
    assert verify_log(path).unknown == [2]


def remove(path):
    path.unlink()


def move_away(path):
    path.rename(path.with_name("elsewhere.jsonl"))


def put_another_in_its_place(path):
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize("hide", [remove, move_away, put_another_in_its_place])
def test_a_log_that_is_not_where_it_was_refuses_the_command_and_every_later_one(path, hide):
    log = AuditLog(path)
    log.check()
    hide(path)
    with pytest.raises(AuditError, match="the file was removed, or another stands in its place; nothing moves"):
        log.before("set")
    with pytest.raises(AuditError, match="failed before"):
        log.event("frame")
    with pytest.raises(AuditError):
        log.close()


@pytest.mark.parametrize("hide", [remove, move_away, put_another_in_its_place])
def test_a_log_that_is_gone_is_noticed_before_the_next_line(path, hide):
    log = AuditLog(path)
    hide(path)
    with pytest.raises(AuditError, match="was removed"):
        log.check()
    with pytest.raises(AuditError):
        log.close()


def test_a_log_stays_where_it_is_when_the_program_goes_to_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with AuditLog("session.jsonl") as log:
        monkeypatch.chdir("/")
        log.event("frame")
    assert verify_log(tmp_path / "session.jsonl").ok


def test_a_closed_log_takes_no_more_lines(path):
    log = AuditLog(path)
    log.close()
    log.close()
    with pytest.raises(AuditError, match="is closed"):
        log.event("late")


def test_mistakes_with_files_are_one_line(tmp_path):
    with pytest.raises(ValueError, match="cannot open the audit log"):
        AuditLog(tmp_path / "nowhere" / "log.jsonl")
    with pytest.raises(ValueError, match="cannot read the audit log"):
        verify_log(tmp_path / "missing.jsonl")


def test_a_file_that_is_no_log_is_neither_whole_nor_continued(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("first\nsecond\n", encoding="utf-8")
    assert verify_log(other).line == 1
    with pytest.raises(ValueError, match="start a new log"):
        AuditLog(other)
    assert other.read_text(encoding="utf-8") == "first\nsecond\n"


@pytest.mark.parametrize("how", ["cut", "written"])
def test_a_log_that_another_hand_cut_or_wrote_takes_no_more_lines(path, how):
    log = AuditLog(path)
    log.event("armed")
    log.check()
    if how == "cut":
        os.truncate(path, path.stat().st_size // 2)
    else:
        with path.open("ab") as file:
            file.write(b"{}\n")
    with pytest.raises(AuditError, match="cut, or written by another hand; nothing moves"):
        log.check()
    with pytest.raises(AuditError, match="failed before"):
        log.before("set", device="x", value=1.0)
    with pytest.raises(AuditError):
        log.close()
