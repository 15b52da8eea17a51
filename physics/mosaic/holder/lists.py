"""Lists that go with a holder: its pockets, and a sheet for weighing."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from beamgym.physics.files import write_text
from beamgym.physics.mosaic.holder.design import Design
from beamgym.physics.mosaic.holder.grooves import Groove, groove_rim
from beamgym.physics.mosaic.holder.pockets import Pocket
from beamgym.physics.mosaic.outline import Outline

POCKETS = (
    "name",
    "plate",
    "x_mm",
    "y_mm",
    "turn_deg",
    "turned_over",
    "datum_angle_deg",
    "datum_length_mm",
    "floor_slope_x_deg",
    "floor_slope_y_deg",
    "azimuth_deg",
    "in_window",
    "number_engraved",
)
WEIGHING = ("name", "plate", "area_mm2", "thickness_mm", "calculated_mg", "weighed_mg", "glued", "note")


def write_pockets(
    path: Path,
    title: str,
    pockets: Sequence[Pocket],
    grooves: Sequence[Groove],
    design: Design,
    unnumbered: Sequence[str],
) -> None:
    """Write a row for each pocket and groove: where its crystal lies, its datum edge, its floor or its azimuth."""
    from numpy import arctan, degrees

    rows = []
    for p in pockets:
        inside = "" if design.window is None else _yes(design.window.contains(p.crystal))
        edge = ("", "") if p.datum is None else (f"{p.datum.angle_deg:.3f}", f"{p.datum.length_mm:.3f}")
        slopes = [f"{degrees(arctan(slope)):.3f}" for slope in p.slope]
        x, y = p.crystal.centroid.x, p.crystal.centroid.y
        place = (f"{x:.4f}", f"{y:.4f}", f"{p.turn_deg:.4f}", _yes(p.turned_over))
        rows.append((p.name, title, *place, *edge, *slopes, "", inside, _yes(p.name not in unnumbered)))
    for g in grooves:
        inside = "" if design.window is None else _yes(design.window.contains(groove_rim(g)))
        place = (f"{g.centre_mm[0]:.4f}", f"{g.centre_mm[1]:.4f}", f"{g.turn_deg:.4f}", _yes(g.turned_over))
        groove = (f"{g.axis_deg:.3f}", f"{g.length_mm:.3f}", "", "", f"{g.azimuth_deg:.3f}")
        rows.append((g.name, title, *place, *groove, inside, _yes(g.name not in unnumbered)))
    _write(path, POCKETS, rows)


def write_weighing(
    path: Path, outlines: Iterable[Outline], plate_of: Mapping[str, str], density_g_cm3: float | None
) -> None:
    """Write a row for each placed crystal: its plate's title, its calculated mass, mg, and cells for the balance."""
    rows = []
    for each in outlines:
        if each.name in plate_of:
            known = each.thickness_mm is not None and density_g_cm3 is not None
            mass = f"{each.area_mm2 * (each.thickness_mm or 0.0) * (density_g_cm3 or 0.0):.3f}" if known else ""
            thick = "" if each.thickness_mm is None else f"{each.thickness_mm:.4f}"
            rows.append((each.name, plate_of[each.name], f"{each.area_mm2:.3f}", thick, mass, "", "", ""))
    _write(path, WEIGHING, rows)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _write(path: Path, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    write_text(path, out.getvalue())
