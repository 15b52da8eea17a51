"""n spectra of a recipe, with their axes, scores and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.score import Scores
from beamgym.physics.arrays import Float32Array, Float64Array

Index = slice | NDArray[np.bool_] | NDArray[np.integer]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Batch:
    """n spectra of one recipe.

    Parameters
    ----------
    recipe : name of the recipe
    keys : (n,) random keys they were drawn with; a key and a recipe make the same spectrum again
    counts : (n, e, a) electrons per pixel
    energy_ev : (e,) E − E_F in eV
    slit_deg : (n, a) angle along the slit in degrees; of `published` each spectrum has its own window
    paper, v2 : both scores of every spectrum
    parameters : dataclass of arrays (n, …), everything that was drawn
    arpes, background : (n, e, a) noise-free bands, scaled to 1, and background, before the response; (0, e, a) where
        they were not asked for
    """

    recipe: str
    keys: NDArray[np.uint64]
    counts: Float32Array
    energy_ev: Float64Array
    slit_deg: Float64Array
    paper: Scores
    v2: Scores
    parameters: Any
    arpes: Float32Array
    background: Float32Array

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, index: Index) -> Batch:
        """Return some of the spectra."""
        return Batch(
            self.recipe,
            self.keys[index],
            self.counts[index],
            self.energy_ev,
            self.slit_deg[index],
            self.paper[index],
            self.v2[index],
            take(self.parameters, index),
            self.arpes[index] if len(self.arpes) else self.arpes,
            self.background[index] if len(self.background) else self.background,
        )


def take(record: T, index: Index) -> T:
    """Return the same dataclass with every array indexed along its first axis."""
    return type(record)(**{field.name: getattr(record, field.name)[index] for field in fields(record)})  # type: ignore[arg-type]


def join_batches(batches: Sequence[Batch], counts: Float32Array | None = None) -> Batch:
    """Return one batch of several of the same recipe and grid, in their order.

    Parameters
    ----------
    batches : one or more
    counts : (n, e, a) their counts, where these lie one after another already

    Raises
    ------
    ValueError : for no batch, or recipes or grids that differ
    """
    if not batches:
        raise ValueError("no batches to join; give at least one")
    first = batches[0]
    for other in batches[1:]:
        if other.recipe != first.recipe or other.counts.shape[1:] != first.counts.shape[1:]:
            raise ValueError(
                f"cannot join {other.recipe} {other.counts.shape[1:]} to {first.recipe} {first.counts.shape[1:]}; "
                "batches must share recipe and grid"
            )

    def whole(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(batch, name) for batch in batches])

    return Batch(
        first.recipe,
        whole("keys"),
        whole("counts") if counts is None else counts,
        first.energy_ev,
        whole("slit_deg"),
        _stack([batch.paper for batch in batches]),
        _stack([batch.v2 for batch in batches]),
        _stack([batch.parameters for batch in batches]),
        whole("arpes"),
        whole("background"),
    )


def _stack(records: Sequence[T]) -> T:
    names = [field.name for field in fields(records[0])]  # type: ignore[arg-type]
    return type(records[0])(*(np.concatenate([getattr(record, name) for record in records]) for name in names))
