"""The random key of an episode: (seed of its environment, number of the episode since that seed)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.counter_rng import make_keys


def checked_seed(seed: object) -> int | None:
    """Return a seed as Python's integer, or None; raise TypeError or ValueError for what cannot be one."""
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"the seed is {seed!r}; choose an integer from 0 to 2^64 - 1")
    if not 0 <= seed < 2**64:
        raise ValueError(f"the seed is {seed}; choose an integer from 0 to 2^64 - 1")
    return int(seed)


def checked_options(options: object) -> dict[str, Any]:
    """Return the options of a reset as a dict of its own; raise TypeError for what is none."""
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise TypeError(f"options is {options!r}; give a dict, such as {{'positions': …}}, or None")
    return dict(options)


def seeds_of(seed: object, n: int) -> list[int | None] | None:
    """Return a seed for each of n environments: s + i of one integer s, those of a sequence, or None for none.

    Raises
    ------
    TypeError, ValueError : what cannot be a seed, or another number of them
    """
    if isinstance(seed, np.ndarray) and seed.ndim != 1:
        raise TypeError(f"the seed is an array of shape {seed.shape}; give an integer, or a list of {n}")
    if isinstance(seed, Sequence | np.ndarray) and not isinstance(seed, str | bytes):
        return _counted([checked_seed(each) for each in seed], n)
    first = checked_seed(seed)
    return None if first is None else _counted([checked_seed(first + i) for i in range(n)], n)


class EpisodeKeys:
    """Hands out one key per episode for n environments; environment i depends on its own seed only."""

    def __init__(self, n: int) -> None:
        self._seeds = np.zeros(n, dtype=np.uint64)
        self._episode = np.zeros(n, dtype=np.uint64)
        self._seeded = np.zeros(n, dtype=np.bool_)

    def copy(self) -> "EpisodeKeys":
        """Return the same at its present state: what a reset that may be refused takes its keys from."""
        other = EpisodeKeys(len(self._seeds))
        other._seeds, other._episode, other._seeded = self._seeds.copy(), self._episode.copy(), self._seeded.copy()
        return other

    def reseed(
        self,
        seeds: Sequence[int | None] | None,
        generator: Callable[[], np.random.Generator],
        mask: NDArray[np.bool_] | None = None,
    ) -> None:
        """Set the seeds; ``None`` goes on with the episodes that follow, or draws a seed the first time.

        Parameters
        ----------
        seeds : one each
        generator : gives what draws the seeds that are missing the first time
        mask : (n,) environments that take their seed; by default all
        """
        n = len(self._seeds)
        given = [None] * n if seeds is None else _counted([checked_seed(seed) for seed in seeds], n)
        taken = np.array([seed is not None for seed in given]) & (True if mask is None else mask)
        if not (self._seeded | taken).all():
            drawn = generator().integers(0, 2**63, size=n, dtype=np.uint64)
            self._seeds = np.where(self._seeded, self._seeds, drawn)
        for i, seed in enumerate(given):
            if seed is not None and taken[i]:
                self._seeds[i], self._episode[i] = np.uint64(seed), 0
        self._seeded = np.ones(n, dtype=np.bool_)

    def next(self, mask: NDArray[np.bool_], rows: slice = slice(None)) -> NDArray[np.uint64]:
        """Return the keys (m,) of the next episodes of some environments; only the masked ones (m,) count one on."""
        keys = make_keys(self._seeds[rows], self._episode[rows])
        self._episode[rows] += mask.astype(np.uint64)
        return keys


def _counted(seeds: list[int | None], n: int) -> list[int | None]:
    if len(seeds) != n:
        raise ValueError(f"{len(seeds)} seeds for {n} environments; give one each, or one integer")
    return seeds
