"""`beamgym tune`: search for the hyperparameters of a training with Optuna; cut anywhere, it goes on."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from beamgym.physics.files import write_json
from beamgym.scripts.command_line import check_output
from beamgym.scripts.engine import check_place, executor_for


def tune_command(
    env_id: Annotated[str, typer.Argument(help="environment, such as beamgym/LaueAlign-v0")],
    config: Annotated[Path | None, typer.Option(help="YAML of what is not tried; the shipped one by default")] = None,
    space: Annotated[Path | None, typer.Option(help="YAML of what is tried: ranges and choices")] = None,
    trials: Annotated[int, typer.Option(min=1, help="trials in all, those of earlier calls included")] = 20,
    timesteps: Annotated[int | None, typer.Option(min=1, help="steps of each, instead of the configuration's")] = None,
    folder: Annotated[
        Path | None, typer.Option("--run", help="folder of the search; runs/tune-ENV-SEED by default")
    ] = None,
    seed: Annotated[int, typer.Option(help="seed of the trainings and of the search")] = 0,
    workers: Annotated[int, typer.Option(help="processes that train trials side by side; 0 trains in this one")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="write all trials to this file")] = None,
) -> None:
    """Try hyperparameters, keep what is good, and write the best as a configuration; the same command goes on."""
    from beamgym.agents.training import load_config
    from beamgym.agents.tuning import read_space, search, write_best

    check_output(json_file)
    check_place(workers, None)
    settings = load_config(env_id, config)
    if timesteps is not None:
        settings = settings.model_copy(update={"n_timesteps": timesteps})
    tried_keys = read_space(space, settings.algo)
    place = folder or Path("runs") / f"tune-{env_id.rsplit('/', maxsplit=1)[-1]}-{seed}"

    executor = executor_for(workers, None) if workers else None
    tell = lambda tried: typer.echo(_line(tried))  # noqa: E731
    found = search(
        env_id, settings, tried_keys, place, trials, seed, told=tell, executor=executor, at_once=max(workers, 1)
    )
    typer.echo(f"best: {_line(found[0])}")
    if math.isfinite(found[0].score):
        typer.echo(f"configuration: {write_best(env_id, settings, found[0], place)}")
    if json_file is not None:
        write_json(json_file, [asdict(tried) for tried in found])


def _line(tried: Any) -> str:
    words = {name: f"{value:.3g}" if isinstance(value, float) else value for name, value in tried.values.items()}
    parts = (f"{name} {word}" for name, word in words.items())
    return f"trial {tried.number} {tried.state}, score {tried.score:.3f}: {', '.join(parts)}"
