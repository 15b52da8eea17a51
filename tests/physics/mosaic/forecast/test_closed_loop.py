"""The closed loop ends where it began: what is measured lies near what was planned, and datum edges narrow it."""

import numpy as np
import pytest

from beamgym.physics.mosaic.forecast import closed_loop


def test_a_small_loop_finds_its_crystals_again_and_a_narrower_mosaic_with_datum_edges():
    pushed, loose = closed_loop("FePS3", plates=1, crystals=6, seed=3, draws=60)
    assert (pushed.datum_edges, loose.datum_edges) == (True, False)
    assert sum(np.isfinite(each.off_deg).all() for each in pushed.found.crystals) >= 5
    assert pushed.found.mosaic.fwhm_deg[2] < loose.found.mosaic.fwhm_deg[2]
    assert np.all(pushed.found.mosaic.fwhm_deg[:2] < 2.0)
    assert len(pushed.held) == 3


@pytest.mark.slow
def test_the_forecast_holds_what_twenty_plates_measure():
    plates = closed_loop("FePS3", plates=20, crystals=20, seed=100, draws=400)
    for datum in (True, False):
        held = [each.held for each in plates if each.datum_edges is datum]
        assert 0.80 <= np.mean(held) <= 0.97
