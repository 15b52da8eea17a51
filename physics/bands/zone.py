"""Surface lattices: Brillouin zones as masks, their named points, and paths along which cubes are cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.structure import BandStructure


@dataclass(frozen=True)
class SurfaceLattice:
    """A two-dimensional lattice.

    Parameters
    ----------
    a_angstrom, b_angstrom : lattice constants, Å
    gamma_deg : angle between them, degrees
    azimuth_deg : of the first reciprocal vector against kx, degrees

    Raises
    ------
    ValueError : constants or angles that make no lattice
    """

    a_angstrom: float
    b_angstrom: float
    gamma_deg: float
    azimuth_deg: float = 0.0

    def __post_init__(self) -> None:
        if not (self.a_angstrom > 0 and self.b_angstrom > 0 and 20.0 <= self.gamma_deg <= 160.0):
            raise ValueError(
                f"a = {self.a_angstrom:g} Å, b = {self.b_angstrom:g} Å, γ = {self.gamma_deg:g}° make no surface lattice"
            )

    @classmethod
    def hexagonal(cls, a_angstrom: float, azimuth_deg: float = 0.0) -> SurfaceLattice:
        """Return the hexagonal lattice; at azimuth 0 Γ–M lies along kx."""
        return cls(a_angstrom, a_angstrom, 120.0, azimuth_deg)

    @classmethod
    def square(cls, a_angstrom: float, azimuth_deg: float = 0.0) -> SurfaceLattice:
        """Return the square lattice; at azimuth 0 Γ–X lies along kx."""
        return cls(a_angstrom, a_angstrom, 90.0, azimuth_deg)

    @property
    def reciprocal(self) -> Float64Array:
        """(2, 2) reciprocal vectors as rows, 1/Å, with 2π."""
        angle = np.radians(self.gamma_deg)
        direct = np.array([[self.a_angstrom, 0.0], [self.b_angstrom * np.cos(angle), self.b_angstrom * np.sin(angle)]])
        vectors = 2.0 * np.pi * np.linalg.inv(direct).T
        turn = np.radians(self.azimuth_deg) - np.arctan2(vectors[0, 1], vectors[0, 0])
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        return np.asarray(vectors @ rotation)

    def inside(self, kx: ArrayLike, ky: ArrayLike, margin: float = 0.0) -> BoolArray:
        """Return whether momenta (x,) × (y,) lie in the first zone, widened by a share of its size: (x, y)."""
        x, y = np.meshgrid(np.asarray(kx, float), np.asarray(ky, float), indexing="ij")
        k = np.stack([x, y], axis=-1)
        nearest = np.ones(x.shape, dtype=bool)
        for i in (-2, -1, 0, 1, 2):
            for j in (-2, -1, 0, 1, 2):
                if (i, j) != (0, 0):
                    g = i * self.reciprocal[0] + j * self.reciprocal[1]
                    nearest &= k @ g <= 0.5 * (1.0 + margin) * (g @ g) + 1e-9
        return nearest

    def point(self, name: str) -> Float64Array:
        """Return a named point (2,), 1/Å: G or Gamma; M and K of a hexagonal lattice; X, Y and M of others.

        Raises
        ------
        ValueError : a name that this lattice does not have
        """
        first, second = self.reciprocal
        hexagonal = abs(self.gamma_deg - 120.0) < 1e-6 and abs(self.a_angstrom - self.b_angstrom) < 1e-9
        points = {"G": 0.0 * first, "GAMMA": 0.0 * first, "Γ": 0.0 * first}
        if hexagonal:
            points |= {"M": 0.5 * first, "K": (first + second) / 3.0, "K'": (2.0 * first - second) / 3.0}
        else:
            points |= {"X": 0.5 * first, "Y": 0.5 * second, "M": 0.5 * (first + second)}
        key = name.strip().upper()
        if key not in points:
            raise ValueError(f"there is no point {name!r} of this lattice; there are {', '.join(sorted(points))}")
        return np.asarray(points[key])

    def path(self, names: str, points: int = 200) -> Float64Array:
        """Return momenta (n, 2), 1/Å, evenly along straight lines between named points such as "G-M-K-G"."""
        corners = np.stack([self.point(name) for name in names.split("-")])
        lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
        if lengths.size < 1 or np.any(lengths == 0):
            raise ValueError(f"{names!r} is no path; name two different points at least, as G-M-K-G")
        at = np.concatenate([[0.0], np.cumsum(lengths)])
        way = np.linspace(0.0, at[-1], points)
        return np.stack([np.interp(way, at, corners[:, axis]) for axis in (0, 1)], axis=1)


def cut_along(cube: BandCube, momenta: ArrayLike) -> BandCube:
    """Return the line of a cube along momenta (n, 2), 1/Å, evenly spaced; kx of the line is the way along it.

    Raises
    ------
    ValueError : a line for a cube, momenta outside it
    """
    from scipy.interpolate import RegularGridInterpolator

    k = np.asarray(momenta, dtype=np.float64)
    _check_path(cube.kx, cube.ky, k)
    values = RegularGridInterpolator((cube.kx, cube.ky), cube.intensity, "linear")(k)
    seen = RegularGridInterpolator((cube.kx, cube.ky), cube.mask.astype(float), "linear")(k) > 0.999
    return BandCube.of(cube.energy_ev, _way(k), [0.0], values[:, None, :], seen[:, None], cube.notes)


def bands_along(bands: BandStructure, momenta: ArrayLike) -> BandStructure:
    """Return the line of a band structure along momenta (n, 2), 1/Å; errors as ``cut_along``."""
    from scipy.interpolate import RegularGridInterpolator

    k = np.asarray(momenta, dtype=np.float64)
    _check_path(bands.kx, bands.ky, k)
    lines = [RegularGridInterpolator((bands.kx, bands.ky), band, "linear")(k)[:, None] for band in bands.energy_ev]
    return BandStructure.of(_way(k), [0.0], np.stack(lines), name=bands.name, notes=bands.notes)


def _way(k: Float64Array) -> Float64Array:
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(k, axis=0), axis=1))])


def _check_path(kx: Float64Array, ky: Float64Array, k: Float64Array) -> None:
    if ky.size == 1:
        raise ValueError("a line cannot be cut along a path; give a plane of momenta")
    if k.ndim != 2 or k.shape[1] != 2 or len(k) < 3:
        raise ValueError(f"a path is a list of three momenta (kx, ky) at least; found shape {k.shape}")
    low, high = k.min(axis=0), k.max(axis=0)
    if low[0] < kx[0] or low[1] < ky[0] or high[0] > kx[-1] or high[1] > ky[-1]:
        raise ValueError(
            f"the path runs from ({low[0]:.3g}, {low[1]:.3g}) to ({high[0]:.3g}, {high[1]:.3g}) 1/Å, the data from "
            f"({kx[0]:.3g}, {ky[0]:.3g}) to ({kx[-1]:.3g}, {ky[-1]:.3g}); shorten it"
        )
