"""What docs/bluesky.md prints runs as it is printed: plain bluesky, a session of plans, startup files of services."""

import ast
import os
import pty
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("ophyd_async", reason="plans and practice devices need the extra 'hardware'")

from beamgym.hardware_bridge.records.audit_check import verify_log

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "bluesky.md"
BLOCKS = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE.read_text("utf-8"), re.S))
LIMIT_S = 900.0


def ran(folder, name, **given):
    (folder / name).write_text(BLOCKS[name], encoding="utf-8")
    words = [sys.executable, name]
    return subprocess.run(words, cwd=folder, text=True, check=False, timeout=LIMIT_S, capture_output=True, **given)


def scores(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return [float(number) for number in re.findall(r"(\d+\.\d+)", done.stdout.splitlines()[-1])]


def test_every_program_is_named_and_imports_what_there_is():
    assert [*BLOCKS] == ["scan.py", "my_devices.py", "session.py", "startup.py", "my_plans.py", "agent.py"]
    ours = [
        (node.module, alias.name)
        for text in BLOCKS.values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module.startswith("beamgym")
        for alias in node.names
    ]
    for module, name in ours:
        assert hasattr(__import__(module, fromlist=[name]), name)


@pytest.mark.slow
def test_the_plain_scan_finds_a_bright_place(tmp_path):
    found, best = scores(ran(tmp_path, "scan.py"))
    assert 0.5 * best < found <= best


@pytest.mark.parametrize("name", ["startup.py", "my_plans.py"])
def test_a_startup_file_registers_who_answers(tmp_path, monkeypatch, name):
    from beamgym.hardware_bridge.plans import FileApprover, register_approver
    from beamgym.hardware_bridge.plans.approvers import present_approver

    monkeypatch.chdir(tmp_path)
    names = {}
    try:
        exec(compile(BLOCKS[name], name, "exec"), names)
        assert isinstance(present_approver(), FileApprover)
    finally:
        register_approver(None)
        if "RE" in names:
            from beamgym.hardware_bridge.deployment.session.ending import end_loop

            end_loop(names["RE"])
    assert {"align", "find_spot", "check", "go_back"} <= {*names}


@pytest.mark.slow
def test_the_session_aligns_a_crystal_with_a_human_at_the_terminal(tmp_path):
    for name in ("my_devices.py", "session.py"):
        (tmp_path / name).write_text(BLOCKS[name], encoding="utf-8")
    # A terminal, since a process without one asks nobody; ``yes`` is typed whenever something is asked.
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "session.py"], cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs
    ) as it:
        os.close(theirs)
        said, answered = "", 0
        while True:
            try:
                said += os.read(ours, 65536).decode(errors="replace")
            except OSError:  # how a terminal says that nobody is at its other end any more
                break
            if said.count("[yes/no] ") > answered:
                answered += 1
                os.write(ours, b"yes\n")
        os.close(ours)
        assert it.wait(LIMIT_S) == 0, said
    assert answered >= 3
    last = said.splitlines()[-1]
    assert last.startswith("declared True")
    assert verify_log(tmp_path / last.split()[-1]).ok


@pytest.mark.slow
@pytest.mark.skipif(find_spec("blop") is None, reason="needs blop")
def test_an_agent_of_blops_finds_a_bright_place(tmp_path):
    found, best = scores(ran(tmp_path, "agent.py"))
    assert 0.5 * best < found <= best
