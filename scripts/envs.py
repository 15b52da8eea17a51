"""`beamgym envs`: which environments there are."""

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.envs import ENVIRONMENTS
from beamgym.physics.files import write_json
from beamgym.scripts.command_line import check_output, run


def envs_command(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the list here.")] = None,
) -> None:
    """List the registered environments."""
    check_output(json_file)
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


if __name__ == "__main__":
    run(envs_command)
