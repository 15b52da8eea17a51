"""`python scripts/tune/rivals.py`: tunes the searches for a spot, and prints the settings to be written down."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import beamgym  # noqa: F401 - registers the environments
from beamgym.agents.evaluation import GRIDS, Tried, episodes_needed, first_seed, make_vector_env, tune
from beamgym.physics.files import write_json
from beamgym.scripts.command_line import check_output, fail, run

_SIDE_BY_SIDE = 40


def tune_rivals(
    policy: Annotated[list[str] | None, typer.Option(help="A rival; repeats. Default: all that can be tuned.")] = None,
    surfaces: Annotated[int, typer.Option(help="Surfaces for the settings that get so far.")] = 200,
    seed: Annotated[int, typer.Option(help="Which set of tuning surfaces.")] = 0,
    level: Annotated[str, typer.Option(help="Difficulty: easy, real or hard.")] = "real",
    score: Annotated[str | None, typer.Option(help="Who scores; the environment's default otherwise.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what was tried here.")] = None,
) -> None:
    """Tune the rivals of ArpesSpot by successive halving; those on the last rung are printed, the best first."""
    found: dict[str, list[Tried]] = {}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    try:
        check_output(json_file)
        first_seed("tuning", seed)
        env = make_vector_env("beamgym/ArpesSpot-v0", _SIDE_BY_SIDE, level, {"score": score} if score else {})
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            for name in policy or GRIDS:
                bar = progress.add_task(name, total=episodes_needed(name, surfaces) if name in GRIDS else None)
                found[name] = tune(name, env, surfaces, seed, partial(progress.advance, bar))
    except (ValueError, TypeError, OSError) as error:
        fail(error)
    for name, ranked in found.items():
        for tried in ranked:
            typer.echo(
                f"{name}: success {100 * tried.success_rate:.1f} %, beam s {tried.beam_s_median:.1f}, "
                f"penalised s {tried.penalised_s:.1f}: {tried.settings}"
            )
    if json_file is not None:
        write_json(json_file, {name: [asdict(tried) for tried in ranked] for name, ranked in found.items()})


if __name__ == "__main__":
    run(tune_rivals)
