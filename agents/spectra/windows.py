"""Parts of spectra, as instruments with other windows would show them: some that are usual, and some that are not.

A scorer knows one window, −0.55 to 0.15 eV and ±15°. Three quarters of it are usual. The lower and the middle half of
its energies are not. The upper half, and half of the angles, look like whole spectra of another material: neither.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from beamgym.agents.spectra.data import LABEL_COLUMNS, Examples, Source, join_examples, make_examples
from beamgym.envs.arpes_spot import scorer_input
from beamgym.physics.arpes.recipes import RECIPES, generate, recipe_grid
from beamgym.physics.arpes.wide import clean_spectra
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import Float32Array

Progress = Callable[[str, int, int], None]
Span = tuple[float, float]
Part = Callable[[np.random.Generator], tuple[Span, Span]]
"""Draws what is left of the rows and of the columns: from where to where, 0 to 1."""

OOD_SEED: Final = 1_000_007  # none of any training's

_BATCH: Final = 256
_WHOLE: Final = 128  # pixels of a window along each axis, before a part of it is taken
_OTHER_STREAM, _CUT_STREAM, _WRONG_STREAM = 92, 95, 97
_FULL = 4  # one in so many is of the recipe ``full``
_BARE = 4  # one in so many wrong windows is seen by an even detector
_ELECTRONS: Final = (3.0, 8.0)  # their logarithms


def other_windows(seed: int, index: int, size: int) -> Examples:
    """Return batch ``index`` of ``seed`` of spectra in windows somewhat smaller than the training's.

    They hold three quarters or more of it along each axis, and the Fermi level where it is in the whole, or a little
    lower; electrons are 10³ to 10⁸. Their labels are unknown.
    """
    return _windows(seed, index, size, _somewhat_smaller, _OTHER_STREAM)


def cut_windows(seed: int, index: int, size: int) -> Examples:
    """Return batch ``index`` of ``seed`` of spectra cut to the lower or the middle half of their energies."""
    return _windows(seed, index, size, _half, _CUT_STREAM)


def wrong_windows(seed: int, index: int, size: int) -> Float32Array:
    """Return counts (size, 64, 64) of ``published`` and ``full`` spectra in windows that are not the training's.

    A third each show the lower, the middle and the upper half of the energies, most of them behind their detector.
    """
    made = []
    for k, count in enumerate((size - size // _FULL, size // _FULL)):
        keys = make_keys(seed, np.arange(index << 12, (index << 12) + count), k, _WRONG_STREAM)
        clean = clean_spectra(RECIPES[k], keys, recipe_grid((_WHOLE, _WHOLE)))
        behind = (np.arange(count) // 3) % _BARE != 0
        rate = np.where(behind[:, None, None], clean.rate, clean.bands + clean.ground)
        for i, (one, key) in enumerate(zip(rate, keys, strict=True)):
            draw = np.random.default_rng(key)
            low = (0, 16, 32)[i % 3] * 2
            seen = one[low : low + 64].reshape(64, 64, 2).sum(2).astype(np.float64)
            made.append(draw.poisson(seen * (10.0 ** draw.uniform(3.5, 6.0) / max(float(seen.sum()), 1e-9))))
    return np.stack(made).astype(np.float32)


def cut(counts: Float32Array, rows: Span, columns: Span) -> Float32Array:
    """Return the part of spectra (..., e, a) that lies in two spans of their axes, each from 0 to 1."""
    (low, high), (left, right) = (
        (round(ends[0] * size), round(ends[1] * size))
        for ends, size in zip((rows, columns), counts.shape[-2:], strict=True)
    )
    return counts[..., low:high, left:right]


def usual_and_cut(
    spectra: int, mixture: tuple[Source, ...], progress: Progress | None = None
) -> tuple[Examples, Examples]:
    """Return what the ood classifier is trained on: about ``spectra`` usual spectra, and a quarter as many cut ones.

    Of the usual, three quarters are of ``mixture`` and one quarter are other windows.
    """
    batches, usual, halves = spectra // _BATCH, [], []
    for i in range(batches):
        usual += [make_examples(OOD_SEED, i, 3 * _BATCH // 4, mixture), other_windows(OOD_SEED, i, _BATCH // 4)]
        halves.append(cut_windows(OOD_SEED, i, _BATCH // 4))
        if progress is not None:
            progress("spectra for the novelty", i + 1, batches)
    return join_examples(usual), join_examples(halves)


def _windows(seed: int, index: int, size: int, part: Part, stream: int) -> Examples:
    pictures = []
    for k, count in enumerate((size - size // _FULL, size // _FULL)):
        keys = make_keys(seed, np.arange(index << 12, (index << 12) + count), k, stream)
        batch = generate(RECIPES[k], keys, recipe_grid((_WHOLE, _WHOLE)), clean=True)
        if batch.arpes is None or batch.background is None:
            raise ValueError(f"the recipe {RECIPES[k]} gave no noise-free spectra")
        clean = batch.arpes + batch.background
        pictures += [_window(one, np.random.default_rng(key), part) for one, key in zip(clean, keys, strict=True)]
    unknown = np.zeros((size, LABEL_COLUMNS), np.float32)
    joined = {name: np.concatenate([picture[name] for picture in pictures]) for name in pictures[0]}
    return Examples(**joined, labels=unknown, known=unknown > 0.0)


def _window(clean: Float32Array, draw: np.random.Generator, part: Part) -> dict[str, Float32Array]:
    seen = cut(clean, *part(draw)).astype(np.float64)
    electrons = 10.0 ** draw.uniform(*_ELECTRONS)
    return scorer_input(draw.poisson(seen * (electrons / max(float(seen.sum()), 1e-9)))[None])


def _somewhat_smaller(draw: np.random.Generator) -> tuple[Span, Span]:
    width = draw.uniform(0.75, 1.0)
    left = draw.uniform(0.0, 1.0 - width)
    return (draw.uniform(0.0, 0.2), draw.uniform(0.95, 1.0)), (left, left + width)


def _half(draw: np.random.Generator) -> tuple[Span, Span]:
    """A window must keep 64 of its pixels: half of it is the least."""
    width = draw.uniform(0.5, 0.6)
    low = (1.0 - width) * 0.5 * int(draw.integers(2))
    return (low, low + width), (0.0, 1.0)
