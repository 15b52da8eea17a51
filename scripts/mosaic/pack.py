"""`beamgym mosaic pack`: lays the corrected crystals on the plates of the holder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from beamgym.physics.mosaic.outline import Outline
    from beamgym.physics.mosaic.packing import Packing
    from beamgym.physics.mosaic.project import Project


def pack_command(
    folder: Annotated[Path, typer.Argument(help="The project folder.")],
    objective: Annotated[
        Literal["most mass", "smallest plate"],
        typer.Option(
            help="On the plates of plate.json, or on the smallest of that height (diameter) for all crystals."
        ),
    ] = "most mass",
    width: Annotated[
        float | None, typer.Option(help="Widest mosaic, FWHM in degrees; crystals that spoil it are left out.")
    ] = None,
    thickness: Annotated[float | None, typer.Option(help="Of crystals whose thickness is not known, mm.")] = None,
    solver: Annotated[
        Literal["both", "shapely", "spyrrow"], typer.Option(help="Without the extra mosaic, shapely's alone.")
    ] = "both",
    seconds: Annotated[float, typer.Option(help="That spyrrow may take.", min=1.0)] = 20.0,
    tries: Annotated[int, typer.Option(help="Orders that shapely's solver tries.", min=1)] = 6,
    seed: Annotated[int, typer.Option(help="Of the orders.", min=0)] = 0,
    picture: Annotated[Path | None, typer.Option(help="Of the packed plates; layout.png in the folder.")] = None,
) -> None:
    """Write layout.csv, packing.json and a picture of the packed plates; name who is left out, and why."""
    from beamgym.physics.files import write_json
    from beamgym.physics.mosaic.packing import draw_packing
    from beamgym.physics.mosaic.project import Project

    project = Project(folder)
    found, left_out = _packed(
        project,
        thickness,
        objective=objective,
        most_width_deg=width,
        solver=solver,
        seconds=seconds,
        tries=tries,
        seed=seed,
    )
    if objective == "smallest plate":
        _resize(project, found)
    kept = project.write_layout(found.placements)
    write_json(folder / "packing.json", _content(project, found, left_out))
    draw_packing(found, project.outlines(), picture or folder / "layout.png")
    for line in _lines(found, left_out, kept):
        typer.echo(line)


def _packed(project: "Project", thickness_mm: float | None, **options: Any) -> "tuple[Packing, dict[str, str]]":
    """Return the packing, checked by what knows only where everything lies, and why crystals are left out."""
    from beamgym.physics.mosaic.packing import check_packing, pack, pieces_of
    from beamgym.physics.mosaic.project import holder_plates, spacing_of
    from beamgym.scripts.mosaic.parts import context_of_plate, target_of_plate
    from beamgym.scripts.mosaic.planned import fold_of, rods_in_grooves
    from beamgym.scripts.mosaic.shown import counted

    context = context_of_plate(project)
    target_of_plate(project, context)
    outlines = project.outlines()
    names = {outline.name for outline in outlines}
    corrections = [each for each in project.corrections() if each.name in names]
    covered: list[Outline] = []
    if project.plate.habit == "rod":
        covered, corrections = rods_in_grooves(outlines, corrections, fold_of(context))
    scanned = project.scan() if (project.path / "scan.json").is_file() else []
    reasons = {one.name: one.verdict for one in scanned if one.verdict != "indexed"}
    density = context.crystal.density_g_per_cm3
    pieces, uncorrected = pieces_of(
        outlines, corrections, density, thickness_mm=thickness_mm, without_turn=reasons, footprints=covered
    )
    plates = holder_plates(project.plate)
    if options["objective"] == "smallest plate":
        plates = plates[:1]
    with counted("pack", "%") as heard:
        found = pack(
            pieces, plates, spacing_of(project.plate), told=lambda share: heard(round(100 * share), 100), **options
        )
    if wrong := check_packing([*outlines, *covered], found.placements, found.plates, found.gap_mm):
        raise RuntimeError(f"the packing does not pass its check: {wrong[0]}; pack with another --seed, and report it")
    return found, {**uncorrected, **found.left_out}


def _resize(project: "Project", found: "Packing") -> None:
    """Write the plate's new size into plate.json."""
    from beamgym.physics.files import write_json

    size = {"width_mm": found.plates[0].width_mm, "height_mm": found.plates[0].height_mm, "number": 1}
    plate = project.plate.plate.model_copy(update=size)
    project.plate = project.plate.model_copy(update={"plate": plate})
    write_json(project.path / "plate.json", project.plate.model_dump(mode="json"))


def _content(project: "Project", found: "Packing", left_out: dict[str, str]) -> dict[str, Any]:
    return {
        "format": "beamgym mosaic packing",
        "version": 1,
        "plate_id": project.plate.plate_id,
        "solver": found.solver,
        "gap_mm": found.gap_mm,
        "mass_mg": found.mass_mg,
        "mosaic_fwhm_deg": found.width_deg,
        "plates": [
            {"width_mm": plate.width_mm, "height_mm": plate.height_mm, "density": density}
            for plate, density in zip(found.plates, found.density, strict=True)
        ],
        "left_out": left_out,
    }


def _lines(found: "Packing", left_out: dict[str, str], kept: list[str]) -> list[str]:
    plates = [
        f"plate {k}: {plate.width_mm:.1f} × {plate.height_mm:.1f} mm, {density:.0%} covered"
        for k, (plate, density) in enumerate(zip(found.plates, found.density, strict=True))
    ]
    return [
        f"{len(found.placements)} crystals, {found.mass_mg:.1f} mg, "
        f"a mosaic of {found.width_deg:.2f}° (FWHM of the tilts that stay)",
        f"gaps of {found.gap_mm:g} mm, packed by {found.solver}",
        *plates,
        *(f"left out: {name}: {reason}" for name, reason in left_out.items()),
        *(f"kept as you changed it: {line}" for line in kept),
    ]
