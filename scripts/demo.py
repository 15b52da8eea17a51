"""`beamgym demo`: crystals in, aligned crystals out, with a table and pictures to look at."""

from pathlib import Path
from typing import Annotated

import typer

from beamgym.scripts.command_line import check_output, run
from beamgym.scripts.settings import Settings

DEMO_ENV_ID = "beamgym/LaueAlign-v0"
LEVEL = "real"
OTHER_CRYSTAL = "quartz"
"""The second crystal where no CIF is given: trigonal, where silicon is cubic."""


def demo_command(
    cif: Annotated[
        Path | None, typer.Option(help=f"CIF file of a second crystal; {OTHER_CRYSTAL} if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random starts.")] = 0,
    episodes: Annotated[int, typer.Option(help="Random starts per crystal.", min=1)] = 5,
    level: Annotated[str, typer.Option(help="Difficulty: easy, real, hard, harsh or dim, or a level's file.")] = LEVEL,
    detector: Annotated[
        str | None, typer.Option(help="Camera: a name, or a file (.det, .fit, .poni or .json).")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the pictures; made where it is missing.")] = Path("out"),
    settings: Settings = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Align crystals from random starts: silicon, and a second one, by the policy that measured best."""
    from beamgym.scripts.demonstrating import Demo, show_demo

    check_output(json_file)
    if out.exists() and not out.is_dir():
        raise ValueError(f"cannot write into {out}: it is a file; give a folder with --out")
    other, chosen = cif or OTHER_CRYSTAL, tuple(settings or ())
    show_demo(Demo(DEMO_ENV_ID, other, seed, episodes, level, detector, chosen, out, json_file))


if __name__ == "__main__":
    run(demo_command)
