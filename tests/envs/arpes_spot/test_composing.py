"""Totals are composed of components by the formulas, and what a window lacks is said, never stretched."""

import numpy as np
import pytest

from beamgym.envs.arpes_spot import LEVELS, WINDOW_EV, compose, encoded, feature_values, scorer_input, window_input
from beamgym.physics.arpes.score import paper_total, v2_total

Z = np.array([-1.960, -1.341, -0.994, -0.440, 0.0, 0.440, 0.994, 1.341, 1.960])  # a normal deviate's at LEVELS


def spread(value, sigma):
    return np.asarray(value)[:, None] + sigma * Z


class TestTotals:
    @pytest.mark.parametrize("definition", ["paper", "v2"])
    def test_sure_components_have_the_formulas_total(self, definition):
        draw = np.random.default_rng(0)
        s, b, n = draw.uniform(0.0, 1.0, (3, 40))
        f = draw.uniform(0.0, 12.0, 40) * (1.0 if definition == "v2" else 0.005)
        found = compose(definition, spread(s, 0.0), spread(b, 0.0), n, spread(f, 0.0))
        total = paper_total(f, s, b, n) if definition == "paper" else v2_total(f, s, b, n)
        assert found.value == pytest.approx(total)
        assert found.error == pytest.approx(0.0, abs=1e-9)
        assert found.bounds == pytest.approx(np.repeat(total[:, None], 4, 1))

    def test_the_papers_total_is_the_median_of_its_steps(self):
        b, n = np.array([0.72, 0.69]), np.full(2, 0.95)
        found = compose("paper", spread(np.full(2, 0.95), 0.0), spread(b, 0.05), n, spread(np.full(2, 1.0), 0.0))
        assert found.value.tolist() == [9.0, 8.0], "B is likelier above 0.7 in the first, below it in the second"
        assert found.error == pytest.approx([0.35, 0.42], abs=0.08), "the chance that it is on the other side"

    def test_intervals_hold_as_much_as_they_say(self):
        draw, m = np.random.default_rng(1), 4000
        s, b, n = draw.uniform(0.5, 0.9, m), draw.uniform(0.3, 0.7, m), np.full(m, 0.5)
        f = np.full(m, 20.0)
        found = compose("v2", spread(s, 0.05), spread(b, 0.08), n, spread(f, 0.0))
        true = v2_total(f, s + 0.05 * draw.normal(size=m), b + 0.08 * draw.normal(size=m), n)
        for (low, high), share in (((0, 1), 0.68), ((2, 3), 0.95)):
            inside = (true >= found.bounds[:, low]) & (true <= found.bounds[:, high])
            assert inside.mean() == pytest.approx(share, abs=0.05)

    def test_a_doubtful_feature_makes_the_total_doubtful(self):
        one = [spread(np.array([value]), 0.0) for value in (0.9, 0.8)]
        sure = compose("v2", *one, np.ones(1), spread(np.array([20.0]), 0.0))
        unsure = compose("v2", *one, np.ones(1), spread(np.array([6.5]), 2.0))
        assert unsure.value < sure.value
        assert unsure.error > 0.5 > sure.error

    def test_f_of_the_paper_falls_with_the_columns(self):
        log_f = np.log(np.full((1, 9), 6.5))
        assert feature_values(log_f, 500, "paper")[0, 0] == pytest.approx(0.013)
        assert feature_values(log_f, 64, "v2")[0, 0] == pytest.approx(6.5)
        assert len(LEVELS) == 9


class TestWindow:
    def test_64_cells_are_the_older_scorers_picture(self):
        counts = np.random.default_rng(2).poisson(3.0, (4, 64, 64))
        new, old = window_input(counts), scorer_input(counts)
        assert new["image"] == pytest.approx(old["image"], abs=1e-5)
        assert new["numbers"][:, 1] == pytest.approx(old["intensity"][:, 1])
        assert new["numbers"][:, 6:] == pytest.approx(old["intensity"][:, 6:], abs=1e-5)
        assert (new["seen"] == 1.0).all()

    def test_no_electron_is_lost_or_stretched(self):
        energy = np.linspace(-0.4, 0.1, 70)
        counts = np.random.default_rng(3).poisson(4.0, (2, 70, 90)).astype(np.float32)
        made = window_input(counts, energy)
        half, (low, high) = 0.25 / 69, WINDOW_EV
        centres = low + (np.arange(64) + 0.5) / 64 * (high - low)
        inside = (centres > energy[0] - half) & (centres < energy[-1] + half)
        assert made["seen"][0].astype(bool).tolist() == inside.tolist()
        assert made["image"][:, made["seen"][0] == 0.0].max() == 0.0
        electrons = 10.0 ** (6.0 * made["numbers"][:, 0]) - 1.0
        assert electrons == pytest.approx(counts.sum((1, 2)), rel=0.03)

    def test_a_line_lies_at_its_energy_whatever_the_window(self):
        for energy in (np.linspace(-1.5, 0.3, 400), np.linspace(-0.5, 0.1, 90)):
            counts = np.ones((1, len(energy), 64), np.float32)
            counts[0, np.abs(energy + 0.2).argmin()] = 500.0
            low, high = WINDOW_EV
            row = window_input(counts, energy)["image"][0].mean(1).argmax()
            assert low + (row + 0.5) / 64 * (high - low) == pytest.approx(-0.2, abs=0.012)

    def test_more_rows_beyond_the_window_change_nothing(self):
        energy = np.linspace(-1.2, 0.4, 320)
        counts = np.random.default_rng(4).poisson(4.0, (1, 320, 64)).astype(np.float32)
        inside = (energy > -0.6) & (energy < 0.2)
        whole, part = window_input(counts, energy), window_input(counts[:, inside], energy[inside])
        assert whole["image"] == pytest.approx(part["image"], abs=1e-4)

    @pytest.mark.parametrize(
        ("counts", "energy", "words"),
        [
            (np.ones((1, 70, 20)), None, "at least 24 x 24"),
            (np.full((1, 30, 30), np.nan), None, "NaN"),
            (np.ones((1, 70, 70)), np.linspace(0.1, -0.5, 70), "rise in even steps"),
            (np.ones((1, 70, 70)), np.geomspace(0.01, 1.0, 70), "rise in even steps"),
            (np.ones((1, 70, 70)), np.linspace(-5.0, -4.0, 70), "0 of the rows lie in the window"),
            (np.ones((1, 70, 70)), np.linspace(-0.5, 0.1, 60), "one energy for each"),
        ],
    )
    def test_what_cannot_be_scored_is_said(self, counts, energy, words):
        with pytest.raises(ValueError, match=words):
            window_input(counts, energy)

    def test_rows_of_each_spectrum_may_differ(self):
        cells = np.ones((2, 64, 64), np.float32)
        cover = np.ones((2, 64))
        cover[1, :32] = 0.0
        made = encoded(cells, cover)
        assert made["numbers"][:, 2].tolist() == [1.0, 0.5]
        assert made["image"][1, 40] == pytest.approx(1.0)
