"""The adjustment on a plate bent to a cylinder: what it predicts, and its derivatives, are the plate's own."""

from dataclasses import replace

import numpy as np
import pytest
from seen_frames import TURNS, context

from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.estimation.adjustment import Adjustment, Fitted
from beamgym.physics.laue.estimation.model import Setup, kernels
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import random_orientations, rotation_matrix

READBACK = np.array([np.zeros(6), *TURNS])


@pytest.fixture(scope="module", params=["inside", "outside"])
def adjustment(request):
    plate = CylinderDetector.around(160.0, (500, 1250), 0.8, beam_px=(400.0, 240.0), seen_from=request.param)
    quartz = load_crystal("quartz", "neutron")
    return Adjustment(Setup(context().goniometer, plate, LaueModel(quartz, Beam.neutron(), plate, brightest=40)))


@pytest.fixture
def fitted(adjustment):
    layout = adjustment.setup.layout(len(READBACK))
    values = adjustment.priors[0].mean(layout) + 0.05 * np.random.default_rng(3).normal(size=layout.size)
    values[layout.mount] = values[layout.tilt] = values[layout.miss] = 0.0
    return Fitted(random_orientations(np.array([5], dtype=np.uint64))[0], values)


def turned_by(adjustment, fitted):
    layout = adjustment.setup.layout(len(READBACK))
    true, _, _ = adjustment.setup.course(fitted.values, layout, READBACK)
    return adjustment.setup.goniometer.rotation(true) @ fitted.mount


def predicted(adjustment, fitted, normal, frame):
    """Where plane normals land, mm around and along from the middle, worked out by the plate."""
    setup, layout = adjustment.setup, adjustment.setup.layout(len(READBACK))
    true, _, _ = setup.course(fitted.values, layout, READBACK)
    deformed = normal @ setup.strain(fitted.values, layout).T
    q = np.einsum("mij,mj->mi", turned_by(adjustment, fitted)[frame], deformed)
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    ray = np.array([1.0, 0.0, 0.0]) - 2.0 * q[:, :1] * q
    vector, missed = setup.panel_vector(fitted.values), setup.strayed(true) @ fitted.values[layout.miss]
    plates = [setup.detector.placed(vector[:3] - away, vector[3:6], vector[6:]) for away in missed]
    place = np.array([plates[f].to_pixel(one)[0] for f, one in zip(frame, ray, strict=True)])
    return setup.detector.pixel_mm * (place - setup.middle_px)


def equations(adjustment, fitted, normal, frame, found):
    layout = adjustment.setup.layout(len(READBACK))
    matrix, gradient = np.zeros((layout.size, layout.size)), np.zeros(layout.size)
    residual = np.zeros((len(normal), 2))
    orientation, by_turn, by_shift = adjustment.derivatives(fitted, layout, READBACK)
    panel = adjustment.setup.panel(fitted.values)
    centres = panel.centre + np.einsum("tip,p->ti", by_shift[:, :, layout.miss], fitted.values[layout.miss])
    kernels.normal_equations(
        normal, frame, found, orientation, centres, panel.edges, by_turn, by_shift, layout.tilt.start,
        adjustment.setup.modes, layout.cell.start, adjustment.setup.strain(fitted.values, layout),
        adjustment.setup.radius_mm, 1e9, matrix, gradient, residual,
    )  # fmt: skip
    return gradient, residual


@pytest.fixture
def spots(adjustment, fitted):
    layout = adjustment.setup.layout(len(READBACK))
    panels = np.tile(adjustment.setup.panel_vector(fitted.values), (len(READBACK), 1))
    strain = adjustment.setup.strain(fitted.values, layout)
    rays = adjustment.setup.rays(turned_by(adjustment, fitted), panels, strain)
    normal = np.concatenate([each.normal[:8] for each in rays])
    return normal, np.repeat(np.arange(len(READBACK)), 8)


def test_the_residuals_are_what_was_found_less_what_the_plate_predicts(adjustment, fitted, spots):
    found = predicted(adjustment, fitted, *spots) + np.array([0.3, -0.2])
    _, residual = equations(adjustment, fitted, *spots, found)
    np.testing.assert_allclose(residual, np.tile([0.3, -0.2], (len(found), 1)), atol=1e-9)


def test_the_gradient_is_that_of_half_the_sum_of_squares(adjustment, fitted, spots):
    found = predicted(adjustment, fitted, *spots) + np.random.default_rng(1).normal(size=(len(spots[0]), 2))
    gradient, _ = equations(adjustment, fitted, *spots, found)

    def half_square(parameter, amount):
        values, mount = fitted.values.copy(), fitted.mount
        if parameter < 3:
            mount = rotation_matrix(amount * np.eye(3)[parameter]) @ mount
        else:
            values[parameter] += amount
        moved = predicted(adjustment, replace(fitted, mount=mount, values=values), *spots)
        return 0.5 * ((found - moved) ** 2).sum()

    step = 1e-4
    for parameter in range(len(gradient)):
        slope = (half_square(parameter, step) - half_square(parameter, -step)) / (2.0 * step)
        assert gradient[parameter] == pytest.approx(-slope, rel=2e-3, abs=1e-3), parameter


def test_spots_of_a_deformed_cell_land_where_the_plate_says(adjustment, fitted, spots):
    normal, _ = spots
    turn, vector = fitted.mount, adjustment.setup.panel_vector(fitted.values)
    plate = adjustment.setup.detector.placed(vector[:3], vector[3:6], vector[6:])
    q = normal @ turn.T
    expected, _ = plate.to_pixel(np.array([1.0, 0.0, 0.0]) - 2.0 * q[:, :1] * q)
    np.testing.assert_allclose(adjustment.setup._landed(normal, turn, vector), expected, atol=1e-9)
