"""Spectra whose scores are spread evenly by rejection, each reproducible on its own; and streams of them.

Random parameters give mostly middling scores. As in Na et al. (arXiv 2508.15983), a spectrum whose score is common is
thrown away and drawn again, more often the more common it is. How often is measured once, on a pilot of fixed keys, so
that spectrum number i depends on the seed and i only, not on what was drawn before it or in which process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from numbers import Integral
from typing import Any, Final, Literal

import numpy as np

from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arpes.recipes.batch import Batch, join_batches
from beamgym.physics.arpes.recipes.recipes import check_recipe, generate
from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.counter_rng import make_keys

ScoreName = Literal["paper", "v2"]

ATTEMPTS: Final = 200
"""Draws after which a spectrum is used whatever its score is."""

BINS: Final = 20
"""Bins of the score, 0 to 10."""

_STREAM = 77  # of the keys; the pilot takes the next one


@dataclass(frozen=True, eq=False)
class Sampler:
    """A recipe on a grid, with the share of spectra of each score that is used.

    Parameters
    ----------
    recipe : "published" or "full"
    grid : energies and angles
    score : which total is spread evenly, "paper" or "v2"
    acceptance : (bins,) probability with which a spectrum in each bin of the score is used; ones: all are
    """

    recipe: str
    grid: Grid
    score: ScoreName
    acceptance: Float64Array

    @classmethod
    def natural(cls, recipe: str, grid: Grid, score: ScoreName = "paper") -> Sampler:
        """Return the sampler that uses every spectrum."""
        return cls(check_recipe(recipe), grid, _check_score(score), np.ones(BINS))

    @classmethod
    def even(
        cls, recipe: str, grid: Grid, score: ScoreName = "paper", pilot: int = 1024, used: float = 0.25
    ) -> Sampler:
        """Return the sampler that spreads scores as evenly as it can while it uses a given share of what it draws.

        Parameters
        ----------
        recipe, grid, score : as of the class
        pilot : spectra drawn to see how common each score is
        used : share of spectra that is used, above 0 to 1: smaller is more even, and slower

        Raises
        ------
        ValueError : an unknown recipe or score, a pilot of fewer than 100, a share outside (0, 1]
        """
        check_recipe(recipe)
        if pilot < 100 or not 0.0 < used <= 1.0:
            raise ValueError(f"a pilot needs 100 spectra or more, and 0 < used ≤ 1; got pilot {pilot}, used {used}")
        totals = [
            getattr(generate(recipe, keys, grid), _check_score(score)).total
            for keys in np.array_split(make_keys(0, np.arange(pilot), 0, _STREAM + 1), -(-pilot // 64))
        ]
        frequency = np.bincount(_bin(np.concatenate(totals)), minlength=BINS) / pilot
        return cls(recipe, grid, score, _acceptance(frequency, used))

    def take(self, seed: int, index: Int64Array) -> Batch:
        """Return the spectra of given numbers.

        Parameters
        ----------
        seed : of the data set, ≥ 0
        index : (n,) whole numbers in the data set, ≥ 0

        Returns
        -------
        Batch, in the order of ``index``

        Raises
        ------
        ValueError : a negative seed or number, or none
        TypeError : a seed or numbers that are not whole
        """
        check_whole(seed=seed)
        numbers = np.asarray(index)
        if numbers.size and not np.issubdtype(numbers.dtype, np.integer):
            raise TypeError(f"the numbers of spectra are {numbers.dtype}; give whole ones, as np.arange(10)")
        waiting = numbers.astype(np.int64)
        if waiting.ndim != 1 or not waiting.size or waiting.min() < 0 or seed < 0:
            raise ValueError("give a seed ≥ 0 and a list of numbers ≥ 0, at least one")
        place, parts, order = np.arange(waiting.size), [], []
        for attempt in range(ATTEMPTS):
            keys = make_keys(seed, waiting, attempt, _STREAM)
            batch = generate(self.recipe, keys, self.grid)
            luck = (keys >> np.uint64(11)).astype(np.float64) * 2.0**-53
            chance = self.acceptance[_bin(getattr(batch, self.score).total)]
            good = (luck < chance) | (attempt == ATTEMPTS - 1)
            if good.any():
                parts.append(batch[good])
                order.append(place[good])
            waiting, place = waiting[~good], place[~good]
            if not waiting.size:
                break
        whole = join_batches(parts)
        return whole[np.argsort(np.concatenate(order))]


def stream(
    sampler: Sampler, seed: int, batch: int, first: int = 0, count: int | None = None, workers: int = 0
) -> Iterator[Batch]:
    """Yield batches of spectra, simulated on demand; nothing is written to disk.

    Parameters
    ----------
    sampler : what to draw
    seed : of the data set
    batch : spectra in a batch; the last of a finite stream may be smaller
    first : number of the first spectrum
    count : of spectra in all; without end by default
    workers : processes that simulate ahead; 0 simulates here

    Yields
    ------
    Batch; the same ones whatever the number of workers

    Raises
    ------
    ValueError : a batch, count or number of workers that makes no stream
    TypeError : a seed or a number that is not whole
    """
    check_whole(seed=seed, batch=batch, first=first, workers=workers, count=1 if count is None else count)
    if batch < 1 or workers < 0 or first < 0 or (count is not None and count < 1):
        raise ValueError(
            f"a stream needs batch ≥ 1, workers ≥ 0, first ≥ 0, count ≥ 1; got {batch}, {workers}, {first}"
        )
    numbers = _numbers(batch, first, None if count is None else first + count)
    if workers == 0:
        return (sampler.take(seed, index) for index in numbers)
    return _ahead(sampler, seed, numbers, workers)


def check_whole(**numbers: Any) -> None:
    """Raise TypeError for the first of the named numbers that is not whole: 1.5 would do as 1 does."""
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(f"{name} is {value!r}; give a whole number")


def _ahead(sampler: Sampler, seed: int, numbers: Iterator[Int64Array], workers: int) -> Iterator[Batch]:
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        queue: deque[Future[Batch]] = deque()
        for index in numbers:
            queue.append(pool.submit(sampler.take, seed, index))
            if len(queue) > 2 * workers:
                yield queue.popleft().result()
        while queue:
            yield queue.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _numbers(batch: int, first: int, end: int | None) -> Iterator[Int64Array]:
    while end is None or first < end:
        last = first + batch if end is None else min(first + batch, end)
        yield np.arange(first, last)
        first = last


def _bin(total: Float64Array) -> Int64Array:
    return np.clip((total * (BINS / 10.0)).astype(np.int64), 0, BINS - 1)


def _acceptance(frequency: Float64Array, used: float) -> Float64Array:
    """Cut the histogram off at the height that leaves the share ``used`` of it."""
    low, high = 0.0, float(frequency.max())
    for _ in range(60):
        height = 0.5 * (low + high)
        low, high = (height, high) if np.minimum(frequency, height).sum() < used else (low, height)
    return np.minimum(1.0, high / np.maximum(frequency, 1e-12))


def _check_score(score: ScoreName) -> ScoreName:
    if score not in ("paper", "v2"):
        raise ValueError(f'unknown score {score!r}; choose "paper" or "v2"')
    return score
