"""Tree ensembles: the one operator outside standard ONNX that is run, and only as trees that are whole.

A runtime may follow the numbers of a tree wherever they lead. So every branch must lead to two later nodes of its own
tree, every node must have one way to it, and every feature, leaf and target must exist.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

DOMAIN: Final = "ai.onnx.ml"
OPERATOR: Final = "TreeEnsembleRegressor"
VERSION: Final = 3
"""Of the domain; later ones write trees as tensors."""

MAX_TREE_NODES: Final = 2**18
"""Branches and leaves of all trees together; the shipped trees have a third of that."""

MAX_TARGETS: Final = 4096
_NUMBERS: Final = ("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids")
_TARGETS: Final = ("target_treeids", "target_nodeids", "target_ids")
_KNOWN: Final = {*_NUMBERS, *_TARGETS, "nodes_modes", "nodes_values", "target_weights", "n_targets"}
_INT32: Final = 2**31

Ints = NDArray[np.int64]


def is_trees(node: onnx.NodeProto) -> bool:
    """Return whether a node is a tree ensemble."""
    return bool(node.domain == DOMAIN and node.op_type == OPERATOR)


def tree_nodes(node: onnx.NodeProto) -> int:
    """Return how many branches and leaves a tree ensemble has: no row takes more comparisons."""
    return next((len(entry.ints) for entry in node.attribute if entry.name == "nodes_nodeids"), 0)


def check_trees(node: onnx.NodeProto, features: int) -> None:
    """Refuse a tree ensemble that is not a sum of whole trees of "less or equal" branches.

    Parameters
    ----------
    node : a ``TreeEnsembleRegressor``
    features : numbers in each row of its input

    Raises
    ------
    ValueError : names what is wrong with the trees
    """
    given = {entry.name: entry for entry in node.attribute}
    unknown, missing = sorted(set(given) - _KNOWN), sorted(_KNOWN - set(given))
    if unknown or missing or len(given) != len(node.attribute):
        raise ValueError(
            f"a tree ensemble has {', '.join(unknown) or 'no'} {', '.join(missing)}; give {sorted(_KNOWN)}"
        )
    if tree_nodes(node) > MAX_TREE_NODES:
        raise ValueError(f"its trees have {tree_nodes(node)} nodes; at most {MAX_TREE_NODES} are run")
    ids = {name: _ints(given[name]) for name in (*_NUMBERS, *_TARGETS)}
    leaf = _leaves(given["nodes_modes"])
    count, leaves = len(leaf), len(ids["target_ids"])
    lengths = [len(ids[name]) for name in _NUMBERS] + [len(given["nodes_values"].floats)]
    if not count or set(lengths) != {count} or any(len(ids[name]) != leaves for name in _TARGETS):
        raise ValueError("the lists of its trees' nodes differ in length; every node needs an entry in each")
    if not (ids["nodes_featureids"] < features).all():
        raise ValueError(f"its trees look at feature {ids['nodes_featureids'].max()}; there are {features}")
    _check_shape(ids, leaf)
    _check_targets(given, ids, leaf)
    for name in ("nodes_values", "target_weights"):
        if not np.isfinite(given[name].floats).all():
            raise ValueError(f"its trees' {name} hold NaN or infinity; grow or export them anew")


def _ints(entry: onnx.AttributeProto) -> Ints:
    values = np.array(entry.ints, dtype=np.int64)
    if ((values < 0) | (values >= _INT32)).any():
        raise ValueError(f"its trees' {entry.name} hold numbers that are negative or too large")
    return values


def _leaves(entry: onnx.AttributeProto) -> NDArray[np.bool_]:
    unknown = set(entry.strings) - {b"LEAF", b"BRANCH_LEQ"}
    if unknown:
        raise ValueError(f"its trees have nodes of the mode {sorted(unknown)[0]!r}; BRANCH_LEQ and LEAF are run")
    return np.array([mode == b"LEAF" for mode in entry.strings], dtype=np.bool_)


def _check_shape(ids: Mapping[str, Ints], leaf: NDArray[np.bool_]) -> None:
    """Refuse nodes that are not numbered from 0 in each tree, and branches that do not make trees of them."""
    tree, number = ids["nodes_treeids"], ids["nodes_nodeids"]
    starts = np.flatnonzero(np.diff(tree, prepend=-1))
    sizes = np.diff(starts, append=len(tree))
    in_order = tree[0] == 0 and np.isin(np.diff(tree), (0, 1)).all()
    if not in_order or (number != np.arange(len(tree)) - np.repeat(starts, sizes)).any():
        raise ValueError("its trees' nodes are out of order; number trees and the nodes of each from 0, one by one")
    branch = ~leaf
    size, start = np.repeat(sizes, sizes)[branch], np.repeat(starts, sizes)[branch]
    below = [ids[name][branch] for name in ("nodes_truenodeids", "nodes_falsenodeids")]
    if any(((child <= number[branch]) | (child >= size)).any() for child in below):
        raise ValueError("a branch of its trees leads back, to itself or out of its tree; branches lead to later nodes")
    reached = np.bincount(np.concatenate([start + child for child in below]), minlength=len(tree))
    if (reached != (number > 0)).any():
        raise ValueError("a node of its trees has no way to it, or two; a tree has one")


def _check_targets(given: Mapping[str, onnx.AttributeProto], ids: Mapping[str, Ints], leaf: NDArray[np.bool_]) -> None:
    targets = given["n_targets"].i
    if not 1 <= targets <= MAX_TARGETS or not (ids["target_ids"] < targets).all():
        raise ValueError(f"its trees give {targets} targets; 1 to {MAX_TARGETS} are run, each leaf for one of them")
    tree, number = ids["nodes_treeids"], ids["nodes_nodeids"]
    wanted = np.stack([tree[leaf], number[leaf]], axis=1)
    found = np.stack([ids["target_treeids"], ids["target_nodeids"]], axis=1)
    weights = len(given["target_weights"].floats)
    if weights != len(found) or wanted.shape != found.shape or (wanted != found).any():
        raise ValueError("its trees' weights are not those of their leaves, one by one and in their order")
