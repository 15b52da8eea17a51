"""Training data of the composed scorer: pairs of spectra, of which one is the other made worse, with their labels.

Batch number i of a seed is the same wherever and whenever it is made. Only this project's simulators are used.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.spectra import exposed_sites
from beamgym.envs.arpes_spot import SIDE, encoded, window_input
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.arpes.score import Scores
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

COARSEST, FINEST = 32, 128
"""Fewest and most pixels along an axis of the grids on which spectra are counted."""

WHOLE: Final = 1e5
"""Electrons above which N is full."""

Labelled = dict[str, NDArray[Any]]
"""Encoded spectra, their labels, and which of those are known, by the names of ``Pairs``."""

_STREAM = 101
_LEAST_F = 0.05
_SHARES: Final = {"published": 0.4, "full": 0.18, "curves": 0.42}  # of the pairs
_WIDENED: Final = {"published": 0.25, "full": 0.5, "curves": 1.0}  # share that gets other backgrounds and detectors
_LADDERS: Final = 2  # of each scene
_THINNING: Final = KINDS.index("thinning")
_SINGLE: Final = 6  # one spectrum in so many has no partner


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

    image: NDArray[np.floating]
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


def mixed(batches: list[Pairs], seed: int, epoch: int, look: int) -> Iterator[Pairs]:
    """Yield as many batches of the same size, of the pairs and the single spectra of all batches in another order."""
    draw, n, size = np.random.default_rng([seed, epoch, look, _STREAM]), batches[0].pairs, len(batches[0])
    pair = draw.permutation(n * len(batches)).reshape(-1, n)
    alone = draw.permutation((size - 2 * n) * len(batches)).reshape(-1, size - 2 * n)
    for own, single in zip(pair, alone, strict=True):
        batch, row = np.divmod(own, n)
        lonely, place = np.divmod(single, size - 2 * n)
        chosen = np.concatenate([batch, batch, lonely]), np.concatenate([row, row + n, place + 2 * n])
        parts = {
            name: np.stack([getattr(batches[b], name)[r] for b, r in zip(*chosen, strict=True)])
            for name in ("image", "seen", "numbers", "labels", "known")
        }
        yield Pairs(**parts, kind=np.array([batches[b].kind[r] for b, r in zip(batch, row, strict=True)]))


def pair_stream(seed: int, first: int, batches: int, size: int, workers: int = 0, ahead: int = 6) -> Iterator[Pairs]:
    """Yield batches ``first`` … of a seed, made by other processes, ``ahead`` of them, where ``workers`` is above 0."""
    numbers = range(first, first + batches)
    if workers < 1:
        yield from (make_pairs(seed, i, size) for i in numbers)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[Pairs]] = deque()
        for i in numbers:
            waiting.append(pool.submit(make_pairs, seed, i, size))
            if len(waiting) > max(ahead, 6 * workers):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def counted(
    clean: CleanSpectra,
    electrons: NDArray[np.float64],
    draw: np.random.Generator,
    coarse: float = 0.0,
    coarsest: int = COARSEST,
    rate: Float32Array | None = None,
) -> Labelled:
    """Return encoded spectra with labels: clean ones counted, with about so many electrons (m,) each.

    ``coarse`` is the chance that all are counted on a coarser grid, of ``coarsest`` pixels along an axis or more.
    ``rate`` (m, e, a) is what the detector counts, where it is not what follows of the parts.
    """
    m, rate = len(clean), clean.rate if rate is None else rate
    pixels = rate.shape[1]
    cover = (clean.gain.max(2) > 0.0).reshape(m, SIDE, -1).mean(2)
    if draw.random() < coarse and coarsest < pixels:
        e, a = draw.integers(coarsest, pixels, 2)
        down, side = overlap(pixels, int(e)), overlap(pixels, int(a)).T
        coarse_rate = np.asarray(down @ rate @ side, dtype=np.float32)
        made = overlap(int(e), SIDE) @ _poisson(coarse_rate, electrons, draw) @ overlap(int(a), SIDE).T
        cells = np.asarray(made, dtype=np.float32)
    else:
        cells = _poisson(rate.reshape(m, SIDE, pixels // SIDE, SIDE, -1).sum((2, 4)), electrons, draw)
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
    """Return m pairs of a world: two places on the same ladder of the same scene; two ladders start at each scene."""
    clean, wide = _scenes(name, -(-m // _LADDERS), seed, index, draw), int(_WIDENED[name] * m) // _LADDERS
    if wide:
        part = with_background(clean[:wide], draw) if draw.random() < 0.9 else clean[:wide]
        part = seen_by(part, draw) if draw.random() < 0.7 else part
        clean = _join(part, clean[wide:])
    pixels = clean.bands.shape[1]
    seen = rows_seen(draw, len(clean), pixels, 0.2 if name == "curves" else 0.0)
    scene = np.arange(m) // _LADDERS
    other_world = scene < wide
    electrons = 10.0 ** draw.uniform(3.2, 6.3, m)
    if name == "published":
        electrons[~other_world] = draw.uniform(1e4, 1e5, int((~other_world).sum()))
    ladder = _draw_ladder(clean, m, draw)
    up = np.where(draw.random(m) < np.where(other_world, 0.5, 0.3), draw.random(m), 0.0)  # the better one's place
    fewer = np.minimum(electrons, WHOLE) / 10.0 ** draw.uniform(0.1, 1.5, m)
    height = 0.7 / (pixels - 1) if name == "curves" else clean.step_ev.min()
    known_s = np.isclose(clean.step_ev, height)[scene]
    coarse = 0.3 if name == "curves" else 0.15
    clean, out = clean[scene], []
    for place, number in ((up, electrons), (np.ones(m), np.where(ladder.kind == _THINNING, fewer, electrons))):
        rate, parts = _on_ladder(clean, ladder, place)
        made = counted(
            cut_short(parts, seen[scene]),
            np.maximum(number, 300.0),
            draw,
            coarse,
            coarsest,
            rate if seen.all() else rate * seen[scene][:, :, None],
        )
        made["known"][:, [0, 2]] &= known_s[:, None]
        out.append(made)
    return out[0], out[1], ladder.kind


@dataclass(frozen=True)
class _Ladder:
    """How far m ladders go: blur (m,) in eV, shift (m,) in columns with the second domain's share (m,), background (m,)
    in electrons for each of the spectrum's and its shape (m, e, a); ``whole`` does it to what the detector counted."""

    kind: NDArray[np.int64]
    blur: NDArray[np.float64]
    shift: NDArray[np.float64]
    part: NDArray[np.float64]
    ground: NDArray[np.float64]
    shape: Float32Array | None
    whole: bool


def _draw_ladder(clean: CleanSpectra, m: int, draw: np.random.Generator) -> _Ladder:
    kind, pixels = np.searchsorted([0.27, 0.57, 0.8], draw.random(m), side="right"), clean.bands.shape[2]
    scene = np.arange(m) // _LADDERS
    even = draw.random(m) < 0.5
    amounts = (
        np.where(even, draw.uniform(0.01, 0.16, m), 0.004 * 70.0 ** draw.random(m))
        * (clean.step_ev[scene] * (pixels - 1) / 0.7),
        np.where(even, draw.uniform(0.008, 0.15, m), 0.006 * 30.0 ** draw.random(m))
        * draw.choice([-pixels, pixels], m),
        np.where(even, draw.uniform(0.05, 1.1, m), 0.03 * 100.0 ** draw.random(m)),
    )
    blur, shift, ground = (np.where(kind == k, amount, 0.0) for k, amount in enumerate(amounts))
    part = np.where(draw.random(m) < 0.6, 0.5, draw.uniform(0.1, 0.5, m))
    whole, form = bool(draw.random() < 0.45), draw.random()
    shape = None
    if whole or 0.35 < form < 0.7:  # even behind the detector
        shape = np.asarray(1.0 / np.maximum(clean.gain, np.float32(0.05)), dtype=np.float32)[scene]
    elif form >= 0.7:
        shape = background_shapes(clean, draw)[scene]
    return _Ladder(kind, blur, shift, part, ground, shape, whole)


def _on_ladder(clean: CleanSpectra, ladder: _Ladder, place: NDArray[np.float64]) -> tuple[Float32Array, CleanSpectra]:
    """Return what is counted (m, e, a), and the parts of which it is scored, of spectra part of the way (m,) up."""

    def worse(spectra: CleanSpectra, whole: bool) -> CleanSpectra:
        spectra = blurred(spectra, ladder.blur * place, whole)
        spectra = doubled(spectra, ladder.shift * place, ladder.part, whole)
        return buried(spectra, ladder.ground * place, ladder.shape)

    parts = worse(clean, ladder.whole)
    if not ladder.whole:
        return parts.rate, parts
    even = replace(clean, bands=clean.rate, ground=np.zeros_like(clean.ground), gain=np.ones_like(clean.gain))
    even = doubled(blurred(even, ladder.blur * place), ladder.shift * place, ladder.part)
    return buried(even, ladder.ground * place).rate, parts


def _scenes(name: str, m: int, seed: int, index: int, draw: np.random.Generator) -> CleanSpectra:
    if name == "curves":
        return curve_spectra(draw, m, SIDE, bandless=0.05, stretched=0.15)
    keys = make_keys(seed, np.arange(index << 12, (index << 12) + m), len(name), _STREAM)
    pixels = FINEST if name == "published" and index % 3 == 0 else SIDE  # a fine grid costs four times as much
    return clean_spectra(name, keys, recipe_grid((pixels, pixels)))


def _single(m: int, seed: int, index: int) -> Labelled:
    """Return spectra as they are counted: sites of surfaces, and spectra of both recipes, dead time and charge clouds
    of ``full`` included."""
    keys, sites = make_keys(seed, np.arange(index << 12, (index << 12) + m), 9, _STREAM), (2 * m) // 5
    plain = sites + (2 * m) // 5
    counts, surface = exposed_sites(keys[:sites], SIDE)
    known = np.ones((m, len(LABELS)), np.bool_)
    known[:sites, :2] = False
    labels, parts = np.zeros((m, len(LABELS)), np.float32), [encoded(counts, np.ones((sites, SIDE)))]
    labels[:sites, 2:] = np.column_stack([surface.labels()[:, :2], _log_f(surface)])
    for recipe, rows in (("published", slice(sites, plain)), ("full", slice(plain, m))):
        size = FINEST if recipe == "published" else SIDE
        batch = generate(recipe, keys[rows], recipe_grid((size, size)))
        labels[rows] = np.column_stack([batch.paper.labels()[:, :2], batch.v2.labels()[:, :2], _log_f(batch.v2)])
        parts.append(window_input(batch.counts))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {**joined, "labels": labels, "known": known}


def _log_f(scores: Scores) -> NDArray[np.float64]:
    return np.log(np.maximum(scores.feature, _LEAST_F))


def _join(*parts: CleanSpectra) -> CleanSpectra:
    names = CleanSpectra.__dataclass_fields__
    return CleanSpectra(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
