"""Goniometers: signs, forward against a plain reference, inverse against forward, limits, and what users get wrong."""

import dataclasses
import math
import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from beamgym.physics.goniometer.goniometer import Goniometer, goniometer, goniometer_names
from beamgym.physics.instrument import Axis

X, Y, Z = np.eye(3)
NAMES = ("two-arc", "e4cv", "psic", "kappa", "six-axis", "e4ch")
seeds = st.integers(0, 2**32 - 1)


def angle_deg(a, b):
    return np.degrees(Rotation.from_matrix(a @ np.swapaxes(b, -1, -2)).magnitude())


def rotations(angles_deg, seed):
    axes = np.random.default_rng(seed).normal(size=(len(angles_deg), 3))
    axes /= np.linalg.norm(axes, axis=1)[:, None]
    return Rotation.from_rotvec(np.radians(angles_deg)[:, None] * axes).as_matrix()


def within_limits(gonio, n, seed):
    low, high = np.array([axis.limits for axis in gonio.axes]).T
    return np.random.default_rng(seed).uniform(low, high, (n, len(gonio.axes)))


def reference_forward(gonio, positions):
    """The product of rotations about lines, by scipy and by 4 × 4 matrices."""
    total = np.eye(4)
    for axis, position in zip(gonio.axes, positions, strict=True):
        amount = axis.sign * (position - axis.zero)
        step = np.eye(4)
        if axis.kind == "linear":
            step[:3, 3] = amount * np.array(axis.vector)
        else:
            step[:3, :3] = Rotation.from_rotvec(np.radians(amount) * np.array(axis.vector)).as_matrix()
            step[:3, 3] = np.array(axis.point_mm) - step[:3, :3] @ np.array(axis.point_mm)
        total = total @ step
    return total[:3, :3], total[:3, 3]


def moved(name, axis, direction):
    """What +1° of one axis, the others at zero, does to a direction in the lab, per radian."""
    gonio = goniometer(name)
    positions = np.zeros(len(gonio.axes))
    positions[gonio.names.index(axis)] = 1.0
    return (gonio.rotation(positions) @ direction - direction) / math.radians(1.0)


CUSTOM = Goniometer(
    "custom",
    (
        Axis("rot", (0.0, 0.6, 0.8), sign=-1, zero=12.0, limits=(-400.0, 400.0)),
        Axis("shift", (0.0, 0.0, 1.0), kind="linear", zero=1.0, limits=(-5.0, 5.0)),
        Axis("tilt", (1.0, 0.0, 0.0), zero=-3.0, limits=(-60.0, 70.0), point_mm=(0.0, 4.0, 2.0)),
        Axis("spin", (0.0, 0.6, -0.8), speed=5.0, limits=(-180.0, 180.0)),
    ),
)
ALL = [*(goniometer(name) for name in NAMES), CUSTOM]


def test_every_preset_has_a_case_here():
    assert set(goniometer_names()) == set(NAMES)


@pytest.mark.parametrize(
    ("name", "axis", "direction", "towards"),
    [
        ("two-arc", "rotation", X, Y),
        ("two-arc", "lower_arc", Y, Z),
        ("two-arc", "upper_arc", Z, X),
        ("e4cv", "omega", X, Z),
        ("e4cv", "chi", Y, Z),
        ("e4cv", "phi", X, Z),
        ("e4ch", "omega", X, Y),
        ("e4ch", "chi", Y, Z),
        ("e4ch", "phi", X, Y),
        ("psic", "mu", X, Y),
        ("psic", "eta", X, Z),
        ("psic", "chi", Y, Z),
        ("psic", "phi", X, Z),
        ("kappa", "komega", X, Z),
        ("kappa", "kphi", X, Z),
        ("six-axis", "j1", X, Y),
        ("six-axis", "j2", Z, X),
        ("six-axis", "j3", Z, X),
        ("six-axis", "j5", Z, X),
        ("six-axis", "j6", Y, Z),
    ],
)
def test_plus_one_degree_moves_this_direction_that_way(name, axis, direction, towards):
    assert moved(name, axis, direction) @ towards == pytest.approx(1.0, abs=1e-4)


def test_the_outer_axis_of_a_two_arc_head_carries_both_arcs():
    gonio = goniometer("two-arc")
    turned = gonio.rotation([90.0, 10.0, 0.0])
    # at rotation = 90° the lower arc's axis lies along y, so that +10° tips z towards x
    assert turned @ Z == pytest.approx([math.sin(math.radians(10)), 0.0, math.cos(math.radians(10))], abs=1e-12)


def test_psic_is_the_product_of_matrices_printed_by_you():
    mu, eta, chi, phi = 12.0, 23.0, 34.0, 45.0

    def s(a):
        return math.sin(math.radians(a))

    def c(a):
        return math.cos(math.radians(a))

    # You, J. Appl. Cryst. 32 (1999) 614, in his frame: x up, y along the beam
    m_mu = np.array([[1, 0, 0], [0, c(mu), -s(mu)], [0, s(mu), c(mu)]])
    m_eta = np.array([[c(eta), s(eta), 0], [-s(eta), c(eta), 0], [0, 0, 1]])
    m_chi = np.array([[c(chi), 0, s(chi)], [0, 1, 0], [-s(chi), 0, c(chi)]])
    m_phi = np.array([[c(phi), s(phi), 0], [-s(phi), c(phi), 0], [0, 0, 1]])
    to_lab = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    expected = to_lab @ m_mu @ m_eta @ m_chi @ m_phi @ to_lab.T
    assert goniometer("psic").rotation([mu, eta, chi, phi]) == pytest.approx(expected, abs=1e-12)


def test_kappa_tilts_by_the_chi_of_the_textbook():
    kappa = np.linspace(0.0, 180.0, 19)
    positions = np.column_stack([np.zeros(19), kappa, np.zeros(19)])
    phi_axis = goniometer("kappa").rotation(positions) @ -Y
    chi = np.degrees(np.arccos(np.clip(phi_axis @ -Y, -1, 1)))
    expected = 2 * np.degrees(np.arcsin(math.sin(math.radians(50)) * np.sin(np.radians(kappa) / 2)))
    assert chi == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("gonio", ALL, ids=lambda g: g.name)
def test_home_of_a_preset_leaves_the_sample_as_it_was_mounted(gonio):
    if gonio.name != "custom":
        assert gonio.rotation(gonio.home()) == pytest.approx(np.eye(3), abs=1e-15)
    zeros = np.array([axis.zero for axis in gonio.axes])
    assert gonio.sample_position_mm(zeros) == pytest.approx(np.zeros(3), abs=1e-12)


@pytest.mark.parametrize("gonio", ALL, ids=lambda g: g.name)
def test_forward_agrees_with_a_plain_reference(gonio):
    positions = within_limits(gonio, 50, 1)
    expected = [reference_forward(gonio, p) for p in positions]
    assert gonio.rotation(positions) == pytest.approx(np.array([r for r, _ in expected]), abs=1e-12)
    assert gonio.sample_position_mm(positions) == pytest.approx(np.array([t for _, t in expected]), abs=1e-9)


@pytest.mark.parametrize("gonio", ALL, ids=lambda g: g.name)
def test_leading_dimensions_are_kept(gonio):
    k = len(gonio.axes)
    assert gonio.rotation(np.zeros((2, 5, k))).shape == (2, 5, 3, 3)
    assert gonio.jacobian(np.zeros((2, 5, k))).shape == (2, 5, 3, k)
    assert gonio.sample_position_mm(np.zeros(k)).shape == (3,)


@pytest.mark.parametrize("gonio", ALL, ids=lambda g: g.name)
def test_the_jacobian_is_the_derivative_of_the_rotation(gonio):
    positions, h = within_limits(gonio, 20, 2), 1e-4
    jacobian = gonio.jacobian(positions)
    for i in range(len(gonio.axes)):
        up, down = positions.copy(), positions.copy()
        up[:, i] += h
        down[:, i] -= h
        turned = gonio.rotation(up) @ gonio.rotation(down).transpose(0, 2, 1)
        difference = np.degrees(Rotation.from_matrix(turned).as_rotvec()) / (2 * h)
        assert jacobian[:, :, i] == pytest.approx(difference, abs=1e-6)


@pytest.mark.parametrize("gonio", ALL, ids=lambda g: g.name)
@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_the_inverse_is_undone_by_forward_and_no_slower_than_any_way_known(gonio, seed):
    known, near = within_limits(gonio, 20, seed), within_limits(gonio, 20, seed + 1)
    held = [i for i, axis in enumerate(gonio.axes) if axis.kind == "linear" or axis.name == "mu"]
    near[:, held] = known[:, held]
    if gonio.wrist_mm is not None:
        # only poses that keep the sample in the beam count, and there the way known is another solution's
        solution = gonio.solve(gonio.rotation(known), known)
        known, near = solution.positions[solution.reachable], near[solution.reachable]
    wanted = gonio.rotation(known)
    solution = gonio.solve(wanted, near)
    low, high = np.array([axis.limits for axis in gonio.axes]).T
    speed = np.array([axis.speed for axis in gonio.axes])
    assert solution.reachable.all()
    assert (solution.limiting == -1).all()
    assert (solution.positions >= low).all()
    assert (solution.positions <= high).all()
    assert angle_deg(gonio.rotation(solution.positions), wanted).max() < 1e-6
    found, way = (np.max(np.abs(p - near) / speed, axis=1) for p in (solution.positions, known))
    # other axes may take up to a thousandth of their own time to break ties
    assert (found <= way * (1 + 1e-3 * len(speed)) + 1e-6).all()


@pytest.mark.parametrize("gonio", ALL, ids=lambda g: g.name)
@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-7, 1e-5, 1e-3, 180.0])
def test_the_inverse_is_exact_at_and_beside_its_singularities(gonio, angle):
    zeros = np.array([axis.zero for axis in gonio.axes])
    wanted = rotations(np.full(200, angle), 3)
    solution = gonio.solve(wanted, zeros)
    if angle < 1:
        assert solution.reachable.all()
    errors = angle_deg(gonio.rotation(solution.positions), wanted)
    assert (errors[solution.reachable] < 1e-6).all()


@pytest.mark.parametrize("gonio", ALL, ids=lambda g: g.name)
def test_what_is_called_unreachable_names_the_axis_and_stays_inside_the_limits(gonio):
    wanted = rotations(np.random.default_rng(5).uniform(60, 180, 500), 5)
    solution = gonio.solve(wanted, gonio.home())
    low, high = np.array([axis.limits for axis in gonio.axes]).T
    assert (solution.positions >= low).all()
    assert (solution.positions <= high).all()
    if gonio.name in ("e4cv", "e4ch"):
        assert solution.reachable.all()
        return
    lost = np.flatnonzero(~solution.reachable)
    assert len(lost) > 20
    assert (angle_deg(gonio.rotation(solution.positions[lost]), wanted[lost]) > 1e-6).all()
    for row in lost:
        axis = solution.limiting[row]
        assert axis >= 0
        assert np.isnan(solution.needed[row]) or not low[axis] <= solution.needed[row] <= high[axis]
        assert gonio.names[axis] in gonio.explain(solution, row)


@pytest.mark.parametrize("gonio", ALL, ids=lambda g: g.name)
def test_a_sample_is_solved_alike_alone_and_in_a_batch(gonio):
    wanted = rotations(np.random.default_rng(6).uniform(0, 180, 40), 6)
    near = within_limits(gonio, 40, 7)
    together = gonio.solve(wanted, near)
    alone = np.concatenate([gonio.solve(wanted[i : i + 1], near[i : i + 1]).positions for i in range(40)])
    assert np.array_equal(together.positions, alone)


def test_a_two_arc_head_says_which_arc_would_have_to_go_how_far():
    gonio = goniometer("two-arc")
    tilted = Rotation.from_euler("x", 27.0, degrees=True).as_matrix()[None]
    solution = gonio.solve(tilted, gonio.home())
    assert not solution.reachable[0]
    # half a turn of the base would need the arc at -27°: no better
    assert gonio.names[solution.limiting[0]] == "lower_arc"
    assert abs(solution.needed[0]) == pytest.approx(27.0)
    assert "27.00, its limits are -20 to 20" in gonio.explain(solution)


def test_two_crossed_arcs_reach_further_together_than_each_alone():
    gonio = goniometer("two-arc")
    both = gonio.rotation([[30.0, 20.0, 20.0]])
    assert angle_deg(both[0] @ Rotation.from_euler("z", -30, degrees=True).as_matrix(), np.eye(3)) > 27
    assert gonio.solve(both, gonio.home()).reachable[0]


def test_kappa_cannot_tilt_beyond_twice_alpha():
    gonio, euler = goniometer("kappa"), goniometer("e4cv")
    near, far = euler.rotation([[10.0, 99.9, 20.0], [10.0, 100.1, 20.0]])
    assert gonio.solve(near[None], gonio.home()).reachable[0]
    lost = gonio.solve(far[None], gonio.home())
    assert gonio.names[lost.limiting[0]] == "kappa"
    assert np.isnan(lost.needed[0])
    assert "no position of kappa" in gonio.explain(lost)


@pytest.mark.parametrize(("name", "count"), [("e4cv", 2), ("kappa", 2), ("six-axis", 8)])
def test_the_inverse_knows_every_branch(name, count):
    gonio = goniometer(name)
    wide = dataclasses.replace(
        gonio, axes=tuple(dataclasses.replace(axis, limits=(-180.0, 180.0)) for axis in gonio.axes)
    )
    wanted = np.repeat(rotations(np.array([40.0]), 8), 3000, axis=0)
    solution = wide.solve(wanted, within_limits(wide, 3000, 9))
    assert solution.reachable.all()
    assert angle_deg(wide.rotation(solution.positions), wanted).max() < 1e-6
    assert len(np.unique(np.round(solution.positions, 4), axis=0)) == count


def test_the_arm_reaches_every_rotation_up_to_65_degrees_with_the_sample_in_the_beam():
    gonio = goniometer("six-axis")
    generator = np.random.default_rng(10)
    wanted = rotations(np.concatenate([generator.uniform(0, 65, 2000), np.full(2000, 65.0)]), 10)
    solution = gonio.solve(wanted, gonio.home())
    assert solution.reachable.all()
    assert angle_deg(gonio.rotation(solution.positions), wanted).max() < 1e-6
    assert np.abs(gonio.sample_position_mm(solution.positions)).max() < 1e-9


def test_the_arm_stays_downstream_of_the_sample_where_it_covers_no_back_reflection_detector():
    gonio = goniometer("six-axis")
    wanted = rotations(np.full(2000, 65.0), 11)
    positions = gonio.solve(wanted, gonio.home()).positions
    points = []
    for joint, name in enumerate(gonio.names[:4]):
        place = np.array(next(axis.point_mm for axis in gonio.axes if axis.name == name))
        for row in positions:
            inner = row.copy()
            inner[joint:] = 0.0
            rotation, shift = reference_forward(gonio, inner)
            points.append(rotation @ place + shift)
        if joint == 0:
            points = points[:1]
    assert np.array(points)[:, 0].min() > 40.0


def test_moving_an_arm_joint_alone_carries_the_sample_out_of_the_beam():
    place = goniometer("six-axis").sample_position_mm([0, 0, 0, 0, 10.0, 0])
    # 100 mm from the wrist to the sample, 10° about y
    assert place == pytest.approx(
        [100 - 100 * math.cos(math.radians(10)), 0, 100 * math.sin(math.radians(10))], abs=1e-9
    )


def test_whole_turns_are_taken_where_the_limits_leave_room():
    gonio = goniometer("six-axis")
    near = np.array([0, 0, 0, 0, 0, 340.0])
    back, on = Rotation.from_euler("x", [[-10.0], [10.0]], degrees=True).as_matrix()
    assert gonio.solve(back[None], near).positions[0] == pytest.approx([0, 0, 0, 0, 0, 350.0], abs=1e-9)
    # 370° lies beyond the limit of 360°, so that j6 must unwind
    assert gonio.solve(on[None], near).positions[0] == pytest.approx([0, 0, 0, 0, 0, 10.0], abs=1e-9)


def test_collinear_axes_share_a_turn_and_arrive_together():
    gonio = goniometer("e4cv")
    fast_phi = dataclasses.replace(gonio, axes=(*gonio.axes[:2], dataclasses.replace(gonio.axes[2], speed=6.0)))
    wanted = Rotation.from_euler("y", -40.0, degrees=True).as_matrix()[None]
    assert gonio.solve(wanted, gonio.home()).positions[0] == pytest.approx([20.0, 0.0, 20.0])
    assert fast_phi.solve(wanted, gonio.home()).positions[0] == pytest.approx([10.0, 0.0, 30.0])


def test_collinear_axes_respect_their_limits():
    gonio = goniometer("e4cv")
    tight = dataclasses.replace(gonio, axes=(dataclasses.replace(gonio.axes[0], limits=(-5.0, 5.0)), *gonio.axes[1:]))
    wanted = Rotation.from_euler("y", -40.0, degrees=True).as_matrix()[None]
    assert tight.solve(wanted, gonio.home()).positions[0] == pytest.approx([5.0, 0.0, 35.0])


def test_psic_holds_mu_where_it_stands():
    gonio = goniometer("psic")
    wanted = rotations(np.array([20.0]), 12)
    for mu in (0.0, 7.5):
        solution = gonio.solve(wanted, [mu, 0.0, 0.0, 0.0])
        assert solution.reachable[0]
        assert solution.positions[0, 0] == mu
        assert angle_deg(gonio.rotation(solution.positions), wanted).max() < 1e-6


def test_axes_of_no_use_to_the_inverse_may_stand_between_the_others():
    solving = dataclasses.replace(goniometer("psic"), solve_with=("mu", "eta", "phi"))
    wanted = solving.rotation([[12.0, 21.0, 33.0, 40.0]])
    solution = solving.solve(wanted, [0.0, 0.0, 33.0, 0.0])
    assert solution.reachable[0]
    assert angle_deg(solving.rotation(solution.positions), wanted).max() < 1e-6


def test_two_circles_reach_what_two_circles_reach():
    gonio = goniometer({"axes": [{"name": "theta", "vector": [0, 0, 1]}, {"name": "phi", "vector": [0, 1, 0]}]})
    known = within_limits(gonio, 50, 13)
    assert gonio.solve(gonio.rotation(known), gonio.home()).reachable.all()
    lost = gonio.solve(Rotation.from_euler("x", 30, degrees=True).as_matrix()[None], gonio.home())
    assert not lost.reachable[0]
    assert lost.positions.shape == (1, 2)


def test_a_single_rotation_axis_turns_about_itself():
    gonio = goniometer({"axes": [{"name": "spin", "vector": [0, 0, 2]}]})
    wanted = Rotation.from_euler("z", 30, degrees=True).as_matrix()[None]
    assert gonio.solve(wanted, gonio.home()).positions[0] == pytest.approx([30.0])


@pytest.mark.parametrize("gonio", ALL, ids=lambda g: g.name)
def test_a_turn_out_of_reach_is_cut_about_its_own_axis(gonio):
    start = gonio.solve(gonio.rotation(within_limits(gonio, 100, 14)), gonio.home()).positions
    vector = np.random.default_rng(14).normal(size=(100, 3)) * 60
    turn = gonio.turn(start, vector)
    made = gonio.rotation(turn.positions) @ gonio.rotation(start).transpose(0, 2, 1)
    expected = Rotation.from_rotvec(np.radians(vector) * turn.fraction[:, None]).as_matrix()
    assert angle_deg(made, expected).max() < 1e-6
    assert (turn.fraction[turn.limiting < 0] == 1).all()
    assert (turn.fraction[turn.limiting >= 0] < 1).all()


def test_a_turn_ends_at_the_limit_of_the_axis_that_stops_it():
    gonio = goniometer("two-arc")
    turn = gonio.turn([[0.0, 5.0, 0.0]], [[30.0, 0.0, 0.0]])
    assert turn.fraction[0] == pytest.approx(0.5, abs=1 / 4096)
    assert turn.positions[0, 1] == pytest.approx(20.0, abs=30 / 4096)
    assert gonio.names[turn.limiting[0]] == "lower_arc"


@pytest.mark.parametrize("gonio", ALL, ids=lambda g: g.name)
def test_a_goniometer_written_to_yaml_reads_back_the_same(gonio, tmp_path):
    spec = {
        "name": gonio.name,
        "axes": [
            {key: list(value) if isinstance(value, tuple) else value for key, value in dataclasses.asdict(axis).items()}
            for axis in gonio.axes
        ],
        "solve_with": gonio.solve_with and list(gonio.solve_with),
        "wrist_mm": gonio.wrist_mm and list(gonio.wrist_mm),
    }
    path = tmp_path / "mine.yml"
    path.write_text(yaml.safe_dump(spec))
    again = goniometer(path)
    assert again.names == gonio.names
    positions = within_limits(gonio, 10, 15)
    assert again.rotation(positions) == pytest.approx(gonio.rotation(positions), abs=1e-14)
    assert goniometer(os.fspath(path)).axes == again.axes


ONE_AXIS = {"name": "a", "vector": [0, 0, 1]}
MISTAKES = {
    "unknown preset": ("kapa", "did you mean 'kappa'"),
    "unknown key": (
        {"axes": [{**ONE_AXIS, "limit": [0, 1]}]},
        "axes.0.limit: unknown key; the keys are name, vector, kind, sign, zero, limits",
    ),
    "unknown top key": ({"axes": [ONE_AXIS], "colour": 1}, "colour: unknown key; the keys are name, axes"),
    "axis that is no mapping": ({"axes": ["a"]}, "axes.0: found 'a'; give keys and values"),
    "swapped limits": ({"axes": [{**ONE_AXIS, "limits": [5, -5]}]}, "found 5 to -5; swap them"),
    "no direction": ({"axes": [{"name": "a", "vector": [0, 0, 0]}]}, "must not be zero"),
    "not finite": ({"axes": [{**ONE_AXIS, "zero": math.nan}]}, "finite"),
    "sign 2": ({"axes": [{**ONE_AXIS, "sign": 2}]}, "1 or -1"),
    "no axes": ({"axes": []}, "at least 1"),
    "same name": ({"axes": [ONE_AXIS, ONE_AXIS]}, "no name twice"),
    "parallel": (
        {"axes": [ONE_AXIS, {**ONE_AXIS, "name": "b"}, {**ONE_AXIS, "name": "c", "vector": [1, 0, 0]}]},
        "no third freedom",
    ),
    "solve_with": ({"axes": [ONE_AXIS], "solve_with": ["a", "b", "c"]}, "solve_with must name three"),
    "arm of one": ({"axes": [ONE_AXIS], "wrist_mm": [0, 0, 0]}, "six rotation axes"),
    "file": (Path("nowhere") / "at-all.yml", "cannot read the goniometer file"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_users_mistake_gets_one_line_with_the_remedy(mistake):
    spec, said = MISTAKES[mistake]
    with pytest.raises(ValueError) as caught:
        goniometer(spec)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_yaml_that_is_none_is_refused_in_one_line(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("axes: [1, {")
    with pytest.raises(ValueError, match="is not YAML") as caught:
        goniometer(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda g: g.solve(np.full((1, 3, 3), np.nan), g.home()), "not a rotation"),
        (lambda g: g.solve(-np.eye(3)[None], g.home()), "determinant -1"),
        (lambda g: g.solve(np.eye(3)[None] * 1.1, g.home()), "differs from 1 by"),
        (lambda g: g.solve(np.eye(3), g.home()), r"shape \(n, 3, 3\)"),
        (lambda g: g.solve(np.eye(3)[None], [0.0, np.nan, 0.0]), "finite"),
        (lambda g: g.solve(np.eye(3)[None], [0.0, 0.0]), "has 3 axes"),
        (lambda g: g.rotation([0.0, np.inf, 0.0]), "finite"),
        (lambda g: g.turn([[0.0, 0.0, 0.0]], [[np.nan, 0.0, 0.0]]), "finite"),
        (
            lambda g: g.check_positions([0.0, 25.0, 0.0]),
            "lower_arc = 25 is outside its limits; give a position from -20 to 20",
        ),
        (lambda g: g.turn([[0.0, 25.0, 0.0]], [[1.0, 0.0, 0.0]]), "lower_arc = 25"),
    ],
)
def test_numbers_that_cannot_be_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call(goniometer("two-arc"))


def test_an_arm_that_the_closed_form_does_not_fit_is_refused():
    arm = goniometer("six-axis")
    with pytest.raises(ValueError, match="misses by"):
        dataclasses.replace(arm, wrist_mm=(100.0, 5.0, 0.0))
    crossed = (*arm.axes[:2], dataclasses.replace(arm.axes[2], vector=(1.0, 0.0, 0.0)), *arm.axes[3:])
    with pytest.raises(ValueError, match="must be parallel"):
        dataclasses.replace(arm, axes=crossed)


anything = st.one_of(
    st.none(),
    st.integers(-5, 5),
    st.floats(allow_nan=True),
    st.text(max_size=5),
    st.lists(st.floats(-2, 2), max_size=3),
)
axis_dicts = st.dictionaries(
    st.sampled_from(["name", "vector", "limits", "sign", "zero", "kind", "speed", "extra"]), anything, max_size=6
) | st.fixed_dictionaries(
    {"name": st.text(min_size=1, max_size=3), "vector": st.lists(st.floats(-2, 2), min_size=3, max_size=3)}
)


@given(
    st.fixed_dictionaries({"axes": st.lists(axis_dicts, max_size=4)}) | st.dictionaries(st.text(max_size=4), anything)
)
@settings(max_examples=200, deadline=None)
def test_whatever_is_written_gives_a_goniometer_or_one_line(spec):
    said = ""
    try:
        made = goniometer(spec)
    except ValueError as error:
        said = str(error)
    assert "\n" not in said
    assert said or made.rotation(made.home()).shape == (3, 3)
