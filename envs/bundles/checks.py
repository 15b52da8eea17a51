"""What a graph may hold: standard operators on numbers and its own weights, nothing fetched, nothing repeated.

A list of what is allowed, not of what is forbidden: loops, branches, strings, sequences, random numbers, sparse
weights, functions and whatever a later ONNX adds are refused because no policy needs them.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from onnx import numpy_helper

from beamgym.envs.bundles.spaces import SpaceSpec
from beamgym.envs.bundles.trees import DOMAIN, OPERATOR, VERSION, check_trees, is_trees

MAX_NODES = 20_000
"""Nodes, weights and notes on shapes, each; the shipped policies have about a thousand."""

MAX_CHOICE = 4096
"""Choices of a discrete action, so that two of them are never within a tolerance of each other."""

# fmt: off
OPERATORS = frozenset({
    "Abs", "Acos", "Acosh", "Add", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh", "AveragePool",
    "BatchNormalization", "Cast", "CastLike", "Ceil", "Celu", "Clip", "Concat", "Constant", "ConstantOfShape",
    "Conv", "ConvTranspose", "Cos", "Cosh", "CumSum", "DepthToSpace", "Div", "Einsum", "Elu", "Equal", "Erf", "Exp",
    "Expand", "Flatten", "Floor", "Gather", "GatherElements", "GatherND", "Gelu", "Gemm", "GlobalAveragePool",
    "GlobalMaxPool", "Greater", "GreaterOrEqual", "GroupNormalization", "HardSigmoid", "HardSwish", "Identity",
    "InstanceNormalization", "IsInf", "IsNaN", "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "Log",
    "LogSoftmax", "MatMul", "Max", "MaxPool", "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Not", "Or", "PRelu",
    "Pad", "Pow", "Range", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
    "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "Resize", "Round",
    "ScatterElements", "ScatterND", "Selu", "Shape", "Sigmoid", "Sign", "Sin", "Sinh", "Size", "Slice", "Softmax",
    "Softplus", "Softsign", "SpaceToDepth", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tan", "Tanh",
    "ThresholdedRelu", "Tile", "TopK", "Transpose", "Trilu", "Unsqueeze", "Where", "Xor",
})
# fmt: on
"""Operators that are run: each answers the same for the same numbers, and its work follows from the shapes."""

_FLOATS = ("FLOAT", "FLOAT16", "DOUBLE")
_WHOLE = ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "BOOL")
NUMBERS = frozenset(onnx.TensorProto.DataType.Value(name) for name in (*_FLOATS, *_WHOLE))
"""Kinds of numbers a tensor may hold."""

_STANDARD = ("", "ai.onnx")
_TYPES = {"float32": onnx.TensorProto.FLOAT, "uint8": onnx.TensorProto.UINT8}


def check_graph(model: onnx.ModelProto) -> None:
    """Refuse a model that is not plain, self-contained ONNX.

    Raises
    ------
    ValueError : names the operator, tensor or part that is not run, or says why the model is not valid ONNX
    """
    _check_domains(model)
    graph = model.graph
    if len(model.functions) or len(model.training_info) or len(graph.sparse_initializer):
        raise ValueError("it holds functions, training parts or sparse weights; only one plain graph is run")
    counts = (len(graph.node), len(graph.initializer), len(graph.value_info), len(graph.input), len(graph.output))
    if max(counts) > MAX_NODES:
        raise ValueError(f"it has {max(counts)} nodes or weights; at most {MAX_NODES} are run")
    for tensor in _tensors(graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or len(tensor.external_data):
            raise ValueError(f"tensor {tensor.name!r} refers to external data; keep the weights in the graph")
    for node in graph.node:
        if not is_trees(node):
            _check_node(node)
    _check_trees(graph)
    onnx.checker.check_model(model)
    for tensor in _tensors(graph):
        _check_numbers(tensor)


def check_inputs(graph: onnx.GraphProto, wanted: Mapping[str, SpaceSpec]) -> None:
    """Refuse a graph whose inputs are not exactly what is seen and remembered: names, types, shapes after the rows.

    Raises
    ------
    ValueError : names the input that differs, what was found and what the manifest says
    """
    if sorted(entry.name for entry in graph.input) != sorted(wanted) or not wanted:
        raise ValueError(f"the graph takes {sorted(entry.name for entry in graph.input)}, not {sorted(wanted)}")
    for entry in graph.input:
        spec, tensor = wanted[entry.name], entry.type.tensor_type
        shape = tuple(dim.dim_value for dim in tensor.shape.dim)
        if tensor.elem_type != _TYPES[spec.dtype] or len(shape) != 1 + len(spec.shape) or shape[1:] != spec.shape:
            raise ValueError(f"input {entry.name!r} has rows of shape {shape[1:]}, not {spec.dtype} {spec.shape}")
        if shape[0]:
            raise ValueError(f"input {entry.name!r} takes {shape[0]} rows at once; leave the first dimension free")


def check_space(name: str, spec: SpaceSpec) -> None:
    """Refuse a space whose bounds cannot be those of its shape.

    Raises
    ------
    ValueError : names the space and what is wrong with it
    """
    if len(spec.shape) > 8 or min(spec.shape, default=1) < 1 or np.prod([float(n) for n in spec.shape]) > 2**24:
        raise ValueError(f"{name} has the shape {spec.shape}; at most 8 dimensions and {2**24} numbers are read")
    count = int(np.prod(spec.shape))
    for bound in (spec.low, spec.high):
        if isinstance(bound, list) and len(bound) != count:
            raise ValueError(f"{name} has {len(bound)} bounds for {count} numbers; give one for each, or one for all")
    if not (np.asarray(spec.low) <= np.asarray(spec.high)).all():
        raise ValueError(f"{name} has a lower bound above the upper one")
    if spec.discrete and not _whole(spec):
        raise ValueError(
            f"{name} is a choice whose bounds are no whole numbers below {MAX_CHOICE}, or has many dimensions"
        )


def check_seen(name: str, spec: SpaceSpec) -> None:
    """Refuse a part of an observation or memory that is no Box, otherwise as :func:`check_space`."""
    check_space(name, spec)
    if spec.discrete:
        raise ValueError(f"{name} is a choice; only actions are choices, what is seen is a Box")


def _whole(spec: SpaceSpec) -> bool:
    bounds = np.concatenate([np.ravel(spec.low), np.ravel(spec.high)])
    return len(spec.shape) <= 1 and bool((np.abs(bounds) < MAX_CHOICE).all() and (bounds == np.round(bounds)).all())


def _check_domains(model: onnx.ModelProto) -> None:
    for node in _nodes(model.graph):
        if node.domain not in _STANDARD and not is_trees(node):
            raise ValueError(
                f"operator {node.op_type} of domain {node.domain!r}; only standard ONNX and {OPERATOR} are run"
            )
    versions = [entry for entry in model.opset_import if entry.domain in _STANDARD]
    others = [(entry.domain, entry.version) for entry in model.opset_import if entry.domain not in _STANDARD]
    if others not in ([], [(DOMAIN, VERSION)]):
        domain, version = next((entry for entry in others if entry != (DOMAIN, VERSION)), others[0])
        raise ValueError(f"operator domain {domain!r}, version {version}; only standard ONNX and {DOMAIN} 3 are run")
    if len(versions) != 1:
        raise ValueError(f"it names {len(versions)} versions of standard ONNX; name one")


def _check_trees(graph: onnx.GraphProto) -> None:
    """Refuse trees that are not whole, or that look at something else than the observation."""
    found = [node for node in graph.node if is_trees(node)]
    if len(found) > 1:
        raise ValueError(f"it has {len(found)} tree ensembles; one is run")
    shapes = {entry.name: [dim.dim_value for dim in entry.type.tensor_type.shape.dim] for entry in graph.input}
    for node in found:
        shape = shapes.get(node.input[0], []) if len(node.input) == 1 else []
        if len(shape) != 2 or len(node.output) != 1:
            raise ValueError(f"{OPERATOR} looks at {list(node.input)}; it is run on a row of the observation only")
        check_trees(node, shape[1])


def _check_node(node: onnx.NodeProto) -> None:
    if node.op_type not in OPERATORS:
        raise ValueError(
            f"operator {node.op_type} is not run; a network computes by arithmetic, convolution and reshaping"
        )
    for attribute in node.attribute:
        if attribute.HasField("g") or attribute.graphs or attribute.HasField("sparse_tensor"):
            raise ValueError(f"operator {node.op_type} holds a graph or sparse numbers; neither is run")
        if attribute.name.startswith("value_string") or (attribute.name == "training_mode" and attribute.i):
            raise ValueError(f"operator {node.op_type} has {attribute.name}; neither text nor training is run")
        if np.isnan((attribute.f, *attribute.floats)).any():
            raise ValueError(f"operator {node.op_type} holds NaN; train or export the network anew")


def _check_numbers(tensor: onnx.TensorProto) -> None:
    if tensor.data_type not in NUMBERS:
        kind = onnx.TensorProto.DataType.Name(tensor.data_type)
        raise ValueError(f"tensor {tensor.name!r} holds {kind}; only whole numbers and floats of 16 to 64 bits are run")
    values = numpy_helper.to_array(tensor)
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise ValueError(f"tensor {tensor.name!r} holds NaN; train or export the network anew")


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    waiting = [graph]
    while waiting:
        for node in waiting.pop().node:
            yield node
            for attribute in node.attribute:
                waiting += [attribute.g, *attribute.graphs]


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from attribute.tensors
            if attribute.HasField("t"):
                yield attribute.t
