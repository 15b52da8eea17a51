"""Measured maps as geographies to search: the shared one, and those that a user names."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from beamgym.physics.arpes.load import LoadError, load
from beamgym.physics.arpes.surface import Geography, measured_surface
from beamgym.physics.arrays import Float64Array

DATA: Final = "BEAMGYM_DATA"
"""Environment variable that names the folder of measured data."""

SHARED: Final = "arpes/nano_xps.npz:4:1"
"""The map of a flake in that folder, with its number of clusters and how many of them are substrate."""

FIELD_MM: Final = 1.8
"""Edge of the field into which a map is laid; the stage reaches 2 mm."""


@dataclass(frozen=True, eq=False)
class MeasuredGeography:
    """A geography and what it was made of.

    Parameters
    ----------
    name : of the file
    geography : for the simulator
    words : sites, clusters and mixtures, in a line
    """

    name: str
    geography: Geography
    words: str


def shared_map() -> str:
    """Return the word that names the shared map.

    Raises
    ------
    FileNotFoundError : where it is not there
    """
    folder = os.environ.get(DATA)
    path = Path(folder or "", SHARED.partition(":")[0])
    if folder is None or not path.is_file():
        raise FileNotFoundError(
            f"no measured map at {path}; set {DATA} to the folder that holds it, or give --maps FILE"
        )
    return str(Path(folder, SHARED))


def measured_geography(word: str) -> MeasuredGeography:
    """Make a geography of a measured map.

    Parameters
    ----------
    word : FILE, or FILE:CLUSTERS, or FILE:CLUSTERS:SUBSTRATE, of which the last is how many clusters are no sample; of
        any kind that ``beamgym score`` reads, with sites on a grid; angles are summed over

    Returns
    -------
    MeasuredGeography

    Raises
    ------
    LoadError : a file that cannot be read, that is no map, or numbers that are none
    """
    file, clusters, substrate = _parts(word)
    measured = load(file)
    if len(measured.shape) != 2 or len(measured.sites) != 2:
        raise LoadError(f"{file} is no map of two coordinates: its spectra are {measured.shape or 'one'}")
    slow, fast = _slow_first(measured.sites, measured.shape)
    y, x = slow.mean(axis=1), fast.mean(axis=0)
    counts = measured.counts.sum(axis=2, dtype=np.float64).reshape(*measured.shape, -1)
    masked = np.repeat(~measured.alive.reshape(measured.shape)[..., None], counts.shape[2], axis=2)
    for axis, values in ((0, y), (1, x)):
        if values[0] > values[-1]:
            counts, masked = np.flip(counts, axis), np.flip(masked, axis)
    found = measured_surface(
        np.ma.masked_array(counts, masked) if masked.any() else counts,
        np.sort(x), np.sort(y), measured.energy_ev, clusters, FIELD_MM, holder_clusters=substrate,
    )  # fmt: skip
    on = int((found.cluster >= 0).sum())
    kinds = f"{clusters} clusters ({substrate} substrate), {int(found.mixed.sum())} mixed"
    words = f"{y.size} x {x.size} sites, {on} on the sample, {kinds}"
    return MeasuredGeography(Path(file).stem, found.geography, words)


def _parts(word: str) -> tuple[str, int, int]:
    file, *numbers = word.split(":") if not Path(word).exists() else [word]
    try:
        clusters, substrate = (*(int(number) for number in numbers), *(4, 1)[len(numbers) :])
    except ValueError:
        raise LoadError(f"--maps {word}: give FILE, FILE:CLUSTERS or FILE:CLUSTERS:SUBSTRATE") from None
    return file, clusters, substrate


def _slow_first(sites: Mapping[str, Float64Array], shape: tuple[int, ...]) -> tuple[Float64Array, Float64Array]:
    """Return the coordinates, the one that changes along the rows of the grid second."""
    one, other = (values.reshape(shape) for values in sites.values())
    along = np.abs(np.diff(one, axis=1)).sum() > np.abs(np.diff(one, axis=0)).sum()
    return (other, one) if along else (one, other)
