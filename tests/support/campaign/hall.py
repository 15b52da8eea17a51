"""What truly happens in the experimental hall: where every shaft is at every moment, written down as it is decided.

A server may be killed; the hall goes on. Motions are laid down as paths in wall-clock time, so that a server which is
started again reads in the story where everything is by now. Positions here are the shafts' own, in the words of the
instrument file as it was when all was well; what a record says of them is the record's affair.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Line = dict[str, Any]


class Story:
    """The truth as JSON lines, one for each thing that happens; every writer appends whole lines.

    Parameters
    ----------
    path : of the file; made where it is not there
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def add(self, kind: str, **data: Any) -> None:
        """Write down that something happens now (``t``, unix seconds)."""
        line = json.dumps({"t": round(time.time(), 4), "kind": kind, **data})
        os.write(self._file, line.encode() + b"\n")

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)


def read_story(path: Path) -> list[Line]:
    """Return every line of a story, the last one too where it is whole."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return list(_whole(lines))


def _whole(lines: list[str]) -> Iterator[Line]:
    for line in lines:
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return


class Tail:
    """Reads what is new in a story, again and again."""

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, 0

    def new(self) -> list[Line]:
        """Return the whole lines that have come since the last call."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole = text.rfind(b"\n") + 1
        self._read += whole
        return list(_whole(text[:whole].decode().splitlines()))


class Course:
    """Where a shaft is at every time: straight between knots, at rest before the first and after the last.

    Parameters
    ----------
    times, places : (k,) unix seconds and positions
    """

    def __init__(self, times: Any, places: Any) -> None:
        self.times, self.places = np.asarray(times, np.float64), np.asarray(places, np.float64)

    def at(self, t: Any) -> Any:
        """Return the position at one time or several."""
        return np.interp(t, self.times, self.places)

    @property
    def end_s(self) -> float:
        """Return when it comes to rest."""
        return float(self.times[-1])

    @property
    def end(self) -> float:
        """Return where it comes to rest."""
        return float(self.places[-1])


def standing(place: float) -> Course:
    """Return the path of a shaft that does not move."""
    return Course([0.0], [place])


def leg(start: float, end: float, speed: float, accl_s: float, begin_s: float) -> Course:
    """Return a move with a trapezoidal speed, in straight pieces short enough for any eye."""
    way = abs(end - start)
    ramp = min(0.5 * speed * accl_s, 0.5 * way)  # way of each ramp
    ramp_s = 2.0 * ramp / speed
    share = np.linspace(0.0, 1.0, 6)
    up_t, up_x = ramp_s * share, ramp * share**2
    cruise_s = (way - 2.0 * ramp) / speed
    down_t, down_x = up_t[-1] + cruise_s + up_t, way - up_x[::-1]
    times, places = np.concatenate([up_t, down_t]), np.concatenate([up_x, down_x])
    return Course(begin_s + times, start + np.sign(end - start) * places)


def joined(paths: list[Course]) -> Course:
    """Return several paths, one after another, as one."""
    return Course(np.concatenate([p.times for p in paths]), np.concatenate([p.places for p in paths]))


class Hall:
    """All shafts and the shutter's blade.

    Parameters
    ----------
    story : in which everything is written down
    begin : where each shaft stands at first
    """

    def __init__(self, story: Story, begin: dict[str, float]) -> None:
        self.story = story
        self.paths = {name: standing(place) for name, place in begin.items()}
        self.open = False
        self.told: dict[str, float] = {}
        self.frames = 0

    def restore(self, lines: list[Line]) -> None:
        """Find out, after a server's death, where everything is by now."""
        for line in lines:
            if line["kind"] == "path":
                self.paths[line["axis"]] = Course(line["times"], line["places"])
            elif line["kind"] == "blade":
                self.open = line["open"]
            elif line["kind"] == "frame":
                self.frames = line["number"]
            elif line["kind"] == "setpoint":
                self.told[line["axis"]] = line["place"]

    def at(self, name: str, t: float | None = None) -> float:
        """Return where a shaft is."""
        return float(self.paths[name].at(time.time() if t is None else t))

    def places(self, t: float) -> NDArray[np.float64]:
        """Return where all shafts are, in the file's order."""
        return np.array([float(path.at(t)) for path in self.paths.values()])

    def go(self, name: str, path: Course, why: str) -> None:
        """Let a shaft take another path from now on; ``why`` is "client" where the bridge's command is the reason."""
        here = self.at(name)
        now = time.time()
        old = self.paths[name]
        # what was already travelled stays true
        before = old.times < now
        path = joined([Course(np.append(old.times[before], now), np.append(old.places[before], here)), path])
        self.paths[name] = Course(path.times[-60:], path.places[-60:])
        times, places = self.paths[name].times, self.paths[name].places
        self.story.add(
            "path", axis=name, why=why, times=np.round(times, 4).tolist(), places=np.round(places, 6).tolist()
        )

    def stop(self, name: str, accl_s: float) -> None:
        """Let a shaft come to rest as its deceleration allows."""
        now = time.time()
        here, soon = self.at(name, now), self.at(name, now + 0.01)
        speed = (soon - here) / 0.01
        times = now + accl_s * np.linspace(0.0, 1.0, 6)
        share = (times - now) / max(accl_s, 1e-9)
        self.go(name, Course(times, here + speed * accl_s * (share - 0.5 * share**2)), "stop")

    def blade(self, is_open: bool) -> None:
        """Move the shutter's blade: open from the first light on, closed when the last is gone."""
        if is_open != self.open:
            self.open = is_open
            self.story.add("blade", open=is_open)
