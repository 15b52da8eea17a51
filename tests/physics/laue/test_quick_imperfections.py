"""The quick draws of found peaks: against plain Python, and against the distributions that a level states."""

import math

import numpy as np
import pytest
from scipy import stats

from beamgym.physics.counter_rng import bits, make_keys, poisson, uniform
from beamgym.physics.crystal import load_crystal
from beamgym.physics.goniometer import goniometer
from beamgym.physics.instrument import AcquireSettings
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfection_kernels import disturb
from beamgym.physics.laue.quick_imperfection_kernels import disturb_quickly
from beamgym.physics.laue.simulator import SimulatedLaue
from beamgym.physics.ziggurat_kernels import normal_of_word

FRAMES, SPOTS = 3000, 40
SHAPE = (512, 512)
JITTER, MISSING, FALSE, SPREAD, FAINTEST = 0.3, 0.2, 3.0, 0.25, 100.0
NUMBERS = np.array([10.0, JITTER, MISSING, FALSE, SPREAD, FAINTEST, FAINTEST])


def pattern(n):
    generator = np.random.default_rng(1)
    position = np.tile(generator.uniform(0, 511, (SPOTS, 2)).astype(np.float32), (n, 1, 1))
    rates = np.tile(np.geomspace(1e4, 1e2, SPOTS).astype(np.float32), (n, 1))
    return position, rates, np.full(n, SPOTS, dtype=np.int64)


def found(kernel, n=FRAMES, room=80, numbers=NUMBERS):
    position, intensity = np.empty((n, room, 2), np.float32), np.empty((n, room), np.float32)
    source, count = np.empty((n, room), np.int64), np.empty(n, np.int64)
    kernel(*pattern(n), make_keys(3, np.arange(n)), numbers, SHAPE, position, intensity, source, count)
    return position, intensity, source, count


def plainly(key, room):
    """One frame in plain Python: rows (x, y, counts, source), brightest first."""
    position, rates, _ = (part[0] for part in pattern(1))
    rows = []
    for j, rate in enumerate(rates):
        counts = NUMBERS[0] * float(rate)
        if uniform(key, 4 * j) >= MISSING:
            counts *= math.exp(SPREAD * normal_of_word(np.uint64(bits(key, 4 * j + 1))))
            move = [JITTER * normal_of_word(np.uint64(bits(key, 4 * j + 2 + axis))) for axis in range(2)]
            rows.append((*(position[j] + move), counts, j))
    for j in range(poisson(key, 1_000_000, FALSE)):
        x, y, luck = (uniform(key, 1_000_000 + 3 * j + k) for k in (1, 2, 3))
        rows.append((x * 511, y * 511, FAINTEST * 100.0**luck, -1))
    kept = sorted((row for row in rows if row[2] >= FAINTEST), key=lambda row: -row[2])[:room]
    return np.array(kept)


@pytest.mark.parametrize("room", [80, 20])
def test_the_kernel_equals_plain_python(room):
    position, intensity, source, count = found(disturb_quickly, 30, room)
    for i, key in enumerate(make_keys(3, np.arange(30))):
        wanted = plainly(key, room)
        assert count[i] == len(wanted)
        np.testing.assert_allclose(position[i, : count[i]], wanted[:, :2], atol=1e-3)
        np.testing.assert_allclose(intensity[i, : count[i]], wanted[:, 2], rtol=1e-6)
        np.testing.assert_array_equal(source[i, : count[i]], wanted[:, 3])
        assert (intensity[i, count[i] :] == 0).all()
        assert (position[i, count[i] :] == 0).all()


def test_the_draws_have_the_distributions_of_the_level():
    position, intensity, source, count = found(disturb_quickly)
    first, rates, _ = pattern(1)
    real = source >= 0
    share = np.count_nonzero(real) / (FRAMES * SPOTS)
    assert abs(share - (1 - MISSING)) < 4.0 * np.sqrt(MISSING * (1 - MISSING) / (FRAMES * SPOTS))
    luck = np.log(intensity[real] / (10.0 * rates[0][source[real]])) / SPREAD
    moved = (position[real] - first[0][source[real]]) / JITTER
    for drawn in (luck, moved[:, 0], moved[:, 1]):
        assert stats.kstest(drawn, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(np.stack([luck, *moved.T]))[np.triu_indices(3, 1)]).max() < 4.0 / np.sqrt(len(luck))
    false = count - real.sum(axis=1)
    expected = FRAMES * stats.poisson.pmf(np.arange(9), FALSE)
    counted = np.array([np.count_nonzero(false == k) for k in range(9)])
    counted, expected = (np.append(part, FRAMES - part.sum()) for part in (counted, expected))
    assert stats.chisquare(counted, expected).pvalue > 1e-3


def test_found_peaks_are_like_those_of_the_other_draws():
    """Room for few peaks and faint spots, as a real frame has them: what is kept is the same in distribution."""
    numbers = NUMBERS * np.array([0.05, 1, 1, 1, 1, 1, 1])
    one, other = found(disturb, room=12, numbers=numbers), found(disturb_quickly, room=12, numbers=numbers)
    assert stats.ks_2samp(one[3], other[3]).pvalue > 1e-3
    for place in (0, 5, 9):
        assert stats.ks_2samp(one[1][:, place], other[1][:, place]).pvalue > 1e-3
        assert stats.ks_2samp(one[0][:, place, 0], other[0][:, place, 0]).pvalue > 1e-3


def world(draws):
    panel = Detector.back_reflection(shape=SHAPE, pixel_mm=0.32)
    return SimulatedLaue(load_crystal("Si"), goniometer("six-axis"), Beam.tube("W"), panel, 64, draws=draws)


def test_a_world_takes_either_and_its_crystals_stay():
    frames = {}
    for draws in ("box-muller", "ziggurat"):
        sample = world(draws)
        mask = np.ones(64, dtype=np.bool_)
        sample.reset(make_keys(7, np.arange(64)), mask)
        frames[draws] = sample.truth()["orientation"], sample.acquire(AcquireSettings(10.0), mask).peaks()
    (one, box), (other, quick) = frames.values()
    np.testing.assert_array_equal(one, other)
    assert (box.position_px != quick.position_px).any()
    assert abs(box.count.mean() - quick.count.mean()) < 2.0


def test_unknown_draws_are_refused():
    with pytest.raises(ValueError, match="unknown draws 'dice'; choose one of box-muller, ziggurat"):
        world("dice")
