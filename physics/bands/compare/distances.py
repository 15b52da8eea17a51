"""How far band structures are from each other: distances in eV, and similarities of their shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.bands.structure import BandStructure


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every pair of some band structures.

    Parameters
    ----------
    names : of the structures
    distance_ev : (s, s) root mean square over bands and momenta, one common shift taken out where that was asked for
    per_band_ev : (s, s, b) the same of each band
    similarity : (s, s) cosine between the shapes, each band less its mean; 1 for the same shape
    """

    names: tuple[str, ...]
    distance_ev: Float64Array
    per_band_ev: Float64Array
    similarity: Float64Array


def compared(structures: Sequence[BandStructure], shifted: bool = True) -> Comparison:
    """Compare band structures on the same momenta, over the momenta that all of them have.

    Parameters
    ----------
    structures : two or more, of as many bands each
    shifted : take the common shift of each pair out, since theories have their own zero of energy

    Raises
    ------
    ValueError : other momenta, other numbers of bands, no momentum in common
    """
    first = structures[0]
    for other in structures[1:]:
        if other.energy_ev.shape != first.energy_ev.shape:
            raise ValueError(
                f"{first.name} has bands of shape {first.energy_ev.shape}, {other.name} {other.energy_ev.shape}; take "
                "as many bands by first(n) and the same momenta by on(kx, ky)"
            )
    mask = np.logical_and.reduce([one.mask for one in structures])
    if not mask.any():
        raise ValueError("the band structures have no momentum in common")
    values = np.stack([one.energy_ev[:, mask] for one in structures])
    shape = values - values.mean(axis=2, keepdims=True)
    apart = values[:, None] - values[None]
    if shifted:
        apart = apart - apart.mean(axis=(2, 3), keepdims=True)
    flat = shape.reshape(len(structures), -1)
    length = np.maximum(np.linalg.norm(flat, axis=1), 1e-12)
    return Comparison(
        tuple(one.name for one in structures),
        np.sqrt((apart**2).mean(axis=(2, 3))),
        np.sqrt((apart**2).mean(axis=3)),
        flat @ flat.T / np.outer(length, length),
    )
