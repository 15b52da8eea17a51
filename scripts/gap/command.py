"""The options of `beamgym gap`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from beamgym.scripts.command_line import check_output, run


def gap_command(
    file: Annotated[
        Path, typer.Argument(help="An EDC (two columns of text), a cut, a series or a map; as beamgym score.")
    ],
    resolution: Annotated[str, typer.Option(help="Full width at half maximum, meV, as 8 or 8+-1.")],
    temperature: Annotated[
        str | None, typer.Option(help="Of the sample's electrons, K, as 20 or 20+-2; not where the file has that axis.")
    ] = None,
    kind: Annotated[
        str, typer.Option(help="superconducting, cdw, hard or dynes; any compares them.")
    ] = "superconducting",
    centre: Annotated[
        str | None, typer.Option(help="Of the gap, meV from the Fermi level, as 3+-2; for cdw, hard and dynes.")
    ] = None,
    band: Annotated[
        str | None, typer.Option(help="Energy of the band where a superconducting EDC was taken, meV, as 0+-3.")
    ] = None,
    fermi: Annotated[
        str | None, typer.Option(help="Fermi level on the file's energy axis, eV, as 16.871+-0.001.")
    ] = None,
    gold: Annotated[
        Path | None, typer.Option(help="A metal's edge on the same axis: the Fermi level is fitted to it.")
    ] = None,
    gold_temperature: Annotated[float | None, typer.Option(help="Of the metal, K; the sample's if left out.")] = None,
    window: Annotated[tuple[float, float], typer.Option(help="Energies to fit: LOW HIGH, meV.")] = (-150.0, 60.0),
    at: Annotated[float | None, typer.Option(help="Of a cut: the Fermi momentum's place along the slit.")] = None,
    within: Annotated[float | None, typer.Option(help="Of a cut: half of the width that is used about it.")] = None,
    each: Annotated[bool, typer.Option("--each", help="Every column of a cut is an EDC of its own.")] = False,
    every: Annotated[int, typer.Option(help="Add up so many energies to one.", min=1)] = 1,
    dataset: Annotated[str | None, typer.Option(help="Name or number of one of several spectra.")] = None,
    energy_axis: Annotated[str | None, typer.Option(help="NAME or number, with =FIRST:LAST; as beamgym score.")] = None,
    angle_axis: Annotated[str | None, typer.Option(help="The same for the slit.")] = None,
    unit: Annotated[list[str] | None, typer.Option(help="Of an axis: eV, meV; deg, rad, mrad, 1/A; repeats.")] = None,
    kinetic: Annotated[bool, typer.Option("--kinetic", help="The energies are kinetic.")] = False,
    binding: Annotated[bool, typer.Option("--binding", help="The energies are relative to the Fermi level.")] = False,
    gain: Annotated[str, typer.Option(help="The file's units for one electron; noise takes it from the noise.")] = "1",
    fits: Annotated[bool, typer.Option("--fits", help="Beside it, the fits people make.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for table and picture; none if left out.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here.")] = None,
) -> None:
    """Find the gap at the Fermi level, its error, and the smallest gap that could have been told."""
    check_output(json_file)
    # imported here, so that --help need not wait for them
    from beamgym.physics.arpes.load import LoadWords
    from beamgym.physics.files import write_json
    from beamgym.scripts.gap.found import Asked, answer
    from beamgym.scripts.gap.text import as_text

    if kinetic and binding:
        raise ValueError("energies are either --kinetic or --binding; say one of them")
    words = LoadWords(
        energy_axis=energy_axis,
        angle_axis=angle_axis,
        scale="kinetic" if kinetic else "binding" if binding else None,
        units=tuple(unit or ()),
        dataset=dataset,
        gain=_gain(gain),
    )
    conditions = (temperature, resolution, centre, band, fermi, gold, gold_temperature)
    asked = Asked(file, words, kind, *conditions, window, at, within, each, every, fits, out)
    report = answer(asked)
    typer.echo(as_text(report))
    if json_file is not None:
        write_json(json_file, report)


def _gain(words: str) -> float | Literal["noise"]:
    if words == "noise":
        return "noise"
    try:
        return float(words)
    except ValueError:
        raise ValueError(f"--gain {words!r}: give a number, or noise") from None


if __name__ == "__main__":
    run(gap_command)
