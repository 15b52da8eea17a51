"""A band structure on a grid of momenta: calculated, or reconstructed with an uncertainty."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import BoolArray, Float64Array


@dataclass(frozen=True, eq=False)
class BandStructure:
    """Energies of some bands over momenta, the highest band first.

    Parameters
    ----------
    kx, ky : (x,) and (y,) rising, 1/Å; ky of one number for a line
    energy_ev : (b, x, y) eV
    error_ev : (b, x, y) one standard deviation, eV; NaN where none is known
    mask : (x, y) where the bands are known
    name : such as the file they come from
    notes : what was done, one line each
    """

    kx: Float64Array
    ky: Float64Array
    energy_ev: Float64Array
    error_ev: Float64Array
    mask: BoolArray
    name: str = "bands"
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        kx: ArrayLike,
        ky: ArrayLike,
        energy_ev: ArrayLike,
        error_ev: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        name: str = "bands",
        notes: tuple[str, ...] = (),
    ) -> BandStructure:
        """Return a band structure; axes that fall are turned, bands are put in order of their mean, highest first.

        Parameters
        ----------
        kx, ky : (x,) and (y,) 1/Å
        energy_ev : (b, x, y) eV; momenta with NaN are masked
        error_ev, mask : (b, x, y) eV and (x, y); unknown and all where left out

        Raises
        ------
        ValueError : shapes that do not fit, axes that neither rise nor fall, no momentum with finite energies
        """
        x, y = (np.asarray(axis, dtype=np.float64).ravel() for axis in (kx, ky))
        energy = np.asarray(energy_ev, dtype=np.float64)
        if energy.ndim != 3 or energy.shape[1:] != (x.size, y.size) or not energy.shape[0]:
            raise ValueError(f"{name}: energies of shape {energy.shape} do not fit {x.size} kx and {y.size} ky")
        error = np.full(energy.shape, np.nan) if error_ev is None else np.asarray(error_ev, dtype=np.float64)
        used = np.asarray(np.isfinite(energy).all(axis=0))
        if mask is not None:
            used &= np.asarray(mask, dtype=bool)
        if not used.any():
            raise ValueError(f"{name}: no momentum has finite energies of all bands; fill the gaps")
        told = list(notes)
        for place, axis in ((1, x), (2, y)):
            if axis.size > 1 and np.all(np.diff(axis) < 0):
                energy, error, used = np.flip(energy, place), np.flip(error, place), np.flip(used, place - 1)
                x, y = (x[::-1].copy(), y) if place == 1 else (x, y[::-1].copy())
            elif axis.size > 1 and not np.all(np.diff(axis) > 0):
                raise ValueError(f"{name}: {('kx', 'ky')[place - 1]} neither rises nor falls throughout; sort it")
        order = np.argsort(-energy[:, used].mean(axis=1), kind="stable")
        if not np.array_equal(order, np.arange(order.size)):
            told.append("the bands were put in order, the highest first")
        return cls(x, y, energy[order].copy(), error[order].copy(), used.copy(), name, tuple(told))

    def __len__(self) -> int:
        return int(self.energy_ev.shape[0])

    @property
    def is_line(self) -> bool:
        """Whether there is one ky only."""
        return self.ky.size == 1

    def first(self, bands: int) -> BandStructure:
        """Return the highest so many bands; raises ValueError where there are fewer."""
        if not 1 <= bands <= len(self):
            raise ValueError(f"{self.name} has {len(self)} bands; --bands {bands} must lie between 1 and {len(self)}")
        return replace(self, energy_ev=self.energy_ev[:bands].copy(), error_ev=self.error_ev[:bands].copy())

    def with_energies(self, energy_ev: Float64Array, error_ev: Float64Array | None = None) -> BandStructure:
        """Return it with other energies (b, x, y), eV, and their errors, unknown where left out."""
        error = np.full(energy_ev.shape, np.nan) if error_ev is None else error_ev
        return replace(self, energy_ev=energy_ev, error_ev=error)

    def on(self, kx: ArrayLike, ky: ArrayLike, name: str | None = None) -> BandStructure:
        """Return it on other momenta (x,) and (y,), 1/Å: cubic splines, a step beyond the edge continued straight.

        Raises
        ------
        ValueError : momenta further outside than a tenth of the table's width; a line asked for by momenta in a plane
        """
        x, y = (np.asarray(axis, dtype=np.float64).ravel() for axis in (kx, ky))
        if self.is_line or y.size == 1:
            return self._on_line(x, y, name)
        for label, own, asked in (("kx", self.kx, x), ("ky", self.ky, y)):
            _check_reach(self.name, label, own, asked)
        from scipy.interpolate import RegularGridInterpolator

        known = filled(self.energy_ev, self.mask)
        points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
        method = "cubic" if min(self.kx.size, self.ky.size) >= 4 else "linear"
        energy = np.stack([_beyond(self.kx, self.ky, band, points, method) for band in known])
        near = RegularGridInterpolator(
            (self.kx, self.ky), self.mask.astype(float), "nearest", bounds_error=False, fill_value=None
        )
        return BandStructure(x, y, energy, np.full(energy.shape, np.nan), near(points) > 0.5, name or self.name)

    def _on_line(self, x: Float64Array, y: Float64Array, name: str | None) -> BandStructure:
        if not self.is_line or y.size > 1:
            raise ValueError(f"{self.name}: a line and a plane of momenta do not fit each other; cut the cube along it")
        _check_reach(self.name, "momenta along the line", self.kx, x)
        energy = np.stack([np.interp(x, self.kx, band[:, 0]) for band in self.energy_ev])[:, :, None]
        used = np.interp(x, self.kx, self.mask[:, 0].astype(float)) > 0.999
        return BandStructure(x, y, energy, np.full(energy.shape, np.nan), used[:, None], name or self.name)


def _check_reach(name: str, label: str, own: Float64Array, asked: Float64Array) -> None:
    beyond = max(own[0] - asked[0], asked[-1] - own[-1])
    if beyond > 0.1 * (own[-1] - own[0]):
        raise ValueError(
            f"{name} has {label} from {own[0]:.3g} to {own[-1]:.3g} 1/Å, the data from {asked[0]:.3g} to "
            f"{asked[-1]:.3g}: another cell, another unit or another cut; scale the theory by --k-scale"
        )


def _beyond(kx: Float64Array, ky: Float64Array, band: Float64Array, points: Float64Array, method: str) -> Float64Array:
    """Interpolate a band (x, y) at points (..., 2); outside, the slope at the edge goes on."""
    from scipy.interpolate import RegularGridInterpolator

    inside = np.stack([np.clip(points[..., 0], kx[0], kx[-1]), np.clip(points[..., 1], ky[0], ky[-1])], axis=-1)
    value = RegularGridInterpolator((kx, ky), band, method)(inside)
    rest = points - inside
    if np.any(rest):
        slope_x = RegularGridInterpolator((kx, ky), np.gradient(band, kx, axis=0))(inside)
        slope_y = RegularGridInterpolator((kx, ky), np.gradient(band, ky, axis=1))(inside)
        value = value + slope_x * rest[..., 0] + slope_y * rest[..., 1]
    return np.asarray(value)


def filled(energy_ev: Float64Array, mask: BoolArray) -> Float64Array:
    """Return the energies with every masked momentum given the value of its nearest neighbour."""
    if mask.all():
        return energy_ev
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(~mask, return_distances=False, return_indices=True)
    return np.asarray(energy_ev[:, nearest[0], nearest[1]])
