"""`beamgym deploy --new`: from EPICS records to an instrument file, and what is left to decide."""

from pathlib import Path
from typing import Any

import typer

from beamgym.physics.files import write_json

_OPTIONS = {
    "goniometer_name": "goniometer",
    "heartbeats": "heartbeat",
    "suspenders": "suspend",
    "options": "option",
}
"""Names of options whose arguments have another name."""


def write_new(path: Path, words: dict[str, Any], json_file: Path | None) -> None:
    """Write an instrument file and print what a human has to decide in it.

    Parameters
    ----------
    path : of the new file
    words : the arguments of ``new_instrument``, as the command line has them
    json_file : the result goes here too

    Raises
    ------
    ValueError : in one line, what is missing, does not answer, or is there already
    """
    if words["kind"] is None:
        raise ValueError("--new needs to know what is written: --kind laue or --kind arpes")
    try:
        from beamgym.hardware_bridge.new_instrument import new_instrument, write_instrument
    except ImportError as error:
        raise ValueError(str(error)) from None
    given = {name: value for name, value in words.items() if value is not None}
    kind, axes, camera = given.pop("kind"), given.pop("axes", ()), given.pop("camera", None)
    written = write_instrument(path, new_instrument(kind, axes, camera, **given))
    typer.echo(f"{path}: written from the records; nothing was written to any PV. A human has to decide:")
    for number, text in written.undecided:
        typer.echo(f"  line {number:>3}  {text}")
    typer.echo(f"then: beamgym deploy POLICY --instrument {path} --check")
    if json_file is not None:
        write_json(json_file, {"file": str(path), "undecided": [list(each) for each in written.undecided]})


def refuse_words_of_new(words: dict[str, Any]) -> None:
    """Raise ValueError where an option of ``--new`` is given without it."""
    for name, value in words.items():
        if value:
            raise ValueError(
                f"--{_OPTIONS.get(name, name)} belongs to --new FILE; an instrument file says it otherwise"
            )
