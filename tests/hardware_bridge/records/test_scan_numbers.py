"""scan_id grows from run to run, over processes, beside the instrument file."""

import multiprocessing

import pytest

from beamgym.hardware_bridge.records.scan_numbers import ScanNumbers, scan_numbers_of


def count(path, times):
    for _ in range(times):
        ScanNumbers(path)({})


def test_numbers_grow_from_one_program_to_the_next(tmp_path):
    path = scan_numbers_of(tmp_path / "instrument.yaml")
    assert path == tmp_path / "instrument.yaml.scan_id"
    assert [ScanNumbers(path)({}) for _ in range(3)] == [1, 2, 3]
    assert path.read_text() == "3\n"


def test_two_programs_at_once_get_no_number_twice(tmp_path):
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=count, args=(tmp_path / "n", 50)) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert ScanNumbers(tmp_path / "n")({}) == 101


def test_a_file_that_holds_something_else_is_named(tmp_path):
    (tmp_path / "n").write_text("my notes")
    with pytest.raises(ValueError, match="holds 'my notes', no number of a run; remove it"):
        ScanNumbers(tmp_path / "n")({})


def test_where_nobody_may_write_numbers_are_kept_in_the_users_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("beamgym.hardware_bridge.records.scan_numbers.os.access", lambda path, mode: False)
    one, other = (scan_numbers_of(tmp_path / folder / "instrument.yaml") for folder in ("a", "b"))
    assert one.parent == tmp_path / "state" / "beamgym"
    assert one != other
