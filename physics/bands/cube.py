"""A band-mapping measurement: intensity over momentum and energy, a cube or a line, with what was done to its axes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array

MOST_NEGATIVE = 0.02
"""Share of the intensity that negative values may have, before they are more than noise about zero."""
_EQUAL = 1e-3  # of a step: axes that deviate by less are uniform
_LARGEST = 6 << 30


@dataclass(frozen=True, eq=False)
class BandCube:
    """Intensity over momentum and energy.

    Parameters
    ----------
    energy_ev : (e,) uniform and rising, eV; zero is where the file has it
    kx, ky : (x,) and (y,) uniform and rising, 1/Å. A line of momenta has one ky, and kx is the way along it
    intensity : (x, y, e) ≥ 0
    mask : (x, y) whether a momentum was measured
    notes : what was done to bring the data into this form, one line each
    """

    energy_ev: Float64Array
    kx: Float64Array
    ky: Float64Array
    intensity: Float32Array
    mask: BoolArray
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        energy_ev: ArrayLike,
        kx: ArrayLike,
        ky: ArrayLike,
        intensity: ArrayLike,
        mask: ArrayLike | None = None,
        notes: tuple[str, ...] = (),
    ) -> BandCube:
        """Return a cube from axes and values as a file has them.

        Axes that run backwards are turned, steps that are not equal are made so by interpolation, momenta with NaN are
        masked and small negative values set to zero; each is noted.

        Parameters
        ----------
        energy_ev : (e,) eV
        kx, ky : (x,) and (y,) 1/Å; ky of one number for a line
        intensity : (x, y, e)
        mask : (x, y) momenta that are to be used; all where left out

        Raises
        ------
        ValueError : axes that fit neither the values nor any order, nothing finite, many negative values
        """
        axes = [np.asarray(axis, dtype=np.float64).ravel() for axis in (kx, ky, energy_ev)]
        values = np.asarray(intensity)
        _check(axes, values)
        told = list(notes)
        for place, name in enumerate(("kx", "ky", "energy")):
            values, axes[place] = _turned(values, axes[place], place, name, told)
        used = np.ones(values.shape[:2], dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
        if used.shape != values.shape[:2]:
            raise ValueError(f"the mask has shape {used.shape} for {values.shape[:2]} momenta; give one entry for each")
        values = np.ascontiguousarray(values, dtype=np.float32)
        values, used = _finite(values, used, told)
        for place, name in enumerate(("kx", "ky", "energy")):
            values, used, axes[place] = _even(values, used, axes[place], place, name, told)
        return cls(axes[2], axes[0], axes[1], _not_negative(values, used, told), used, tuple(told))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(kx, ky, energy) pixels."""
        return self.kx.size, self.ky.size, self.energy_ev.size

    @property
    def step_ev(self) -> float:
        """Distance between two energies, eV."""
        return float((self.energy_ev[-1] - self.energy_ev[0]) / (self.energy_ev.size - 1))

    @property
    def is_line(self) -> bool:
        """Whether there is one ky only."""
        return self.ky.size == 1

    def with_intensity(self, intensity: Float32Array, note: str) -> BandCube:
        """Return the cube with other values of the same shape, and a note on what was done to them."""
        return replace(self, intensity=np.ascontiguousarray(intensity, dtype=np.float32), notes=(*self.notes, note))

    def with_mask(self, mask: BoolArray, note: str) -> BandCube:
        """Return the cube with fewer momenta; raises ValueError where none is left."""
        left = self.mask & mask
        if not left.any():
            raise ValueError("no momentum is left inside the mask; widen it, or check the momenta's unit, 1/Å")
        return replace(self, mask=left, notes=(*self.notes, note))

    def window(self, low_ev: float, high_ev: float) -> BandCube:
        """Return the cube between two energies, eV; raises ValueError where fewer than 8 of them lie there."""
        inside = (self.energy_ev >= low_ev) & (self.energy_ev <= high_ev)
        if inside.sum() < 8:
            raise ValueError(
                f"{int(inside.sum())} energies lie between {low_ev:g} and {high_ev:g} eV; the data run from "
                f"{self.energy_ev[0]:g} to {self.energy_ev[-1]:g} eV"
            )
        return replace(
            self, energy_ev=self.energy_ev[inside], intensity=np.ascontiguousarray(self.intensity[..., inside])
        )


def _check(axes: list[Float64Array], values: NDArray[Any]) -> None:
    if values.ndim != 3 or values.shape != tuple(axis.size for axis in axes):
        sizes = " x ".join(str(axis.size) for axis in axes)
        raise ValueError(
            f"intensity has shape {values.shape} for axes of {sizes} (kx, ky, energy); swap its dimensions or the axes"
        )
    if values.nbytes > _LARGEST:
        raise ValueError(
            f"the cube holds {values.nbytes / (1 << 30):.1f} GiB; bin it by two along each axis, or cut it into parts "
            "by --window and --every"
        )
    if values.shape[2] < 8 or values.shape[0] < 3:
        raise ValueError(f"a cube needs 3 momenta and 8 energies at least; found shape {values.shape}")
    if np.iscomplexobj(values) or values.dtype.kind not in "fiub":
        raise ValueError(f"intensity must be real numbers, not {values.dtype}")
    for name, axis in zip(("kx", "ky", "energy"), axes, strict=True):
        if not np.all(np.isfinite(axis)):
            raise ValueError(
                f"the {name} axis holds NaN or infinite numbers; write a number for every pixel, or cut those off"
            )


def _turned(
    values: NDArray[Any], axis: Float64Array, place: int, name: str, told: list[str]
) -> tuple[NDArray[Any], Float64Array]:
    """Turn an axis that falls; raise ValueError where it neither falls nor rises."""
    if axis.size == 1:
        return values, axis
    steps = np.diff(axis)
    if np.all(steps < 0):
        told.append(f"the {name} axis ran backwards and was turned")
        return np.flip(values, place), axis[::-1].copy()
    if not np.all(steps > 0):
        raise ValueError(f"the {name} axis neither rises nor falls throughout; sort the data along it first")
    return values, axis


def _finite(values: Float32Array, used: BoolArray, told: list[str]) -> tuple[Float32Array, BoolArray]:
    bad = ~np.isfinite(values).all(axis=2) & used
    if bad.all():
        raise ValueError("every momentum holds NaN or infinite values; mark what is missing, and leave the rest finite")
    if bad.any():
        told.append(f"{int(bad.sum())} momenta with NaN or infinite values were masked")
        values, used = np.where(bad[..., None], np.float32(0.0), values), used & ~bad
    if not used.any():
        raise ValueError("the mask leaves no momentum")
    return np.ascontiguousarray(np.nan_to_num(values, posinf=0.0, neginf=0.0)), used


def _even(
    values: Float32Array, used: BoolArray, axis: Float64Array, place: int, name: str, told: list[str]
) -> tuple[Float32Array, BoolArray, Float64Array]:
    """Bring an axis to equal steps by linear interpolation, where it has others."""
    if axis.size < 3:
        return values, used, axis
    even = np.linspace(axis[0], axis[-1], axis.size)
    if np.max(np.abs(axis - even)) <= _EQUAL * (even[1] - even[0]) * max(axis.size / 100.0, 1.0):
        return values, used, even
    told.append(f"the {name} axis had unequal steps; the data were interpolated to equal ones")
    after = np.clip(np.searchsorted(axis, even, side="right"), 1, axis.size - 1)
    share = (even - axis[after - 1]) / (axis[after] - axis[after - 1])
    shape = [1, 1, 1]
    shape[place] = -1
    weight = share.reshape(shape).astype(np.float32)
    new = np.take(values, after - 1, place) * (1 - weight) + np.take(values, after, place) * weight
    if place < 2:
        used = np.take(used, after - 1, place) & np.take(used, after, place)
        if not used.any():
            raise ValueError(f"no momentum is left after interpolation along {name}; mask less")
    return np.ascontiguousarray(new), used, even


def _not_negative(values: Float32Array, used: BoolArray, told: list[str]) -> Float32Array:
    seen = values[used]
    below = float(-seen[seen < 0].sum(dtype=np.float64)) if (seen < 0).any() else 0.0
    total = float(np.abs(seen).sum(dtype=np.float64))
    if total == 0.0 or not (seen > 0).any():
        raise ValueError("the cube holds no intensity above zero; check the data set and its sign")
    if below > MOST_NEGATIVE * total:
        raise ValueError(
            f"{100 * below / total:.1f} % of the intensity is negative: these are no counts; undo the subtraction or "
            "add the offset back"
        )
    if below > 0.0:
        told.append(f"negative values, {100 * below / total:.2g} % of the intensity, were set to zero")
        return np.maximum(values, np.float32(0.0))
    return values
