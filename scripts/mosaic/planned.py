"""What forecast and check share: the target, masses and pockets of a project's layout."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.forecast import PlannedCrystal, planned_crystals, planned_rods
from beamgym.physics.mosaic.holder import fold_about, groove_of, left_by_groove, lying_rod, pockets_of
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import PlateContext
from beamgym.physics.mosaic.plate_frame import TURNED_OVER
from beamgym.physics.mosaic.project import Project, design_of
from beamgym.physics.mosaic.records import Correction, Placement, ScannedCrystal, corrections_as_placed, is_back
from beamgym.scripts.mosaic.parts import context_of_plate, on_back, target_of_plate

FROM_BEHIND = np.diag(TURNED_OVER)
"""Takes a small rotation about a back's x, y and z to one about the front's."""
ROUNDED_DEG = 0.01
"""Turns in tables are rounded to less than this."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A packed project.

    Parameters
    ----------
    project, context : folder, and what is known of material and camera
    layout : of all plates
    corrections : by name, for the turn and the face that the layout has
    behind : names of the crystals on backs
    mass_mg : by name; where a thickness is not known, the area in mm² for all
    target : (3, 3) orientation that all are to have, in the front's frame
    rotations : (k, 3, 3) after which a pattern is the same
    crystals : in the order of the layout, for the forecast, about the front's axes
    designed_deg : (n, 2) tilts about x and y of the own face that grooves or tilted floors are to give them
    """

    project: Project
    context: PlateContext
    layout: list[Placement]
    corrections: dict[str, Correction]
    behind: frozenset[str]
    mass_mg: dict[str, float]
    target: Float64Array
    rotations: Float64Array
    crystals: list[PlannedCrystal]
    designed_deg: Float64Array


def fold_of(context: PlateContext) -> int:
    """Return of which order the axis along the material's rods is."""
    return fold_about(context.habit.direction(context.crystal), context.crystal.rotations)


def rods_in_grooves(
    outlines: Sequence[Outline], corrections: Sequence[Correction], fold: int
) -> tuple[list[Outline], list[Correction]]:
    """Return what corrected rods cover once their grooves turn them, and their corrections without what grooves do."""
    known = {each.name: each for each in outlines}
    covered = [lying_rod(known[each.name], each, fold) for each in corrections]
    return covered, [left_by_groove(known[each.name], each) for each in corrections]


def layout_of(
    project: Project, context: PlateContext, folder: str = ""
) -> tuple[list[Placement], dict[str, Correction], list[str]]:
    """Return a project's layout and what goes with it.

    Parameters
    ----------
    project, context : folder, and what is known of the material
    folder : "" or "second/", whose corrections are already those of the face that each crystal lies on

    Returns
    -------
    placements; corrections by name, each for the turn and the face of its placement; a line for each crystal that lies
    in another turn than its correction allows

    Raises
    ------
    ValueError : nothing is packed, or a crystal without a correction, or one that is not to be used
    """
    layout, front = project.layout(f"{folder}layout.csv"), project.corrections(f"{folder}corrections.csv")
    used, known = {each.name for each in project.outlines()}, {each.name for each in front}
    for each in layout:
        if each.name not in used:
            why = "crystals.csv does not say to use it"
        elif each.name not in known:
            why = f"{folder}corrections.csv has no correction of it"
        else:
            continue
        raise ValueError(f"{folder}layout.csv places {each.name}, and {why}; pack again, or take it out there")
    behind = behind_of(project, layout)
    back = [] if folder else on_back(project, context, front)
    own = [each for each in front if folder or each.name not in behind] + [e for e in back if e.name in behind]
    placed = {each.name: each for each in corrections_as_placed(own, layout)}
    return layout, placed, turned_otherwise(own, layout)


def behind_of(project: Project, layout: Sequence[Placement]) -> frozenset[str]:
    """Return the names of the crystals that lie on backs."""
    both = project.plate.holder.both_faces
    return frozenset(each.name for each in layout if is_back(each.plate, both))


def turned_otherwise(corrections: Sequence[Correction], layout: Sequence[Placement]) -> list[str]:
    """Return a line for each crystal whose turn in the layout is none that its correction allows."""
    known, lines = {each.name: each for each in corrections}, []
    for each in layout:
        ways = (known[each.name].turn_deg, *known[each.name].equivalents_deg)
        off = min(abs((each.turn_deg - way + 180.0) % 360.0 - 180.0) for way in ways)
        if off > ROUNDED_DEG or each.turned_over is not known[each.name].turned_over:
            what = f"{off:.2f}° from a turn" if off > ROUNDED_DEG else "on the other face than the one"
            lines.append(f"{each.name} lies {what} that its correction asks for; the forecast does not count it")
    return lines


def seen_from_front(scanned: ScannedCrystal) -> ScannedCrystal:
    """Return a crystal of a back's scan as it stands in the front's frame."""
    u, grains = scanned.orientation, np.asarray(scanned.grains).reshape(-1, 3, 3)
    return replace(scanned, orientation=None if u is None else TURNED_OVER @ u, grains=TURNED_OVER @ grains)


def _of_front(planned: PlannedCrystal) -> PlannedCrystal:
    """Return a crystal of a back with its misalignment about the front's axes."""
    low, high = planned.free_deg
    return replace(planned, left_deg=FROM_BEHIND * planned.left_deg, free_deg=(-high, -low))


def plan_of(project: Project, **changed: Any) -> Plan:
    """Return a project's plan; ``changed`` are fields of the holder's ``Design`` that are to be others.

    Raises
    ------
    ValueError : nothing is packed yet, or files that do not fit together
    """
    from beamgym.physics.mosaic.scan import Reader

    context = context_of_plate(project)
    target = target_of_plate(project, context)
    outlines = project.outlines()
    layout, corrections, _ = layout_of(project, context)
    thick = all(each.thickness_mm is not None for each in outlines)
    density = context.crystal.density_g_per_cm3
    mass = {o.name: o.area_mm2 * ((o.thickness_mm or 0.0) * density if thick else 1.0) for o in outlines}
    design = design_of(project.plate, **changed)
    if project.plate.habit == "rod":
        fold, known = fold_of(context), {each.name: each for each in outlines}
        grooves = [groove_of(known[p.name], p, corrections[p.name], design, fold) for p in layout]
        crystals = planned_rods(grooves, corrections, mass)
        angle = np.radians([each.axis_deg for each in grooves])
        azimuth = np.array([each.azimuth_deg for each in grooves])
        designed = azimuth[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    else:
        pockets = pockets_of(outlines, layout, design, corrections)
        crystals = planned_crystals(pockets, corrections, mass, design.clearance_mm)
        tilts = np.array([[corrections[p.name].tilt_x_deg, corrections[p.name].tilt_y_deg] for p in layout])
        designed = tilts if design.tilted_floors else np.zeros_like(tilts)
    behind = behind_of(project, layout)
    crystals = [_of_front(each) if each.name in behind else each for each in crystals]
    rotations = Reader(context.crystal, context.beam, context.detector).rotations
    return Plan(project, context, layout, corrections, behind, mass, target, rotations, crystals, designed)
