"""A scorer's training: it learns, stops, goes on where it was cut, and leaves a bundle that answers as it does."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from beamgym.agents.spectra import data as scorer_data
from beamgym.agents.spectra import scorer
from beamgym.agents.spectra.card import scorer_card
from beamgym.agents.spectra.config import ScorerConfig, load_scorer_config
from beamgym.agents.spectra.data import Source
from beamgym.agents.spectra.export import ScorerOrigin, export_scorer
from beamgym.agents.spectra.net import BACKBONES, ScorerNet, paper_steps
from beamgym.agents.spectra.scorer import ScorerTrainer
from beamgym.agents.training.records.run_folder import BEST, RunFolder
from beamgym.envs.arpes_spot.scoring import OUTPUTS, QualityScorer, scorer_input
from beamgym.envs.arpes_spot.scoring_kernels import FEATURES
from beamgym.envs.bundles.model import OnnxModel
from beamgym.physics.arpes.score.quality import paper_total

TINY = {"epochs": 2, "spectra_per_epoch": 256, "batch": 64, "validation": 256, "novelty": 256}
COARSE = (Source("published", 64, 0.75), Source("surface", 64, 0.25))


@pytest.fixture(autouse=True)
def coarse_spectra(monkeypatch):
    """Train on 64 x 64 spectra only, which are quick to make."""
    monkeypatch.setattr(ScorerConfig, "mixture", property(lambda self: COARSE))
    monkeypatch.setattr(ScorerConfig, "usual", property(lambda self: COARSE))


@pytest.fixture
def train(tmp_path):
    """Return a function that makes a trainer of a tiny training in a folder."""

    def make(name="run", resume=False, seed=1, **changes):
        config = ScorerConfig(**{**TINY, **changes})
        return ScorerTrainer(config, RunFolder(tmp_path / name), seed, resume, workers=0)

    return make


def weights(trainer):
    return {name: values.clone() for name, values in trainer.net.state_dict().items()}


def equal(one, two):
    return all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture
def no_novelty(monkeypatch):
    """Leave out the end of a training, where the epochs are what matters."""
    monkeypatch.setattr(scorer, "train_ood_classifier", lambda *given: None)
    monkeypatch.setattr(ScorerTrainer, "_usual_and_cut", lambda self: ())


def all_off_by(points):
    return scorer.Validation(np.full(8, points, np.float32))


def curve(trainer):
    return trainer.folder.figures()["epochs"]


class TestTraining:
    def test_it_learns(self, train, no_novelty):
        trainer = train(epochs=5, learning_rate=3e-3)
        trainer.run()
        assert curve(trainer)[-1]["loss"] < curve(trainer)[0]["loss"] - 0.5

    @pytest.mark.parametrize("fixed", [None, 256])
    def test_cut_and_resumed_it_ends_at_the_same_weights(self, train, monkeypatch, fixed):
        asked = {"fixed": fixed, "dropout": 0.2, "changes": ("flip", "speckle", "shift", "contrast")}
        whole = train("whole", **asked)
        whole.run()
        cut, note = train("cut", **asked), ScorerTrainer._note

        def cut_after_one(self, *given):
            note(self, *given)
            raise KeyboardInterrupt

        monkeypatch.setattr(ScorerTrainer, "_note", cut_after_one)
        with pytest.raises(KeyboardInterrupt):
            cut.run()
        monkeypatch.setattr(ScorerTrainer, "_note", note)
        again = train("cut", resume=True, **asked)
        assert again.epoch == 1
        again.run()
        assert equal(weights(whole), weights(again))
        assert curve(whole) == curve(again)

    def test_another_seed_gives_another_network(self, train):
        one, two = train("one", epochs=1), train("two", epochs=1, seed=2)
        assert not equal(weights(one), weights(two))

    def test_it_stops_when_validation_has_not_improved_for_a_while(self, train, monkeypatch, no_novelty):
        trainer = train(epochs=9, patience=2)
        found = iter([3.0, 2.0, 2.5, 2.0, 1.0])
        monkeypatch.setattr(
            trainer, "validate", lambda examples: scorer.Validation(np.full(8, next(found), np.float32))
        )
        trainer.run()
        assert trainer.epoch == 4
        assert trainer.best == 4.0, "both totals of the second epoch"

    def test_the_best_epochs_weights_are_kept(self, train, monkeypatch, no_novelty):
        trainer = train(epochs=3)
        found = iter([1.0, 2.0, 3.0, 0.0])
        monkeypatch.setattr(
            trainer, "validate", lambda examples: scorer.Validation(np.full(8, next(found), np.float32))
        )
        trainer.run()
        best = trainer.folder.load(BEST)["net"]
        assert all(torch.equal(trainer.net.state_dict()[name], best[name]) for name in best if "backbone" in name)
        assert not equal(trainer.folder.load()["net"], best), "the last epoch's are others"

    def test_on_a_plateau_the_learning_rate_falls(self, train, monkeypatch, no_novelty):
        trainer = train(epochs=4, schedule="plateau", plateau=(0, 0.2), learning_rate=0.01, patience=9)
        monkeypatch.setattr(trainer, "validate", lambda examples: scorer.Validation(np.ones(8, np.float32)))
        trainer.run()
        assert [row["learning_rate"] for row in curve(trainer)] == pytest.approx([0.01, 0.002, 0.0004, 0.00008])

    def test_a_fixed_set_is_made_once_and_seen_in_a_new_order_each_time(self, train, monkeypatch):
        trainer = train(fixed=256, batch=128)
        batches = trainer._batches()
        rounds = [np.concatenate([next(batches).labels for _ in range(2)]) for _ in range(2)]
        np.testing.assert_array_equal(np.sort(rounds[0], axis=0), np.sort(rounds[1], axis=0))
        assert not np.array_equal(*rounds)
        made = []
        real = scorer_data.make_examples
        monkeypatch.setattr(scorer_data, "make_examples", lambda *given: made.append(given) or real(*given))
        more = train("more", fixed=256, batch=128)._batches()
        for _ in range(6):
            next(more)
        assert len(made) == 2

    def test_unknown_labels_pull_at_nothing(self, train):
        trainer = train(changes=())
        examples = scorer_data.make_examples(1, 0, 64, (Source("surface", 64, 1.0),))
        other = dataclasses.replace(examples, labels=np.where(examples.known, examples.labels, 99.0).astype(np.float32))
        second = train("other", changes=())
        assert trainer._train_batch(examples) == second._train_batch(other)
        assert equal(weights(trainer), weights(second))

    @pytest.mark.parametrize("loss", ["laplace", "mse"])
    def test_a_resnet50_takes_a_step(self, train, loss):
        trainer = train(backbone="resnet50", dropout=0.3, loss=loss, batch=16)
        before = weights(trainer)
        trainer.net.train()
        assert np.isfinite(trainer._train_batch(scorer_data.make_examples(1, 0, 16, COARSE)))
        assert not torch.equal(before["backbone.0.0.weight"], trainer.net.backbone[0][0].weight)

    def test_a_folder_of_another_training_is_refused(self, train):
        train()
        with pytest.raises(ValueError, match="add --resume"):
            train()
        with pytest.raises(ValueError, match="another configuration or seed"):
            train(resume=True, seed=5)
        with pytest.raises(ValueError, match="no training to resume"):
            train("nowhere", resume=True)


class TestTheNetwork:
    @pytest.mark.parametrize("backbone", BACKBONES)
    def test_it_answers_within_the_scores(self, backbone):
        torch.manual_seed(0)
        net = ScorerNet(backbone).eval()
        seen = scorer_input(np.random.default_rng(0).poisson(3.0, (5, 64, 64)))
        with torch.no_grad():
            out = net(*map(torch.from_numpy, seen.values())).numpy()
        assert out.shape == (5, OUTPUTS)
        assert (out >= 0.0).all()
        assert (out[:, [3, 7]] <= 10.0).all()
        assert (out[:, [0, 1, 2, 4, 5, 6]] <= 1.0).all()
        np.testing.assert_allclose(out[:, [2, 6]], seen["intensity"][:, [1, 1]], rtol=1e-6)

    def test_a_resnet50_has_the_papers_number_of_weights(self):
        """He et al. give 25.6 million with 1,000 classes (2.05 million) and three colours (two more, 6,272)."""
        weights = sum(part.numel() for part in ScorerNet("resnet50").backbone.parameters())
        assert weights == 25_557_032 - 2_049_000 - 6_272

    def test_its_papers_total_is_the_papers_of_its_components(self):
        draw = np.random.default_rng(0)
        s, b, n = draw.uniform(0, 1, (3, 5000)).astype(np.float32)
        n[:500] = 1.0
        ours = paper_steps(torch.from_numpy(np.column_stack([s, b, n])))[:, 0]
        np.testing.assert_allclose(ours, paper_total(1e3, s, b, n), atol=1e-5)

    def test_an_unknown_backbone_is_refused_with_those_there_are(self):
        with pytest.raises(ValueError, match="'resnet18'; choose one of small, resnet50"):
            ScorerNet("resnet18")

    def test_novelty_is_one_at_the_quantile_asked_for(self):
        torch.manual_seed(0)
        net = ScorerNet().eval()
        last = torch.randn(4000, 128) @ torch.diag(torch.linspace(3.0, 0.1, 128))
        net.calibrate_ood(last, 0.99)
        far = ((last - net.centre) @ net.whitening.T).square().sum(1).sqrt()
        assert (far > 1.0).float().mean() == pytest.approx(0.01, abs=0.002)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScorerConfig, "mixture", property(lambda self: COARSE))
        patch.setattr(ScorerConfig, "usual", property(lambda self: COARSE))
        trainer = ScorerTrainer(ScorerConfig(**TINY), RunFolder(folder / "run"), 1, workers=0)
        found = trainer.run()
        origin = ScorerOrigin("beamgym train arpes-scorer --seed 1", "small, laplace", 1, 512)
        card = scorer_card(trainer, found, origin.command)
    return trainer, found, export_scorer(trainer.net, folder / "mine", origin, card)


class TestTheBundle:
    def test_it_answers_as_the_network_does(self, trained):
        trainer, _, path = trained
        seen = scorer_input(np.random.default_rng(7).poisson(9.0, (6, 80, 100)))
        with torch.no_grad():
            ours = trainer.net.eval()(*map(torch.from_numpy, seen.values())).numpy()
        np.testing.assert_allclose(OnnxModel.load(path).predict(seen, batch=None), ours, atol=1e-4)

    def test_it_is_a_scorer_and_says_where_it_comes_from(self, trained):
        _, _, path = trained
        manifest = QualityScorer.load(path).model.manifest
        assert manifest.kind == "scorer"
        assert manifest.training.command == "beamgym train arpes-scorer --seed 1"
        assert manifest.training.steps == 512
        assert manifest.observation_space["intensity"].shape == (FEATURES,)

    def test_its_card_says_what_a_person_should_know(self, trained):
        trainer, found, path = trained
        card = (path / "CARD.md").read_text()
        weights = sum(part.numel() for part in trainer.net.parameters())
        for word in (
            "small backbone", f"{weights:,} parameters", "512 spectra", "75% published at 64²", "25% surface at 64²",
            "seed 1", "`beamgym train arpes-scorer --seed 1`", f"{found.paper:.3f}", f"{found.v2:.3f}", "Not for",
        ):  # fmt: skip
            assert word in card

    def test_a_bundle_that_is_there_is_kept_unless_it_may_be_replaced(self, trained):
        trainer, _, path = trained
        before = (path / "policy.onnx").read_bytes()
        origin = ScorerOrigin("beamgym train", "small", 1, 1)
        with pytest.raises(ValueError, match="exists"):
            export_scorer(trainer.net, path, origin, "card")
        assert (path / "policy.onnx").read_bytes() == before
        assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


class TestTheConfiguration:
    def test_the_shipped_ones_are_the_shipped_network_the_papers_and_the_fixed_set(self):
        assert load_scorer_config() == ScorerConfig()
        folder = Path(scorer.__file__).parents[1] / "configs"
        paper = load_scorer_config(f"{folder}/arpes-scorer-paper.yml")
        assert (paper.backbone, paper.loss, paper.schedule, paper.plateau) == ("resnet50", "mse", "plateau", (5, 0.2))
        assert load_scorer_config(f"{folder}/arpes-scorer-fixed.yml").fixed == 50_000

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("backbone: resnet18", "backbone: Input should be 'small' or 'resnet50'"),
            ("epoch: 3", "epoch: Extra inputs are not permitted"),
            ("learning_rate: -1", "learning_rate: Input should be greater than 0"),
            ("changes: [turn]", "changes.0: Input should be"),
            ("epochs: [", "cannot be read as YAML"),
            ("- 3", "valid dictionary"),
        ],
    )
    def test_what_is_wrong_is_named_in_one_line(self, tmp_path, text, says):
        (tmp_path / "mine.yml").write_text(text)
        with pytest.raises(ValueError, match=r"mine\.yml") as caught:
            load_scorer_config(tmp_path / "mine.yml")
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_file_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(ValueError, match=r"nowhere\.yml cannot be read"):
            load_scorer_config(tmp_path / "nowhere.yml")
