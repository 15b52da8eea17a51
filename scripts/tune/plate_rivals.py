"""`python scripts/tune/plate_rivals.py`: tries settings of the rivals that scan a plate, on tuning plates."""

from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer

import beamgym  # noqa: F401 - registers the environments
from beamgym.agents.baselines.plate import QuickScan, ScanRules, Serpentine
from beamgym.agents.evaluation import evaluate_in, make_vector_env
from beamgym.physics.files import write_json
from beamgym.scripts.command_line import check_output, fail, run

_SIDE_BY_SIDE = 50
RIVALS: dict[str, type[ScanRules]] = {policy.name: policy for policy in (Serpentine, ScanRules, QuickScan)}
GRIDS: dict[str, dict[str, tuple[float, ...]]] = {
    "serpentine": {"exposure_s": (0.5, 1.0, 2.0, 5.0, 10.0)},
    "scan": {"exposure_s": (0.5, 1.0, 2.0), "places": (2, 3, 4), "more_looks": (1, 2), "longer": (4.0, 10.0)},
}
"""Settings of each rival; `quick-scan` has the rules of `scan`."""


def tried_settings(name: str, plates: int, seed: int, level: str) -> list[dict[str, Any]]:
    """Return every setting of a rival with its success rate and median beam time, the best first."""
    env = make_vector_env("beamgym/PlateScan-v0", _SIDE_BY_SIDE, level, {})
    found = []
    for values in product(*GRIDS[name].values()):
        settings = dict(zip(GRIDS[name], values, strict=True))
        policy = type("Tuned", (RIVALS[name],), settings)()
        result = evaluate_in(policy, env, plates, seed, purpose="tuning")
        found.append({"rival": name, **settings, **result.as_dict()})
    return sorted(found, key=lambda each: (-each["success_rate"], each["instrument_s_median"]))


def tune_plate_rivals(
    policy: Annotated[list[str] | None, typer.Option(help="A rival; repeats. Default: all.")] = None,
    plates: Annotated[int, typer.Option(min=1, help="Plates for each setting.")] = 100,
    seed: Annotated[int, typer.Option(help="Which set of tuning plates.")] = 0,
    level: Annotated[str, typer.Option(help="Difficulty: easy, real or hard.")] = "real",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all that was tried here.")] = None,
) -> None:
    """Try every setting of the grids on tuning plates; the ten best of each rival are printed, the best first."""
    every = []
    try:
        check_output(json_file)
        for name in policy or GRIDS:
            if name not in GRIDS:
                raise ValueError(f"{name!r} has no grid; choose one of {', '.join(GRIDS)}")
            ranked = tried_settings(name, plates, seed, level)
            every += ranked
            for tried in ranked[:10]:
                settings = ", ".join(f"{key} {tried[key]:g}" for key in GRIDS[name])
                reached = f"success {100 * tried['success_rate']:.1f} %, {tried['instrument_s_median']:.0f} s"
                typer.echo(f"{name}: {reached}: {settings}")
    except (ValueError, TypeError, OSError) as error:
        fail(error)
    if json_file is not None:
        write_json(json_file, every)


if __name__ == "__main__":
    run(tune_plate_rivals)
