"""The history of `beamgym speed`: ratios of every run, one line of JSON each, and the rows that have fallen.

Ratios are to what was measured in the same process, a peer or the yardstick, so that they carry over from machine to
machine where rates do not.
"""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

LEAST_SHARE = 2.0 / 3.0
"""A ratio below this share of the best that it was has fallen."""

LEAST_MEMORY_SHARE = 3.0 / 4.0
"""The same of how often a row's memory goes into a gibibyte: it has grown by more than a third."""

BEST = 5
"""Runs whose median is the best that it was: the last ones alone would follow a slow decline."""

_PER_SECOND = {"ms": 1e3, "s": 1.0}
_MEMORY, _GIBIBYTE = "MiB", 1024.0


@dataclass
class Comparison:
    """What the runs before say of a run.

    Parameters
    ----------
    fallen : rows whose ratio has fallen, with the share that is left of it
    left_out : rows that could not be compared, each with the reason
    """

    fallen: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def ratios(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the ratio of every rate or time: to its peer, else to the yardstick, per million of its steps.

    Of a row in MiB it is how often that goes into a GiB. Rows without a ratio, or with one that is not finite, are left
    out.
    """
    found = {row["name"]: _ratio(row) for row in rows}
    return {name: float(f"{ratio:.4g}") for name, ratio in found.items() if math.isfinite(ratio) and ratio > 0.0}


def _ratio(row: Mapping[str, Any]) -> float:
    value, yardstick = row["value"], row["yardstick"]
    if not value:
        return math.nan
    if row["unit"] == _MEMORY:
        return float(_GIBIBYTE / value)
    if row["ratio"] is not None:
        return float(row["ratio"])
    rate = _PER_SECOND[row["unit"]] / value if row["unit"] in _PER_SECOND else value
    return float(1e6 * rate / yardstick) if yardstick else math.nan


def read_history(file: Path) -> list[dict[str, Any]]:
    """Return the runs of a history, blank lines left out; none where there is no file.

    Raises
    ------
    ValueError : a line that is no run, which is named
    """
    if not file.is_file():
        return []
    runs = []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if line.strip():
            try:
                runs.append(_run(json.loads(line.decode("utf-8"))))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                raise ValueError(f"{file}, line {number} is no run of `beamgym speed`; take that line out") from None
    return runs


def _run(read: Any) -> dict[str, Any]:
    found, peers, fallen = dict(read["ratios"]), dict(read["peers"]), list(read["fallen"])
    for ratio in found.values():
        if isinstance(ratio, bool) or not (math.isfinite(ratio) and ratio > 0.0):
            raise ValueError(ratio)
    if not all(peer is None or isinstance(peer, str) for peer in peers.values()):
        raise TypeError(peers)
    return {"ratios": found, "peers": peers, "fallen": fallen}


def compared(runs: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """Return which rows have fallen below two thirds of the best that they were, and which could not be compared.

    Parameters
    ----------
    runs : of :func:`read_history`; a run in which a row had fallen does not count for that row, nor one in which its
        peer was another. The best is the median of the five best of the others
    rows : of the present run
    """
    found, comparison = ratios(rows), Comparison()
    for row in rows:
        name, peer = row["name"], row["peer"]
        earlier = [run for run in runs if name in run["ratios"] and name not in run["fallen"]]
        known = sorted(run["ratios"][name] for run in earlier if run["peers"].get(name) == peer)
        if name not in found:
            comparison.left_out[name] = row["why"] or "it has no ratio in this run"
        elif known:
            share = found[name] / statistics.median(known[-BEST:])
            if share < (LEAST_MEMORY_SHARE if row["unit"] == _MEMORY else LEAST_SHARE):
                comparison.fallen[name] = share
        else:
            before = {run["peers"].get(name) or "the yardstick" for run in earlier}
            comparison.left_out[name] = (
                f"beside {' and '.join(sorted(before))} before, and now beside {peer or 'the yardstick'}"
                if before
                else "no run before has it"
            )
    return comparison


def append_run(file: Path, rows: Sequence[Mapping[str, Any]], machine: str, fallen: Sequence[str]) -> None:
    """Append a run to a history; one without a single ratio is not appended.

    Parameters
    ----------
    file : made where it is not there; one whose last line has no end is given one
    rows : of the run
    machine : on which it ran
    fallen : names of the rows that have fallen
    """
    found = ratios(rows)
    if not found:
        return
    run = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": version("beamgym"),
        "machine": machine,
        "ratios": found,
        "peers": {row["name"]: row["peer"] for row in rows if row["name"] in found},
        "fallen": sorted(fallen),
    }
    unended = file.is_file() and not file.read_bytes().endswith(b"\n") and file.stat().st_size > 0
    with file.open("a", encoding="utf-8") as stream:
        stream.write("\n" * unended + json.dumps(run, allow_nan=False) + "\n")
