"""The indexer: right orientations from imperfect lists, and "not indexed" where there is none."""

import json
import os
import warnings
from fractions import Fraction
from itertools import permutations
from math import comb, log10
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing.indexing import Indexed, Indexer, NotIndexed, index, predict_px
from beamgym.physics.laue.matching import kernels
from beamgym.physics.laue.matching.observed import Pattern, log10_binomial_tail, wahba
from beamgym.physics.laue.matching.table import HC_KEV_A, VOTE_SHARE, IndexingTable
from beamgym.physics.laue.pattern import ImageBackground, ImageModel, Sensor, SpotShape
from beamgym.physics.laue.pattern.spots import LaueModel
from beamgym.physics.laue.peaks.finder import find_peaks
from beamgym.physics.orientation import misorientation_deg, nearest_rotation, random_orientations, rotation_matrix

DATA = Path(os.environ.get("BEAMGYM_DATA", Path(__file__).parents[5] / "shared" / "data")) / "laue"
BAND = (5.0, 25.0)
DETECTOR = Detector.back_reflection()


def crystal_of(structure):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no Debye-Waller factors: positions do not need them
        return load_crystal(structure)


def quartz():
    """Alpha-quartz, P3_2 21 (Levien, Prewitt & Weidner, Am. Mineral. 65 (1980) 920)."""
    lattice = Lattice.hexagonal(4.916, 5.4054)
    return crystal_of(
        Structure.from_spacegroup("P3_221", lattice, ["Si", "O"], [[0.4697, 0, 2 / 3], [0.4135, 0.2669, 0.7858]])
    )


@pytest.fixture(scope="module")
def silicon():
    return load_crystal("Si")


@pytest.fixture(scope="module")
def indexer(silicon):
    return Indexer(silicon, BAND, DETECTOR)


def orientations(count, seed=1):
    return random_orientations(make_keys(seed, np.arange(count)))


def pattern(crystal, u, detector=DETECTOR, band=BAND, brightest=60):
    """All of a crystal's spots on the panel in plain numpy, brightest first: positions and kinematic intensities."""
    table = crystal.reflections(band[1])
    order = table.order[:, None]
    hkl = np.repeat(table.hkl, np.diff(table.first), axis=0) * order
    strength = np.abs((table.f0 * table.partial).sum(axis=1)) ** 2
    hkl, strength = np.concatenate([hkl, -hkl]), np.concatenate([strength, strength])
    q = hkl @ crystal.b_matrix.T @ u.T
    squared = (q**2).sum(axis=1)
    with np.errstate(divide="ignore"):
        wavelength = np.where(q[:, 0] < 0, -2 * q[:, 0] / squared, np.inf)
    energy = HC_KEV_A / wavelength
    position, hit = detector.to_pixel(np.array([1.0, 0, 0]) + np.where(q[:, 0] < 0, wavelength, 0)[:, None] * q)
    seen = hit & (energy >= band[0]) & (energy <= band[1])
    rays, group = np.unique(np.round(position[seen], 4), axis=0, return_inverse=True)
    intensity = np.bincount(group.ravel(), weights=(strength * wavelength**4)[seen])
    chosen = np.argsort(-intensity, kind="stable")[:brightest]
    return rays[chosen], intensity[chosen]


def spoiled(position, intensity, seed, missing=0.3, false=8, noise_mm=0.1):
    """What a camera makes of a pattern: spots missing, false ones between, centroids off, intensities rough."""
    rng = np.random.default_rng(seed)
    keep = rng.random(len(position)) >= missing
    position = position[keep] + rng.normal(0, noise_mm / DETECTOR.pixel_mm, (keep.sum(), 2))
    wrong = rng.uniform(0, DETECTOR.shape[0] - 1, (false, 2))
    strength = intensity[keep] * rng.lognormal(0, 0.2, keep.sum())
    return np.concatenate([position, wrong]), np.concatenate([strength, rng.choice(intensity, false)])


def scrambled(position, seed):
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(position[:, 0]), rng.permutation(position[:, 1])], axis=1)


@pytest.mark.parametrize("missing", [0.2, 0.5])
def test_imperfect_lists_give_the_true_orientation(silicon, indexer, missing):
    for seed, u in enumerate(orientations(12)):
        answer = indexer.index(*spoiled(*pattern(silicon, u), seed, missing, false=15 if missing > 0.3 else 6))
        assert isinstance(answer, Indexed)
        # 0.1 mm at 70 mm is 0.04 degrees a plane normal; 25 and more of them share it
        assert misorientation_deg(answer.orientation, u, silicon.rotations) < 0.06
        assert answer.ambiguous == ()


def test_a_camera_half_a_millimetre_off_is_no_obstacle(silicon, indexer):
    for seed, u in enumerate(orientations(8, seed=2)):
        rng = np.random.default_rng(seed)
        moved = DETECTOR.displaced(rng.normal(0, 0.5, 3), rng.normal(0, 0.3, 3))
        answer = indexer.index(*spoiled(*pattern(silicon, u, moved), seed))
        assert isinstance(answer, Indexed)
        # the panel's own twist about the beam, 0.3 degrees, cannot be told from the crystal's
        assert misorientation_deg(answer.orientation, u, silicon.rotations) < 1.2


def test_a_perfect_list_is_explained_to_the_last_spot(silicon, indexer):
    u = orientations(1, seed=3)[0]
    position, intensity = pattern(silicon, u)
    answer = indexer.index(position, intensity)
    assert answer.matched == len(position)
    assert answer.residual_px < 1e-3
    assert answer.figure_of_merit > 50
    predicted, hit = predict_px(silicon, DETECTOR, answer.orientation, answer.hkl)
    assert hit.all()
    np.testing.assert_allclose(predicted, position, atol=1e-2)
    assert ((answer.energy_kev >= BAND[0]) & (answer.energy_kev <= BAND[1])).all()


def test_directions_index_as_pixels_do(silicon, indexer):
    u = orientations(1, seed=4)[0]
    position, intensity = pattern(silicon, u)
    by_direction = Indexer(silicon, BAND).index_directions(DETECTOR.plane_normals(position), intensity)
    np.testing.assert_allclose(by_direction.orientation, indexer.index(position, intensity).orientation, atol=1e-9)
    assert np.isnan(by_direction.residual_px)


def test_scrambled_and_random_lists_are_refused(silicon, indexer):
    for seed, u in enumerate(orientations(10, seed=5)):
        position, intensity = pattern(silicon, u)
        assert isinstance(indexer.index(scrambled(position, seed), intensity), NotIndexed)
        noise = np.random.default_rng(seed).uniform(0, 2047, position.shape)
        answer = indexer.index(noise, intensity)
        assert isinstance(answer, NotIndexed)
        assert "\n" not in answer.reason


@pytest.mark.parametrize("name", ["quartz", "kyanite"])
def test_another_crystals_pattern_is_refused(silicon, name):
    """Silicon's zone axes stand near enough to those of a larger cell to match half of the peaks, loosely."""
    other = Indexer(quartz() if name == "quartz" else load_crystal(name), BAND, DETECTOR)
    for seed, u in enumerate(orientations(10, seed=21)):
        position, intensity = pattern(silicon, u)
        for peaks in ((position, intensity), spoiled(position, intensity, seed)):
            assert isinstance(other.index(*peaks), NotIndexed)


@pytest.mark.parametrize("name", ["Si", "quartz", "kyanite"])
def test_a_camera_half_a_millimetre_off_and_half_of_the_peaks_are_not_taken_for_another_crystal(name):
    crystal = quartz() if name == "quartz" else load_crystal(name)
    indexer = Indexer(crystal, BAND, DETECTOR)
    for seed, u in enumerate(orientations(8, seed=3)):
        rng = np.random.default_rng(seed + 50)
        moved = DETECTOR.displaced(rng.normal(0, 0.5, 3), rng.normal(0, 0.3, 3))
        answer = indexer.index(*spoiled(*pattern(crystal, u, moved), seed, missing=0.5, false=15))
        assert isinstance(answer, Indexed)
        assert misorientation_deg(answer.orientation, u, crystal.rotations) < 1.5


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_peaks_are_no_pattern(indexer, count):
    answer = indexer.index(np.full((count, 2), 300.0), np.ones(count))
    assert isinstance(answer, NotIndexed)
    assert f"{count} usable peaks" in answer.reason


def test_a_good_guess_is_taken_and_a_bad_one_does_no_harm(silicon, indexer):
    for seed, u in enumerate(orientations(4, seed=6)):
        position, intensity = spoiled(*pattern(silicon, u), seed)
        tilt = orientations(1, seed=seed)[0]
        for guess in (u, tilt):
            answer = indexer.index(position, intensity, guess=guess)
            assert misorientation_deg(answer.orientation, u, silicon.rotations) < 0.06


def test_a_mirrored_image_indexes_and_is_wrong(silicon, indexer):
    """The caveat of the documentation: no single pattern shows that the camera's image is flipped."""
    u = orientations(1, seed=7)[0]
    position, intensity = pattern(silicon, u)
    flipped = np.stack([DETECTOR.shape[1] - 1 - position[:, 0], position[:, 1]], axis=1)
    answer = indexer.index(flipped, intensity)
    assert isinstance(answer, Indexed)
    assert answer.matched == len(position)
    mirror = np.diag([1.0, -1.0, 1.0])
    assert misorientation_deg(answer.orientation, -mirror @ u, silicon.rotations) < 0.01
    assert misorientation_deg(answer.orientation, u, silicon.rotations) > 1.0


def test_quartz_is_ambiguous_by_position_and_decided_by_intensities():
    crystal = quartz()
    assert len(crystal.holohedry) == 2 * len(crystal.rotations)
    twin = np.array([[0.5, -(0.75**0.5), 0], [0.75**0.5, 0.5, 0], [0, 0, 1]])
    indexer = Indexer(crystal, BAND, DETECTOR)
    for seed, u in enumerate(orientations(4, seed=8)):
        position, intensity = spoiled(*pattern(crystal, u, brightest=80), seed, missing=0.2, false=3)
        blind = indexer.index(position, None)
        found = np.array([blind.orientation, *blind.ambiguous])
        assert len(found) == 2
        assert misorientation_deg(found, u, crystal.rotations).min() < 0.1
        assert misorientation_deg(found, u @ twin, crystal.rotations).min() < 0.1
        seeing = indexer.index(position, intensity)
        assert seeing.ambiguous == ()
        assert misorientation_deg(seeing.orientation, u, crystal.rotations) < 0.1


@pytest.mark.parametrize("name", ["Al2O3", "YBa2Cu3O7", "Ca2RuO4", "FePS3", "kyanite"])
def test_lattices_that_nearly_have_more_symmetry_are_put_the_right_way_round(name):
    crystal = load_crystal(name)
    indexer = Indexer(crystal, BAND, DETECTOR)
    for seed, u in enumerate(orientations(6, seed=14)):
        answer = indexer.index(*spoiled(*pattern(crystal, u), seed, missing=0.2, false=3))
        assert isinstance(answer, Indexed)
        assert misorientation_deg(answer.orientation, u, crystal.rotations) < 0.1


def test_a_metric_that_cannot_be_told_from_its_image_is_reported_as_ambiguous():
    """In Sr4Ru3O10 a and b differ by 0.05 %: a quarter turn about c moves no spot by what a camera sees."""
    crystal = load_crystal("Sr4Ru3O10")
    u = orientations(1, seed=15)[0]
    answer = Indexer(crystal, BAND, DETECTOR).index(*spoiled(*pattern(crystal, u), 0, missing=0.2, false=3))
    found = np.array([answer.orientation, *answer.ambiguous])
    assert len(found) == 2
    assert misorientation_deg(found, u, crystal.rotations).min() < 0.1
    assert misorientation_deg(found[0], found[1:], crystal.rotations)[0] == pytest.approx(90.0, abs=0.2)


def test_look_alikes_are_the_cosets_of_the_lattice(silicon):
    assert len(IndexingTable(silicon, BAND).look_alikes) == 0
    assert len(IndexingTable(quartz(), BAND).look_alikes) == 1
    kyanite = load_crystal("kyanite")
    half_turns = [
        misorientation_deg(turn, np.eye(3), np.eye(3)[None]) for turn in IndexingTable(kyanite, BAND).look_alikes
    ]
    assert max(half_turns) == pytest.approx(180.0, abs=0.1)


def test_turns_by_thirds_of_lattice_vectors_are_among_the_look_alikes():
    """In FePS3 c cos(beta) = -a/3 and b = √3 a within 0.1 %: turned by 120° about c*, most bright rays meet others."""
    crystal = load_crystal("FePS3")
    table = IndexingTable(crystal, BAND)
    normal = crystal.plane_normal([0, 0, 1])
    for degrees in (120.0, 240.0):
        turn = rotation_matrix(degrees * normal)
        assert misorientation_deg(table.look_alikes, turn, crystal.rotations).min() < 0.5
    assert len(table.look_alikes) < 8


@pytest.mark.parametrize(
    ("successes", "trials", "chance"), [(3, 40, 0.05), (30, 60, 0.1), (90, 95, 0.01), (99, 100, 1e-4)]
)
def test_odds_equal_the_binomial_distribution_also_where_it_underflows(successes, trials, chance):
    exact = sum(
        Fraction(comb(trials, k)) * Fraction(chance) ** k * (1 - Fraction(chance)) ** (trials - k)
        for k in range(successes, trials + 1)
    )
    expected = log10(exact.numerator) - log10(exact.denominator)
    assert log10_binomial_tail(successes, trials, chance) == pytest.approx(expected, abs=0.01)


def test_a_known_spectrum_makes_intensities_more_telling():
    crystal, beam = quartz(), Beam.tube("W")
    u = orientations(1, seed=16)
    spots = LaueModel(crystal, beam, DETECTOR, brightest=80).spots(u)
    normals = DETECTOR.plane_normals(spots.position_px[0])
    odds = []
    for known in (None, beam):
        found = Pattern(IndexingTable(crystal, beam.band_kev, known), normals, spots.intensity[0].astype(float))
        fits = [found.polish(u[0] @ turn, 0.25, 1) for turn in (np.eye(3), found.table.look_alikes[0])]
        odds.append(found.log_odds(fits[0]) - found.log_odds(fits[1]))
    assert odds[1] > odds[0] > 4.6


CASES = {
    "ge_marccd": lambda lattice: Structure.from_spacegroup("Fd-3m", lattice, ["Ge"], [[0, 0, 0]]),
    # Gomes de Mesquita, Acta Cryst. 23 (1967) 610
    "sic4h_scmos": lambda lattice: Structure.from_spacegroup(
        "P6_3mc",
        lattice,
        ["Si", "Si", "C", "C"],
        [[0, 0, 0], [1 / 3, 2 / 3, 0.25], [0, 0, 0.1875], [1 / 3, 2 / 3, 0.4375]],
    ),
    "moo3_scmos": lambda lattice: _molybdite(lattice),
}


def _molybdite(lattice):
    """Alpha-MoO3, Pbnm turned to the published axes (Kihlborg, Ark. Kemi 21 (1963) 357)."""
    sites = {"Mo": [(0.0867, 0.1016)], "O": [(0.4994, 0.4351), (0.5212, 0.0866), (0.0373, 0.2214)]}
    species, places = [], []
    for element, positions in sites.items():
        for x, y in positions:
            images = ((x, y, 0.25), (-x, -y, 0.75), (0.5 + x, 0.5 - y, 0.75), (0.5 - x, 0.5 + y, 0.25))
            species += [element] * 4
            places += [(c, a, b) for a, b, c in images]
    return Structure(lattice, species, places)


def lauetools_detector(geometry):
    """The detector of data/README.md, pixels counted from 1 there and from 0 here."""
    tilt, twist = np.radians([geometry["xbet"], geometry["xgam"]])
    one, two = np.array([0, -1.0, 0]), np.array([np.cos(tilt), 0, -np.sin(tilt)])
    fast, slow = np.cos(twist) * one - np.sin(twist) * two, np.sin(twist) * one + np.cos(twist) * two
    foot = geometry["dd"] * np.array([np.sin(tilt), 0, np.cos(tilt)])
    corner = foot + geometry["pixel"] * ((1 - geometry["xcen"]) * fast + (1 - geometry["ycen"]) * slow)
    return Detector(corner, fast, slow, geometry["pixel"], tuple(geometry["shape"]))


@pytest.mark.parametrize("name", sorted(CASES))
def test_measured_patterns_index_from_peaks_and_cell_alone(name):
    if not (DATA / name).is_dir():
        pytest.skip(f"no measured data at {DATA}: set BEAMGYM_DATA")
    case = json.loads((DATA / name / "case.json").read_text())
    peaks = np.loadtxt(DATA / name / "peaks_xyI.txt")
    crystal = crystal_of(CASES[name](Lattice.from_parameters(*case["lattice"])))
    published = nearest_rotation(np.array(case["UB0"]) @ np.linalg.inv(crystal.b_matrix))
    indexer = Indexer(crystal, tuple(case["band_keV"]), lauetools_detector(case["geom"]))
    answer = indexer.index(peaks[:, :2] - 1, peaks[:, 2])
    assert isinstance(answer, Indexed)
    away = misorientation_deg(answer.orientation, published, crystal.rotations)
    print(f"{name}: {answer.matched} of {len(peaks)} peaks, {away:.4f}° from the published orientation")
    assert away < 0.1
    assert answer.matched >= 0.9 * len(peaks)
    assert answer.ambiguous == ()
    for seed in range(10):
        assert isinstance(indexer.index(scrambled(peaks[:, :2], seed), peaks[:, 2]), NotIndexed)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda x: x.index(np.zeros((3, 3)), np.ones(3)), r"\(p, 2\)"),
        (lambda x: x.index(np.zeros((3, 2)), np.ones(4)), r"\(3,\)"),
        (lambda x: x.index(np.full((6, 2), np.nan), np.ones(6)), "not finite"),
        (lambda x: x.index(np.zeros((6, 2)), np.full(6, np.inf)), "not finite"),
        (lambda x: Indexer(x.crystal, (25.0, 5.0), DETECTOR), "lowest < highest"),
        (lambda x: Indexer(x.crystal, BAND, DETECTOR, tolerances_deg=(0.0,)), "tolerances_deg"),
        (lambda x: Indexer(x.crystal, BAND).index(np.zeros((6, 2))), "needs a detector"),
    ],
)
def test_wrong_input_is_refused_in_one_line(indexer, call, complaint):
    with pytest.raises(ValueError, match=complaint) as caught:
        call(indexer)
    assert "\n" not in str(caught.value)


def test_the_function_is_the_indexer(silicon, indexer):
    position, intensity = pattern(silicon, orientations(1, seed=9)[0])
    answer = index(silicon, DETECTOR, position, intensity, BAND)
    np.testing.assert_array_equal(answer.orientation, indexer.index(position, intensity).orientation)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_wahba_returns_the_rotation_that_made_the_vectors(seed):
    rng = np.random.default_rng(seed)
    u = orientations(1, seed=seed)[0]
    crystal = rng.normal(size=(5, 3))
    crystal /= np.linalg.norm(crystal, axis=1, keepdims=True)
    np.testing.assert_allclose(wahba(crystal, crystal @ u.T, rng.uniform(0.5, 2, 5)), u, atol=1e-9)


def test_the_map_of_directions_equals_angles_in_numpy(silicon):
    table = IndexingTable(silicon, BAND)
    tolerance = 0.5
    cells, resolution = table.map(tolerance)
    rng = np.random.default_rng(0)
    probes = rng.normal(size=(4000, 3))
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    unit = table.reflections.q_inv_a / table.q_inv_a[:, None]
    angle = np.degrees(np.arccos(np.minimum(np.abs(probes @ unit.T), 1.0)))
    painted = np.array([kernels.look_up(cells, resolution, *probe) for probe in probes])
    cell_deg = np.degrees(2.0 / resolution)
    for level in (120, 200, 254):
        allowed = (table.levels <= level) & (table.rank < table.ray_limit(tolerance, VOTE_SHARE))
        nearest = angle[:, allowed].min(axis=1)
        sure_in, sure_out = nearest < tolerance - cell_deg, nearest > tolerance + cell_deg
        assert (painted[sure_in] <= level).all()
        assert (painted[sure_out] > level).all()


def test_votes_equal_a_count_in_numpy(silicon):
    table = IndexingTable(silicon, BAND)
    cells, resolution = table.map(0.5)
    u = orientations(1, seed=10)[0]
    normals = DETECTOR.plane_normals(np.random.default_rng(1).uniform(0, 2047, (50, 2)))
    limits = table.peak_limits(-normals[:, 0])
    expected = sum(
        kernels.look_up(cells, resolution, *(u.T @ n)) <= limit for n, limit in zip(normals, limits, strict=True)
    )
    assert kernels.count_votes(u, normals, limits, cells, resolution, 0) == expected
    assert kernels.count_votes(u, normals, limits, cells, resolution, expected) == expected


def test_matches_equal_a_search_in_numpy(silicon):
    table = IndexingTable(silicon, BAND)
    u = orientations(1, seed=11)[0]
    position, intensity = spoiled(*pattern(silicon, u), seed=3)
    normals = DETECTOR.plane_normals(position)
    row, angle = Pattern(table, normals, intensity).match(u, 0.4)
    directions, ray, _ = table.sorted_directions
    for k, normal in enumerate(normals):
        distance = np.linalg.norm(directions - u.T @ normal, axis=1)
        lowest = 0.5 * HC_KEV_A * table.q_inv_a[ray] / -normal[0]
        first, order = table.reflections.first, table.reflections.order
        near = [
            candidate
            for candidate in np.flatnonzero(distance < np.radians(0.4))
            if any(
                BAND[0] <= n * lowest[candidate] <= BAND[1]
                for n in order[first[ray[candidate]] : first[ray[candidate] + 1]]
            )
        ]
        if near:
            best = min(near, key=lambda candidate: distance[candidate])
            assert row[k] == best
            assert angle[k] == pytest.approx(distance[best])
        else:
            assert row[k] == -1


def test_one_seed_of_every_symmetry_class_is_enough(silicon):
    rays, _, seeds, cosines, order = IndexingTable(silicon, BAND).seeds
    images = np.concatenate([rays[seeds] @ rotation.T for rotation in silicon.rotations])
    assert ((rays @ images.T).max(axis=1) > 1 - 1e-9).all()
    for a, b in permutations(range(len(seeds)), 2):
        assert (silicon.rotations @ rays[seeds[a]] @ rays[seeds[b]]).max() < 1 - 1e-9
    assert (np.diff(cosines, axis=1) >= 0).all()
    np.testing.assert_allclose(cosines[0], rays[order[0]] @ rays[seeds[0]], atol=1e-12)


def test_chance_counts_the_share_of_the_sphere_near_a_ray(silicon):
    table = IndexingTable(silicon, BAND)
    rng = np.random.default_rng(2)
    probes = rng.normal(size=(3000, 3))
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    unit = table.reflections.q_inv_a / table.q_inv_a[:, None]
    allowed = table.lowest_q_inv_a <= 2 * 0.8 * BAND[1] / HC_KEV_A
    near = (np.abs(probes @ unit[allowed].T) > np.cos(np.radians(0.5))).any(axis=1).mean()
    assert table.chance(np.array([0.8]), 0.5)[0] == pytest.approx(near, rel=0.25)


def test_from_a_rendered_noisy_image_to_the_orientation(silicon):
    panel = DETECTOR.binned(4)
    beam = Beam.tube("W")
    u = orientations(3, seed=12)
    camera = Sensor(hot_share=1e-4, dead_share=1e-4)
    images = ImageModel(panel, SpotShape(blur_mm=0.15, mosaic_deg=0.05), ImageBackground(), camera).render(
        LaueModel(silicon, beam, panel).spots(u), make_keys(13, np.arange(3)), exposure_s=10.0
    )
    peaks = find_peaks(images, max_peaks=100)
    indexer = Indexer(silicon, beam.band_kev, panel)
    for row, count in enumerate(peaks.count):
        answer = indexer.index(peaks.position_px[row, :count], peaks.intensity[row, :count])
        assert isinstance(answer, Indexed)
        assert answer.matched > 0.95 * count
        assert misorientation_deg(answer.orientation, u[row], silicon.rotations) < 0.02
