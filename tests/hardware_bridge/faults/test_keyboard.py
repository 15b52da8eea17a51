"""Ctrl-Z, Ctrl-\\ and signals of others at a real terminal while something moves or is exposed: what was really left.

A suspended process stops no motor and closes no shutter. Each comes with the same key reaching a program that leaves
that signal to the system.
"""

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

pytest.importorskip("caproto", reason="the practice instrument needs the extra 'ioc'")
pytest.importorskip("aioca", reason="driving it needs the extra 'epics'")

from beamgym.hardware_bridge.direction_check.check import DirectionReport
from beamgym.hardware_bridge.direction_check.motion import ImageFlags
from beamgym.hardware_bridge.direction_check.record import write_direction_record
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.hardware_bridge.records.audit_check import verify_log

LIMIT_S = 400.0
SLOW = 0.02
"""Degrees per second of the motors, of which the practice instrument makes fifty times as many."""

CTRL_Z, CTRL_BACKSLASH = b"\x1a", b"\x1c"

PROGRAM = """
import signal, sys
from beamgym.hardware_bridge.deployment.session import stop
from beamgym.scripts import main
left = [signal.Signals[name] for name in sys.argv[1].split(",") if name]
stop.SIGNALS = tuple(number for number in stop.SIGNALS if number not in left)
stop.FATAL_SIGNALS = tuple(number for number in stop.FATAL_SIGNALS if number not in left)
sys.argv = ["beamgym", "deploy", "index-and-move", "-i", "soft.yaml", "--yes", "--confirm", "never"]
main.app()
"""


SHELL = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, *sys.argv[1:]], process_group=0)
os.tcsetpgrp(0, child.pid)
print("pid", child.pid, flush=True)
code = child.wait()
sys.exit(128 - code if code < 0 else code)
"""
"""What a shell does: a process that no shell looks after cannot be suspended from its terminal."""


class AtTerminal:
    """`beamgym deploy` as the foreground process of a pseudo-terminal; signals named in ``left`` are left alone."""

    def __init__(self, folder, left=""):
        self.folder, self.output = folder, b""
        self._master, slave = pty.openpty()
        words = [sys.executable, "-c", SHELL, "-c", PROGRAM, left]
        takes_terminal = {"start_new_session": True, "preexec_fn": _take_terminal}
        self.process = subprocess.Popen(
            words, cwd=folder, stdin=slave, stdout=slave, stderr=slave, env=_client(), **takes_terminal
        )
        os.close(slave)
        self.until(lambda: b"pid" in self.output and b"\n" in self.output)
        self.pid = int(self.output.split()[1])

    def press(self, key):
        os.write(self._master, key)

    def state(self):
        """Return how it stands: "running", "stopped", or its exit code."""
        self._read()
        if self.process.poll() is not None:
            return self.process.returncode
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
            return "stopped" if status in "Tt" else "running"
        return "running"

    def until(self, true):
        give_up = time.monotonic() + LIMIT_S
        while not true():
            self._read()
            assert time.monotonic() < give_up, self.output.decode(errors="replace")
            time.sleep(0.005)

    def _read(self):
        while select.select([self._master], [], [], 0.0)[0]:
            try:
                found = os.read(self._master, 4096)
            except OSError:
                return
            self.output += found
            if not found:
                return

    def close(self):
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._master)


def _take_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _client():
    return {name: value for name, value in os.environ.items() if not name.startswith("EPICS_CAS_")}


@pytest.fixture
def at_terminal(laue_ioc, tmp_path):
    """Call it for a run at a terminal, on slow motors; give signals that it leaves to the system."""
    content = yaml.safe_load(shipped_instrument("laue_soft_ioc").read_text(encoding="utf-8"))
    for axis in content["axes"]:
        axis["speed"] = SLOW
    (tmp_path / "soft.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    file = load_instrument(tmp_path / "soft.yaml")
    report = DirectionReport({axis.name: "right" for axis in file.axes}, ImageFlags(), (), True, ("as the file says",))
    write_direction_record(tmp_path / "soft.yaml", file, report)
    for i in range(1, 7):
        laue_ioc.put(f"j{i}.VELO", SLOW)
    started = []

    def start(left=""):
        started.append(AtTerminal(tmp_path, left))
        return started[-1]

    yield start
    for each in started:
        each.close()


def moves(ioc):
    return ioc.truth()["moving"] != []


def shines(ioc):
    return ioc.truth()["shutter_open"]


def pressed(run, ioc, key, seen=moves):
    """Return a run after a key was pressed in it, at the moment at which its instrument moves, or shines."""
    run.until(lambda: seen(ioc))
    run.press(key)
    return run


def ends_safely(run, ioc):
    """Wait for its end, and demand that nothing moves, the shutter is closed and the log is whole."""
    run.until(lambda: run.state() not in ("running", "stopped"))
    truth = ioc.truth()
    assert (run.state(), truth["moving"], truth["shutter_open"]) == (130, [], False), run.output.decode()
    (folder,) = (run.folder / "out").glob("deploy-*")
    assert verify_log(folder / "audit.jsonl").whole
    assert not json.loads((folder / "report.json").read_text())["success"]
    assert b"Traceback" not in run.output
    assert b"twice" not in run.output


def test_ctrl_z_while_motors_run_stops_them_instead_of_suspending_the_process(laue_ioc, at_terminal):
    run = pressed(at_terminal(), laue_ioc, CTRL_Z)
    ends_safely(run, laue_ioc)
    assert b"stopped by SIGTSTP; what it had moved was seen to stand, its shutter was seen closed" in run.output


@pytest.mark.slow
def test_ctrl_z_that_is_left_to_the_system_leaves_motors_running(laue_ioc, at_terminal):
    run = pressed(at_terminal("SIGTSTP"), laue_ioc, CTRL_Z)
    run.until(lambda: run.state() == "stopped")
    begun = laue_ioc.truth()["positions"]
    run.until(lambda: laue_ioc.truth()["positions"] != begun)
    assert moves(laue_ioc)


@pytest.mark.slow
def test_ctrl_backslash_while_the_shutter_is_open_closes_it(laue_ioc, at_terminal):
    run = pressed(at_terminal(), laue_ioc, CTRL_BACKSLASH, seen=shines)
    ends_safely(run, laue_ioc)
    assert b"stopped by SIGQUIT" in run.output


@pytest.mark.slow
def test_ctrl_backslash_that_is_left_to_the_system_leaves_the_shutter_open(laue_ioc, at_terminal):
    run = pressed(at_terminal("SIGQUIT"), laue_ioc, CTRL_BACKSLASH)
    run.until(lambda: run.state() not in ("running", "stopped"))
    assert run.state() == 128 + signal.SIGQUIT
    assert moves(laue_ioc)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP, signal.SIGALRM])
def test_signals_that_would_end_the_process_leave_everything_safe(laue_ioc, at_terminal, number):
    run = at_terminal()
    run.until(lambda: moves(laue_ioc))
    with contextlib.suppress(ProcessLookupError):
        os.kill(run.pid, number)
    ends_safely(run, laue_ioc)
