"""Errors of scorers are what they are called, and every predictor is judged on the same fresh spectra."""

import sys

import numpy as np
import onnxruntime
import pytest
from scipy.stats import spearmanr

from beamgym.agents.spectra import benchmark as scorer_benchmark
from beamgym.agents.spectra import boosting as scorer_boosting
from beamgym.agents.spectra.benchmark import SCORE_BINS, Judged, best_constant, compare, errors, published_spectra
from beamgym.agents.spectra.boosting import WIDTH, as_onnx, boosting_features, train_boosting
from beamgym.agents.spectra.data import Source, make_examples
from beamgym.envs.arpes_spot.scoring import Quality, scorer_input
from beamgym.envs.bundles.checks import check_graph
from beamgym.envs.bundles.model import BundleError, OnnxModel
from beamgym.physics.arpes.recipes.recipes import generate


class TestErrors:
    def test_those_of_a_predictor_that_is_right_are_zero(self):
        total = np.linspace(0.0, 10.0, 40, dtype=np.float32)
        found = errors(total, total)
        assert (found.mae, found.mae_uniform) == (0.0, 0.0)
        assert found.mae_ci95 == found.mae_uniform_ci95 == (0.0, 0.0)
        assert found.spearman == pytest.approx(1.0)

    def test_uniform_counts_rare_scores_as_much_as_common_ones(self):
        total = np.array([6.1] * 90 + [1.1] * 10, np.float32)
        predicted = np.array([6.1] * 90 + [4.1] * 10, np.float32)
        found = errors(predicted, total)
        assert found.mae == pytest.approx(0.3, abs=1e-6)
        assert found.mae_uniform == pytest.approx(1.5, abs=1e-6), "the mean of 0 and 3"

    def test_the_best_and_worst_scores_have_bins(self):
        assert errors(np.array([1.0, 9.0], np.float32), np.array([0.0, 10.0], np.float32)).mae_uniform == 1.0
        assert SCORE_BINS == 20

    def test_intervals_hold_the_mean_about_as_often_as_they_say(self):
        """Of 60 samples of known mean error 0.8 (the mean absolute of a normal deviate), 95 % should."""
        draw, held = np.random.default_rng(0), 0
        for _ in range(60):
            off = draw.normal(size=200).astype(np.float32)
            low, high = errors(5.0 + off, np.full(200, 5.0, np.float32)).mae_ci95
            held += low <= np.sqrt(2.0 / np.pi) <= high
        assert held >= 51  # fewer once in 5,000 such tests

    def test_ranks_are_spearmans_and_a_constant_has_none(self):
        draw = np.random.default_rng(1)
        total, predicted = draw.uniform(0, 10, (2, 50)).astype(np.float32)
        assert errors(predicted, total).spearman == pytest.approx(spearmanr(predicted, total).statistic)
        constant = errors(np.full(50, 5.0, np.float32), total)
        assert constant.as_dict()["spearman"] is None

    def test_components_are_reported_where_they_are_predicted(self):
        total = np.linspace(0, 10, 20, dtype=np.float32)
        assert "components" not in errors(total, total).as_dict()
        assert errors(total, total, {"S": 0.1}).as_dict()["components"] == {"S": 0.1}


class TestSpectra:
    def test_they_are_published_ones_of_224_pixels_with_the_papers_scores(self):
        counts, truth, v2 = next(published_spectra(6, 3))
        assert v2.shape == (6,)
        assert counts.shape == (6, 224, 224)
        assert truth.shape == (6, 4)
        np.testing.assert_allclose(truth[:, 2], np.minimum(counts.sum((1, 2)) / 1e5, 1.0), rtol=1e-3)

    def test_asking_for_more_gives_the_same_first_ones_and_another_seed_gives_others(self, monkeypatch):
        monkeypatch.setattr(scorer_benchmark, "_CHUNK", 4)
        few, more = (np.concatenate([judged.counts for judged in published_spectra(n, 3)]) for n in (4, 6))
        np.testing.assert_array_equal(more[:4], few)
        assert not np.array_equal(next(published_spectra(4, 4))[0], few)

    def test_none_is_of_the_training(self):
        counts = next(published_spectra(8, 0)).counts
        trained = make_examples(0, 0, 8, (Source("published", 224, 1.0),)).image
        judged = scorer_input(counts)["image"]
        assert not (judged[:, None] == trained).all((2, 3)).any()

    def test_no_constant_is_better_than_the_best_one(self, monkeypatch):
        monkeypatch.setattr(scorer_benchmark, "_CONSTANT_SPECTRA", 128)
        monkeypatch.setattr(scorer_benchmark, "BENCHMARK_SIZE", 64)
        totals = []
        monkeypatch.setattr(scorer_benchmark, "generate", lambda *given: totals.append(generate(*given)) or totals[-1])
        best = best_constant()
        total = np.concatenate([batch.paper.total for batch in totals])
        assert len(total) == 128
        assert all(np.abs(total - best).mean() <= np.abs(total - other).mean() for other in np.linspace(0, 10, 41))


class Off:
    """A scorer, and trees, that are off by so much."""

    def __init__(self, truth, points):
        self.truth, self.points, self.seen = list(truth), points, 0

    def quality(self, counts):
        scores = self.truth.pop(0) + np.float32([0.01, 0.02, 0.0, self.points])
        return Quality(scores, np.zeros_like(scores), np.zeros(len(scores)))

    def predict(self, observation, batch):
        assert observation["features"].shape[1] == WIDTH
        return self.truth.pop(0)[:, 3:] - self.points


def test_every_predictor_is_judged_on_the_same_spectra(monkeypatch):
    counts = np.random.default_rng(0).poisson(3.0, (2, 5, 64, 64)).astype(np.float32)
    truth = np.random.default_rng(1).uniform(0, 1, (2, 5, 4)).astype(np.float32) * np.float32([1, 1, 1, 10])
    monkeypatch.setattr(scorer_benchmark, "shipped_scorer", lambda *given, **more: Off(truth, 0.25))
    monkeypatch.setattr(scorer_benchmark, "boosting", lambda: Off(truth, 0.5))
    monkeypatch.setattr(scorer_benchmark, "best_constant", lambda: 5.0)
    done = []
    found = compare([Judged(*pair) for pair in zip(counts, truth, strict=True)], done.append)
    assert done == [5, 5]
    assert list(found) == ["shipped", "gradient-boosting", "constant"]
    assert found["shipped"].mae == pytest.approx(0.25, abs=1e-5)
    assert found["shipped"].components == pytest.approx({"S": 0.01, "B": 0.02, "N": 0.0}, abs=1e-6)
    assert found["gradient-boosting"].mae == pytest.approx(0.5, abs=1e-5)
    assert found["constant"].mae == pytest.approx(np.abs(truth[:, :, 3] - 5.0).mean(), abs=1e-5)


class TestBoosting:
    def test_trees_see_the_numbers_a_coarse_picture_and_both_profiles(self):
        seen = scorer_input(np.random.default_rng(0).poisson(3.0, (3, 64, 64)))
        features = boosting_features(**seen)
        image = seen["image"]
        assert features.shape == (3, WIDTH)
        np.testing.assert_array_equal(features[:, :22], seen["intensity"])
        np.testing.assert_allclose(features[:, 22 + 8 + 1], image[:, 8:16, 8:16].mean((1, 2)), rtol=1e-6)
        np.testing.assert_allclose(features[:, 86 : 86 + 64], image.mean(2), rtol=1e-6)
        np.testing.assert_allclose(features[:, 86 + 64 :], image.mean(1), rtol=1e-6)

    def test_the_graph_answers_as_the_trees_do_on_both_sides_of_a_threshold(self):
        low, high = np.float32(0.3), np.float32(0.31)
        split = 0.25 * float(low) + 0.75 * float(high)
        leaves = [{"leaf_value": value} for value in (1.0, 2.0, 4.0)]
        inner = {"split_feature": 5, "threshold": 0.5, "left_child": leaves[1], "right_child": leaves[2]}
        root = {"split_feature": 3, "threshold": split, "left_child": leaves[0], "right_child": inner}
        graph = as_onnx({"tree_info": [{"tree_structure": root}, {"tree_structure": {"leaf_value": 10.0}}]})
        check_graph(graph)
        rows = np.zeros((4, WIDTH), np.float32)
        rows[:, 3], rows[:, 5] = [low, high, high, low], [0.0, 0.5, 0.6, 1.0]
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        np.testing.assert_array_equal(session.run(None, {"features": rows})[0][:, 0], [11.0, 12.0, 14.0, 11.0])

    def test_grown_trees_are_a_bundle_that_answers_as_they_do(self, tmp_path, monkeypatch):
        pytest.importorskip("lightgbm")
        monkeypatch.setattr(scorer_boosting, "BOOSTING_SOURCES", (Source("published", 64, 1.0),))
        monkeypatch.setattr(scorer_boosting, "TREES", 12)
        shown = []
        path = train_boosting(tmp_path / "trees", 500, 1, "beamgym train", 0, progress=lambda *what: shown.append(what))
        model = OnnxModel.load(path)
        assert model.manifest.training.steps == 512, "whole batches"
        assert shown[1] == ("spectra", 2, 2)
        assert shown[-1] == ("trees", 12, 12)
        features, totals = scorer_boosting.gather(1, 500, 0, lambda *what: None)
        off = np.abs(model.predict({"features": features}, batch=None)[:, 0] - totals).mean()
        assert off < 0.7 * np.abs(totals - np.median(totals)).mean(), "it has learnt something"
        card = (path / "CARD.md").read_text()
        assert "512 spectra" in card
        assert "12 trees" in card

    def test_without_lightgbm_the_extra_is_named_and_nothing_is_made(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "lightgbm", None)
        with pytest.raises(ValueError, match=r"pip install 'beamgym\[boosting\]'"):
            train_boosting(tmp_path / "trees", 500, 1, "beamgym train", 0)
        assert not list(tmp_path.iterdir())

    def test_the_shipped_trees_are_nearer_than_the_median(self):
        counts, truth, _ = next(published_spectra(48, 11))
        features = boosting_features(**scorer_input(counts))
        told = scorer_benchmark.boosting().predict({"features": features}, batch=None)
        total = truth[:, 3]
        assert np.abs(told[:, 0] - total).mean() < 0.5 * np.abs(total - np.median(total)).mean()

    def test_trees_are_no_scorer_of_spectra(self):
        model = scorer_benchmark.boosting()
        with pytest.raises(BundleError, match="'features' is missing"):
            model.predict(scorer_input(np.ones((1, 64, 64))))
