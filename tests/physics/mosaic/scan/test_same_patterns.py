"""What no pattern shows: quarter turns of Sr4Ru3O10, but not of Ca2RuO4."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.mosaic.scan import Reader
from beamgym.physics.orientation import misorientation_deg, rotation_matrix

CAMERA = Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)


@pytest.mark.parametrize(
    ("name", "rotations"),
    [("Sr4Ru3O10", 8), ("Ca2RuO4", 4), ("FePS3", 2), ("KFe3(OH)6(SO4)2", 6), ("YFe2Ge2", 8)],
)
def test_only_rotations_that_leave_places_and_intensities_count_as_the_same(name, rotations):
    reader = Reader(load_crystal(name), Beam.tube("W"), CAMERA)
    assert len(reader.rotations) == rotations


def test_the_quarter_turn_about_c_is_one_of_them():
    crystal = load_crystal("Sr4Ru3O10")
    quarter = rotation_matrix(90.0 * crystal.plane_normal([0, 0, 1]))
    reader = Reader(crystal, Beam.tube("W"), CAMERA)
    assert misorientation_deg(quarter, np.eye(3), reader.rotations) < 0.05
    assert misorientation_deg(quarter, np.eye(3), crystal.rotations) > 80.0
