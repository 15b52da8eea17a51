"""What a graph may hold: standard operators and its own weights, nothing fetched from elsewhere."""

from collections.abc import Iterator

import onnx

_STANDARD = ("", "ai.onnx")


def check_graph(model: onnx.ModelProto) -> None:
    """Refuse a model that is not plain, self-contained ONNX.

    Raises
    ------
    ValueError : when it uses operators of another domain, refers to external data, or is not valid ONNX
    """
    for graph in _graphs(model):
        for node in graph.node:
            if node.domain not in _STANDARD:
                raise ValueError(f"operator {node.op_type} of domain {node.domain!r}; only standard ONNX is run")
        for tensor in _tensors(graph):
            if tensor.data_location == onnx.TensorProto.EXTERNAL or len(tensor.external_data):
                raise ValueError(f"tensor {tensor.name!r} refers to external data; keep the weights in the graph")
    foreign = [entry.domain for entry in model.opset_import if entry.domain not in _STANDARD]
    if foreign:
        raise ValueError(f"operator domain {foreign[0]!r}; only standard ONNX is run")
    onnx.checker.check_model(model)


def _graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto | onnx.FunctionProto]:
    waiting: list[onnx.GraphProto | onnx.FunctionProto] = [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                waiting += [attribute.g, *attribute.graphs]


def _tensors(graph: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.TensorProto]:
    if isinstance(graph, onnx.GraphProto):
        yield from graph.initializer
        yield from (part for sparse in graph.sparse_initializer for part in (sparse.values, sparse.indices))
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
