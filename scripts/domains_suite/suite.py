"""Runs the parts of `beamgym benchmark arpes-domains`, and prints their tables and bars."""

from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.scripts.domains_suite.cuts import (
    METHODS,
    NETWORK,
    CutCase,
    close,
    held,
    middle,
    off_deg,
    right,
    run_cuts,
    split,
    weight_held,
    weight_off,
)
from beamgym.scripts.domains_suite.samples import run_samples, samples_line
from beamgym.scripts.rates import Bar, Rate, bars_table, or_none

PARTS = {"cuts": "usual", "wide": "wide", "samples": ""}
"""Parts with their population of cuts; samples are maps over (x, y)."""

HEADINGS = (
    "method", "two found, %", "within 0.5°, %", "split falsely, %", "offset off, °", "68 % holds, %", "weight off",
)  # fmt: skip
USUAL_CUTS, MOST_CUTS = 300, 10_000


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite with the options of the command line, print its tables, and return its figures.

    Parameters
    ----------
    options : "part" (cuts, wide, samples; all if left out) and "episodes" (cuts of each kind, 300; a tenth of it
        samples)
    seed : which set of cuts
    console : where the tables go

    Raises
    ------
    ValueError : an unknown part, numbers that make no sense
    """
    parts, number = list(dict.fromkeys(options.get("part") or PARTS)), options.get("episodes", USUAL_CUTS)
    for name in parts:
        if name not in PARTS:
            raise ValueError(f"unknown part {name!r}; choose one of {', '.join(PARTS)}")
    if not 1 <= number <= MOST_CUTS or seed < 0:
        raise ValueError(f"give 1 to {MOST_CUTS} --episodes and a --seed from 0 on, not {number} and {seed}")
    figures: dict[str, Any] = {"suite": "arpes-domains", "seed": seed, "cuts": number}
    bars: list[Bar] = []
    for name in [part for part in parts if PARTS[part]]:
        case = run_cuts(PARTS[name], number, seed)
        console.print(_table(name, case))
        figures[name] = {method: _figures(case, method) for method in METHODS}
        bars += _bars(case) if name == "cuts" else []
    if "samples" in parts:
        figures["samples"] = run_samples(max(1, number // 10), seed)
        console.print(samples_line(figures["samples"]))
    if bars:
        console.print(bars_table(bars))
    return figures | {"bars": [bar.as_dict() for bar in bars]}


def _table(name: str, case: CutCase) -> Table:
    population = "usual resolutions, bands well seen" if PARTS[name] == "usual" else "any resolution of the recipe"
    title = f"{len(case.two)} cuts with two domains and {len(case.one)} with one and two bands or more: {population}"
    out = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in (
        "method",
        "two found, %",
        "within 0.5°, %",
        "split falsely, %",
        "offset off, °",
        "68 % holds, %",
        "weight off",
    ):
        out.add_column(heading, justify="left" if heading == "method" else "right")
    for method in METHODS:
        offset, weight = middle(off_deg(case, method)), middle(weight_off(case, method))
        out.add_row(
            method, str(right(case, method)), str(close(case, method)), str(split(case, method)),
            f"{offset[0]:.2f}\n{offset[1]:.2f}–{offset[2]:.2f}",
            str(held(case, method)) if method == NETWORK else "–",
            f"{weight[0]:.2f}\n{weight[1]:.2f}–{weight[2]:.2f}",
        )  # fmt: skip
    return out


def _figures(case: CutCase, method: str) -> dict[str, Any]:
    stated = method == NETWORK
    return {
        "two_found": right(case, method).as_dict(),
        "found_within_half_a_degree": close(case, method).as_dict(),
        "split_falsely": split(case, method).as_dict(),
        "offset_off_deg": [or_none(value) for value in middle(off_deg(case, method))],
        "weight_off": [or_none(value) for value in middle(weight_off(case, method))],
        "offset_held": held(case, method).as_dict() if stated else None,
        "weight_held": weight_held(case, method).as_dict() if stated else None,
    }


def _bars(case: CutCase) -> list[Bar]:
    found, off, cover = right(case, NETWORK), middle(off_deg(case, NETWORK)), held(case, NETWORK)
    rivals = METHODS[1:]
    own, best = (100.0 * max(close(case, name).share for name in names) for names in ((NETWORK,), rivals))
    return [
        Bar.at_least("two domains, 1.5° apart or more: number right", found, 0.9),
        Bar("their offset, median", "≤ 0.3°", f"{off[0]:.2f}° ({off[1]:.2f}–{off[2]:.2f})", off[0] <= 0.3),
        Bar("two found, and within 0.5°: beside the best rival", "more", f"{own:.1f} %, {best:.1f} %", own > best),
        _within("68 % interval holds the offset", cover, 0.6, 0.76),
        Bar.at_most("one domain, two bands or more: split falsely", split(case, NETWORK), 0.05),
    ]


def _within(figure: str, rate: Rate, low: float, high: float) -> Bar:
    ends = rate.ci95
    reached = f"{100 * rate.share:.1f} % ({100 * ends[0]:.1f}–{100 * ends[1]:.1f})" if rate.total else "nothing counted"
    met = low <= rate.share <= high if rate.total else None
    return Bar(figure, f"{100 * low:g}–{100 * high:g} %", reached, met)
