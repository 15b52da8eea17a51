"""The datum edge: the longest straight side, also where a photograph has put corners along it."""

import numpy as np
import pytest

from beamgym.physics.mosaic.datum_edge import datum_edge
from beamgym.physics.mosaic.plate_frame import turn_about_normal

FLAKE = np.array([[0.0, 0.0], [4.0, 0.0], [4.5, 2.0], [1.0, 2.5]])


def test_the_longest_side_is_found_and_points_outward():
    edge = datum_edge(FLAKE)
    assert np.allclose([edge.start_mm, edge.end_mm], [[0.0, 0.0], [4.0, 0.0]])
    assert (edge.length_mm, edge.angle_deg) == (4.0, 0.0)
    assert np.allclose(edge.outward, [0.0, -1.0])


@pytest.mark.parametrize("first", range(6))
def test_corners_along_a_side_do_not_divide_it(first):
    corners = np.insert(FLAKE, 1, [[1.0, 0.02], [3.0, -0.01]], axis=0)
    edge = datum_edge(np.roll(corners, first, axis=0))
    assert np.allclose([edge.start_mm, edge.end_mm], [[0.0, 0.0], [4.0, 0.0]])


def test_a_corner_that_stands_out_does_divide_it():
    edge = datum_edge(np.insert(FLAKE, 1, [[1.0, -0.2]], axis=0))
    assert edge.length_mm < 3.6


@pytest.mark.parametrize("angle", [-150.0, -37.0, 10.0, 95.0])
def test_it_turns_with_the_outline(angle):
    turned = FLAKE @ turn_about_normal(angle)[:2, :2].T
    assert np.isclose(datum_edge(turned).angle_deg, angle)
