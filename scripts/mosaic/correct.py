"""`beamgym mosaic correct`: how each crystal must be turned, as a table and as a sheet to print."""

from pathlib import Path
from typing import Annotated, Any

import typer


def correct_command(
    folder: Annotated[Path, typer.Argument(help="The project folder.")],
    sheet: Annotated[
        Path | None, typer.Option(help="Where the sheet goes: .pdf or .png; corrections.pdf there.")
    ] = None,
    turned_over: Annotated[
        list[str] | None, typer.Option(help="Name of a crystal that is to lie on its other face; repeats.")
    ] = None,
    tolerated_deg: Annotated[float, typer.Option(help="Tilt up to which equivalent turns are told.")] = 0.5,
) -> None:
    """Write corrections.csv, pictures.csv and the sheet for the target of plate.json."""
    from beamgym.physics.files import write_text
    from beamgym.physics.mosaic.corrections import (
        MosaicTarget,
        corrections_of,
        picture_reading,
        work_table,
        write_sheet,
    )
    from beamgym.physics.mosaic.project import Project
    from beamgym.physics.mosaic.scan import Reader
    from beamgym.scripts.mosaic.parts import context_of_plate

    project = Project(folder)
    context, scanned = context_of_plate(project), project.scan()
    wanted = project.plate.target
    target = MosaicTarget.of(wanted.normal, wanted.along, wanted.along_axis)
    over = tuple(turned_over or ())
    strange = [name for name in over if name not in {one.name for one in scanned}]
    if strange:
        raise ValueError(f"--turned-over {strange[0]}: the scan knows no crystal of that name")
    rotations = Reader(context.crystal, context.beam, context.detector).rotations
    found = corrections_of(
        scanned, context.crystal, context.habit, target, rotations, turned_over=over, tolerated_deg=tolerated_deg
    )
    readings = [picture_reading(one, context.crystal, context.habit, target, context.detector) for one in scanned]
    kept = project.write_corrections(found)
    write_text(folder / "pictures.csv", work_table(found, readings))
    along = 0.0 if wanted.along_axis == "x" else 90.0
    pages = write_sheet(
        sheet or folder / "corrections.pdf",
        project.outlines(),
        found,
        readings,
        along,
        _spots(project, [one.name for one in scanned]),
        context.detector.shape,
        f"{project.plate.name}: {target.normal} up, {target.along} along {target.along_axis}",
    )
    left = [one.name for one in scanned if one.verdict != "indexed"]
    typer.echo(f"{len(found)} corrections, {pages} page(s) to print; left out: {', '.join(left) or 'none'}")
    extra = len(rotations) - len(context.crystal.rotations)
    if extra:
        typer.echo(f"{extra} rotation(s) of {context.crystal.name} that its patterns cannot show count as equivalent")
    for line in kept:
        typer.echo(f"kept as you changed it: {line}")


def _spots(project: Any, names: list[str]) -> dict[str, Any]:
    """Return the spots of each crystal's first frame, where the frames are kept."""
    from beamgym.physics.mosaic.scan import FrameStore

    file = project.path / "scan" / "frames.h5"
    if not file.exists():
        return {}
    store = FrameStore(file, project.plate.plate_id)
    return {name: store.read(name)[0].peaks.position_px[0] for name in names if name in store.names}
