"""An episode as one NeXus file, beside the images that were written into it while it ran.

Names of NeXus where it has them (NXentry, NXinstrument, NXdetector, NXpositioner, NXsample, NXdata; NeXus definitions,
Könnecke et al., J. Appl. Cryst. 48, 2015, 301); what an agent did lies in an NXcollection.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from beamgym.hardware_bridge.records.documents import Document
from beamgym.hardware_bridge.records.frame_store import DATASET
from beamgym.hardware_bridge.records.own_file import refuse_link


def write_nexus(path: str | Path, documents: Iterable[tuple[str, Document]]) -> Path:
    """Write the documents of one run into the file that holds its images, or into a new one.

    Parameters
    ----------
    path : the file
    documents : of one run, in their order; a run without an end is written as far as it came

    Raises
    ------
    ValueError : when there is no start document, or the file is a link or not this run's alone
    """
    found = _Run(documents)
    refuse_link(path)
    with h5py.File(path, "a") as file:
        file.attrs["default"] = "entry"
        entry = _group(file, "entry", "NXentry")
        entry.attrs["default"] = "data"
        _put(entry, "title", f"{found.start.get('policy', '')} on {found.start.get('instrument', '')}")
        _put(entry, "entry_identifier_uuid", found.start["uid"])
        _put(entry, "program_name", f"beamgym {found.start.get('beamgym_version', '')}".strip())
        _put(entry, "start_time", _iso(found.start["time"]))
        # A run that was killed has none, and its file is written all the same.
        if found.stop:
            _put(entry, "end_time", _iso(found.stop["time"]))
            _put(entry, "end_reason", f"{found.stop['exit_status']}: {found.stop.get('reason') or found.ending}")
        _write_sample(entry, found.start)
        _write_instrument(entry, found)
        _write_episode(entry, found)
        _write_data(entry, len(found.events))
    return Path(path)


class _Run:
    """The documents of one run, sorted."""

    def __init__(self, documents: Iterable[tuple[str, Document]]) -> None:
        self.start: Document = {}
        self.stop: Document = {}
        self.keys: dict[str, Document] = {}
        self.events: list[Document] = []
        self.verdict: Document = {}
        streams: dict[str, str] = {}
        for name, doc in documents:
            if name == "start":
                self.start = doc
            elif name == "stop":
                self.stop = doc
            elif name == "descriptor":
                streams[doc["uid"]] = doc["name"]
                self.keys.update(doc["data_keys"])
            elif name == "event" and streams.get(doc["descriptor"]) == "primary":
                self.events.append(doc)
            elif name == "event" and streams.get(doc["descriptor"]) == "verdict":
                self.verdict = doc["data"]
        if not self.start:
            raise ValueError("these documents hold no start of a run; give all documents of one episode")

    @property
    def ending(self) -> str:
        """How the episode ended, in the task's words; empty where it did not."""
        return str(self.verdict.get("verdict_ending", ""))

    def column(self, name: str) -> NDArray[Any] | list[str]:
        """Return one value of every event; what is unknown is NaN."""
        values = [event["data"][name] for event in self.events]
        if self.keys[name]["dtype"] == "string":
            return [str(value) for value in values]
        return np.array(_nan_for_none(values))


def _write_sample(entry: Any, start: Document) -> None:
    sample = _group(entry, "sample", "NXsample")
    if start.get("sample"):
        _put(sample, "name", str(start["sample"]))


def _write_instrument(entry: Any, found: _Run) -> None:
    instrument = _group(entry, "instrument", "NXinstrument")
    _put(instrument, "name", str(found.start.get("instrument", "")))
    if not found.events:
        return
    readback, target = np.asarray(found.column("step_readback")), np.asarray(found.column("step_target"))
    axes: Sequence[Document] = found.start.get("axes", [])
    for i, axis in enumerate(axes):
        positioner = _group(instrument, axis["name"], "NXpositioner")
        _put(positioner, "name", axis["name"])
        for name, values in (("value", readback[:, i]), ("target_value", target[:, i])):
            _put(positioner, name, values, axis["unit"])
        _put(positioner, "soft_limit_min", float(axis["limits"][0]), axis["unit"])
        _put(positioner, "soft_limit_max", float(axis["limits"][1]), axis["unit"])
    detector = _group(instrument, "detector", "NXdetector")
    _put(detector, "count_time", found.column("step_exposure_s"), "s")
    if DATASET in entry.file and "data" not in detector:
        # A hard link: NeXus readers look for the image in both places.
        detector["data"] = entry.file[DATASET]


def _write_episode(entry: Any, found: _Run) -> None:
    episode = _group(entry, "episode", "NXcollection")
    for key in ("policy", "bundle_sha256", "env_id", "instrument_sha256", "confirmation_sha256"):
        if key in found.start:
            episode.attrs[key] = str(found.start[key])
    episode.attrs["simulation"] = bool(found.start.get("simulation", False))
    for name in (name for name in found.keys if name.startswith("step_")):
        _put(episode, name.removeprefix("step_"), found.column(name), found.keys[name].get("units", ""))
    verdict = _group(episode, "verdict", "NXcollection")
    for name, value in found.verdict.items():
        known = _nan_for_none([value])[0]
        _put(verdict, name.removeprefix("verdict_"), known, found.keys[name].get("units", ""))


def _write_data(entry: Any, events: int) -> None:
    data = _group(entry, "data", "NXdata")
    if "image" in data:
        data.attrs["signal"] = "image"
        data.attrs["axes"] = ["step", ".", "."]
        # As long as the images, which may be one more or fewer than the events of a run that broke off.
        _put(data, "step", np.arange(max(events, len(data["image"])))[: len(data["image"])])


def _group(parent: Any, name: str, kind: str) -> Any:
    group = parent.require_group(name)
    group.attrs["NX_class"] = kind
    return group


def _put(group: Any, name: str, value: Any, unit: str = "") -> None:
    if name in group:
        del group[name]
    data = group.create_dataset(name, data=value)
    if unit:
        data.attrs["units"] = unit


def _nan_for_none(values: list[Any]) -> list[Any]:
    return [
        _nan_for_none(value) if isinstance(value, list) else (float("nan") if value is None else value)
        for value in values
    ]


def _iso(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds")
