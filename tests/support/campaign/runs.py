"""One run of a scenario: two processes forked from this one, a server and the bridge, and a hand on both of them."""

import contextlib
import json
import os
import pty
import select
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beamgym.hardware_bridge.practice.process import HeldPort, loopback_environment
from campaign import ioc, play
from campaign.bench import Bench
from campaign.hall import Line, Story, Tail, read_story
from campaign.table import drawn, row

LONGEST_S = 90.0
"""A run that takes longer has hung, seconds."""

AFTER_S = 1.2
"""So long the hall is watched when the bridge has ended, seconds."""

SUSPENDED_S = 2.5
"""So long a bridge that was suspended stays so, seconds."""

STORY, PROCESS = "story.jsonl", "process.txt"


@dataclass
class Run:
    """One scenario with one seed.

    Parameters
    ----------
    name, seed : which
    folder : of its files; emptied first
    """

    name: str
    seed: int
    folder: Path
    scenario: dict[str, Any] = field(init=False)
    bench: Bench = field(init=False)

    def __post_init__(self) -> None:
        self.scenario, self.bench = drawn(row(self.name), self.seed)
        self._ports = [HeldPort() for _ in range(3)]
        self._servers: list[int] = []
        self._client = 0
        self._hung = self._token_dropped = False

    def play(self) -> None:
        """Play it; what came of it lies in the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.folder = self.folder.resolve()
        play.prepare(self.folder, self.bench, bool(self.scenario.get("own_devices")))
        begun, code = time.time(), None
        try:
            self._start_server(self._ports[0].number)
            if self.scenario.get("twin"):
                self._start_server(self._ports[1].number, "twin.jsonl")
            self._until_served()
            self._hold_token()
            code = self._at_terminal() if self.scenario.get("terminal") else self._in_process()
            time.sleep(AFTER_S)
        finally:
            self._end()
        about = {"scenario": self.scenario, "seed": self.seed, "begun_s": begun, "exit": code, "hung": self._hung}
        (self.folder / "run.json").write_text(json.dumps(about, indent=1), encoding="utf-8")

    def _start_server(self, port: int, story: str = STORY) -> None:
        plan = ioc.Plan(self.bench, self.seed, self.scenario.get("faults", []), self.scenario.get("settings", {}))
        sample = ioc.sample_of(plan)

        def serve() -> None:
            os.environ.update(loopback_environment(port, self._ports[2].number))
            ioc.serve(plan, self.folder / story, sample, port)

        self._servers.append(forked(serve, self.folder / "server.log"))

    def _until_served(self) -> None:
        give_up = time.monotonic() + 20.0
        while not any(line["kind"] == "server" for line in read_story(self.folder / STORY)):
            if time.monotonic() > give_up:
                raise RuntimeError(f"{self.name}: the server did not start, see {self.folder}/server.log")
            time.sleep(0.02)

    def _environment(self) -> None:
        here = loopback_environment(self._ports[0].number, self._ports[2].number)
        addresses = [f"127.0.0.1:{held.number}" for held in self._ports[: 2 if self.scenario.get("twin") else 1]]
        os.environ.update({**here, "EPICS_CA_ADDR_LIST": " ".join(addresses)})

    def _in_process(self) -> int | None:
        def deploy() -> None:
            self._environment()
            play.play(self.scenario, self.seed, self.folder)

        self._client = forked(deploy, self.folder / "client.log")
        return self._wait(lambda: None)

    def _at_terminal(self) -> int | None:
        """Let `beamgym deploy` run at a pseudo-terminal, and type yes where it asks."""
        shell, terminal = pty.fork()
        if shell == 0:
            _become(self._be_shell)
        self._client = shell
        said = bytearray()

        def read() -> None:
            with contextlib.suppress(OSError):
                while select.select([terminal], [], [], 0)[0]:
                    said.extend(os.read(terminal, 65536))
            # nobody has looked at the instrument, so that nothing is armed again
            for question, answer in ((b"[yes/no]", b"yes\n"), (b"type your name", b"\n")):
                if said.count(question) > answered[question]:
                    answered[question] += 1
                    os.write(terminal, answer)

        answered: Counter[bytes] = Counter()
        self._press = lambda key: os.write(terminal, key)
        code = self._wait(read)
        read()
        os.close(terminal)
        (self.folder / "terminal.txt").write_bytes(said)
        return code

    def _be_shell(self) -> None:
        """Be the shell of a terminal: the bridge in front, brought back a while after it was suspended.

        A process without a shell above it cannot be suspended: the kernel drops SIGTSTP for orphaned groups.
        """
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        story, process = Story(self.folder / STORY), os.fork()
        if process == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            _become(lambda: (self._environment(), play.play_at_terminal(self.scenario, self.folder)))
        (self.folder / PROCESS).write_text(str(process), encoding="utf-8")
        while True:
            _, status = os.waitpid(process, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                raise SystemExit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
            os.tcsetpgrp(0, os.getpid())
            story.add("client_stopped")
            time.sleep(SUSPENDED_S)
            story.add("client_continued")
            os.tcsetpgrp(0, process)
            os.kill(process, signal.SIGCONT)

    def _wait(self, meanwhile: Callable[[], None]) -> int | None:
        """Wait for the bridge to end, and do from outside what the scenario says; returns its exit code."""
        hands = [Hand(each) for each in self.scenario.get("outside", [])]
        give_up, story = time.monotonic() + LONGEST_S, Tail(self.folder / STORY)
        while True:
            ended, status = os.waitpid(self._client, os.WNOHANG)
            if ended:
                Story(self.folder / STORY).add("client_ended", status=status)
                self._client = 0
                return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            if time.monotonic() > give_up:
                self._hung = True
                self._kill_client()
            meanwhile()
            self._hold_token()
            for line in story.new():
                for hand in hands:
                    hand.see(line)
            for hand in hands:
                if hand.due():
                    self._do(hand.what)
            time.sleep(0.02)

    def _hold_token(self) -> None:
        if self.scenario.get("token") and not self._token_dropped:
            (self.folder / "token").touch()

    def _do(self, what: dict[str, Any]) -> None:
        """Do one thing from outside of both processes."""
        Story(self.folder / STORY).add("hand", **what)
        kind = what["what"]
        if kind == "signal":
            os.kill(int((self.folder / PROCESS).read_text(encoding="utf-8")), getattr(signal, what["name"]))
        elif kind == "press":
            os.kill(self._client, signal.SIGINT)
        elif kind == "drop_token":
            self._token_dropped = True
        elif kind == "key":
            self._press({"C": b"\x03", "Z": b"\x1a", "\\": b"\x1c"}[what["name"]])
        elif kind == "kill_server":
            self._kill(self._servers.pop(0))
        elif kind == "start_server":
            self._start_server(self._ports[0].number)
            self._servers.insert(0, self._servers.pop())
        elif kind == "hang_server":
            os.kill(self._servers[0], signal.SIGSTOP)
        elif kind == "wake_server":
            os.kill(self._servers[0], signal.SIGCONT)
        else:
            spoil_log(kind, next((self.folder / "out").glob("deploy-*/audit.jsonl")))

    def _kill_client(self) -> None:
        if (self.folder / PROCESS).exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int((self.folder / PROCESS).read_text(encoding="utf-8")), signal.SIGKILL)
        os.kill(self._client, signal.SIGKILL)

    def _end(self) -> None:
        if self._client:
            self._kill_client()
        for process in (*self._servers, *([self._client] if self._client else [])):
            self._kill(process)
        self._servers, self._client = [], 0
        for held in self._ports:
            held.close()

    @staticmethod
    def _kill(process: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process, 0)


@dataclass
class Hand:
    """Something done from outside at its moment: "at" names what is waited for in the story, and the how many-th."""

    what: dict[str, Any]
    seen: int = 0
    due_s: float = float("inf")

    def see(self, line: Line) -> None:
        """Take note of a line of the story."""
        ((kind, number),) = self.what["at"].items()
        if line["kind"] != kind or (kind == "blade" and not line["open"]):
            return
        self.seen += 1
        if self.seen == number:
            self.due_s = line["t"] + self.what.get("after_s", 0.0)

    def due(self) -> bool:
        """Return whether it is to be done now; only once."""
        if time.time() < self.due_s:
            return False
        self.due_s = float("inf")
        return True


def spoil_log(how: str, log: Path) -> None:
    """Do to an audit log what nobody should."""
    if how == "delete_log":
        log.unlink()
    elif how == "replace_log":
        shutil.copyfile(log, log.with_suffix(".copy"))
        log.with_suffix(".copy").replace(log)
    elif how == "link_log":
        elsewhere = log.with_name("elsewhere.jsonl")
        log.rename(elsewhere)
        log.symlink_to(elsewhere)
    elif how == "cut_log":
        os.truncate(log, log.stat().st_size // 2)
    else:
        raise ValueError(f"the campaign knows no {how!r}")


def forked(work: Callable[[], object], log: Path) -> int:
    """Start a process that does some work with its words in a file; returns its number."""
    process = os.fork()
    if process == 0:
        words = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(words, 1)
        os.dup2(words, 2)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        _become(work)
    return process


def _become(work: Callable[[], object]) -> None:
    """Do some work as this process and end it, whatever happens."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        work()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0) if not isinstance(ended.code, str) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
