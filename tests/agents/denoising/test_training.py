"""Regimes make the batches they say, networks answer every pixel, a training resumes, a bundle answers as it did."""

import numpy as np
import pytest
import torch

from beamgym.agents.denoising import DenoiserConfig, DenoiserTrainer, Frames, finish, load_denoiser_config
from beamgym.agents.denoising.data import make_batch
from beamgym.agents.denoising.losses import poisson_loss, published_loss
from beamgym.agents.denoising.nets import make_network
from beamgym.agents.training import RunFolder
from beamgym.envs.denoising import FrameDenoiser

RATE = np.random.default_rng(0).gamma(3.0, 1.0, (3, 48, 56)) * 2.0
NONE = tuple(np.zeros(RATE.shape[1:], bool) for _ in RATE)
TINY = DenoiserConfig(scene="own", regime="split", side=32, batch=4, steps=3, epochs=2, width=6, frames=3)


def frames(counted=True, second=()):
    first = np.random.default_rng(1).poisson(RATE).astype(float) if counted else RATE
    return Frames(tuple(first), NONE, counted, second)


class TestRegimes:
    def test_a_batch_depends_on_seed_and_number_only(self):
        one, two = (make_batch(frames(), TINY, 5, 7) for _ in range(2))
        assert np.array_equal(one.given, two.given)
        assert not np.array_equal(one.given, make_batch(frames(), TINY, 5, 8).given)

    def test_split_patches_add_up_to_a_counted_one_and_are_scaled_by_their_shares(self):
        batch = make_batch(frames(), TINY.model_copy(update={"batch": 64}), 0, 0)
        whole = batch.given + batch.target
        assert (whole == np.rint(whole)).all()
        share = 1.0 / (1.0 + batch.scale[:, 0, 0])
        assert ((share >= 0.4) & (share <= 0.9)).all()
        assert batch.given.sum((1, 2)) / whole.sum((1, 2)) == pytest.approx(share, abs=0.04)

    def test_noise2void_judges_hidden_pixels_alone(self):
        batch = make_batch(frames(), TINY.model_copy(update={"regime": "noise2void"}), 0, 0)
        changed = batch.given != batch.target
        assert changed.any()
        assert (batch.weight[changed] == 1.0).all()
        assert 0.01 < batch.weight.mean() < 0.06

    def test_noise2noise_shows_two_frames_and_noise2truth_the_rate(self):
        two = make_batch(frames(False), TINY.model_copy(update={"regime": "noise2noise"}), 0, 0)
        assert (two.target == np.rint(two.target)).all()
        assert not np.array_equal(two.given, two.target)
        truth = make_batch(frames(False), TINY.model_copy(update={"regime": "noise2truth"}), 0, 0)
        assert not (truth.target == np.rint(truth.target)).all()
        assert truth.given.mean() == pytest.approx(truth.target.mean(), rel=0.05)

    def test_pairs_are_scaled_by_their_counts(self):
        second = tuple(np.random.default_rng(2).poisson(10.0 * RATE).astype(float))
        batch = make_batch(frames(second=second), TINY.model_copy(update={"regime": "noise2noise"}), 0, 0)
        assert batch.scale.ravel() == pytest.approx(10.0, rel=0.05)

    def test_masked_pixels_judge_nothing(self):
        mask = np.zeros(RATE.shape[1:], bool)
        mask[:, 20:] = True
        batch = make_batch(Frames(frames().first, (mask,) * 3, True), TINY, 0, 0)
        assert 0.3 < (batch.weight == 0.0).mean() < 1.0
        assert (batch.given[batch.weight == 0.0] == 0.0).all()


class TestNetworks:
    @pytest.mark.parametrize("name", ["small", "vdsr", "irunet"])
    def test_every_network_answers_rate_and_spread_of_every_pixel(self, name):
        torch.manual_seed(0)
        counts = torch.poisson(torch.full((2, 32, 40), 3.0))
        answer = make_network(name, 8)(counts)
        assert answer.shape == (2, 2, 32, 40)
        assert torch.isfinite(answer).all()

    def test_the_published_shapes_have_their_sizes(self):
        assert make_network("vdsr").size == pytest.approx(20 * 64 * 64 * 9, rel=0.12)
        with pytest.raises(ValueError, match="unknown network 'resnet'"):
            make_network("resnet")


class TestLosses:
    def test_the_poisson_loss_is_least_at_the_mean(self):
        counts = torch.poisson(torch.full((1, 64, 64), 4.0))
        ones, scale = torch.ones_like(counts), torch.ones(1, 1, 1)

        def loss(log_rate, log_spread=-1.0):
            answer = torch.stack([ones * log_rate, ones * log_spread], 1)
            return float(poisson_loss(answer, counts, scale, ones, False))

        best = float(torch.log(counts.mean()))
        assert loss(best) < min(loss(best - 0.1), loss(best + 0.1))

    def test_the_spread_is_learnt_from_counts(self):
        """Rates gamma-distributed by 30 % about the answer: the likelihood is best near a spread of 0.3."""
        draw = torch.Generator().manual_seed(0)
        truth = torch.from_numpy(np.random.default_rng(0).gamma(1 / 0.09, 0.09, (1, 200, 200)) * 20.0).float()
        counts = torch.poisson(truth, generator=draw)
        ones = torch.ones_like(counts)

        def loss(spread, target, known):
            answer = torch.stack([ones * np.log(20.0), ones * np.log(spread)], 1)
            return float(poisson_loss(answer, target, torch.ones(1, 1, 1), ones, known))

        for target, known in ((counts, False), (truth, True)):
            assert loss(0.3, target, known) < min(loss(0.2, target, known), loss(0.45, target, known))

    def test_the_published_loss_vanishes_for_the_truth(self):
        target = torch.rand(2, 32, 32) * 5.0 + 0.1
        answer = torch.stack([torch.log(target), torch.zeros_like(target)], 1)
        ones, scale = torch.ones_like(target), torch.ones(2, 1, 1)
        assert float(published_loss(answer, target, scale, ones)) == pytest.approx(0.0, abs=1e-4)
        answer[:, 0] += 0.5
        assert float(published_loss(answer, target, scale, ones)) > 0.05


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("denoiser")
    trainer = DenoiserTrainer(TINY, RunFolder(folder / "run"), 3, frames=frames())
    trainer.run()
    return trainer, folder


class TestTraining:
    def test_a_training_that_was_cut_ends_as_one_that_was_not(self, trained, tmp_path):
        trainer, _ = trained
        half = DenoiserTrainer(TINY, RunFolder(tmp_path), 3, frames=frames())
        losses = [half.trained_epoch()]
        half.note(_Nothing(), {"loss": losses[0], **half.validated()})
        again = DenoiserTrainer(TINY, RunFolder(tmp_path), 3, resume=True, frames=frames())
        again.run()
        for one, two in zip(trainer.net.parameters(), again.net.parameters(), strict=True):
            assert torch.equal(one, two)

    def test_a_bundle_answers_as_the_network_does(self, trained):
        trainer, folder = trained
        path = finish(trainer, folder / "mine", "beamgym denoise frames.h5 --train-on-this")
        found = FrameDenoiser.load(path)
        assert found.scene == "own"
        assert "split" in found.model.manifest.training.algorithm
        assert found(frames().first[0]).rate.shape == RATE.shape[1:]
        assert sum(part.stat().st_size for part in path.iterdir()) < 1_000_000

    def test_frames_smaller_than_the_patches_are_refused(self, tmp_path):
        small = Frames((np.ones((20, 40)),), (np.zeros((20, 40), bool),), True)
        with pytest.raises(ValueError, match="smaller than the patches"):
            DenoiserTrainer(TINY, RunFolder(tmp_path), frames=small)

    def test_configurations_are_checked(self, tmp_path):
        assert load_denoiser_config("denoiser-laue-split").regime == "split"
        with pytest.raises(ValueError, match="unknown denoiser 'denoiser-raman'"):
            load_denoiser_config("denoiser-raman")
        wrong = tmp_path / "a.yml"
        wrong.write_text("regime: noise2nothing\n")
        with pytest.raises(ValueError, match=r"a\.yml: regime"):
            load_denoiser_config("denoiser-laue", wrong)


class _Nothing:
    def add_scalar(self, name, value, step):
        """Write nothing."""
