"""A shipped denoiser on frames: the sum of the counts is kept, masks stay, noise that is not Poisson is flagged."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from beamgym.envs.arpes_spot import COMPOSED_SCORER
from beamgym.envs.bundles import BundleError
from beamgym.envs.denoising import FIELD, FrameDenoiser, noise_ratio, shipped_denoiser
from beamgym.physics.counts import NotCounts
from beamgym.physics.scenes import scene_source


@pytest.fixture(scope="module")
def denoiser():
    return shipped_denoiser("laue")


@pytest.fixture(scope="module")
def rate():
    rows, columns = np.mgrid[:200, :170]
    found = 0.8 + 0.004 * rows
    for row, column, counts in ((40, 30, 60.0), (90, 120, 25.0), (160, 60, 400.0), (150, 140, 15.0)):
        squared = (rows - row) ** 2 + (columns - column) ** 2
        found = found + counts * np.exp(-0.5 * squared / 0.94**2) / (2 * np.pi * 0.94**2)
    return found


@pytest.fixture(scope="module")
def counts(rate):
    return np.random.default_rng(4).poisson(rate).astype(float)


class TestRates:
    def test_the_sum_of_the_counts_is_kept(self, denoiser, counts):
        found = denoiser(counts)
        assert found.rate.sum() == pytest.approx(counts.sum(), rel=5e-3)
        assert abs(found.scaled - 1.0) < 0.05
        assert found.flags == ()

    def test_the_rate_is_nearer_to_the_truth_than_the_counts_are(self, denoiser, counts, rate):
        found = denoiser(counts)
        assert np.mean((found.rate - rate) ** 2) < 0.25 * np.mean((counts - rate) ** 2)
        plain = rate < 2.0  # away from spots
        off = np.abs(found.rate - rate) / found.uncertainty
        assert 0.5 < np.mean(off[plain] < 1.0) < 0.95

    def test_an_answer_does_not_depend_on_where_the_tiles_lie(self, denoiser, counts):
        shifted = denoiser(counts[8:]).rate
        whole = denoiser(counts).rate[8:]
        inner = np.s_[40:-40, 40:-40]
        assert np.median(np.abs(shifted[inner] / whole[inner] - 1.0)) < 0.05

    def test_a_gain_is_divided_out(self, denoiser, counts):
        assert np.allclose(denoiser(2.5 * counts, gain=2.5).rate, denoiser(counts).rate)


class TestMasks:
    def test_masked_pixels_stay_masked_and_do_not_count(self, denoiser, counts):
        mask = np.zeros(counts.shape, bool)
        mask[60:100, 100:140] = True
        spoilt = counts.copy()
        spoilt[mask] = 1e5
        found = denoiser(spoilt, mask)
        assert np.isnan(found.rate[mask]).all()
        assert np.isnan(found.uncertainty[mask]).all()
        assert np.nansum(found.rate) == pytest.approx(counts[~mask].sum(), rel=5e-3)

    def test_a_frame_without_a_pixel_or_a_count_is_told(self, denoiser, counts):
        with pytest.raises(ValueError, match="every pixel of the frame is masked"):
            denoiser(counts, np.ones(counts.shape, bool))
        empty = denoiser(np.zeros((64, 64)))
        assert (empty.rate == 0.0).all()
        assert "no count at all" in empty.flags[0]


class TestRefusals:
    def test_what_is_no_count_is_refused(self, denoiser, counts):
        with pytest.raises(NotCounts, match="below 0"):
            denoiser(counts - 1.0)
        with pytest.raises(NotCounts, match="give the gain"):
            denoiser(counts * 1.3)

    def test_a_frame_smaller_than_the_field_is_refused(self, denoiser):
        with pytest.raises(ValueError, match=f"two sides of {FIELD} pixels"):
            denoiser(np.ones((FIELD - 1, 100)))

    def test_a_bundle_that_is_no_denoiser_is_refused(self):
        from importlib.resources import files

        with pytest.raises(BundleError, match="is no denoiser"):
            FrameDenoiser.load(str(files("beamgym.envs.models") / COMPOSED_SCORER))


class TestFlags:
    def test_noise_that_is_not_poisson_is_flagged_and_widens_the_uncertainty(self, denoiser, rate, counts):
        found = denoiser(np.rint(1.8 * counts))
        assert found.noise_ratio > 1.3
        assert "times Poisson's" in found.flags[0]
        usual = denoiser(np.random.default_rng(5).poisson(1.8 * rate).astype(float))
        assert np.median(found.uncertainty / found.rate) > np.median(usual.uncertainty / usual.rate)

    def test_the_noise_ratio_of_poisson_counts_about_their_own_rate_is_one(self):
        rate = np.full((200, 200), 5.0)
        counts = np.random.default_rng(0).poisson(rate).astype(float)
        nothing = np.zeros(rate.shape, bool)
        assert noise_ratio(counts, rate, nothing) == pytest.approx(20.0 / 20.5, abs=0.05)
        assert noise_ratio(2 * counts, 2 * rate, nothing) == pytest.approx(2.0, abs=0.15)

    def test_a_sum_is_less_certain_where_neighbours_are_off_together(self, denoiser):
        apart = np.full((5, 5), 0.2)
        assert 1.0 <= denoiser.sum_uncertainty(apart) <= 5.0
        assert denoiser.sum_uncertainty(apart) == pytest.approx(np.sqrt(1.0 + denoiser.correlation * 24.0))


@pytest.mark.parametrize("name", ["denoiser-laue", "denoiser-laue-pairs", "denoiser-laue-split", "denoiser-laue-void"])
def test_uncertainties_are_as_large_as_errors_whatever_was_learnt_from(name):
    """Learnt from counts alone they are many times too small; the bundle holds what makes up for it."""
    denoiser = FrameDenoiser.load(Path(str(files("beamgym.envs.models"))) / name)
    held = []
    for index in range(3):
        scene = scene_source("laue", "test").take(5, index)
        rate = scene.rate[:256, :256].astype(float)
        mask = scene.mask[:256, :256]
        made = denoiser(np.where(mask, 0.0, np.random.default_rng(index).poisson(rate)).astype(float), mask)
        held.append((np.abs(made.rate - rate) <= made.uncertainty)[~mask].mean())
    assert 0.45 < np.mean(held) < 0.9
