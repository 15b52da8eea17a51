"""`beamgym envs`: which environments there are."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.envs import ENVIRONMENTS
from beamgym.physics.files import write_json
from beamgym.scripts.command_line import check_output, run

_STEPS = 12
"""Random actions before a picture is taken."""
_WIDTH = 960
"""Of a picture, pixels."""


def envs_command(
    pictures: Annotated[
        Path | None,
        typer.Option(help="Write a picture of each task into this folder: twelve random steps from seed 1."),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the list here.")] = None,
) -> None:
    """List the registered environments, or draw them."""
    check_output(json_file)
    if pictures is not None:
        return _draw(pictures)
    rows = [{"id": name, "task": entry.about, "page": entry.page} for name, entry in ENVIRONMENTS.items()]
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("id", no_wrap=True)
    table.add_column("task")
    table.add_column("page", overflow="fold")
    for row in rows:
        table.add_row(row["id"], row["task"], row["page"])
    Console().print(table)
    if json_file is not None:
        write_json(json_file, rows)


def _draw(folder: Path) -> None:
    """Write a picture of the newest version of the first task of each page."""
    import gymnasium as gym

    from beamgym.envs.pictures import episode_strip

    folder.mkdir(parents=True, exist_ok=True)
    newest = {name.rpartition("-v")[0]: name for name in sorted(ENVIRONMENTS)}
    shown = {ENVIRONMENTS[name].page: task for task, name in reversed(newest.items())}
    for task in shown.values():
        name = newest[task]
        env = gym.make(name, render_mode="rgb_array", disable_env_checker=True)
        env.reset(seed=1)
        env.action_space.seed(1)
        for _ in range(_STEPS):
            *_, terminated, truncated, _ = env.step(env.action_space.sample())
            if terminated or truncated:
                env.reset()
        path = folder / f"{task.rpartition('/')[2]}.png"
        episode_strip([np.asarray(env.render())], path, width=_WIDTH)
        typer.echo(f"wrote {path}")
        env.close()


if __name__ == "__main__":
    run(envs_command)
