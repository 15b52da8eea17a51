"""What an answer of the network means, and that the shipped one answers."""

import numpy as np
import pytest

from beamgym.envs.domains import BINS, NUMBERS, said, shipped_finder
from beamgym.physics.arpes.domains import CANVAS, simulated_cuts, whole_canvas


def answer(odds, at):
    """Log odds of one, two, three; a histogram of the offset of two that stands in one bin; a weight of 0.6 ± 0.1."""
    out = np.zeros(NUMBERS + 5 * BINS)
    out[:3] = odds
    bins = out[NUMBERS:].reshape(5, BINS)
    bins[0, at], bins[3], bins[4] = 50.0, 0.1, np.log(0.1)
    return out


def test_an_answer_is_read():
    found = said(answer((0.0, 5.0, 0.0), 12), scale=1.1, weight_spread=2.0)
    assert found.number == 2
    assert found.offset_deg == pytest.approx([0.0, 12 * 1.1 * CANVAS.slit_step_deg], abs=0.05)
    assert found.weight == pytest.approx([0.6, 0.4])
    assert found.weight_error == pytest.approx([0.2, 0.2])
    assert found.probability.sum() == pytest.approx(1.0)


def test_the_number_follows_the_threshold():
    assert said(answer((1.0, 1.0, -9.0), 12), split=0.4).number == 2
    assert said(answer((1.0, 1.0, -9.0), 12), split=0.6).number == 1
    assert said(answer((0.0, 1.0, 5.0), 12)).number == 3


def test_the_shipped_network_answers_each_cut_for_itself():
    cuts = simulated_cuts(77, 4)
    finder = shipped_finder()
    together = finder(whole_canvas(cuts.counts))
    alone = finder(whole_canvas(cuts.counts[2:3]))[0]
    assert len(together) == 4
    np.testing.assert_allclose(together[2].probability, alone.probability, atol=1e-4)
