"""Thirty tetragonal rods: their azimuth comes out of scan and correction."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.mosaic.corrections import MosaicTarget, corrections_of, laid_flat
from beamgym.physics.mosaic.habit import rod_along
from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld
from beamgym.physics.mosaic.scan import scan_plate


@pytest.mark.slow
def test_the_azimuth_of_rods_is_known_to_a_tenth_of_a_degree():
    crystal, habit, target = load_crystal("YFe2Ge2"), rod_along("[0 0 1]"), MosaicTarget.of("(1 0 0)", "[0 0 1]")
    world = PlateWorld.drawn(crystal, 31, PlateOptions.faultless(30, face_deg=0.0), habit=habit)
    scan = scan_plate(world, world.outlines())
    found = {one.name: one for one in corrections_of(scan.crystals, crystal, habit, target, scan.rotations)}
    off = []
    for true in world.plate().crystals:
        if true.name not in found:
            continue
        u = true.grains[0].orientation
        flat = laid_flat(u, crystal, habit) @ u
        # the [1 0 0] that stands nearest to the plate's normal, seen along the rod
        along = flat @ crystal.direction([0, 0, 1])
        up = max((flat @ g @ crystal.direction([1, 0, 0]) for g in crystal.rotations), key=lambda v: v[2])
        azimuth = np.degrees(np.arctan2(np.cross(up, [0.0, 0.0, 1.0]) @ along, up[2]))
        tilt = found[true.name].tilt_x_deg
        off.append(abs(abs(tilt) - abs(azimuth)))
    assert len(off) >= 28
    assert np.median(off) < 0.1
