"""`beamgym mosaic correct`: how each crystal must be turned, as a table and as a sheet to print."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from beamgym.physics.mosaic.corrections import MosaicTarget
    from beamgym.physics.mosaic.plate import PlateContext
    from beamgym.physics.mosaic.project import Project
    from beamgym.physics.mosaic.records import Correction, ScannedCrystal


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
    from beamgym.physics.mosaic.corrections import MosaicTarget, picture_reading, work_table, write_sheet
    from beamgym.physics.mosaic.project import Project
    from beamgym.scripts.mosaic.parts import context_of_plate

    project = Project(folder)
    context, wanted = context_of_plate(project), project.plate.target
    target = MosaicTarget.of(wanted.normal, wanted.along, wanted.along_axis)
    scanned, found, unseen = _corrected(project, context, target, tuple(turned_over or ()), tolerated_deg)
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
    if unseen:
        typer.echo(f"{unseen} rotation(s) of {context.crystal.name} that its patterns cannot show count as equivalent")
    for line in kept:
        typer.echo(line)


def _corrected(
    project: "Project", context: "PlateContext", target: "MosaicTarget", over: tuple[str, ...], tolerated_deg: float
) -> "tuple[list[ScannedCrystal], list[Correction], int]":
    """Return the crystals as they lie, their corrections, and how many rotations count as equivalent but are none."""
    from dataclasses import replace

    from beamgym.physics.mosaic.corrections import as_it_lies, corrections_of, rotations_of_habit
    from beamgym.physics.mosaic.datum_edge import datum_edge
    from beamgym.physics.mosaic.scan import Reader

    scanned, crystal, habit = project.scan(), context.crystal, context.habit
    if strange := [name for name in over if name not in {one.name for one in scanned}]:
        raise ValueError(f"--turned-over {strange[0]}: the scan knows no crystal of that name")
    same = Reader(crystal, context.beam, context.detector).rotations
    rods = project.outlines(all_of_them=True) if habit.kind == "rod" else []
    axes = {each.name: datum_edge(each.polygon_mm).angle_deg for each in rods}
    lying = [
        one
        if one.orientation is None
        else replace(one, orientation=as_it_lies(one.orientation, crystal, habit, same, axes.get(one.name)))
        for one in scanned
    ]
    found = corrections_of(
        lying, crystal, habit, target, same, turned_over=over, tolerated_deg=tolerated_deg, axes_deg=axes
    )
    return lying, found, len(rotations_of_habit(crystal, habit, same)) - len(crystal.rotations)


def _spots(project: Any, names: list[str]) -> dict[str, Any]:
    """Return the spots of each crystal's first frame, where the frames are kept."""
    from beamgym.physics.mosaic.scan import FrameStore

    file = project.path / "scan" / "frames.h5"
    if not file.exists():
        return {}
    store = FrameStore(file, project.plate.plate_id)
    return {name: store.read(name)[0].peaks.position_px[0] for name in names if name in store.names}
