"""The options of `beamgym fit-level`, and what it prints."""

from pathlib import Path
from typing import Annotated

import typer

from beamgym.scripts.command_line import check_output, run


def fit_level_command(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Folders that `beamgym deploy` wrote, or their training.h5.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The level's file; it must end in .yaml.")] = Path("my_instrument.yaml"),
    instrument: Annotated[
        Path | None, typer.Option("--instrument", "-i", help="Instrument file; the one kept with the runs by default.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Compare with these numbers, a level's name or file: of a practice instrument.")
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(help="Instead of runs: fit so many simulated instruments of the level --against.", min=1),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of what is simulated.", min=0)] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Estimate false spots, losses, jitter, play and camera errors from recorded runs, as a level to train on."""
    for path in (out, json_file):
        check_output(path)
    if trials is not None:
        from beamgym.scripts.fit_level.trials import try_fits

        if runs or instrument is not None:
            raise ValueError("--trials simulates its own runs: leave the recorded runs and --instrument out")
        return try_fits(against or "real", trials, seed, json_file)
    if not runs:
        raise ValueError("name the folders of recorded runs: beamgym fit-level out --out my_instrument.yaml")
    from beamgym.scripts.fit_level.recorded import fit_recorded

    return fit_recorded(runs, out, instrument, against, seed, json_file)


if __name__ == "__main__":
    run(fit_level_command)
