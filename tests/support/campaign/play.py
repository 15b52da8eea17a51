"""The bridge's side of one scenario: a deployment in this process, or `beamgym deploy` at a terminal of its own."""

import contextlib
import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import yaml

from beamgym.hardware_bridge.deployment import Deployment, Options, StopButton, run
from beamgym.hardware_bridge.deployment.events import AlarmRaised, EpisodeEnded, Note, StateChanged
from beamgym.hardware_bridge.direction_check.check import DirectionReport
from beamgym.hardware_bridge.direction_check.motion import ImageFlags
from beamgym.hardware_bridge.direction_check.record import devices_digest, write_direction_record
from beamgym.hardware_bridge.instrument_file.load import load_instrument
from campaign.bench import PREFIX, Bench
from campaign.policies import policy

KEEP_TRYING_S = 25.0
"""An abort that cannot be completed is tried for so long; servers of the campaign are back sooner, or never."""

FILE, RESULT, RUNNING, DEVICES = "instrument.yaml", "result.json", "running", "mine.py"

_OWN = """from ophyd_async.epics.motor import Motor


def devices():
    return {{f"my_{{name}}": Motor(f"ca://{{record}}", name=name) for name, record in {motors}.items()}}
"""
"""Motors of ophyd-async instead of our adapter's, as a beamline with its own devices has them."""


class Operator:
    """A sink that keeps what is said, and a human who answers what the scenario says."""

    def __init__(self, folder: Path, answer: str) -> None:
        self.lines: list[str] = []
        self.questions: list[str] = []
        self._folder, self._answer = folder, answer

    def report(self, event: Any) -> None:
        """Keep what a human would read."""
        if isinstance(event, StateChanged):
            if event.state == "running":
                (self._folder / RUNNING).touch()
            if event.reason:
                self.lines.append(f"{event.state}: {event.reason}")
        elif isinstance(event, AlarmRaised | Note | EpisodeEnded):
            self.lines.append(str(event))

    async def ask(self, question: Any) -> str:
        """Answer: a start is always confirmed."""
        self.questions.append(question.text)
        return {"re-arm": "", "start": "yes"}.get(question.about, self._answer)


def prepare(folder: Path, bench: Bench, own_devices: bool) -> None:
    """Write the instrument file into a folder, with a passed direction check, and motors of ophyd-async if asked."""
    content, digest = dict(bench.content), ""
    if own_devices:
        motors = {name: f"{PREFIX}{shaft.record}" for name, shaft in bench.shafts.items()}
        (folder / DEVICES).write_text(_OWN.format(motors=motors), encoding="utf-8")
        mine = {name: {"adapter": "object", "address": f"my_{name}"} for name in motors}
        content["devices"] = {**content["devices"], **mine}
        digest = devices_digest(folder / DEVICES)
    (folder / FILE).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    file = load_instrument(folder / FILE)
    report = DirectionReport({axis.name: "right" for axis in file.axes}, ImageFlags(), (), True, ("as the file says",))
    write_direction_record(folder / FILE, file, report, *([digest] if digest else []))


def play(row: dict[str, Any], seed: int, folder: Path) -> None:
    """Deploy in this process, as a program of one's own does; what came of it is in ``result.json``."""
    os.chdir(folder)
    if "disk_bytes" in row:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(row["disk_bytes"]), resource.RLIM_INFINITY))
    operator = Operator(folder, row.get("answer", "yes"))
    found: dict[str, Any] = {"success": False, "problem": "", "began_s": time.time()}
    try:
        usual = {"out": folder / "out", "confirm": "first", "keep_trying_s": KEEP_TRYING_S}
        options = Options(**{**usual, **_options(row)})
        given = policy(row, seed, str(folder / RUNNING))
        with StopButton() as button:
            report = run(Deployment(given, folder / FILE, options, operator, button))
        found |= {"success": bool(report.success), "ending": report.ending}
    except ValueError as error:
        found |= {"problem": str(error), "traceback": traceback.format_exc()}
    except BaseException as error:
        found |= {"problem": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    found |= {"ended_s": time.time(), "lines": operator.lines, "questions": operator.questions[:8]}
    if "disk_bytes" in row:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    (folder / RESULT).write_text(json.dumps(found, indent=1), encoding="utf-8")


def play_at_terminal(row: dict[str, Any], folder: Path) -> None:
    """Be `beamgym deploy` in this process, whose terminal is a pseudo-terminal; never returns."""
    from beamgym.scripts.main import app

    os.chdir(folder)
    words = ["deploy", "index-and-move", "-i", FILE, "--confirm", "first", "--out", "out", *row.get("words", [])]
    sys.argv = ["beamgym", *words]
    with contextlib.suppress(BrokenPipeError):
        app(words)


def _options(row: dict[str, Any]) -> dict[str, Any]:
    options = dict(row.get("options", {}))
    if "token" in options:
        options["token"] = Path(options["token"])
    if row.get("own_devices"):
        options["devices"] = Path(DEVICES)
    return options
