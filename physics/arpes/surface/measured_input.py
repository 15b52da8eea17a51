"""A user's map as numbers: its order by its names, its mask, and what it must not hold, in one line each."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arrays import Float64Array

_NAMES = ("y_mm", "x_mm", "energy_ev")
_ENERGIES = ("ev", "energy", "e", "binding", "kinetic", "e_b", "ekin", "be", "ke")


def checked_map(
    intensity: ArrayLike, axes: tuple[ArrayLike, ...]
) -> tuple[Float64Array, NDArray[np.bool_], list[Float64Array]]:
    """Return counts (y, x, e), which sites are masked (y, x), and the axes.

    Parameters
    ----------
    intensity : (y, x, e); a masked array's masked sites hold 0 afterwards; an xarray.DataArray is turned by its names
    axes : y_mm, x_mm and energy_ev

    Raises
    ------
    ValueError : another shape, names that are not known, counts that are none, axes that do not fit or fall
    """
    values = _by_names(intensity)
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    counts = np.asarray(values if mask is None else values.filled(0), dtype=np.float64)
    if counts.ndim != 3 or min(counts.shape) < 3:
        raise ValueError(f"a map must have shape (y, x, energy), 3 or more of each; found {counts.shape}")
    masked = np.zeros(counts.shape[:2], dtype=np.bool_) if mask is None else np.asarray(mask.any(axis=2), np.bool_)
    counts = np.where(masked[..., None], 0.0, counts) if masked.any() else counts
    if not np.isfinite(counts).all():
        raise ValueError("a map must hold finite counts; mask dead sites: numpy.ma.masked_invalid(intensity)")
    if counts.min() < 0:
        lowest = f"the lowest is {counts.min():.4g}"
        raise ValueError(
            f"a map must hold finite counts, none negative ({lowest}); give it before a background is taken off"
        )
    if counts.max() <= 0:
        raise ValueError("the map holds no counts at all")
    checked = [np.asarray(axis, dtype=np.float64) for axis in axes]
    for axis, name, size in zip(checked, _NAMES, counts.shape, strict=True):
        _check_axis(axis, name, size)
    return counts, masked, checked


def _by_names(intensity: Any) -> Any:
    """Return an array whose dimensions have names as (y, x, energy); one without as it is."""
    dims = getattr(intensity, "dims", None)
    if dims is None:
        return intensity if isinstance(intensity, np.ma.MaskedArray) else np.asarray(intensity)
    lower = [str(name).lower() for name in dims]
    order = [
        next(
            (i for i, name in enumerate(lower) if name in (letter, f"{letter}_mm", f"sample_{letter}", f"s{letter}")),
            -1,
        )
        for letter in "yx"
    ]
    order.append(next((i for i, name in enumerate(lower) if name in _ENERGIES or name.startswith("energy")), -1))
    if sorted(order) != list(range(len(dims))):
        raise ValueError(
            f"the map's dimensions are {', '.join(map(str, dims))}; name them y, x and eV, or give .values"
        )
    return np.transpose(np.asarray(intensity.values), order)


def _check_axis(axis: Float64Array, name: str, size: int) -> None:
    if axis.shape != (size,):
        raise ValueError(f"{name} must hold {size} rising numbers to fit the map; found shape {axis.shape}")
    if not np.isfinite(axis).all():
        raise ValueError(f"{name} must hold finite numbers; found {axis[~np.isfinite(axis)][0]}")
    steps = np.diff(axis)
    if np.all(steps < 0):
        where = {"y_mm": "intensity[::-1]", "x_mm": "intensity[:, ::-1]", "energy_ev": "intensity[:, :, ::-1]"}[name]
        raise ValueError(f"{name} must hold {size} rising numbers, but it falls: flip both, {name}[::-1] and {where}")
    if not np.all(steps > 0):
        raise ValueError(f"{name} must hold {size} rising numbers; these neither rise nor fall: sort the map")
