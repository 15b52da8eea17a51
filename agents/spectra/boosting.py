"""Gradient boosting on summary features, a baseline for the network.

Trees are grown by LightGBM and written as ONNX, so that a benchmark needs no other library and reads no pickle.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from gymnasium import spaces
from onnx import TensorProto, helper

from beamgym.agents.spectra.data import Source, example_stream
from beamgym.agents.spectra.export import Reference, ScorerOrigin, write_scorer_bundle
from beamgym.envs.arpes_spot import FEATURES, SIDE
from beamgym.envs.bundles import DOMAIN, OPERATOR, VERSION
from beamgym.physics.instrument import Float32Array

BOOSTING_BUNDLE: Final = "arpes-scorer-boosting"
BOOSTING_SOURCES: Final = (Source("published", 224, 0.1), Source("published", 64, 0.9))
BOOSTING_PIXELS: Final = 8
WIDTH: Final = FEATURES + BOOSTING_PIXELS * BOOSTING_PIXELS + 2 * SIDE

TREES: Final = 300
SETTINGS: Final = {
    "objective": "l1",
    "num_leaves": 63,
    "learning_rate": 0.12,
    "max_bin": 127,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "num_threads": 2,
    "verbose": -1,
}

_REFERENCES = 200
_BATCH = 256

_CARD = """# ARPES scorer (gradient boosting)

Trees that score ARPES spectra, the `paper` total only: the baseline beside which the network is judged. Not for use on
other spectra than those of the recipe `published`: it knows no uncertainty and flags nothing.

| | |
|---|---|
| input | {width} numbers of a spectrum; see `beamgym.agents.spectra.boosting.boosting_features` |
| model | {origin.algorithm} |
| trained on | {origin.spectra:,} spectra of this project's simulator only: {mixture}; seed {origin.seed} |
| again | `{origin.command}` |

It is judged by `beamgym benchmark arpes-scorer --spectra 5000 --seed 0`. Most of its spectra have 64 pixels, since they
are added up to 64 x 64 cells before anything is taken from them, and are made four times faster.
"""


def boosting_features(image: Float32Array, intensity: Float32Array) -> Float32Array:
    """Return the trees' features, (m, 214): the intensity features, an 8 x 8 picture, and both profiles.

    ``image`` (m, 64, 64) and ``intensity`` (m, 22) are as ``scorer_input`` gives them. The picture is averaged over
    blocks; the profiles are the means along the slit and along the energy.
    """
    block = SIDE // BOOSTING_PIXELS
    coarse = image.reshape(-1, BOOSTING_PIXELS, block, BOOSTING_PIXELS, block).mean((2, 4)).reshape(len(image), -1)
    return np.concatenate([intensity, coarse, image.mean(2), image.mean(1)], axis=1)


def train_boosting(
    path: str | Path,
    spectra: int,
    seed: int,
    command: str,
    workers: int = 1,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Path:
    """Grow trees for the ``paper`` total on fresh spectra and write them as a bundle.

    Parameters
    ----------
    path : the bundle's directory
    spectra : how many to learn from
    seed : of the spectra
    command : that trains it again
    workers : processes that make spectra
    progress : called with phase, done and total

    Raises
    ------
    ValueError : where LightGBM is not installed, or ``path`` is there
    """
    lightgbm, show = _lightgbm(), progress or (lambda phase, done, total: None)
    features, totals = gather(seed, spectra, workers, show)
    note = lambda env: show("trees", env.iteration + 1, TREES)  # noqa: E731
    data = lightgbm.Dataset(features, totals)
    booster = lightgbm.train({**SETTINGS, "seed": seed}, data, num_boost_round=TREES, callbacks=[note])
    given = features[:_REFERENCES]
    scores = booster.predict(given)[:, None].astype(np.float32)
    space = spaces.Dict({"features": spaces.Box(0.0, 10.0, (WIDTH,), np.float32)})
    origin = ScorerOrigin(command, f"LightGBM, {TREES} trees of {SETTINGS['num_leaves']} leaves, L1", seed, len(totals))
    write = lambda graph: graph.write_bytes(as_onnx(booster.dump_model()).SerializeToString())  # noqa: E731
    reference = Reference(space, {"features": given}, scores)
    return write_scorer_bundle(Path(path), write, reference, origin, _card(origin), overwrite)


def as_onnx(dumped: dict[str, Any]) -> onnx.ModelProto:
    """Turn LightGBM's dumped trees into ONNX: features (n, k) to scores (n, 1)."""
    return trees_as_onnx([dumped], WIDTH)


def trees_as_onnx(dumps: list[dict[str, Any]], width: int) -> onnx.ModelProto:
    """Turn LightGBM's dumped trees of k targets into ONNX: features (n, width) to scores (n, k)."""
    columns: dict[str, list[Any]] = {}
    number = 0
    for target, dumped in enumerate(dumps):
        for tree in dumped["tree_info"]:
            for name, value in _rows(tree["tree_structure"], number, target):
                columns.setdefault(name, []).append(value)
            number += 1
    node = helper.make_node(OPERATOR, ["features"], ["scores"], domain=DOMAIN, n_targets=len(dumps), **columns)
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", width])]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", len(dumps)])]
    graph = helper.make_graph([node], "boosting", inputs, outputs)
    versions = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)]
    return helper.make_model(graph, opset_imports=versions, ir_version=9)


def grow_trees(features: Float32Array, wanted: Float32Array, settings: dict[str, Any], trees: int) -> Any:
    """Return LightGBM's booster of so many trees; raises ValueError where LightGBM is not installed."""
    lightgbm = _lightgbm()
    return lightgbm.train({**SETTINGS, **settings}, lightgbm.Dataset(features, wanted), num_boost_round=trees)


def _rows(root: dict[str, Any], tree: int, target: int) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of a tree's nodes, numbered as they are met."""
    waiting, number, next_free = [root], 0, 1
    while waiting:
        node = waiting.pop(0)
        leaf = "leaf_value" in node
        kind = {"modes": "LEAF" if leaf else "BRANCH_LEQ", "treeids": tree, "nodeids": number}
        split = {"featureids": node.get("split_feature", 0), "values": _below(node.get("threshold", 0.0))}
        below = {"truenodeids": 0 if leaf else next_free, "falsenodeids": 0 if leaf else next_free + 1}
        yield from ((f"nodes_{name}", value) for name, value in {**kind, **split, **below}.items())
        if leaf:
            yield from {"target_treeids": tree, "target_nodeids": number, "target_ids": target}.items()
            yield "target_weights", float(node["leaf_value"])
        else:
            waiting += [node["left_child"], node["right_child"]]
            next_free += 2
        number += 1


def _below(threshold: float) -> float:
    """Return the largest float32 not above a threshold, so that float32 features fall on the same side."""
    near = np.float32(threshold)
    return float(near if near <= threshold else np.nextafter(near, np.float32(-np.inf)))


def _card(origin: ScorerOrigin) -> str:
    mixture = ", ".join(f"{source.share:.0%} {source.kind} at {source.size}²" for source in BOOSTING_SOURCES)
    return _CARD.format(origin=origin, mixture=mixture, width=WIDTH)


def gather(
    seed: int, spectra: int, workers: int, progress: Callable[[str, int, int], None]
) -> tuple[Float32Array, Float32Array]:
    """Return features (k, 214) and ``paper`` totals (k,) of ``spectra`` fresh spectra, rounded up to whole batches."""
    batches = -(-spectra // _BATCH)
    features, totals = np.empty((batches * _BATCH, WIDTH), np.float32), np.empty(batches * _BATCH, np.float32)
    for i, examples in enumerate(example_stream(seed, 0, batches, _BATCH, BOOSTING_SOURCES, workers)):
        rows = slice(i * _BATCH, (i + 1) * _BATCH)
        features[rows], totals[rows] = boosting_features(examples.image, examples.intensity), examples.labels[:, 3]
        progress("spectra", i + 1, batches)
    return features, totals


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise ValueError("growing trees needs LightGBM; pip install 'beamgym[boosting]'") from error
    return lightgbm
