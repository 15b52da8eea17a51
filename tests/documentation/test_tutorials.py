"""The tutorials, as a reader would follow them: every program and every command, in order, in one folder."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"
SHORTER = {
    "total_timesteps=100_000": "total_timesteps=1_024",
    "n_envs=64": "n_envs=8",
    "episodes = 0, 0, [], 100": "episodes = 0, 0, [], 2",
    "--episodes 20": "--episodes 1",
    "100 of 100 right": "a share right",
}
"""What takes minutes is made short; a test says whether it works, not how well."""


def free_ports(number):
    """Loopback ports that nothing has just now."""
    open_now = [socket.socket() for _ in range(number)]
    for one in open_now:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in open_now]
    for one in open_now:
        one.close()
    return ports


def steps(text):
    """Programs and command lines of a page in order: ("program", name, text) and ("command", words, None)."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        if language == "python":
            yield "program", block
        else:
            for line in block.splitlines():
                if line.startswith(("beamgym ", "python ", "export ")):
                    yield "command", line


class Reader:
    """Follows a page in a folder of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.env = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
        self.said = {}

    def run(self, words):
        """Run one command, and keep what it printed."""
        done = subprocess.run(words, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{words}: {done.stdout[-1500:]}{done.stderr[-3000:]}"
        return done.stdout

    def follow(self, page):
        """Follow a page from its top to its end; programs are saved under the names that the page gives them."""
        text = (TUTORIALS / page).read_text(encoding="utf-8")
        for long, short in SHORTER.items():
            text = text.replace(long, short)
        names = iter(re.findall(r"[Ss]ave (?:this )?as `(\w+\.py)`", text))
        for kind, body in steps(text):
            if kind == "program":
                self.program(body, text, names)
            elif body.startswith("export "):
                self.env.update(pair.split("=", 1) for pair in shlex.split(body)[1:])
            else:
                self.command(shlex.split(body))

    def program(self, body, text, names):
        """Save a program; run it too where no later command of the page does."""
        name = next(names) if self._is_saved(body, text) else "look.py"
        (self.folder / name).write_text(body, encoding="utf-8")
        if not re.search(rf"^python {name}", text, flags=re.MULTILINE):
            self.said[name] = self.run([sys.executable, name])

    def _is_saved(self, body, text):
        """Whether the sentence before the program says under which name it is to be saved."""
        before = text[: text.index(body)].rstrip("`python\n").rstrip()
        return bool(re.search(r"[Ss]ave (?:this )?as `\w+\.py`[^`]*(`[^`]*`[^`]*)*$", before.rsplit("\n\n", 1)[-1]))

    def command(self, words):
        """Run a command line of the page."""
        first = [sys.executable] if words[0] == "python" else [sys.executable, "-m", "beamgym.scripts.main"]
        self.said[" ".join(words)] = self.run([*first, *words[1:]])


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path)


def said(reader, part):
    """What the last command with these words printed."""
    return next(text for words, text in reversed(reader.said.items()) if part in words)


def test_a_picture_becomes_a_turned_head(reader):
    reader.follow("turned_head.md")
    assert "MIRRORED" in said(reader, "--second b.png")
    assert "turn rotation by -9.75°" in said(reader, "--pdf a.pdf")
    away = float(re.search(r"towards z: ([\d.]+)° away", said(reader, "index c.png")).group(1))
    assert away <= 0.02


def test_a_spectrum_is_scored_and_a_rate_is_refused_until_its_gain_is_said(reader):
    reader.follow("score_a_spectrum.md")
    assert said(reader, "score cut.npz --unit").rstrip().endswith("yes")
    assert ": no" in reader.said["beamgym score rates.npz --unit deg"]
    assert (reader.folder / "ranking.json").exists()


def test_a_plate_becomes_a_holder(reader):
    pytest.importorskip("spyrrow", reason="needs the extra `mosaic`")
    reader.follow("mosaic_from_a_photograph.md")
    assert "5 indexed" in said(reader, "mosaic scan practice")
    assert list((reader.folder / "practice" / "holder").glob("*.stl"))
    assert "to do  check" in said(reader, "mosaic status practice")


def test_an_agent_is_trained_tested_and_compared(reader):
    reader.follow("train.md")
    assert (reader.folder / "episode.gif").exists()
    assert re.search(r"\d of 2 right", reader.said["test.py"])


def test_a_policy_aligns_on_the_practice_instrument(reader, monkeypatch):
    pytest.importorskip("caproto", reason="needs the extra `ioc`")
    server, port, second = None, *free_ports(2)

    def command(words):
        nonlocal server
        words = [word.replace("6064", str(port)).replace("6065", str(second)) for word in words]
        if words[1] == "ioc":
            server = subprocess.Popen(
                [sys.executable, "-m", "beamgym.scripts.main", *words[1:]],
                cwd=reader.folder,
                env=reader.env,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert "PVs bgym:" in server.stdout.readline()
            reader.env |= {"EPICS_CA_ADDR_LIST": f"127.0.0.1:{port}", "EPICS_CA_REPEATER_PORT": str(second)}
        elif words[1] != "page":  # serves until it is ended
            reader.env |= {"EPICS_CA_ADDR_LIST": f"127.0.0.1:{port}", "EPICS_CA_REPEATER_PORT": str(second)}
            Reader.command(reader, words)

    monkeypatch.setattr(reader, "command", command)
    try:
        reader.follow("practice_deployment.md")
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)
    assert "nothing was moved" in said(reader, "--check")
    assert "by what can be seen a success" in said(reader, "--yes")
