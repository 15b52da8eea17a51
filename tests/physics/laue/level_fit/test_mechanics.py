"""Derivatives against what the simulator itself does, and the course of a play against its kernel."""

from functools import cache

import numpy as np
import pytest

from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.physics.goniometer import MotorErrors, MotorState, move, sample_offset_mm, start
from beamgym.physics.laue.imperfections import displaced_panels
from beamgym.physics.laue.level_fit.matching import by_camera, by_origin, by_turn, mutual_nearest
from beamgym.physics.laue.level_fit.mechanics import axis_turns, miss_offsets, play_course
from beamgym.physics.laue.level_fit.runs import landing_px
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import rotation_matrix


@cache
def known():
    return build(LaueAlignOptions(goniometer="psic"), 1)[0].context


def scattering(orientation=None):
    model = LaueModel(known().crystal, known().beam, known().detector, brightest=40)
    turned = rotation_matrix([20.0, 30.0, 40.0]) if orientation is None else orientation
    spots = model.spots(turned[None])
    row, sign = np.where(spots.ray < 0, -spots.ray - 1, spots.ray)[0], np.where(spots.ray < 0, -1.0, 1.0)[0]
    return (sign[:, None] * model.table.q_inv_a[row]) @ turned.T, spots.position_px[0]


def test_rays_land_where_the_simulator_puts_them():
    q, position = scattering()
    landed = landing_px(q, known().detector.as_vector(), known().detector.pixel_mm)
    assert np.abs(landed - position).max() < 2e-3  # single precision


def test_derivatives_predict_a_small_change():
    q, _ = scattering()
    detector, panel = known().detector, known().detector.as_vector()
    here = landing_px(q, panel, detector.pixel_mm)
    amounts = np.array([0.1, -0.05, 0.08, 0.03, -0.04])
    moved = landing_px(q, displaced_panels(detector, amounts[None])[0], detector.pixel_mm)
    assert np.abs(here + by_camera(detector, np.zeros(5), q) @ amounts - moved).max() < 0.01
    vector = np.array([0.02, -0.03, 0.01])
    turned = landing_px(q @ rotation_matrix(vector).T, panel, detector.pixel_mm)
    assert np.abs(here + by_turn(q, panel, detector.pixel_mm) @ vector - turned).max() < 0.01
    shift = np.array([0.05, 0.1, -0.02])
    shifted = landing_px(q, panel + np.concatenate([shift, np.zeros(6)]), detector.pixel_mm)
    assert np.abs(here + by_origin(q, panel, detector.pixel_mm) @ shift - shifted).max() < 0.01


def test_an_axis_turns_the_sample_as_the_goniometer_says():
    stage = known().goniometer
    counts = np.random.default_rng(1).uniform(-20.0, 20.0, (3, len(stage.axes)))
    turns = axis_turns(stage, counts)
    for axis, step in enumerate(0.01 * np.eye(counts.shape[1])):
        ahead = stage.rotation(counts + step)
        predicted = rotation_matrix(0.01 * turns[:, :, axis]) @ stage.rotation(counts)
        assert np.abs(ahead - predicted).max() < 1e-7


def test_the_sample_leaves_the_beam_as_the_simulator_says():
    stage, rng = known().goniometer, np.random.default_rng(2)
    counts, miss = rng.uniform(-20.0, 20.0, (3, len(stage.axes))), rng.normal(0.0, 0.1, (len(stage.axes), 3))
    state = MotorState(counts, counts, np.zeros_like(counts), np.tile(miss, (3, 1, 1)))
    assert miss_offsets(stage, counts) @ miss.ravel() == pytest.approx(sample_offset_mm(stage, state), abs=1e-12)


def test_the_course_of_a_play_is_that_of_the_motors():
    axes, play = known().goniometer.axes, 0.3
    counts = np.random.default_rng(3).uniform(-0.4, 0.4, (8, len(axes)))
    errors, true = MotorErrors(backlash=play), []
    state = start(axes, errors, counts[:1], np.zeros(1, dtype=np.uint64))
    for target in counts:
        state, _ = move(axes, errors, state, target[None])
        true.append(state.true[0])
    assert play_course(counts, np.full(len(axes), play)) + counts == pytest.approx(np.array(true), abs=1e-12)


def test_only_points_that_are_each_others_nearest_are_matched():
    one, other = np.array([[0.0, 0.0], [10.0, 0.0], [11.0, 0.0]]), np.array([[10.6, 0.0], [50.0, 0.0], [0.2, 0.0]])
    assert mutual_nearest(one, other, 2.0).tolist() == [[0, 2], [2, 0]]
    assert mutual_nearest(one, other, 0.3).tolist() == [[0, 2]]
    assert len(mutual_nearest(one, other[:0], 2.0)) == 0
