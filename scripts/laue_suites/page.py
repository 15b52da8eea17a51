"""The page of a suite: how it was made, what was to be reached, every policy on every row, and the worst episodes."""

import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.scripts.engine import PLACES
from beamgym.scripts.laue_suites.measured import Measured
from beamgym.scripts.laue_suites.summaries import BUDGETS, Shares, against_exposures, claims_held, over_all_rows
from beamgym.scripts.laue_suites.tables import (
    LEGEND,
    Cell,
    bars_of,
    markdown,
    page_table,
    policy_name,
)
from beamgym.scripts.laue_suites.worst import WorstEpisode

PICTURES = (
    "In the pictures dots are found spots; squares stand where the 64 brightest spots lie by the truth, circles where "
    "they lie by what the policy believed. What explains a spot may be a fainter one, down to the 128th."
)


def command_line(suite: str, options: Mapping[str, Any], episodes: int, seed: int) -> str:
    """Return the command that measures the same again; where it writes to is left out."""
    words = ["beamgym", "benchmark", suite, "--episodes", str(episodes), "--seed", str(seed)]
    for name, value in options.items():
        if name not in ("episodes", "page", *PLACES):
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


def page_of(
    title: str, command: str, measured: Sequence[Measured], remarks: Sequence[str], worst: Sequence[WorstEpisode] = ()
) -> str:
    """Return the whole page.

    Parameters
    ----------
    title : its heading
    command : that makes it
    measured : every policy on every row
    remarks : sentences that belong to these figures
    worst : episodes that failed
    """
    parts = [
        [f"# {title}"],
        ["```", command, "```"],
        [f"Written by this command (add `--page FILE`) on {machine()}.", *remarks],
        _bars(measured),
        ["## Every policy on every row", "", *page_table(measured), "", LEGEND],
        _summary(measured),
        _claims(measured),
        _worst(worst),
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
    whole, budgets = over_all_rows(measured), against_exposures(measured)
    rows = [(name, _share(whole[name]), *(_share(each) for each in shares)) for name, shares in budgets.items()]
    text = (
        "Policies that played every row; each row counts alike; intervals are a bootstrap's, stratified by rows. "
        "Beside all: the share that had ended aligned within so many exposures."
    )
    headings = ("policy", "aligned %", *(f"within {budget}" for budget in BUDGETS))
    return ["## Over all rows, and against the budget", "", text, "", *markdown(headings, rows)] if rows else []


def _share(shares: Shares) -> str:
    mean, low, high = (100 * each for each in shares)
    return f"{mean:.1f} ({low:.1f}–{high:.1f})"


def _claims(measured: Sequence[Measured]) -> list[str]:
    rows = [
        (name, f"{low:g} to {high:g}", f"{100 * stated:.2f}", str(held.total), Cell.of(held).words())
        for name, low, high, stated, held in claims_held(measured)
    ]
    text = "Of the declarations at a stated probability, over all rows, the share that was right."
    headings = ("policy", "stated probability", "mean stated %", "declarations", "right %")
    return ["## Do the claims hold?", "", text, "", *markdown(headings, rows)] if rows else []


def _worst(worst: Sequence[WorstEpisode]) -> list[str]:
    if not worst:
        return []
    rows = []
    for each in worst:
        picture = f"[picture](<{each.picture.parent.name}/{each.picture.name}>)" if each.picture else "–"
        place = each.measured.row.name, policy_name(each.measured), str(each.env_seed)
        rows.append((*place, f"{each.error_deg:.3g}", str(each.exposures), each.why, picture))
    headings = ("row", "policy", "environment seed", "error °", "exposures", "why it failed", "last frame")
    ours = worst[0].measured.row.policy
    text = f"The failed episodes furthest off: ten of `{ours}`, three of each other policy that looks."
    if any(each.picture for each in worst):
        text += " They were played again with the truth at hand."
        # Pictures of zones are the environment's own, and say themselves what they show.
        text += f" {PICTURES}" if "LaueAlign" in worst[0].measured.row.env_id else ""
    return ["## The worst episodes", "", text, "", *markdown(headings, rows)]
