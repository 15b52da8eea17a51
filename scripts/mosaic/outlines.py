"""`beamgym mosaic outlines`: markers to print, and from a photograph or a drawing to a table of outlines."""

from pathlib import Path
from typing import Annotated

import typer


def outlines_command(
    source: Annotated[Path, typer.Argument(help="Photograph (PNG, JPEG, TIFF) or drawing (DXF, SVG, CSV).")],
    table: Annotated[Path, typer.Argument(help="CSV file of outlines, for `plan --outlines`.")] = Path("outlines.csv"),
    markers: Annotated[
        Path | None, typer.Option(help="Of a photograph: CSV of its markers with dots, x_mm, y_mm.")
    ] = None,
    mm_per_px: Annotated[
        float | None, typer.Option(help="Of a photograph from straight above, instead of markers.")
    ] = None,
    turn: Annotated[
        float,
        typer.Option(help="With --mm-per-px: turn of the plate's x in the photograph, deg, counter-clockwise."),
    ] = 0.0,
    origin: Annotated[
        str | None,
        typer.Option(
            help="With --mm-per-px: pixel at which the plate's (0, 0) is seen, as 812,604 (column, row from the "
            "top); the photograph's lower left corner if left out."
        ),
    ] = None,
    mm_per_unit: Annotated[float | None, typer.Option(help="Of a drawing that does not say its unit.")] = None,
    thickness: Annotated[float | None, typer.Option(help="Of every crystal, mm, where it is known.")] = None,
    least: Annotated[float, typer.Option(help="Smaller things on a photograph are dust, mm².")] = 0.3,
    picture: Annotated[Path | None, typer.Option(help="The photograph with what was found in it.")] = None,
    print_markers: Annotated[
        str | None,
        typer.Option(help="Width x height of a plate in mm, as 60x46: write its markers to SOURCE, an SVG file."),
    ] = None,
    practice: Annotated[
        int | None, typer.Option(help="Number of flakes: write a drawn photograph of them to SOURCE, to practise on.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the practice photograph.")] = 0,
) -> None:
    """Write the outlines of the crystals on a photograph or in a drawing; name what is in doubt."""
    if practice is not None:
        typer.echo(_write_practice(source, practice, seed))
        return
    if print_markers is not None:
        typer.echo(_write_markers(source, print_markers))
        return
    _write_outlines(source, table, markers, mm_per_px, turn, origin, mm_per_unit, thickness, least, picture)


def _write_markers(sheet: Path, size: str, inset_mm: float = 4.0) -> str:
    """Write a sheet of four markers and the table of their places beside it; return what is to be done with them."""
    from beamgym.physics.files import write_text
    from beamgym.physics.mosaic.outlines import corner_markers, marker_sheet, marker_table

    try:
        width, height = (float(part) for part in size.lower().split("x"))
    except ValueError:
        raise ValueError(f"--print-markers {size}: give width x height in mm, as 60x46") from None
    if sheet.suffix.lower() != ".svg":
        raise ValueError(f"{sheet}: the sheet of markers is an SVG file; give a name that ends in .svg")
    if not min(width, height) > 4.0 * inset_mm:
        raise ValueError(f"--print-markers {size}: markers need a plate of more than {4 * inset_mm:g} mm either way")
    markers = corner_markers(width, height, inset_mm)
    table = sheet.with_suffix(".csv")
    write_text(sheet, marker_sheet(markers))
    write_text(table, marker_table(markers))
    return f"{sheet}: print it at 100 %, cut the rings out, glue them on, and put their measured places into {table}"


def _write_practice(photo: Path, flakes: int, seed: int) -> str:
    """Write a drawn photograph, its markers and the true outlines beside it; return what is to be done with them."""
    from PIL import Image

    from beamgym.physics.crystal import load_crystal
    from beamgym.physics.files import replacing, write_text
    from beamgym.physics.mosaic.outlines import (
        PHOTOGRAPHS,
        PhotographStyle,
        corner_markers,
        corner_table,
        marker_table,
        photograph,
    )
    from beamgym.physics.mosaic.plate import PlateOptions, draw_plate

    if photo.suffix.lower() not in PHOTOGRAPHS:
        raise ValueError(f"{photo}: a photograph is written as {', '.join(PHOTOGRAPHS)}; give it one of these endings")
    if not 1 <= flakes <= 200:
        raise ValueError(f"--practice {flakes}: a photograph shows 1 to 200 flakes")
    plate = draw_plate(load_crystal("FePS3"), seed, PlateOptions(flakes))
    width, height = (side + 10.0 for side in plate.size_mm)
    markers = corner_markers(width, height)
    view_mm = 1.15 * max(width, height * 4.0 / 3.0)
    picture = photograph(plate.outlines, markers, seed, PhotographStyle(view_mm=view_mm))
    table, true = photo.with_suffix(".csv"), photo.with_name(f"{photo.stem}_true.csv")
    with replacing(photo) as draft:
        Image.fromarray(picture).save(draft)
    write_text(table, marker_table(markers))
    write_text(true, corner_table(plate.outlines))
    return (
        f"{photo}: {flakes} flakes; their true outlines are in {true}. Find them: --markers {table} --picture seen.png"
    )


def _origin_px(stated: str | None) -> tuple[float, float] | None:
    if stated is None:
        return None
    try:
        column, row = (float(part) for part in stated.split(","))
    except ValueError:
        raise ValueError(f"--origin {stated}: give column and row of a pixel, as 812,604") from None
    return column, row


def _write_outlines(
    source: Path,
    table: Path,
    markers: Path | None,
    mm_per_px: float | None,
    turn: float,
    origin: str | None,
    mm_per_unit: float | None,
    thickness: float | None,
    least: float,
    picture: Path | None,
) -> None:
    from dataclasses import replace

    from beamgym.physics.files import write_text
    from beamgym.physics.mosaic.outlines import (
        PHOTOGRAPHS,
        corner_table,
        draw_found,
        outlines_of_photograph,
        read_drawing,
        read_markers,
        read_photograph,
    )

    if source.suffix.lower() not in PHOTOGRAPHS:
        drawn = read_drawing(source, mm_per_unit)
        write_text(table, corner_table([replace(o, thickness_mm=o.thickness_mm or thickness) for o in drawn]))
        typer.echo(f"{table}: {len(drawn)} outlines")
        return
    photograph = read_photograph(source)
    found = outlines_of_photograph(
        photograph,
        markers=read_markers(markers) if markers is not None else (),
        mm_per_px=mm_per_px,
        turn_deg=turn,
        origin_px=_origin_px(origin),
        least_mm2=least,
        thickness_mm=thickness,
    )
    if picture is not None:
        draw_found(photograph, found, picture)
    write_text(table, corner_table(found.outlines))
    typer.echo(f"{table}: {len(found.outlines)} outlines, {found.view.mm_per_px * 1e3:.0f} µm a pixel")
    for name, words in found.doubts.items():
        typer.echo(f"in doubt: {name}: {words}")
    for words in found.passed_over:
        typer.echo(f"passed over: {words}")
