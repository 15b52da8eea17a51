"""Gradient boosting at its best: trees that predict S, B and F of ``paper`` from 101 hand features, then the formula.

A total learnt in one go rounds the staircase off; trees do better where they predict the components. Trees are grown by
LightGBM and written as ONNX, so that a benchmark needs no other library and reads no pickle.
"""

from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from beamgym.agents.composed.trainer import Progress
from beamgym.agents.spectra import Reference, ScorerOrigin, grow_trees, trees_as_onnx, write_scorer_bundle
from beamgym.envs.arpes_spot import SIDE, Quality, window_input
from beamgym.envs.bundles import Encoder, OnnxModel
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.arpes.score import paper_total
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import Float32Array

RIVAL_BUNDLE: Final = "arpes-scorer-two-stage"
FEATURES: Final = 101
RIVAL_SPECTRA: Final = 65536
TREES: Final = 400
SETTINGS: Final = {"num_leaves": 47, "learning_rate": 0.06, "min_child_samples": 20}
"""The best of a few that were tried on other spectra, see docs/arpes_scorer.md."""

_STREAM, _BATCH, _REFERENCES = 121, 256, 200
_SIZES = ((224, 0.25), (64, 0.75))  # pixels and their shares

_CARD = """# ARPES scorer (two-stage gradient boosting)

Trees that predict S, B and the logarithm of F (by `paper`, F per image) of ARPES spectra; the total follows by the
formula. The rival beside which the network is judged. Not for use on other spectra than those of the recipe
`published`: it knows no uncertainty and flags nothing.

| | |
|---|---|
| input | {width} numbers of a spectrum; see `beamgym.agents.composed.rivals.rival_features` |
| model | {origin.algorithm} |
| trained on | {origin.spectra:,} spectra of this project's simulator only, of `published`; seed {origin.seed} |
| again | `{origin.command}` |
"""


def rival_features(counts: ArrayLike) -> Float32Array:
    """Return 101 numbers of each spectrum (m, e, a): brightness, profiles, edges, contrast, noise and correlations."""
    made = window_input(counts)
    image, numbers = made["image"].astype(np.float64), made["numbers"].astype(np.float64)
    m, bright = len(image), image**2
    blocks = bright.reshape(m, 16, 4, 16, 4).mean((2, 4))
    per_row = np.maximum(blocks.mean(2), 1e-6)
    variation = np.abs(np.diff(blocks, axis=2)).sum(2) / per_row / 16.0
    low = np.quantile(blocks, 0.1, axis=2)
    columns = bright.reshape(m, SIDE, 8, 8).mean((1, 3))
    parts = [
        numbers,
        per_row,
        variation,
        low,
        columns,
        _edge(bright.mean(2)),
        _contrast(blocks),
        _steps(image),
        _correlations(image),
        np.stack([bright[:, 58:].mean((1, 2)), np.quantile(blocks.reshape(m, -1), 0.05, axis=1)], 1),
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def rival_scores(counts: ArrayLike, told: Float32Array) -> NDArray[np.float64]:
    """Return S, B, N and the ``paper`` total (m, 4) of what trees told (m, 3) of spectra."""
    s, b, f = np.asarray(told, np.float64).T
    spectra = np.asarray(counts)
    n = np.minimum(spectra.sum((1, 2), dtype=np.float64) / 1e5, 1.0)
    s, b = np.clip(s, 0.0, 1.0), np.clip(b, 0.0, 1.0)
    return np.stack([s, b, n, paper_total(np.exp(f) / spectra.shape[2], s, b, n)], axis=1)


class TwoStageBoosting:
    """The trees of a bundle as a scorer by ``paper``; it knows no uncertainty and flags nothing.

    Parameters
    ----------
    path : the bundle's directory
    """

    def __init__(self, path: str | Path) -> None:
        self._model = OnnxModel.load(path)
        self.name = self._model.name

    def quality(self, counts: ArrayLike) -> Quality:
        """Return scores of spectra (m, e, a); uncertainties are NaN, the ood value is 0."""
        told = self._model.predict({"features": rival_features(counts)}, batch=None)
        scores = rival_scores(counts, told).astype(np.float32)
        return Quality(scores, np.full_like(scores, np.nan), np.zeros(len(scores), np.float32))


def shipped_rival() -> TwoStageBoosting:
    """Return the shipped trees."""
    return TwoStageBoosting(Path(str(files("beamgym.envs.models"))) / RIVAL_BUNDLE)


def train_rival(
    path: str | Path,
    spectra: int,
    seed: int,
    command: str,
    overwrite: bool = False,
    progress: Progress | None = None,
    settings: dict[str, Any] | None = None,
) -> Path:
    """Grow trees for S, B and log F on fresh spectra of ``published`` and write them as a bundle.

    Raises
    ------
    ValueError : where LightGBM is not installed, or ``path`` is there
    """
    show = progress or (lambda phase, done, total: None)
    features, labels = gather(seed, spectra, show)
    boosters = []
    for i in range(labels.shape[1]):
        boosters.append(grow_trees(features, labels[:, i], {**SETTINGS, **(settings or {}), "seed": seed}, TREES))
        show("trees", i + 1, labels.shape[1])
    given = features[:_REFERENCES]
    told = np.stack([booster.predict(given) for booster in boosters], 1).astype(np.float32)
    algorithm = f"LightGBM, 3 x {TREES} trees of {SETTINGS['num_leaves']} leaves, L1, then the formula"
    origin = ScorerOrigin(command, algorithm, seed, len(labels))
    space = spaces.Dict({"features": spaces.Box(-1e6, 1e6, (FEATURES,), np.float32)})
    encoder = Encoder(name="hand features", parameters={"outputs": ["S", "B", "log F"]})
    units = {"features": "see beamgym.agents.composed.rivals.rival_features", "scores": "S, B, log F of v2"}
    reference = Reference(space, {"features": given}, told, encoder=encoder, units=units, least=-5.0)
    graph = trees_as_onnx([booster.dump_model() for booster in boosters], FEATURES)
    card = _CARD.format(origin=origin, width=FEATURES)

    def write(file: Path) -> None:
        file.write_bytes(graph.SerializeToString())

    return write_scorer_bundle(Path(path), write, reference, origin, card, overwrite)


def gather(seed: int, spectra: int, progress: Progress) -> tuple[Float32Array, Float32Array]:
    """Return features (k, 101) and labels S, B, log F of ``v2`` (k, 3) of fresh spectra of ``published``."""
    features, labels = [], []
    batches = -(-spectra // _BATCH)
    for i in range(batches):
        for k, (size, share) in enumerate(_SIZES):
            keys = make_keys(seed, np.arange(i << 12, (i << 12) + int(_BATCH * share)), k, _STREAM)
            batch = generate("published", keys, recipe_grid((size, size)))
            features.append(rival_features(batch.counts))
            log_f = np.log(np.maximum(batch.v2.feature, 0.05))
            labels.append(np.stack([batch.paper.sharpness, batch.paper.background, log_f], 1).astype(np.float32))
        progress("spectra", i + 1, batches)
    return np.concatenate(features), np.concatenate(labels)


def _edge(profile: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the steepest fall of the rows' profile, where it is, and over how many rows it falls by half of it."""
    smooth = (profile[:, :-2] + profile[:, 1:-1] + profile[:, 2:]) / 3.0
    fall = smooth[:, :-1] - smooth[:, 1:]
    steepest = fall.max(1)
    wide = (fall > 0.5 * steepest[:, None]).sum(1)
    return np.stack([steepest, fall.argmax(1) / SIDE, wide], axis=1)


def _contrast(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    flat = np.sort(blocks.reshape(len(blocks), -1), axis=1)
    return np.stack([flat[:, -1], flat[:, -8:].mean(1), flat[:, 128], flat[:, :26].mean(1)], axis=1)


def _steps(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return mean square steps of the picture over 1, 2, 4 and 8 cells, along the energy and along the slit."""
    along = [np.square(image[:, k:] - image[:, :-k]).mean((1, 2)) for k in (1, 2, 4, 8)]
    across = [np.square(image[:, :, k:] - image[:, :, :-k]).mean((1, 2)) for k in (1, 2, 4, 8)]
    return np.stack([*along, *across], axis=1)


def _correlations(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how alike neighbours are at 1, 2 and 4 cells along each axis, after the mean of each row is taken out."""
    rest = image - image.mean(2, keepdims=True)
    norm = np.maximum(np.square(rest).mean((1, 2)), 1e-9)
    along = [(rest[:, k:] * rest[:, :-k]).mean((1, 2)) / norm for k in (1, 2, 4)]
    across = [(rest[:, :, k:] * rest[:, :, :-k]).mean((1, 2)) / norm for k in (1, 2, 4)]
    return np.stack([*along, *across], axis=1)
