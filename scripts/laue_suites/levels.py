"""The suite `beamgym benchmark laue-levels`: silicon, on instruments from well calibrated to badly."""

from dataclasses import replace
from typing import Any

from rich.console import Console

from beamgym.physics.laue.imperfections import LAUE_LEVELS
from beamgym.scripts.laue_suites.rows import Goal, SuiteRow, rows_of_group
from beamgym.scripts.laue_suites.suite import AskedSuite, run_rows

NAME = "laue-levels"
EPISODES = 500
COARSE, FINE = Goal(success=0.995, exposures=3), Goal(success=0.985, exposures=4)
"""What is to be reached at a tolerance of 0.25° and of 0.1°."""

_HARD = LAUE_LEVELS["hard"]
CAMERA = replace(_HARD, detector_shift_mm=2.0, detector_tilt_deg=1.0)
"""As hard, with a camera four times as far from where it is stated."""
ZERO_ERRORS = replace(_HARD, zero_error_deg=0.3)
"""As hard, and every axis has a zero error of 0.3° (standard deviation)."""

ROWS = (
    SuiteRow("real, 0.25°", "real", {"level": "real", "tolerance_deg": 0.25}, COARSE),
    SuiteRow("real, 0.1°", "real", {"level": "real", "tolerance_deg": 0.1}, FINE),
    SuiteRow("hard, 0.25°", "hard", {"level": "hard", "tolerance_deg": 0.25}, COARSE),
    SuiteRow("hard, 0.1°", "hard", {"level": "hard", "tolerance_deg": 0.1}, FINE),
    SuiteRow(
        "hard two-arc, 0.25°", "two-arc", {"level": "hard", "tolerance_deg": 0.25, "goniometer": "two-arc"}, COARSE
    ),
    SuiteRow("hard two-arc, 0.1°", "two-arc", {"level": "hard", "tolerance_deg": 0.1, "goniometer": "two-arc"}, FINE),
    SuiteRow("camera σ 2 mm 1°, 0.25°", "camera", {"level": CAMERA, "tolerance_deg": 0.25}, Goal(success=0.97)),
    SuiteRow(
        "zero errors σ 0.3°, 0.25°", "zero-errors", {"level": ZERO_ERRORS, "tolerance_deg": 0.25}, Goal(success=0.98)
    ),
)
"""Every row; ``calibrating`` takes the same prior on all of them."""


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite and return its figures, as ``run_rows``; ``options`` are "episodes", "policy", "level" and "page".

    Raises ValueError for an unknown level or policy, or numbers that make no sense.
    """
    rows = rows_of_group(ROWS, options.get("level"))
    title = "laue-levels: silicon, six-axis arm unless named"
    return run_rows(AskedSuite(NAME, title, rows, options.get("episodes", EPISODES), EPISODES, seed, options), console)
