"""Out-of-distribution pictures, which are no spectra of valence bands: training data of the ood classifier.

Some are made of spectra, upside down, turned, inverted, shuffled, smoothed or in a wrong unit; some of lines, stripes,
blobs, blots and noise.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from beamgym.agents.spectra.data import Examples
from beamgym.envs.arpes_spot import SIDE, scorer_input
from beamgym.physics.instrument import Float32Array

Counts = NDArray[np.float64]
Maker = Callable[[Counts, np.random.Generator], Counts]

_FEW = 2e5  # electrons; with more, noise is too weak to be told from that of many more
_ROWS, _COLUMNS = (grid / SIDE for grid in np.mgrid[:SIDE, :SIDE])


def counts_of(examples: Examples) -> Counts:
    """Return the counts (m, 64, 64) of encoded spectra, as far as their pictures hold them."""
    square = examples.image.astype(np.float64) ** 2
    electrons = 10.0 ** (6.0 * examples.intensity[:, 0].astype(np.float64)) - 1.0
    return np.asarray(square * (electrons / np.maximum(square.sum((1, 2)), 1e-9))[:, None, None])


def ood_inputs(examples: Examples, seed: int) -> dict[str, Float32Array]:
    """Return scorer inputs of one out-of-distribution picture made of each example, of the kinds ``TURNS`` in turn."""
    return scorer_input(odd_counts(counts_of(examples), seed))


def odd_counts(counts: Counts, seed: int, kinds: tuple[str, ...] | None = None) -> Float32Array:
    """Return one out-of-distribution picture made of each spectrum (m, 64, 64), of ``kinds`` or ``TURNS`` in turn."""
    draw, turns = np.random.default_rng(seed), kinds or TURNS
    made = [OOD_KINDS[turns[i % len(turns)]](one, draw) for i, one in enumerate(counts)]
    return np.stack(made).astype(np.float32)


def _inverted(counts: Counts, draw: np.random.Generator) -> Counts:
    return np.asarray(counts.max() - counts)


def _upside_down(counts: Counts, draw: np.random.Generator) -> Counts:
    return np.asarray(counts[::-1])


def _turned(counts: Counts, draw: np.random.Generator) -> Counts:
    """Angles along the rows, energies along the columns, in either direction."""
    turned = np.rot90(counts, 1 + 2 * int(draw.integers(2)))
    return np.asarray(turned[:, ::-1] if draw.integers(2) else turned)


def _shuffled(counts: Counts, draw: np.random.Generator) -> Counts:
    return draw.permutation(counts.ravel()).reshape(counts.shape)


def _smooth(counts: Counts, draw: np.random.Generator) -> Counts:
    """Fewer electrons than make a picture as smooth."""
    smooth = gaussian_filter(counts, draw.uniform(1.0, 4.0))
    return np.asarray(smooth * (10.0 ** draw.uniform(3.5, 5.0) / max(float(smooth.sum()), 1e-9)))


def _scaled(counts: Counts, draw: np.random.Generator) -> Counts:
    """Too much noise for so many electrons, or too little for so few."""
    away = 10.0 ** draw.uniform(1.3, 3.0)
    return np.asarray(counts * away if counts.sum() < _FEW else counts / away)


def _weakened(counts: Counts, draw: np.random.Generator) -> Counts:
    """Fewer units than electrons: less noise than so few electrons have."""
    return np.asarray(counts / 10.0 ** draw.uniform(0.5, 1.3))


def _strengthened(counts: Counts, draw: np.random.Generator) -> Counts:
    """More units than electrons: more noise than so many electrons have."""
    return np.asarray(counts * 10.0 ** draw.uniform(0.45, 1.3))


def _flat(counts: Counts, draw: np.random.Generator) -> Counts:
    slope = draw.uniform(-0.5, 0.5) * (_ROWS - 0.5) + draw.uniform(-0.5, 0.5) * (_COLUMNS - 0.5)
    return _counted(1.0 + slope * draw.integers(2), draw)


def _lines(counts: Counts, draw: np.random.Generator) -> Counts:
    """One to three lines across the slit, as of core levels, over a background."""
    signal = np.full(_ROWS.shape, draw.uniform(0.02, 0.5))
    for _ in range(draw.integers(1, 4)):
        away = (_ROWS - draw.uniform(0.1, 0.9) - draw.normal(0.0, 0.05) * (_COLUMNS - 0.5)) / draw.uniform(0.01, 0.08)
        signal += draw.uniform(0.3, 1.0) / (1.0 + away**2) if draw.integers(2) else np.exp(-0.5 * away**2)
    return _counted(signal, draw)


def _stripes(counts: Counts, draw: np.random.Generator) -> Counts:
    waves, angle = draw.uniform(2.0, 16.0), draw.uniform(0.0, np.pi)
    wave = np.cos(2.0 * np.pi * waves * (_ROWS * np.cos(angle) + _COLUMNS * np.sin(angle)))
    return _counted(1.0 + (np.sign(wave) if draw.integers(2) else wave) * draw.uniform(0.3, 1.0), draw)


def _blots(counts: Counts, draw: np.random.Generator) -> Counts:
    field = gaussian_filter(draw.normal(size=_ROWS.shape), draw.uniform(1.5, 10.0))
    return _counted(np.exp(draw.uniform(0.5, 2.0) * field / field.std()), draw)


def _blob(counts: Counts, draw: np.random.Generator) -> Counts:
    return _counted(_gaussian(draw) + draw.uniform(0.0, 0.2) * draw.integers(2), draw)


def _blobs(counts: Counts, draw: np.random.Generator) -> Counts:
    signal = np.full(_ROWS.shape, draw.uniform(0.0, 0.2) * draw.integers(2))
    for _ in range(draw.integers(2, 7)):
        signal += draw.uniform(0.3, 1.0) * _gaussian(draw)
    return _counted(signal, draw)


def _gaussian(draw: np.random.Generator) -> Counts:
    """Return a Gaussian somewhere, round or long."""
    row, column = draw.uniform(0.1, 0.9, 2)
    height, width = np.exp(draw.uniform(np.log(0.02), np.log(0.3), 2))
    width = height if draw.integers(2) else width
    return np.asarray(np.exp(-0.5 * (((_ROWS - row) / height) ** 2 + ((_COLUMNS - column) / width) ** 2)))


def _noise(counts: Counts, draw: np.random.Generator) -> Counts:
    return np.asarray(draw.exponential(counts.mean(), counts.shape) ** draw.uniform(0.7, 1.5))


def _counted(signal: Counts, draw: np.random.Generator) -> Counts:
    """Scale a signal to 10³ to 10⁶ electrons and count them; one in four is left without noise."""
    mean = np.maximum(signal, 0.0) * 10.0 ** draw.uniform(3.0, 6.0) / max(float(signal.sum()), 1e-9)
    return np.asarray(mean if draw.integers(4) == 0 else draw.poisson(mean), dtype=np.float64)


OOD_KINDS: Final[dict[str, Maker]] = {
    "upside down": _upside_down,
    "turned": _turned,
    "weakened": _weakened,
    "strengthened": _strengthened,
    "inverted": _inverted,
    "shuffled": _shuffled,
    "smooth": _smooth,
    "scaled": _scaled,
    "flat": _flat,
    "lines": _lines,
    "stripes": _stripes,
    "blob": _blob,
    "blobs": _blobs,
    "blots": _blots,
    "noise": _noise,
}
"""How out-of-distribution pictures are made, from a spectrum's counts (64, 64) and a generator."""

_HARD: Final = ("upside down", "turned", "weakened", "strengthened")
TURNS: Final = (*_HARD, *OOD_KINDS, *_HARD[:2])
"""The kinds in turn: what is most like a spectrum comes more often."""
