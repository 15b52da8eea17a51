"""The page of a suite: how it was made, what was to be reached, every policy on every row, and the worst episodes."""

import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.scripts.laue_suites.measured import CLAIM_EDGES, Measured
from beamgym.scripts.laue_suites.tables import (
    LEGEND,
    Cell,
    bars_of,
    markdown,
    over_all_rows,
    page_table,
    policy_name,
)

WORST = 10
"""Episodes of each suite that are told."""


def command_line(suite: str, options: Mapping[str, Any], episodes: int, seed: int) -> str:
    """Return the command that measures the same again; where it writes to is left out."""
    words = ["beamgym", "benchmark", suite, "--episodes", str(episodes), "--seed", str(seed)]
    for name, value in options.items():
        if name not in ("episodes", "page"):
            for each in [value] if isinstance(value, str) else value:
                words += [f"--{name}", str(each)]
    return shlex.join(words)


def machine() -> str:
    """Return what the figures were measured on: processor, cores, system, versions."""
    return (
        f"{processor()}, {os.cpu_count()} cores, {platform.system()}; beamgym {version('beamgym')}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}"
    )


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name as Linux tells it; elsewhere its architecture."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def page_of(title: str, command: str, measured: Sequence[Measured], remarks: Sequence[str], first_seed: int) -> str:
    """Return the whole page.

    Parameters
    ----------
    title : its heading
    command : that makes it
    measured : every policy on every row
    remarks : sentences that belong to these figures
    first_seed : environment seed of episode 0
    """
    parts = [
        [f"# {title}"],
        ["```", command, "```"],
        [f"Written by this command (add `--page FILE`) on {machine()}.", *remarks],
        _bars(measured),
        ["## Every policy on every row", "", *page_table(measured), "", LEGEND],
        _summary(measured),
        _claims(measured),
        _worst(measured, first_seed),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _bars(measured: Sequence[Measured]) -> list[str]:
    bars = bars_of(measured)
    if not bars:
        return []
    words = {None: "–", True: "met", False: "**missed**"}
    rows = [(bar.figure, bar.bar, bar.reached, words[bar.met]) for bar in bars]
    return [f"## What `{measured[0].row.policy}` is to reach", "", *markdown(("figure", "bar", "reached", ""), rows)]


def _summary(measured: Sequence[Measured]) -> list[str]:
    rows = [
        (name, f"{100 * mean:.1f} ({100 * low:.1f}–{100 * high:.1f})")
        for name, (mean, low, high) in over_all_rows(measured).items()
    ]
    text = "Policies that played every row; each row counts alike; the interval is a bootstrap's, stratified by rows."
    return ["## Over all rows", "", text, "", *markdown(("policy", "aligned %"), rows)] if rows else []


def _claims(measured: Sequence[Measured]) -> list[str]:
    edges = (*CLAIM_EDGES, np.inf)
    rows = []
    for one in measured:
        for low, high in pairwise(edges):
            held = one.held(low, high)
            if held.total:
                stated = f"{low:g} to {min(high, 1.0):g}"
                rows.append((one.row.name, policy_name(one), stated, str(held.total), Cell.of(held).words()))
    headings = ("row", "policy", "stated probability", "declarations", "right %")
    return ["## Do the claims hold?", "", *markdown(headings, rows)] if rows else []


def _worst(measured: Sequence[Measured], first_seed: int) -> list[str]:
    policy = measured[0].row.policy
    failed = []
    for one in measured:
        episodes = one.result.episodes
        for i in np.flatnonzero(~episodes.success if one.result.name == policy else []):
            error = float(episodes.misorientation_deg[i])
            why = _why(bool(episodes.ended[i]), float(one.claims[i]), one.misled_episodes[i])
            failed.append(
                (error, (one.row.name, str(first_seed + int(i)), f"{error:.3g}", f"{episodes.exposures[i]:g}", why))
            )
    failed.sort(key=lambda entry: -entry[0])
    headings = ("row", "environment seed", "error °", "exposures", "what happened")
    title = f"## The worst episodes of `{policy}`"
    return [title, "", *markdown(headings, [row for _, row in failed[:WORST]])] if failed else []


def _why(declared: bool, claim: float, misled: bool) -> str:
    if not declared:
        return "the budget was spent before it was sure"
    kind = "declared another orientation" if misled else "declared outside the tolerance"
    return kind if np.isnan(claim) else f"{kind}, stated probability {claim:.4f}"
