"""The random modulation is a function of momentum with the lattice's period and symmetry, not of the window."""

import numpy as np
import pytest

from beamgym.physics.arpes.bands_models.matrix_elements import random_modulation

A = 3.5
K = np.random.default_rng(0).uniform(-1.5, 1.5, (300, 2))
RECIPROCAL = {
    "square": 2.0 * np.pi / A * np.eye(2),
    "hexagonal": 2.0 * np.pi / A * np.array([[1.0, -1.0 / np.sqrt(3.0)], [0.0, 2.0 / np.sqrt(3.0)]]),
}


def modulation(k, key=1, symmetry=0, lattice="square"):
    return random_modulation(key, 3, k, A, order=3, symmetry=symmetry, lattice=lattice)


def turned(angle_deg):
    angle = np.radians(angle_deg)
    return K @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


@pytest.mark.parametrize("lattice", RECIPROCAL)
def test_it_repeats_with_every_reciprocal_lattice_vector(lattice):
    for vector in RECIPROCAL[lattice]:
        np.testing.assert_allclose(modulation(K + vector, lattice=lattice), modulation(K, lattice=lattice), atol=1e-12)


@pytest.mark.parametrize(("lattice", "symmetry"), [("square", 2), ("square", 4), ("hexagonal", 3), ("hexagonal", 6)])
def test_with_a_symmetry_it_is_the_same_after_that_turn_and_without_it_is_not(lattice, symmetry):
    turn = turned(360.0 / symmetry)
    here, there = (modulation(k, symmetry=symmetry, lattice=lattice) for k in (K, turn))
    np.testing.assert_allclose(there, here, atol=1e-12)
    assert np.abs(modulation(turn, lattice=lattice) - modulation(K, lattice=lattice)).max() > 0.1


def test_the_same_momentum_has_the_same_value_in_every_window():
    np.testing.assert_allclose(
        modulation(0.1 * K)[:7], modulation(np.concatenate([0.1 * K[:7], 3.0 * K]))[:7], atol=1e-13
    )


def test_it_lies_between_zero_and_one_varies_and_follows_its_key():
    values = np.stack([modulation(K, key) for key in range(40)])
    assert values.min() >= 0.0
    assert values.max() <= 1.0
    assert np.median(np.ptp(values, axis=1)) > 0.2
    assert np.array_equal(modulation(K, 1), modulation(K, 1))
    assert not np.allclose(values[1], values[2])
    assert not np.allclose(values[1, :, 0], values[1, :, 1])


def test_without_harmonics_it_is_a_number_per_band():
    flat = random_modulation(1, 2, K, A, order=0)
    assert np.ptp(flat, axis=0).max() == 0.0
    assert ((flat >= 0.2) & (flat <= 1.0)).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"symmetry": 3}, "not the same after a turn by 360°/3; choose symmetry 0 or one of"),
        ({"lattice": "rectangular"}, "no random modulation for lattice 'rectangular'; choose one of square"),
        ({"order": -1}, "order and symmetry must be"),
        ({"a_angstrom": 0.0}, "a_angstrom must be a positive number"),
    ],
)
def test_mistakes_are_told_in_one_line(wrong, message):
    with pytest.raises(ValueError, match=message) as caught:
        random_modulation(**{"key": 1, "bands": 1, "momentum": K, "a_angstrom": A} | wrong)
    assert "\n" not in str(caught.value)
