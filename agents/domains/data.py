"""What the network of domains learns from: simulated cuts, counted anew, mirrored and cut to smaller windows."""

from dataclasses import dataclass

import numpy as np

from beamgym.agents.domains.config import DomainsConfig
from beamgym.physics.arpes.domains import CANVAS, SimulatedCuts, simulated_cuts
from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array, Int64Array

_BRIGHT = 2_000_000  # electrons of a cut that is kept: what is drawn from it is as good as new
_NUMBERS = (1, 1, 2, 2, 3)
_CUT = 0.3  # share of the cuts that lose angles, and of those that lose energies
_LEAST_COLUMNS, _MOST_ROWS = 56, 26  # columns that are left, rows that may be lost


@dataclass(frozen=True, eq=False)
class CutBatch:
    """Counts (n, 48, 120), what was measured of them (n, 48) and (n, 120), and the truth; bands are one domain's."""

    counts: Float32Array
    rows: Float32Array
    columns: Float32Array
    number: Int64Array
    offset_deg: Float32Array
    weight: Float32Array
    bands: Int64Array


def training_cuts(config: DomainsConfig, seed: int) -> list[SimulatedCuts]:
    """Return the cuts of a training, bright, as 16-bit counts."""
    wanted = (("usual", config.usual), ("wide", config.wide))
    return [
        _small(simulated_cuts(2 * seed + place, count, population, _NUMBERS, _BRIGHT, config.smallest_deg))
        for place, (population, count) in enumerate(wanted)
        if count
    ]


def checked_cuts(seed: int, count: int, numbers: tuple[int, ...] = _NUMBERS) -> CutBatch:
    """Return cuts of 5·10⁴ electrons by which a network is judged."""
    cuts = simulated_cuts(seed, count, "usual", numbers)
    rows, columns = CANVAS.shape
    every = np.ones((count, rows), np.float32), np.ones((count, columns), np.float32)
    truth = cuts.offset_deg.astype(np.float32), cuts.weight.astype(np.float32)
    return CutBatch(cuts.counts, *every, cuts.number, *truth, cuts.bands)


def make_batch(parts: list[SimulatedCuts], config: DomainsConfig, seed: int, step: int) -> CutBatch:
    """Return batch number ``step``: cuts drawn at random, with as many electrons as the configuration says."""
    random = np.random.default_rng([seed, step])
    sizes = np.array([len(part) for part in parts])
    index = random.integers(sizes.sum(), size=config.batch)
    which = np.searchsorted(np.cumsum(sizes), index, side="right")
    inside = index - (np.cumsum(sizes) - sizes)[which]
    bright = np.stack([parts[p].counts[i] for p, i in zip(which, inside, strict=True)]).astype(np.float64)
    number, offset, weight, bands = (
        np.stack([getattr(parts[p], name)[i] for p, i in zip(which, inside, strict=True)])
        for name in ("number", "offset_deg", "weight", "bands")
    )
    events = np.exp(random.uniform(np.log(config.events[0]), np.log(config.events[1]), config.batch))
    counts = random.poisson(bright * (events / bright.sum((1, 2)))[:, None, None]).astype(np.float32)
    _mirror(counts, number, offset, weight, random.uniform(size=config.batch) < 0.5)
    truth = offset.astype(np.float32), weight.astype(np.float32)
    return CutBatch(counts, *_windows(random, config.batch), number, *truth, bands)


def _small(cuts: SimulatedCuts) -> SimulatedCuts:
    whole = np.minimum(cuts.counts, 65535.0).astype(np.uint16)
    return SimulatedCuts(whole, cuts.number, cuts.offset_deg, cuts.weight, cuts.bands, cuts.copied)  # type: ignore[arg-type]


def _mirror(
    counts: Float32Array, number: Int64Array, offset: Float64Array, weight: Float64Array, at: BoolArray
) -> None:
    counts[at] = counts[at, :, ::-1]
    for i in np.flatnonzero(at):
        used = slice(0, number[i])
        offset[i, used] = offset[i, number[i] - 1] - offset[i, used][::-1]
        weight[i, used] = weight[i, used][::-1].copy()


def _windows(random: np.random.Generator, n: int) -> tuple[Float32Array, Float32Array]:
    """Return what is measured of each cut: all of most, fewer angles or energies of others."""
    rows, columns = (np.ones((n, size), np.float32) for size in CANVAS.shape)
    for i in np.flatnonzero(random.uniform(size=n) < _CUT):
        kept = random.integers(_LEAST_COLUMNS, CANVAS.shape[1])
        left = (CANVAS.shape[1] - kept) // 2
        columns[i, :left] = columns[i, left + kept :] = 0.0
    for i in np.flatnonzero(random.uniform(size=n) < _CUT):
        rows[i, : random.integers(0, _MOST_ROWS)] = rows[i, CANVAS.shape[0] - random.integers(0, 7) :] = 0.0
    return rows, columns
