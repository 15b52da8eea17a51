"""The suite `beamgym benchmark laue-harsh`: crystals of several systems at the level "harsh"."""

from typing import Any

from rich.console import Console

from beamgym.physics.crystal import load_crystal
from beamgym.scripts.laue_suites.crystals import lattice_system
from beamgym.scripts.laue_suites.rows import Goal, SuiteRow
from beamgym.scripts.laue_suites.suite import AskedSuite, run_rows

NAME = "laue-harsh"
EPISODES, LEVEL = 200, "harsh"
CRYSTALS = ("Si", "La2-xSrxCuO4", "quartz", "Ca2RuO4", "FePS3", "kyanite")
"""Those that are played where none is named: cubic to triclinic."""
TOLERANCES_DEG = (0.25, 1.0)
"""Tolerances of each: that of the other suites, and one within which axial ratios off by 3 % hardly matter."""
RIVAL = "index-and-refine"
POLICIES = ("calibrating", RIVAL, "index-and-move", "random", "true-pose")
"""Who plays: true-pose knows the orientation, and shows what play and zero errors leave."""
GOAL = Goal(above=RIVAL, lead=0.1)
"""``calibrating`` is to be ahead of classical indexing with a refined camera and a search for its distance."""


def rows_of(crystal: str | None) -> tuple[SuiteRow, ...]:
    """Return the rows of all usual crystals, or of the one that is named; raises ValueError for an unknown one."""
    return tuple(
        _row(name, tolerance) for name in (CRYSTALS if crystal is None else (crystal,)) for tolerance in TOLERANCES_DEG
    )


def _row(name: str, tolerance_deg: float) -> SuiteRow:
    crystal = load_crystal(name)
    label = f"{crystal.name}, {lattice_system(crystal)}, {tolerance_deg:g}°"
    options = {"crystal": name, "level": LEVEL, "tolerance_deg": tolerance_deg}
    return SuiteRow(label, crystal.name, options, GOAL, policies=POLICIES)


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite and return its figures, as ``run_rows``.

    Parameters
    ----------
    options : "episodes", "policy" (names besides the usual), "crystal" (this one alone, a CIF file too) and
        "page" (a file)
    seed : which set of starts
    console : where the tables go

    Raises
    ------
    ValueError : an unknown crystal or policy, or numbers that make no sense
    """
    rows = rows_of(options.get("crystal"))
    title = "laue-harsh: level harsh, six-axis arm"
    return run_rows(AskedSuite(NAME, title, rows, options.get("episodes", EPISODES), EPISODES, seed, options), console)
