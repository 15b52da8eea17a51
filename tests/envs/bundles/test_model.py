"""A bundle is read only when every check passes, and each refusal is one line that names what is wrong."""

import hashlib
import json

import numpy as np
import onnx
import pytest
from gymnasium import spaces
from onnx import TensorProto, helper, numpy_helper

from beamgym.envs.bundles.manifest import SpaceSpec
from beamgym.envs.bundles.model import BundleError, OnnxModel

SPACE = spaces.Dict(
    {"spots": spaces.Box(-1, 1, (6,), np.float32), "budget": spaces.Box(0, 1, (1,), np.float32)},
)
ACTION = spaces.Box(-2, 2, (2,), np.float32)  # no answer of the network is clipped
WEIGHT = np.random.default_rng(5).normal(size=(6, 2)).astype(np.float32)


def network(domain="", bias=0.0):
    """tanh(spots @ W) + budget + bias."""
    weights = [numpy_helper.from_array(WEIGHT, "W"), numpy_helper.from_array(np.float32([bias]), "b")]
    nodes = [
        helper.make_node("MatMul", ["spots", "W"], ["latent"]),
        helper.make_node("Tanh", ["latent"], ["squashed"], domain=domain),
        helper.make_node("Add", ["squashed", "budget"], ["sum"]),
        helper.make_node("Add", ["sum", "b"], ["action"]),
    ]
    inputs = [
        helper.make_tensor_value_info("spots", TensorProto.FLOAT, ["n", 6]),
        helper.make_tensor_value_info("budget", TensorProto.FLOAT, ["n", 1]),
    ]
    outputs = [helper.make_tensor_value_info("action", TensorProto.FLOAT, ["n", 2])]
    opsets = [helper.make_opsetid("", 18)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs, weights), opset_imports=opsets, ir_version=10
    )


def observations(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "spots": rng.uniform(-1, 1, (n, 6)).astype(np.float32),
        "budget": rng.uniform(0, 1, (n, 1)).astype(np.float32),
    }


def actions(seen):
    return np.tanh(seen["spots"] @ WEIGHT) + seen["budget"]


def manifest(folder, **changes):
    listed = ("policy.onnx", "reference.npz", "CARD.md")
    content = {
        "beamgym_version": "0.1.0",
        "env_id": "beamgym/LaueAlign-v0",
        "observation_space": {name: SpaceSpec.of(space).model_dump() for name, space in SPACE.items()},
        "action_space": SpaceSpec.of(ACTION).model_dump(),
        "units": {},
        "encoder": {"name": "spots"},
        "normaliser": "none",
        "training": {"command": "beamgym train", "algorithm": "PPO", "seeds": [0, 10]},
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in listed},
    }
    (folder / "manifest.json").write_text(json.dumps(content | changes))


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "policy.onnx").write_bytes(network().SerializeToString())
    seen = observations()
    reference = {f"observation/{name}": values for name, values in seen.items()}
    np.savez(folder / "reference.npz", action=actions(seen), **reference)
    (folder / "CARD.md").write_text("# tiny")
    manifest(folder)
    return folder


def replace_graph(folder, model):
    (folder / "policy.onnx").write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    manifest(folder)


def refusal(folder):
    with pytest.raises(BundleError) as caught:
        OnnxModel.load(folder)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_sound_bundle_answers_as_the_function_it_holds(bundle):
    model = OnnxModel.load(bundle)
    unseen = observations(50, seed=9)
    np.testing.assert_allclose(model.predict(unseen), actions(unseen), atol=1e-6)
    assert model.name == "tiny"


def test_at_batch_1_a_row_does_not_depend_on_the_others(bundle):
    model, seen = OnnxModel.load(bundle), observations(9)
    together = model.predict(seen)
    for i in range(9):
        alone = model.predict({name: values[i : i + 1] for name, values in seen.items()})
        np.testing.assert_array_equal(alone[0], together[i])


@pytest.mark.parametrize("name", ["policy.onnx", "reference.npz", "CARD.md"])
def test_a_changed_file_is_named(bundle, name):
    path = bundle / name
    path.write_bytes(path.read_bytes() + b" ")
    assert f"{name} was changed" in refusal(bundle)


def test_a_missing_file_and_a_link_are_refused(bundle):
    (bundle / "CARD.md").rename(bundle / "elsewhere.md")
    assert "CARD.md is missing" in refusal(bundle)
    (bundle / "CARD.md").symlink_to(bundle / "elsewhere.md")
    assert "no plain file" in refusal(bundle)


def test_a_directory_without_a_manifest_is_no_bundle(tmp_path):
    assert "is no bundle" in refusal(tmp_path)


def test_an_unknown_key_is_an_error(bundle):
    manifest(bundle, colour="red")
    assert "colour" in refusal(bundle)


def test_a_newer_format_is_an_error(bundle):
    manifest(bundle, format_version=2)
    assert "format_version" in refusal(bundle)


def test_a_manifest_that_is_not_json_is_an_error(bundle):
    (bundle / "manifest.json").write_text("{")
    assert "not JSON" in refusal(bundle)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/b", "..", "a\\b"])
def test_no_file_outside_the_bundle_is_read(bundle, name):
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    manifest(bundle, files=files | {name: "0" * 64})
    assert "no plain file name" in refusal(bundle)


def test_a_file_without_a_checksum_is_an_error(bundle):
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    del files["CARD.md"]
    manifest(bundle, files=files)
    assert "without a checksum" in refusal(bundle)


def test_operators_of_another_domain_are_refused(bundle):
    replace_graph(bundle, network(domain="com.example"))
    assert "'com.example'" in refusal(bundle)


def test_operators_of_another_domain_are_found_inside_branches(bundle):
    model = network()
    inner = helper.make_graph(
        [helper.make_node("Odd", [], ["out"], domain="com.example")],
        "inner",
        [],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])],
    )
    condition = numpy_helper.from_array(np.array(True), "yes")
    model.graph.initializer.append(condition)
    model.graph.node.append(helper.make_node("If", ["yes"], ["unused"], then_branch=inner, else_branch=inner))
    replace_graph(bundle, model)
    assert "Odd" in refusal(bundle)


def test_external_data_is_refused(bundle):
    model = network()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    replace_graph(bundle, model)
    assert "external data" in refusal(bundle)


def test_bytes_that_are_no_graph_are_refused(bundle):
    replace_graph(bundle, b"not a graph")
    assert "policy.onnx cannot be used" in refusal(bundle)


def test_a_large_file_is_not_read(bundle, monkeypatch):
    monkeypatch.setattr("beamgym.envs.bundles.files.MAX_BYTES", 500)
    manifest(bundle)
    assert "at most 500" in refusal(bundle)


def test_a_network_that_disagrees_with_its_reference_is_refused(bundle):
    replace_graph(bundle, network(bias=2e-4))
    assert "differ from its reference" in refusal(bundle)
    replace_graph(bundle, network(bias=2e-5))
    OnnxModel.load(bundle)


def test_a_reference_with_python_objects_is_refused(bundle):
    np.savez(bundle / "reference.npz", action=np.array([{}], dtype=object))
    manifest(bundle)
    assert "cannot be read" in refusal(bundle)


def test_nan_from_the_network_is_an_error_not_an_action(bundle):
    model = OnnxModel.load(bundle)
    seen = observations(3)
    seen["budget"][1] = np.nan
    with pytest.raises(BundleError, match="NaN"):
        model.predict(seen)


def test_the_graphs_inputs_are_the_observations_names(bundle):
    parts = {name: SpaceSpec.of(space).model_dump() for name, space in SPACE.items()}
    manifest(bundle, observation_space={"spots": parts["spots"], "left": parts["budget"]})
    assert "the graph takes" in refusal(bundle)


@pytest.mark.parametrize(
    ("observation", "action", "named"),
    [
        (spaces.Dict({"image": SPACE["spots"], "budget": SPACE["budget"]}), ACTION, "observes"),
        (
            spaces.Dict({**SPACE.spaces, "spots": spaces.Box(-1, 1, (7,), np.float32)}),
            ACTION,
            r"'spots' has shape \(7,\)",
        ),
        (
            spaces.Dict({**SPACE.spaces, "spots": spaces.Box(-2, 1, (6,), np.float32)}),
            ACTION,
            "'spots' has other lower",
        ),
        (spaces.Dict({**SPACE.spaces, "budget": spaces.Box(0, 1, (1,), np.float64)}), ACTION, "'budget' has dtype"),
        (spaces.Dict({**SPACE.spaces, "budget": spaces.Discrete(3)}), ACTION, "'budget' is a Discrete"),
        (SPACE, spaces.Box(-2, 2, (4,), np.float32), "action has shape"),
        (SPACE["spots"], ACTION, "observes"),
    ],
)
def test_another_environment_is_refused_by_the_part_that_differs(bundle, observation, action, named):
    model = OnnxModel.load(bundle)
    model.check_spaces(SPACE, ACTION)
    with pytest.raises(BundleError, match=named):
        model.check_spaces(observation, action)


def test_bounds_that_differ_per_number_survive_the_manifest():
    low = np.tile(np.float32([-1, 0]), 3)
    space = spaces.Box(low, np.ones(6, np.float32))
    spec = SpaceSpec.model_validate_json(SpaceSpec.of(space).model_dump_json())
    assert spec.difference(space) == ""
    assert spec.difference(spaces.Box(low[::-1], np.ones(6, np.float32)))


def test_graphs_are_checked_by_onnx_itself(bundle):
    model = network()
    model.graph.node[0].input[0] = "nowhere"
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(model)
    replace_graph(bundle, model)
    assert "cannot be used" in refusal(bundle)
