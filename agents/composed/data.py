"""Training data of the composed scorer: pairs of spectra, of which one is the other made worse, with their labels.

Batch number i of a seed is the same wherever and whenever it is made. Only this project's simulators are used.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.spectra import exposed_sites
from beamgym.envs.arpes_spot import SIDE, encoded
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.arpes.wide import (
    CleanSpectra,
    background_shapes,
    blurred,
    buried,
    clean_spectra,
    curve_spectra,
    cut_short,
    doubled,
    measures,
    rows_seen,
    seen_by,
    with_background,
)
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import BoolArray, Float32Array

LABELS: Final = ("paper S", "paper B", "v2 S", "v2 B", "log F")
"""What is learnt, in this order; F is that of ``v2``, its natural logarithm."""

KINDS: Final = ("blur", "domains", "background", "thinning")
"""How the worse one of a pair is worse."""

PIXELS: Final = 128
COARSEST: Final = 32
"""Pixels along an axis of the finest and the coarsest grid on which spectra are counted."""

WHOLE: Final = 1e5
"""Electrons above which N is full."""

Labelled = dict[str, NDArray[Any]]
"""Encoded spectra, their labels, and which of those are known, by the names of ``Pairs``."""

_STREAM = 101
_LEAST_F = 0.05
_SHARES: Final = {"published": 0.4, "full": 0.18, "curves": 0.42}  # of the pairs
_WIDENED: Final = {"published": 0.25, "full": 0.5, "curves": 1.0}  # share that gets other backgrounds and detectors
_SINGLE: Final = 6  # one spectrum in so many has no partner: a site of a surface, or one of ``full`` as it is counted


@dataclass(frozen=True)
class Pairs:
    """n pairs and k single spectra, encoded: first the better ones (n), then the worse (n), then the single (k).

    Parameters
    ----------
    image, seen, numbers : (2 n + k, ...) as ``envs.arpes_spot.encoded`` gives them
    labels : (2 n + k, 5) ``LABELS``
    known : (2 n + k, 5) False where a label does not exist or cannot be known
    kind : (n,) index into ``KINDS``
    """

    image: Float32Array
    seen: Float32Array
    numbers: Float32Array
    labels: Float32Array
    known: BoolArray
    kind: NDArray[np.int64]

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return len(self.kind)

    def __len__(self) -> int:
        return len(self.labels)


def make_pairs(seed: int, index: int, size: int, finest: bool = False) -> Pairs:
    """Return batch ``index`` of ``seed``, of ``size`` spectra; ``finest`` counts none on a grid coarser than 64."""
    single = size // _SINGLE
    each = {name: int(share * (size - single) / 2) for name, share in _SHARES.items()}
    each["curves"] += (size - single) // 2 - sum(each.values())
    draw = np.random.default_rng([seed, index, _STREAM])
    parts = [_pairs(name, number, seed, index, draw, SIDE if finest else COARSEST) for name, number in each.items()]
    alone = _single(size - 2 * sum(each.values()), seed, index)
    better = [part for part, _, _ in parts]
    worse = [part for _, part, _ in parts]
    joined = {name: np.concatenate([part[name] for part in (*better, *worse, alone)]) for name in alone}
    return Pairs(**joined, kind=np.concatenate([kind for _, _, kind in parts]))  # type: ignore[arg-type]


def pair_stream(seed: int, first: int, batches: int, size: int, workers: int = 0) -> Iterator[Pairs]:
    """Yield batches ``first`` … of a seed, made ahead by other processes where ``workers`` is above 0."""
    numbers = range(first, first + batches)
    if workers < 1:
        yield from (make_pairs(seed, i, size) for i in numbers)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[Pairs]] = deque()
        for i in numbers:
            waiting.append(pool.submit(make_pairs, seed, i, size))
            if len(waiting) > 6 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def counted(
    clean: CleanSpectra,
    electrons: NDArray[np.float64],
    draw: np.random.Generator,
    coarse: float = 0.0,
    coarsest: int = COARSEST,
) -> Labelled:
    """Return encoded spectra with labels: clean ones counted, with about so many electrons (m,) each.

    ``coarse`` is the chance that all are counted on another grid than the scorer's, of ``coarsest`` to 128
    pixels along an axis.
    """
    m, rate = len(clean), clean.rate
    cover = (clean.gain.max(2) > 0.0).reshape(m, SIDE, -1).mean(2)
    if draw.random() < coarse:
        e, a = draw.integers(coarsest, PIXELS, 2)
        down, side = overlap(PIXELS, int(e)), overlap(PIXELS, int(a)).T
        coarse_rate = np.asarray(down @ rate @ side, dtype=np.float32)
        made = overlap(int(e), SIDE) @ _poisson(coarse_rate, electrons, draw) @ overlap(int(a), SIDE).T
        cells = np.asarray(made, dtype=np.float32)
    else:
        cells = _poisson(rate.reshape(m, SIDE, PIXELS // SIDE, SIDE, -1).sum((2, 4)), electrons, draw)
    found = measures(clean.bands, clean.ground, clean.gain)
    widths = (clean.width_paper_ev, clean.width_v2_ev)
    paper_s, v2_s = (np.maximum(0.0, 1.0 - width) for width in widths)
    labels = np.stack([paper_s, found[:, 1], v2_s, found[:, 2], np.log(np.maximum(found[:, 0], _LEAST_F))], 1)
    return {**encoded(cells, cover), "labels": labels.astype(np.float32), "known": np.ones(labels.shape, np.bool_)}


def overlap(pixels: int, cells: int) -> Float32Array:
    """Return which share of each of ``pixels`` lies in each of ``cells`` of the same axis, (cells, pixels)."""
    edges, cell = np.linspace(0.0, cells, pixels + 1), np.arange(cells)[:, None]
    inside = np.minimum(edges[1:], cell + 1) - np.maximum(edges[:-1], cell)
    return np.asarray(np.maximum(inside, 0.0) * pixels / cells, dtype=np.float32)


def _poisson(rate: Float32Array, electrons: NDArray[np.float64], draw: np.random.Generator) -> Float32Array:
    total = np.maximum(rate.sum((1, 2), dtype=np.float64), 1e-12)
    return np.asarray(draw.poisson(rate * (electrons / total)[:, None, None]), dtype=np.float32)


def _pairs(
    name: str, m: int, seed: int, index: int, draw: np.random.Generator, coarsest: int
) -> tuple[Labelled, Labelled, NDArray[np.int64]]:
    clean, wide = _scenes(name, m, seed, index, draw), int(_WIDENED[name] * m)
    if wide:
        part = with_background(clean[:wide], draw) if draw.random() < 0.9 else clean[:wide]
        part = seen_by(part, draw) if draw.random() < 0.7 else part
        clean = _join(part, clean[wide:])
    clean, _ = _worse(clean, draw, draw.random(m) < 0.25 * (np.arange(m) < wide))
    electrons = 10.0 ** draw.uniform(3.2, 6.3, m)
    if name == "published":
        electrons[wide:] = draw.uniform(1e4, 1e5, m - wide)
    other, kind = _worse(clean, draw, np.ones(m, np.bool_))
    fewer = np.where(
        kind == KINDS.index("thinning"), np.minimum(electrons, WHOLE) / 10.0 ** draw.uniform(0.1, 1.5, m), electrons
    )
    seen = rows_seen(draw, m, PIXELS, 0.2) if name == "curves" else np.ones((m, PIXELS), np.float32)
    coarse = 0.3 if name == "curves" else 0.15
    known_s = (
        np.isclose(clean.step_ev, clean.step_ev.min())
        if name != "curves"
        else np.isclose(clean.step_ev, 0.7 / (PIXELS - 1))
    )
    out = []
    for one, number in ((clean, electrons), (other, np.maximum(fewer, 300.0))):
        made = counted(cut_short(one, seen), number, draw, coarse, coarsest)
        made["known"][:, [0, 2]] &= known_s[:, None]
        out.append(made)
    return out[0], out[1], kind


def _scenes(name: str, m: int, seed: int, index: int, draw: np.random.Generator) -> CleanSpectra:
    if name == "curves":
        return curve_spectra(draw, m, PIXELS, bandless=0.05, stretched=0.15)
    keys = make_keys(seed, np.arange(index << 12, (index << 12) + m), len(name), _STREAM)
    return clean_spectra(name, keys, recipe_grid((PIXELS, PIXELS)))


def _worse(clean: CleanSpectra, draw: np.random.Generator, which: BoolArray) -> tuple[CleanSpectra, NDArray[np.int64]]:
    """Return spectra of which some (m,) are made worse, and how, (m,) index into ``KINDS``."""
    m = len(clean)
    kind = np.searchsorted([0.28, 0.58, 0.86], draw.random(m), side="right")
    amounts = [
        0.004 * 70.0 ** draw.random(m) * clean.step_ev / (0.7 / (PIXELS - 1)),
        0.8 * 30.0 ** draw.random(m),
        0.03 * 100.0 ** draw.random(m),
    ]
    blur, shift, share = (np.where(which & (kind == k), amount, 0.0) for k, amount in enumerate(amounts))
    sign, part = draw.choice([-1.0, 1.0], m), draw.uniform(0.1, 0.5, m)
    part = np.where(draw.random(m) < 0.5, 0.5, part)
    whole = bool(draw.random() < 0.4)
    clean = doubled(blurred(clean, blur, whole), sign * shift, part, whole)
    form = draw.random()
    if form < 0.35:
        return buried(clean, share), kind
    dark = np.asarray(
        1.0 / np.maximum(clean.gain, np.float32(0.05)), dtype=np.float32
    )  # behind the detector's sensitivity
    return buried(clean, share, dark if form < 0.7 else background_shapes(clean, draw)), kind


def _single(m: int, seed: int, index: int) -> Labelled:
    """Return sites of surfaces and spectra of ``full`` as they are counted, dead time and charge clouds included."""
    keys, sites = make_keys(seed, np.arange(index << 12, (index << 12) + m), 9, _STREAM), (2 * m) // 3
    counts, v2 = exposed_sites(keys[:sites], SIDE)
    batch = generate("full", keys[sites:], recipe_grid((SIDE, SIDE)))
    known = np.ones((m, len(LABELS)), np.bool_)
    known[:sites, :2] = False
    labels = np.zeros((m, len(LABELS)), np.float32)
    labels[sites:, :2] = batch.paper.labels()[:, :2]
    labels[:sites, 2:4], labels[sites:, 2:4] = v2.labels()[:, :2], batch.v2.labels()[:, :2]
    labels[:, 4] = np.log(np.maximum(np.concatenate([v2.feature, batch.v2.feature]), _LEAST_F))
    cells = np.concatenate([counts, batch.counts])
    return {**encoded(cells, np.ones((m, SIDE))), "labels": labels, "known": known}


def _join(*parts: CleanSpectra) -> CleanSpectra:
    names = CleanSpectra.__dataclass_fields__
    return CleanSpectra(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
