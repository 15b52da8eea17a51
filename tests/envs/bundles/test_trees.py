"""Trees are run when they are whole: whatever leads back, out or nowhere is refused before a runtime sees it."""

import hashlib
import json

import numpy as np
import onnx
import onnxruntime
import pytest
from gymnasium import spaces
from onnx import TensorProto, helper

from beamgym.envs.bundles.checks import check_graph
from beamgym.envs.bundles.manifest import SpaceSpec
from beamgym.envs.bundles.model import BundleError, OnnxModel
from beamgym.envs.bundles.sizes import cost_of

LISTED = ("policy.onnx", "reference.npz", "CARD.md")

# x0 <= 0.5 ? (x2 <= -1 ? 1 : 2) : 4, plus a tree of one leaf
COLUMNS = {
    "nodes_treeids": [0, 0, 0, 0, 0, 1],
    "nodes_nodeids": [0, 1, 2, 3, 4, 0],
    "nodes_featureids": [0, 2, 0, 0, 0, 0],
    "nodes_modes": ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF", "LEAF"],
    "nodes_values": [0.5, -1.0, 0.0, 0.0, 0.0, 0.0],
    "nodes_truenodeids": [1, 3, 0, 0, 0, 0],
    "nodes_falsenodeids": [2, 4, 0, 0, 0, 0],
    "target_treeids": [0, 0, 0, 1],
    "target_nodeids": [2, 3, 4, 0],
    "target_ids": [0, 0, 0, 0],
    "target_weights": [4.0, 1.0, 2.0, 10.0],
}


def reference(seen):
    left = np.where(seen[:, 2] <= -1.0, 1.0, 2.0)
    return (np.where(seen[:, 0] <= 0.5, left, 4.0) + 10.0)[:, None].astype(np.float32)


def seen(n=200):
    return np.random.default_rng(0).uniform(-2, 2, (n, 3)).astype(np.float32)


def forest(domain="ai.onnx.ml", version=3, given="features", before=(), more=(), **changes):
    columns = {name: values for name, values in {**COLUMNS, "n_targets": 1, **changes}.items() if values is not None}
    trees = helper.make_node("TreeEnsembleRegressor", [given], ["scores"], domain=domain, **columns)
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3])]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 1])]
    graph = helper.make_graph([*before, trees, *more], "trees", inputs, outputs)
    versions = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", version)]
    return helper.make_model(graph, opset_imports=versions, ir_version=9)


@pytest.fixture
def bundle(tmp_path):
    """Return a function that writes a scorer's bundle around a graph."""
    folder = tmp_path / "trees"
    folder.mkdir()

    def write(model):
        (folder / "policy.onnx").write_bytes(model.SerializeToString())
        np.savez(folder / "reference.npz", **{"observation/features": seen(), "action": reference(seen())})
        (folder / "CARD.md").write_text("# trees")
        content = {
            "kind": "scorer",
            "beamgym_version": "0.1.0",
            "env_id": "beamgym/ArpesSpot-v0",
            "observation_space": {"features": SpaceSpec.of(spaces.Box(-2, 2, (3,), np.float32)).model_dump()},
            "action_space": SpaceSpec.of(spaces.Box(0, 20, (1,), np.float32)).model_dump(),
            "units": {},
            "encoder": {"name": "scoring"},
            "normaliser": "none",
            "training": {"command": "beamgym train", "algorithm": "trees", "seeds": [0, 0]},
            "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in LISTED},
        }
        (folder / "manifest.json").write_text(json.dumps(content))
        return folder

    return write


def test_whole_trees_are_read_and_answer_as_their_reference(bundle):
    model = OnnxModel.load(bundle(forest()))
    np.testing.assert_array_equal(model.predict({"features": seen()}, batch=None), reference(seen()))


def test_the_work_of_trees_is_counted_for_every_row():
    one, many = (cost_of(forest(), rows) for rows in (1, 100))
    assert one.operations >= 6, "no more comparisons than nodes"
    assert many.operations == 100 * one.operations


def changed(name, place, value):
    values = list(COLUMNS[name])
    values[place] = value
    return {name: values}


SPOILT = {
    "leads back to the root": changed("nodes_truenodeids", 1, 0),
    "leads to itself": changed("nodes_falsenodeids", 1, 1),
    "leads out of its tree": changed("nodes_falsenodeids", 0, 5),
    "leads far out": changed("nodes_falsenodeids", 0, 2**30),
    "leads below zero": changed("nodes_falsenodeids", 0, -1),
    "two ways to a node": changed("nodes_falsenodeids", 0, 3),
    "looks beyond the features": changed("nodes_featureids", 1, 3),
    "a leaf looks beyond the features": changed("nodes_featureids", 2, 2**20),
    "looks before the features": changed("nodes_featureids", 1, -1),
    "a number that overflows": changed("nodes_featureids", 1, 2**32),
    "another target": changed("target_ids", 1, 1),
    "a weight for a branch": changed("target_nodeids", 0, 1),
    "a weight for a node that is not there": changed("target_nodeids", 0, 9),
    "a weight for a tree that is not there": changed("target_treeids", 3, 2),
    "NaN in a threshold": changed("nodes_values", 0, float("nan")),
    "infinity in a weight": changed("target_weights", 0, float("inf")),
    "another comparison": changed("nodes_modes", 0, "BRANCH_GT"),
    "nodes out of order": changed("nodes_nodeids", 1, 2),
    "a tree left out": changed("nodes_treeids", 5, 2),
    "a list too short": {"nodes_values": [0.5]},
    "a weight too few": {"target_weights": [4.0, 1.0, 2.0]},
    "no target": {"n_targets": 0},
    "a billion targets": {"n_targets": 10**9},
    "another sum": {"aggregate_function": "MAX"},
    "an offset": {"base_values": [1.0]},
    "a tensor": {"nodes_values_as_tensor": helper.make_tensor("v", TensorProto.DOUBLE, [1], [0.0])},
    "no modes": {"nodes_modes": None},
    "whole numbers in the modes' place": {"nodes_modes": [0, 0, 0, 0, 0, 0]},
}


@pytest.mark.parametrize("fault", SPOILT)
def test_trees_that_are_not_whole_are_refused_before_the_runtime_sees_them(bundle, monkeypatch, fault):
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *given, **more: pytest.fail("a runtime was started"))
    with pytest.raises(BundleError) as caught:
        OnnxModel.load(bundle(forest(**SPOILT[fault])))
    assert "tree" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_trees_without_a_node_are_refused():
    model = forest()
    for entry in model.graph.node[0].attribute:
        for part in (entry.ints, entry.floats, entry.strings):
            del part[:]
    with pytest.raises(ValueError, match="every node needs an entry"):
        check_graph(model)


def test_the_canary_of_these_tests_works(bundle, monkeypatch):
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *given, **more: pytest.fail("a runtime was started"))
    with pytest.raises(pytest.fail.Exception):
        OnnxModel.load(bundle(forest()))


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: forest(version=5), "version 5"),
        (lambda: forest(domain="com.example"), "'com.example'"),
        (lambda: forest(domain=""), "operator TreeEnsembleRegressor is not run"),
        (lambda: forest(given="doubled", before=[helper.make_node("Add", ["features"] * 2, ["doubled"])]), "looks at"),
        (lambda: forest(more=list(second_forest())), "2 tree ensembles"),
        (lambda: forest(more=[helper.make_node("Scaler", ["scores"], ["x"], domain="ai.onnx.ml")]), "Scaler"),
    ],
)
def test_nothing_else_of_that_domain_is_run_and_trees_look_at_the_observation_only(made, says):
    with pytest.raises(ValueError, match=says):
        check_graph(made())


def second_forest():
    node = onnx.NodeProto()
    node.CopyFrom(forest().graph.node[0])
    node.output[0] = "again"
    yield node


def test_more_nodes_than_are_run_are_refused_before_they_are_walked():
    count = 2**18 + 1
    leaves = {"nodes_modes": ["LEAF"] * count, "nodes_treeids": list(range(count))}
    with pytest.raises(ValueError, match="at most 262144 are run"):
        check_graph(forest(**leaves, nodes_nodeids=[0] * count))
