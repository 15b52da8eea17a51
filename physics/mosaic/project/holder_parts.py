"""What plate.json says of the holder, as packing and holder take it."""

from typing import Any

from beamgym.physics.mosaic.holder import Design, Hole
from beamgym.physics.mosaic.packing import FreePlace, HolderPlate, Spacing
from beamgym.physics.mosaic.project.fittings import (
    FIDUCIAL_MM,
    HEAD_MM,
    Fiducials,
    Screws,
    fittings_of,
    least_width_mm,
)
from beamgym.physics.mosaic.project.plate_file import PlateFile


def spacing_of(plate: PlateFile) -> Spacing:
    """Return wall, clearance and the printer's thinnest wall; raises ValueError where they do not fit together."""
    holder = plate.holder
    return Spacing(holder.wall_mm, holder.clearance_mm, holder.printer_wall_mm)


def holder_plates(plate: PlateFile) -> tuple[HolderPlate, ...]:
    """Return the plates that are packed, each with its screws and fiducials kept free; front and back count as two.

    Raises
    ------
    ValueError : screws and fiducials that have no room, or lie on each other
    """
    section = plate.plate
    height = section.width_mm if section.shape == "circle" else section.height_mm
    free, stated = (
        _free_places(*fittings(plate)),
        plate.holder.screws_mm is not None or plate.holder.fiducials_mm is not None,
    )
    least = 0.0 if stated else least_width_mm(section.shape, section.width_mm, height)

    def arranged(width_mm: float, height_mm: float) -> tuple[FreePlace, ...]:
        return _free_places(*fittings_of(section.shape, width_mm, height_mm))

    front = HolderPlate(
        section.width_mm,
        height,
        section.shape,
        section.margin_mm,
        free,
        arranged=None if stated else arranged,
        least_width_mm=least,
    )
    faces = (front, front.seen_from_behind()) if plate.holder.both_faces else (front,)
    return faces * section.number


def resized(plate: PlateFile, packed: HolderPlate) -> PlateFile:
    """Return what plate.json is to say of a plate that packing has made smaller or larger, one of it.

    Screws and fiducials that are stated move with the edges that they lie nearest to.
    """
    size = {"width_mm": packed.width_mm, "height_mm": packed.height_mm, "number": 1}
    changed: dict[str, Any] = {"plate": plate.plate.model_copy(update=size)}
    if packed.arranged is None:
        screws, _ = fittings(plate)
        places = [(place.x_mm, place.y_mm) for place in packed.free_places]
        moved = tuple((x, y, d) for (x, y), (_, _, d) in zip(places, screws, strict=False))
        new = {"screws_mm": moved, "fiducials_mm": tuple(places[len(screws) :])}
        changed["holder"] = plate.holder.model_copy(update=new)
    return plate.model_copy(update=changed)


def fittings(plate: PlateFile) -> tuple[Screws, Fiducials]:
    """Return screws and fiducials, as stated or where they have room; raises ValueError where they have none."""
    section, holder = plate.plate, plate.holder
    return fittings_of(section.shape, section.width_mm, section.height_mm, holder.screws_mm, holder.fiducials_mm)


def _free_places(screws: Screws, fiducials: Fiducials) -> tuple[FreePlace, ...]:
    return (
        *(FreePlace(x, y, diameter / 2.0 + HEAD_MM, "screw") for x, y, diameter in screws),
        *(FreePlace(x, y, FIDUCIAL_MM, "fiducial") for x, y in fiducials),
    )


def design_of(plate: PlateFile, **changed: Any) -> Design:
    """Return the holder's dimensions.

    Parameters
    ----------
    plate : as plate.json says
    changed : fields of ``Design`` that are to be others

    Raises
    ------
    ValueError : dimensions that cannot be made
    """
    h, (screws, fiducials) = plate.holder, fittings(plate)
    found: dict[str, Any] = {
        "plate": holder_plates(plate)[0].outline,
        "product": h.product,
        "thickness_mm": h.thickness_mm,
        "pocket_mm": h.pocket_mm,
        "wall_mm": h.wall_mm,
        "clearance_mm": h.clearance_mm,
        "printer_wall_mm": h.printer_wall_mm,
        "datum_edges": h.datum_edges,
        "tilted_floors": h.tilted_floors,
        "holes": tuple(Hole(x, y, diameter) for x, y, diameter in screws),
        "fiducials_mm": fiducials,
        "window_mm": h.window_mm,
        "bore_mm": h.bore_mm,
        "stack": plate.plate.number,
        "pitch_mm": h.pitch_mm,
    }
    return Design(**(found | changed))
