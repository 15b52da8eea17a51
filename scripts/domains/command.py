"""The options of `beamgym domains`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from beamgym.scripts.command_line import check_output, run


def domains_command(
    file: Annotated[Path, typer.Argument(help="A cut or an (x, y) map of cuts; formats as of beamgym score.")],
    method: Annotated[str, typer.Option(help="For a cut: network, mixture, peaks or autocorrelation.")] = "network",
    dataset: Annotated[str | None, typer.Option(help="Of the file, where it holds several spectra.")] = None,
    energy_axis: Annotated[
        str | None, typer.Option(help="Its NAME or number; with =FIRST:LAST without numbers.")
    ] = None,
    angle_axis: Annotated[str | None, typer.Option(help="The same for the angle along the slit.")] = None,
    kinetic: Annotated[bool, typer.Option("--kinetic", help="The energies are kinetic.")] = False,
    binding: Annotated[bool, typer.Option("--binding", help="They are relative to the Fermi level.")] = False,
    fermi_level: Annotated[float | None, typer.Option(help="On the file's energy axis, eV.")] = None,
    photon_energy: Annotated[float | None, typer.Option(help="eV; for momenta.")] = None,
    unit: Annotated[list[str] | None, typer.Option(help="Of an axis: eV, meV, deg, rad, mrad, 1/A; repeats.")] = None,
    gain: Annotated[float, typer.Option(help="The file's units for one electron.")] = 1.0,
    dead_as_zero: Annotated[bool, typer.Option("--dead-as-zero", help="Pixels that are NaN count as 0.")] = False,
    most: Annotated[int, typer.Option(help="Domains that are looked for over a sample.", min=1, max=6)] = 4,
    seed: Annotated[int, typer.Option(help="Of the halves into which counts are split.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder of pictures and tables; none if left out.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here.")] = None,
) -> None:
    """Count the domains: offsets and weights in a cut, labels and weights over a sample."""
    check_output(json_file)
    if kinetic and binding:
        raise ValueError("energies are either --kinetic or --binding; say one of them")
    # imported here, so that --help need not wait for them
    from beamgym.physics.arpes.load import LoadWords
    from beamgym.physics.files import write_json
    from beamgym.scripts.domains.found import Asked, answer
    from beamgym.scripts.domains.text import as_text

    scale: Literal["kinetic", "binding"] | None = "kinetic" if kinetic else "binding" if binding else None
    words = LoadWords(
        energy_axis, angle_axis, scale, tuple(unit or ()), dataset, fermi_level, photon_energy, gain, dead_as_zero
    )
    report = answer(Asked(file, words, method, most, seed, out))
    typer.echo(as_text(report))
    if json_file is not None:
        write_json(json_file, report)


if __name__ == "__main__":
    run(domains_command)
