"""`beamgym mosaic status`: which steps of a project are done, and what a person changed since."""

from pathlib import Path
from typing import Annotated

import typer

FILES = {
    "outlines.csv": "outlines",
    "scan.json": "scan",
    "corrections.csv": "corrections",
    "layout.csv": "layout",
    "holder": "holder",
    "forecast.json": "forecast",
    "check.csv": "check",
}
"""What each step leaves in the folder, in order."""


def status_command(
    folder: Annotated[Path, typer.Argument(help="The project folder.")],
) -> None:
    """Say which steps of a project are done, and which cells of its tables a person changed."""
    from beamgym.physics.mosaic.project import Project

    project = Project(folder)
    plate, used = project.plate, project.outlines()
    typer.echo(f"plate {plate.name} ({plate.plate_id}): {len(used)} crystals of {plate.material}")
    for file, step in FILES.items():
        typer.echo(f"  {'done' if (folder / file).exists() else 'to do':6s} {step}")
    for name, lines in project.changed().items():
        for line in lines:
            typer.echo(f"changed by hand: {name}: {line}")
