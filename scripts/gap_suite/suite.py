"""Runs `beamgym benchmark arpes-gap`, and prints its tables and bars."""

from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.scripts.gap_suite.cases import KINDS, LEVELS
from beamgym.scripts.gap_suite.judged import SHARES, Judged, judge, ratio
from beamgym.scripts.gap_suite.off import OffJudged, judge_off
from beamgym.scripts.gap_suite.picture import draw_figures
from beamgym.scripts.rates import Bar, Rate, bars_table

PARTS = (*KINDS, "off")
SPECTRA = 80
"""Of each kind and number of electrons, with a gap, and as many without."""


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite with the options of the command line, print its tables, and return its figures.

    Parameters
    ----------
    options : "part" (kinds of gap, and off: spectra that are not as stated; all if left out), "spectra" (of each set),
        "curves" (a picture)
    seed : which spectra
    console : where the tables go

    Raises
    ------
    ValueError : an unknown part, too few spectra
    """
    parts, number = list(dict.fromkeys(options.get("part") or PARTS)), int(options.get("spectra") or SPECTRA)
    for name in parts:
        if name not in PARTS:
            raise ValueError(f"unknown part {name!r}; choose one of {', '.join(PARTS)}")
    if number < 1:
        raise ValueError(f"--spectra {number}: judge at least one of each kind")
    figures: dict[str, Any] = {"suite": "arpes-gap", "seed": seed, "spectra": number}
    kinds = [name for name in parts if name in KINDS]
    if kinds:
        judged = [judge(kind, counts, number, seed) for counts in LEVELS for kind in kinds]
        console.print(_errors(judged, number))
        console.print(_rates(judged))
        bars = [bar for counts in LEVELS for bar in bars_at(counts, [one for one in judged if one.counts == counts])]
        console.print(bars_table(bars))
        figures |= {"sets": [one.as_dict() for one in judged], "bars": [bar.as_dict() for bar in bars]}
    if "off" in parts:
        off = judge_off(KINDS[0], number, seed)
        console.print(_off(off, number))
        figures["off"] = [one.as_dict() for one in off]
    if options.get("curves") is not None and kinds:
        draw_figures(options["curves"], figures)
    return figures


def bars_at(counts: float, judged: list[Judged]) -> list[Bar]:
    """Return what is to be reached at one number of electrons, all kinds together, each beside its best rival."""
    own = np.concatenate([one.own for one in judged])
    if counts < 1e4:
        other, most, who = np.concatenate([one.people[one.best] for one in judged]), 0.7, "the best practical fit"
    else:
        other, most, who = np.concatenate([one.likely for one in judged]), 1.05, "the true model's likeliest"
    found, low, high = ratio(own, other)
    at = f"{counts:.0e} electrons: "
    held = Rate.of(np.concatenate([one.held[1] for one in judged]))
    return [
        Bar(f"{at}median error over that of {who}", f"≤ {most}", f"{found:.2f} ({low:.2f}–{high:.2f})", found <= most),
        Bar(f"{at}68 % intervals hold the gap", "60–76 %", _share(held), 0.6 <= held.share <= 0.76),
        Bar.at_least(f"{at}no gap told as none", Rate.of(np.concatenate([~one.false for one in judged])), 0.95),
        Bar.at_least(
            f"{at}seen above the limit stated", Rate.of(np.concatenate([one.seen[one.above] for one in judged])), 0.9
        ),
    ]


def _share(rate: Rate) -> str:
    low, high = rate.ci95
    return f"{100 * rate.share:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def _errors(judged: list[Judged], number: int) -> Table:
    names = list(judged[0].people)
    title = f"median error, meV, of {number} spectra with gaps of 2 to 30 meV"
    out = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("kind", "electrons", "answer", "true model's likeliest", *names):
        out.add_column(heading, justify="left" if heading == "kind" else "right")
    for one in judged:
        figures = [one.own, one.likely, *(one.people[name] for name in names)]
        out.add_row(one.kind, f"{one.counts:.0e}", *(f"{1e3 * float(np.median(error)):.2f}" for error in figures))
    return out


def _rates(judged: list[Judged]) -> Table:
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0), title="per cent", title_justify="left")
    held = [f"in {100 * share:g} %" for share in SHARES]
    for heading in ("kind", "electrons", *held, "none", "seen", "seen above limit", "limit meV"):
        out.add_column(heading, justify="left" if heading == "kind" else "right")
    for one in judged:
        rates = [*(Rate.of(row) for row in one.held), Rate.of(~one.false), Rate.of(one.seen)]
        above, limit = Rate.of(one.seen[one.above]), f"{1e3 * float(np.median(one.limit)):.1f}"
        out.add_row(one.kind, f"{one.counts:.0e}", *(str(rate) for rate in (*rates, above)), limit)
    return out


def _off(off: list[OffJudged], number: int) -> Table:
    title = f"{number} superconducting spectra of 1e+04 electrons that are not as stated"
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0), title=title, title_justify="left")
    for heading in ("what is wrong", "median error meV", "68 % interval holds, %", "told as strange, %"):
        out.add_column(heading, justify="left" if heading == "what is wrong" else "right")
    for one in off:
        rates = (str(Rate.of(flags)).replace("\n", " (") + ")" for flags in (one.held, one.strange))
        out.add_row(one.name, f"{1e3 * float(np.median(one.error)):.2f}", *rates)
    return out
