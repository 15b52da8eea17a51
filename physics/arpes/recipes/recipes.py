"""Recipes: how random spectra are drawn, simulated and scored.

``published`` repeats the published training data, ``full`` draws from everything that the simulator can do. A spectrum
depends on its recipe, grid and key only: batch size, order and number of processes change nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arpes.recipes.batch import Batch, join_batches, take
from beamgym.physics.arpes.recipes.full import FullParameters, draw_full
from beamgym.physics.arpes.recipes.full_scene import simulate_full
from beamgym.physics.arpes.recipes.published import ENERGY_EV, PublishedParameters, draw_published, simulate_published

RECIPES: Final = ("published", "full")
"""Names of the recipes."""

PARAMETERS: Final[dict[str, type[PublishedParameters] | type[FullParameters]]] = {
    "published": PublishedParameters,
    "full": FullParameters,
}
"""What each recipe draws."""

Parameters = PublishedParameters | FullParameters

_CHUNK = 16  # spectra simulated at a time: their tables stay in cache, and margins are those of the worst among few


def check_recipe(recipe: str) -> str:
    """Return the name of a recipe; raise ValueError for one that does not exist."""
    if recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}; choose one of {', '.join(RECIPES)}")
    return recipe


def recipe_grid(shape: tuple[int, int] = (224, 224)) -> Grid:
    """Return the grid of random spectra: −0.55 to 0.15 eV and ±15°, with ``shape`` (energy, slit) pixels.

    `published` takes only the number of angles from it: there the angles follow each spectrum's momentum window.

    Raises
    ------
    ValueError : fewer than 16 pixels along an axis, where no band can be told from its neighbour
    """
    if len(shape) != 2 or min(shape) < 16:
        raise ValueError(f"a spectrum needs (energy, slit) pixels, at least 16 each; got {tuple(shape)}")
    return Grid.uniform(ENERGY_EV, (-15.0, 15.0), (int(shape[0]), int(shape[1])))


def draw(recipe: str, keys: NDArray[np.uint64], grid: Grid) -> Parameters:
    """Draw the parameters of n spectra.

    Parameters
    ----------
    recipe : "published" or "full"
    keys : (n,) random keys, as of ``counter_rng.make_keys``
    grid : energies and angles

    Returns
    -------
    dataclass of arrays (n, …); change some with ``dataclasses.replace`` before simulating

    Raises
    ------
    ValueError : an unknown recipe, keys that are none
    """
    check_recipe(recipe)
    _check_keys(keys)
    return draw_published(keys, grid) if recipe == "published" else draw_full(keys)


def simulate_spectra(parameters: Parameters, grid: Grid, keys: NDArray[np.uint64], clean: bool = False) -> Batch:
    """Simulate and score n spectra of given parameters.

    Parameters
    ----------
    parameters : of ``draw``, or your own
    grid : energies and angles
    keys : (n,) random keys of the counting noise
    clean : also return the noise-free bands and the background

    Returns
    -------
    Batch

    Raises
    ------
    ValueError : as many keys as parameters are wanted; whatever is impossible about the parameters
    TypeError : parameters of no recipe
    """
    _check_keys(keys)
    if not isinstance(parameters, PublishedParameters | FullParameters):
        raise TypeError(f"simulate takes the parameters of a recipe, as draw returns; got {type(parameters).__name__}")
    if len(parameters) != len(keys):
        raise ValueError(f"{len(parameters)} parameters and {len(keys)} keys; give one key for each spectrum")
    if isinstance(parameters, PublishedParameters):
        return simulate_published(parameters, grid, keys, clean)
    return _simulate_in_parts(parameters, grid, keys, clean)


def _simulate_in_parts(p: FullParameters, grid: Grid, keys: NDArray[np.uint64], clean: bool) -> Batch:
    """Simulate a few spectra of `full` at a time; the electrons of all lie in one array from the start."""
    n = len(keys)
    kept = n if clean else min(n, _CHUNK)
    counts, arpes, rest = (np.empty((m, *grid.shape), dtype=np.float32) for m in (n, kept, kept))
    batches = []
    for first in range(0, n, _CHUNK):
        part = slice(first, min(first + _CHUNK, n))
        own = part if clean else slice(0, part.stop - first)
        room = counts[part], arpes[own], rest[own]
        batches.append(simulate_full(take(p, part), grid, keys[part], clean, room))
    return join_batches(batches, counts)


def generate(recipe: str, keys: NDArray[np.uint64], grid: Grid, clean: bool = False) -> Batch:
    """Draw, simulate and score n spectra.

    Parameters
    ----------
    recipe : "published" or "full"
    keys : (n,) random keys; a spectrum's numbers depend on its own only
    grid : energies and angles
    clean : also return the noise-free bands and the background

    Returns
    -------
    Batch
    """
    return simulate_spectra(draw(recipe, keys, grid), grid, keys, clean)


def _check_keys(keys: NDArray[np.uint64]) -> None:
    if not isinstance(keys, np.ndarray) or keys.dtype != np.uint64 or keys.ndim != 1 or not len(keys):
        found = f"{keys.dtype} of shape {keys.shape}" if isinstance(keys, np.ndarray) else type(keys).__name__
        raise ValueError(f"keys must be a non-empty (n,) array of uint64, as make_keys returns; got {found}")
