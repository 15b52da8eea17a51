"""The options of `beamgym ub`."""

from pathlib import Path
from typing import Annotated

import typer

from beamgym.scripts.command_line import check_output, fail


def ub_command(
    reflections: Annotated[
        Path,
        typer.Argument(
            help="CSV: a column for each axis in degrees, or qx qy qz in 1/Å; intensity, h, k, l if known. Or a sweep: "
            "HDF5, or a folder of frames"
        ),
    ],
    cell: Annotated[
        str | None, typer.Option(help="a,b,c,alpha,beta,gamma in Å and degrees; without it, see the page")
    ] = None,
    spacegroup: Annotated[
        str | None, typer.Option(help="such as 'P 21/c': its absent reflections are left out")
    ] = None,
    cif: Annotated[
        Path | None, typer.Option(help="the structure, instead of --cell: weak reflections count less")
    ] = None,
    crystal: Annotated[str | None, typer.Option(help="or its name, such as Si")] = None,
    radiation: Annotated[str, typer.Option(help="xray or neutron")] = "xray",
    preset: Annotated[str, typer.Option(help="e4cv, e4ch, neutron-4c, kappa, psic or tas")] = "e4cv",
    wavelength: Annotated[float | None, typer.Option(help="Å")] = None,
    energy: Annotated[float | None, typer.Option(help="keV, instead of --wavelength")] = None,
    error: Annotated[float, typer.Option(help="one standard deviation of every angle, degrees")] = 0.1,
    omega_relative: Annotated[
        bool, typer.Option("--omega-relative", help="omega is counted from the bisecting position")
    ] = False,
    along: Annotated[
        list[str] | None,
        typer.Option(
            help="a known direction: '[001] 0 0 1 2' or '(110) 0 0 1 2': where it points at zero angles, ± degrees"
        ),
    ] = None,
    prior: Annotated[
        Path | None, typer.Option(help="the file that beamgym index --hand-over has written: an orientation, ± 5°")
    ] = None,
    refine: Annotated[
        list[str] | None,
        typer.Option(help="besides UB: an axis, whose zero is fitted, offset, wavelength or cell; repeats"),
    ] = None,
    distance: Annotated[float, typer.Option(help="from the sample to the detector, mm, for --refine offset")] = 500.0,
    looks: Annotated[int, typer.Option(help="places to look at next", min=0, max=20)] = 3,
    detector: Annotated[
        Path | None, typer.Option(help="of a sweep: the detector's geometry, .poni, .json, LaueTools or NeXus")
    ] = None,
    axis: Annotated[str | None, typer.Option(help="of a sweep: the axis that turned; else the rocking angle")] = None,
    at: Annotated[str | None, typer.Option(help="of a sweep: where the others stand, as chi=0,phi=45")] = None,
    start: Annotated[float | None, typer.Option(help="of a sweep: degrees where the first frame begins")] = None,
    step: Annotated[float | None, typer.Option(help="of a sweep: degrees a frame")] = None,
    data: Annotated[str | None, typer.Option(help="of a sweep: HDF5 path of the stack")] = None,
    mask: Annotated[
        list[str] | None, typer.Option(help="of a sweep: pixels to ignore, a rectangle or an image; repeats")
    ] = None,
    threshold: Annotated[float, typer.Option(help="of a sweep: standard deviations of a spot", min=3.0)] = 6.0,
    picture: Annotated[Path | None, typer.Option(help="of a sweep: draw it here, PNG")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the result as JSON")] = None,
) -> None:
    """Find UB from observed reflections: candidates with probabilities, residuals, and where to look next."""
    # imported here, so that --help need not wait for them
    from beamgym.physics.files import write_json
    from beamgym.scripts.ub.found import Asked, answer, read_known, read_wavelength
    from beamgym.scripts.ub.sweep_files import is_sweep
    from beamgym.scripts.ub.swept import SweepAsked, swept_answer
    from beamgym.scripts.ub.text import as_text

    try:
        check_output(json_file)
        check_output(picture)
        sweep = is_sweep(reflections)
        stated_a = None if sweep and wavelength is None and energy is None else read_wavelength(wavelength, energy)
        asked = Asked(
            reflections,
            read_known(cell, spacegroup, cif, crystal, radiation),
            preset,
            1.0 if stated_a is None else stated_a,
            error,
            omega_relative,
            tuple(along or ()),
            prior,
            tuple(refine or ()),
            distance,
            looks,
        )
        if sweep:
            given = SweepAsked(detector, axis, at, start, step, data, tuple(mask or ()), threshold, picture)
            report = swept_answer(asked, given, stated_a)
        else:
            report = answer(asked)
        if json_file is not None:
            write_json(json_file, report)
    except (ValueError, TypeError, OSError) as problem:
        fail(problem)
    typer.echo(as_text(report))
