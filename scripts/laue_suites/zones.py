"""The suite `beamgym benchmark laue-zone`: symmetry axes of unknown crystals of all seven systems."""

from typing import Any

from rich.console import Console

from beamgym.scripts.laue_suites.rows import Goal, SuiteRow, rows_of_group
from beamgym.scripts.laue_suites.suite import AskedSuite, run_rows

NAME = "laue-zone"
EPISODES = 200
ENV_ID = "beamgym/LaueZone-v0"
POLICIES = ("zone-finder", "blind-spiral", "random", "true-pose")
DECLARED = {
    "cubic": 0.99,
    "tetragonal": 0.99,
    "hexagonal": 0.99,
    "trigonal": 0.95,
    "orthorhombic": 0.95,
    "monoclinic": 0.90,
    "triclinic": 0.90,
}
"""Share of each system that is to be declared within 0.5°, at the level "published"."""
BY_TRUTH = Goal(success=0.99, moves_of_oracle=1.15)
"""What is to be reached where the truth ends an episode at 5°, as published."""


def _row(system: str, level: str, stop: str, tolerance_deg: float, goal: Goal | None) -> SuiteRow:
    options = {"level": level, "system": system, "stop": stop, "tolerance_deg": tolerance_deg}
    how = "ended by the truth" if stop == "truth" else "declared"
    return SuiteRow(
        f"{system}, {level}, {how} at {tolerance_deg:g}°", level, options, goal, ENV_ID, POLICIES[0], POLICIES
    )


def _rows(level: str, bars: bool) -> list[SuiteRow]:
    """Return the rows of a level: every system under both ways to end an episode."""
    by_truth = [_row(system, level, "truth", 5.0, BY_TRUTH if bars else None) for system in DECLARED]
    declared = [
        _row(system, level, "declare", 0.5, Goal(success=share, misled=0.0) if bars else None)
        for system, share in DECLARED.items()
    ]
    return by_truth + declared


ROWS = (*_rows("published", True), *_rows("real", False))
"""Every row; the level "real" is reported only."""


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite and return its figures, as ``run_rows``; ``options`` are "episodes", "policy", "level" and "page".

    Raises ValueError for an unknown level or policy, or numbers that make no sense.
    """
    asked = rows_of_group(ROWS, options.get("level"))
    title = "laue-zone: unknown crystals on two circles, 10° a move"
    return run_rows(AskedSuite(NAME, title, asked, options.get("episodes", EPISODES), EPISODES, seed, options), console)
