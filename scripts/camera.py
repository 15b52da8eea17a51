"""beamgym camera: the geometry of a hand-turned camera from a few words, as a file and as a drawing."""

from math import asin, degrees
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamgym.scripts.command_line import check_output, fail, run

if TYPE_CHECKING:
    from beamgym.physics.laue.stated_camera import StatedCamera

DEFAULT_SHAPE = (1000, 1000)
"""Of the drawing alone, where no picture is known yet."""


def camera_command(
    place: Annotated[str, typer.Argument(help="back-reflection, transmission or side")],
    distance: Annotated[float, typer.Option(help="from the sample to the film or panel, mm")],
    pixel: Annotated[float | None, typer.Option(help="edge of a pixel of the picture, mm")] = None,
    dpi: Annotated[float | None, typer.Option(help="dots per inch of a scan, instead of --pixel")] = None,
    center: Annotated[
        tuple[float, float] | None, typer.Option(help="column and row, px, where the beam meets the panel; the middle")
    ] = None,
    shape: Annotated[
        tuple[int, int] | None, typer.Option(help="rows and columns of the picture; if not given, the picture says")
    ] = None,
    image: Annotated[Path | None, typer.Option(help="a picture of this camera, instead of --shape")] = None,
    flip: Annotated[
        str, typer.Option(help="a mirrored picture: horizontal or vertical; none is as an eye at the sample sees it")
    ] = "none",
    rotate: Annotated[int, typer.Option(help="by how much the picture is turned clockwise: 0, 90, 180 or 270")] = 0,
    goniometer_name: Annotated[
        str, typer.Option("--goniometer", help="the head to draw: a preset or a YAML file")
    ] = "two-arc",
    out: Annotated[Path, typer.Option(help="the geometry file")] = Path("camera.json"),
    picture: Annotated[Path | None, typer.Option(help="the drawing; --out's name with .png if not given")] = None,
    seed: Annotated[int, typer.Option(help="unused: nothing is drawn at random")] = 0,
) -> None:
    """Write a camera's geometry file, and draw beam, panel, head, and the sense of every +."""
    from beamgym.envs.pictures import draw_camera
    from beamgym.physics.goniometer import goniometer, sense_words
    from beamgym.physics.laue.files import read_image, save_stated_camera
    from beamgym.physics.laue.stated_camera import StatedCamera, pixel_of_dpi

    try:
        drawing = picture or out.with_suffix(".png")
        for file in (out, drawing):
            check_output(file)
        if out.suffix.lower() != ".json" or drawing.suffix.lower() != ".png":
            raise ValueError(f"--out writes .json and --picture .png, got {out} and {drawing}")
        if (pixel is None) == (dpi is None):
            raise ValueError("give the pixel once: --pixel MM, or --dpi N of a scan")
        if shape is not None and image is not None:
            raise ValueError("give the picture's size once: --shape ROWS COLS, or --image FILE")
        if image is not None:
            rows, columns = read_image(image).image.shape
            shape = (rows, columns)
        edge = pixel if pixel is not None else pixel_of_dpi(dpi or 0.0)
        camera = StatedCamera(place, distance, edge, center, shape, flip, rotate)
        head = goniometer(goniometer_name)
        panel = camera.detector(_drawn_shape(camera))
        draw_camera(drawing, panel, head, words := _words(camera))
        save_stated_camera(camera, out)
    except (ValueError, OSError) as error:
        fail(error)
    low, high = panel.sin_theta_range()
    typer.echo("\n".join(words))
    if camera.shape is not None:
        typer.echo(f"scattering angles 2θ: {_two_theta(low):.0f}° to {_two_theta(high):.0f}°")
    typer.echo("\n".join(f"{axis.name}: {sense_words(axis)}" for axis in head.axes))
    typer.echo(f"wrote {out}\nwrote {drawing}: compare it with your camera before you trust a turn")


def _drawn_shape(camera: "StatedCamera") -> tuple[int, int]:
    """Return the picture's shape; where none is known, one with the stated centre in its middle."""
    if camera.shape is not None:
        return camera.shape
    if camera.center_px is None:
        return DEFAULT_SHAPE
    column, row = camera.center_px
    return max(int(2 * row) + 1, 1), max(int(2 * column) + 1, 1)


def _words(camera: "StatedCamera") -> list[str]:
    middle = "the picture's middle"
    if camera.center_px is not None:
        middle = f"column {camera.center_px[0]:g}, row {camera.center_px[1]:g}"
    size = "as the picture" if camera.shape is None else f"{camera.shape[0]} rows, {camera.shape[1]} columns"
    lines = [
        f"{camera.place}, {camera.distance_mm:g} mm from the sample",
        f"pixel {camera.pixel_mm:.5g} mm; size: {size}",
        f"centre: {middle}",
    ]
    if camera.flip != "none" or camera.rotate_deg:
        lines.append(f"picture flipped: {camera.flip}; turned clockwise by {camera.rotate_deg}°")
    return lines


def _two_theta(sine: float) -> float:
    return degrees(2.0 * asin(min(sine, 1.0)))


if __name__ == "__main__":
    run(camera_command)
