"""Shares of beam time: the formula against all others, and its error against frames that are counted so."""

import numpy as np
import pytest

from beamgym.agents.denoising import Pair, plan_times, savings
from beamgym.physics.counts import share_time

ROWS, COLUMNS = np.mgrid[:64, :64]
Q = np.hypot(ROWS - 31.5, COLUMNS - 31.5) * 1e-3
MASK = Q < 3e-3
SIGNAL = 0.4 * np.exp(-((Q / 0.015) ** 2)) + 0.05
GROUND, TRANSMISSION, BEAM = 0.1, 0.6, 5000.0


def counted(draw, sample_s, background_s, transmission=TRANSMISSION):
    sample = draw.poisson((SIGNAL + GROUND) * TRANSMISSION * sample_s).astype(float)
    ground = draw.poisson(np.full(Q.shape, GROUND * background_s)).astype(float)
    return Pair(sample, ground, sample_s, background_s, MASK, Q, transmission, BEAM)


class TestShares:
    def test_no_other_share_has_a_smaller_variance(self):
        variances, total = np.array([4.0, 1.0, 0.2]), 90.0
        best = share_time(variances, total)
        assert best.sum() == pytest.approx(total)
        others = np.random.default_rng(0).dirichlet(np.ones(3), 2000) * total
        assert (variances / best).sum() <= (variances / others).sum(1).min()

    @pytest.mark.parametrize("variances", [[-1.0, 1.0], [0.0, 0.0], [np.nan, 1.0]])
    def test_variances_that_make_no_sense_are_refused(self, variances):
        with pytest.raises(ValueError, match="variances are to be"):
            share_time(variances, 10.0)

    def test_time_has_to_be_there(self):
        with pytest.raises(ValueError, match="seconds above 0"):
            share_time([1.0], 0.0)


class TestPlan:
    def test_its_error_is_that_of_frames_counted_so(self):
        plan = plan_times(counted(np.random.default_rng(1), 3600.0, 3600.0), 1200.0)
        assert plan.sample_s + plan.background_s + plan.transmission_s == pytest.approx(1200.0)
        assert plan.error < plan.error_even
        draw, off = np.random.default_rng(2), []
        rings = np.digitize(Q, np.linspace(3e-3, 0.0315, 41))
        ring = [(rings == i) & ~MASK for i in range(1, 41)]
        half = 0.5 * plan.transmission_s * BEAM
        for _ in range(60):
            measured = draw.poisson(half * TRANSMISSION) / draw.poisson(half)
            pair = counted(draw, plan.sample_s, plan.background_s)
            curve = pair.sample / (plan.sample_s * measured) - pair.background / plan.background_s
            off.append([curve[one].mean() / SIGNAL[one].mean() - 1.0 for one in ring if one.any()])
        assert np.sqrt(np.mean(np.square(off))) == pytest.approx(plan.error, rel=0.1)

    def test_a_sample_that_is_its_background_is_refused(self):
        draw = np.random.default_rng(3)
        same = draw.poisson(np.full(Q.shape, 9.0)).astype(float)
        with pytest.raises(ValueError, match="no ring of the sample stands above"):
            plan_times(Pair(same, 2.0 * same, 60.0, 60.0, MASK, Q, 1.0, BEAM), 100.0)


class TestSavings:
    def test_a_method_that_changes_nothing_saves_nothing(self):
        pair = counted(np.random.default_rng(4), 600.0, 600.0)
        for one in savings(pair, lambda counts, mask: counts.copy()):
            assert one.times == pytest.approx(1.0)

    def test_the_error_of_raw_counts_is_what_poisson_says(self):
        pair = counted(np.random.default_rng(5), 600.0, 600.0)
        found = {one.share: one.raw for one in savings(pair, lambda counts, mask: counts.copy())}
        assert found[1 / 32] / found[1 / 8] == pytest.approx(2.0, rel=0.35)

    def test_a_method_that_knows_the_truth_saves_much(self):
        pair = counted(np.random.default_rng(6), 600.0, 600.0)
        sample, ground = (SIGNAL + GROUND) * TRANSMISSION * 600.0, np.full(Q.shape, GROUND * 600.0)

        def known(counts, mask):
            near = counts[(Q < 0.01) & ~mask].mean() > 2.0 * counts[Q > 0.025].mean()
            one = sample if near else ground
            return one * (counts[~mask].sum() / one[~mask].sum())

        assert savings(pair, known)[-1].times > 5.0
