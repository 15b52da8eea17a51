"""The simplex finds minima, takes the steps Nelder and Mead describe, and can wait between them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from beamgym.agents.baselines.simplex import nelder_mead


def walk(function, vertices, size, limit=2000):
    points, seen = nelder_mead(np.array(vertices, dtype=float), size), []
    point = next(points)
    try:
        for _ in range(limit):
            seen.append((point.copy(), function(point)))
            point = points.send(seen[-1][1])
    except StopIteration:
        pass
    return seen


def rosenbrock(point):
    return float(sum(100 * (point[1:] - point[:-1] ** 2) ** 2 + (1 - point[:-1]) ** 2))


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
@settings(max_examples=20, deadline=None)
def test_it_takes_scipys_steps_point_by_point(start):
    vertices = np.vstack([start, np.array(start) + 0.7 * np.eye(3)])
    theirs = []

    def record(point):
        theirs.append(np.array(point))
        return rosenbrock(point)

    minimize(
        record,
        start,
        method="Nelder-Mead",
        options={"initial_simplex": vertices, "xatol": 1e-9, "fatol": 0.0, "maxfev": 80},
    )
    ours = [point for point, _ in walk(rosenbrock, vertices, 1e-9, limit=80)]
    np.testing.assert_allclose(ours[:75], theirs[:75], rtol=1e-9, atol=1e-9)


def test_it_ends_at_the_minimum_of_a_bowl():
    centre = np.array([3.0, -2.0, 5.0])
    seen = walk(lambda p: float(((p - centre) ** 2).sum()), np.vstack([np.zeros(3), 20 * np.eye(3)]), 1e-4)
    best = min(seen, key=lambda entry: entry[1])[0]
    np.testing.assert_allclose(best, centre, atol=1e-3)
    assert len(seen) < 200


def test_it_asks_before_it_moves():
    points = nelder_mead(np.vstack([np.zeros(2), np.eye(2)]), 0.1)
    assert next(points) == pytest.approx([0.0, 0.0])
    assert points.send(0.0) == pytest.approx([1.0, 0.0])
    assert points.send(1.0) == pytest.approx([0.0, 1.0])
    assert points.send(2.0) == pytest.approx([1.0, -1.0]), "the worst vertex is reflected through the other two"
