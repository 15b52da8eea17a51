"""A neutron Laue camera sees all crystals at once: a mosaic's picture is that of one crystal, smeared."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.physics.crystal import load_crystal
from beamgym.physics.mosaic.forecast import NeutronCamera, plate_pattern

CAMERA = NeutronCamera(pixel_mm=2.0)


@pytest.fixture(scope="module")
def crystal():
    return load_crystal("FePS3", radiation="neutron")


def spread(u, axis, deg):
    return Rotation.from_rotvec(np.outer(deg, axis), degrees=True).as_matrix() @ u


def test_crystals_that_stand_alike_give_the_picture_of_one(crystal):
    one = plate_pattern(np.eye(3)[None], [2.0], crystal, CAMERA)
    three = plate_pattern(np.tile(np.eye(3), (3, 1, 1)), [1.0, 2.0, 0.5], crystal, CAMERA)
    assert one.max() > 0.0
    assert np.allclose(one, three, rtol=1e-6, atol=1e-9 * one.max())


def test_a_wide_mosaic_smears_the_spots_and_a_turn_of_all_turns_the_picture(crystal):
    aligned = plate_pattern(np.eye(3)[None], [1.0], crystal, CAMERA)
    wide = plate_pattern(spread(np.eye(3), [0.0, 0.0, 1.0], np.linspace(-8.0, 8.0, 15)), np.ones(15), crystal, CAMERA)
    assert wide.max() < 0.8 * aligned.max()
    # By half a turn about the beam the picture turns upon itself.
    turned = plate_pattern(spread(np.eye(3), [0.0, 0.0, 1.0], [180.0]), [1.0], crystal, CAMERA)
    likeness = np.corrcoef(turned[::-1, ::-1].ravel(), aligned.ravel())[0, 1]
    assert likeness > 0.95


def test_the_cylinder_sees_the_flat_cameras_spots_behind_the_beam_and_others_all_round(crystal):
    camera = NeutronCamera("cylinder", distance_mm=160.0, height_mm=200.0, pixel_mm=2.0)
    picture = plate_pattern(np.eye(3)[None], [1.0], crystal, camera)
    assert picture.shape == (100, round(2.0 * np.pi * 160.0 / 2.0))
    columns = picture.sum(axis=0)
    assert np.count_nonzero(columns > 1e-3 * columns.max()) > 0.3 * len(columns)
    flat = plate_pattern(np.eye(3)[None], [1.0], crystal, CAMERA)
    middle = np.roll(picture, picture.shape[1] // 2, axis=1)[:, picture.shape[1] // 2 - 10 : picture.shape[1] // 2 + 10]
    near = flat[:, flat.shape[1] // 2 - 10 : flat.shape[1] // 2 + 10]
    assert np.corrcoef(middle.sum(axis=1), near.sum(axis=1))[0, 1] > 0.8


def test_a_camera_that_is_none_and_a_crystal_for_xrays_are_refused():
    with pytest.raises(ValueError, match="choose flat or cylinder"):
        NeutronCamera("sphere")
    with pytest.raises(ValueError, match="distance_mm"):
        NeutronCamera(distance_mm=-1.0)
    with pytest.raises(ValueError, match="neutron"):
        plate_pattern(np.eye(3)[None], [1.0], load_crystal("FePS3"))
