"""The dictionary is the linear discriminant of its patterns; its orientations cover the symmetry-reduced space."""

import numpy as np
import pytest
import torch

from beamgym.agents.beliefs.dictionary import Dictionary, nearest_entry, spread_orientations
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.orientation import misorientation_deg, random_orientations

ENTRIES, PIXELS = 3, 4


@pytest.fixture(scope="module")
def rotations():
    return load_crystal("Si").rotations


def drawing(seed, size=200):
    """Return a function that draws noisy maps of three patterns, and everything it has drawn."""
    generator = np.random.default_rng(seed)
    patterns = generator.random((ENTRIES, PIXELS, PIXELS)).astype(np.float32)
    drawn = []

    def draw():
        which = generator.integers(0, ENTRIES, size)
        noise = 0.3 * generator.random((size, PIXELS, PIXELS)).astype(np.float32)
        maps = torch.as_tensor(patterns[which] + noise)[:, None]
        drawn.append((maps, which))
        return maps, which

    return draw, drawn


def test_fit_is_fishers_linear_discriminant():
    """Held to its definition, sample by sample: scatter S within the classes, weights S^-1 m, bias -m S^-1 m / 2."""
    draw, drawn = drawing(0)
    dictionary = Dictionary(ENTRIES, PIXELS)
    turns = np.random.default_rng(1).normal(size=(ENTRIES, 3))
    dictionary.fit(turns, draw, batches=4)
    seen = np.concatenate([dictionary.features(maps).double().numpy() for maps, _ in drawn])
    which = np.concatenate([labels for _, labels in drawn])
    means = np.array([seen[which == entry].mean(axis=0) for entry in range(ENTRIES)])
    within = sum(np.outer(x - means[k], x - means[k]) for x, k in zip(seen, which, strict=True)) / len(seen)
    within += 1e-3 * np.trace(within) / len(within) * np.eye(len(within))
    inverse = np.linalg.inv(within)
    np.testing.assert_allclose(dictionary.score.weight.detach(), means @ inverse, rtol=1e-3, atol=1e-3)
    expected = -0.5 * np.einsum("ki,ij,kj->k", means, inverse, means)
    np.testing.assert_allclose(dictionary.score.bias.detach(), expected, rtol=1e-3)
    np.testing.assert_allclose(dictionary.turns, turns, rtol=1e-6)


def test_a_fitted_dictionary_tells_its_patterns_apart():
    draw, _ = drawing(2)
    dictionary = Dictionary(ENTRIES, PIXELS)
    dictionary.fit(np.zeros((ENTRIES, 3)), draw, batches=4)
    maps, which = draw()
    assert (dictionary(maps).argmax(1).numpy() == which).mean() > 0.95


def test_an_entry_that_was_never_drawn_leaves_every_weight_finite():
    dictionary = Dictionary(5, PIXELS)
    dictionary.fit(np.zeros((5, 3)), drawing(3)[0], batches=1)
    assert torch.isfinite(dictionary.score.weight).all()


def test_features_blur_by_a_cell_and_keep_the_sum():
    gnomonic_map = torch.zeros(1, 1, 7, 7)
    gnomonic_map[0, 0, 3, 3] = 1.0
    seen = Dictionary(2, 7).features(gnomonic_map).reshape(7, 7) ** 2 - 1e-4
    assert seen.sum() == pytest.approx(1.0, abs=1e-5)
    assert seen[3, 3] == pytest.approx(0.25, abs=1e-5)
    assert seen[2, 2] == pytest.approx(1 / 16, abs=1e-5)


def test_the_nearest_entry_has_the_smallest_misorientation(rotations):
    entries = random_orientations(make_keys(1, np.arange(30)))
    orientations = random_orientations(make_keys(2, np.arange(50)))
    angles = np.array(
        [misorientation_deg(orientations, np.broadcast_to(entry, (50, 3, 3)), rotations) for entry in entries]
    )
    found = nearest_entry(orientations, entries, rotations)
    np.testing.assert_allclose(angles[found, np.arange(50)], angles.min(axis=0), atol=0.05)


def test_equivalent_orientations_have_the_same_entry(rotations):
    entries = random_orientations(make_keys(1, np.arange(30)))
    orientation = random_orientations(make_keys(5, np.arange(1)))
    assert len(set(nearest_entry(orientation @ rotations, entries, rotations))) == 1


def test_spread_orientations_lie_further_apart_than_any_candidate_from_them(rotations):
    """The property of farthest-point sampling: the chosen are apart by at least the radius that they cover."""
    candidates = random_orientations(make_keys(3, np.arange(600)))
    chosen = spread_orientations(candidates, rotations, 20)

    def apart(left, right):
        return misorientation_deg(left, np.broadcast_to(right, left.shape), rotations)

    covered = np.min([apart(candidates, entry) for entry in chosen], axis=0).max()
    closest = min(apart(np.delete(chosen, i, axis=0), chosen[i]).min() for i in range(20))
    assert closest >= covered - 1e-6
    assert covered < 30, "random points would leave gaps of about 40 degrees"
