"""`beamgym benchmark mosaic`: materials scanned and packed, and the loop closed on many small plates."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from beamgym.agents.evaluation import first_seed
from beamgym.physics.mosaic.forecast import Loop, closed_loop
from beamgym.scripts.mosaic_suite.loop import density, loop_figures
from beamgym.scripts.mosaic_suite.scanned import ScannedPlate, scanned_plate
from beamgym.scripts.rates import Bar, Rate, bars_table

MATERIALS = {
    "FePS3": "FePS3",
    "Ca2RuO4": "Ca2RuO4",
    "YFe2Ge2": "YFe2Ge2",
    "jarosite": "KFe3(OH)6(SO4)2",
    "Sr4Ru3O10": "Sr4Ru3O10",
}
LOOP = "loop"
USUAL_CRYSTALS, MOST_CRYSTALS = 150, 2000
LOOP_PLATES, LOOP_CRYSTALS, LOOP_MATERIAL = 20, 40, "YFe2Ge2"
_FIRST_LOOP = 100  # plates of materials come before


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite with the options of the command line, print its tables, and return its figures.

    Parameters
    ----------
    options : "crystals" (a plate), "part" (materials, or "loop"; all if left out) and "level"
    seed : of the plates
    console : where the tables go

    Returns
    -------
    "materials": for each its figures; "loop": those of the closed loop; "bars"

    Raises
    ------
    ValueError : an unknown part, or numbers that make no sense
    """
    names = list(dict.fromkeys(options.get("part") or [*MATERIALS, LOOP]))
    crystals, level = options.get("crystals", USUAL_CRYSTALS), options.get("level", "real")
    _check(names, crystals, seed)
    first = first_seed("benchmark", seed)
    figures: dict[str, Any] = {"suite": "mosaic", "seed": seed, "crystals": crystals, "level": level, "materials": {}}
    bars: list[Bar] = []
    for name in names:
        if name == LOOP:
            figures[LOOP], own = _loops(first + _FIRST_LOOP, level)
        else:
            figures["materials"][name], own = _material(name, crystals, first + list(MATERIALS).index(name), level)
        bars += own
        console.print(*(f"{bar.figure}: {bar.reached}" for bar in own), sep="\n")
    console.print(_table(figures["materials"]))
    console.print(bars_table(bars))
    figures["bars"] = [bar.as_dict() for bar in bars]
    return figures


def _check(names: Sequence[str], crystals: int, seed: int) -> None:
    for name in names:
        if name != LOOP and name not in MATERIALS:
            raise ValueError(f"unknown part {name!r}; choose one of {', '.join([*MATERIALS, LOOP])}")
    if not 6 <= crystals <= MOST_CRYSTALS:
        raise ValueError(f"crystals is {crystals}; it must lie between 6 and {MOST_CRYSTALS}")
    if seed < 0:
        raise ValueError(f"the seed is {seed}; it must not be negative")


def _material(name: str, crystals: int, seed: int, level: str) -> tuple[dict[str, Any], list[Bar]]:
    plate = _scanned(name, MATERIALS[name], crystals, seed, level)
    loop = closed_loop(plate.world, plate.scan, seed)
    figures = {**plate.figures(), "density": density(plate, seed), **loop_figures(loop)}
    error = plate.error_deg_median
    return figures, [
        Bar.at_least(f"{name}: single crystals indexed", plate.rate("single", "indexed"), 0.95),
        Bar(f"{name}: median error", "≤ 0.06°", f"{error:.3f}°", error <= 0.06 if np.isfinite(error) else None),
        Bar.at_most(f"{name}: wrong without a flag", plate.wrong_unflagged, 0.005),
        Bar.at_most(f"{name}: single crystals flagged", plate.flagged("single"), 0.05),
        Bar.at_least(f"{name}: two-grain places flagged", plate.flagged("two grains"), 0.90),
    ]


def _scanned(title: str, material: str, crystals: int, seed: int, level: str) -> ScannedPlate:
    with tqdm(total=crystals, desc=title, unit="crystal") as bar:

        def told(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        return scanned_plate(material, crystals, seed, level, told)


def _loops(first: int, level: str) -> tuple[dict[str, Any], list[Bar]]:
    """Close the loop on many plates: how often the forecast's interval holds what is measured."""
    with_edges: list[Loop] = []
    without: list[Loop] = []
    for number in tqdm(range(LOOP_PLATES), desc=LOOP, unit="plate"):
        own = first + number
        plate = scanned_plate(LOOP_MATERIAL, LOOP_CRYSTALS, own, level)
        with_edges.append(closed_loop(plate.world, plate.scan, own))
        without.append(closed_loop(plate.world, plate.scan, own, datum_edges=False))
    figures = {
        "plates": LOOP_PLATES,
        "crystals": LOOP_CRYSTALS,
        "material": LOOP_MATERIAL,
        "datum_edges": [loop_figures(loop) for loop in with_edges],
        "clearance": [loop_figures(loop) for loop in without],
    }
    held = {
        name: Rate.of(held for loop in loops for held in loop.held)
        for name, loops in (("datum_edges", with_edges), ("clearance", without))
    }
    figures["held"] = {name: rate.as_dict() for name, rate in held.items()}
    return figures, [
        Bar(
            f"loop, {name.replace('_', ' ')}: widths that the forecast's 90 % interval holds",
            "80–97 %",
            f"{100 * rate.share:.0f} %, {rate.count} of {rate.total}",
            0.80 <= rate.share <= 0.97,
        )
        for name, rate in held.items()
    ]


def _table(materials: dict[str, dict[str, Any]]) -> Table:
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("material", "indexed", "error", "95 %", "wrong", "grains", "twins", "bent", "density", "beam h"):
        out.add_column(heading)
    for name, row in materials.items():
        out.add_row(
            name,
            _percent(row["indexed"]),
            f"{row['error_deg_median']:.3f}°",
            f"{row['error_deg_95']:.3f}°",
            _percent(row["wrong_unflagged"]),
            _percent(row["grains_flagged"]),
            _percent(row["twins_flagged"]),
            _percent(row["bent_flagged"]),
            f"{row['density']:.2f}",
            f"{row['instrument_s'] / 3600:.1f}",
        )
    return out


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
