"""Writes everything that belongs to a holder, plate by plate, and checks the solids as they are read back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from beamgym.physics.files import replacing_folder, write_json
from beamgym.physics.mosaic.holder.design import Design
from beamgym.physics.mosaic.holder.drawings import layers_of, write_dxf, write_svg
from beamgym.physics.mosaic.holder.faces import seen_from_behind
from beamgym.physics.mosaic.holder.grooves import Groove, groove_of, groove_rim
from beamgym.physics.mosaic.holder.lists import write_pockets, write_weighing
from beamgym.physics.mosaic.holder.marks import marks_of
from beamgym.physics.mosaic.holder.mesh_files import MESHES, write_mesh
from beamgym.physics.mosaic.holder.pockets import Pocket, check_walls, pockets_of
from beamgym.physics.mosaic.holder.solid import solid_of
from beamgym.physics.mosaic.holder.solid_check import SolidCheck, check_solid
from beamgym.physics.mosaic.holder.step_file import write_step
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.records import Correction, Placement, is_back, plate_title

FORMATS = (*MESHES, "step", "dxf", "svg")


@dataclass(frozen=True)
class WrittenPlate:
    """One plate of a holder.

    Parameters
    ----------
    title : as it is engraved, "FRONT 1"
    files : their names
    check : of the solid as it was read back; None where no mesh was written
    without_number : crystals for whose number there was no room; the drawings have it
    outside_window : crystals that the beam's window does not hold whole
    title_engraved : whether there was room for the title
    """

    title: str
    files: tuple[str, ...]
    check: SolidCheck | None
    without_number: tuple[str, ...]
    outside_window: tuple[str, ...]
    title_engraved: bool = True


def write_holder(
    folder: Path,
    outlines: Sequence[Outline],
    placements: Sequence[Placement],
    design: Design,
    *,
    plate_id: str = "",
    corrections: Mapping[str, Correction] | None = None,
    rods: bool = False,
    fold: int = 4,
    both_faces: bool = False,
    density_g_cm3: float | None = None,
    formats: Sequence[str] = ("stl", "3mf", "dxf", "svg"),
    told: Callable[[int, int], None] = lambda done, all_of_them: None,
) -> list[WrittenPlate]:
    """Write a holder, or a template, into a folder of its own, whole or not at all.

    Parameters
    ----------
    folder : replaced where it is there
    outlines : as scanned
    placements : where they are to lie, plate by plate
    design : dimensions, the same for all plates
    plate_id : identity of the scanned plate
    corrections : by name; needed for tilted floors and for rods
    rods : grooves instead of pockets
    fold : of the axis along the rods
    both_faces : plates 0, 2, … are fronts and 1, 3, … the backs of the same plates
    density_g_cm3 : for the calculated masses; None leaves them out
    formats : of "stl", "3mf", "step", "dxf", "svg"
    told : hears how many plates of how many are written

    Returns
    -------
    what was written, one for each plate

    Raises
    ------
    ValueError : walls too thin, an outline that is missing, a format that is not known, a solid that is not watertight
    ImportError : an extra is missing; the line names it
    """
    if unknown := [name for name in formats if name not in FORMATS]:
        raise ValueError(f"no format {unknown[0]!r}; the formats are {', '.join(FORMATS)}")
    if not placements:
        raise ValueError("the layout places no crystal; pack some first")
    pockets, grooves = _cut_outs(outlines, placements, design, corrections, rods, fold)
    faces = _faces(design, placements, both_faces)
    cut = {p: ([e for e in pockets if e.plate == p], [e for e in grooves if e.plate == p]) for p in faces}
    for plate, (title, own) in faces.items():
        rims = [(p.name, p.hole) for p in cut[plate][0]] + [(g.name, groove_rim(g)) for g in cut[plate][1]]
        check_walls(rims, own, title)
    written = list[WrittenPlate]()
    with replacing_folder(folder, overwrite=True) as draft:
        for plate, (title, own) in faces.items():
            written.append(_plate(draft, title, own, *cut[plate], formats))
            told(len(written), len(faces))
        lie = {each.name: faces[each.plate][0] for each in placements}
        write_weighing(draft / "weighing.csv", outlines, lie, density_g_cm3)
        write_json(draft / "holder.json", _content(design, plate_id, written))
    return written


def _faces(design: Design, placements: Sequence[Placement], both_faces: bool) -> dict[int, tuple[str, Design]]:
    """Return, by number, what each plate is called, and the design as that face is seen."""
    behind = seen_from_behind(design)
    return {
        plate: (plate_title(plate, both_faces), behind if is_back(plate, both_faces) else design)
        for plate in sorted({each.plate for each in placements})
    }


def _cut_outs(
    outlines: Sequence[Outline],
    placements: Sequence[Placement],
    design: Design,
    corrections: Mapping[str, Correction] | None,
    rods: bool,
    fold: int,
) -> tuple[list[Pocket], list[Groove]]:
    if not rods:
        return pockets_of(outlines, placements, design, corrections), []
    if design.product == "template":
        raise ValueError("rods need grooves, which a template does not have; ask for a holder")
    known = {outline.name: outline for outline in outlines}
    missing = [each.name for each in placements if each.name not in (corrections or {}) or each.name not in known]
    if missing or corrections is None:
        raise ValueError(f"rod {(missing or ['?'])[0]} has no outline or no correction; scan and correct it first")
    return [], [groove_of(known[p.name], p, corrections[p.name], design, fold) for p in placements]


def _plate(
    folder: Path,
    title: str,
    design: Design,
    pockets: Sequence[Pocket],
    grooves: Sequence[Groove],
    formats: Sequence[str],
) -> WrittenPlate:
    stem = title.lower().replace(" ", "_")
    marks = marks_of(pockets, design, title, grooves)
    check, files = None, []
    if meshes := [name for name in formats if name in MESHES]:
        solid = solid_of(design, pockets, marks, grooves)
        for name in meshes:
            write_mesh(folder / f"{stem}.{name}", solid)
        check = check_solid(folder / f"{stem}.{meshes[0]}", design)
        _refuse(check, design, title)
        files += [f"{stem}.{name}" for name in meshes]
    if "step" in formats:
        write_step(folder / f"{stem}.step", design, pockets, grooves)
        files.append(f"{stem}.step")
    layers = layers_of(design, pockets, marks, grooves)
    for name, writer in (("dxf", write_dxf), ("svg", write_svg)):
        if name in formats:
            writer(folder / f"{stem}.{name}", layers)
            files.append(f"{stem}.{name}")
    write_pockets(folder / f"{stem}.csv", title, pockets, grooves, design, marks.without_number)
    window = design.window
    lying = [(p.name, p.crystal) for p in pockets] + [(g.name, groove_rim(g)) for g in grooves]
    outside = tuple(name for name, shape in lying if window is not None and not window.contains(shape))
    return WrittenPlate(title, (*files, f"{stem}.csv"), check, marks.without_number, outside, not marks.title.is_empty)


def _refuse(check: SolidCheck, design: Design, title: str) -> None:
    if not check.watertight:
        raise ValueError(f"the solid of {title} is not closed; crystals may overlap: check the layout")
    least = design.printer_wall_mm
    if check.least_wall_mm < least - 1e-3:
        raise ValueError(
            f"{title} has a wall of {check.least_wall_mm:.2f} mm, and the printer needs {least:g} mm; "
            f"pack again with a gap of {design.gap_mm:g} mm (wall + 2 × clearance)"
        )
    if design.product == "holder" and check.least_floor_mm < least - 0.03:
        raise ValueError(
            f"{title} has a floor of {check.least_floor_mm:.2f} mm, and the printer needs {least:g} mm; make it thicker"
        )


def _content(design: Design, plate_id: str, written: Sequence[WrittenPlate]) -> dict[str, object]:
    return {
        "format": "beamgym mosaic holder",
        "version": 1,
        "plate_id": plate_id,
        "product": design.product,
        "wall_mm": design.wall_mm,
        "clearance_mm": design.clearance_mm,
        "gap_mm": design.gap_mm,
        "datum_edges": design.datum_edges,
        "tilted_floors": design.tilted_floors,
        "envelope_mm": design.envelope_mm,
        "plates": [asdict(each) for each in written],
    }
