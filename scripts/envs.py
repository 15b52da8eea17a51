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

ABOUT: dict[str, tuple[str, str]] = {
    "beamgym/LaueAlign-v0": (
        "turn a given crystal until it stands as asked; found spots",
        "docs/environments/laue_align.md",
    ),
    "beamgym/LaueAlignImage-v0": (
        "the same from the camera's image",
        "docs/environments/laue_align_image.md",
    ),
    "beamgym/LaueZone-v0": (
        "find a symmetry axis of an unknown crystal; images, two axes",
        "docs/environments/laue_zone.md",
    ),
    "beamgym/ArpesSpot-v0": (
        "find the best spot of a cleaved sample; spectra and their scores",
        "docs/environments/arpes_spot.md",
    ),
    "beamgym/ArpesSpotImage-v0": (
        "the same from the spectra and the position only",
        "docs/environments/arpes_spot.md",
    ),
}
"""What each registered environment asks for, and the page that describes it."""


def envs_command(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the list here.")] = None,
) -> None:
    """List the registered environments."""
    check_output(json_file)
    rows = [{"id": name, "task": ABOUT[name][0], "page": ABOUT[name][1]} for name in ENVIRONMENTS]
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
