"""A training of a few steps: batches are reproducible, worse spectra are labelled worse, bundles score."""

import numpy as np
import pytest
import torch

from beamgym.agents.composed import composed_card, export_composed
from beamgym.agents.composed.calibration import calibrate
from beamgym.agents.composed.config import ComposedConfig, load_composed_config
from beamgym.agents.composed.data import KINDS, make_pairs, mixed
from beamgym.agents.composed.loss import pair_loss, single_loss
from beamgym.agents.composed.net import ComposedNet, v2_points
from beamgym.agents.composed.ood_training import train_window_ood
from beamgym.agents.composed.trainer import ComposedTrainer, inputs
from beamgym.agents.spectra import ScorerOrigin
from beamgym.agents.training import RunFolder
from beamgym.envs.arpes_spot import ComposedScorer, QualityScorer, load_scorer
from beamgym.envs.bundles import BundleError
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.arpes.score import v2_total
from beamgym.physics.counter_rng import make_keys

TINY = ComposedConfig(
    widths=(4, 6, 8, 10), epochs=2, spectra_per_epoch=256, batch=64, validation=256, ladder_spectra=2, calibration=256
)


def nothing(phase, done, total):
    """Show no progress."""


@pytest.fixture(scope="module")
def pairs():
    return make_pairs(0, 3, 128)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("composed")
    trainer = ComposedTrainer(TINY, RunFolder(folder / "run"), seed=1, workers=0)
    trainer.run()
    calibrate(trainer.net, 256, nothing)
    train_window_ood(trainer.net, 256, 0, nothing)
    origin = ScorerOrigin("beamgym train", "composed", 1, 512)
    return export_composed(trainer.net, folder / "bundle", origin, composed_card(trainer, "beamgym train")), trainer


class TestData:
    def test_a_batch_is_the_same_again(self, pairs):
        again = make_pairs(0, 3, 128)
        assert np.array_equal(again.image, pairs.image)
        assert np.array_equal(again.labels, pairs.labels)

    def test_the_worse_of_a_pair_is_worse_where_it_should_be(self, pairs):
        better, worse = pairs.labels[: pairs.pairs], pairs.labels[pairs.pairs : 2 * pairs.pairs]
        blur, buried = (pairs.kind == KINDS.index(kind) for kind in ("blur", "background"))
        assert (better[blur][:, [0, 2]] >= worse[blur][:, [0, 2]]).all()
        assert (better[buried][:, 3] > worse[buried][:, 3]).all()
        assert np.array_equal(better[buried][:, 2], worse[buried][:, 2])

    def test_electrons_stay_but_in_thinning(self, pairs):
        log_electrons = pairs.numbers[:, 0] * 6.0
        change = log_electrons[: pairs.pairs] - log_electrons[pairs.pairs : 2 * pairs.pairs]
        thin = pairs.kind == KINDS.index("thinning")
        assert np.abs(change[~thin]).max() < 0.15
        assert (change[thin] > 0.0).all()

    def test_scores_of_surfaces_by_the_paper_are_unknown(self, pairs):
        single = pairs.known[2 * pairs.pairs :]
        assert not single[0, :2].any()
        assert single[-1].all()

    def test_a_second_look_has_the_same_pairs_and_singles_in_other_batches(self, pairs):
        batches = [pairs, make_pairs(0, 4, 128)]
        again = list(mixed(batches, 0, 2, 1))
        assert [len(batch) for batch in again] == [len(batch) for batch in batches]

        def together(parts):
            n = parts[0].pairs
            both = [np.hstack([b.labels[:n], b.labels[n : 2 * n], b.numbers[:n], b.kind[:, None]]) for b in parts]
            alone = [b.image[2 * n :].reshape(-1, 64 * 64) for b in parts]
            return [np.unique(np.concatenate(part), axis=0) for part in (both, alone)]

        for one, other in zip(together(batches), together(again), strict=True):
            assert np.array_equal(one, other)
        assert not np.array_equal(again[0].labels, pairs.labels)


class TestLoss:
    def test_the_torch_total_is_the_formulas(self):
        draw = np.random.default_rng(0)
        s, b, n = draw.uniform(0.0, 1.0, (3, 500))
        f = draw.uniform(0.1, 20.0, 500)
        told = v2_points(*(torch.from_numpy(part).float() for part in (s, b, n, np.log(f))))
        assert told.numpy() == pytest.approx(v2_total(f, s, b, n), abs=1e-4)

    def test_what_is_right_costs_less_than_what_runs_backwards(self, pairs):
        _, _, numbers = inputs(pairs)
        labels, known = torch.from_numpy(pairs.labels), torch.from_numpy(pairs.known).float()
        n = pairs.pairs
        turned = torch.cat([labels[n : 2 * n], labels[:n], labels[2 * n :]])
        right, wrong = (float(pair_loss(x, numbers[:, 1], labels, known, n)) for x in (labels, turned))
        assert right < 0.5 * wrong
        wide = torch.full_like(labels, 0.05)
        assert float(single_loss(labels, wide, labels, known)) < float(single_loss(turned, wide, labels, known))


class TestTraining:
    @pytest.mark.slow
    def test_it_goes_on_where_it_was_cut(self, tmp_path):
        whole = ComposedTrainer(TINY, RunFolder(tmp_path / "whole"), seed=2, workers=0)
        whole.run()
        cut = ComposedTrainer(TINY, RunFolder(tmp_path / "cut"), seed=2, workers=0)
        cut._note, noted = lambda writer, figures: (noted(writer, figures), setattr(cut, "since_best", 99)), cut._note
        cut.run()
        assert cut.epoch == 1
        rest = ComposedTrainer(TINY, RunFolder(tmp_path / "cut"), seed=2, resume=True, workers=0)
        rest.since_best = 0
        rest.run()
        for one, two in zip(whole.net.state_dict().values(), rest.net.state_dict().values(), strict=True):
            assert torch.equal(one, two)

    def test_a_bundle_scores_with_every_component(self, bundle):
        path, _ = bundle
        counts = generate("published", make_keys(9, np.arange(5)), recipe_grid((96, 80))).counts
        for definition in ("paper", "v2"):
            quality = load_scorer(path, definition, mirrored=True).quality(counts)
            assert quality.scores.shape == quality.uncertainty.shape == (5, 4)
            assert quality.scores[:, 2] == pytest.approx(np.minimum(counts.sum((1, 2)) / 1e5, 1.0), rel=1e-4)
            assert quality.feature.shape == quality.feature_uncertainty.shape == (5,)
            low, high, least, most = np.moveaxis(quality.bounds, 2, 0)
            assert ((least <= low) & (low <= high) & (high <= most)).all()

    def test_energies_are_honoured(self, bundle):
        scorer = ComposedScorer.load(bundle[0])
        counts = generate("published", make_keys(9, np.arange(2)), recipe_grid((96, 80))).counts
        energy = np.linspace(-0.55, 0.15, 96)
        said, unsaid = scorer.quality(counts, energy), scorer.quality(counts)
        assert said.scores == pytest.approx(unsaid.scores, abs=0.5)
        assert not np.allclose(scorer.quality(counts, energy - 0.2).scores, said.scores, atol=1e-4)

    def test_each_loader_refuses_the_others_bundle(self, bundle):
        with pytest.raises(BundleError, match="load_scorer"):
            QualityScorer.load(bundle[0])
        assert isinstance(load_scorer(bundle[0]), ComposedScorer)

    def test_its_scorer_serves_as_the_older_does(self, bundle):
        counts = np.random.default_rng(0).poisson(2.0, (9, 64, 64)).astype(np.float32)
        scorer = ComposedScorer.load(bundle[0])
        assert scorer(counts) == pytest.approx(scorer.quality(counts).scores, abs=1e-5)


class TestNet:
    def test_calibrated_levels_hold_what_they_say(self, bundle):
        _, trainer = bundle
        held = make_pairs(77, 0, 512)
        with torch.no_grad():
            values = trainer.net(*inputs(held))[:, :-1].reshape(len(held), 5, 9).numpy()
        inside = (held.labels >= values[:, :, 2]) & (held.labels <= values[:, :, 6])
        assert inside[held.known].mean() == pytest.approx(0.68, abs=0.12)

    def test_rows_that_were_not_measured_do_not_matter(self):
        net = ComposedNet((4, 6, 8, 10)).eval()
        image, seen = torch.rand(2, 64, 64), torch.ones(2, 64)
        seen[:, :20] = 0.0
        other = image.clone()
        other[:, :20] = 5.0
        numbers = torch.rand(2, 22)
        with torch.no_grad():
            assert torch.equal(net.heads(image, seen, numbers)[0], net.heads(other, seen, numbers)[0])


class TestConfig:
    def test_the_shipped_one_is_the_default(self):
        assert load_composed_config() == ComposedConfig()

    def test_an_unknown_key_is_named(self, tmp_path):
        (tmp_path / "mine.yml").write_text("epoch: 3\n")
        with pytest.raises(ValueError, match=r"mine.yml: epoch"):
            load_composed_config(tmp_path / "mine.yml")
