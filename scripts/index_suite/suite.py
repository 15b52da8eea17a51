"""Runs the parts of the suite that were asked for, and prints their tables and bars."""

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console

from beamgym.scripts.index_suite.cameras import run_cameras
from beamgym.scripts.index_suite.crystals import run_crystals
from beamgym.scripts.index_suite.false_peaks import run_false_peaks
from beamgym.scripts.index_suite.grains import run_grains
from beamgym.scripts.index_suite.report import PartResult
from beamgym.scripts.rates import bars_table

PARTS: dict[str, Callable[[int, int, int], PartResult]] = {
    "cameras": run_cameras,
    "false-peaks": run_false_peaks,
    "crystals": run_crystals,
    "grains": run_grains,
}
"""Every part: it takes pictures, seed and workers."""
USUAL_PICTURES, MOST_PICTURES = 300, 100_000
MOST_WORKERS = 64


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite with the options of the command line, print its tables, and return its figures.

    Parameters
    ----------
    options : "part" (names, all if left out), "pictures" and "workers"
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
    pictures, workers = options.get("pictures", USUAL_PICTURES), options.get("workers", 1)
    _check(names, pictures, workers, seed)
    figures: dict[str, Any] = {"suite": "index", "seed": seed, "pictures": pictures, "parts": {}}
    for name in names:
        result = PARTS[name](pictures, seed, workers)
        for table in (*result.tables, bars_table(result.bars)):
            console.print(table)
        figures["parts"][name] = {"bars": [bar.as_dict() for bar in result.bars], **result.figures}
    return figures


def _check(names: Sequence[str], pictures: int, workers: int, seed: int) -> None:
    for name in names:
        if name not in PARTS:
            raise ValueError(f"unknown part {name!r}; choose one of {', '.join(PARTS)}")
    if not 1 <= pictures <= MOST_PICTURES:
        raise ValueError(f"pictures is {pictures}; it must lie between 1 and {MOST_PICTURES}")
    if not 0 <= workers <= MOST_WORKERS:
        raise ValueError(f"workers is {workers}; it must lie between 0 (no process besides) and {MOST_WORKERS}")
    if seed < 0:
        raise ValueError(f"the seed is {seed}; it must not be negative")
