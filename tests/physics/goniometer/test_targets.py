"""Targets: named directions, errors over equivalents, goals that the goniometer reaches, and regluing where none is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.goniometer.directions import Direction, direction, lab_axis
from beamgym.physics.goniometer.goniometer import goniometer, goniometer_names
from beamgym.physics.goniometer.targets import axis_target, parse_target, plane_target, pose_target
from beamgym.physics.orientation import misorientation_deg, random_orientations

X, Y, Z = np.eye(3)
SILICON = load_crystal("Si")
MONOCLINIC = load_crystal("FePS3")
HEXAGONAL = load_crystal("Bi2Se3")


def targets(crystal):
    return (pose_target(crystal), axis_target(crystal, "[1 1 1]"), plane_target(crystal, "(1 1 0)", "(0 0 1)"))


def orientations(n, seed=0):
    return random_orientations(make_keys(seed, np.arange(n)))


def angle_deg(a, b):
    return np.degrees(Rotation.from_matrix(a @ np.swapaxes(b, -1, -2)).magnitude())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("[0 0 1]", Direction("uvw", (0, 0, 1))),
        ("[001]", Direction("uvw", (0, 0, 1))),
        ("(110)", Direction("hkl", (1, 1, 0))),
        ("(1 -1 0)", Direction("hkl", (1, -1, 0))),
        ("(1-10)", Direction("hkl", (1, -1, 0))),
        (" [1, 0, -12] ", Direction("uvw", (1, 0, -12))),
    ],
)
def test_directions_are_read_as_crystallographers_write_them(name, expected):
    assert direction(name) == expected


@given(st.sampled_from(["uvw", "hkl"]), st.tuples(*[st.integers(-30, 30)] * 3).filter(any))
def test_a_direction_reads_back_what_it_prints(kind, indices):
    assert direction(str(Direction(kind, indices))) == Direction(kind, indices)


@pytest.mark.parametrize(
    "name", ["001", "[0 0]", "[0 0 1)", "[0 0 0]", "(1 1 -2 0)", "[a b c]", "", "[10 0]", [0, 0, 1]]
)
def test_what_is_no_named_direction_is_refused_in_one_line(name):
    with pytest.raises(ValueError) as caught:
        direction(name)
    assert "\n" not in str(caught.value)


def test_directions_and_plane_normals_differ_in_an_oblique_cell():
    along, normal = direction("[0 0 1]").vector(MONOCLINIC), direction("(0 0 1)").vector(MONOCLINIC)
    # FePS3: β = 107°, so that c and c* are 17° apart
    assert np.degrees(np.arccos(along @ normal)) == pytest.approx(17.0, abs=0.5)
    assert direction("[0 0 1]").vector(SILICON) == pytest.approx(direction("(0 0 1)").vector(SILICON))


@pytest.mark.parametrize("crystal", [SILICON, MONOCLINIC, HEXAGONAL], ids=lambda c: c.name)
def test_a_pose_brings_one_direction_onto_the_beam_and_the_other_as_far_up_as_it_goes(crystal):
    target = pose_target(crystal, "[0 0 1]", "[1 1 0]")
    first, second = crystal.direction((0, 0, 1)), crystal.direction((1, 1, 0))
    for goal in target.orientations:
        # an equivalent of the first direction lies on the beam, and of the second in the vertical plane, upwards
        on_beam = [s for s in crystal.rotations if np.allclose(goal @ s @ first, X)]
        assert any(abs((goal @ s @ second) @ Y) < 1e-12 and (goal @ s @ second) @ Z > 0 for s in on_beam)


def test_there_are_as_many_poses_as_rotations_and_as_many_lines_as_axes():
    assert pose_target(SILICON).size == 24
    assert axis_target(SILICON, "[0 0 1]").size == 3
    assert axis_target(SILICON, "[1 1 1]").size == 4
    assert axis_target(SILICON, "[1 1 0]").size == 6
    assert axis_target(HEXAGONAL, "[0 0 1]").size == 1
    assert pose_target(MONOCLINIC).size == 2


@pytest.mark.parametrize("crystal", [SILICON, MONOCLINIC, HEXAGONAL], ids=lambda c: c.name)
def test_the_error_of_a_pose_is_the_misorientation(crystal):
    target, u = pose_target(crystal), orientations(300)
    expected = misorientation_deg(u, target.orientations[0], crystal.rotations)
    assert target.error_deg(u) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("target", targets(SILICON), ids=lambda t: t.kind)
def test_the_error_does_not_see_a_symmetry_rotation(target):
    u = orientations(50)
    for s in SILICON.rotations:
        assert target.error_deg(u @ s) == pytest.approx(target.error_deg(u), abs=1e-9)


@pytest.mark.parametrize("crystal", [SILICON, MONOCLINIC, HEXAGONAL], ids=lambda c: c.name)
@pytest.mark.parametrize("kind", [0, 1, 2], ids=["pose", "axis", "plane"])
def test_the_goal_has_no_error_and_lies_as_far_away_as_the_error_says(crystal, kind):
    target, u = targets(crystal)[kind], orientations(300)
    goal = target.goal(u)
    assert target.error_deg(goal) == pytest.approx(np.zeros(300), abs=1e-9)
    assert angle_deg(goal, u) == pytest.approx(target.error_deg(u), abs=1e-6)


@pytest.mark.parametrize("target", targets(SILICON), ids=lambda t: t.kind)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_rotation_changes_the_error_by_no_more_than_its_angle(target, seed):
    u = orientations(50, seed)
    vector = np.random.default_rng(seed).normal(size=(50, 3))
    turned = Rotation.from_rotvec(vector).as_matrix() @ u
    change = np.abs(target.error_deg(turned) - target.error_deg(u))
    assert (change <= np.degrees(np.linalg.norm(vector, axis=1)) + 1e-9).all()


def test_the_error_of_an_axis_is_the_angle_between_lines_either_way_round():
    target = axis_target(HEXAGONAL, "[0 0 1]", "x")
    tilt = Rotation.from_euler("y", [[90.0], [85.0], [-90.0], [-60.0]], degrees=True).as_matrix()
    assert target.error_deg(tilt) == pytest.approx([0.0, 5.0, 0.0, 30.0], abs=1e-9)


@pytest.mark.parametrize("crystal", [SILICON, MONOCLINIC], ids=lambda c: c.name)
def test_a_plane_lays_both_diffraction_vectors_into_the_horizontal_plane(crystal):
    target = plane_target(crystal, "(1 1 0)", "(0 0 1)")
    goal = target.goal(orientations(100))
    for o in goal:
        pairs = [[(o @ s @ crystal.plane_normal(h))[2] for h in ((1, 1, 0), (0, 0, 1))] for s in crystal.rotations]
        assert np.abs(pairs).max(axis=1).min() < 1e-12


def test_lab_axes_other_than_beam_and_up_can_be_named():
    target = pose_target(SILICON, "[1 1 1]", "(1 -1 0)", beam_axis="-y", up_axis="x")
    first, second = SILICON.direction((1, 1, 1)), SILICON.plane_normal((1, -1, 0))
    goal = target.orientations[np.argmax([(o @ first) @ -Y + (o @ second) @ X for o in target.orientations])]
    assert goal @ first == pytest.approx(-Y)
    assert goal @ second == pytest.approx(X)
    assert lab_axis("-z") == pytest.approx(-Z)


@pytest.mark.parametrize("target", targets(SILICON), ids=lambda t: t.kind)
@pytest.mark.parametrize("name", goniometer_names())
def test_reachable_goals_are_reached(target, name):
    gonio, u = goniometer(name), orientations(300)
    goals = target.reachable_goals(gonio, u)
    reached = gonio.rotation(goals.positions) @ u
    low, high = np.array([axis.limits for axis in gonio.axes]).T
    assert angle_deg(reached, goals.orientation)[goals.reachable].max() < 1e-6
    assert target.error_deg(goals.orientation) == pytest.approx(np.zeros(300), abs=1e-9)
    assert ((goals.positions >= low) & (goals.positions <= high)).all()
    assert np.abs(gonio.sample_position_mm(goals.positions))[goals.reachable].max() < 1e-9


@pytest.mark.parametrize("name", ["two-arc", "kappa", "six-axis"])
def test_the_nearest_reachable_pose_is_the_one_found_by_trying_all(name):
    gonio, u, target = goniometer(name), orientations(100), pose_target(MONOCLINIC if name == "six-axis" else SILICON)
    goals, mask = target.reachable_goals(gonio, u), target.reachable(gonio, u)
    for row in range(100):
        wanted = target.orientations @ u[row].T
        can = gonio.solve(wanted, gonio.home()).reachable
        assert np.array_equal(mask[row], can)
        assert goals.reachable[row] == can.any()
        if can.any():
            distances = angle_deg(target.orientations, gonio.rotation(gonio.home()) @ u[row])
            assert goals.error_deg[row] == pytest.approx(distances[can].min(), abs=1e-6)


@pytest.mark.parametrize("target", targets(SILICON), ids=lambda t: t.kind)
def test_the_error_over_reachable_equivalents_is_that_of_the_nearest_reachable_goal(target):
    gonio, u = goniometer("two-arc"), orientations(200)
    positions = np.random.default_rng(1).uniform(-20, 20, (200, 3))
    mask = target.reachable(gonio, u)
    goals = target.reachable_goals(gonio, u, positions)
    present = gonio.rotation(positions) @ u
    assert np.array_equal(mask.any(axis=1), goals.reachable)
    assert target.error_deg(present, mask)[goals.reachable] == pytest.approx(goals.error_deg[goals.reachable])
    assert np.isinf(target.error_deg(present, mask)[~goals.reachable]).all()
    if target.kind == "pose":
        assert angle_deg(target.goal(present, mask), goals.orientation)[goals.reachable].max() < 1e-6


def test_an_axis_is_reached_by_its_free_turn_where_the_smallest_rotation_is_not():
    gonio, target = goniometer("two-arc"), axis_target(SILICON, "[0 0 1]", "x")
    u = orientations(300)
    smallest = gonio.solve(target.goal(u) @ u.transpose(0, 2, 1), gonio.home()).reachable
    goals = target.reachable_goals(gonio, u)
    assert goals.reachable.sum() > smallest.sum() + 30
    assert goals.reachable[smallest].all()


def test_where_no_goal_is_reachable_the_crystal_is_to_be_glued_anew():
    gonio, target, u = goniometer("two-arc"), pose_target(SILICON), orientations(300)
    goals = target.reachable_goals(gonio, u)
    lost = ~goals.reachable
    assert 100 < lost.sum() < 200
    assert np.allclose(goals.remount[goals.reachable], np.eye(3))
    glued = goals.remount[lost] @ u[lost]
    assert target.error_deg(glued) == pytest.approx(np.zeros(lost.sum()), abs=1e-9)
    assert target.reachable_goals(gonio, glued).reachable.all()
    # by the smallest turn that does it
    assert angle_deg(goals.remount[lost], np.eye(3)) == pytest.approx(target.error_deg(u[lost]), abs=1e-6)
    assert (goals.limiting[lost] >= 0).all()


def test_two_circles_point_an_axis_exactly():
    spec = {"axes": [{"name": "theta", "vector": [0, 0, 1]}, {"name": "phi", "vector": [0, 1, 0]}]}
    for axis in spec["axes"]:
        axis["limits"] = [-120, 120]
    gonio, target, u = goniometer(spec), axis_target(SILICON, "[1 1 1]", "x"), orientations(200)
    goals = target.reachable_goals(gonio, u)
    assert goals.reachable.mean() > 0.9
    ends = target.error_deg(gonio.rotation(goals.positions) @ u)
    assert ends[goals.reachable].max() < 1e-6


@pytest.mark.parametrize("target", targets(SILICON), ids=lambda t: t.kind)
def test_a_sample_gets_the_same_goal_alone_and_in_a_batch(target):
    gonio, u = goniometer("six-axis"), orientations(30)
    together = target.reachable_goals(gonio, u)
    alone = [target.reachable_goals(gonio, u[i : i + 1]) for i in range(30)]
    assert np.array_equal(together.positions, np.concatenate([one.positions for one in alone]))
    assert np.array_equal(together.error_deg, np.concatenate([one.error_deg for one in alone]))


@pytest.mark.parametrize(
    ("text", "kind", "label"),
    [
        ("pose [001] [110]", "pose", "[0 0 1] along x, [1 1 0] towards z"),
        ("pose [0 0 1] (1 -1 0) -x y", "pose", "[0 0 1] along -x, (1 -1 0) towards y"),
        ("axis [111]", "axis", "[1 1 1] along x"),
        ("  axis (0 0 1)   z", "axis", "(0 0 1) along z"),
        ("plane (100) (010)", "plane", "(1 0 0) and (0 1 0) across z"),
    ],
)
def test_a_target_is_read_from_one_line(text, kind, label):
    target = parse_target(SILICON, text)
    assert (target.kind, target.label) == (kind, label)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pose [001] [00-1]", "parallel"),
        ("plane (100) (200)", "parallel"),
        ("pose [001] [110] x -x", "lab axes x and -x are parallel"),
        ("pose [001]", "pose takes 2 to 4 words after it, found 1"),
        ("axis [001] w", "unknown lab axis 'w'"),
        ("turn [001]", "for example 'pose"),
        ("", "for example 'pose"),
        ("axis 001", "write \\[u v w\\]"),
    ],
)
def test_a_target_that_cannot_be_is_refused_with_the_remedy(text, said):
    with pytest.raises(ValueError, match=said) as caught:
        parse_target(SILICON, text)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=20))
@settings(max_examples=200)
def test_any_text_gives_a_target_or_one_line(text):
    said = ""
    try:
        parse_target(SILICON, text)
    except ValueError as error:
        said = str(error)
    assert "\n" not in said


def test_numbers_that_are_no_orientations_are_refused():
    target = pose_target(SILICON)
    with pytest.raises(ValueError, match=r"shape \(n, 3, 3\)"):
        target.error_deg(np.eye(3))
    with pytest.raises(ValueError, match="NaN"):
        target.error_deg(np.full((1, 3, 3), np.nan))
    with pytest.raises(ValueError, match="allowed must have shape"):
        target.error_deg(np.eye(3)[None], np.ones((2, 24), dtype=bool))
    with pytest.raises(ValueError, match="upper_arc = 21"):
        target.reachable_goals(goniometer("two-arc"), np.eye(3)[None], [0.0, 0.0, 21.0])
