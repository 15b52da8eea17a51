"""Training data of the scorer: spectra of both recipes on several grids, and of surfaces, fresh and reproducible.

Batch number i of a seed is the same wherever and whenever it is made. Only this project's simulators are used.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, fields
from multiprocessing import get_context
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.arpes_spot import scorer_input
from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.arpes.score import Scores
from beamgym.physics.arpes.surface import Analyser, SurfaceBank, surface_numbers
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import BoolArray, Float32Array

LABEL_COLUMNS: Final = 8
"""S, B, N, total of ``paper``, then of ``v2``."""

LEVEL_NAMES: Final = ("easy", "real", "hard")
"""Of surfaces."""

_STREAM = 91
_PER_SURFACE = 8
_DWELL_S = (0.05, 5.0)


@dataclass(frozen=True)
class Source:
    """A source of a share of the spectra.

    Parameters
    ----------
    kind : "published", "full" or "surface"
    size : pixels along energy and slit
    share : of every batch
    """

    kind: str
    size: int
    share: float


MIXTURE: Final = (
    Source("published", 224, 0.45),
    Source("published", 128, 0.1),
    Source("published", 64, 0.1),
    Source("full", 64, 0.1),
    Source("surface", 64, 0.25),
)
"""What the shipped scorer learns from."""

USUAL_SOURCES: Final = (
    Source("published", 64, 0.3),
    Source("published", 224, 0.05),
    Source("full", 64, 0.35),
    Source("surface", 64, 0.3),
)
"""What is not to be flagged; more of what is rare and varied in the training."""


@dataclass(frozen=True)
class Examples:
    """m encoded spectra with their labels.

    Parameters
    ----------
    image : (m, 64, 64); intensity : (m, 22), as ``scorer_input`` gives them
    labels : (m, 8)
    known : (m, 8) False where a label does not exist: ``paper`` scores of surfaces
    """

    image: Float32Array
    intensity: Float32Array
    labels: Float32Array
    known: BoolArray

    def __len__(self) -> int:
        return len(self.labels)


def make_examples(seed: int, index: int, size: int, mixture: tuple[Source, ...] = MIXTURE) -> Examples:
    """Return batch ``index`` of ``seed``: ``size`` spectra, shared among the sources of the mixture."""
    counts = sizes_of_sources(size, mixture)
    parts = [
        _make(source, seed, index, k, count) for k, (source, count) in enumerate(zip(mixture, counts, strict=True))
    ]
    return join_examples(parts)


def sizes_of_sources(size: int, mixture: tuple[Source, ...]) -> list[int]:
    """Return how many of ``size`` spectra each source gives; the first takes what rounding leaves."""
    total = sum(source.share for source in mixture)
    counts = [int(size * source.share / total) for source in mixture]
    counts[0] += size - sum(counts)
    return counts


def join_examples(parts: list[Examples]) -> Examples:
    """Return one batch of several."""
    return Examples(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("image", "intensity", "labels", "known"))
    )


def example_stream(
    seed: int, first: int, batches: int, size: int, mixture: tuple[Source, ...] = MIXTURE, workers: int = 0
) -> Iterator[Examples]:
    """Yield batches ``first`` … of a seed, made ahead by other processes where ``workers`` is above 0."""
    numbers = range(first, first + batches)
    if workers < 1:
        yield from (make_examples(seed, i, size, mixture) for i in numbers)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[Examples]] = deque()
        for i in numbers:
            waiting.append(pool.submit(make_examples, seed, i, size, mixture))
            if len(waiting) > 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def labelled(counts: Float32Array, paper: Scores | None, v2: Scores) -> Examples:
    """Return examples of spectra (m, e, a) whose scores are known."""
    labels, known = np.zeros((len(counts), LABEL_COLUMNS), np.float32), np.ones((len(counts), LABEL_COLUMNS), np.bool_)
    labels[:, 4:] = v2.labels()
    if paper is None:
        known[:, :4] = False
    else:
        labels[:, :4] = paper.labels()
    return Examples(**scorer_input(counts), labels=labels, known=known)


def _make(source: Source, seed: int, index: int, stream: int, count: int) -> Examples:
    keys = make_keys(seed, np.arange(index << 12, (index << 12) + count), stream, _STREAM)
    if source.kind == "surface":
        return surface_spectra(keys, source.size)
    batch = generate(source.kind, keys, recipe_grid((source.size, source.size)))
    return labelled(batch.counts, batch.paper, batch.v2)


def surface_spectra(keys: NDArray[np.uint64], size: int, levels: tuple[str, ...] = LEVEL_NAMES) -> Examples:
    """Expose some sites of some surfaces of levels in turn; every second site is the better of two."""
    counts, v2 = exposed_sites(keys, size, levels)
    return labelled(counts, None, v2)


def exposed_sites(
    keys: NDArray[np.uint64], size: int, levels: tuple[str, ...] = LEVEL_NAMES
) -> tuple[Float32Array, Scores]:
    """Return counts (m, size, size) and ``v2`` scores of the sites that ``surface_spectra`` exposes."""
    parts, analyser = [], Analyser(Grid.uniform(shape=(size, size)))
    for i, first in enumerate(range(0, len(keys), _PER_SURFACE)):
        chosen = keys[first : first + _PER_SURFACE]
        draw = np.random.default_rng(chosen[0])
        bank = SurfaceBank(1, analyser, surface_numbers(levels[i % len(levels)]))
        bank.draw(0, chosen[0])
        parts.append(_expose(bank, chosen, draw))
    return np.concatenate([counts for counts, _ in parts]), _joined([v2 for _, v2 in parts])


def _joined(parts: list[Scores]) -> Scores:
    names = [field.name for field in fields(Scores)]
    return Scores(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _expose(bank: SurfaceBank, keys: NDArray[np.uint64], draw: np.random.Generator) -> tuple[Float32Array, Scores]:
    m, size = len(keys), bank.analyser.grid.shape
    sites = draw.uniform(-1.0, 1.0, (2, m, 2))
    points = bank.true_scores(0, sites.reshape(-1, 2)).total.reshape(2, m)
    better = np.where(np.arange(m) % 2 == 0, points.argmax(0), 0)
    low, high = np.log(_DWELL_S).tolist()
    dwell = np.exp(draw.uniform(low, high, m))
    counts, rows = np.zeros((m, *size), np.float32), np.arange(m)
    v2 = bank.expose(rows, np.zeros(m, np.int64), sites[better, rows], dwell, np.zeros(m), keys, counts)
    return counts, v2
