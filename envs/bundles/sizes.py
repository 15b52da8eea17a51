"""The cost of running a graph, before anything is run: the size of every tensor, the operations of every node.

A graph of a few hundred bytes can ask for terabytes or run for a year. Here every node's output shape is inferred for
one number of rows, node by node, and the first that is unknown or too large ends the walk, so that the check itself
stays small. Sizes must not depend on what is observed: only numbers that follow from shapes and constants are known.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import defs, helper, numpy_helper, shape_inference

from beamgym.envs.bundles.checks import NUMBERS
from beamgym.envs.bundles.trees import OPERATOR, tree_nodes

MAX_ELEMENTS = 2**27
"""Numbers in all tensors of one call together: 0.5 GiB as float32."""

MAX_OPERATIONS = 2**30
"""Multiplications for one row; below a second of one core. The shipped policy needs 2 million."""

MAX_RANK = 16
_MAX_KNOWN = 4096  # elements of a tensor whose values are followed; shapes have a handful

Shape = tuple[int, ...]
Values = NDArray[Any]


@dataclass(frozen=True)
class Cost:
    """Numbers held in all tensors together, and multiplications or moves of numbers, of one call of a graph."""

    elements: int
    operations: int


def cost_of(model: onnx.ModelProto, rows: int) -> Cost:
    """Return the cost of one call of a graph.

    Parameters
    ----------
    model : passed by ``check_graph``
    rows : of every input; it takes the place of the free first dimension

    Returns
    -------
    Elements of all tensors, and operations

    Raises
    ------
    ValueError : names the first tensor whose size is not fixed by the inputs' shapes, or the limit that is passed
    """
    walk = _Walk(model, rows)
    for node in model.graph.node:
        walk.visit(node)
    return Cost(walk.elements, walk.operations)


class _Walk:
    """The shapes met so far, and the values of small tensors that follow from shapes and constants."""

    def __init__(self, model: onnx.ModelProto, rows: int) -> None:
        self.rows = rows
        self.versions = {_domain(entry.domain): entry.version for entry in model.opset_import}
        self.opsets = list(model.opset_import)
        self.ir_version = model.ir_version
        self.types: dict[str, onnx.TypeProto] = {}
        self.data: dict[str, onnx.TensorProto] = {}
        self.values: dict[str, Values] = {}
        self.elements = self.operations = 0
        for entry in model.graph.input:
            shape = [dim.dim_value for dim in entry.type.tensor_type.shape.dim]
            self._note(entry.name, helper.make_tensor_type_proto(entry.type.tensor_type.elem_type, [rows, *shape[1:]]))
        for tensor in model.graph.initializer:
            self._note(tensor.name, helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims)))
            self._keep(tensor.name, tensor)

    def visit(self, node: onnx.NodeProto) -> None:
        outputs = self._infer(node)
        for name in filter(None, node.output):
            if name not in outputs:
                raise ValueError(_unknown(node, name))
            self._note(name, outputs[name], node)
        self._count(node)
        if node.op_type == "Constant":
            self._keep(node.output[0], _constant(node))
        elif node.op_type in _FOLLOWED and len(node.output) == 1:
            self._follow(node)

    def shape(self, name: str) -> Shape:
        return tuple(dim.dim_value for dim in self.types[name].tensor_type.shape.dim)

    def _infer(self, node: onnx.NodeProto) -> dict[str, onnx.TypeProto]:
        domain = _domain(node.domain)
        schema = defs.get_schema(node.op_type, self.versions[domain], domain)
        inputs = {name: self.types[name] for name in node.input if name}
        data = {name: self.data[name] for name in node.input if name in self.data}
        found: dict[str, onnx.TypeProto] = shape_inference.infer_node_outputs(
            schema, node, inputs, data, opset_imports=self.opsets, ir_version=self.ir_version
        )
        return found

    def _note(self, name: str, kind: onnx.TypeProto, node: onnx.NodeProto | None = None) -> None:
        tensor = kind.tensor_type
        known = kind.HasField("tensor_type") and tensor.HasField("shape")
        if not known or not all(dim.HasField("dim_value") and dim.dim_value >= 0 for dim in tensor.shape.dim):
            raise ValueError(_unknown(node, name))
        if len(tensor.shape.dim) > MAX_RANK:
            raise ValueError(f"tensor {name!r} has {len(tensor.shape.dim)} dimensions; at most {MAX_RANK} are run")
        if tensor.elem_type not in NUMBERS:
            raise ValueError(f"tensor {name!r} holds no plain numbers; only those are run")
        if name in self.types:
            raise ValueError(f"tensor {name!r} is made twice; every tensor has one maker")
        self.types[name] = kind
        self._spend(name, elements=math.prod(self.shape(name)))

    def _count(self, node: onnx.NodeProto) -> None:
        shapes = [self.shape(name) for name in (*node.input, *node.output) if name]
        moved = sum(math.prod(shape) for shape in shapes)
        work = _WORK[node.op_type](self, node) if node.op_type in _WORK else 0
        held = work if node.op_type == "Einsum" else 0  # it may hold the product of its operands
        self._spend(node.output[0], operations=max(moved, work), elements=held)

    def _spend(self, name: str, elements: int = 0, operations: int = 0) -> None:
        self.elements += elements
        self.operations += operations
        if self.elements > MAX_ELEMENTS:
            raise ValueError(f"up to tensor {name!r} it holds {self.elements:.2g} numbers; at most {MAX_ELEMENTS} are")
        if self.operations > MAX_OPERATIONS * max(self.rows, 1):
            raise ValueError(
                f"up to tensor {name!r} it takes {self.operations:.2g} multiplications for {self.rows} rows; "
                f"at most {MAX_OPERATIONS:.2g} for each are run"
            )

    def _follow(self, node: onnx.NodeProto) -> None:
        if math.prod(self.shape(node.output[0])) > _MAX_KNOWN:
            return
        values: Values | None
        if node.op_type in ("Shape", "Size"):
            values = _measured(node, self.shape(node.input[0]))
        elif all(not name or name in self.values for name in node.input):
            with np.errstate(all="ignore"):
                values = _FOLLOWED[node.op_type](node, [self.values[name] if name else None for name in node.input])
        else:
            return
        if values is None or values.shape != self.shape(node.output[0]):
            return
        self._keep(node.output[0], numpy_helper.from_array(values))

    def _keep(self, name: str, tensor: onnx.TensorProto) -> None:
        if tensor.data_type not in _FOLLOWED_TYPES or math.prod(tensor.dims) > _MAX_KNOWN:
            return
        values = numpy_helper.to_array(tensor)
        if values.dtype.kind != "f" or (np.abs(values) < 2**24).all():  # whole numbers up to there are exact
            self.data[name], self.values[name] = tensor, values


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _unknown(node: onnx.NodeProto | None, name: str) -> str:
    by = f" that {node.op_type} makes" if node is not None else ""
    return f"the size of tensor {name!r}{by} does not follow from the observation's shape; only fixed sizes are run"


def _constant(node: onnx.NodeProto) -> onnx.TensorProto:
    entry = node.attribute[0]
    made = helper.get_attribute_value(entry)
    if isinstance(made, onnx.TensorProto):
        return made
    return numpy_helper.from_array(np.array(made, dtype=np.int64 if "int" in entry.name else np.float32))


def _attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    return next((helper.get_attribute_value(entry) for entry in node.attribute if entry.name == name), default)


def _measured(node: onnx.NodeProto, shape: Shape) -> Values:
    if node.op_type == "Size":
        return np.array(math.prod(shape), dtype=np.int64)
    return np.array(shape[slice(_attribute(node, "start", 0), _attribute(node, "end", None))], dtype=np.int64)


def _cast(node: onnx.NodeProto, given: Sequence[Any]) -> Values | None:
    kind = _attribute(node, "to", 0)
    if kind not in _FOLLOWED_TYPES:
        return None
    cast: Values = given[0].astype(helper.tensor_dtype_to_np_dtype(kind))
    return cast


def _divide(node: onnx.NodeProto, given: Sequence[Any]) -> Values | None:
    top, bottom = given  # rounding of negative quotients differs between runtimes, so these stay unknown
    return top // bottom if (top >= 0).all() and (bottom > 0).all() else None


def _concat(node: onnx.NodeProto, given: Sequence[Any]) -> Values:
    return np.concatenate(given, axis=_attribute(node, "axis", 0))


def _gather(node: onnx.NodeProto, given: Sequence[Any]) -> Values:
    return np.asarray(np.take(given[0], given[1], axis=_attribute(node, "axis", 0)))


def _slice(node: onnx.NodeProto, given: Sequence[Any]) -> Values | None:
    values, starts, ends, *more = given
    axes = more[0] if more and more[0] is not None else np.arange(len(starts))
    steps = more[1] if len(more) > 1 and more[1] is not None else np.ones_like(starts)
    if (steps < 1).any():
        return None
    cut = [slice(None)] * values.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        cut[int(axis)] = slice(int(start), int(end), int(step))
    return np.asarray(values[tuple(cut)])


def _reshaped(node: onnx.NodeProto, given: Sequence[Any]) -> Values | None:
    shape = given[1] if len(given) > 1 else None
    if node.op_type == "Reshape":
        return None if shape is None or (shape == 0).any() else np.asarray(given[0].reshape(shape))
    if node.op_type == "Squeeze":
        return np.asarray(np.squeeze(given[0], None if shape is None else tuple(map(int, shape))))
    return None if shape is None else np.asarray(np.expand_dims(given[0], tuple(map(int, shape))))


def _range(node: onnx.NodeProto, given: Sequence[Any]) -> Values:
    return np.arange(*(part.item() for part in given), dtype=given[0].dtype)


def _expand(node: onnx.NodeProto, given: Sequence[Any]) -> Values:
    return np.array(np.broadcast_to(given[0], np.broadcast_shapes(given[0].shape, tuple(map(int, given[1])))))


def _elementwise(function: Callable[..., Any]) -> Callable[[onnx.NodeProto, Sequence[Any]], Values | None]:
    def apply(node: onnx.NodeProto, given: Sequence[Any]) -> Values | None:
        return np.asarray(function(*given))

    return apply


_FOLLOWED_TYPES = (onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.BOOL, onnx.TensorProto.FLOAT)

_FOLLOWED: Mapping[str, Callable[[onnx.NodeProto, Sequence[Any]], Values | None]] = {
    "Shape": _elementwise(np.asarray),
    "Size": _elementwise(np.asarray),
    "Identity": _elementwise(np.asarray),
    "Cast": _cast,
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "Div": _divide,
    "Equal": _elementwise(np.equal),
    "Where": _elementwise(np.where),
    "Neg": _elementwise(np.negative),
    "Abs": _elementwise(np.abs),
    "Max": _elementwise(lambda *parts: functools.reduce(np.maximum, parts)),
    "Min": _elementwise(lambda *parts: functools.reduce(np.minimum, parts)),
    "Expand": _expand,
    "Concat": _concat,
    "Gather": _gather,
    "Slice": _slice,
    "Reshape": _reshaped,
    "Squeeze": _reshaped,
    "Unsqueeze": _reshaped,
    "Range": _range,
}


def _matmul(walk: _Walk, node: onnx.NodeProto) -> int:
    return math.prod(walk.shape(node.output[0])) * (walk.shape(node.input[0]) or (1,))[-1]


def _gemm(walk: _Walk, node: onnx.NodeProto) -> int:
    return math.prod(walk.shape(node.output[0])) * walk.shape(node.input[0])[0 if _attribute(node, "transA", 0) else 1]


def _conv(walk: _Walk, node: onnx.NodeProto) -> int:
    return math.prod(walk.shape(node.output[0])) * math.prod(walk.shape(node.input[1])[1:])


def _conv_transpose(walk: _Walk, node: onnx.NodeProto) -> int:
    return math.prod(walk.shape(node.input[0])) * math.prod(walk.shape(node.input[1])[1:])


def _pool(walk: _Walk, node: onnx.NodeProto) -> int:
    return int(math.prod(walk.shape(node.output[0])) * math.prod(_attribute(node, "kernel_shape", [1])))


def _einsum(walk: _Walk, node: onnx.NodeProto) -> int:
    terms = _attribute(node, "equation", b"").decode().replace(" ", "").split("->")[0].split(",")
    sizes: dict[str, int] = {}
    for term, name in zip(terms, node.input, strict=True):
        if len(term) != len(walk.shape(name)):
            raise ValueError(f"the Einsum of tensor {node.output[0]!r} leaves dimensions unnamed; name every one")
        for label, size in zip(term, walk.shape(name), strict=True):
            sizes[label] = max(size, sizes.get(label, 0))
    return math.prod(sizes.values())


def _trees(walk: _Walk, node: onnx.NodeProto) -> int:
    return walk.rows * tree_nodes(node)


_WORK: Mapping[str, Callable[[_Walk, onnx.NodeProto], int]] = {
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "Einsum": _einsum,
    OPERATOR: _trees,
}
