"""Trains the ood classifier of a composed scorer: usual spectra against pictures that are none, and cut ones."""

from typing import Final

import numpy as np
import torch

from beamgym.agents.composed.data import counted, make_pairs
from beamgym.agents.composed.net import ComposedNet
from beamgym.agents.composed.ood import ood_features
from beamgym.agents.composed.trainer import Progress
from beamgym.agents.spectra import OOD_KINDS, fit_classifier, odd_counts, wrong_windows
from beamgym.envs.arpes_spot import SIDE, encoded, window_input
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.arpes.wide import curve_spectra, seen_by, with_background
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import Float32Array

USUAL_SHARE: Final = 0.97
"""Share of spectra like the training's that are not flagged."""

BANDLESS_LOG_F: Final = 0.7
"""Natural logarithm of F of ``v2`` below which a spectrum shows no band that changes along the slit."""

OOD_SEED: Final = 2_000_007
_ELECTRONS, _BATCH, _EPOCHS = 0, 256, 20
_HELD_OUT = 4
_RECIPE_SIZES = (("published", 224), ("published", 128), ("published", 64), ("full", 64))
_UNITS = ("weakened", "strengthened", "scaled")  # told by the noise of the pixels themselves
_HARD = ("upside down", "turned")
_PICTURES = (*_HARD, *(kind for kind in OOD_KINDS if kind not in _UNITS), *_HARD)
Encoded = dict[str, Float32Array]


def train_window_ood(net: ComposedNet, spectra: int, seed: int, progress: Progress) -> None:
    """Train the classifier of a trained network on about ``spectra`` usual spectra against some more that are not."""
    net.eval()
    classifier, usual, odd = net.ood, [], []
    batches = spectra // _BATCH
    for i in range(batches):
        kept = usual_spectra(i)
        usual.append(_features(net, kept))
        odd += [_features(net, part) for part in odd_spectra(kept, i)]
        progress("spectra for the novelty", i + 1, batches)
    known, other = torch.cat(usual), torch.cat(odd)
    held = torch.arange(len(known)) % _HELD_OUT == 0
    with torch.no_grad():
        classifier.centre.copy_(known.mean(0))
        classifier.spread.copy_(known.std(0) + 1e-3)
        taught, kept_out, other = (classifier.scaled(part) for part in (known[~held], known[held], other))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        wanted = torch.cat([torch.zeros(len(taught)), torch.ones(len(other))])
        fit_classifier(classifier, torch.cat([taught, other]), wanted, _EPOCHS, usual=len(other) / len(taught))
    with torch.no_grad():
        classifier.eval()
        classifier.usual.copy_(torch.quantile(classifier.layers(kept_out), USUAL_SHARE))


def usual_spectra(index: int) -> Encoded:
    """Return a batch of spectra that are not to be flagged: as of the training, and whole ones of both recipes."""
    pairs = make_pairs(OOD_SEED, index, 2 * _BATCH, finest=True)
    proper = (pairs.labels[:, 4] > BANDLESS_LOG_F) & pairs.known[:, 2]  # not in a window of another height
    banded = np.random.default_rng([OOD_SEED, index]).permutation(np.flatnonzero(proper))[: _BATCH * 3 // 4]
    parts = [{name: getattr(pairs, name)[banded] for name in ("image", "seen", "numbers")}]
    recipe, size = _RECIPE_SIZES[index % len(_RECIPE_SIZES)]
    m = _BATCH // 4
    keys = make_keys(OOD_SEED, np.arange(index << 12, (index << 12) + m), 3, size)
    parts.append(window_input(generate(recipe, keys, recipe_grid((size, size))).counts))
    return _together(parts)


def odd_spectra(usual: Encoded, index: int) -> list[Encoded]:
    """Return spectra that are to be flagged: pictures made of usual ones, cut windows, films without bands."""
    whole = usual["seen"].mean(1) > 0.99
    counts = _counts(usual)[whole]
    made = [window_input(odd_counts(counts, 2 * OOD_SEED + 2 * index + turn, _PICTURES)) for turn in range(2)]
    m = _BATCH // 2
    draw = np.random.default_rng([OOD_SEED, index, 5])
    bandless = curve_spectra(draw, m, SIDE, bandless=1.0)
    bandless = seen_by(with_background(bandless, draw), draw) if index % 3 else bandless
    electrons = 10.0 ** draw.uniform(3.7, 6.3, m)
    one = counted(bandless, electrons, draw)
    windows = encoded(wrong_windows(OOD_SEED, index, _BATCH // 2), np.ones((_BATCH // 2, SIDE)))
    return [*made, {name: one[name] for name in ("image", "seen", "numbers")}, windows]


def _counts(usual: Encoded) -> np.ndarray:
    square = usual["image"].astype(np.float64) ** 2
    electrons = 10.0 ** (6.0 * usual["numbers"][:, _ELECTRONS].astype(np.float64)) - 1.0
    return np.asarray(square * (electrons / np.maximum(square.sum((1, 2)), 1e-9))[:, None, None])


def _together(parts: list[Encoded]) -> Encoded:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@torch.no_grad()
def _features(net: ComposedNet, made: Encoded) -> torch.Tensor:
    image, seen, numbers = (torch.from_numpy(made[name]) for name in ("image", "seen", "numbers"))
    return ood_features(image, seen, numbers, net.told(image, seen, numbers))
