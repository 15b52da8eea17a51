"""A cell may differ in shape only as its symmetry allows."""

import numpy as np
import pytest
from seen_frames import context

from beamgym.physics.laue.estimation.model.shape import shape_modes

FREE = {"Si": 0, "La2-xSrxCuO4": 1, "Al2O3": 1, "quartz": 1, "Ca2RuO4": 2, "FePS3": 3, "kyanite": 5}


@pytest.mark.parametrize("name", FREE)
def test_each_system_has_its_free_ratios_and_angles(name):
    rotations = context(name).crystal.rotations
    modes = shape_modes(rotations)
    assert len(modes) == FREE[name]
    np.testing.assert_allclose(modes, modes.transpose(0, 2, 1), atol=1e-9)
    np.testing.assert_allclose(np.einsum("mij,nij->mn", modes, modes), np.eye(len(modes)), atol=1e-9)
    np.testing.assert_allclose(np.trace(modes, axis1=1, axis2=2), 0.0, atol=1e-9)
    for rotation in rotations:
        np.testing.assert_allclose(rotation @ modes @ rotation.T, modes, atol=1e-6)
