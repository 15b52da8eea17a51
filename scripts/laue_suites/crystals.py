"""The suite `beamgym benchmark laue-crystals`: crystals of the seven lattice systems, on the same instrument."""

from typing import Any

from rich.console import Console

from beamgym.physics.crystal import Crystal, load_crystal
from beamgym.physics.laue.imperfections import LAUE_LEVELS, LEVEL_SUFFIXES, imperfections
from beamgym.scripts.laue_suites.rows import Goal, SuiteRow, unknown
from beamgym.scripts.laue_suites.suite import AskedSuite, run_rows

NAME = "laue-crystals"
EPISODES, LEVEL = 200, "hard"
CRYSTALS = ("Si", "Al2O3", "quartz", "La2-xSrxCuO4", "Ca2RuO4", "KFe3(OH)6(SO4)2", "FePS3", "kyanite")
"""Those that are played where none is named."""
GOAL = Goal(success=0.98, misled=0.0)
"""What is to be reached at the level "hard" with each of them."""
SYSTEMS = {
    1: "triclinic",
    2: "monoclinic",
    4: "orthorhombic",
    6: "rhombohedral",
    8: "tetragonal",
    12: "hexagonal",
    24: "cubic",
}
"""Lattice systems by the number of their lattice's proper rotations."""


def lattice_system(crystal: Crystal) -> str:
    """Return the lattice system; rhombohedral and hexagonal lattices hold the trigonal crystals."""
    return SYSTEMS[len(crystal.holohedry)]


def rows_of(crystal: str | None, level: str) -> tuple[SuiteRow, ...]:
    """Return the rows of a level: all usual crystals, or the one that is named.

    Raises
    ------
    ValueError : an unknown crystal or level, with the nearest names, or a file that holds none
    """
    if level not in LAUE_LEVELS and not level.endswith(LEVEL_SUFFIXES):
        raise unknown("level", level, LAUE_LEVELS)
    imperfections(level)
    return tuple(_row(name, level) for name in (CRYSTALS if crystal is None else (crystal,)))


def _row(name: str, level: str) -> SuiteRow:
    crystal = load_crystal(name)
    goal = GOAL if level == LEVEL and crystal.name in CRYSTALS else None
    return SuiteRow(f"{crystal.name}, {lattice_system(crystal)}", crystal.name, {"crystal": name, "level": level}, goal)


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite with the options of the command line, print its tables, and return its figures.

    Parameters
    ----------
    options : "episodes", "policy" (names besides the usual), "crystal" (this one alone, a CIF file too), "level" and
        "page" (a file)
    seed : which set of starts
    console : where the tables go

    Returns
    -------
    "suite", "seed", "episodes", "rows" by name, "bars" and "over_all_rows"

    Raises
    ------
    ValueError : an unknown crystal, level or policy, or numbers that make no sense
    """
    level = options.get("level", LEVEL)
    rows = rows_of(options.get("crystal"), level)
    title = f"laue-crystals: level {level}, 0.25°, six-axis arm"
    return run_rows(AskedSuite(NAME, title, rows, options.get("episodes", EPISODES), EPISODES, seed, options), console)
