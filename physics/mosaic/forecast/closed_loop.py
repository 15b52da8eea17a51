"""The closed loop: corrected, packed, forecast, placed with play that the forecast is not told of, scanned again."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from shapely.geometry import box

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.mosaic.corrections import MosaicTarget, corrections_of
from beamgym.physics.mosaic.forecast.check import PlateCheck, check_plate
from beamgym.physics.mosaic.forecast.monte_carlo import Forecast, forecast, planned_crystals
from beamgym.physics.mosaic.forecast.placing import HiddenErrors, placed_crystals, placed_misalignment
from beamgym.physics.mosaic.holder import Design, pockets_of
from beamgym.physics.mosaic.packing import HolderPlate, Packing, Piece, Spacing, pack, pieces_of
from beamgym.physics.mosaic.plate import PlateCrystal, PlateWorld
from beamgym.physics.mosaic.records import Correction
from beamgym.physics.mosaic.scan import PlateScan, ScanSettings, scan_plate

LOOP_TARGET = MosaicTarget.of("(0 0 1)", "[1 0 0]")
MOST_PLACED = 40
"""Crystals of a plate that are placed and scanned again."""
_SPARSE = 0.25
"""Share of its holder that crystals of a loop fill, so that all of them find a place."""


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

    @property
    def held(self) -> tuple[bool, ...]:
        """Whether the forecast's 90 % interval holds the measured width, about x, y and z."""
        if self.checked.mosaic is None:
            return (False,) * 3
        return tuple(
            self.planned.fwhm_deg[axis].holds(float(width))
            for axis, width in zip("xyz", self.checked.mosaic.fwhm_deg, strict=True)
        )


def corrected_pieces(world: PlateWorld, scan: PlateScan) -> tuple[list[Piece], Mapping[str, Correction]]:
    """Return what of a simulated plate can be packed by its scan, and the corrections by name."""
    context = world.context
    corrections = corrections_of(scan.crystals, context.crystal, context.habit, LOOP_TARGET, scan.rotations)
    pieces, _ = pieces_of(world.outlines(), corrections, context.crystal.density_g_per_cm3)
    return pieces, {one.name: one for one in corrections}


def closed_loop(
    world: PlateWorld,
    scan: PlateScan,
    seed: int,
    *,
    datum_edges: bool = True,
    draws: int = 1000,
    settings: ScanSettings | None = None,
) -> Loop:
    """Plan a holder for a scanned plate, place its crystals, and scan them again.

    Parameters
    ----------
    world : the plate with its truth
    scan : of it
    seed : of the placing, and of how well it is done, which the forecast does not see (``HiddenErrors``)
    datum_edges : of the holder
    draws : of the forecast
    settings : of the second scan
    """
    pieces, corrections = corrected_pieces(world, scan)
    pieces = pieces[:MOST_PLACED]
    half = 0.5 * (float(np.sqrt(sum(piece.area_mm2 for piece in pieces) / _SPARSE)) + 8.0)
    design = Design(box(-half, -half, half, half), datum_edges=datum_edges)
    spacing = Spacing(wall_mm=design.wall_mm, clearance_mm=design.clearance_mm)
    packing = pack(pieces, [HolderPlate(2.0 * half, 2.0 * half)], spacing, solver="shapely", seed=seed, tries=1)
    pockets = pockets_of(world.outlines(), packing.placements, design)
    mass = {piece.name: piece.mass_mg for piece in pieces}
    crystals = planned_crystals(pockets, corrections, mass, design.clearance_mm)
    planned = forecast(crystals, draws=draws, seed=seed)
    off = placed_misalignment(crystals, HiddenErrors.drawn(seed), seed)
    placed = placed_crystals(world.plate(), packing.placements, off)
    again = PlateWorld.of(placed, world.context.crystal, level=world.level, habit=world.context.habit)
    again.reset(np.atleast_1d(make_keys(seed, 1)), np.ones(1, dtype=np.bool_))
    second = scan_plate(again, again.outlines(), settings)
    wanted = LOOP_TARGET.orientation(world.context.crystal)
    return Loop(planned, check_plate(second.crystals, wanted, scan.rotations, mass), packing, tuple(placed))
