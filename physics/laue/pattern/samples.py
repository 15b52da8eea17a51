"""Patterns of samples that are not quite their crystal's file: other axial ratios, a second grain, few spots found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array, Int64Array, UInt64Array
from beamgym.physics.counter_rng import uniforms
from beamgym.physics.crystal import free_axial_ratios, with_axial_ratios
from beamgym.physics.laue.pattern.grains import GrainSpots, merged_spots, sorted_spots
from beamgym.physics.laue.pattern.spots import LaueModel, Spots
from beamgym.physics.orientation import random_orientations

_SPREAD = 0.2  # of the number of spots that a frame shows, either way


def stretched_model(model: LaueModel, b_matrix: Float64Array) -> LaueModel:
    """Return the model of the same crystal with another lattice (3, 3).

    Reflections, structure factors, the cell's volume and absorption stay those of the first lattice: places and
    energies of the spots change, and their brightness with the energy.
    """
    return model.with_table(replace(model.table, q_inv_a=np.ascontiguousarray(model.table.hkl @ b_matrix.T)))


class Samples:
    """The hidden lattice and second grain of n samples.

    Parameters
    ----------
    model : simulates the crystal as its file has it
    n : samples
    axial_ratio_fraction : how far each free axial ratio is off at most, either way
    second_grain : (least, most) volume of the second grain over the larger one's, or None
    """

    def __init__(
        self, model: LaueModel, n: int, axial_ratio_fraction: float, second_grain: tuple[float, float] | None
    ) -> None:
        self._model, self._second_grain = model, second_grain
        self._ratios = len(free_axial_ratios(model.crystal)) if axial_ratio_fraction > 0.0 else 0
        self._fraction = axial_ratio_fraction
        self._models = [model] * n
        self.lattice = np.tile(model.crystal.b_matrix, (n, 1, 1))
        """(n, 3, 3) B of each sample, 1/Å, in the Cartesian frame of the crystal's file."""
        self.share = np.zeros(n)
        """(n,) volume of the second grain over the larger one's."""
        self._between = np.tile(np.eye(3), (n, 1, 1))

    def draw(self, rows: Int64Array, lattice_keys: UInt64Array, grain_keys: UInt64Array) -> None:
        """Draw the lattices and second grains of some rows anew, from one key each."""
        if self._ratios:
            factors = 1.0 + self._fraction * (2.0 * uniforms(lattice_keys, self._ratios) - 1.0)
            for row, factor in zip(rows, factors, strict=True):
                self.lattice[row] = with_axial_ratios(self._model.crystal, factor)
                self._models[row] = stretched_model(self._model, self.lattice[row])
        if self._second_grain is not None:
            least, most = self._second_grain
            self.share[rows] = least + (most - least) * uniforms(grain_keys, 5)[:, 4]
            self._between[rows] = random_orientations(grain_keys)

    def second(self, orientation: Float64Array, rows: Int64Array) -> Float64Array:
        """Return the second grain's orientations (m, 3, 3) where the larger one's are ``orientation``."""
        turned: Float64Array = orientation @ self._between[rows]
        return turned

    def spots(self, orientation: Float64Array, panels: Float64Array, rows: Int64Array) -> Spots:
        """Return the patterns of some samples, brightest first where there is a second grain.

        Parameters
        ----------
        orientation : (m, 3, 3) of the larger grain, crystal Cartesian to lab
        panels : (m, 9) origin_mm, fast and slow
        rows : (m,) which samples

        Returns
        -------
        Spots; GrainSpots where there is a second grain, whose grain is 1
        """
        larger = self._one_grain(orientation, panels, rows)
        if self._second_grain is None:
            return larger
        smaller = self._one_grain(self.second(orientation, rows), panels, rows)
        shares = np.stack([np.ones(len(rows)), self.share[rows]], axis=1)
        return merged_spots([larger, smaller], shares, None)

    def _one_grain(self, orientation: Float64Array, panels: Float64Array, rows: Int64Array) -> Spots:
        if not self._ratios or not len(rows):
            return self._model.spots(orientation, panels)
        each = (
            self._models[row].spots(orientation[i : i + 1], panels[i : i + 1]) for i, row in enumerate(rows.tolist())
        )
        return _stacked(list(each))


def few_spots(spots: Spots, mean: float, least_rate: float | Float32Array, keys: UInt64Array) -> GrainSpots:
    """Keep a few spots of each frame, chosen at random among those that are bright enough to be found.

    Parameters
    ----------
    spots : of m frames; with a second grain its spots are kept in the same share
    mean : number of spots of the larger grain that are kept, within a fifth of it either way
    least_rate : counts per second of the faintest spot that can be found, of all frames or (m, 1)
    keys : (m,) one per frame
    """
    grain = spots.grain if isinstance(spots, GrainSpots) else np.zeros(spots.ray.shape, np.int32)
    draws = uniforms(keys, 1 + spots.intensity.shape[1])
    low, high = np.ceil((1.0 - _SPREAD) * mean - 1e-9), np.floor((1.0 + _SPREAD) * mean + 1e-9)
    wanted = (low + (high + 1.0 - low) * draws[:, 0]).astype(np.int64)
    bright = spots.mask & (spots.intensity >= least_rate)
    larger = bright & (grain == 0)
    share = wanted / np.maximum(larger.sum(axis=1), 1)
    kept = _few(larger, draws[:, 1:], wanted) | (bright & ~larger & (draws[:, 1:] < share[:, None]))
    intensity = np.where(kept, spots.intensity, np.float32(0.0))
    return sorted_spots(
        GrainSpots(spots.count, spots.position_px, intensity, spots.energy_kev, spots.ray, grain), brightest=None
    )


def _few(candidates: BoolArray, draws: Float64Array, wanted: Int64Array) -> BoolArray:
    """Mark ``wanted`` (m,) of each row's candidates (m, s): those with the smallest draws."""
    order = np.argsort(np.where(candidates, draws, 2.0), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    few: BoolArray = candidates & (rank < wanted[:, None])
    return few


def _stacked(each: Sequence[Spots]) -> Spots:
    """Put lists of one pattern each under one another, padded with zeros to the longest."""
    longest = max((one.intensity.shape[1] for one in each), default=0)
    names = ("position_px", "intensity", "energy_kev", "ray")
    return Spots(
        np.concatenate([one.count for one in each]),
        *(np.concatenate([_padded(getattr(one, name), longest) for one in each]) for name in names),
    )


def _padded(values: NDArray[Any], longest: int) -> NDArray[Any]:
    return np.pad(values, [(0, 0), (0, longest - values.shape[1])] + [(0, 0)] * (values.ndim - 2))
