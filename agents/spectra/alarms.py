"""Shares of spectra that a scorer flags, by kind: of usual spectra and of out-of-distribution ones."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np

from beamgym.agents.spectra.data import LEVEL_NAMES, exposed_sites
from beamgym.agents.spectra.ood_spectra import OOD_KINDS
from beamgym.agents.spectra.windows import cut
from beamgym.envs.arpes_spot import scorer_input
from beamgym.envs.bundles import OnnxModel
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.arpes.wide import curve_spectra, seen_by, with_background
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import Float32Array

Encoded = dict[str, Float32Array]
LabelledSpectra = tuple[bool, str, Encoded]
"""Whether it is usual, its name, and some spectra of it."""

FLAGGED_KINDS: Final = 7 + 1 + 6 + 4 + 1 + len(OOD_KINDS) - 3
_STREAM: Final = 96  # of no training
_CHUNK: Final = 64
_SOURCES: Final = (("published", 224), ("published", 128), ("published", 64), ("full", 64))
_SIZE: Final = 128  # of the published spectra that ood pictures are made of: half of it can still be scored
_WHOLE: Final = (0.0, 1.0)
_HALVES: Final = {
    "upper half of the energies": ((0.5, 1.0), _WHOLE),
    "lower half of the energies": ((0.0, 0.5), _WHOLE),
    "middle half of the energies": ((0.25, 0.75), _WHOLE),
    "left half of the angles": (_WHOLE, (0.0, 0.5)),
    "right half of the angles": (_WHOLE, (0.5, 1.0)),
    "middle half of the angles": (_WHOLE, (0.25, 0.75)),
}
_UNITS: Final = (0.1, 0.3, 3.0, 10.0)
_SHOWN_APART: Final = ("turned", "weakened", "strengthened")  # as transposed, and as exact units


def flagged_shares(
    model: OnnxModel,
    spectra: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
    encode: Callable[[Float32Array], Encoded] = scorer_input,
) -> dict[str, dict[str, float]]:
    """Return which share of spectra of each kind a scorer flags.

    Parameters
    ----------
    model : of kind "scorer", whose last column is the ood value
    spectra : of each kind
    seed : which of them
    progress : called with 1 after each of ``FLAGGED_KINDS`` kinds
    encode : makes the model's input of counts (m, e, a)

    Returns
    -------
    "usual" and "strange": shares, 0 to 1, by kind
    """
    shares: dict[str, dict[str, float]] = {"usual": {}, "strange": {}}
    for usual, kind, encoded in _kinds(spectra, seed, encode):
        ood = model.predict(encoded, batch=_CHUNK)[:, -1]
        shares["usual" if usual else "strange"][kind] = float((ood > 1.0).mean())
        if progress is not None:
            progress(1)
    return shares


def _kinds(spectra: int, seed: int, encode: Callable[[Float32Array], Encoded]) -> Iterator[LabelledSpectra]:
    for stream, (recipe, size) in enumerate(_SOURCES):
        yield True, f"{recipe}, {size}²", _joined(map(encode, _fresh(recipe, size, spectra, seed, stream)))
    for stream, level in enumerate(LEVEL_NAMES, len(_SOURCES)):
        keys = make_keys(seed, np.arange(spectra), stream, _STREAM)
        parts = (exposed_sites(keys[i : i + _CHUNK], 64, (level,))[0] for i in range(0, spectra, _CHUNK))
        yield True, f"surfaces, {level}", _joined(map(encode, parts))
    counts = np.concatenate(list(_fresh("published", _SIZE, spectra, seed, len(_SOURCES) + len(LEVEL_NAMES))))
    yield from ((False, kind, encode(made)) for kind, made in _made_of(counts, seed))
    yield False, "gold film, no bands", encode(_without_bands(spectra, seed))


def _without_bands(spectra: int, seed: int) -> Float32Array:
    """Return spectra that change along the slit by background and detector only, 10⁴ to 10⁶ electrons each."""
    draw = np.random.default_rng([seed, _STREAM, 99])
    rate = seen_by(with_background(curve_spectra(draw, spectra, 64, bandless=1.0), draw), draw).rate.astype(np.float64)
    electrons = 10.0 ** draw.uniform(4.0, 6.0, spectra) / rate.sum((1, 2))
    return np.asarray(draw.poisson(rate * electrons[:, None, None]), dtype=np.float32)


def _made_of(counts: Float32Array, seed: int) -> Iterator[tuple[str, Float32Array]]:
    """Yield out-of-distribution pictures by kind, made of published spectra (m, 128, 128)."""
    yield "transposed", counts.swapaxes(1, 2)
    for kind, spans in _HALVES.items():
        yield kind, cut(counts, *spans)
    for unit in _UNITS:
        yield f"counts × {unit:g}", counts * np.float32(unit)
    coarse = counts.reshape(len(counts), 64, 2, 64, 2).sum((2, 4)).astype(np.float64)
    for stream, (kind, make) in enumerate(OOD_KINDS.items()):
        if kind not in _SHOWN_APART:
            draw = np.random.default_rng([seed, _STREAM, stream])
            yield kind, np.stack([make(one, draw) for one in coarse]).astype(np.float32)


def _fresh(recipe: str, size: int, spectra: int, seed: int, stream: int) -> Iterator[Float32Array]:
    keys, grid = make_keys(seed, np.arange(spectra), stream, _STREAM), recipe_grid((size, size))
    for first in range(0, spectra, _CHUNK):
        yield generate(recipe, keys[first : first + _CHUNK], grid).counts


def _joined(parts: Iterable[Encoded]) -> Encoded:
    every = list(parts)
    return {name: np.concatenate([part[name] for part in every]) for name in every[0]}
