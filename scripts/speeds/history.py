"""The history of `beamgym speed`: ratios of every run, one line of JSON each, and the rows that have fallen.

Ratios are to what was measured in the same process, a peer or the yardstick, so that they carry over from machine to
machine where rates do not.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

LEAST_SHARE = 2.0 / 3.0
"""A ratio below this share of what it was has fallen."""

REMEMBERED = 5
"""Runs whose median is what it was."""

_PER_SECOND = {"ms": 1e3, "s": 1.0}


def ratios(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the ratio of every rate or time: to its peer, else to the yardstick, per million of its steps."""
    found = {}
    for row in rows:
        if row["value"] is None or row["unit"] == "MiB" or (row["ratio"] is None and not row["yardstick"]):
            continue
        rate = _PER_SECOND[row["unit"]] / row["value"] if row["unit"] in _PER_SECOND else row["value"]
        found[row["name"]] = float(f"{row['ratio'] or 1e6 * rate / row['yardstick']:.4g}")
    return found


def read_history(file: Path) -> list[dict[str, Any]]:
    """Return the runs of a history; none where there is no file.

    Raises
    ------
    ValueError : a line that is no run
    """
    if not file.is_file():
        return []
    runs = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            run = json.loads(line)
            runs.append({"ratios": dict(run["ratios"]), "peers": dict(run["peers"]), "fallen": list(run["fallen"])})
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{file}, line {number} is no run of `beamgym speed`; take that line out") from None
    return runs


def fallen_rows(runs: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the rows whose ratio is below two thirds of the median of its last runs, with that share.

    Parameters
    ----------
    runs : of :func:`read_history`; a run in which a row had fallen does not count for that row, nor one in which its
        peer was another
    rows : of the present run
    """
    peers = {row["name"]: row["peer"] for row in rows}
    fallen = {}
    for name, ratio in ratios(rows).items():
        known = [
            run["ratios"][name]
            for run in runs
            if name in run["ratios"] and name not in run["fallen"] and run["peers"].get(name) == peers[name]
        ]
        share = ratio / statistics.median(known[-REMEMBERED:]) if known else 1.0
        if share < LEAST_SHARE:
            fallen[name] = share
    return fallen


def append_run(file: Path, rows: Sequence[Mapping[str, Any]], machine: str, fallen: Sequence[str]) -> None:
    """Append a run to a history.

    Parameters
    ----------
    file : made where it is not there
    rows : of the run
    machine : on which it ran
    fallen : names of the rows that have fallen
    """
    found = ratios(rows)
    run = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": version("beamgym"),
        "machine": machine,
        "ratios": found,
        "peers": {row["name"]: row["peer"] for row in rows if row["name"] in found},
        "fallen": sorted(fallen),
    }
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(run) + "\n")
