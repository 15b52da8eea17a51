"""`beamgym mosaic holder`: writes the holder, or the placement template, of a packed layout."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from beamgym.physics.mosaic.holder import Design, WrittenPlate


def holder_command(
    folder: Annotated[Path, typer.Argument(help="The project folder.")],
    product: Annotated[
        str | None, typer.Option(help="holder (pockets) or template (goes over a metal plate); as plate.json says.")
    ] = None,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="stl, 3mf, step, dxf or svg; repeats. All but step.")
    ] = None,
    no_datum_edges: Annotated[bool, typer.Option("--no-datum-edges", help="Clearance on all sides.")] = False,
    second: Annotated[
        bool, typer.Option("--second", help="The holder of second/layout.csv, which `check` has written.")
    ] = False,
) -> None:
    """Write solids, drawings and lists of the holder into FOLDER/holder, and check the solids as they are read back."""
    from beamgym.physics.mosaic.holder import write_holder
    from beamgym.physics.mosaic.project import Project, design_of
    from beamgym.scripts.mosaic.parts import context_of_plate
    from beamgym.scripts.mosaic.planned import fold_of, layout_of
    from beamgym.scripts.mosaic.shown import counted

    if product not in (None, "holder", "template"):
        raise ValueError(f"--product {product}: choose holder or template")
    project = Project(folder)
    plate, context = project.plate, context_of_plate(project)
    changed: dict[str, Any] = {"product": product} if product else {}
    if no_datum_edges:
        changed["datum_edges"] = False
    design = design_of(plate, **changed)
    layout, corrections, said = layout_of(project, context, "second/" if second else "")
    with counted("holder", "plate") as told:
        written = write_holder(
            folder / ("second/holder" if second else "holder"),
            project.outlines(),
            layout,
            design,
            plate_id=plate.plate_id,
            corrections=corrections,
            rods=plate.habit == "rod",
            both_faces=plate.holder.both_faces,
            fold=fold_of(context) if plate.habit == "rod" else 1,
            density_g_cm3=context.crystal.density_g_per_cm3,
            formats=tuple(formats or ("stl", "3mf", "dxf", "svg")),
            told=told,
        )
    for line in [*_lines(design, len(layout), written), *([] if second else said)]:
        typer.echo(line)


def _lines(design: "Design", crystals: int, written: "list[WrittenPlate]") -> list[str]:
    """Return what is said of a holder that was written."""
    lines = [
        f"{design.product}, {crystals} crystals, gap {design.gap_mm:g} mm = wall {design.wall_mm:g} "
        f"+ 2 × clearance {design.clearance_mm:g}; turning, the stack sweeps {design.envelope_mm:.1f} mm"
    ]
    for each in written:
        lines.append(f"{each.title}: {', '.join(each.files)}")
        if each.check is not None:
            lines.append(
                f"  watertight, Euler number {each.check.euler_number}, {each.check.volume_mm3:.0f} mm³, "
                f"thinnest wall {each.check.least_wall_mm:.2f} mm"
            )
        if not each.title_engraved:
            lines.append(f"  no room for its title, {each.title}: write it on the plate")
        if each.without_number:
            names = ", ".join(each.without_number)
            lines.append(f"  no room for the numbers of {names}: see the drawings, layer CRYSTALS")
        if each.outside_window:
            lines.append(f"  not whole in the beam's window: {', '.join(each.outside_window)}")
    return lines
