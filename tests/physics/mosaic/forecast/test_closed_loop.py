"""The closed loop ends where it began: what is measured lies near what was planned, and datum edges narrow it."""

import numpy as np
import pytest

from beamgym.physics.mosaic.forecast import closed_loop
from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld
from beamgym.physics.mosaic.scan import ScanSettings, scan_plate

SETTINGS = ScanSettings(places=1, looks=1)


def both(crystals, seed, draws):
    """A plate placed with datum edges and without."""
    world = PlateWorld.drawn("FePS3", seed, PlateOptions.faultless(crystals))
    scan = scan_plate(world, world.outlines(), SETTINGS)
    return [
        closed_loop(world, scan, seed, datum_edges=datum, draws=draws, settings=SETTINGS) for datum in (True, False)
    ]


def test_a_small_loop_finds_its_crystals_again_and_a_narrower_mosaic_with_datum_edges():
    pushed, loose = both(crystals=6, seed=3, draws=60)
    assert sum(np.isfinite(each.off_deg).all() for each in pushed.checked.crystals) >= 5
    assert pushed.checked.mosaic.fwhm_deg[2] < loose.checked.mosaic.fwhm_deg[2]
    assert np.all(pushed.checked.mosaic.fwhm_deg[:2] < 2.0)
    assert len(pushed.held) == 3


@pytest.mark.slow
def test_the_forecast_holds_what_twenty_plates_measure():
    loops = [both(crystals=20, seed=100 + plate, draws=400) for plate in range(20)]
    for way in (0, 1):
        held = np.mean([pair[way].held for pair in loops])
        within = np.mean([pair[way].checked.mosaic.within_in_plane for pair in loops])
        print(f"{('with', 'without')[way]} datum edges: {100 * held:.0f} % held, {100 * within:.0f} % within 1°")
        assert 0.80 <= held <= 0.97
