"""beamgym index: one Laue image in, the crystal's orientation and the way to the target out."""

from pathlib import Path
from typing import Annotated

import typer

from beamgym.scripts.command_line import fail, run
from beamgym.scripts.indexing.defaults import DEFAULT_GONIOMETER, DEFAULT_TARGET, MOST_GRAINS, Eight


def index_command(
    image: Annotated[Path, typer.Argument(help="TIFF, mccd, CBF, EDF, HDF5 …; or a peak list X Y I (.txt .dat .cor)")],
    detector: Annotated[
        Path | None, typer.Option(help="geometry: .json, LaueTools .det .fit .cor, or .poni; or --camera")
    ] = None,
    camera: Annotated[
        str | None, typer.Option(help="in words: back-reflection, transmission or side, with --distance and --pixel")
    ] = None,
    distance: Annotated[float | None, typer.Option(help="from the sample to the film or panel, mm")] = None,
    pixel: Annotated[float | None, typer.Option(help="edge of a pixel of the picture, mm")] = None,
    dpi: Annotated[float | None, typer.Option(help="dots per inch of a scan, instead of --pixel")] = None,
    center: Annotated[
        tuple[float, float] | None, typer.Option(help="column and row, px, where the beam meets the panel; the middle")
    ] = None,
    flip: Annotated[
        str, typer.Option(help="a mirrored picture: horizontal or vertical; none is as an eye at the sample sees it")
    ] = "none",
    rotate: Annotated[int, typer.Option(help="by how much the picture is turned clockwise: 0, 90, 180 or 270")] = 0,
    fiducials: Annotated[
        Eight | None,
        typer.Option(help="X Y of four marks on the film, px, clockwise from the upper left: takes perspective out"),
    ] = None,
    fiducial_size: Annotated[
        tuple[float, float] | None, typer.Option(help="width and height of the marks' rectangle, mm")
    ] = None,
    max_radius: Annotated[
        float | None, typer.Option(help="leave out peaks farther than this from the beam's point on the panel, mm")
    ] = None,
    cif: Annotated[list[Path] | None, typer.Option(help="the crystal's CIF file; several: which fits?")] = None,
    crystal: Annotated[list[str] | None, typer.Option(help="or its name, such as Si; several: which fits?")] = None,
    radiation: Annotated[
        str | None, typer.Option(help="xray or neutron; neutron for a cylindrical plate, else xray")
    ] = None,
    band: Annotated[
        tuple[float, float] | None, typer.Option(help="lowest and highest photon energy, keV; 5 25 if not given")
    ] = None,
    wavelength: Annotated[
        tuple[float, float] | None,
        typer.Option(help="shortest and longest wavelength, Å, instead of --band; neutrons: 0.8 4 if not given"),
    ] = None,
    band_a: Annotated[
        str | None, typer.Option("--band-a", help="the same as --wavelength, with a comma: 0.8,4")
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help=f"what to bring where; several make a table; with --goniometer alone: '{DEFAULT_TARGET}'"),
    ] = None,
    goniometer_name: Annotated[
        str | None, typer.Option("--goniometer", help=f"preset or YAML file; with --target alone: {DEFAULT_GONIOMETER}")
    ] = None,
    at: Annotated[str | None, typer.Option(help="where the axes stand, such as 'phi=12.5, chi=3'; home if not")] = None,
    second: Annotated[
        Path | None, typer.Option(help="a second picture of the same crystal: tells the camera's hand, with --turned")
    ] = None,
    turned: Annotated[
        str | None, typer.Option(help="by how much the axes were turned for the second picture, such as 'phi=10'")
    ] = None,
    search_camera: Annotated[
        bool | None,
        typer.Option(
            "--search-camera/--no-search-camera",
            help="look for the camera within 10 % of the distance; on for a camera in words",
        ),
    ] = None,
    hand_over: Annotated[
        str | None,
        typer.Option(help="PRESET[:Å] of a diffractometer: writes UB and the first reflections there, docs/ub.md"),
    ] = None,
    grains: Annotated[int, typer.Option(help="crystal grains looked for at most", min=1)] = MOST_GRAINS,
    refine_detector: Annotated[
        bool, typer.Option("--refine-detector", help="fit the camera's geometry too, on a reference crystal")
    ] = False,
    detector_out: Annotated[Path | None, typer.Option(help="write the geometry used as .json")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the result as JSON")] = None,
    out: Annotated[Path | None, typer.Option(help="overlay PNG; IMAGE's name with -indexed.png if not given")] = None,
    h5: Annotated[Path | None, typer.Option(help="write everything as NeXus HDF5")] = None,
    pdf: Annotated[Path | None, typer.Option(help="write a page for the lab book")] = None,
    finder: Annotated[
        str | None,
        typer.Option(
            help="how spots are found: laboratory (films, tails, letters), detector or plate; one after the other"
        ),
    ] = None,
    threshold: Annotated[float, typer.Option(help="least significance of a peak, standard deviations")] = 5.0,
    max_peaks: Annotated[int, typer.Option(help="brightest peaks to use")] = 200,
    saturation: Annotated[float | None, typer.Option(help="count at which a pixel is full")] = None,
    frame: Annotated[int, typer.Option(help="which image of a file with several, from 0")] = 0,
    dataset: Annotated[str | None, typer.Option(help="HDF5 path of the image")] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(
            help="pixels to leave out: an image (all but 0), or a rectangle COLUMN,ROW,COLUMN,ROW; repeatable"
        ),
    ] = None,
    invert: Annotated[
        bool | None,
        typer.Option("--invert/--no-invert", help="dark spots on a light ground, as on a film; seen if clear"),
    ] = None,
    grey: Annotated[bool, typer.Option("--grey", help="take the mean of a colour picture's channels")] = False,
    one_based: Annotated[
        bool | None,
        typer.Option("--one-based/--zero-based", help="a peak list's first pixel is 1 or 0; as the list says, else 0"),
    ] = None,
    seed: Annotated[int, typer.Option(help="unused: indexing draws no random numbers")] = 0,
) -> None:
    """Index a Laue pattern; print UB, the figures, and the turn of each axis that brings the target home."""
    # imported here, so that --help need not wait for them
    from beamgym.scripts.handing_over import HandOver
    from beamgym.scripts.indexing.camera_options import CameraOptions
    from beamgym.scripts.indexing.indexed import check_options, index_picture
    from beamgym.scripts.indexing.outputs import OutputFiles
    from beamgym.scripts.indexing.solving import Solving
    from beamgym.scripts.indexing.source import PictureSource
    from beamgym.scripts.indexing.text import as_text
    from beamgym.scripts.indexing.turning import Turning
    from beamgym.scripts.indexing.words import load_crystals, radiation_of, read_band, wavelength_of

    try:
        files = OutputFiles(out or image.with_name(f"{image.stem}-indexed.png"), json_file, h5, detector_out, pdf)
        files.check()
        check_options(saturation, max_radius, second, turned)
        geometry = CameraOptions(detector, camera, distance, pixel, dpi, center, flip, rotate, fiducials, fiducial_size)
        samples = load_crystals(cif, crystal, radiation_of(radiation, geometry))
        energies = read_band(band, wavelength_of(wavelength, band_a), samples[0].radiation)
        source = PictureSource(
            geometry,
            finder,
            threshold,
            max_peaks,
            max_radius,
            saturation,
            frame,
            dataset,
            one_based,
            tuple(mask or ()),
            invert,
            grey,
        )
        turning = Turning.read(samples, target, goniometer_name, at, second, turned)
        solving = Solving(samples, energies, refine_detector, search_camera)
        onward = None if hand_over is None else HandOver.read(hand_over, image)
        report = index_picture(image, source, solving, turning, grains, files, onward)
    except (ValueError, OSError) as error:
        fail(error)
    typer.echo(as_text(report))


if __name__ == "__main__":
    run(index_command)
