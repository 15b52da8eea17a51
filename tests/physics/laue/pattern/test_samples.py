"""Samples with another lattice and a second grain, and frames that show few of their spots."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import load_crystal, with_axial_ratios
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern.samples import Samples, few_spots
from beamgym.physics.laue.pattern.spots import LaueModel
from beamgym.physics.orientation import random_orientations


@pytest.fixture(scope="module")
def parts():
    return load_crystal("LSCO"), Beam.tube("W"), Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)


def _drawn(parts, n, fraction=0.03, second=(0.3, 0.7), brightest=128, seeds=None):
    samples = Samples(LaueModel(*parts, brightest=brightest), n, fraction, second)
    seeds = np.arange(n) if seeds is None else np.asarray(seeds)
    samples.draw(np.arange(n), make_keys(seeds, 0, 0, 1), make_keys(seeds, 0, 0, 2))
    return samples


def test_a_stretched_lattice_has_its_spots_where_its_own_cell_says(parts):
    crystal, _, detector = parts
    samples = _drawn(parts, 1, second=None, brightest=40)
    orientation, panel = random_orientations(make_keys([3])), detector.as_vector()[None]
    found = samples.spots(orientation, panel, np.arange(1))
    ratio = np.linalg.inv(samples.lattice[0])[2, 2] / np.linalg.inv(crystal.b_matrix)[2, 2]
    assert 0.97 < ratio < 1.03
    assert abs(ratio - 1.0) > 1e-3
    np.testing.assert_allclose(samples.lattice[0], with_axial_ratios(crystal, [ratio]), rtol=1e-9)
    rows = np.where(found.ray[0] >= 0, found.ray[0], -found.ray[0] - 1)
    hkl = np.where(found.ray[0][:, None] >= 0, 1, -1) * LaueModel(*parts).table.hkl[rows]
    normals = hkl @ samples.lattice[0].T @ orientation[0].T
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    np.testing.assert_allclose(detector.plane_normals(found.position_px[0]), normals, atol=1e-6)


def test_shares_and_lattices_fill_their_ranges_and_the_larger_grain_stays_larger(parts):
    samples = _drawn(parts, 300)
    ratio = np.linalg.inv(samples.lattice)[:, 2, 2] / parts[0].cell[2]
    assert ratio.min() > 0.97
    assert ratio.min() < 0.972
    assert 1.028 < ratio.max() < 1.03
    assert 0.3 < samples.share.min() < 0.32
    assert 0.68 < samples.share.max() < 0.7


def test_a_sample_depends_on_its_own_key_only(parts):
    orientation, panels = random_orientations(make_keys(np.arange(5))), np.tile(parts[2].as_vector(), (5, 1))
    together = _drawn(parts, 5).spots(orientation, panels, np.arange(5))
    for i in range(5):
        alone = _drawn(parts, 1, seeds=[i]).spots(orientation[i : i + 1], panels[:1], np.arange(1))
        m = int(alone.count[0])
        assert m == together.count[i]
        np.testing.assert_array_equal(alone.position_px[0, :m], together.position_px[i, :m])
        np.testing.assert_array_equal(alone.grain[0, :m], together.grain[i, :m])


def test_the_second_grain_is_its_own_pattern_in_its_share(parts):
    samples = _drawn(parts, 1, fraction=0.0)
    orientation, panel = random_orientations(make_keys([3])), parts[2].as_vector()[None]
    both = samples.spots(orientation, panel, np.arange(1))
    alone = LaueModel(*parts, brightest=128).spots(samples.second(orientation, np.arange(1)))
    second = both.mask[0] & (both.grain[0] == 1)
    np.testing.assert_array_equal(both.position_px[0, second], alone.position_px[0, : second.sum()])
    np.testing.assert_allclose(both.intensity[0, second], samples.share[0] * alone.intensity[0, : second.sum()], 1e-6)
    assert (np.diff(both.intensity[0]) <= 0).all()


def test_few_spots_keeps_8_to_12_of_the_larger_grain_and_the_same_share_of_the_second(parts):
    n = 200
    samples = _drawn(parts, n, fraction=0.0)
    orientation, panels = random_orientations(make_keys(np.arange(n))), np.tile(parts[2].as_vector(), (n, 1))
    whole = samples.spots(orientation, panels, np.arange(n))
    least = 200.0
    few = few_spots(whole, 10.0, least, make_keys(np.arange(n), 0, 0, 3))
    larger = (few.mask & (few.grain == 0)).sum(axis=1)
    assert np.bincount(larger).nonzero()[0].tolist() == [8, 9, 10, 11, 12]
    assert (few.intensity[few.mask] >= least).all()
    bright = whole.mask & (whole.intensity >= least)
    shares = [(few.mask & (few.grain == k)).sum() / (bright & (whole.grain == k)).sum() for k in (0, 1)]
    assert shares[1] == pytest.approx(shares[0], rel=0.1)


def test_a_frame_with_fewer_spots_than_asked_keeps_them_all(parts):
    spots = LaueModel(*parts, brightest=5).spots(random_orientations(make_keys([3])))
    few = few_spots(replace(spots), 10.0, 0.0, make_keys([4]))
    np.testing.assert_array_equal(few.position_px, spots.position_px)
