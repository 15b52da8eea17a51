"""The suite `beamgym benchmark laue-image`: crystals aligned by images, and rendered frames beside drawn lists."""

from typing import Any

from rich.console import Console

from beamgym.scripts.laue_suites.crystals import CRYSTALS
from beamgym.scripts.laue_suites.rows import Goal, SuiteRow, rows_of_group
from beamgym.scripts.laue_suites.suite import AskedSuite, run_rows

NAME = "laue-image"
EPISODES = 500
ENV_ID = "beamgym/LaueAlignImage-v0"
GOAL = Goal(success=0.98)
"""What is to be reached with 84 × 84 pixels at the level "real"."""
SIZES = (36, 48, 128, 224)
APART = 0.02
"""By so much at most the share aligned of rendered frames may differ from that of drawn lists."""


def _images(name: str, group: str, level: str, goal: Goal | None = None, **options: Any) -> SuiteRow:
    return SuiteRow(name, group, {"level": level, **options}, goal, ENV_ID)


def _frames(level: str) -> tuple[SuiteRow, SuiteRow]:
    """Return the rows of one level's lists and of its rendered frames, on the same starts."""
    lists = SuiteRow(f"lists, {level}", "rendered", {"level": level})
    options = {"level": level, "frames": "rendered"}
    goal = Goal(beside=lists.name, apart=APART)
    return lists, SuiteRow(f"rendered, {level}", "rendered", options, goal)


ROWS = (
    _images("Si 84², real", "real", "real", GOAL),
    _images("Si 84², real, 0.1°", "real", "real", tolerance_deg=0.1),
    _images("Si 84², hard", "hard", "hard"),
    _images("Si 84², hard, 0.1°", "hard", "hard", tolerance_deg=0.1),
    *(_images(f"Si {size}², hard", "sizes", "hard", size=size) for size in SIZES),
    *(_images(f"{crystal} 84², hard", "crystals", "hard", crystal=crystal) for crystal in CRYSTALS if crystal != "Si"),
    *_frames("real"),
    *_frames("hard"),
)
"""Every row; the last four play LaueAlign-v0."""


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite and return its figures, as ``run_rows``; ``options`` are "episodes", "policy", "level" and "page".

    Raises ValueError for an unknown level or policy, or numbers that make no sense.
    """
    rows = rows_of_group(ROWS, options.get("level"))
    title = "laue-image: six-axis arm, 0.25° unless named"
    return run_rows(AskedSuite(NAME, title, rows, options.get("episodes", EPISODES), EPISODES, seed, options), console)
