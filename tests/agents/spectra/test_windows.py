"""Parts of spectra as other instruments show them: usual ones hold most of the window, cut ones half of it."""

import numpy as np
import pytest

from beamgym.agents.spectra import windows as scorer_windows
from beamgym.agents.spectra.data import Source
from beamgym.agents.spectra.windows import cut, cut_windows, other_windows, usual_and_cut

FERMI = 0.55 / 0.70  # where it lies in the window, from below


@pytest.mark.parametrize("windows", [other_windows, cut_windows])
def test_windows_are_as_bright_as_asked_without_labels_and_follow_from_the_seed(windows):
    examples, again = windows(3, 0, 24), windows(3, 0, 24)
    assert not examples.known.any()
    electrons = 6.0 * examples.intensity[:, 0]
    assert electrons.min() < 5.5
    assert electrons.max() > 6.5
    np.testing.assert_array_equal(examples.image, again.image)
    assert not np.array_equal(windows(4, 0, 24).image, examples.image)


def test_usual_windows_hold_the_fermi_level_and_most_of_the_window():
    for seed in range(200):
        (low, high), (left, right) = scorer_windows._somewhat_smaller(np.random.default_rng(seed))
        assert 0.0 <= low < FERMI < high <= 1.0
        assert high - low >= 0.74
        assert 0.0 <= left < right <= 1.0
        assert right - left >= 0.74


def test_cut_windows_hold_about_half_of_the_energies_and_all_angles():
    for seed in range(200):
        (low, high), angles = scorer_windows._half(np.random.default_rng(seed))
        assert 0.5 <= round(high - low, 9) <= 0.6
        assert low == 0.0 or low + high == pytest.approx(1.0), "the lower half, or the middle"
        assert angles == (0.0, 1.0)


def test_a_cut_takes_the_part_between_two_ends():
    counts = np.arange(2 * 8 * 4).reshape(2, 8, 4).astype(np.float32)
    np.testing.assert_array_equal(cut(counts, (0.5, 1.0), (0.25, 0.75)), counts[:, 4:, 1:3])


def test_what_novelty_is_learnt_on_is_usual_spectra_and_a_quarter_as_many_cut_ones():
    told = []
    usual, halves = usual_and_cut(512, (Source("published", 64, 1.0),), lambda *given: told.append(given))
    assert (len(usual), len(halves)) == (512, 128)
    assert usual.known.any(1).sum() == 384, "the rest are other windows, whose labels are unknown"
    assert [given[1:] for given in told] == [(1, 2), (2, 2)]
