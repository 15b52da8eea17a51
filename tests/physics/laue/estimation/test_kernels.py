"""The adjustment's derivatives are those of what it predicts, and its play is the simulated motors'."""

from dataclasses import replace

import numpy as np
import pytest
from seen_frames import TURNS, context, estimator, world

from beamgym.physics.goniometer import MotorErrors, move, start
from beamgym.physics.laue.estimation.adjustment import Fitted
from beamgym.physics.laue.estimation.model import kernels
from beamgym.physics.orientation import random_orientations, rotation_matrix

READBACK = np.array([np.zeros(6), *TURNS])


def predicted(adjustment, fitted, normal, frame):
    """Return where plane normals land, mm from the panel's centre along its edges, worked out by numpy."""
    setup, layout = adjustment.setup, adjustment.setup.layout(len(READBACK))
    true, _, _ = setup.course(fitted.values, layout, READBACK)
    turned = setup.goniometer.rotation(true) @ fitted.mount
    panel = setup.panel(fitted.values)
    centre = panel.centre - (setup.strayed(true) @ fitted.values[layout.miss])[frame]
    deformed = normal @ setup.strain(fitted.values, layout).T
    q = np.einsum("mij,mj->mi", turned[frame], deformed / np.linalg.norm(deformed, axis=1, keepdims=True))
    ray = np.array([1.0, 0.0, 0.0]) - 2.0 * q[:, :1] * q
    reach = (centre @ panel.edges[2]) / (ray @ panel.edges[2])
    point = reach[:, None] * ray - centre
    return np.stack([point @ panel.edges[0], point @ panel.edges[1]], axis=1)


@pytest.fixture(scope="module", params=["Si", "kyanite"])
def case(request):
    """A state whose parameters are off their means, and spots that it predicts."""
    adjustment = estimator(request.param).adjustment
    layout = adjustment.setup.layout(len(READBACK))
    values = adjustment.priors[0].mean(layout) + 0.05 * np.random.default_rng(3).normal(size=layout.size)
    # That a miss's own effect turns with the axes is of second order, and left out.
    values[layout.mount] = values[layout.tilt] = values[layout.miss] = 0.0
    fitted = Fitted(random_orientations(np.array([5], dtype=np.uint64))[0], values)
    turned = setup_turned(adjustment, fitted, layout)
    panels = np.tile(adjustment.setup.panel_vector(values), (len(READBACK), 1))
    rays = adjustment.setup.rays(turned, panels, adjustment.setup.strain(values, layout))
    normal = np.concatenate([each.normal[:8] for each in rays])
    return adjustment, layout, fitted, normal, np.repeat(np.arange(len(READBACK)), 8)


def setup_turned(adjustment, fitted, layout):
    true, _, _ = adjustment.setup.course(fitted.values, layout, READBACK)
    return adjustment.setup.goniometer.rotation(true) @ fitted.mount


def equations(adjustment, layout, fitted, normal, frame, found):
    matrix, gradient = np.zeros((layout.size, layout.size)), np.zeros(layout.size)
    residual = np.zeros((len(normal), 2))
    orientation, by_turn, by_shift = adjustment.derivatives(fitted, layout, READBACK)
    panel = adjustment.setup.panel(fitted.values)
    centres = panel.centre + np.einsum("tip,p->ti", by_shift[:, :, layout.miss], fitted.values[layout.miss])
    kernels.normal_equations(
        normal, frame, found, orientation, centres, panel.edges, by_turn, by_shift, layout.tilt.start,
        adjustment.setup.modes, layout.cell.start, adjustment.setup.strain(fitted.values, layout), 0.0, 1e9,
        matrix, gradient, residual,
    )  # fmt: skip
    return matrix, gradient, residual


def test_the_residuals_are_what_was_found_less_what_numpy_predicts(case):
    adjustment, layout, fitted, normal, frame = case
    found = predicted(adjustment, fitted, normal, frame) + np.array([0.3, -0.2])
    _, _, residual = equations(adjustment, layout, fitted, normal, frame, found)
    np.testing.assert_allclose(residual, np.tile([0.3, -0.2], (len(normal), 1)), atol=1e-9)


def test_the_gradient_is_that_of_half_the_sum_of_squares(case):
    adjustment, layout, fitted, normal, frame = case
    found = predicted(adjustment, fitted, normal, frame) + np.random.default_rng(1).normal(size=(len(normal), 2))
    matrix, gradient, _ = equations(adjustment, layout, fitted, normal, frame, found)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-9)

    def half_square(parameter, amount):
        values, mount = fitted.values.copy(), fitted.mount
        if parameter < 3:
            mount = rotation_matrix(amount * np.eye(3)[parameter]) @ mount
        else:
            values[parameter] += amount
        moved = predicted(adjustment, replace(fitted, mount=mount, values=values), normal, frame)
        return 0.5 * ((found - moved) ** 2).sum()

    step = 1e-4
    for parameter in range(layout.size):
        slope = (half_square(parameter, step) - half_square(parameter, -step)) / (2.0 * step)
        assert gradient[parameter] == pytest.approx(-slope, rel=2e-3, abs=1e-3), parameter


def test_the_play_is_the_motors_own():
    stage = context().goniometer
    errors = MotorErrors(backlash=(0.3,) * 6)
    keys = np.zeros(1, dtype=np.uint64)
    targets = np.random.default_rng(2).uniform(-1.0, 1.0, (12, 6))
    motors = start(stage.axes, errors, targets[0], keys)
    true = [motors.true[0]]
    for target in targets[1:]:
        motors, _ = move(stage.axes, errors, motors, target[None])
        true.append(motors.true[0])
    counted = np.concatenate([targets[:1], targets[1:]])
    step = np.array([axis.step for axis in stage.axes])
    counted[1:] = np.where(step > 0, step * np.floor(counted[1:] / np.where(step > 0, step, 1.0) + 0.5), counted[1:])
    off, _, _ = kernels.play_course(counted, np.full(6, 0.3), np.zeros(6))
    np.testing.assert_allclose(counted + off, true, atol=1e-9)


@pytest.mark.parametrize("by", ["play", "start"])
def test_the_derivatives_of_the_play_are_differences(by):
    counts = np.random.default_rng(4).uniform(-1.0, 1.0, (8, 5))
    play, begun = np.full(5, 0.4), np.full(5, 0.03)
    _, by_play, by_start = kernels.play_course(counts, play, begun)
    step = 1e-6
    first, second = (
        kernels.play_course(counts, play + sign * step * (by == "play"), begun + sign * step * (by == "start"))[0]
        for sign in (1.0, -1.0)
    )
    np.testing.assert_allclose(by_play if by == "play" else by_start, (first - second) / (2.0 * step), atol=1e-6)


def test_partners_are_each_others_nearest_within_reach():
    rng = np.random.default_rng(6)
    one, two = rng.uniform(0.0, 30.0, (40, 2)), rng.uniform(0.0, 30.0, (35, 2))
    apart = np.linalg.norm(one[:, None] - two[None], axis=-1)
    wanted = [
        int(j) if apart[i, j] < 2.0 and apart[:, j].argmin() == i else -1 for i, j in enumerate(apart.argmin(axis=1))
    ]
    assert kernels.mutual_nearest(one, two, 2.0).tolist() == wanted
    assert (np.array(wanted) >= 0).sum() > 5


def test_a_sample_strays_as_the_simulated_one_does():
    made = world(replace(made_level(), eccentricity_mm=0.4), 8)
    from beamgym.physics.goniometer import sample_offset_mm

    made.move(np.array([TURNS[0]]), np.ones(1, dtype=np.bool_))
    setup = estimator().adjustment.setup
    miss = made._motors.miss_mm[0].ravel()
    found = setup.strayed(made._motors.true)[0] @ miss
    np.testing.assert_allclose(found, sample_offset_mm(context().goniometer, made._motors)[0], atol=1e-9)
    assert np.linalg.norm(found) > 0.05


def made_level():
    from seen_frames import EXACT

    return EXACT
