"""Trees that predict components: 101 features, the formula behind them, and ONNX of several targets."""

import numpy as np
import onnxruntime
import pytest

from beamgym.agents.composed.rivals import FEATURES, gather, rival_features, rival_scores, train_rival
from beamgym.agents.spectra import trees_as_onnx
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.arpes.score import paper_total
from beamgym.physics.counter_rng import make_keys


def batch(size, spectra=6):
    return generate("published", make_keys(3, np.arange(spectra)), recipe_grid((size, size)))


def test_every_grid_has_101_features_that_look_alike():
    coarse, fine = (rival_features(batch(size).counts) for size in (64, 224))
    assert coarse.shape == fine.shape == (6, FEATURES)
    assert np.isfinite(coarse).all()
    profile = slice(22, 38)
    assert np.corrcoef(coarse[:, profile].ravel(), fine[:, profile].ravel())[0, 1] > 0.98


def test_true_components_give_the_true_total_on_any_grid():
    for size in (64, 224):
        made = batch(size)
        told = np.stack([made.paper.sharpness, made.paper.background, np.log(made.v2.feature)], 1)
        scores = rival_scores(made.counts, told)
        counted = np.minimum(made.counts.sum((1, 2), dtype=np.float64) / 1e5, 1.0)
        assert scores[:, 3] == pytest.approx(
            paper_total(made.paper.feature, made.paper.sharpness, made.paper.background, counted)
        )


def test_labels_are_those_of_the_spectra():
    features, labels = gather(0, 64, lambda phase, done, total: None)
    assert features.shape == (256, FEATURES)
    assert labels.shape == (256, 3)
    assert ((labels[:, :2] >= 0.0) & (labels[:, :2] <= 1.0)).all()


def test_trees_of_two_targets_are_told_apart():
    leaf = {"leaf_value": 1.0}
    below, above = {"leaf_value": 2.0}, {"leaf_value": 5.0}
    split = {"split_feature": 1, "threshold": 0.5, "left_child": below, "right_child": above}
    dumps = [{"tree_info": [{"tree_structure": leaf}] * 2}, {"tree_info": [{"tree_structure": split}]}]
    graph = trees_as_onnx(dumps, 3).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found = session.run(None, {"features": np.array([[0, 0, 0], [0, 1, 0]], np.float32)})[0]
    assert found.tolist() == [[2.0, 2.0], [2.0, 5.0]]


def test_growing_needs_lightgbm(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    with pytest.raises(ValueError, match="beamgym\\[boosting\\]"):
        train_rival(tmp_path / "trees", 256, 0, "command")
