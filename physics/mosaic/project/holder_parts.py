"""What plate.json says of the holder, as packing and holder take it."""

import math
from typing import Any

from beamgym.physics.mosaic.holder import Design, Hole
from beamgym.physics.mosaic.packing import FreePlace, HolderPlate, Spacing
from beamgym.physics.mosaic.project.plate_file import PlateFile

_SCREW_MM = 2.2
"""A screw M2 passes."""
_HEAD_MM = 0.8
"""By which the head of a screw is wider than its hole, on each side."""
_CROSS_MM = 2.0


def spacing_of(plate: PlateFile) -> Spacing:
    """Return wall, clearance and the printer's thinnest wall; raises ValueError where they do not fit together."""
    holder = plate.holder
    return Spacing(holder.wall_mm, holder.clearance_mm, holder.printer_wall_mm)


def holder_plates(plate: PlateFile) -> tuple[HolderPlate, ...]:
    """Return the plates that are packed, each with its screws and fiducials kept free; front and back count as two."""
    section = plate.plate
    free = [FreePlace(x, y, diameter / 2.0 + _HEAD_MM, "screw") for x, y, diameter in _screws(plate)] + [
        FreePlace(x, y, _CROSS_MM * 0.6, "fiducial") for x, y in _fiducials(plate)
    ]
    height = section.width_mm if section.shape == "circle" else section.height_mm
    one = HolderPlate(section.width_mm, height, section.shape, section.margin_mm, tuple(free))
    return (one,) * (section.number * (2 if plate.holder.both_faces else 1))


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
    h = plate.holder
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
        "holes": tuple(Hole(x, y, diameter) for x, y, diameter in _screws(plate)),
        "fiducials_mm": _fiducials(plate),
        "window_mm": h.window_mm,
        "bore_mm": h.bore_mm,
        "stack": plate.plate.number,
        "pitch_mm": h.pitch_mm,
    }
    return Design(**(found | changed))


def _screws(plate: PlateFile) -> tuple[tuple[float, float, float], ...]:
    if plate.holder.screws_mm is not None:
        return plate.holder.screws_mm
    section, inset = plate.plate, _SCREW_MM / 2.0 + 1.4
    if section.shape == "circle":
        radius = section.width_mm / 2.0 - inset
        angles = [math.radians(90.0 + 120.0 * k) for k in range(3)]
        return tuple((radius * math.cos(a), radius * math.sin(a), _SCREW_MM) for a in angles)
    x, y = section.width_mm / 2.0 - inset, section.height_mm / 2.0 - inset
    return tuple((sign * x, up * y, _SCREW_MM) for sign in (-1.0, 1.0) for up in (-1.0, 1.0))


def _fiducials(plate: PlateFile) -> tuple[tuple[float, float], ...]:
    if plate.holder.fiducials_mm is not None:
        return plate.holder.fiducials_mm
    section, inset = plate.plate, 2.5
    if section.shape == "circle":
        radius = section.width_mm / 2.0 - inset
        return tuple((radius * math.cos(a), radius * math.sin(a)) for a in map(math.radians, (40.0, 140.0, 240.0)))
    x, y = section.width_mm / 2.0 - 6.5, section.height_mm / 2.0 - inset
    return ((-x, y), (x, y), (x, -y))
