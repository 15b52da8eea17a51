"""Several grains and twins in one pattern."""

from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern.grains import TWIN_LAWS, TwinLaw, grain_spots, twin_law, twin_orientations
from beamgym.physics.laue.pattern.spots import LaueModel

CRYSTAL_OF = {"spinel": "Si", "dauphine": "quartz", "reverse-obverse": "Bi2Se3", "ferroelastic": "YBa2Cu3O7"}
PANEL = Detector.back_reflection(70.0, (512, 512), 0.32)


@cache
def model(name="Si"):
    return LaueModel(load_crystal(name), Beam.tube("W"), PANEL)


def rotations(n, seed=0):
    return Rotation.random(n, random_state=seed).as_matrix()


def places(spots, row=0):
    return spots.position_px[row, : spots.count[row]]


def test_a_pattern_of_grains_holds_each_grains_spots_at_its_share():
    u = rotations(6).reshape(3, 2, 3, 3)
    share = np.array([[0.7, 0.3], [0.5, 0.5], [1.0, 0.0]])
    both = grain_spots(model(), u, share)
    for row in range(3):
        for grain in range(2):
            own = model().spots(u[row, grain][None])
            of = (both.grain[row] == grain) & both.mask[row]
            if share[row, grain] == 0:
                assert not of.any()
                continue
            order = np.argsort(-own.intensity[0], kind="stable")
            np.testing.assert_array_equal(both.ray[row, of], own.ray[0, order])
            np.testing.assert_array_equal(both.position_px[row, of], own.position_px[0, order])
            np.testing.assert_allclose(both.intensity[row, of], share[row, grain] * own.intensity[0, order], rtol=1e-6)


def test_the_list_is_brightest_first_and_padded_with_zeros():
    both = grain_spots(model(), rotations(8).reshape(4, 2, 3, 3), [0.6, 0.4], brightest=50)
    assert both.intensity.shape == (4, 50)
    assert (np.diff(both.intensity, axis=1) <= 0).all()
    every = grain_spots(model(), rotations(8).reshape(4, 2, 3, 3), [0.6, 0.4])
    assert (np.diff(every.intensity, axis=1) <= 0).all()
    assert (every.position_px[~every.mask] == 0).all()
    np.testing.assert_array_equal(every.intensity[:, :50], both.intensity)


def test_two_phases_have_each_its_own_reflections():
    u = rotations(2).reshape(1, 2, 3, 3)
    both = grain_spots([model("Si"), model("Ge")], u, [0.5, 0.5])
    assert (both.grain[both.mask] == 1).sum() == model("Ge").spots(u[:, 1]).count[0]


def test_spinel_twins_share_the_spots_of_their_common_axis_zone():
    """Half a turn about [111] maps (111) and every plane of its zone onto itself: those spots coincide."""
    silicon, u = load_crystal("Si"), rotations(1, 3)
    twins = twin_orientations(u, twin_law("spinel").rotation(silicon))
    assert twins.shape == (1, 2, 3, 3)
    spots = grain_spots(model(), twins, [0.5, 0.5])
    first, second = (places(spots)[spots.grain[0, : spots.count[0]] == g] for g in (0, 1))
    apart = np.linalg.norm(first[:, None] - second[None], axis=-1).min(axis=1)
    shared = (apart < 1e-2).mean()
    other = places(model().spots(rotations(1, 4)))
    by_chance = (np.linalg.norm(first[:, None] - other[None], axis=-1).min(axis=1) < 1e-2).mean()
    assert shared > 0.05 > by_chance


def test_dauphine_twins_of_quartz_keep_every_place_and_change_intensities():
    """The lattice is hexagonal, the crystal is not: PHYSICS of quartz, Laue class −3m1."""
    quartz, u = load_crystal("quartz"), rotations(1, 5)
    twins = twin_orientations(u, twin_law("dauphine").rotation(quartz))
    one, two = (model("quartz").spots(twins[:, k]) for k in (0, 1))
    apart = np.linalg.norm(places(one)[:, None] - places(two)[None], axis=-1)
    assert (apart.min(axis=1) < 1e-2).mean() > 0.97
    pair = apart.argmin(axis=1)
    ratio = two.intensity[0, pair] / one.intensity[0, : one.count[0]]
    assert (np.abs(np.log(ratio)) > 0.1).mean() > 0.3


@pytest.mark.parametrize("name", TWIN_LAWS)
def test_every_named_law_is_a_rotation(name):
    crystal = load_crystal(CRYSTAL_OF[name])
    turn = twin_law(name).rotation(crystal)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0)


@pytest.mark.parametrize("name", TWIN_LAWS)
def test_a_twin_is_another_crystal(name):
    """No named law is a symmetry of the crystal it is for."""
    crystal = load_crystal(CRYSTAL_OF[name])
    turn = twin_law(name).rotation(crystal)
    apart = Rotation.from_matrix(np.asarray(crystal.rotations) @ turn).magnitude()
    assert np.degrees(apart.min()) > 0.5


def test_a_law_may_be_made_of_any_axis():
    turn = TwinLaw((0, 0, 1), "uvw", 90.0).rotation(load_crystal("Si"))
    np.testing.assert_allclose(turn @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_grains_share_a_displaced_panel():
    u = rotations(2).reshape(1, 2, 3, 3)
    panel = PANEL.displaced([0.0, 1.0, 0.0], [0, 0, 0]).as_vector()[None]
    moved, plain = grain_spots(model(), u, [0.5, 0.5], panel), grain_spots(model(), u, [0.5, 0.5])
    common = np.intersect1d(moved.ray, plain.ray)
    assert common.size > 50
    assert not np.array_equal(moved.position_px, plain.position_px)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: grain_spots(model(), rotations(2), [0.5, 0.5]), r"\(n, g, 3, 3\)"),
        (lambda: grain_spots(model(), rotations(2)[None], [0.5]), r"shape \(2,\)"),
        (lambda: grain_spots(model(), rotations(2)[None], [0.8, 0.5]), "at most 1"),
        (lambda: grain_spots(model(), rotations(2)[None], [-0.1, 0.5]), "at most 1"),
        (lambda: grain_spots([model()], rotations(2)[None], [0.5, 0.5]), "one for each of the 2 grains"),
        (lambda: twin_law("carlsbad"), "known are dauphine"),
    ],
)
def test_bad_grains_are_refused_in_one_line(make, words):
    with pytest.raises(ValueError, match=words) as error:
        make()
    assert "\n" not in str(error.value)
