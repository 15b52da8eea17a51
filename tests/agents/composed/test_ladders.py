"""Ladders rank what falls as 1 and what rises as −1, and count only where the truth falls."""

import numpy as np
import pytest

from beamgym.agents.composed.cuts import FAR, Cut, judge_cut, load_cuts
from beamgym.agents.composed.ladders import (
    LADDERS,
    LEAST_FALL,
    build_rungs,
    covered,
    figures,
    judge_ladders,
    ladder_scenes,
    ranks,
)
from beamgym.envs.arpes_spot import Quality


class TestRanks:
    def test_a_total_that_falls_ranks_one_and_one_that_rises_minus_one(self):
        falls = np.linspace(8.0, 2.0, 8)
        assert ranks(np.stack([falls, falls[::-1], np.full(8, 5.0)], 1)) == pytest.approx([1.0, -1.0, 0.0])

    def test_one_pair_out_of_order_costs_little(self):
        scores = np.array([8.0, 7.0, 7.5, 6.0, 5.0, 4.0, 3.0, 2.0])
        assert ranks(scores[:, None])[0] == pytest.approx(1.0 - 6.0 * 2.0 / (8.0 * 63.0))

    def test_rungs_that_are_truly_equal_are_to_be_told_as_equal(self):
        truth = np.array([3.0, 1.0, 0.0, 0.0, 0.0])[:, None]
        assert ranks(2.0 * truth, truth) == pytest.approx([1.0])
        assert ranks(truth) < 0.95
        assert ranks(np.array([3.0, 1.0, 0.2, 0.1, 0.3])[:, None], truth)[0] == pytest.approx(0.894, abs=0.01)

    def test_figures_say_how_many_run_backwards(self):
        found = figures(np.array([1.0] * 9 + [-0.5]))
        assert found["backwards"] == pytest.approx(0.1)
        assert found["mean"] == pytest.approx(0.85)
        assert found["backwards_ci95"][0] <= 0.1 <= found["backwards_ci95"][1]


class TestSimulated:
    @pytest.mark.parametrize("kind", list(LADDERS))
    def test_the_truth_falls_on_every_rung(self, kind):
        rungs = build_rungs(ladder_scenes("full", 6, 0), kind, 0)
        total = np.stack([scores.total for scores in rungs.truth])
        if kind != "two domains":  # two domains may make more features than one
            assert (np.diff(total, axis=0) <= 1e-5).all()
        assert rungs.counted.tolist() == (total[0] - total[-1] >= LEAST_FALL).tolist()

    def test_all_but_thinning_keep_the_electrons(self):
        rungs = build_rungs(ladder_scenes("published", 3, 1), "background", 0)
        assert [counts.sum((1, 2)).mean() for counts in rungs.counts] == pytest.approx([2e5] * 8, rel=0.01)

    def test_a_scorer_that_counts_electrons_sees_thinning_alone(self):
        found = judge_ladders({"n": lambda counts: counts.sum((1, 2))}, "wide", 10, 0)["n"]
        assert (found["thinning"] > 0.7).all()  # below 1 where the truth is 0 on more rungs than one
        assert abs(found["background"].mean()) < 0.6

    @pytest.mark.parametrize(("half", "share"), [(10.0, 1.0), (0.0, 0.0)])
    def test_intervals_of_everything_hold_the_truth_and_those_of_nothing_do_not(self, half, share):
        def quality(counts):
            scores = np.full((len(counts), 4), 0.987, np.float32)
            bounds = np.full((len(counts), 5, 4), 0.987) + half * np.array([-1.0, 1.0, -1.0, 1.0])
            return Quality(scores, scores, scores[:, 0], bounds=bounds)

        found = covered(quality, "published", 6, 0)
        assert found == {part: {"68 %": share, "95 %": share} for part in ("S", "B", "total")}

    def test_an_unknown_source_is_named(self):
        with pytest.raises(ValueError, match="choose one of published, full, wide"):
            ladder_scenes("gold", 10, 0)


class TestMeasured:
    def test_a_cut_is_taken_in_the_window_with_enough_pixels(self):
        energy = np.linspace(-1.0, 0.1, 60)
        part = Cut("made", np.ones((60, 40)), energy).within(-0.553, 0.153)
        assert min(part.rate.shape) == 64
        assert -0.57 < part.energy_ev[0] < -0.54
        assert part.energy_ev[-1] == pytest.approx(0.1, abs=0.02)

    def test_contrast_falls_on_every_ladder_but_thinning(self):
        rows, columns = np.mgrid[:80, :70]
        rate = 1.0 + 20.0 * np.exp(-((columns - 20 - 0.3 * rows) ** 2) / 20.0)
        cut = Cut("made", rate, np.linspace(-0.55, 0.15, 80))

        def contrast(counts, energy):
            return np.sqrt(np.maximum(counts.var((1, 2)) - counts.mean((1, 2)), 0.0)) / counts.mean((1, 2))

        found = judge_cut(cut, contrast, draws=2)
        assert found["background"]["spearman"] == pytest.approx(1.0)
        assert found["two domains"]["first"] > found["two domains"]["last"]

    def test_the_bi2se3_cut_has_the_energies_of_the_file_it_comes_from(self, tmp_path):
        (tmp_path / "arpes").mkdir()
        counts = np.zeros((240, 240), np.uint16)
        counts[:, 183] = 1000  # rows are angles; E_F as PyARPES' header has it
        np.savez(tmp_path / "arpes" / "bi2se3_cut.npz", I=counts)
        (cut,) = load_cuts(tmp_path)
        assert cut.rate.sum(1).argmax() == 183
        assert cut.energy_ev[183] == pytest.approx(0.0, abs=1e-4)
        assert cut.step_ev == pytest.approx(2.0 / 860.0, rel=1e-6)

    def test_a_cut_without_energies_is_refused(self, tmp_path):
        (tmp_path / "arpes").mkdir()
        np.savez(tmp_path / "arpes" / "smb6_cut.npz", I=np.ones((70, 70)))
        with pytest.raises(ValueError, match="holds no E"):
            load_cuts(tmp_path)

    def test_ladders_may_be_carried_on(self):
        cut = Cut("made", 1.0 + np.eye(80), np.linspace(-0.55, 0.15, 80))
        seen = []
        judge_cut(cut, lambda counts, energy: seen.append(counts) or counts.max((1, 2)), 1, ladders=FAR)
        assert len(seen) == sum(len(steps) for steps in FAR.values())
        first, last = (seen[i][0].diagonal().mean() / seen[i].mean() - 1.0 for i in (-len(FAR["background"]), -1))
        assert last == pytest.approx(first / 4.0, abs=0.05)  # three electrons of background for each of the cut's

    def test_no_folder_of_data_is_said(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="BEAMGYM_DATA"):
            load_cuts(tmp_path)
