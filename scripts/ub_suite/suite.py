"""Runs the cases of the systems that were asked for, and prints the table and the bars."""

from collections.abc import Sequence
from statistics import mean
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from beamgym.scripts.rates import Bar, Rate, bars_table, or_none, typical
from beamgym.scripts.ub_suite.cases import SYSTEMS, Case, run_case

NEARLY = "nearly symmetric"
PARTS = (*SYSTEMS, NEARLY)
USUAL_CASES, MOST_CASES = 1000, 100_000
COLUMNS = (
    "2",
    "3",
    "4",
    "3 off one plane",
    "3 where told",
    "4 where told",
    "3, no strengths",
    "4, no strengths",
    "3, intensities",
    "4, intensities",
    "8, two spurious",
)


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite with the options of the command line, print its tables, and return its figures.

    Parameters
    ----------
    options : "part" (crystal systems; all if left out) and "episodes" (cases of each, 1000)
    seed : which set of cases
    console : where the tables go

    Returns
    -------
    "suite", "seed", "cases", "systems": the rates of each, and "bars"

    Raises
    ------
    ValueError : an unknown part, or numbers that make no sense
    """
    names, number = list(dict.fromkeys(options.get("part") or PARTS)), options.get("episodes", USUAL_CASES)
    _check(names, number, seed)
    cases: dict[str, list[Case]] = {}
    for name in names:
        cases[name] = [run_case(name, i, seed) for i in tqdm(range(number), desc=name, leave=False)]
    console.print(_table("right, per cent (95 % interval)", cases, lambda answer: answer.right))
    console.print(_table("claimed certain, per cent", cases, lambda answer: answer.certain))
    console.print(
        _table("wrong and claimed certain, per cent", cases, lambda answer: answer.certain and not answer.right)
    )
    console.print(_at_best(cases))
    bars = _bars(cases)
    console.print(bars_table(bars))
    return {
        "suite": "ub",
        "seed": seed,
        "cases": number,
        "systems": {name: _figures(group) for name, group in cases.items()},
        "bars": [bar.as_dict() for bar in bars],
    }


def _check(names: Sequence[str], number: int, seed: int) -> None:
    for name in names:
        if name not in PARTS:
            raise ValueError(f"unknown part {name!r}; choose one of {', '.join(PARTS)}")
    if not 1 <= number <= MOST_CASES:
        raise ValueError(f"episodes is {number}; it must lie between 1 and {MOST_CASES} cases of each system")
    if seed < 0:
        raise ValueError(f"the seed is {seed}; it must not be negative")


def _table(title: str, cases: dict[str, list[Case]], counts: Any) -> Table:
    out = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for place, heading in enumerate(("reflections", *cases)):
        out.add_column(heading, justify="right" if place else "left")
    for column in COLUMNS:
        out.add_row(column, *(str(Rate.of(counts(case.answers[column]) for case in group)) for group in cases.values()))
    return out


def _at_best(cases: dict[str, list[Case]]) -> Table:
    """Return the mean probability of the most probable orientation: how often any rule is right, if it is told right.

    Where reflections leave two orientations exactly alike, both have one half, and nobody can know.
    """
    out = Table(
        title="probability of the best orientation, mean, per cent: right no more often by any rule",
        title_justify="left",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    for place, heading in enumerate(("reflections", *cases)):
        out.add_column(heading, justify="right" if place else "left")
    for column in COLUMNS:
        shares = [[case.answers[column].probability for case in group] for group in cases.values()]
        out.add_row(column, *(f"{100.0 * mean(one):.1f}" for one in shares))
    return out


def _bars(cases: dict[str, list[Case]]) -> list[Bar]:
    bars = []
    for name, group in cases.items():
        if name == NEARLY:
            continue
        for column, least in (("3", 0.95), ("4", 0.995), ("8, two spurious", 0.95)):
            rate = Rate.of(case.answers[column].right for case in group)
            bars.append(Bar.at_least(f"{name}: right with {column}", rate, least))
    every = [case for group in cases.values() for case in group]
    for column in COLUMNS:
        rate = Rate.of(case.answers[column].certain and not case.answers[column].right for case in every)
        bars.append(Bar.at_most(f"wrong and claimed certain with {column}", rate, 0.005))
    return bars


def _figures(group: list[Case]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in COLUMNS:
        answers = [case.answers[column] for case in group]
        found[column] = {
            "right": Rate.of(a.right for a in answers).as_dict(),
            "probability_mean": mean(a.probability for a in answers),
            "certain": Rate.of(a.certain for a in answers).as_dict(),
            "wrong_and_certain": Rate.of(a.certain and not a.right for a in answers).as_dict(),
            "error_deg_median": or_none(typical(a.error_deg for a in answers if a.right)),
            "looks_mean": sum(a.looks for a in answers) / len(answers),
        }
    names = sorted({case.crystal for case in group})
    found["crystals"] = {
        name: {c: Rate.of(x.answers[c].right for x in group if x.crystal == name).as_dict() for c in COLUMNS}
        for name in names
    }
    return found
