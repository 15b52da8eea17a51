"""The whole loop in memory, plate by plate: scanned, corrected, placed with errors of hidden size, scanned again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from shapely.geometry import box

from beamgym.physics.arrays import Float64Array
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.mosaic.corrections import MosaicTarget, corrections_of
from beamgym.physics.mosaic.forecast.check import PlateCheck, check_plate
from beamgym.physics.mosaic.forecast.monte_carlo import Forecast, PlannedCrystal, forecast, planned_crystals
from beamgym.physics.mosaic.forecast.placing import HiddenErrors, placed_crystals, placed_misalignment
from beamgym.physics.mosaic.holder import Design, pockets_of
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld
from beamgym.physics.mosaic.records import Correction, Placement
from beamgym.physics.mosaic.scan import PlateScan, ScanSettings, scan_plate

AXES = "xyz"


@dataclass(frozen=True, eq=False)
class LoopPlate:
    """One plate of a closed loop.

    Parameters
    ----------
    datum_edges : whether crystals were pushed against one
    told : the forecast
    found : the check of the second scan
    """

    datum_edges: bool
    told: Forecast
    found: PlateCheck

    @property
    def held(self) -> tuple[bool, ...]:
        """Whether the forecast's interval holds the measured width, about x, y and z."""
        if self.found.mosaic is None:
            return (False,) * 3
        return tuple(
            self.told.fwhm_deg[axis].holds(width) for axis, width in zip(AXES, self.found.mosaic.fwhm_deg, strict=True)
        )


def closed_loop(
    material: str,
    plates: int = 20,
    crystals: int = 30,
    seed: int = 0,
    level: str = "real",
    draws: int = 400,
    told: Callable[[int, int], None] = lambda done, all_of_them: None,
) -> list[LoopPlate]:
    """Play plates from the first scan to the second, each with and without datum edges.

    Parameters
    ----------
    material : a known crystal that grows as flakes
    plates, crystals : how many, and how many single crystals on each
    seed : of everything
    level : of the camera's imperfections
    draws : of each forecast
    told : hears how many plates of how many are done

    Returns
    -------
    two for each plate: with datum edges, and without

    Notes
    -----
    Crystals lie on a wide grid here, since packing has no part in it. Each holder's clearance is the design's; sizes of
    play, edges, floors and glue come from ``HiddenErrors``, which the forecast does not see.
    """
    found = []
    for plate in range(plates):
        world = PlateWorld.drawn(material, seed + plate, PlateOptions.faultless(crystals), level=level)
        outlines = world.outlines()
        scan = scan_plate(world, outlines, _SETTINGS)
        target = MosaicTarget.of(str(world.context.habit.along), _across(str(world.context.habit.along)))
        turns = corrections_of(scan.crystals, world.context.crystal, world.context.habit, target, scan.rotations)
        lying = _on_a_grid(turns)
        for datum in (True, False):
            planned = _planned(outlines, lying, turns, datum)
            told_before = forecast(planned, draws=draws, seed=seed + plate)
            again = _placed_and_scanned(world, lying, planned, seed + plate)
            wanted = target.orientation(world.context.crystal)
            check = check_plate(again.crystals, wanted, scan.rotations, {p.name: p.mass for p in planned})
            found.append(LoopPlate(datum, told_before, check))
        told(plate + 1, plates)
    return found


_SETTINGS = ScanSettings(places=1, looks=1)
_CELL_MM = 9.0


def _across(normal: str) -> str:
    """Return a direction that no plane normal of a flake is along."""
    return "[1 0 0]" if normal != "(1 0 0)" else "[0 1 0]"


def _on_a_grid(turns: Sequence[Correction]) -> list[Placement]:
    columns = int(np.ceil(np.sqrt(len(turns))))
    return [
        Placement(each.name, 0, _CELL_MM * (k % columns), _CELL_MM * (k // columns), each.turn_deg)
        for k, each in enumerate(turns)
    ]


def _planned(
    outlines: Sequence[Outline], lying: Sequence[Placement], turns: Sequence[Correction], datum: bool
) -> list[PlannedCrystal]:
    design = Design(box(-20.0, -20.0, 200.0, 200.0), datum_edges=datum)
    corrections = {each.name: each for each in turns}
    mass = {each.name: each.area_mm2 * (each.thickness_mm or 1.0) for each in outlines}
    return planned_crystals(pockets_of(outlines, lying, design), corrections, mass, design.clearance_mm)


def _placed_and_scanned(
    world: PlateWorld, lying: Sequence[Placement], planned: Sequence[PlannedCrystal], seed: int
) -> PlateScan:
    off: Float64Array = placed_misalignment(planned, HiddenErrors.drawn(seed), seed)
    placed = placed_crystals(world.plate(), lying, off)
    again = PlateWorld.of(placed, world.context.crystal, level=world.level, habit=world.context.habit)
    again.reset(np.atleast_1d(make_keys(seed, 1)), np.ones(1, dtype=np.bool_))
    return scan_plate(again, [each.outline for each in placed], _SETTINGS)
