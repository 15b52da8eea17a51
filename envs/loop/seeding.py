"""The random key of an episode: (seed of its environment, number of the episode since that seed)."""

from collections.abc import Callable, Sequence

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


class EpisodeKeys:
    """Hands out one key per episode for n environments; environment i depends on its own seed only."""

    def __init__(self, n: int) -> None:
        self._seeds = np.zeros(n, dtype=np.uint64)
        self._episode = np.zeros(n, dtype=np.uint64)
        self._seeded = False

    def reseed(self, seeds: Sequence[int | None] | None, generator: Callable[[], np.random.Generator]) -> None:
        """Set the seeds; ``None`` goes on with the episodes that follow, or draws a seed the first time."""
        if seeds is None:
            if not self._seeded:
                self._seeds = generator().integers(0, 2**63, size=len(self._seeds), dtype=np.uint64)
                self._seeded = True
            return
        if len(seeds) != len(self._seeds):
            raise ValueError(f"{len(seeds)} seeds for {len(self._seeds)} environments; give one each, or one integer")
        for i, seed in enumerate([checked_seed(seed) for seed in seeds]):
            if seed is not None:
                self._seeds[i], self._episode[i] = np.uint64(seed), 0
        self._seeded = True

    def next(self, mask: NDArray[np.bool_], rows: slice = slice(None)) -> NDArray[np.uint64]:
        """Return the keys (m,) of the next episodes of some environments; only the masked ones (m,) count one on."""
        keys = make_keys(self._seeds[rows], self._episode[rows])
        self._episode[rows] += mask.astype(np.uint64)
        return keys
