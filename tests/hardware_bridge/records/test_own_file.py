"""What a run writes is not written through links, nor into what has another name."""

import os
from pathlib import Path

import numpy as np
import pytest

from beamgym.hardware_bridge.records.audit import AuditError, AuditLog
from beamgym.hardware_bridge.records.documents import JsonLines
from beamgym.hardware_bridge.records.frame_store import append_image
from beamgym.hardware_bridge.records.nexus_writer import write_nexus
from beamgym.hardware_bridge.records.own_file import refuse_link


def linked(path, target):
    target.write_text("somebody else's\n")
    path.symlink_to(target)


def dangling(path, target):
    path.symlink_to(target)


def named_twice(path, target):
    target.write_text("")
    os.link(target, path)


def a_pipe(path, target):
    os.mkfifo(path)


PLANTED = [
    (linked, "is a link"),
    (dangling, "is a link"),
    (named_twice, "has 2 names"),
    (a_pipe, "is no file"),
]


@pytest.mark.parametrize(("plant", "line"), PLANTED)
@pytest.mark.parametrize(
    "write",
    [
        AuditLog,
        lambda path: append_image(path, np.zeros((2, 3), np.uint16)),
        lambda path: write_nexus(path, [("start", {"uid": "a", "time": 0.0})]),
    ],
    ids=["audit log", "images", "nexus"],
)
def test_nothing_is_written_through_what_was_planted(tmp_path, plant, line, write):
    path, target = tmp_path / "output", tmp_path / "target"
    plant(path, target)
    before = target.read_bytes() if target.exists() else None
    with pytest.raises(ValueError, match=line):
        write(path)
    assert (target.read_bytes() if target.exists() else None) == before


def test_documents_are_written_into_no_file_that_is_there(tmp_path):
    dangling(tmp_path / "documents.jsonl", tmp_path / "target")
    with pytest.raises(ValueError, match="exists"):
        JsonLines(tmp_path / "documents.jsonl")
    assert not (tmp_path / "target").exists()


def test_a_folder_that_is_a_link_is_named_with_where_it_leads(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "real")
    with pytest.raises(ValueError, match=f"run is a link.* give {tmp_path / 'real'} itself"):
        AuditLog(tmp_path / "run" / "audit.jsonl")


def test_a_log_of_another_user_is_not_continued(tmp_path, monkeypatch):
    with AuditLog(tmp_path / "audit.jsonl"):
        pass
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(ValueError, match="belongs to another user"):
        AuditLog(tmp_path / "audit.jsonl")
    refuse_link(tmp_path / "audit.jsonl")


def move_and_link_back(log, place):
    log.event("one")
    Path(place).rename(place.parent / "elsewhere")
    place.symlink_to(place.parent / "elsewhere")
    log.event("two")


def test_a_log_that_is_moved_and_linked_back_takes_no_more_lines(tmp_path):
    log = AuditLog(tmp_path / "audit.jsonl")
    with pytest.raises(AuditError, match="another stands in its place"):
        move_and_link_back(log, tmp_path / "audit.jsonl")
    with pytest.raises(AuditError):
        log.close()
