"""Rivals return rates, the transform is undone without bias, and spots are judged as a person would."""

import numpy as np
import pytest

from beamgym.agents.denoising.rivals import anscombe, rivals, unbiased_inverse
from beamgym.agents.denoising.spots import Candidates, best_threshold, candidates, f1, judge

NOTHING = np.zeros((96, 96), bool)


def frame(level=1.0, seed=0, spots=((40.0, 30.0, 80.0), (70.0, 60.0, 50.0))):
    rows, columns = np.mgrid[:96, :96]
    rate = np.full((96, 96), level)
    for column, row, counts in spots:
        rate = rate + counts * np.exp(-0.5 * ((rows - row) ** 2 + (columns - column) ** 2)) / (2 * np.pi)
    return np.random.default_rng(seed).poisson(rate).astype(float)


class TestRivals:
    @pytest.mark.parametrize("name", ["gaussian", "median", "nlm", "tv"])
    def test_every_setting_brings_a_flat_frame_nearer_to_its_rate(self, name):
        if name in ("nlm", "tv"):
            pytest.importorskip("skimage")
        counts = frame(6.0, spots=())
        for rival in rivals((name,))[name]:
            found = rival.method(counts, NOTHING)
            assert found.shape == counts.shape
            assert found.std() < counts.std()
            assert abs(found.mean() - 6.0) < 0.5

    def test_raw_is_the_frame_and_unknown_ones_are_named(self):
        counts = frame()
        assert np.array_equal(rivals(("raw",))["raw"][0].method(counts, NOTHING), counts)
        with pytest.raises(ValueError, match="unknown rival 'magic'"):
            rivals(("magic",))

    def test_the_gaussian_leaves_masked_pixels_out(self):
        counts, mask = np.full((40, 40), 3.0), np.zeros((40, 40), bool)
        mask[10:20, 10:20] = True
        counts[mask] = 1000.0
        assert rivals(("gaussian",))["gaussian"][3].method(counts, mask)[~mask] == pytest.approx(3.0)

    @pytest.mark.parametrize("rate", [1.0, 4.0, 30.0])
    def test_the_transform_is_undone_without_bias(self, rate):
        counts = np.random.default_rng(1).poisson(rate, 400_000).astype(float)
        assert unbiased_inverse(np.array([anscombe(counts).mean()]))[0] == pytest.approx(rate, rel=0.03)


class TestSpots:
    def test_bright_spots_are_found_where_they_are(self):
        found = candidates(frame(), NOTHING, 0.5)
        best = found.position[:2]
        assert sorted(best.round().tolist()) == [[40.0, 30.0], [70.0, 60.0]]

    def test_what_is_found_missed_and_false_is_told_apart(self):
        peaks = np.array([[40.0, 30.0, 80.0, 1, 1], [70.0, 60.0, 50.0, 1, 1], [20.0, 20.0, 5.0, 1, 1]])
        found = Candidates(np.array([[40.4, 30.0], [20.0, 21.0], [80.0, 10.0]]), np.array([9.0, 5.0, 3.0]))
        judged = judge(found, peaks)
        assert judged.found.tolist() == [9.0, -np.inf]
        assert judged.off_px[0] == pytest.approx(0.4)
        assert judged.false.tolist() == [3.0], "a maximum at a fainter spot is neither right nor wrong"
        assert f1([judged], 4.0) == pytest.approx(2 / 3)
        assert f1([judged], 2.0) == pytest.approx(2 / 4)

    def test_the_threshold_keeps_blank_frames_blank(self):
        blank = [candidates(frame(1.0, seed, spots=()), NOTHING, 0.5) for seed in range(60)]
        peaks = np.array([[40.0, 30.0, 80.0, 1, 1], [70.0, 60.0, 50.0, 1, 1]])
        threshold = best_threshold([judge(candidates(frame(), NOTHING, 0.5), peaks)], blank)
        others = [candidates(frame(1.0, seed, spots=()), NOTHING, 0.5) for seed in range(100, 160)]
        assert sum((one.score >= threshold).sum() for one in others) <= 3
