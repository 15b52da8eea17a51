"""`beamgym mosaic pack`: lays the corrected crystals on the plates of the holder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamgym.physics.mosaic.outline import Outline
    from beamgym.physics.mosaic.packing import Packing, Piece
    from beamgym.physics.mosaic.plate import PlateContext
    from beamgym.physics.mosaic.project import Project
    from beamgym.physics.mosaic.records import Correction, Placement


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
    found, left_out, notes = _packed(
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
    for line in [*_lines(found, left_out), *notes, *kept]:
        typer.echo(line)


def _packed(
    project: "Project", thickness_mm: float | None, **options: Any
) -> "tuple[Packing, dict[str, str], list[str]]":
    """Return the packing, checked by what knows only where everything lies, why crystals are left out, and notes."""
    from beamgym.physics.mosaic.packing import StaysWrong, on_both_faces, pack
    from beamgym.physics.mosaic.project import holder_plates, spacing_of, staying
    from beamgym.scripts.mosaic.parts import context_of_plate, on_back
    from beamgym.scripts.mosaic.shown import counted

    context = context_of_plate(project)
    names = {outline.name for outline in project.outlines()}
    unused = [outline.name for outline in project.outlines(all_of_them=True) if outline.name not in names]
    plates = holder_plates(project.plate)
    corrections = [each for each in project.corrections() if each.name in names]
    pieces, covered, uncorrected = _pieces(project, context, corrections, thickness_mm)
    behind = on_back(project, context, corrections)
    back, covered_back, _ = _pieces(project, context, behind, thickness_mm) if behind else ([], covered, {})
    if back:
        pieces = on_both_faces(pieces, back)
    if options["objective"] == "smallest plate":
        plates = plates[: 2 if project.plate.holder.both_faces else 1]
    own = staying(project, pieces, {False: covered, True: covered_back}, plates)
    try:
        with counted("pack", "%") as heard:
            found = pack(
                own.pieces,
                plates,
                spacing_of(project.plate),
                told=lambda share: heard(round(100 * share), 100),
                fixed=own.fixed,
                **options,
            )
    except StaysWrong as error:
        raise ValueError(
            f"layout.csv, as you changed it: {error}; change it there, or remove layout.csv to have all packed anew"
        ) from None
    _check(project, found, covered, covered_back)
    told = dict.fromkeys(unused, "crystals.csv says not to use it")
    reasons, placed = {**told, **uncorrected, **own.left_out, **found.left_out}, {p.name for p in found.placements}
    return found, {name: why for name, why in reasons.items() if name not in placed}, own.notes


def _pieces(
    project: "Project", context: "PlateContext", corrections: "Sequence[Correction]", thickness_mm: float | None
) -> "tuple[list[Piece], list[Outline], dict[str, str]]":
    """Return what is packed on one face, the outlines that it covers there, and why crystals have no correction."""
    from beamgym.physics.mosaic.packing import pieces_of
    from beamgym.scripts.mosaic.planned import fold_of, rods_in_grooves

    outlines = project.outlines()
    covered: list[Outline] = []
    if project.plate.habit == "rod":
        covered, corrections = rods_in_grooves(outlines, corrections, fold_of(context))
    scanned = project.scan() if (project.path / "scan.json").is_file() else []
    reasons = {one.name: one.verdict for one in scanned if one.verdict != "indexed"}
    density = context.crystal.density_g_per_cm3
    pieces, uncorrected = pieces_of(
        outlines, corrections, density, thickness_mm=thickness_mm, without_turn=reasons, footprints=covered
    )
    return pieces, [*outlines, *covered], uncorrected


def _check(
    project: "Project", found: "Packing", covered: "Sequence[Outline]", covered_back: "Sequence[Outline]"
) -> None:
    """Raise where the packing, or the layout that a person's changes make of it, does not pass its check."""
    from beamgym.physics.mosaic.packing import check_packing

    def wrong(layout: "Sequence[Placement]") -> list[str]:
        lines = check_packing(covered, [p for p in layout if not _back(p, found)], found.plates, found.gap_mm)
        return lines + check_packing(covered_back, [p for p in layout if _back(p, found)], found.plates, found.gap_mm)

    if lines := wrong(found.placements):
        raise RuntimeError(f"the packing does not pass its check: {lines[0]}; pack with another --seed, and report it")
    if lines := wrong(project.layout_to_be(found.placements)):
        raise ValueError(
            f"layout.csv, as you changed it, does not go with what is packed now: {lines[0]}; change it there, or "
            "remove layout.csv to have all packed anew"
        )


def _back(placement: "Placement", found: "Packing") -> bool:
    return placement.plate < len(found.plates) and found.plates[placement.plate].back


def _resize(project: "Project", found: "Packing") -> None:
    """Write the plate's new size into plate.json, which stays as old as it was: no step before this one reads it."""
    import os

    from beamgym.physics.files import write_json
    from beamgym.physics.mosaic.project import resized

    path = project.path / "plate.json"
    before = path.stat()
    project.plate = resized(project.plate, found.plates[0])
    write_json(path, project.plate.model_dump(mode="json"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


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
            {"title": title, "width_mm": plate.width_mm, "height_mm": plate.height_mm, "density": density}
            for title, plate, density in zip(_titles(found), found.plates, found.density, strict=True)
        ],
        "left_out": left_out,
    }


def _titles(found: "Packing") -> list[str]:
    from beamgym.physics.mosaic.records import plate_title

    both = any(plate.back for plate in found.plates)
    return [plate_title(number, both) for number in range(len(found.plates))]


def _lines(found: "Packing", left_out: dict[str, str]) -> list[str]:
    plates = [
        f"{title}: {plate.width_mm:.1f} × {plate.height_mm:.1f} mm, {density:.0%} covered"
        for title, plate, density in zip(_titles(found), found.plates, found.density, strict=True)
    ]
    over = [placement.name for placement in found.placements if placement.turned_over]
    return [
        f"{len(found.placements)} crystals, {found.mass_mg:.1f} mg, "
        f"a mosaic of {found.width_deg:.2f}° (FWHM of the tilts that stay)",
        f"gaps of {found.gap_mm:g} mm, packed by {found.solver}",
        *plates,
        *([f"to be laid on their other face: {', '.join(over)}"] if over else []),
        *(f"left out: {name}: {reason}" for name, reason in left_out.items()),
    ]
