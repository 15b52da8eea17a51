"""Runs the parts of the suite that were asked for, and prints their tables and bars."""

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console

from beamgym.scripts.engine import Place, place_of
from beamgym.scripts.index_suite.cameras import run_cameras
from beamgym.scripts.index_suite.crystals import run_crystals
from beamgym.scripts.index_suite.false_peaks import run_false_peaks
from beamgym.scripts.index_suite.grains import run_grains
from beamgym.scripts.index_suite.report import PartResult
from beamgym.scripts.rates import bars_table

PARTS: dict[str, Callable[[int, int, Place], PartResult]] = {
    "cameras": run_cameras,
    "false-peaks": run_false_peaks,
    "crystals": run_crystals,
    "grains": run_grains,
}
"""Every part: it takes pictures, seed and where the work is done."""
USUAL_PICTURES, MOST_PICTURES = 300, 100_000


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite with the options of the command line, print its tables, and return its figures.

    Parameters
    ----------
    options : "part" (names, all if left out), "pictures", and where the work is done: "workers", "ray", "rows"
    seed : which set of pictures and lists
    console : where the tables go

    Returns
    -------
    "suite", "seed", "pictures" and "parts": for each its bars and figures

    Raises
    ------
    ValueError : an unknown part, or numbers that make no sense
    """
    names = list(dict.fromkeys(options.get("part") or PARTS))
    pictures = options.get("pictures", USUAL_PICTURES)
    _check(names, pictures, seed)
    place = place_of(options, here=1) or Place()
    figures: dict[str, Any] = {"suite": "index", "seed": seed, "pictures": pictures, "parts": {}}
    for name in names:
        result = PARTS[name](pictures, seed, place)
        for table in (*result.tables, bars_table(result.bars)):
            console.print(table)
        figures["parts"][name] = {"bars": [bar.as_dict() for bar in result.bars], **result.figures}
    return figures


def _check(names: Sequence[str], pictures: int, seed: int) -> None:
    for name in names:
        if name not in PARTS:
            raise ValueError(f"unknown part {name!r}; choose one of {', '.join(PARTS)}")
    if not 1 <= pictures <= MOST_PICTURES:
        raise ValueError(f"pictures is {pictures}; it must lie between 1 and {MOST_PICTURES}")
    if seed < 0:
        raise ValueError(f"the seed is {seed}; it must not be negative")
