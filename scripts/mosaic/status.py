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

READS = {
    "scan.json": ("outlines.csv",),
    "corrections.csv": ("plate.json", "scan.json"),
    "layout.csv": ("plate.json", "crystals.csv", "corrections.csv"),
    "holder": ("plate.json", "layout.csv"),
    "forecast.json": ("plate.json", "layout.csv"),
    "check.csv": ("plate.json", "layout.csv"),
}
"""What each step reads that a person or another step may have written since."""
NEWER_S = 2.0
"""A file is newer than another by more than this, s: a folder that was copied is written within a moment."""


def status_command(
    folder: Annotated[Path, typer.Argument(help="The project folder.")],
) -> None:
    """Say which steps of a project are done, and which cells of its tables a person changed."""
    from beamgym.physics.mosaic.project import Project

    project = Project(folder)
    plate, used = project.plate, project.outlines()
    typer.echo(f"plate {plate.name} ({plate.plate_id}): {len(used)} crystals of {plate.material}")
    for file, step in FILES.items():
        newer = f" (older than {', '.join(since)})" if (since := _newer(folder, file)) else ""
        typer.echo(f"  {'done' if (folder / file).exists() else 'to do':6s} {step}{newer}")
    for name, lines in project.changed().items():
        for line in lines:
            typer.echo(f"changed by hand: {name}: {line}")


def _newer(folder: Path, file: str) -> list[str]:
    """Return which files that a step reads were written after what it wrote: it should be done again."""
    made = folder / "holder" / "holder.json" if file == "holder" else folder / file
    if not made.exists():
        return []
    when = made.stat().st_mtime + NEWER_S
    return [name for name in READS.get(file, ()) if (folder / name).exists() and (folder / name).stat().st_mtime > when]
