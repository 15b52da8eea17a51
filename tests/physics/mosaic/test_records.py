"""What is recorded of a crystal: its correction follows the turn that a layout took."""

import numpy as np
from scipy.spatial.transform import Rotation

from beamgym.physics.mosaic.records import Correction, Placement, corrections_as_placed


def whole(correction):
    """Return the rotation that a correction stands for: first in the plate, then the tilt that is left."""
    tilt = [correction.tilt_x_deg, correction.tilt_y_deg, 0.0]
    turn = Rotation.from_euler("z", correction.turn_deg, degrees=True)
    return Rotation.from_rotvec(tilt, degrees=True) * turn


def test_a_tilt_follows_the_turn_that_symmetry_allows():
    first = Correction("1", -35.0, 20.0, 3.0, (55.0, 145.0, -125.0))
    scanned = whole(first).inv()  # what stands as asked, the identity, once it is corrected
    for way in (55.0, 145.0, 235.0):
        (placed,) = corrections_as_placed([first], [Placement("1", 0, 0.0, 0.0, way)])
        stands = whole(placed) * scanned
        about = Rotation.from_euler("z", way + 35.0, degrees=True)  # a fourfold axis along z
        assert (stands * about.inv()).magnitude() < 1e-9
        assert placed.turn_deg == way
        assert -35.0 in placed.equivalents_deg
        assert len(placed.equivalents_deg) == 3


def test_what_is_placed_as_corrected_or_not_at_all_stays():
    first, other = Correction("1", -35.0, 20.0, 3.0, (55.0,)), Correction("2", 5.0, 1.0, 0.0)
    found = corrections_as_placed([first, other], [Placement("1", 0, 0.0, 0.0, 325.0)])
    assert found[1] is other
    assert np.allclose([found[0].tilt_x_deg, found[0].tilt_y_deg], [20.0, 3.0])
    assert found[0].equivalents_deg == (55.0,)
