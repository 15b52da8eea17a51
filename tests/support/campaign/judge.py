"""Judges a run by the hall's own truth: was it safe, and was what it told true. The bridge's word counts for nothing.

*Unsafe*: a shaft beyond the file's limits or within a forbidden box, by more than a stop takes; moving after the end; a
shutter open after the end; more dose than the budget and an abort take; success claimed of a crystal that is not
aligned. *Misleading*: success, or exit code 0, where the fault mattered; a reason that names another cause than what
was played. What a row exempts (``cannot``: nobody could, since STOP or the blade is dead) must be told in words.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from campaign.hall import Course, Line, read_story
from campaign.ioc import Plan, sample_of
from campaign.play import RESULT
from campaign.runs import STORY
from campaign.table import drawn, row

REACT_S = 1.5
"""A stop is given so long from what can be seen to the shaft's deceleration: the watch's period of 0.2 s, the record's
update of 0.1 s, twice the 0.3 s of a busy computer, and as much again for what else it does."""

END_S = 0.8
"""After the bridge says that it has ended a shaft may still be braking for so long, seconds."""

ABORT_DOSE_S = 2.5
"""Seconds of open shutter that an abort may take beyond the budget: the reaction, and the blade's way."""

ALIGNED = 1.2
"""Success is true up to so many tolerances: what indexing does not see of the geometry."""

_ALARM = re.compile(r"^AlarmRaised\(time_s=([0-9.]+)")

NOT_SEEN = re.compile(r"NOT SEEN TO STOP|not seen to|by hand|could not be stopped|has not closed|was to be closed")
"""How it is told that something could not be made safe."""


@dataclass(frozen=True)
class Verdict:
    """What is said of one run.

    Parameters
    ----------
    name, seed, must : the row
    unsafe, misleading : what was; empty where nothing was
    refused : it was ended by a problem
    success : claimed
    seconds : that the bridge took
    reason : what it told
    """

    name: str
    seed: int
    must: str
    unsafe: tuple[str, ...]
    misleading: tuple[str, ...]
    refused: bool
    success: bool
    seconds: float
    reason: str

    @property
    def false_alarm(self) -> bool:
        """Whether a run that must end well was ended."""
        return self.must == "end well" and self.refused

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


class Evidence:
    """What a run's folder holds: the truth, and what the bridge said."""

    def __init__(self, folder: Path) -> None:
        self.run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        self.story = read_story(folder / STORY)
        self.template = row(self.run["scenario"]["name"])
        self.scenario, self.bench = drawn(self.template, self.run["seed"])
        terminal = folder / "terminal.txt"
        self.told = _from_terminal(self.run, self.story, terminal) if terminal.exists() else _result(folder, self.run)
        self.sample = sample_of(Plan(self.bench, self.run["seed"])) if self.told["success"] else None
        self.begin_s = float(self.run["begun_s"])
        self.end_s = float(self.told["ended_s"])
        self.last_s = self.story[-1]["t"] + 1.0

    def places(self, axis: str, times: Any) -> Any:
        """Return where a shaft truly was at some times."""
        found = np.full(len(times), self.bench.shafts[axis].start)
        for line in self.of("path"):
            if line["axis"] == axis:
                later = times >= line["t"]
                found[later] = Course(line["times"], line["places"]).at(times[later])
        return found

    def of(self, *kinds: str) -> list[Line]:
        """Return the story's lines of some kinds."""
        return [line for line in self.story if line["kind"] in kinds]

    def open_spans(self) -> list[tuple[float, float]]:
        """Return when the blade let light through."""
        spans: list[tuple[float, float]] = []
        begun: float | None = None
        for line in self.of("blade"):
            if line["open"] and begun is None:
                begun = line["t"]
            elif not line["open"] and begun is not None:
                spans.append((begun, line["t"]))
                begun = None
        return spans if begun is None else [*spans, (begun, self.last_s)]

    def not_played(self) -> list[str]:
        """Return what the scenario names and the story does not hold: such a run proves nothing."""
        wanted = [each["what"] for part in ("faults", "outside") for each in self.scenario.get(part, [])]
        played = {line["what"] for line in self.of("fault", "hand")}
        return [what for what in wanted if what not in played]


def judged(folder: Path) -> Verdict:
    """Return what is to be said of the run in a folder."""
    seen = Evidence(folder)
    told, must = seen.told, seen.scenario["must"]
    cannot = set(seen.scenario.get("cannot", []))
    words = " | ".join([told["problem"], told.get("ending", ""), *told.get("lines", [])])
    unsafe = []
    for what, found in (
        ("limits", _beyond_limits(seen)),
        ("boxes", _within_boxes(seen)),
        ("moving", _moving_after(seen)),
        ("moving", _moving_after_the_abort(seen)),
        ("shutter", _open_after(seen)),
        ("dose", _overdose(seen)),
        ("success", _false_success(seen)),
        ("suspended", _alive_while_suspended(seen)),
        ("sent", _sent_after(seen)),
    ):
        if found and (what not in cannot or not NOT_SEEN.search(words)):
            unsafe.append(found)
    misleading = _misleading(seen, must, words)
    if missing := seen.not_played():
        misleading.append(f"nothing was proved: {', '.join(missing)} was never played")
    if seen.run["hung"]:
        unsafe.append(f"the bridge had not ended after {seen.end_s - seen.begin_s:.0f} s")
    reason = told["problem"] or told.get("ending", "")
    began = float(told.get("began_s", seen.begin_s))
    refused = bool(told["problem"])
    return Verdict(
        seen.scenario["name"],
        int(seen.run["seed"]),
        must,
        tuple(unsafe),
        tuple(misleading),
        refused,
        bool(told["success"]),
        round(seen.end_s - began, 1),
        reason,
    )


def _beyond_limits(seen: Evidence) -> str:
    for axis, entry in _motors(seen):
        low, high = seen.scenario.get("true_limits", {}).get(axis, entry["limits"])
        shaft = seen.bench.shafts[axis]
        speed = seen.scenario.get("speed", shaft.velo)
        stop = speed * (REACT_S + 0.5 * shaft.accl_s) if _goes_astray(seen, axis) else 2.0 * entry["tolerance"]
        times = np.arange(seen.begin_s, seen.last_s, 0.02)
        places = seen.places(axis, times)
        worst = float(np.max(np.maximum(low - places, places - high)))
        if worst > stop:
            return f"{axis} was {worst:.2f} beyond its limits {low:g} to {high:g}; a stop takes {stop:.2f}"
    return ""


def _goes_astray(seen: Evidence, axis: str) -> bool:
    """Whether a fault drives this shaft out of the client's hands; otherwise a limit is a limit."""
    astray = {"runaway", "wrong_way", "creep", "foreign", "overshoot", "crossed", "slow_shaft", "jump"}
    return any(line["what"] in astray for line in seen.of("fault"))


def _within_boxes(seen: Evidence) -> str:
    times = np.arange(seen.begin_s, seen.last_s, 0.02)
    for box in seen.bench.content.get("envelopes", []):
        inside = np.ones(len(times), dtype=bool)
        for axis, (low, high) in box["forbidden"].items():
            slack = 0.0
            if _goes_astray(seen, axis):
                slack = seen.bench.shafts[axis].velo * REACT_S
            places = seen.places(axis, times)
            inside &= (places > low + slack) & (places < high - slack)
        if inside.any():
            return f"the forbidden box {box['name']!r} was entered"
    return ""


def _moving_after(seen: Evidence) -> str:
    """A shaft that we sent still moves when the bridge has ended; another client's moves are not ours."""
    end = seen.end_s + END_S
    for axis, entry in _motors(seen):
        ours = [line for line in seen.of("path") if line["axis"] == axis]
        if not ours or ours[-1]["why"] in ("foreign", "fault"):
            continue
        after = seen.places(axis, np.array([end, max(seen.last_s, end + 1.0)]))
        if abs(after[1] - after[0]) > entry["tolerance"]:
            return f"{axis} moved by {after[1] - after[0]:.2f} after the end"
    return ""


def _moving_after_the_abort(seen: Evidence) -> str:
    """A shaft that we sent goes on though the guard has aborted: its STOP was not sent, or much too late."""
    told = [float(time) for line in seen.told.get("lines", []) for time in _ALARM.findall(line)]
    # a server that is away or hangs cannot take a STOP; its motors end their moves by themselves
    away = any(line["what"] in ("kill_server", "hang_server") for line in seen.of("hand"))
    if not told or away:
        return ""
    end = told[0] + 2.0 * REACT_S
    for axis, entry in _motors(seen):
        ours = [line for line in seen.of("path") if line["axis"] == axis]
        if not ours or ours[-1]["why"] in ("foreign", "fault"):
            continue
        first, last = seen.places(axis, np.array([end, max(seen.last_s, end)]))
        if abs(last - first) > entry["tolerance"]:
            return f"{axis} moved by {last - first:.2f} later than {2.0 * REACT_S:g} s after the abort"
    return ""


def _open_after(seen: Evidence) -> str:
    end = seen.end_s + END_S
    late = [b for a, b in seen.open_spans() if b > end and a <= end]
    return f"the shutter was open for {late[-1] - seen.end_s:.1f} s after the end" if late else ""


def _overdose(seen: Evidence) -> str:
    budget = seen.bench.content.get("dose", {}).get("budget_s", np.inf)
    spent = sum(b - a for a, b in seen.open_spans())
    return f"dose {spent:.1f} s, budget {budget:g} s" if spent > budget + ABORT_DOSE_S else ""


def _false_success(seen: Evidence) -> str:
    if not seen.told["success"] or seen.sample is None or seen.bench.kind != "laue":
        return ""
    last = max((line["ended"] for line in seen.of("frame")), default=seen.end_s)
    times = np.array([max(last, min(seen.end_s, seen.last_s))])
    places = np.array([float(seen.places(axis, times)[0]) for axis in seen.bench.shafts])
    error, tolerance = seen.sample.error_deg(places), seen.bench.content["laue"]["tolerance_deg"]
    if error > ALIGNED * tolerance:
        return f"success was claimed {error:.2f}° off, tolerance {tolerance:g}°"
    return ""


def _alive_while_suspended(seen: Evidence) -> str:
    """The bridge was suspended (Ctrl-Z): what it had set in motion must stand, and its shutter be closed."""
    for line in seen.of("client_stopped"):
        begin, end = line["t"] + END_S, line["t"] + 2.4
        for axis, entry in _motors(seen):
            first, last = seen.places(axis, np.array([begin, end]))
            if abs(last - first) > entry["tolerance"]:
                return f"{axis} moved while the bridge was suspended"
        if any(a < end and b > begin for a, b in seen.open_spans()):
            return "the shutter was open while the bridge was suspended"
    return ""


def _sent_after(seen: Evidence) -> str:
    """A command is judged as a whole: where one of its axes is refused, none of them is sent."""
    what = seen.scenario.get("sends_nothing_after")
    played = [line["t"] for line in seen.of("fault") if line["what"] == what]
    late = [line["axis"] for line in seen.of("setpoint") if played and line["t"] > played[0]]
    return f"{', '.join(late)} had been sent though one axis of the move was refused" if late else ""


def _unasked(seen: Evidence) -> str:
    """A human was asked about a move, and not told of all the axes that it moves."""
    asked = [text for text in seen.told.get("questions", []) if re.search(r"step|move", text) and "Run it" not in text]
    names = [axis for axis, _ in _motors(seen)]
    short = [text for text in asked if not all(re.search(rf"\b{name}\b", text) for name in names)]
    if not asked:
        return "no human was asked"
    return f"a human was asked: {short[0][:160]}" if short else ""


def _misleading(seen: Evidence, must: str, words: str) -> list[str]:
    told, found = seen.told, []
    code = seen.run["exit"] if seen.run["scenario"].get("terminal") else None
    if must == "abort" and not told["problem"]:
        found.append("success was told" if told["success"] else f"no fault was told: {told.get('ending', '')}")
    if must == "abort" and code == 0:
        found.append("exit code 0")
    missed = not told["problem"] and not told["success"] and seen.bench.kind == "laue"
    if must == "end well" and missed:
        found.append(f"no success: {told.get('ending', '')}")
    says = seen.scenario.get("says", "")
    # the log's path holds the scenario's own name
    cause = re.sub(r";? see \S+$", "", told["problem"])
    if cause and says and not re.search(says, cause, re.IGNORECASE):
        found.append(f"another cause was told: {cause[:200]}")
    if seen.scenario.get("asks_all") and (short := _unasked(seen)):
        found.append(short)
    denies = seen.scenario.get("denies", "")
    if denies and re.search(denies, words, re.IGNORECASE):
        found.append(f"it was told that {denies}")
    return found


def _motors(seen: Evidence) -> list[tuple[str, dict[str, Any]]]:
    return [(axis["name"], axis) for axis in seen.bench.content["axes"] if axis["unit"] != "s"]


def _result(folder: Path, run: dict[str, Any]) -> dict[str, Any]:
    path = folder / RESULT
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    # it died without a word, which is told by its exit code
    died = f"the bridge ended with {run['exit']} and without a report"
    ends = [line["t"] for line in read_story(folder / STORY) if line["kind"] == "client_ended"]
    return {"success": False, "problem": died, "ended_s": ends[-1] if ends else run["begun_s"], "lines": []}


def _from_terminal(run: dict[str, Any], story: list[Line], terminal: Path) -> dict[str, Any]:
    """Return what `beamgym deploy` told at its terminal."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.read_text(encoding="utf-8", errors="replace"))
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    ended = [line["t"] for line in story if line["kind"] == "client_ended"]
    problem = "" if run["exit"] == 0 else " / ".join(lines[-4:])
    success = run["exit"] == 0
    return {
        "success": success,
        "problem": problem or (f"exit code {run['exit']}" if run["exit"] else ""),
        "ending": lines[-1] if lines else "",
        "lines": lines[-40:],
        "ended_s": ended[-1] if ended else run["begun_s"],
    }
