"""Counter-based random numbers: known values, the right distributions, and nothing shared between keys."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from beamgym.physics.counter_rng import bits, make_keys, normal, normal_pair, poisson, uniform, uniforms

WORD = st.integers(0, 2**64 - 1)
MASK = 2**64 - 1


@njit
def _draw(key, n, mean):
    uniforms, normals, pairs = np.empty(n), np.empty(n), np.empty((n, 2))
    counts = np.empty(n, dtype=np.int64)
    for i in range(n):
        uniforms[i], normals[i], counts[i] = uniform(key, i), normal(key, i), poisson(key, i, mean)
        pairs[i] = normal_pair(key, i)
    return uniforms, normals, pairs, counts


@njit
def _bits(key, counter):
    return bits(key, counter)


def _splitmix64(state):
    """Return the output of splitmix64 for a state, in plain integers (Vigna's reference, public domain)."""
    z = (state + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def test_the_bits_are_those_of_splitmix64():
    # the published first outputs of splitmix64 seeded with 1234567
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert [int(_bits(np.uint64(1234567), i)) for i in range(5)] == expected


@given(WORD, st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_a_draw_is_the_plain_integer_formula(key, counter):
    assert int(_bits(np.uint64(key), counter)) == _splitmix64((key + counter * 0x9E3779B97F4A7C15) & MASK)


@given(st.lists(WORD, min_size=4, max_size=4))
@settings(max_examples=50, deadline=None)
def test_keys_are_the_same_alone_and_in_a_batch(parts):
    alone = make_keys(*(np.uint64(part) for part in parts))
    batch = make_keys(np.array([3, parts[0]], dtype=np.uint64), *(np.uint64(part) for part in parts[1:]))
    assert alone == batch[1]


def test_rows_of_keys_are_the_keys_of_the_rows_whatever_their_shapes():
    seeds, steps = np.arange(6, dtype=np.uint64) * np.uint64(2**61 - 1), np.arange(-2, 4)
    for parts in (
        (seeds,),
        (seeds, 3, steps, 7),
        (5, steps),
        (seeds[::2], steps[1:2], 4, np.uint64(9)),
        (seeds[:0], 2),
    ):
        rows = np.broadcast_arrays(*parts)
        alone = [make_keys(*row) for row in zip(*rows, strict=True)]
        np.testing.assert_array_equal(make_keys(*parts), np.array(alone, np.uint64))
    with pytest.raises(ValueError, match=r"2, 3.* rows"):
        make_keys(seeds[:2], seeds[:3])


def test_rows_of_uniform_numbers_are_those_of_each_key():
    keys = make_keys(3, np.arange(10))[::2]
    drawn = uniforms(keys, 4)
    np.testing.assert_array_equal(drawn, [uniforms(key, 4) for key in keys])
    np.testing.assert_array_equal(drawn, uniforms(keys.reshape(5, 1), 4)[:, 0])


def test_keys_differ_in_every_part():
    seed, episode, step, stream = np.meshgrid(*[np.arange(12)] * 4)
    assert len(np.unique(make_keys(seed, episode, step, stream))) == 12**4


def test_uniform_numbers_fill_the_unit_interval_evenly():
    values = _draw(make_keys(1)[()], 100_000, 1.0)[0]
    assert values.min() >= 0.0
    assert values.max() < 1.0
    counts = np.histogram(values, bins=50, range=(0, 1))[0]
    # chi-squared of 49 degrees of freedom: mean 49, standard deviation 10
    assert ((counts - 2000.0) ** 2 / 2000.0).sum() < 49 + 5 * 10


def test_normal_numbers_have_the_normal_moments():
    _, single, pairs, _ = _draw(make_keys(2)[()], 100_000, 1.0)
    for values in (single, pairs[:, 0], pairs[:, 1]):
        assert abs(values.mean()) < 5 / math.sqrt(1e5)
        assert abs(values.var() - 1.0) < 5 * math.sqrt(2 / 1e5)
        assert abs((values**4).mean() - 3.0) < 5 * math.sqrt(96 / 1e5)
    assert abs((pairs[:, 0] * pairs[:, 1]).mean()) < 5 / math.sqrt(1e5)
    np.testing.assert_array_equal(single, pairs[:, 0])


@pytest.mark.parametrize("mean", [0.0, 0.5, 3.0, 15.0, 200.0])
def test_poisson_numbers_have_the_mean_as_their_variance(mean):
    counts = _draw(make_keys(3)[()], 50_000, mean)[3]
    assert abs(counts.mean() - mean) <= 5 * math.sqrt(mean / 5e4)
    assert abs(counts.var() - mean) <= 5 * math.sqrt((mean + 2 * mean**2) / 5e4)
