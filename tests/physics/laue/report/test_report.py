"""What a person reads of an indexed pattern: pointing, Euler angles, cells in order of merit, remedies."""

from types import SimpleNamespace

import numpy as np
import pytest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import load_crystal
from beamgym.physics.goniometer import parse_target
from beamgym.physics.laue.indexing import IndexingFailed
from beamgym.physics.laue.report import (
    LAB_DIRECTIONS,
    Attempt,
    angles_of_c_deg,
    axis_and_angle,
    euler_angles_deg,
    nearest_directions,
    orientation_uncertainty_deg,
    remedies,
    solve_cells,
    turn_words,
)
from beamgym.physics.orientation import random_orientations, rotation_matrix

ORIENTATIONS = random_orientations(make_keys(3, np.arange(8)))


@pytest.fixture(scope="module", params=["Si", "Bi2Se3", "FePS3"])
def crystal(request):
    return load_crystal(request.param)


def test_the_turn_told_brings_each_nearest_direction_home(crystal):
    for u in ORIENTATIONS:
        for near in nearest_directions(crystal, u):
            turned = rotation_matrix(near.angle_deg * near.axis_lab) @ u
            unit = (crystal.direction if near.kind == "uvw" else crystal.plane_normal)(near.indices)
            np.testing.assert_allclose(turned @ unit, LAB_DIRECTIONS[near.lab], atol=1e-9)
            assert parse_target(crystal, near.target).error_deg(turned[None])[0] < 1e-6


def test_no_simple_direction_is_nearer_than_the_one_told(crystal):
    u = ORIENTATIONS[0]
    for near in nearest_directions(crystal, u):
        largest = max(np.abs(near.indices))
        for trial in np.random.default_rng(0).integers(-largest, largest + 1, (200, 3)):
            if trial.any():
                unit = (crystal.direction if near.kind == "uvw" else crystal.plane_normal)(trial)
                angle = np.degrees(np.arccos(np.clip(u @ unit @ np.array(LAB_DIRECTIONS[near.lab]), -1, 1)))
                assert angle > near.angle_deg - 1e-6


def test_c_is_told_by_its_equivalent_nearest_to_the_beam():
    silicon, hexagonal = load_crystal("Si"), load_crystal("Bi2Se3")
    assert angles_of_c_deg(silicon, np.eye(3)) == pytest.approx({"beam": 0.0, "up": 90.0, "left": 90.0}, abs=1e-6)
    standing = angles_of_c_deg(hexagonal, rotation_matrix(np.array([0.0, 80.0, 0.0])))
    assert standing == pytest.approx({"beam": 10.0, "up": 80.0, "left": 90.0}, abs=1e-6)


def test_euler_angles_rebuild_the_orientation():
    def about(axis, degrees):
        return rotation_matrix(degrees * np.eye(3)[axis])

    for u in (*ORIENTATIONS, np.eye(3), about(0, 180.0), about(2, 33.0)):
        phi1, big_phi, phi2 = euler_angles_deg(u)
        np.testing.assert_allclose(about(2, phi1) @ about(0, big_phi) @ about(2, phi2), u, atol=1e-7)
        assert 0.0 <= phi1 <= 360.0
        assert 0.0 <= big_phi <= 180.0


def test_axis_and_angle_rebuild_the_orientation():
    for u in (*ORIENTATIONS, np.eye(3)):
        axis, angle = axis_and_angle(u)
        np.testing.assert_allclose(rotation_matrix(angle * axis), u, atol=1e-9)


def test_the_angle_to_the_true_orientation_adds_three_errors():
    given = {"rotation_x_deg": 0.03, "rotation_y_deg": 0.04, "rotation_z_deg": 0.12, "shift_fast_mm": 5.0}
    assert orientation_uncertainty_deg(given) == pytest.approx(0.13)


@pytest.mark.parametrize(("degrees", "words"), [(0.0123, "± 0.012°"), (0.9, "± 0.90°"), (np.nan, "± 25° or more")])
def test_an_uncertainty_is_said_with_the_digits_that_count(degrees, words):
    assert turn_words(degrees) == words


def solved(crystal, merit):
    return SimpleNamespace(
        crystal=crystal,
        indexed=SimpleNamespace(figure_of_merit=merit),
        pattern=SimpleNamespace(count=50),
    )


def test_of_several_cells_the_best_merit_per_peak_stands_first_and_all_are_told():
    crystals = [SimpleNamespace(name=name) for name in ("poor", "none", "good")]

    def solve_one(crystal):
        if crystal.name == "none":
            raise IndexingFailed("not indexed: chance does as well")
        return solved(crystal, 100.0 if crystal.name == "good" else 30.0)

    answers = solve_cells(crystals, solve_one)
    assert [answer.crystal.name for answer in answers] == ["good", "poor", "none"]
    assert [answer.merit_per_peak for answer in answers] == [2.0, 0.6, 0.0]
    assert answers[-1].reason == "not indexed: chance does as well"


def test_where_no_cell_fits_every_reason_is_told():
    def refuse(crystal):
        raise IndexingFailed(f"{crystal.name} is not it")

    with pytest.raises(IndexingFailed, match=r"^a is not it$"):
        solve_cells([SimpleNamespace(name="a")], refuse)
    with pytest.raises(IndexingFailed, match="no crystal fits: a: a is not it; b: b is not it"):
        solve_cells([SimpleNamespace(name="a"), SimpleNamespace(name="b")], refuse)


@pytest.mark.parametrize(
    ("attempt", "first"),
    [
        (Attempt(peaks=4), "--threshold"),
        (Attempt(peaks=200, matched=20), "--max-radius"),
        (Attempt(peaks=60, matched=25), "distance"),
        (Attempt(peaks=60, matched=25, from_image=False), "--one-based"),
        (Attempt(peaks=60, matched=25, stated_camera=False), "geometry file"),
        (Attempt(peaks=60, matched=25, searched_camera=False), "--no-search-camera"),
        (Attempt(peaks=60, matched=25, shadow=(334.2, 292.8, 4.8)), "--center 334 293"),
        (Attempt(peaks=60, matched=25, shadow=(334.2, 292.8, 0.8)), "distance"),
    ],
)
def test_the_likeliest_remedy_stands_first(attempt, first):
    assert first in remedies(attempt)[0]


def test_neutrons_are_advised_in_wavelengths():
    lines = "\n".join(remedies(Attempt(peaks=40, band_kev=(3.0996, 15.498), radiation="neutron")))
    assert "check --wavelength: it is 0.8 to 4 Å" in lines
    assert "keV" not in lines


def test_what_was_done_already_is_not_advised():
    lines = "\n".join(remedies(Attempt(peaks=200, masked=True, cells=3)))
    assert "--max-radius" not in lines
    assert "another crystal" not in lines
    assert "5 to 25 keV" in lines
