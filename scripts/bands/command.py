"""The options of `beamgym bands`."""

from pathlib import Path
from typing import Annotated

import typer

from beamgym.scripts.command_line import check_output, run


def bands_command(
    cube: Annotated[Path, typer.Argument(help="HDF5 (NeXus, or data sets E, kx, ky), npz, Igor: a cube or a line.")],
    theory: Annotated[
        list[Path], typer.Option(help="Calculated bands to start from: .h5, .csv, .json; repeats, and is compared.")
    ],
    bands: Annotated[int | None, typer.Option(help="How many of the highest; all of the theory if left out.")] = None,
    method: Annotated[str, typer.Option(help="joint, plain, curvature or offset; see the page.")] = "joint",
    eta: Annotated[float, typer.Option(help="Usual difference between neighbours, eV, of plain fields.")] = 0.1,
    eta_curvature: Annotated[float, typer.Option(help="Usual second difference, eV, of method curvature.")] = 0.1,
    no_align: Annotated[bool, typer.Option("--no-align", help="The theory lies where it is to start.")] = False,
    k_scale: Annotated[float, typer.Option(help="The theory's momenta are multiplied by it.")] = 1.0,
    shift: Annotated[float, typer.Option(help="Added to the theory before anything else, eV.")] = 0.0,
    dataset: Annotated[str | None, typer.Option(help="Of the cube's file, where it holds several.")] = None,
    fermi: Annotated[float | None, typer.Option(help="Fermi level on the file's energy axis, eV.")] = None,
    photon_energy: Annotated[float | None, typer.Option(help="eV, for angles.")] = None,
    work_function: Annotated[float | None, typer.Option(help="eV, for angles.")] = None,
    length: Annotated[float | None, typer.Option(help="Of a line whose momenta have no values, 1/Å.")] = None,
    window: Annotated[tuple[float, float] | None, typer.Option(help="Energies to keep: LOW HIGH, eV.")] = None,
    every: Annotated[int, typer.Option(help="Bin so many momenta into one, along each axis.", min=1)] = 1,
    lattice: Annotated[
        str | None, typer.Option(help="hexagonal or square, and a in Å, as hexagonal:3.28; keeps the first zone only.")
    ] = None,
    azimuth: Annotated[float, typer.Option(help="Of the lattice's first reciprocal vector against kx, degrees.")] = 0.0,
    symmetrise: Annotated[int, typer.Option(help="Mean over so many turns about the zone's centre.", min=1)] = 1,
    keep_background: Annotated[bool, typer.Option("--keep-background", help="The cube has none any more.")] = False,
    opening: Annotated[float | None, typer.Option(help="Besides, take away what is wider than this, eV.")] = None,
    pointwise: Annotated[
        bool, typer.Option("--pointwise", help="Fit the two highest bands curve by curve too.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the answers drawn for the errors.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for bands, features and pictures; none if left out.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here.")] = None,
) -> None:
    """Reconstruct the band structure in a cube, from a calculated one that is shifted and scaled onto it first."""
    check_output(json_file)
    # imported here, so that --help need not wait for them
    from beamgym.physics.bands.files import CubeWords
    from beamgym.physics.files import write_json
    from beamgym.scripts.bands.found import Asked, answer
    from beamgym.scripts.bands.text import as_text

    words = CubeWords(dataset, fermi, photon_energy, work_function, length, window, every)
    asked = Asked(
        cube,
        tuple(theory),
        words,
        bands,
        method,
        eta,
        eta_curvature,
        not no_align,
        k_scale,
        shift,
        lattice,
        azimuth,
        symmetrise,
        not keep_background,
        opening,
        pointwise,
        seed,
        out,
    )
    report = answer(asked)
    typer.echo(as_text(report))
    if json_file is not None:
        write_json(json_file, report)


if __name__ == "__main__":
    run(bands_command)
