"""The closed loop: corrected, packed, forecast, placed with play that the forecast is not told of, scanned again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.mosaic.corrections import MosaicTarget, corrections_of
from beamgym.physics.mosaic.forecast import (
    Forecast,
    HiddenErrors,
    PlateCheck,
    check_plate,
    forecast,
    placed_misalignment,
    planned_crystals,
)
from beamgym.physics.mosaic.holder import Design, pockets_of
from beamgym.physics.mosaic.packing import HolderPlate, Packing, Spacing, pack, pieces_of, strip_density
from beamgym.physics.mosaic.plate import PlateCrystal, PlateWorld
from beamgym.physics.mosaic.scan import scan_plate
from beamgym.physics.orientation import rotation_matrix
from beamgym.scripts.mosaic_suite.scanned import ScannedPlate

TARGET = MosaicTarget.of("(0 0 1)", "[1 0 0]")
DENSITY_GAP_MM = 0.25
MOST_PACKED = 120
"""Crystals of a plate whose density on a strip is asked for."""
MOST_PLACED = 40
"""Crystals of a plate that are placed and scanned again."""
PACKING_S = 5.0
"""Seconds that a packing may take."""


@dataclass(frozen=True, eq=False)
class Loop:
    """One plate, before and after.

    Parameters
    ----------
    planned : the forecast
    checked : the second scan against it
    packing : where everything lies
    placed : the crystals there, with their truth
    """

    planned: Forecast
    checked: PlateCheck
    packing: Packing
    placed: tuple[PlateCrystal, ...] = ()

    def holds(self) -> list[bool]:
        """Whether the forecast's 90 % interval holds the measured width, about x, y and z."""
        if self.checked.mosaic is None:
            return [False] * 3
        return [
            self.planned.fwhm_deg[axis].holds(float(width))
            for axis, width in zip("xyz", self.checked.mosaic.fwhm_deg, strict=True)
        ]

    def figures(self) -> dict[str, Any]:
        """Return the figures for JSON: widths by axis, and masses within 1°."""
        measured = self.checked.mosaic
        return {
            "fwhm_deg_forecast": {a: [i.low, i.median, i.high] for a, i in self.planned.fwhm_deg.items()},
            "fwhm_deg_measured": None
            if measured is None
            else dict(zip("xyz", map(float, measured.fwhm_deg), strict=True)),
            "mass_within_1_deg_in_plane": None if measured is None else measured.within_in_plane,
            "mass_within_1_deg_out_of_plane": None if measured is None else measured.within_out_of_plane,
        }


def density(plate: ScannedPlate, seed: int) -> float:
    """Return how densely a plate's corrected crystals lie on a strip of 40 mm."""
    pieces, _ = _pieces(plate)
    return strip_density(pieces[:MOST_PACKED], DENSITY_GAP_MM, seed=seed, tries=1, seconds=PACKING_S)


def closed_loop(plate: ScannedPlate, seed: int, level: str = "real", *, datum_edges: bool = True) -> Loop:
    """Plan a holder for a scanned plate, place its crystals, and scan them again.

    Parameters
    ----------
    plate : as scanned
    seed : of the placing, and of how well it is done
    level : of the second scan's camera
    datum_edges : of the holder
    """
    pieces, corrections = _pieces(plate)
    pieces = pieces[:MOST_PLACED]
    design = _design(pieces, datum_edges)
    low, high = np.array(design.plate.bounds).reshape(2, 2)
    wide, tall = high - low
    spacing = Spacing(wall_mm=design.wall_mm, clearance_mm=design.clearance_mm)
    packing = pack(pieces, [HolderPlate(float(wide), float(tall))], spacing, solver="shapely", seed=seed, tries=1)
    outlines = plate.world.outlines()
    pockets = pockets_of(outlines, packing.placements, design)
    mass = {piece.name: piece.mass_mg for piece in pieces}
    crystals = planned_crystals(pockets, corrections, mass, design.clearance_mm)
    planned = forecast(crystals, seed=seed)
    off = placed_misalignment(crystals, HiddenErrors.drawn(seed), seed)
    true = {crystal.name: crystal for crystal in plate.world.plate().crystals}
    placed = [
        true[where.name].placed(
            where.x_mm,
            where.y_mm,
            where.turn_deg,
            float(turn[2]),
            rotation_matrix(np.array([turn[0], turn[1], 0.0])),
            turned_over=where.turned_over,
        )
        for where, turn in zip(packing.placements, off, strict=True)
    ]
    context = plate.world.context
    again = PlateWorld.of(placed, context.crystal, level=level, habit=context.habit)
    again.reset(np.atleast_1d(make_keys(seed, 1)), np.ones(1, dtype=np.bool_))
    scan = scan_plate(again, again.outlines())
    wanted = TARGET.orientation(context.crystal)
    return Loop(planned, check_plate(scan.crystals, wanted, scan.rotations, mass), packing, tuple(placed))


def _pieces(plate: ScannedPlate) -> tuple[list[Any], Mapping[str, Any]]:
    context, scan = plate.world.context, plate.scan
    corrections = corrections_of(scan.crystals, context.crystal, context.habit, TARGET, scan.rotations)
    pieces, _ = pieces_of(plate.world.outlines(), corrections, context.crystal.density_g_per_cm3)
    return pieces, {one.name: one for one in corrections}


def _design(pieces: list[Any], datum_edges: bool) -> Design:
    """Return a square holder that is surely large enough."""
    from shapely.geometry import box

    area = sum(piece.area_mm2 for piece in pieces)
    half = 0.5 * (np.sqrt(area / 0.25) + 8.0)
    return Design(box(-half, -half, half, half), datum_edges=datum_edges)
