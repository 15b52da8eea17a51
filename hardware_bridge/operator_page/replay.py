"""A finished run as the page shows it, line by line, from its log; one that does not verify is not drawn as true."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from beamgym.hardware_bridge.deployment import verify
from beamgym.hardware_bridge.deployment.events import DoseSpent, Event, FrameTaken, Recorder
from beamgym.hardware_bridge.deployment.session import AUDIT, LogEvents
from beamgym.hardware_bridge.guard.devices import frame_digest
from beamgym.hardware_bridge.instrument_file import InstrumentFile, load_instrument
from beamgym.hardware_bridge.operator_page.access import Refused
from beamgym.hardware_bridge.operator_page.view import PageView
from beamgym.hardware_bridge.records import DATASET, read_log

NEXUS = "episode.nxs"

_KINDS = ("u1", "u2", "u4", "i2", "i4", "f8")
"""Kinds of number of cameras."""

_FRAME_RULE = "not_repeated"
"""The guard's rule whose inputs hold a frame's hash."""


@dataclass
class Recording:
    """A run that is over; serve it with ``OperatorPage``.

    Parameters
    ----------
    file : the instrument
    name : of the run
    broken : what is wrong with its log, in one line; "" where nothing is
    lines : the events of each line of its log
    images : (frames, rows, columns) of the frames, where their hashes are those of the log
    """

    file: InstrumentFile
    name: str
    broken: str = ""
    lines: list[list[Event]] = field(default_factory=list)
    images: dict[int, NDArray[Any]] = field(default_factory=dict)
    _woken: threading.Event = field(default_factory=threading.Event, repr=False)
    access = None
    version = 0

    def wait(self, version: int, seconds: float) -> None:
        """Wait: nothing changes here."""
        self._woken.wait(seconds)

    def wake(self) -> None:
        """Let those that wait look again."""
        self._woken.set()

    def shown(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the state after the line that is asked for; without one, after the last.

        Raises
        ------
        Refused : there is no such line
        """
        count = 0 if self.broken else len(self.lines)
        try:
            line = int(query.get("line", count))
        except ValueError:
            line = -1
        if not 0 <= line <= count:
            raise Refused(HTTPStatus.NOT_FOUND, f"the log has lines 1 to {count}")
        view = PageView(self.file, run=self.name)
        for events in self.lines[:line]:
            for event in events:
                view.report(event)
        return view.shown() | {
            "live": False,
            "broken": self.broken,
            "line": line,
            "lines": count,
            "holder": None,
            "paused_by": "",
            "stopped_by": "",
        }

    def preview(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Refuse: what is over is drawn as it was."""
        raise Refused(HTTPStatus.CONFLICT, "this run is over; nothing is foretold of it")

    def image(self, number: int) -> NDArray[Any] | None:
        """Return the image of a frame, counted from 1."""
        return self.images.get(number)

    def seen(self, page: str) -> None:
        """Take no note: who looks at what is over changes nothing."""

    def do(self, path: str, token: str, page: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Refuse: what is over cannot be stopped or answered."""
        raise Refused(HTTPStatus.CONFLICT, "this run is over; nothing can be done to it")


def read_recording(folder: Path) -> Recording:
    """Read a run's folder and verify its log.

    Parameters
    ----------
    folder : that a deployment wrote, with ``audit.jsonl`` and ``instrument.yaml`` in it

    Raises
    ------
    ValueError : in one line, for no such folder, or one that this version cannot read
    """
    log, instrument = folder / AUDIT, folder / "instrument.yaml"
    for path in (log, instrument):
        if not path.is_file():
            raise ValueError(f"{folder} is no run: it has no {path.name}; give the folder that a deployment wrote")
    try:
        file = load_instrument(instrument)
    except ValueError as error:
        raise ValueError(f"{error}; the run is of another version of beamgym: look at it with that one") from None
    found = verify(log)
    if found.complaints:
        return Recording(
            file, folder.name, f"THIS LOG DOES NOT VERIFY, and nothing of it is drawn: {found.complaints[0]}"
        )
    images = _frames(folder / NEXUS, file)
    recording = Recording(file, folder.name)
    sink = Recorder()
    tell, taken, armed_at = LogEvents(sink, lambda: None), 0, 0
    lines = [members for _, members in read_log(log)]
    # each line holds the hash of the one before it
    heads = [*(members["previous"] for members in lines[1:]), found.log.head]
    for members, head in zip(lines, heads, strict=True):
        sink.events = []
        tell(members, head)
        armed_at = taken if members.get("event") == "armed" else armed_at
        frame = _frame_of(members)
        if frame is not None:
            taken += 1
            sink.report(DoseSpent(frame["spent_s"], None if file.dose is None else file.dose.budget_s))
            image = images.get(frame["digest"])
            if image is not None:
                recording.images[taken] = image
            sink.report(
                FrameTaken(taken - armed_at - 1, image, None, frame["counter"], frame["exposure_s"], frame["time_s"])
            )
        recording.lines.append([_dated(event, members["time_s"]) for event in sink.events])
    return recording


def _dated(event: Event, time_s: float) -> Event:
    """Return an event as of the time in the log."""
    object.__setattr__(event, "time_s", time_s)
    return event


def _frame_of(members: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a line says of the frame that a command brought; None where it brought none."""
    if members.get("outcome") != "done":
        return None
    inputs = {each["rule"]: each["inputs"] for each in members.get("data", {}).get("decisions", ())}
    if _FRAME_RULE not in inputs:
        return None
    return {
        "digest": inputs[_FRAME_RULE]["digest"],
        "spent_s": float(members["data"].get("spent_s") or 0.0),
        "counter": int(members["data"].get("counter") or 0),
        "exposure_s": float(inputs.get("exposed", {}).get("exposed_s", np.nan)),
        "time_s": float(inputs.get("fresh", {}).get("time_s", np.nan)),
    }


def _frames(path: Path, file: InstrumentFile) -> dict[str, NDArray[Any]]:
    """Return the stored images by the hash that the guard logs of a frame as the camera gave it."""
    if not path.is_file():
        return {}
    try:
        with h5py.File(path, "r") as stored:
            images = [np.asarray(image) for image in stored[DATASET]] if DATASET in stored else []
    except OSError:
        return {}
    return {frame_digest(raw): image for image in images for raw in _as_read(file.detector.unoriented(image))}


def _as_read(image: NDArray[Any]) -> list[NDArray[Any]]:
    """Return an image in every form in which a camera may have given it: the store keeps numbers, not their kind."""
    forms = [image] + [image.astype(kind) for kind in _KINDS if kind != image.dtype.str[1:]]
    return [form for form in forms if np.array_equal(form, image)]
