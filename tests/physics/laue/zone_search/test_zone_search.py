"""Unknown lattices from patterns alone, each step against closed forms, and the whole search on simulated films."""

import itertools
import math

import numpy as np
import pytest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.peaks import PeakFinder
from beamgym.physics.laue.zone.crystals import SYSTEMS
from beamgym.physics.laue.zone.world import SimulatedZone
from beamgym.physics.laue.zone_search import View, Views, search_lattices
from beamgym.physics.laue.zone_search.commensurate import _COARSER, _FINER, related_lattices
from beamgym.physics.laue.zone_search.distances import sharp_distances
from beamgym.physics.laue.zone_search.kernels import (
    best_quadruples,
    index_normals,
    spread_over_zones,
    triple_product,
    zone_memberships,
)
from beamgym.physics.laue.zone_search.refinement import refined, tolerance_rad
from beamgym.physics.laue.zone_search.symmetry import lines_along, possible_axes, shortness_nats, spread_deg
from beamgym.physics.orientation import random_orientations, rotation_matrix

CAMERA = Detector.back_reflection(50.0, (84, 84), 100.0 / 84.0)
PRIMITIVE_OF = {
    1: np.eye(3),
    2: np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
    3: np.array([[1, -1, 0], [0, 1, -1], [1, 1, 1]]).T,
}
"""Rows: hkl of a primitive reciprocal basis of the lattices P, I and R (obverse)."""


def basis_of(system, seed=3):
    """Return a primitive reciprocal basis of a drawn crystal, turned at random, its cell, and the turn."""
    cell = SYSTEMS[system].draw_cells(make_keys(seed, np.arange(1)))
    turn = random_orientations(make_keys(seed + 1, np.arange(1)))[0]
    return turn @ SYSTEMS[system].b_matrices(cell)[0] @ PRIMITIVE_OF[SYSTEMS[system].lattice].T, cell, turn


def short_rays(basis, most, opening_deg=25.0):
    """Return the indices of the shortest primitive vectors in a cone about x, one of each opposite pair."""
    hkl = np.array([h for h in itertools.product(range(-9, 10), repeat=3) if math.gcd(*h) == 1])
    q = hkl @ basis.T
    length = np.linalg.norm(q, axis=1)
    inside = q[:, 0] > math.cos(math.radians(opening_deg)) * length
    return hkl[inside][np.argsort(length[inside])[:most]]


def spots_of(basis, distance_mm, noise_px=0.0, most=60, seed=0):
    """Return where the shortest rays land on a camera at a distance, px."""
    camera = Detector.back_reflection(distance_mm, CAMERA.shape, CAMERA.pixel_mm)
    q = -short_rays(basis, most) @ basis.T
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    ray = np.array([1.0, 0.0, 0.0]) - 2.0 * q[:, :1] * q
    position, hit = camera.to_pixel(ray)
    return position[hit] + np.random.default_rng(seed).normal(0.0, noise_px, (hit.sum(), 2))


def views_of(basis, distance_mm=47.0, noise_px=0.03, **options):
    return Views([View(spots_of(basis, distance_mm, noise_px, **options), np.eye(3))], CAMERA, 0.03)


def angle_deg(a, b):
    return np.degrees(np.arccos(np.clip(np.abs(a @ b), 0.0, 1.0)))


class TestBases:
    def test_memberships_count_coplanar_triples(self):
        normals = np.array([[1.0, 0, 0], [1, 1, 0], [1, -1, 0], [1, 0, 1], [1, 0.37, 0.71]])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        assert zone_memberships(normals, 1e-4) == pytest.approx([1.0, 1.0, 1.0, 0.0, 0.0])

    def test_only_so_many_normals_are_taken_from_one_zone(self):
        angles = np.linspace(0.0, 1.0, 10)
        zone = np.stack([np.cos(angles), np.sin(angles), 0.0 * angles], axis=1)
        normals = np.concatenate([zone, random_orientations(make_keys(1, np.arange(6)))[:, 0]])
        chosen = spread_over_zones(normals, np.arange(16), 1e-3, 10, 4)
        assert (chosen < 10).sum() == 4
        assert len(chosen) == 10

    @pytest.mark.parametrize("system", SYSTEMS)
    def test_four_normals_fix_a_lattice_up_to_its_scale(self, system):
        basis, _, _ = basis_of(system)
        hkl = short_rays(basis, 40)
        normals = hkl @ basis.T
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        score, bases = np.empty(2), np.empty((2, 3, 3))
        chosen = spread_over_zones(normals, np.argsort(-zone_memberships(normals, 1e-5)), 1e-4, 12, 5)
        best_quadruples(normals, chosen, 1e-4, 8, 0.02, score, bases)
        ratio = np.linalg.inv(basis) @ bases[0]
        ratio /= np.abs(ratio).max()
        multiples = [np.abs(ratio * k - np.rint(ratio * k)).max() for k in range(1, 61)]
        assert min(multiples) < 1e-9  # commensurate with the true one

    def test_indices_are_the_smallest_that_meet_the_normal(self):
        basis = np.diag([1.0, 1.3, 1.7])
        hkl = np.array([[2, -1, 3], [1, 0, 0], [5, 4, -3]])
        normals = hkl @ basis.T
        normals /= -np.linalg.norm(normals, axis=1, keepdims=True)
        found = np.zeros((3, 3))
        assert index_normals(normals, basis, 1e-6, 4, found).tolist() == [True, True, False]
        assert found[:2].tolist() == [[-2, 1, -3], [-1, 0, 0]]

    def test_a_triple_product_is_a_determinant(self):
        vectors = np.random.default_rng(0).normal(size=(3, 3))
        assert triple_product(*vectors) == pytest.approx(np.linalg.det(vectors))


class TestDistances:
    @pytest.mark.parametrize("distance_mm", [41.3, 50.0, 58.7])
    def test_zones_are_sharp_at_the_true_distance(self, distance_mm):
        basis, _, _ = basis_of("orthorhombic")
        found = sharp_distances(views_of(basis, distance_mm))
        assert min(abs(one - distance_mm) for one in found) < 0.4

    def test_the_camera_moves_along_its_normal(self):
        views = views_of(basis_of("cubic")[0])
        assert views.camera_at(43.0).distance_mm == pytest.approx(43.0)
        step = (views.normals(50.01) - views.normals(49.99)) / 0.02
        assert views.slope(50.0) == pytest.approx(step, abs=1e-5)


class TestCommensurateLattices:
    def test_a_lattice_has_seven_thirteen_and_thirty_one_relatives_of_index_two_three_and_five(self):
        indices = np.rint(np.linalg.det(_FINER)).astype(int)
        assert [(indices == index).sum() for index in (2, 3, 5)] == [7, 13, 31]
        assert (np.abs(np.linalg.det(_COARSER)) > 0.5).all()

    @pytest.mark.parametrize("finer", [0, 5, 9, 19, 25])
    @pytest.mark.parametrize("system", ["cubic", "hexagonal", "triclinic"])
    def test_the_true_lattice_is_told_from_one_that_indexes_as_well(self, system, finer):
        basis, _, _ = basis_of(system)
        hkl = short_rays(basis, 60)
        wrong, of_wrong = basis @ np.linalg.inv(_FINER[finer]), hkl @ _FINER[finer].T
        best = related_lattices(wrong, of_wrong, width=4, depth=3)[0]
        ratio = np.linalg.inv(basis) @ best.basis
        assert np.abs(np.linalg.det(ratio)) == pytest.approx(1.0)
        assert ratio == pytest.approx(np.rint(ratio), abs=1e-9)
        assert np.cross(best.hkl @ best.basis.T, hkl @ basis.T) == pytest.approx(0.0, abs=1e-9)


class TestSymmetry:
    @pytest.mark.parametrize("choice", ["principal", "all"])
    @pytest.mark.parametrize("system", SYSTEMS)
    def test_a_lattices_axes_are_those_of_its_system(self, system, choice):
        basis, cell, turn = basis_of(system)
        reduced = related_lattices(basis, short_rays(basis, 60), width=1, depth=0)[0].basis
        axes = possible_axes(reduced, SYSTEMS[system], choice, 1e-6)[0]
        expected = SYSTEMS[system].lines(cell, choice)[0] @ turn.T
        lines = lines_along(reduced, axes.uvw)
        assert axes.misfit < 1e-9
        assert len(lines) == len(expected)
        assert np.abs(lines @ expected.T).max(axis=0) == pytest.approx(1.0)

    def test_a_lattice_without_the_axes_misfits(self):
        assert not possible_axes(basis_of("triclinic")[0], SYSTEMS["tetragonal"], "principal", 0.05)

    def test_a_nearly_cubic_cell_leaves_three_fourfold_axes_to_choose_from(self):
        basis = np.diag([1.0, 1.0, 1.004])
        near = possible_axes(basis, SYSTEMS["tetragonal"], "principal", 0.02)
        assert len(near) == 3
        assert near[0].uvw.tolist() == [[0.0, 0.0, 1.0]]
        assert near[0].misfit < 1e-9 < near[1].misfit

    def test_twofold_axes_of_one_set_are_perpendicular(self):
        near = possible_axes(np.diag([1.0, 1.002, 1.5]), SYSTEMS["orthorhombic"], "principal", 0.02)
        assert [len(one.uvw) for one in near] == [3, 3]  # along the edges, or across two of them
        for one in near:
            assert np.abs(one.uvw @ one.uvw.T - np.diag(np.diag(one.uvw @ one.uvw.T))).max() < 1e-9

    def test_which_of_two_vectors_is_shorter_is_as_sure_as_their_lengths(self):
        basis, covariance = np.diag([1.0, 1.001, 0.7]), np.eye(9) * 1e-6
        rng = np.random.default_rng(0)
        drawn = np.linalg.inv(basis + rng.normal(0.0, 1e-3, (4000, 3, 3)))
        length = np.linalg.norm(drawn, axis=2)
        first = (length[:, 0] < length[:, 1]).mean()
        assert np.exp(-shortness_nats(basis, covariance, np.array([1.0, 0, 0]))) == pytest.approx(first, abs=0.03)
        assert np.exp(-shortness_nats(basis, covariance, np.array([0, 1.0, 0]))) == pytest.approx(1 - first, abs=0.03)

    def test_the_spread_of_a_line_is_that_of_many_bases(self):
        rng, basis = np.random.default_rng(0), basis_of("monoclinic")[0]
        root = rng.normal(0.0, 1e-4, (9, 9))
        uvw = np.array([[0.0, 1.0, 0.0], [1.0, 2.0, -1.0]])
        drawn = [basis + (root @ rng.normal(size=9)).reshape(3, 3) for _ in range(4000)]
        there = lines_along(basis, uvw)
        off = np.array([lines_along(one, uvw) - there for one in drawn])
        largest = [np.linalg.eigvalsh(off[:, i].T @ off[:, i] / len(drawn))[-1] for i in range(2)]
        spread = spread_deg(basis, root @ root.T, uvw)
        assert spread == pytest.approx(np.degrees(np.sqrt(largest)), rel=0.06)  # of 4000 draws, and linear


class TestRefinement:
    def test_lattice_and_distance_come_back_from_a_bad_start(self):
        basis, _, _ = basis_of("triclinic")
        start = basis @ (np.eye(3) + np.random.default_rng(1).normal(0.0, 3e-4, (3, 3)))
        fit = refined(views_of(basis, 47.0, 0.0), 47.1, start, 12, 6)
        true = basis / np.cbrt(np.linalg.det(basis))
        assert fit.distance_mm == pytest.approx(47.0, abs=1e-4)
        assert fit.basis == pytest.approx(true, abs=1e-5)
        assert fit.indexed.all()
        assert fit.chi2 < 1e-3

    def test_turns_that_keep_the_lattice_hold_its_metric(self):
        basis, _, _ = basis_of("cubic")
        axes = possible_axes(basis, SYSTEMS["cubic"], "principal", 1e-6)[0]
        fit = refined(views_of(basis), 47.1, basis, 12, 6, axes.turns)
        metric = fit.basis.T @ fit.basis
        assert metric == pytest.approx(np.eye(3), abs=1e-6)
        assert 0.5 < fit.chi2 / (2 * fit.indexed.sum() - 4) < 1.5

    def test_the_covariance_is_the_spread_of_many_fits(self):
        basis, _, _ = basis_of("monoclinic")
        uvw = np.array([[0.0, 1.0, 0.0]])
        fits = [refined(views_of(basis, seed=seed), 47.0, basis, 12, 4) for seed in range(60)]
        lines = np.array([lines_along(fit.basis, uvw)[0] for fit in fits])
        off = lines - lines.mean(axis=0)
        spread = np.degrees(np.sqrt(np.linalg.eigvalsh(off.T @ off / len(fits))[-1]))
        assert spread_deg(fits[0].basis, fits[0].covariance, uvw)[0] == pytest.approx(spread, rel=0.35)

    def test_too_few_spots_are_no_lattice(self):
        basis, _, _ = basis_of("triclinic")
        views = Views([View(spots_of(basis, 47.0)[:6], np.eye(3))], CAMERA, 0.03)
        assert refined(views, 47.0, basis, 12, 3) is None


def film(system, level, turns_deg, seed):
    """Return spots of a simulated crystal at places of its circles, as views, and the true lines and distance."""
    world = SimulatedZone(system, 1, level)
    all_rows = np.ones(1, np.bool_)
    world.reset(make_keys(seed, np.arange(1)), all_rows)
    views, find = [], PeakFinder()
    for place in turns_deg:
        world.move(np.array([place], dtype=float), all_rows)
        image = world.acquire(AcquireSettings(exposure_s=10.0), all_rows).image
        peaks = find(image)
        rotation = world.context.goniometer.rotation(np.array([place], dtype=float))[0]
        views.append(View(peaks.position_px[0, : peaks.count[0]].astype(float)[:50], rotation))
    truth = world.truth()
    lines = SYSTEMS[system].lines(truth["cell"])[0] @ truth["mount"][0].T
    return Views(views, world.context.detector, 0.03 if level == "published" else 0.14), lines, -truth["detector"][0, 0]


class TestTheSearch:
    @pytest.mark.parametrize("system", SYSTEMS)
    def test_one_drawn_film_shows_every_axis_and_the_distance(self, system):
        views, lines, distance_mm = film(system, "published", [(0, 0)], 11)
        best = search_lattices(views, SYSTEMS[system])[0]
        assert np.abs(lines @ best.lines.T).max(axis=1) == pytest.approx(1.0, abs=2e-6)  # 0.1 degrees
        assert best.fit.distance_mm == pytest.approx(distance_mm, abs=0.3)
        assert best.saved > 100.0
        assert best.matched > 0.8 * views.spots

    @pytest.mark.parametrize("system", ["cubic", "trigonal"])
    def test_counts_with_noise_and_false_spots_show_it_from_two_places(self, system):
        views, lines, distance_mm = film(system, "real", [(0, 0), (10, -10)], 12)
        best = search_lattices(views, SYSTEMS[system])[0]
        worst = np.degrees(np.arccos(np.abs(lines @ best.lines.T).max(axis=1).min()))
        assert worst < 0.35
        assert best.fit.distance_mm == pytest.approx(distance_mm, abs=1.0)

    def test_random_spots_are_no_lattice(self):
        rng = np.random.default_rng(5)
        views = Views([View(rng.uniform(2.0, 81.0, (40, 2)), np.eye(3))], CAMERA, 0.03)
        assert all(one.saved < 50.0 for one in search_lattices(views, SYSTEMS["monoclinic"]))

    def test_a_turned_camera_frame_gives_the_same_lines(self):
        basis, cell, turn = basis_of("tetragonal")
        gonio = rotation_matrix([7.0, -12.0, 20.0])
        seen = spots_of(basis, 47.0)
        views = Views([View(seen, gonio)], CAMERA, 0.03)
        best = search_lattices(views, SYSTEMS["tetragonal"])[0]
        expected = gonio.T @ turn @ SYSTEMS["tetragonal"].lines(cell)[0, 0]
        assert angle_deg(best.lines[0], expected) < 0.1

    def test_the_tolerance_follows_the_spots_error(self):
        fine = views_of(basis_of("cubic")[0])
        assert tolerance_rad(Views(fine.frames, CAMERA, 0.06)) == pytest.approx(2.0 * tolerance_rad(fine))
