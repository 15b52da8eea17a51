"""The chart of zones: votes of pairs of spots against plain numpy, and an axis that is found where it is."""

import numpy as np
import pytest

from beamgym.agents.baselines.zone.true_axis import zone_positions
from beamgym.physics.laue.zone.chart import BEEN_DEG, CELLS, Charts, _near
from beamgym.physics.laue.zone.chart_kernels import HALF_DEG, LEAST_SINE, add_votes, strongest_places
from beamgym.physics.orientation import rotation_matrix

STEP = 2.0 * HALF_DEG / CELLS


def normals_drawn(count, seed=0):
    """Return (count, 3) normals within some 30 degrees of the direction against the beam."""
    spread = np.random.default_rng(seed).uniform(-0.5, 0.5, (count, 2))
    normals = np.column_stack([-np.ones(count), spread])
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def votes_by_numpy(normals, turn):
    """Return the chart (64, 64) of one frame, pair by pair."""
    votes = np.zeros((CELLS + 2, CELLS + 2))
    for j, k in zip(*np.tril_indices(len(normals), -1), strict=True):
        axis = np.cross(normals[j], normals[k])
        if np.linalg.norm(axis) < LEAST_SINE:
            continue
        axis /= np.linalg.norm(axis)
        place = (zone_positions(turn.T[None], axis[None, None], np.zeros((1, 2)))[0] + HALF_DEG) / STEP - 0.5
        low = np.floor(place).astype(int)
        for q, p in np.ndindex(2, 2):
            share = np.abs(1 - np.array([q, p]) - (place - low)).prod()
            votes[low[0] + q + 1, low[1] + p + 1] += share
    return votes[1:-1, 1:-1]


@pytest.mark.parametrize("turn", [np.eye(3), rotation_matrix([0.0, 40.0, 0.0]) @ rotation_matrix([0.0, 0.0, -25.0])])
def test_votes_are_those_of_plain_numpy(turn):
    normals = normals_drawn(20)
    votes = np.zeros((1, CELLS, CELLS), np.float32)
    add_votes(normals[None], np.array([20]), turn[None], votes)
    assert np.allclose(votes[0], votes_by_numpy(normals, turn), atol=1e-4)
    assert votes.sum() > 100.0


def zone_of(axis, count):
    """Return (count, 3) normals across an axis, on the side against the beam."""
    first = np.cross(axis, [0.0, 0.0, 1.0])
    first /= np.linalg.norm(first)
    angle = np.linspace(-1.0, 1.0, count)[:, None]
    normals = np.cos(angle) * first + np.sin(angle) * np.cross(axis, first)
    return normals * -np.sign(normals[:, :1])


def test_the_axis_of_a_zone_is_found_where_the_axes_lay_it_along_the_beam():
    axis = np.array([0.3, 0.8, -0.52])
    axis /= np.linalg.norm(axis)
    normals = np.concatenate([zone_of(axis, 9), normals_drawn(20, seed=3)])
    charts = Charts.blank(1)
    add_votes(normals[None], np.array([29]), np.eye(3)[None], charts.votes)
    place = charts.strongest(3)[0]
    wanted = zone_positions(np.eye(3)[None], axis[None, None], np.zeros((1, 2)))[0]
    assert np.abs(place[0, :2] - wanted).max() < 0.5 * STEP
    assert place[0, 2] > 2.0 * place[1, 2] > 0.0


def test_nothing_is_looked_for_where_frames_were_taken():
    charts = Charts.blank(1)
    charts.votes[0, 40, 20] = 30.0
    here = np.array([[40.5 * STEP - HALF_DEG, 20.5 * STEP - HALF_DEG]])
    assert np.allclose(charts.strongest(1)[0, 0, :2], here)
    been = Charts(charts.votes, _near(here))
    assert been.strongest(1)[0, 0, 2] == 0.0
    assert 1 <= been.been.sum() <= 12
    assert BEEN_DEG < 2 * STEP


def test_a_blank_chart_has_no_places():
    places = np.ones((2, 4, 3))
    room = np.zeros((CELLS + 1, CELLS + 1)), np.zeros((CELLS, CELLS))
    blank = Charts.blank(2)
    strongest_places(blank.votes, blank.been, *room, places)
    assert not places.any()


def test_charts_begin_anew_where_they_are_asked_to():
    charts = Charts(np.ones((2, CELLS, CELLS), np.float32), np.ones((2, CELLS, CELLS), np.bool_))
    after = charts.begun(np.array([True, False]))
    assert not after.votes[0].any()
    assert not after.been[0].any()
    assert after.votes[1].all()
    assert after.been[1].all()
    assert charts.votes.all()
