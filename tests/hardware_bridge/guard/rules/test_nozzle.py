"""No path that the rule lets pass brings the holder to the nozzle: shown against points taken densely from the path."""

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.hardware_bridge.guard.rules.nozzle import FINEST_MM, nozzle

X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def axis(name, kind, vector, sign=1, zero=0.0, point=(0.0, 0.0, 0.0)):
    return {"name": name, "kind": kind, "vector": vector, "sign": sign, "zero": zero, "point_mm": point}


STAGE = [
    axis("x", "linear", X),
    axis("y", "linear", Y, sign=-1),
    axis("z", "linear", Z, zero=0.5),
    axis("polar", "rotation", (0.0, 0.0, 2.0), point=(0.0, 0.0, 0.0)),
    axis("tilt", "rotation", Y, sign=-1, zero=3.0, point=(0.0, 0.0, -4.0)),
]
"""A manipulator of an ARPES station: three slides, a polar rotation about z, and a tilt below the sample."""

SOLID = {
    "name": "analyser",
    "tip_mm": (20.0, 0.0, 0.0),
    "axis": (2.0, 0.0, 0.0),
    "radius_mm": 6.0,
    "half_angle_deg": 35.0,
    "margin_mm": 1.0,
    "holder": [(3.0, 0.0, 0.0, 2.0), (0.0, 9.0, 0.0, 3.0), (0.0, -9.0, 0.0, 3.0), (0.0, 0.0, -12.0, 4.0)],
}


def about(vector, degrees, points):
    """Turn points about an axis through the origin: by the matrix of a library that the rule does not use."""
    return Rotation.from_rotvec(np.deg2rad(degrees) * np.array(vector)).apply(points)


def carried(place, points):
    """Where the stage carries points: this stage, written out."""
    dx, dy, dz, polar, tilt = place
    pivot = np.array([0.0, 0.0, -4.0])
    tilted = about(Y, -(tilt - 3.0), points - pivot) + pivot
    return about(Z, polar, tilted) + np.array([dx, -dy, dz - 0.5])


def gap(points, radii):
    """Distance of spheres from the cone, by trying the surface of revolution point by point."""
    deep = points[:, 0] - 20.0
    wide = np.hypot(points[:, 1], points[:, 2])
    along = np.linspace(0.0, 60.0, 1201)
    edge = 6.0 + along * np.tan(np.deg2rad(35.0))
    disc = np.linspace(0.0, 6.0, 121)
    to_mantle = np.min(np.hypot(wide[:, None] - edge, deep[:, None] - along), axis=1)
    to_disc = np.min(np.hypot(wide[:, None] - disc, deep[:, None]), axis=1)
    inside = (deep >= 0.0) & (wide <= 6.0 + deep * np.tan(np.deg2rad(35.0)))
    return np.where(inside, 0.0, np.minimum(to_mantle, to_disc)) - radii


def nearest(swept):
    """The smallest gap on a grid of the swept box, mm."""
    holder = np.array(SOLID["holder"])
    # Both ends and the middle of every axis: 243 places.
    sides = [np.linspace(*swept[name], 3) for name in ("x", "y", "z", "polar", "tilt")]
    return min(gap(carried(place, holder[:, :3]), holder[:, 3]).min() for place in itertools.product(*sides))


def paths(number):
    """Paths about the place where the holder begins to come near, of all lengths."""
    rng = np.random.default_rng(7)
    for _ in range(number):
        middle = [
            rng.uniform(4.0, 14.0),
            rng.uniform(-4, 4),
            rng.uniform(-4, 4),
            rng.uniform(-80, 80),
            rng.uniform(-25, 25),
        ]
        half = rng.choice([0.0, 0.2, 1.0], 5) * [1.0, 1.0, 1.0, 10.0, 6.0]
        names = ("x", "y", "z", "polar", "tilt")
        yield {name: (m - h, m + h) for name, m, h in zip(names, middle, half, strict=True)}


def test_what_is_let_pass_is_free_and_what_is_far_away_is_let_pass():
    allowed, refused = 0, 0
    for swept in paths(40):
        decision, free_mm = nozzle(swept, STAGE, [SOLID]), nearest(swept)
        if decision.allowed:
            allowed += 1
            assert free_mm > SOLID["margin_mm"], swept
        else:
            refused += 1
            assert decision.item == 3
            still = all(low == high for low, high in swept.values())
            # a grid may miss the nearest point of a wide path, a single place it cannot
            assert free_mm <= SOLID["margin_mm"] + FINEST_MM + (0.01 if still else 4.0), (free_mm, swept)
    assert min(allowed, refused) > 10


def test_a_stage_that_does_not_move_is_judged_to_the_margin():
    at = {"y": (0.0, 0.0), "z": (0.5, 0.5), "polar": (0.0, 0.0), "tilt": (3.0, 3.0)}
    # the sphere about x = 3 with radius 2 ends at 5: 15 mm before the tip, less the margin of 1
    assert nozzle({"x": (13.9, 13.9), **at}, STAGE, [SOLID]).allowed
    assert not nozzle({"x": (14.1, 14.1), **at}, STAGE, [SOLID]).allowed
    assert not nozzle({"x": (0.0, 14.1), **at}, STAGE, [SOLID]).allowed


def test_a_path_between_two_free_ends_is_refused_where_it_touches_on_the_way():
    at = {"x": (7.0, 7.0), "y": (0.0, 0.0), "z": (0.5, 0.5), "tilt": (3.0, 3.0)}
    ends = [nozzle({**at, "polar": (angle, angle)}, STAGE, [SOLID]) for angle in (0.0, 180.0)]
    assert [decision.allowed for decision in ends] == [True, True]
    across = nozzle({**at, "polar": (0.0, 180.0)}, STAGE, [SOLID])
    assert not across.allowed
    assert "'analyser'" in across.line
    assert "polar" in across.line


def test_an_axis_that_is_nowhere_is_near():
    lost = dict.fromkeys(("x", "y", "z", "polar", "tilt"), (float("nan"), float("nan")))
    assert not nozzle(lost, STAGE, [SOLID]).allowed
    assert nozzle(lost, STAGE, []).allowed


@pytest.mark.parametrize("half_angle", [0.0, 60.0])
def test_tubes_and_blunt_cones_are_solid_too(half_angle):
    solid = {**SOLID, "half_angle_deg": half_angle, "holder": [(0.0, 0.0, 0.0, 0.5)]}
    beside = {"x": (25.0, 25.0), "y": (-9.0, -9.0), "z": (0.5, 0.5), "polar": (0.0, 0.0), "tilt": (3.0, 3.0)}
    assert nozzle(beside, STAGE, [solid]).allowed == (half_angle == 0.0)
