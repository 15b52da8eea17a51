"""From reflections to UB: what two, three and spoiled sets of reflections decide, and what they do not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.physics.crystal import load_crystal
from beamgym.physics.diffractometer import (
    KnownDirection,
    Prior,
    cell_of_crystal,
    diffractometer,
    fits,
    known_cell,
    lattice_of,
    nearly_symmetric,
    next_looks,
    observed_angles,
    observed_vectors,
    other_readings,
    positions_of,
    repeated,
    scattering_vectors,
    strangers,
    ub_candidates,
)
from beamgym.physics.diffractometer.candidate_kernels import nearest_point
from beamgym.physics.orientation import misorientation_deg

E4CV = diffractometer("e4cv")
LAMBDA = 1.2


@pytest.fixture(scope="module")
def kyanite():
    return cell_of_crystal(load_crystal("kyanite"))


def turned(seed):
    return Rotation.random(random_state=seed).as_matrix()


def centred(known, u, hkl, error=0.1, seed=0, intensity=None):
    q = np.asarray(hkl) @ (u @ known.b_matrix).T
    exact = positions_of(E4CV, q, LAMBDA).degrees
    noise = error * np.random.default_rng(seed).normal(size=exact.shape)
    return observed_angles(E4CV, exact + noise, LAMBDA, error, intensity)


HKL = [[1, 2, 0], [0, 2, 1], [3, 0, -1], [1, -2, 2], [2, 1, 1], [0, 0, 2], [1, 1, -2], [2, -3, 0]]


def test_five_reflections_of_a_triclinic_crystal_decide(kyanite):
    u = turned(1)
    found = ub_candidates(centred(kyanite, u, HKL[:5]), kyanite)
    assert found.decided is not None
    assert misorientation_deg(found.decided.u, u, kyanite.rotations) < 4.0 * found.decided.error_deg
    assert found.decided.hkl.tolist() == HKL[:5]
    assert found.decided.ub == pytest.approx(found.decided.u @ kyanite.b_matrix)


def test_two_reflections_of_it_do_not_since_half_a_turn_about_their_zone_looks_the_same(kyanite):
    u = turned(2)
    found = ub_candidates(centred(kyanite, u, HKL[:2]), kyanite)
    assert found.decided is None
    zone = np.cross(*(np.array(HKL[:2]) @ kyanite.b_matrix.T))
    half = Rotation.from_rotvec(np.pi * zone / np.linalg.norm(zone)).as_matrix()
    for truth in (u, u @ half):
        assert min(misorientation_deg(one.u, truth, kyanite.rotations) for one in found.found) < 1.0


def test_probabilities_are_those_of_the_likelihood():
    """Candidates with the same reflections stand as exp(−χ²/2): they differ by nothing else where errors are equal."""
    known = cell_of_crystal(load_crystal("kyanite"))
    seen = centred(known, turned(2), HKL[:2])
    even = ub_candidates(seen, replace(known, strengths=False, kept={})).found
    chi2 = []
    for one in even[:2]:
        d = seen.q - one.hkl @ one.ub.T
        chi2.append(np.einsum("ni,nij,nj->", d, np.linalg.inv(seen.covariance), d))
    expected = np.exp(-0.5 * (chi2[0] - chi2[1]))
    volume = np.sqrt(np.linalg.det(even[0].covariance) / np.linalg.det(even[1].covariance))
    assert even[0].probability / even[1].probability == pytest.approx(expected * volume, rel=0.05)
    total = sum(one.probability for one in even)
    assert 0.9 < total <= 1.0 + 1e-9


def test_two_spurious_of_eight_are_found_out(kyanite):
    u = turned(3)
    seen = centred(kyanite, u, HKL)
    positions = seen.positions.copy()
    positions[[1, 5]] += [[0.0, 17.0, 31.0, 3.3], [0.0, -23.0, 12.0, -2.1]]
    found = ub_candidates(observed_angles(E4CV, positions, LAMBDA, 0.1), kyanite).decided
    assert misorientation_deg(found.u, u, kyanite.rotations) < 0.3
    assert (found.belongs < 0.5).nonzero()[0].tolist() == [1, 5]


def test_intensities_tell_apart_what_positions_cannot():
    quartz = cell_of_crystal(load_crystal("quartz"))
    assert quartz.alike == 2
    u, hkl = turned(4), [[1, 0, 1], [2, 0, 1], [1, 1, 2], [3, 0, 1], [1, -2, 3], [0, 3, 1]]
    lattice = lattice_of(quartz, 1.6, LAMBDA)
    seen = centred(quartz, u, hkl, intensity=np.exp(lattice.intensities(np.array(hkl))))
    positions_only = ub_candidates(replace(seen, intensity=None), quartz)
    both = ub_candidates(seen, quartz)
    assert positions_only.alike == 2
    assert both.alike == 1
    assert both.found[0].probability > 0.95
    assert misorientation_deg(both.found[0].u, u, quartz.rotations) < 0.5


def test_one_reflection_and_a_known_zone_give_it(kyanite):
    u = turned(5)
    axis = np.linalg.inv(kyanite.b_matrix).T @ [0, 0, 1]
    where = u @ axis + 0.01 * np.array([1.0, -1.0, 0.5])
    told = KnownDirection(axis, where, error_deg=2.0, polar=True)
    found = ub_candidates(centred(kyanite, u, [[1, 2, 0]]), kyanite, directions=[told])
    assert min(misorientation_deg(one.u, u, kyanite.rotations) for one in found.found) < 3.0


def test_an_orientation_known_to_five_degrees_makes_do_with_one_reflection(kyanite):
    u = turned(6)
    near = Rotation.from_rotvec(np.radians([2.0, -3.0, 1.0])).as_matrix() @ u
    one = ub_candidates(centred(kyanite, u, [[1, 2, 0]]), kyanite, prior=Prior(near))
    two = ub_candidates(centred(kyanite, u, HKL[:2]), kyanite, prior=Prior(near))
    assert misorientation_deg(one.found[0].u, u, kyanite.rotations) < 5.0
    assert two.decided is not None
    assert misorientation_deg(two.decided.u, u, kyanite.rotations) < 0.5


def test_a_place_where_nothing_was_seen_speaks_against_those_who_expect_something(kyanite):
    u = turned(2)
    seen = centred(kyanite, u, HKL[:2])
    open_ = ub_candidates(seen, kyanite)
    right = np.argmin([misorientation_deg(one.u, u, kyanite.rotations) for one in open_.found])
    looks = next_looks(open_, E4CV, LAMBDA, 20)
    against = [
        look for look in looks if look.candidate != right and look.expected[right] < 0.1 and look.expected.max() > 0.5
    ]
    q, _ = scattering_vectors(E4CV, against[0].positions[None], LAMBDA)
    after = ub_candidates(seen, kyanite, empty=q)
    assert after.found[0].probability > open_.found[right].probability
    assert misorientation_deg(after.found[0].u, u, kyanite.rotations) < 1.0


def test_the_next_places_are_reachable_and_tell_candidates_apart(kyanite):
    found = ub_candidates(centred(kyanite, turned(2), HKL[:2]), kyanite)
    looks = next_looks(found, E4CV, LAMBDA)
    assert len(looks) == 3
    assert looks[0].information > 0.3
    low, high = (np.array([axis.limits[i] for axis in E4CV.axes]) for i in (0, 1))
    assert all((low <= look.positions).all() and (look.positions <= high).all() for look in looks)
    decided = ub_candidates(centred(kyanite, turned(1), HKL[:5]), kyanite)
    assert all(look.sharpens > 1.0 for look in next_looks(decided, E4CV, LAMBDA))


def test_another_crystal_is_not_taken_for_this_one(kyanite):
    quartz = cell_of_crystal(load_crystal("quartz"))
    seen = centred(quartz, turned(7), [[1, 0, 1], [2, 0, 1], [1, 1, 2], [3, 0, 1], [1, -2, 3], [0, 2, 2]], error=0.03)
    found = ub_candidates(seen, kyanite)
    assert not fits(found)
    assert strangers(seen, cell_of_crystal(load_crystal("NaCl"))).any()
    assert not strangers(seen, quartz).any()


def test_a_reversed_axis_and_a_relative_omega_are_recognised(kyanite):
    seen = centred(kyanite, turned(8), HKL[:6])
    flipped, relative = seen.positions.copy(), seen.positions.copy()
    flipped[:, 0] *= -1.0
    relative[:, 0] -= 0.5 * relative[:, 3]
    for changed, word in ((flipped, "sign of omega"), (relative, "bisecting")):
        wrong = observed_angles(E4CV, changed, LAMBDA, 0.1)
        assert not fits(ub_candidates(wrong, kyanite))
        assert any(word in reading for reading in other_readings(wrong, kyanite))


def test_the_nearest_point_is_that_of_plain_rounding(kyanite):
    lattice = lattice_of(kyanite, 0.8, LAMBDA)
    u, rng = turned(9), np.random.default_rng(0)
    point, image = np.zeros(3, dtype=np.int64), np.zeros(3)
    for hkl in HKL:
        q = u @ kyanite.b_matrix @ hkl + 0.005 * rng.normal(size=3)
        weight = nearest_point(
            u, kyanite.b_matrix, np.linalg.inv(kyanite.b_matrix), q, lattice.log_weight, point, image
        )
        assert point.tolist() == hkl
        assert image == pytest.approx(u @ kyanite.b_matrix @ hkl)
        row = (lattice.hkl == hkl).all(axis=1)
        assert np.exp(weight) == pytest.approx(lattice.chance[row][0] / lattice.chance.sum())


def test_a_space_group_leaves_out_what_is_absent_and_tells_the_rotations():
    primitive, group = (
        known_cell([5.0, 6.0, 7.0, 90.0, 100.0, 90.0]),
        known_cell([5.0, 6.0, 7.0, 90.0, 100.0, 90.0], "P 21/c"),
    )
    every, present = ({tuple(hkl) for hkl in one.reflections(0.8)[0]} for one in (primitive, group))
    assert every - present
    assert all((k == 0 and el % 2) or (h == el == 0 and k % 2) for h, k, el in every - present)
    assert len(known_cell([5, 5, 5, 90, 90, 90], "F m -3 m").rotations) == 24
    assert known_cell([5, 5, 12, 90, 90, 120], "R -3 c").alike == 1
    assert known_cell([5, 5, 12, 90, 90, 120], "P 3").alike == 4


@pytest.mark.parametrize(("name", "nearly"), [("Sr4Ru3O10", True), ("Ca2RuO4", False), ("Si", False)])
def test_a_cell_that_is_nearly_more_symmetric_is_known_as_such(name, nearly):
    assert nearly_symmetric(cell_of_crystal(load_crystal(name))) is nearly


def test_errors_of_angles_become_those_of_vectors():
    """A Monte Carlo of the angles has the covariance that the slopes give, the allowance for the cell left out."""
    at = positions_of(E4CV, [[0.2, 0.3, 0.4]], LAMBDA).degrees
    seen = observed_angles(E4CV, at, LAMBDA, 0.1, cell_error=0.0)
    drawn = at + 0.1 * np.random.default_rng(0).normal(size=(20_000, 4))
    sample = np.cov(scattering_vectors(E4CV, drawn, LAMBDA)[0].T)
    floor = (0.05 * np.radians(0.1)) ** 2 * float(seen.q[0] @ seen.q[0]) * np.eye(3)
    assert seen.covariance[0] - floor == pytest.approx(sample, abs=0.05 * sample.max())


def test_repeated_reflections_are_found():
    q = [[0.2, 0.1, 0.0], [0.0, 0.3, 0.1], [0.2005, 0.1, 0.0]]
    assert repeated(observed_vectors(q, 1.0)) == [(0, 2)]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: observed_vectors([[3.0, 0.0, 0.0]], 1.0), "units of 2π"),
        (lambda: observed_vectors(np.empty((0, 3)), 1.0), "at least one"),
        (lambda: observed_vectors([[0.1, 0.0, 0.0]], 1.0, error_deg=0.0), "error of 0"),
        (lambda: observed_vectors([[0.1, 0.0, 0.0]], 1.0, intensity=[-1.0]), "positive"),
        (lambda: observed_angles(E4CV, [[0.0, 0.0, 0.0, 0.0]], 1.0), "direct beam"),
        (lambda: observed_angles(E4CV, [[0.0, 0.0, np.nan, 9.0]], 1.0), "NaN"),
        (lambda: known_cell([5, 5, 5, 90, 90, 90], "no group"), "unknown space group"),
        (lambda: known_cell([5, 6, 7, 90, 90, 90], "P 4"), "tetragonal"),
        (
            lambda: ub_candidates(observed_vectors([[0.01, 0.0, 0.0]], 1.0), known_cell([5, 5, 5, 90, 90, 90])),
            "no reflection up to",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(make, words):
    with pytest.raises(ValueError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
