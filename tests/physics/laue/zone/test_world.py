"""The zone task's world: unknown crystals of a known system on two circles before a film."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import cKDTree

from beamgym.envs.checks import check_world
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings, MoveFailed, World
from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.laue.zone.crystals import SYSTEMS, crystal_system
from beamgym.physics.laue.zone.heap_kernels import make_heap, take_brightest
from beamgym.physics.laue.zone.image_kernels import draw_disks, expose_images, poisson_any, poisson_tables
from beamgym.physics.laue.zone.images import PANEL_HOLE_MM, SEPARATION_MM, SpotLists
from beamgym.physics.laue.zone.kernels import axis_angles_deg, spot_intensity
from beamgym.physics.laue.zone.spectrum_tables import copper_spectrum, point_spectrum
from beamgym.physics.laue.zone.world import DISTANCE_MM, SimulatedZone
from beamgym.physics.orientation import misorientation_deg, random_orientations, rotation_matrix

SETTINGS = AcquireSettings(exposure_s=10.0)


def everybody(n):
    return np.ones(n, dtype=np.bool_)


def started(system="cubic", n=4, level="published", seed=5, **options):
    world = SimulatedZone(system, n, level, **options)
    world.reset(make_keys(seed, np.arange(n)), everybody(n))
    return world


def place(world, mounts, cell=None):
    """Put crystals into known mounts (and cells) without drawing them."""
    world._samples.mount[:] = mounts
    if cell is not None:
        rows, system = np.arange(world.n), world.context.system
        object.__setattr__(system, "draw_cells", lambda keys: np.tile(cell, (len(keys), 1)))
        try:
            world._new_crystals(rows)
        finally:
            object.__delattr__(system, "draw_cells")
    world._samples.panel[:] = world.context.detector.as_vector()
    return world


def brought_to_beam(direction):
    """Return a rotation that turns a unit vector against the beam, -x."""
    goal = np.array([-1.0, 0.0, 0.0])
    cross, cosine = np.cross(direction, goal), float(direction @ goal)
    length = np.linalg.norm(cross)
    if length < 1e-9:
        return np.eye(3) if cosine > 0 else np.diag([-1.0, 1.0, -1.0])
    return rotation_matrix(np.degrees(np.arctan2(length, cosine)) * cross / length)


def centred(positions, world):
    return positions - 0.5 * (world.context.detector.shape[0] - 1)


def same_points(found, expected, tolerance):
    distance, _ = cKDTree(expected).query(found)
    return len(found) == len(expected) and distance.max() < tolerance


def reference_spots(cell, system, orientation, detector, spectrum):
    """Every reflection one by one, in numpy: positions and summed intensities of the spots on the film."""
    b = system.b_matrices(cell[None])[0]
    reach = np.ceil(cell[:3] * 2 * spectrum.high_kev / HC_KEV_A).astype(int)
    axes = [np.arange(-most, most + 1) for most in reach]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    q = hkl @ (orientation @ b).T
    squared = (q**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        wavelength = -2.0 * q[:, 0] / squared
        energy = HC_KEV_A / wavelength
        good = (q[:, 0] < 0) & (energy >= spectrum.low_kev) & (energy <= spectrum.high_kev)
    if system.body_centred:
        good &= hkl.sum(axis=1) % 2 == 0
    if system.rhombohedral:
        good &= (hkl[:, 1] + hkl[:, 2] - hkl[:, 0]) % 3 == 0
    hkl, q, wavelength, energy = hkl[good], q[good], wavelength[good], energy[good]
    position, hit = detector.to_pixel(np.array([1.0, 0.0, 0.0]) + wavelength[:, None] * q)
    hkl, q, energy, position = hkl[hit], q[hit], energy[hit], position[hit]
    length = np.sqrt((q**2).sum(axis=1))
    s, sine = 0.5 * length, -q[:, 0] / length
    grid = np.linspace(spectrum.low_kev, spectrum.high_kev, len(spectrum.weight))
    s_grid = np.arange(len(spectrum.form)) / spectrum.per_inv_a
    real = np.interp(s, s_grid, spectrum.form) + np.interp(energy, grid, spectrum.f_prime)
    squared_f = (real**2 + np.interp(energy, grid, spectrum.f_second) ** 2) * np.interp(s, s_grid, spectrum.thermal)
    polarisation = 0.5 * (1.0 + (1.0 - 2.0 * sine**2) ** 2)
    intensity = np.interp(energy, grid, spectrum.weight) * squared_f * polarisation / sine**2
    primitive = hkl // np.gcd.reduce(hkl, axis=1)[:, None]
    _, first, which = np.unique(primitive, axis=0, return_index=True, return_inverse=True)
    total = np.bincount(which.ravel(), intensity) / system.primitive_volumes(cell[None])[0]
    return position[first], total


def thinned(position, intensity, separation, limit):
    """Keep the brightest spots that are not too near to a brighter one."""
    kept = []
    for i in np.argsort(-intensity, kind="stable"):
        if len(kept) == limit:
            break
        if all(np.hypot(*(position[i] - position[j])) > separation for j in kept):
            kept.append(i)
    return position[kept]


PAIRS = ((1, 2), (0, 2), (0, 1))


def keeps(system, b, rotation):
    """Whether a rotation carries the reciprocal lattice into itself, its absences too."""
    hkl = np.array(list(itertools.product(range(-2, 3), repeat=3)))
    turned = hkl @ (np.linalg.inv(b) @ rotation @ b).T
    return np.abs(turned - np.rint(turned)).max() < 1e-9 and bool(
        (allowed(system, hkl) == allowed(system, np.rint(turned))).all()
    )


def allowed(system, hkl):
    h, k, n = hkl.T
    return {1: h * 0 == 0, 2: (h + k + n) % 2 == 0, 3: (k + n - h) % 3 == 0}[system.lattice]


CASES = [
    ("cubic", (3.2, 3.2, 3.2, 90, 90, 90)),
    ("cubic", (8.7, 8.7, 8.7, 90, 90, 90)),
    ("tetragonal", (5.8, 5.8, 13.1, 90, 90, 90)),
    ("hexagonal", (4.3, 4.3, 12.4, 90, 90, 120)),
    ("trigonal", (4.3, 4.3, 12.4, 90, 90, 120)),
    ("orthorhombic", (3.4, 9.1, 5.2, 90, 90, 90)),
    ("monoclinic", (3.4, 7.1, 5.2, 90, 113, 90)),
    ("triclinic", (3.4, 4.1, 5.2, 81, 107, 95)),
]


class TestThePatterns:
    def test_a_simulated_instrument_is_a_world(self):
        assert isinstance(SimulatedZone("cubic", 2), World)

    @pytest.mark.parametrize(("name", "cell"), CASES)
    def test_counted_spots_agree_with_every_reflection_taken_one_by_one(self, name, cell):
        world = place(started(name, 1, "real"), random_orientations(make_keys(11, np.arange(1))), np.array(cell, float))
        position, intensity, count = world.spots(np.arange(1))
        wanted, total = reference_spots(
            np.array(cell, float),
            world.context.system,
            world.truth()["orientation"][0],
            world.context.detector,
            world.spectrum,
        )
        brightest = np.argsort(-total)[: count[0]]
        # 1e-3: unit vectors are held in single precision
        assert np.abs(intensity[0, : count[0]] / total[brightest] - 1).max() < 1e-3
        distance, _ = cKDTree(wanted).query(position[0, : count[0]])
        assert distance.max() < 1e-3

    @pytest.mark.parametrize(("name", "cell"), CASES)
    def test_drawn_spots_are_the_brightest_that_stand_apart(self, name, cell):
        world = place(started(name, 1), random_orientations(make_keys(12, np.arange(1))), np.array(cell, float))
        position, _, count = world.spots(np.arange(1))
        wanted, total = reference_spots(
            np.array(cell, float),
            world.context.system,
            world.truth()["orientation"][0],
            world.context.detector,
            world.spectrum,
        )
        separation = SEPARATION_MM / world.context.detector.pixel_mm
        expected = thinned(wanted, total, separation, world._samples.limit[0])
        assert same_points(position[0, : count[0]], expected, 1e-3)

    def test_the_largest_cell_loses_no_drawn_spot_to_the_limited_table(self):
        cell = np.array([15.0, 15, 15, 90, 90, 90])
        world = place(started("cubic", 1), random_orientations(make_keys(13, np.arange(1))), cell)
        world._samples.limit[:] = 60
        position, _, count = world.spots(np.arange(1))
        wanted, total = reference_spots(
            cell, world.context.system, world.truth()["orientation"][0], world.context.detector, world.spectrum
        )
        expected = thinned(wanted, total, SEPARATION_MM / world.context.detector.pixel_mm, 60)
        assert same_points(position[0, : count[0]], expected, 1e-3)

    @pytest.mark.parametrize(
        ("name", "orders"),
        [("cubic", [4] * 3 + [2] * 6 + [3] * 4), ("tetragonal", [4] + [2] * 4), ("hexagonal", [6] + [2] * 6)],
    )
    def test_every_listed_axis_is_a_rotation_axis_of_the_pattern_the_principal_ones_of_the_highest_order(
        self, name, orders
    ):
        axes = SYSTEMS[name].axes("all")
        world = place(started(name, len(axes), "real", seed=2), np.stack([brought_to_beam(axis) for axis in axes]))
        world.image_model.room = lambda system: 4096
        position, _, count = world.spots(np.arange(len(axes)))
        assert len(axes) == len(orders)
        for i, order in enumerate(orders):
            points = centred(position[i, : count[i]], world)
            points = points[np.hypot(*points.T) < 40]
            cosine, sine = np.cos(2 * np.pi / order), np.sin(2 * np.pi / order)
            assert len(points) > 20
            assert same_points(points @ np.array([[cosine, -sine], [sine, cosine]]), points, 2e-2)

    def test_the_spot_of_a_plane_moves_up_by_twice_the_angle_when_theta_turns_forward(self):
        world = place(started("cubic", 1, "real"), np.eye(3)[None])
        world.move(np.array([[8.0, 0.0]]), everybody(1))
        position, _, count = world.spots(np.arange(1))
        height_mm = world.context.detector.distance_mm * np.tan(np.radians(16.0))
        expected = world.context.detector.to_pixel(np.array([-world.context.detector.distance_mm, 0.0, height_mm]))[0]
        # the backlash of the level "real" is in: 0.05 degrees of axis are 0.1 mm
        assert np.hypot(*(position[0, : count[0]] - expected).T).min() < 0.15
        assert expected[1] < 41.5 - 10

    def test_the_spot_of_a_plane_moves_to_minus_y_when_phi_turns_forward(self):
        world = place(started("cubic", 1), np.eye(3)[None])
        world.move(np.array([[0.0, 8.0]]), everybody(1))
        position, _, count = world.spots(np.arange(1))
        sideways_mm = -world.context.detector.distance_mm * np.tan(np.radians(16.0))
        expected = world.context.detector.to_pixel(np.array([-world.context.detector.distance_mm, sideways_mm, 0.0]))[0]
        assert np.hypot(*(position[0, : count[0]] - expected).T).min() < 1e-3

    def test_harmonics_below_the_band_do_not_count(self):
        spectrum = point_spectrum()
        sine = 0.95
        length = 2 * sine * 26.0 / HC_KEV_A
        assert spot_intensity(length, sine, spectrum) == 0.0
        assert spot_intensity(length / 6.0, sine, spectrum) > 0.0

    def test_form_factor_and_thermal_motion_make_far_reflections_of_copper_faint(self):
        copper, point = copper_spectrum(), point_spectrum()
        low, high = 2 * 0.95 * 8.0 / HC_KEV_A, 2 * 0.95 * 16.0 / HC_KEV_A
        ratio = spot_intensity(low, 0.95, copper) / spot_intensity(high, 0.95, copper)
        assert ratio > 3 * spot_intensity(low, 0.95, point) / spot_intensity(high, 0.95, point)


class TestTheCrystals:
    @pytest.mark.parametrize("name", SYSTEMS)
    def test_cells_fill_their_stated_ranges(self, name):
        system = crystal_system(name)
        cells = system.draw_cells(make_keys(1, np.arange(2000)))
        ranges = (system.a_angstrom, system.b_angstrom, system.c_angstrom, *system.angles_deg)
        for i, between in enumerate(ranges):
            if between is None:
                assert (cells[:, i] == cells[:, 0]).all()
            elif between[0] == between[1]:
                assert (cells[:, i] == between[0]).all()
            else:
                low, high = between
                assert stats.kstest(cells[:, i], "uniform", (low, high - low)).pvalue > 1e-3

    @pytest.mark.parametrize("name", SYSTEMS)
    def test_b_matrices_have_the_cells_metric_and_volume(self, name):
        system = crystal_system(name)
        cells = system.draw_cells(make_keys(3, np.arange(20)))
        b = system.b_matrices(cells)
        vectors = np.linalg.inv(b)
        edges = np.linalg.norm(vectors, axis=2)
        cosines = [np.sum(vectors[:, i] * vectors[:, j], axis=1) / edges[:, i] / edges[:, j] for i, j in PAIRS]
        assert edges == pytest.approx(cells[:, :3])
        angles = np.degrees(np.arccos(cosines)).T
        assert angles == pytest.approx(cells[:, 3:], abs=1e-6)
        assert np.abs(np.tril(b, -1)).max() < 1e-12
        assert 1.0 / np.linalg.det(b) / system.lattice == pytest.approx(system.primitive_volumes(cells))

    @pytest.mark.parametrize("name", sorted(set(SYSTEMS) - {"triclinic"}))
    def test_turns_about_the_axes_carry_the_lattice_into_itself(self, name):
        system = crystal_system(name)
        b = system.b_matrices(system.draw_cells(make_keys(3, np.arange(1))))[0]
        order = {"cubic": 4, "tetragonal": 4, "hexagonal": 6, "trigonal": 3}.get(name, 2)
        for axis in system.axes("principal"):
            assert keeps(system, b, rotation_matrix(360.0 / order * axis))
        for axis in system.axes("all"):
            assert any(keeps(system, b, rotation_matrix(360.0 / n * axis)) for n in (2, 3))

    def test_a_rhombohedral_lattice_has_three_fold_axes_only(self):
        system = crystal_system("trigonal")
        b = system.b_matrices(system.draw_cells(make_keys(3, np.arange(1))))[0]
        assert not keeps(system, b, rotation_matrix([0.0, 0.0, 60.0]))
        assert not keeps(system, b, rotation_matrix([180.0, 0.0, 0.0]))

    def test_the_strongest_zone_holds_the_densest_net_of_reciprocal_points(self):
        system = crystal_system("triclinic")
        cells = system.draw_cells(make_keys(3, np.arange(6)))
        points = np.array(list(itertools.product(range(-12, 13), repeat=3)))
        steps = np.array([step for step in itertools.product(range(-2, 3), repeat=3) if step > (0, 0, 0)])
        for cell, line in zip(cells, system.lines(cells)[:, 0], strict=True):
            b = system.b_matrices(cell[None])[0]
            q = points @ b.T
            q = q[(q**2).sum(axis=1) < 0.55**2]
            zones = steps @ np.linalg.inv(b)
            zones /= np.linalg.norm(zones, axis=1, keepdims=True)
            members = [(np.abs(q @ zone) < 1e-9).sum() for zone in zones]
            assert (np.abs(q @ line) < 1e-9).sum() == max(members)

    def test_hexagonal_spacings_follow_the_textbook_formula(self):
        system, cell = crystal_system("hexagonal"), np.array([[5.0, 5.0, 13.0, 90, 90, 120]])
        for h, k, n in itertools.product(range(-2, 3), repeat=3):
            q = system.b_matrices(cell)[0] @ [h, k, n]
            assert q @ q == pytest.approx(4 / 3 * (h * h + h * k + k * k) / 25 + n * n / 169)

    def test_a_body_centred_lattice_starts_odd_rows_at_their_second_order(self):
        world = place(started("tetragonal", 1), np.eye(3)[None], np.array([4.0, 4, 12, 90, 90, 90]))
        rays = world._samples.rays[0, : world._samples.rays_used[0]]
        along_a = rays[np.abs(rays[:, 0]) > 0.99999, 3]
        along_ab = rays[np.abs(rays[:, :2] - np.sqrt(0.5)).max(axis=1) < 1e-5, 3]
        assert along_a == pytest.approx([2 / 4.0])
        assert along_ab == pytest.approx([np.sqrt(2) / 4.0])

    @settings(max_examples=50, deadline=None)
    @given(st.integers(0, 2**32), st.floats(-180, 180), st.sampled_from(sorted(SYSTEMS)))
    def test_the_angle_to_an_axis_does_not_change_about_the_beam(self, seed, turn_deg, name):
        orientation = random_orientations(make_keys(seed, np.arange(3)))
        axes = SYSTEMS[name].lines(SYSTEMS[name].draw_cells(make_keys(seed, np.arange(1))), "all")[0]
        turned = rotation_matrix([turn_deg, 0.0, 0.0]) @ orientation
        assert axis_angles_deg(turned, axes) == pytest.approx(axis_angles_deg(orientation, axes), abs=1e-6)

    def test_cubic_axes_are_furthest_where_geometry_says(self):
        corner = np.array([1.0, 1.0, 1.0]) / np.sqrt(3)
        orientation = brought_to_beam(corner)[None]
        assert axis_angles_deg(orientation, SYSTEMS["cubic"].axes("principal"))[0] == pytest.approx(54.7356, abs=1e-3)
        assert axis_angles_deg(orientation, SYSTEMS["cubic"].axes("all"))[0] == pytest.approx(0.0, abs=1e-6)

    def test_an_unknown_system_is_refused_with_the_list(self):
        with pytest.raises(ValueError, match="choose one of cubic, tetragonal, hexagonal"):
            crystal_system("quasicrystal")


class TestTheFilms:
    def test_drawings_show_as_many_spots_as_the_episode_says_and_nothing_in_the_hole(self):
        world = started("cubic", 32)
        image = world.acquire(SETTINGS, everybody(32)).image
        _, _, count = world.spots(np.arange(32))
        assert image.dtype == np.uint8
        assert (count >= 30).all()
        assert (count <= 60).all()
        row, column = np.indices((84, 84)) - 41.5
        assert (image[:, np.hypot(row, column) * 100 / 84 < PANEL_HOLE_MM] == 0).all()

    def test_a_disk_covers_its_area(self):
        images = np.zeros((1, 84, 84), np.uint8)
        draw_disks(np.array([[[20.3, 60.7]]]), np.array([1]), 3.0, 1.0, images)
        # edges softened over one pixel keep the area to a per cent or so
        assert images.sum() / 255 == pytest.approx(np.pi * 9, rel=0.02)
        row, column = np.indices((84, 84))
        assert (images[0] * column).sum() / images.sum() == pytest.approx(20.3, abs=0.05)
        assert (images[0] * row).sum() / images.sum() == pytest.approx(60.7, abs=0.05)

    def test_films_stand_at_every_distance_of_the_range(self):
        world = started("cubic", 400)
        distance = -world.truth()["detector"][:, 0]
        low, high = DISTANCE_MM
        assert stats.kstest(distance, "uniform", (low, high - low)).pvalue > 1e-3

    @pytest.mark.parametrize("mean", [0.3, 8.0, 29.9, 30.1, 200.0, 5000.0])
    def test_poisson_numbers_have_the_right_distribution(self, mean):
        keys = make_keys(3, np.arange(4000))
        drawn = np.array([poisson_any(key, 64, mean) for key in keys])
        edges = np.unique(stats.poisson.ppf(np.linspace(0.05, 0.95, 10), mean))
        bins = np.concatenate([[-1.0], edges, [np.inf]])
        expected = np.diff(stats.poisson.cdf(bins, mean)) * len(drawn)
        found = np.histogram(drawn, np.concatenate([[-0.5], edges + 0.5, [1e9]]))[0]
        assert stats.chisquare(found, expected, sum_check=False).pvalue > 1e-4

    def test_poisson_tables_are_cumulative_probabilities(self):
        means = np.array([0.5, 4.0, 40.0])
        cumulative, start = poisson_tables(means, 256)
        expected = stats.poisson.cdf(np.arange(255)[None, :], means[:, None])
        assert np.abs(cumulative[:, :-1] - expected).max() < 1e-12
        for i, column in itertools.product(range(3), range(256)):
            assert start[i, column] == np.searchsorted(cumulative[i], column / 256, side="right")

    def test_the_background_has_the_stated_counts_and_poisson_noise(self):
        world = started("cubic", 48, "real")
        world.image_model._tables = {}
        nothing = SpotLists(np.zeros((48, 1, 2)), np.zeros((48, 1)), np.zeros(48, np.int64))
        image = world.image_model.expose(nothing, 10.0, make_keys(9, np.arange(48))).astype(float)
        corner = image[:, :5, :5]
        quiet = np.median(corner)
        expected = 10.0 * (0.4 + 0.6 * np.exp(-0.5 * (65.0 / 30.0) ** 2))
        assert abs(quiet - expected) <= 1.0
        flat = image[:, :, 3].ravel()
        flat = flat[flat < 30]
        assert flat.var() / flat.mean() == pytest.approx(1.0, abs=0.12)

    def test_an_exposed_spot_has_its_counts_its_place_and_its_width(self):
        n, size = 2000, 21
        images = np.zeros((n, size, size), np.uint16)
        means = np.array([2.0])
        level, tables = np.zeros((size, size), np.int64), poisson_tables(means, 256)
        place = np.tile(np.array([[[9.3, 11.6]]]), (n, 1, 1))
        expose_images(
            place,
            np.full((n, 1), 400.0),
            np.ones(n, np.int64),
            make_keys(8, np.arange(n)),
            level,
            means,
            tables,
            0.8,
            images,
        )
        mean = images.mean(axis=0) - 2.0
        row, column = np.indices((size, size))
        near = np.hypot(row - 11.6, column - 9.3) < 5
        # 0.27 % per direction lies beyond three standard deviations and is not drawn; the rest is noise
        assert mean[near].sum() == pytest.approx(400.0, rel=0.01)
        assert (mean * column)[near].sum() / 400 == pytest.approx(9.3, abs=0.05)
        assert (mean * row)[near].sum() / 400 == pytest.approx(11.6, abs=0.05)
        # a pixel's own width adds 1/12
        assert (mean * (row - 11.6) ** 2)[near].sum() / 400 == pytest.approx(0.8**2 + 1 / 12, rel=0.1)

    def test_harder_levels_bring_fewer_counts(self):
        easy, hard = (started("cubic", 16, level).acquire(SETTINGS, everybody(16)).image for level in ("easy", "hard"))
        assert np.median(hard) == pytest.approx(np.median(easy) / 4, abs=0.75)

    def test_the_peak_finder_finds_the_bright_spots_of_a_film(self):
        world = started("hexagonal", 4, "easy")
        frame = world.acquire(SETTINGS, everybody(4))
        peaks = frame.peaks()
        position, _, _ = world.spots(np.arange(4))
        near = [cKDTree(position[i, :128]).query(peaks.position_px[i, : min(10, peaks.count[i])])[0] for i in range(4)]
        assert (np.concatenate(near) < 1.0).mean() > 0.8


class TestTheWorld:
    @pytest.mark.parametrize("level", ["published", "hard"])
    def test_it_keeps_the_contract_of_a_world(self, level):
        check_world(lambda n: SimulatedZone("tetragonal", n, level), SETTINGS)

    def test_rows_outside_the_mask_neither_move_nor_change(self):
        world = started("cubic", 3, "real")
        before, frame = world.truth(), world.acquire(SETTINGS, everybody(3))
        only = np.array([False, True, False])
        world.reset(make_keys(77, np.arange(3)), only)
        after, again = world.truth(), world.acquire(SETTINGS, only)
        for name in before:
            assert np.array_equal(before[name][[0, 2]], after[name][[0, 2]])
            assert not np.array_equal(before[name][1], after[name][1])
        assert np.array_equal(frame.image[[0, 2]], again.image[[0, 2]])
        assert (again.counter == [1, 2, 1]).all()

    def test_two_exposures_of_one_pose_differ_by_their_noise_only(self):
        world = started("cubic", 2, "real")
        one, two = (world.acquire(SETTINGS, everybody(2)).image for _ in range(2))
        assert not np.array_equal(one, two)
        drawn = started("cubic", 2)
        assert np.array_equal(*(drawn.acquire(SETTINGS, everybody(2)).image for _ in range(2)))

    def test_frames_are_fresh_arrays(self):
        world = started("cubic", 2)
        frame = world.acquire(SETTINGS, everybody(2))
        frame.image[:] = 7
        assert world.acquire(SETTINGS, np.zeros(2, np.bool_)).image.max() == 255

    def test_a_target_beyond_the_travel_raises_and_moves_nothing(self):
        world = started("cubic", 2)
        with pytest.raises(MoveFailed, match="phi was sent to 121"):
            world.move(np.array([[0.0, 0.0], [0.0, 121.0]]), everybody(2))
        assert (world.positions() == 0).all()

    def test_moves_take_the_slower_axis_at_two_degrees_a_second(self):
        report = started("cubic", 1).move(np.array([[10.0, -4.0]]), everybody(1))
        assert report.duration_s == pytest.approx([5.0])

    def test_the_start_filter_decides_where_a_start_may_lie(self):
        axes = SYSTEMS["hexagonal"].axes()
        world = SimulatedZone("hexagonal", 64, start_filter=lambda starts, _: axis_angles_deg(starts, axes) > 60.0)
        world.reset(make_keys(4, np.arange(64)), everybody(64))
        assert (axis_angles_deg(world.truth()["orientation"], axes) > 60.0).all()

    def test_motors_of_ones_own_level_err_hidden_and_noisily(self):
        world = started("cubic", 200, Imperfections(zero_error_deg=0.5, readback_noise_deg=0.02, eccentricity_mm=0.3))
        truth, readings = world.truth(), world.positions()
        turned = misorientation_deg(truth["orientation"], truth["mount"], np.eye(3)[None])
        # two axes off by a normal error each: Rayleigh, whose mean is sigma sqrt(pi / 2)
        assert turned.mean() == pytest.approx(0.5 * np.sqrt(np.pi / 2), rel=0.15)
        assert readings.std() == pytest.approx(0.02, rel=0.15)
        world.move(np.full((200, 2), 60.0), everybody(200))
        wandered = world._panels()[:, :3] - truth["detector"][:, :3]
        # both axes miss by c; (1 - R) c of 60 degrees is as long as the two components of c across the axis
        assert 0.1 < np.abs(wandered).mean() < 0.6

    def test_a_filter_that_nothing_passes_is_reported(self):
        world = SimulatedZone("cubic", 1, start_filter=lambda starts, _: np.zeros(len(starts), np.bool_))
        with pytest.raises(ValueError, match="no start among"):
            world.reset(make_keys(4, np.arange(1)), everybody(1))

    def test_an_unknown_level_is_refused_with_the_list(self):
        with pytest.raises(ValueError, match="'published'"):
            SimulatedZone("cubic", 1, "impossible")


@pytest.mark.parametrize("number", [1, 2, 7, 300])
def test_spots_leave_the_heap_brightest_first_and_equal_ones_in_their_order(number):
    """Few levels of intensity, so that many spots are equally bright, as symmetry makes them."""
    intensity = np.random.default_rng(number).integers(0, 9, number).astype(float)
    value, place = np.empty(number), np.empty(number, np.int64)
    make_heap(intensity, number, value, place)
    taken = [take_brightest(value, place, left) for left in range(number, 0, -1)]
    assert taken == np.argsort(-intensity, kind="stable").tolist()
