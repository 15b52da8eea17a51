"""Twins whose spots coincide are told by their intensities."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.mosaic.habit import HABITS
from beamgym.physics.mosaic.plate_frame import PLATE_TO_LAB, turn_about_normal
from beamgym.physics.mosaic.scan.twinning import twin_share

CAMERA = Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)
NAME = "KFe3(OH)6(SO4)2"


@pytest.fixture(scope="module")
def model():
    return LaueModel(load_crystal(NAME), Beam.tube("W"), CAMERA, brightest=250)


def frame(model, share, seed):
    """One pattern of a crystal with this share of its twin: 20 % noise on intensities, a fifth of the spots missing."""
    rng = np.random.default_rng(seed)
    crystal, law = model.crystal, HABITS[NAME].twin.rotation(model.crystal)
    u = PLATE_TO_LAB @ turn_about_normal(rng.uniform(0, 360)) @ HABITS[NAME].lying(crystal)
    one, two = model.spots(u), model.spots(u @ law)
    place = np.concatenate([one.position_px[0], two.position_px[0]]).astype(float)
    light = np.concatenate([(1 - share) * one.intensity[0], share * two.intensity[0]])
    # spots nearer than half a millimetre are found as one
    owner = np.array([np.flatnonzero(np.linalg.norm(place - p, axis=1) < 1.6)[0] for p in place])
    total = np.bincount(owner, light, len(place))
    total *= np.exp(0.2 * rng.normal(size=len(total))) * (rng.uniform(size=len(total)) > 0.2)
    best = np.argsort(-total)[:60]
    return (u, place[best], total[best], CAMERA), law


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_the_share_of_a_twin_comes_out(model, share):
    made = [frame(model, share, seed) for seed in range(3)]
    found = twin_share(model, [one for one, _ in made], made[0][1])
    assert found.share == pytest.approx(share, abs=0.12)
    assert (found.gain > 8.0) == (share > 0.0)
    assert (found.gain_over_whole > 8.0) == (share < 1.0)


def test_too_few_spots_say_nothing(model):
    (u, place, light, camera), law = frame(model, 0.0, 0)
    assert twin_share(model, [(u, place[:5], light[:5], camera)], law) is None
