"""Which crystal orientation it is: look-alikes, strangers, and frames of which none is enough alone."""

from dataclasses import replace

import numpy as np
import pytest
from seen_frames import EXACT, HARD, TURNS, context, estimator, followed, shot, stands_deg, world

from beamgym.physics.laue.estimation.estimator import Track
from beamgym.physics.laue.estimation.frames import Shot
from beamgym.physics.laue.estimation.merit import LEAST_MERIT, demand, looks
from beamgym.physics.orientation import misorientation_deg, rotation_matrix


@pytest.mark.parametrize("crystal", ["kyanite", "Ca2RuO4", "FePS3"])
@pytest.mark.parametrize("seed", [1, 2])
def test_no_look_alike_is_taken_for_the_crystal(crystal, seed):
    made, known = followed(HARD, seed, TURNS, crystal)
    group = context(crystal).crystal.rotations
    assert misorientation_deg(known.best.mount, made.truth()["mount"][0], group) < 1.0
    assert np.linalg.norm(stands_deg(made, known, crystal)) < 0.3


def test_spots_at_random_are_no_crystal():
    rng = np.random.default_rng(1)
    known = Track()
    for _ in range(2):
        position = rng.uniform(0.0, 2047.0, (60, 2))
        known = estimator().seen(known, Shot(np.zeros(6), np.eye(3), position, rng.uniform(10.0, 1e4, 60)))
    assert known.best is None


def test_no_spots_are_no_crystal():
    known = estimator().seen(Track(), Shot(np.zeros(6), np.eye(3), np.zeros((0, 2)), np.zeros(0)))
    assert known.best is None
    made = world(HARD, 3)
    known = estimator().seen(known, shot(made, TURNS[0]))
    assert known.best is not None


def test_several_frames_show_what_none_shows_alone():
    """Each frame keeps nine true spots among thirty false ones."""
    rng, made, known, alone = np.random.default_rng(5), world(EXACT, 7), Track(), []
    for target in (None, *TURNS, tuple(-0.5 * np.array(TURNS[0]))):
        whole = shot(made, target)
        false = rng.uniform(0.0, 2047.0, (30, 2))
        position = np.concatenate([whole.position_px[:9], false])
        counts = np.concatenate([whole.counts[:9], rng.choice(whole.counts, 30)])
        one = Shot(whole.readback, whole.turned, position, counts)
        alone.append(estimator().seen(Track(), one).best)
        known = estimator().seen(known, one)
    assert known.merits[0] > LEAST_MERIT
    assert np.linalg.norm(stands_deg(made, known)) < 0.2


def test_the_same_frames_give_the_same_answer():
    first, second = (followed(HARD, 9)[1] for _ in range(2))
    np.testing.assert_array_equal(first.best.values, second.best.values)
    np.testing.assert_array_equal(first.best.mount, second.best.mount)


def test_a_last_frame_that_shows_another_crystal_is_not_understood():
    _, known = followed(HARD, 10, TURNS[:1])
    assert estimator().understands(known)
    stranger = shot(world(replace(HARD), 77), TURNS[1])
    assert not estimator().understands(estimator().seen(known, stranger))


def test_a_frame_of_few_rays_is_understood_where_no_more_is_left_over_than_elsewhere():
    _, known = followed(HARD, 10)
    orientation = estimator().adjustment.orientations(known.best, known.shots)[-1]
    panel, strain = estimator().adjustment.panels(known.best, known.shots), np.eye(3)
    rays = estimator().adjustment.setup.rays(orientation[None], panel[-1:], strain)[0].position_px
    last = known.shots[-1]
    apart = np.linalg.norm(last.position_px[:, None] - rays, axis=2).min(axis=1)
    few = np.argsort(apart)[:6]
    known = estimator().seen(known, Shot(last.readback, last.turned, last.position_px[few], last.counts[few]))
    assert estimator().understands(known)
    moved = rays[:40] + 40.0
    known = estimator().seen(known, Shot(last.readback, last.turned, moved, np.ones(len(moved))))
    assert not estimator().understands(known)


@pytest.mark.parametrize("spots", [3, pytest.param(6, marks=pytest.mark.slow), 20])
def test_spots_that_stay_while_nothing_moves_are_no_crystal_however_often_they_are_seen(spots):
    """Few and many; what lies between is slow."""
    rng, known = np.random.default_rng(spots), Track()
    place = rng.uniform(0.0, 511.0, (spots, 2))
    for _ in range(4):
        seen = Shot(np.zeros(6), np.eye(3), place + rng.normal(0.0, 0.3, place.shape), np.ones(spots))
        known = estimator().seen(known, seen)
    assert looks(known.shots) == [0]
    assert demand(known.shots) == LEAST_MERIT
    assert known.best is None


def test_axes_that_read_otherwise_and_turn_nothing_are_no_other_pose():
    still = Shot(np.zeros(3), np.eye(3), np.zeros((0, 2)), np.zeros(0))
    moved = replace(still, readback=np.array([30.0, -30.0, 4.0]))
    turned = replace(moved, turned=rotation_matrix(np.array([0.0, 0.6, 0.0])))
    assert looks([still, moved, still]) == [0]
    assert looks([still, moved, turned]) == [0, 2]
