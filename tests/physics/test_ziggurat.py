"""Normal numbers by the ziggurat method: the layers, and the distribution."""

import numpy as np
from numba import njit
from scipy import stats

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.ziggurat_kernels import AREA, LAYERS, TAIL, layer_edges, normal_of_word

WORDS = 2_000_000


@njit
def normals(words):
    out = np.empty(words.shape[0])
    for i in range(words.shape[0]):
        out[i] = normal_of_word(words[i])
    return out


def density(x):
    return np.exp(-0.5 * x * x)


def test_all_layers_have_the_same_area():
    edges = layer_edges()
    heights = np.append(density(edges[2:LAYERS]), 1.0) - density(edges[1:LAYERS])
    np.testing.assert_allclose(edges[1:LAYERS] * heights, AREA, rtol=1e-8)
    lowest = TAIL * density(TAIL) + np.sqrt(2.0 * np.pi) * stats.norm.sf(TAIL)
    np.testing.assert_allclose([lowest, edges[0] * density(TAIL)], AREA, rtol=1e-8)


def test_the_numbers_are_standard_normal():
    """In 512 bins of equal probability, which a fault in one layer would upset; and in either tail, by Poisson."""
    drawn = normals(make_keys(5, np.arange(WORDS)))
    counts = np.histogram(stats.norm.cdf(drawn), bins=512, range=(0.0, 1.0))[0]
    assert counts.sum() == WORDS
    assert stats.chisquare(counts).pvalue > 1e-3
    tail = WORDS * stats.norm.sf(TAIL)
    for beyond in (drawn > TAIL, drawn < -TAIL):
        assert abs(np.count_nonzero(beyond) - tail) < 4.0 * np.sqrt(tail)
    far = np.abs(drawn[np.abs(drawn) > TAIL])
    assert stats.kstest(far, lambda x: 1.0 - stats.norm.sf(x) / stats.norm.sf(TAIL)).pvalue > 1e-3


def test_a_word_always_gives_the_same_number_and_neighbours_do_not_hang_together():
    words = make_keys(6, np.arange(200_000))
    drawn = normals(words)
    np.testing.assert_array_equal(drawn, normals(words))
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 4.0 / np.sqrt(len(drawn))
