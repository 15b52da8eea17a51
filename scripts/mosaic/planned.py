"""What forecast and check share: the target, masses and pockets of a project's layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.forecast import PlannedCrystal, planned_crystals, planned_rods
from beamgym.physics.mosaic.holder import fold_about, groove_of, left_by_groove, lying_rod, pockets_of
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import PlateContext
from beamgym.physics.mosaic.project import Project, design_of
from beamgym.physics.mosaic.records import Correction, Placement, corrections_as_placed
from beamgym.scripts.mosaic.parts import context_of_plate, target_of_plate


@dataclass(frozen=True, eq=False)
class Plan:
    """A packed project.

    Parameters
    ----------
    project, context : folder, and what is known of material and camera
    layout : of all plates
    mass_mg : by name; where a thickness is not known, the area in mm² for all
    target : (3, 3) orientation that all are to have
    rotations : (k, 3, 3) after which a pattern is the same
    crystals : in the order of the layout, for the forecast
    designed_deg : (n, 2) tilts about x and y that grooves or tilted floors are to give them
    """

    project: Project
    context: PlateContext
    layout: list[Placement]
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


def plan_of(project: Project, **changed: Any) -> Plan:
    """Return a project's plan; ``changed`` are fields of the holder's ``Design`` that are to be others.

    Raises
    ------
    ValueError : nothing is packed yet, or files that do not fit together
    """
    from beamgym.physics.mosaic.scan import Reader

    context = context_of_plate(project)
    target = target_of_plate(project, context)
    outlines, layout = project.outlines(), project.layout()
    thick = all(each.thickness_mm is not None for each in outlines)
    density = context.crystal.density_g_per_cm3
    mass = {o.name: o.area_mm2 * ((o.thickness_mm or 0.0) * density if thick else 1.0) for o in outlines}
    design = design_of(project.plate, **changed)
    corrections = {each.name: each for each in corrections_as_placed(project.corrections(), layout)}
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
    rotations = Reader(context.crystal, context.beam, context.detector).rotations
    return Plan(project, context, layout, mass, target, rotations, crystals, designed)
