"""Whatever a bundle holds, nothing in it is executed, nothing outside it is read, and every refusal is one line.

Each test has a canary: a file that code in the bundle would make, a runtime that would be started, or a file that
would be opened. A refusal after the canary has gone off is no refusal.
"""

import hashlib
import io
import itertools
import json
import os
import zipfile

import numpy as np
import onnx
import onnxruntime
import pytest
from gymnasium import spaces
from onnx import TensorProto, helper, numpy_helper

from beamgym.envs.bundles import files as onnx_files
from beamgym.envs.bundles import sizes as onnx_sizes
from beamgym.envs.bundles.manifest import SpaceSpec
from beamgym.envs.bundles.model import MAX_ROWS, BundleError, OnnxModel

OBSERVATION = spaces.Box(-1, 1, (3,), np.float32)
ACTION = spaces.Box(-1, 1, (2,), np.float32)
WEIGHT = np.random.default_rng(5).normal(size=(3, 2)).astype(np.float32)
LISTED = ("policy.onnx", "reference.npz", "CARD.md")


def node(kind, inputs, output, **more):
    return helper.make_node(kind, inputs, [output], **more)


def constant(name, values, kind=np.int64):
    return numpy_helper.from_array(np.array(values, dtype=kind), name)


def network(nodes=(), weights=(), weight=WEIGHT, gain=1.0):
    """observation @ W * gain, beside whatever else is in the graph."""
    body = [
        node("MatMul", ["observation", "W"], "latent"),
        node("Mul", ["latent", "gain"], "action"),
        *nodes,
    ]
    given = [numpy_helper.from_array(weight, "W"), constant("gain", gain, np.float32), *weights]
    ends = (("observation", 3), ("action", 2))
    inputs, outputs = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size])] for name, size in ends)
    graph = helper.make_graph(body, "g", inputs, outputs, given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def seen(n=200):
    return np.random.default_rng(0).uniform(-1, 1, (n, 3)).astype(np.float32)


def pairs(n=200, weight=WEIGHT):
    return {"observation/observation": seen(n), "action": np.clip(seen(n) @ weight, -1, 1)}


def describe(folder, **changes):
    content = {
        "beamgym_version": "0.1.0",
        "env_id": "beamgym/LaueAlign-v0",
        "observation_space": {"observation": SpaceSpec.of(OBSERVATION).model_dump()},
        "action_space": SpaceSpec.of(ACTION).model_dump(),
        "units": {},
        "encoder": {"name": "spots"},
        "normaliser": "none",
        "training": {"command": "beamgym train", "algorithm": "PPO", "seeds": [0, 10]},
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in LISTED},
    }
    (folder / "manifest.json").write_text(json.dumps(content | changes))


def listed(folder):
    return json.loads((folder / "manifest.json").read_text())["files"]


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "agent"
    folder.mkdir()
    (folder / "policy.onnx").write_bytes(network().SerializeToString())
    np.savez(folder / "reference.npz", **pairs())
    (folder / "CARD.md").write_text("# agent")
    describe(folder)
    return folder


@pytest.fixture
def sessions(monkeypatch):
    """A list that grows with every graph that the runtime is given."""
    started, real = [], onnxruntime.InferenceSession

    def noted(*given, **more):
        started.append(given)
        return real(*given, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", noted)
    return started


@pytest.fixture
def opened(monkeypatch):
    """Names of all files that the reader opens."""
    names, real = [], os.open

    def noted(path, *given, **more):
        names.append(os.path.basename(path))
        return real(path, *given, **more)

    monkeypatch.setattr(onnx_files.os, "open", noted)
    return names


@pytest.fixture
def code(tmp_path):
    """Bytes that make a file when they are unpickled; no test may end with that file there."""
    canary = tmp_path / "executed"
    yield f"cposix\nsystem\n(S'touch {canary}'\ntR.".encode()
    assert not canary.exists(), "code in the bundle was executed"


def refusal(folder):
    with pytest.raises(BundleError) as caught:
        OnnxModel.load(folder)
    text = str(caught.value)
    assert "\n" not in text
    assert text.isprintable()
    return text


def replace(folder, name, content):
    (folder / name).write_bytes(content)
    describe(folder)


def zipped(members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def npy(values):
    made = io.BytesIO()
    np.save(made, values, allow_pickle=False)
    return made.getvalue()


def claims(shape, descr="<f4"):
    """The beginning of an array that claims a shape, without its numbers."""
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(made, {"shape": shape, "fortran_order": False, "descr": descr})
    return made.getvalue()


def test_the_sound_bundle_these_tests_spoil_is_read(bundle, sessions, opened):
    np.testing.assert_allclose(OnnxModel.load(bundle).predict({"observation": seen()}), pairs()["action"], atol=1e-6)
    assert len(sessions) == 1, "the canary of the graphs works"
    assert set(opened) == {"manifest.json", *LISTED}, "the canary of the files works"


def test_the_payload_would_run_if_it_were_unpickled(tmp_path, code):
    import pickle  # noqa: TID251  shows that the canary works

    pickle.loads(code)
    assert (tmp_path / "executed").exists()
    (tmp_path / "executed").unlink()


@pytest.mark.parametrize("name", ["model.zip", "policy.pth"])
def test_sb3s_own_files_are_refused_as_a_path(tmp_path, code, sessions, opened, name):
    members = {"data": code, "policy.pth": code, "archive/data.pkl": code}
    (tmp_path / name).write_bytes(zipped(members))
    assert "SB3's .zip and .pth files run code" in refusal(tmp_path / name)
    assert not sessions
    assert not opened


@pytest.mark.parametrize("packed", [False, True])
def test_pickles_in_the_graphs_place_are_refused(bundle, code, sessions, packed):
    replace(bundle, "policy.onnx", zipped({"data": code, "policy.pth": code}) if packed else code)
    assert "policy.onnx cannot be used" in refusal(bundle)
    assert not sessions


@pytest.mark.parametrize("key", ["action", "observation/observation"])
def test_pickled_objects_in_the_reference_are_refused(bundle, code, key):
    members = {f"{name}.npy": npy(values) for name, values in pairs().items()}
    members[f"{key}.npy"] = claims((200, 2 if key == "action" else 3), "|O") + code
    replace(bundle, "reference.npz", zipped(members))
    assert "holds object" in refusal(bundle)
    replace(bundle, "reference.npz", code)
    assert "reference.npz cannot be read" in refusal(bundle)


def bomb(kind):
    huge, ones = constant("huge", [2**20, 2**20]), constant("one", [[1.0]], np.float32)
    return {
        "ConstantOfShape": network([node("ConstantOfShape", ["huge"], "out")], [huge]),
        "Expand": network([node("Expand", ["one", "huge"], "out")], [huge, ones]),
        "Tile": network([node("Tile", ["one", "huge"], "out")], [huge, ones]),
        "Range": network(
            [node("Range", ["from", "to", "by"], "out")],
            [constant("from", 0), constant("to", 2**42), constant("by", 1)],
        ),
        "Pad": network([node("Pad", ["one", "wide"], "out")], [ones, constant("wide", [0, 0, 2**20, 2**20])]),
        "outer product": network([node("Mul", ["tall", "flat"], "out")], tall_and_flat()),
        "Einsum": network([node("Einsum", ["tall", "flat"], "out", equation="ai,jb->ab")], tall_and_flat()),
    }[kind]


def tall_and_flat():
    return [constant("tall", np.zeros((2**15, 1)), np.float32), constant("flat", np.zeros((1, 2**15)), np.float32)]


BOMBS = ("ConstantOfShape", "Expand", "Tile", "Range", "Pad", "outer product", "Einsum")


@pytest.mark.parametrize("kind", BOMBS)
def test_a_graph_that_asks_for_terabytes_is_refused_before_the_runtime_sees_it(bundle, sessions, kind):
    model = bomb(kind)
    onnx.checker.check_model(model)
    replace(bundle, "policy.onnx", model.SerializeToString())
    assert "numbers; at most" in refusal(bundle)
    assert not sessions


def doubling(kind, count, start):
    """Each node takes the last one's answer twice: its size, or its work, grows as 2 to the count."""
    chain = ["start", *(f"x{i}" for i in range(count))]
    more = {"axis": 0} if kind == "Concat" else {}
    nodes = [node(kind, [a, a], b, **more) for a, b in itertools.pairwise(chain)]
    return network(nodes, [start])


def test_a_tensor_that_doubles_forty_times_is_refused_before_the_runtime_sees_it(bundle, sessions):
    replace(bundle, "policy.onnx", doubling("Concat", 40, constant("start", [1, 1])).SerializeToString())
    assert "numbers; at most" in refusal(bundle)
    assert not sessions


def test_a_graph_that_multiplies_for_hours_is_refused_before_the_runtime_sees_it(bundle, sessions):
    start = constant("start", np.eye(900), np.float32)
    replace(bundle, "policy.onnx", doubling("MatMul", 60, start).SerializeToString())
    assert "multiplications" in refusal(bundle)
    assert not sessions


def test_sizes_that_depend_on_what_is_observed_are_refused(bundle, sessions):
    """Its first 200 observations give a small tensor; another one might ask for terabytes."""
    nodes = [
        node("ReduceMax", ["observation"], "most", keepdims=0),
        node("Cast", ["most"], "to", to=TensorProto.INT64),
        node("Range", ["from", "to", "by"], "out"),
    ]
    weights = [constant("from", 0), constant("by", 1)]
    replace(bundle, "policy.onnx", network(nodes, weights).SerializeToString())
    assert "does not follow from the observation's shape" in refusal(bundle)
    assert not sessions


def test_sizes_that_explode_for_one_number_of_rows_only_are_refused_at_that_number(bundle):
    """2^36 numbers for 7 rows, one for any other: whatever is found at 1 and 200 rows says nothing about 7."""
    nodes = [
        node("Shape", ["observation"], "shape", end=1),
        node("Equal", ["shape", "seven"], "hit"),
        node("Where", ["hit", "huge", "small"], "size"),
        node("ConstantOfShape", ["size"], "out"),
    ]
    weights = [constant("seven", [7]), constant("huge", [2**36]), constant("small", [1])]
    replace(bundle, "policy.onnx", network(nodes, weights).SerializeToString())
    model = OnnxModel.load(bundle)
    ran, real = [], model._session.run
    model._session = type("Noted", (), {"run": lambda self, *given: ran.append(1) or real(*given)})()
    assert model.predict({"observation": seen(6)}, batch=None).shape == (6, 2)
    with pytest.raises(BundleError, match="at most"):
        model.predict({"observation": seen(7)}, batch=None)
    assert len(ran) == 1, "the network was not run for 7 rows"


def with_loop():
    """Loop without end, its condition always true."""
    body = helper.make_graph(
        [node("Identity", ["go"], "still")],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("still", TensorProto.BOOL, [])],
    )
    return network([helper.make_node("Loop", ["", "yes"], [], body=body)], [constant("yes", True, bool)])


def with_branches():
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    inner = helper.make_graph([node("ConstantOfShape", ["huge"], "out")], "inner", [], [out])
    return network(
        [node("If", ["yes"], "made", then_branch=inner, else_branch=inner)],
        [constant("yes", True, bool), constant("huge", [2**40])],
    )


def with_functions():
    """Functions that call each other twice: 2 to the 30 nodes from thirty."""
    model = network([node("f29", ["observation"], "out", domain="")])
    opsets = [helper.make_opsetid("", 18)]
    for i in range(30):
        inner = "Neg" if i == 0 else f"f{i - 1}"
        calls = [node(inner, ["x"], "y"), node(inner, ["y"], "z")]
        model.functions.append(helper.make_function("", f"f{i}", ["x"], ["z"], calls, opsets))
    return model


def with_random_numbers():
    return network([node("RandomNormal", [], "out", shape=[2])])


def with_text():
    return network([node("Constant", [], "out", value_string=b"text")])


def with_sparse_weights():
    model = network()
    values, place = constant("sparse", [1.0], np.float32), constant("at", [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, place, [2**40]))
    return model


def with_custom_operator():
    model = network([node("Shell", ["observation"], "out", domain="com.example")])
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    return model


def with_two_versions():
    model = network()
    model.opset_import.append(helper.make_opsetid("ai.onnx", 11))
    return model


def with_nan():
    weight = WEIGHT.copy()
    weight[1, 1] = np.nan
    return network(weight=weight)


def with_dormant_nan():
    return network([node("Constant", [], "out", value_float=float("nan"))])


def with_fixed_rows():
    model = network()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 200
    return model


def with_other_rows():
    model = network()
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 4
    return model


GRAPHS = [
    (with_loop, "operator Loop"),
    (with_branches, "operator If"),
    (with_functions, "functions"),
    (with_random_numbers, "operator RandomNormal"),
    (with_text, "text"),
    (with_sparse_weights, "sparse"),
    (with_custom_operator, "'com.example'"),
    (with_two_versions, "2 versions"),
    (with_nan, "'W' holds NaN"),
    (with_dormant_nan, "Constant holds NaN"),
    (with_fixed_rows, "200 rows at once"),
    (with_other_rows, r"rows of shape (4,)"),
]


@pytest.mark.parametrize(("made", "named"), GRAPHS, ids=[made.__name__ for made, _ in GRAPHS])
def test_a_graph_that_is_more_than_arithmetic_is_refused_before_the_runtime_sees_it(bundle, sessions, made, named):
    replace(bundle, "policy.onnx", made().SerializeToString())
    assert named in refusal(bundle)
    assert not sessions


@pytest.mark.parametrize("place", ["weight", "constant"])
def test_weights_in_another_file_are_neither_read_nor_run(bundle, sessions, opened, place):
    model = network()
    if place == "constant":
        model.graph.node.append(node("Constant", [], "out", value=constant("c", [1.0], np.float32)))
        tensor = model.graph.node[-1].attribute[0].t
    else:
        tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="outside.bin")
    (bundle / "outside.bin").write_bytes(WEIGHT.tobytes())
    replace(bundle, "policy.onnx", model.SerializeToString())
    assert "external data" in refusal(bundle)
    assert not sessions
    assert "outside.bin" not in opened


def test_a_graph_that_begins_like_the_runtimes_own_format_is_still_read_as_the_graph_that_was_checked(bundle):
    """Left to guess, the runtime takes bytes 4 to 7 = ORTM for its other format, which nobody here has checked."""
    model = network()
    model.producer_name = "ORTM"
    content = model.SerializeToString()
    assert content[4:8] == b"ORTM"
    with pytest.raises(Exception, match=r"(?i)ort|flatbuffer|buffer"):
        onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    replace(bundle, "policy.onnx", content)
    np.testing.assert_allclose(OnnxModel.load(bundle).predict({"observation": seen()}), pairs()["action"], atol=1e-6)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/b", "..", ".", "a\\b", "a\nb", ".hidden", ""])
def test_no_name_leads_outside_the_bundle(bundle, opened, name):
    (bundle.parent / "outside").write_text("canary")
    describe(bundle, files=listed(bundle) | {name: "0" * 64})
    assert "no plain file name" in refusal(bundle)
    assert opened == ["manifest.json"]


@pytest.mark.parametrize("name", ["manifest.json", *LISTED])
def test_a_link_is_not_followed(bundle, opened, name):
    (bundle / name).rename(bundle.parent / "outside")
    (bundle / name).symlink_to(bundle.parent / "outside")
    assert f"{name} is no plain file" in refusal(bundle)
    assert name not in opened


@pytest.mark.parametrize("name", ["manifest.json", *LISTED])
def test_a_pipe_or_a_folder_in_a_files_place_is_not_opened(bundle, opened, name):
    """Opening a pipe for reading waits for a writer that never comes."""
    (bundle / name).unlink()
    os.mkfifo(bundle / name)
    assert f"{name} is no plain file" in refusal(bundle)
    (bundle / name).unlink()
    (bundle / name).mkdir()
    assert f"{name} is no plain file" in refusal(bundle)
    assert name not in opened


def test_a_device_is_not_opened(opened):
    with pytest.raises(BundleError, match="no plain file"):
        onnx_files._read(onnx_files.Path("/dev"), "zero", 100)
    assert not opened


@pytest.mark.parametrize("name", ["manifest.json", *LISTED])
def test_a_huge_file_is_not_opened(bundle, opened, name):
    with open(bundle / name, "r+b") as file:
        file.truncate(2**40)
    assert f"{name} has {2**40} bytes" in refusal(bundle)
    assert name not in opened


@pytest.mark.parametrize("name", ["manifest.json", *LISTED])
def test_an_empty_file_is_refused(bundle, sessions, name):
    (bundle / name).write_bytes(b"")
    assert f"{name} is empty" in refusal(bundle)
    assert not sessions


@pytest.mark.parametrize("name", LISTED)
def test_one_changed_bit_is_enough(bundle, sessions, name):
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    assert f"{name} was changed" in refusal(bundle)
    assert not sessions


def test_a_directory_that_may_not_be_read_is_refused_in_one_line(bundle, monkeypatch, sessions):
    """As root nothing is unreadable, so the system's answer is given by hand."""

    def denied(*given, **more):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(onnx_files.os, "open", denied)
        assert "cannot be read: Permission denied" in refusal(bundle)
    with monkeypatch.context() as patched:
        patched.setattr(onnx_files.Path, "exists", denied)
        assert "cannot be read: Permission denied" in refusal(bundle)
    assert not sessions


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[" * 100_000 + "]" * 100_000, "not JSON"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "not JSON"),
        ("[]", "manifest.json"),
        ('{"x": NaN}', "NaN"),
        ('{"\\u001b[2J\\n": 1}', "manifest.json"),
    ],
    ids=["deep list", "deep dict", "a list", "NaN", "control characters"],
)
def test_a_manifest_that_is_no_manifest_is_refused(bundle, opened, text, named):
    (bundle / "manifest.json").write_text(text, encoding="utf-8")
    assert named in refusal(bundle)
    assert opened == ["manifest.json"]


def space(**changes):
    return SpaceSpec.of(OBSERVATION).model_dump() | changes


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"kind": "shell"}, "kind"),
        ({"observation_space": {"observation": space(shape=[2**40])}}, "shape"),
        ({"observation_space": {"observation": space(shape=[-3])}}, "shape"),
        ({"observation_space": {"observation": space(low=[0.0] * 5)}}, "5 bounds for 3 numbers"),
        ({"observation_space": {"observation": space(low=2.0)}}, "above the upper"),
        ({"encoder": {"name": "spots", "parameters": {"a": {"__reduce__": 1}}, "run": "x"}}, "encoder.run"),
        ({"files": {f"f{i}": "0" * 64 for i in range(40)} | dict.fromkeys(LISTED, "0" * 64)}, "43 files"),
        ({"observation_space": {}}, "the graph takes"),
    ],
)
def test_a_manifest_that_asks_for_more_is_refused(bundle, sessions, changes, named):
    describe(bundle, **changes)
    assert named in refusal(bundle)
    assert not sessions


def reference(**changes):
    return zipped({f"{name}.npy": npy(values) for name, values in (pairs() | changes).items()})


def unpacks_to_gigabytes():
    """Zeros, which a zip packs a thousandfold."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("observation/observation.npy", "w") as file:
            file.write(claims((200, 3)))
            for _ in range(64):
                file.write(bytes(2**20))
        archive.writestr("action.npy", npy(pairs()["action"]))
    return made.getvalue()


REFERENCES = {
    "199 pairs": (zipped({f"{name}.npy": npy(values) for name, values in pairs(199).items()}), "200 to 4096 rows"),
    "other counts": (reference(action=pairs(201)["action"]), "every array must have as many"),
    "wrong actions": (reference(action=pairs()["action"] + np.float32(0.01)), "differ from its reference"),
    "NaN actions": (reference(action=np.full((200, 2), np.nan, np.float32)), "differ from its reference"),
    "no actions": (zipped({"observation/observation.npy": npy(seen())}), "action"),
    "other dtype": (reference(action=pairs()["action"].astype(np.float64)), "holds float64"),
    "other shape": (reference(action=pairs()["action"][:, :1]), "rows of shape (1,)"),
    "a claim of terabytes": (
        zipped({"observation/observation.npy": claims((2**40, 3)), "action.npy": npy(pairs()["action"])}),
        "rows are needed",
    ),
    "cut": (
        zipped({"observation/observation.npy": npy(seen())[:-8], "action.npy": npy(pairs()["action"])}),
        "ends after",
    ),
    "unpacks to gigabytes": (unpacks_to_gigabytes(), "unpacks to"),
    "no zip": (b"PK\x03\x04 and no more", "cannot be read"),
}


@pytest.mark.parametrize("kind", REFERENCES)
def test_a_reference_that_vouches_for_nothing_is_refused(bundle, kind):
    content, named = REFERENCES[kind]
    replace(bundle, "reference.npz", content)
    assert named in refusal(bundle)


def test_a_bundle_of_another_environment_is_refused_although_its_spaces_fit(bundle):
    model = OnnxModel.load(bundle)
    model.check_spaces(OBSERVATION, ACTION)
    model.check_environment("beamgym/LaueAlign-v0")
    model.check_environment("beamgym/LaueAlign-v1")  # another version of the task, which its policy knows to play
    for other in ("beamgym/LaueAlignImage-v0", "beamgym/LaueAlign-v7"):
        with pytest.raises(BundleError, match=f"made for beamgym/LaueAlign-v0, not for {other}"):
            model.check_environment(other)


def test_actions_are_clipped_after_the_graph(bundle):
    """The graph answers up to tens; its reference was clipped, and so is what the reader hands on."""
    (bundle / "policy.onnx").write_bytes(network(gain=30.0).SerializeToString())
    np.savez(bundle / "reference.npz", **pairs(weight=30.0 * WEIGHT))
    describe(bundle)
    model = OnnxModel.load(bundle)
    raw = model._session.run(["action"], {"observation": seen()})[0]
    assert np.abs(raw).max() > 10
    action = model.predict({"observation": seen()})
    np.testing.assert_allclose(action, np.clip(raw, -1, 1), atol=1e-5)
    assert np.abs(action).max() == 1.0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_are_errors_and_never_clipped_to_an_action(bundle, value):
    observation = seen(3)
    observation[1, 0] = value
    with pytest.raises(BundleError, match="NaN or infinity"):
        OnnxModel.load(bundle).predict({"observation": observation})


@pytest.mark.parametrize(
    "observation",
    [
        {},
        {"observation": seen().astype(np.float64)},
        {"observation": seen()[0]},
        {"observation": np.zeros((2, 4), np.float32)},
        {"observation": np.zeros((2, 3, 1), np.float32)},
        {"observation": np.array([[{}] * 3], dtype=object)},
    ],
    ids=["missing", "float64", "one row without a batch", "wider", "deeper", "objects"],
)
def test_an_observation_that_does_not_fit_is_named(bundle, observation):
    with pytest.raises(BundleError, match="observation") as caught:
        OnnxModel.load(bundle).predict(observation)
    assert "\n" not in str(caught.value)


def test_more_rows_than_fit_are_taken_in_turns(bundle):
    model = OnnxModel.load(bundle)
    calls, real = [], model._session.run

    def noted(self, names, inputs):
        calls.append(len(inputs["observation"]))
        return real(names, inputs)

    model._session = type("Noted", (), {"run": noted})()
    many = seen(2 * MAX_ROWS + 5)
    action = model.predict({"observation": many}, batch=None)
    np.testing.assert_allclose(action, np.clip(many @ WEIGHT, -1, 1), atol=1e-6)
    assert calls == [MAX_ROWS, MAX_ROWS, 5]
    assert model.predict({"observation": many[:0]}).shape == (0, 2)


def test_a_graphs_cost_is_counted_as_by_hand():
    """Five rows: 3 x 2 weights and a gain, rows of 3, 2 and 2; 5 x 2 x 3 multiplications, then 10 + 1 + 10 numbers."""
    cost = onnx_sizes.cost_of(network(), 5)
    assert cost.elements == 6 + 1 + 15 + 10 + 10
    assert cost.operations == max(5 * 2 * 3, 15 + 6 + 10) + 21
