"""Runs the cases of `beamgym benchmark bands`, and prints their tables and bars."""

from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.scripts.bands_suite.cases import folder, line_case, patch_case
from beamgym.scripts.rates import Bar, bars_table

PARTS = ("patch", "line")


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite with the options of the command line, print its tables, and return its figures.

    Parameters
    ----------
    options : "part" (patch, line; both if left out)
    seed : nothing is drawn but the answers from which errors come; kept for the report
    console : where the tables go

    Raises
    ------
    ValueError : an unknown part; no measured data
    """
    parts = list(dict.fromkeys(options.get("part") or PARTS))
    for name in parts:
        if name not in PARTS:
            raise ValueError(f"unknown part {name!r}; choose one of {', '.join(PARTS)}")
    place = folder()
    figures: dict[str, Any] = {"suite": "bands", "seed": seed}
    bars: list[Bar] = []
    if "patch" in parts:
        figures["patch"] = patch_case(place)
        console.print(_patch_table(figures["patch"]))
        bars += _patch_bars(figures["patch"])
    if "line" in parts:
        figures["line"] = line_case(place)
        console.print(_line_table(figures["line"]))
        bars += _line_bars(figures["line"])
    console.print(bars_table(bars))
    return figures | {"bars": [bar.as_dict() for bar in bars]}


def _table(title: str, headings: list[str]) -> Table:
    out = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for place, heading in enumerate(headings):
        out.add_column(heading, justify="right" if place else "left")
    return out


def _patch_table(patch: dict[str, Any]) -> Table:
    title = f"RMS against the truth, meV, over {patch['momenta']} momenta of the published patch, from PBE"
    bands = len(patch["rms_ev"]["theory"])
    out = _table(title, ["band", *(str(b + 1) for b in range(bands)), "median"])
    for name, rms in patch["rms_ev"].items():
        out.add_row(name, *(f"{1e3 * value:.0f}" for value in rms), f"{1e3 * float(np.median(rms)):.1f}")
    return out


def _line_table(line: dict[str, Any]) -> Table:
    joint = line["methods"]["joint model"]
    out = _table("the measured line from PBE and from LDA, apart, meV", ["band", "median", "RMS", "error stated"])
    rows = zip(joint["apart_median_ev"], joint["apart_rms_ev"], line["error_ev"], strict=True)
    for b, row in enumerate(rows):
        out.add_row(str(b + 1), *(f"{1e3 * value:.0f}" for value in row))
    return out


def _within(figure: str, value_ev: float, bar_ev: float) -> Bar:
    return Bar(figure, f"≤ {1e3 * bar_ev:g} meV", f"{1e3 * value_ev:.1f} meV", value_ev <= bar_ev)


def _patch_bars(patch: dict[str, Any]) -> list[Bar]:
    median = {name: float(np.median(rms)) for name, rms in patch["rms_ev"].items()}
    return [
        _within("patch: automatic alignment, median RMS", median["automatic alignment"], 0.035),
        _within("patch: joint model, median RMS", median["joint model"], 0.025),
        Bar(
            "patch: feature vector, times smaller",
            "≥ 5,000",
            f"{patch['smaller']:,.0f} ({patch['features']} numbers)",
            patch["smaller"] >= 5000.0,
        ),
        _within("patch: feature vector, median RMS", patch["features_rms_ev"], 0.010),
    ]


def _line_bars(line: dict[str, Any]) -> list[Bar]:
    bars = []
    where = f"pointwise fits at {line['sure_momenta']} of {line['momenta']} momenta"
    for method, one in line["methods"].items():
        for b in (0, 1):
            figure = f"line: {method}, band {b + 1}"
            bars.append(_within(f"{figure}, from two functionals, median", one["apart_median_ev"][b], 0.010))
            for name, away in one["pointwise_median_ev"].items():
                bars.append(_within(f"{figure} from {name}, {where}, median", away[b], 0.015))
    return bars
