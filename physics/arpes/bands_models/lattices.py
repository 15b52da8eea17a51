"""Two-dimensional lattices and their tight-binding terms.

E(k) = E0 + t·(nearest) + t_d·(diagonal) + t_2·(2a), each bracket a sum of 2 cos(k·R) over pairs of sites ±R. Positive t
raises the band at Γ, as in Eq. 1 of Na et al., arXiv 2508.15983. "Diagonal" is the neighbour across the cell (√2 a on
the square lattice, √3 a on the triangular one), which that equation lacks; "2a" is its second harmonic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arpes.bands_models.kernels import HEXAGONAL, HONEYCOMB, RECTANGULAR, TERMS, fill_bands
from beamgym.physics.arpes.checks import positive
from beamgym.physics.arrays import Float32Array, Float64Array

LATTICES: Mapping[str, int] = {
    "square": RECTANGULAR,
    "rectangular": RECTANGULAR,
    "hexagonal": HEXAGONAL,
    "honeycomb": HONEYCOMB,
}


def lattice_code(name: str) -> int:
    """Return the kernels' number of a lattice.

    Raises
    ------
    ValueError : an unknown lattice
    """
    if name not in LATTICES:
        raise ValueError(f"unknown lattice {name!r}; choose one of {', '.join(LATTICES)}")
    return LATTICES[name]


def coefficients(
    lattice: str,
    onsite_ev: ArrayLike,
    nearest_ev: ArrayLike,
    diagonal_ev: ArrayLike = 0.0,
    second_ev: ArrayLike = 0.0,
    nearest_b_ev: ArrayLike | None = None,
    second_b_ev: ArrayLike | None = None,
) -> Float64Array:
    """Lay out hopping parameters as the kernels read them.

    Parameters
    ----------
    lattice : "square", "rectangular", "hexagonal" or "honeycomb"
    onsite_ev, nearest_ev, diagonal_ev, second_ev : any shapes that broadcast together, eV. On the honeycomb lattice
        ``nearest`` joins the two sublattices (its sign chooses the band: + above, − below), ``diagonal`` one sublattice
        with itself and ``second`` is the third neighbour, two bond lengths away
    nearest_b_ev, second_b_ev : along b on the rectangular lattice; default: as along a

    Returns
    -------
    (..., 6) terms
    """
    code = lattice_code(lattice)
    if code != RECTANGULAR and (nearest_b_ev is not None or second_b_ev is not None):
        raise ValueError(f"a {lattice} lattice has no separate hopping along b; leave nearest_b_ev and second_b_ev out")
    near, second = np.asarray(nearest_ev, dtype=np.float64), np.asarray(second_ev, dtype=np.float64)
    if code == RECTANGULAR:
        other = near if nearest_b_ev is None else np.asarray(nearest_b_ev, dtype=np.float64)
        far = second if second_b_ev is None else np.asarray(second_b_ev, dtype=np.float64)
        parts: tuple[ArrayLike, ...] = (onsite_ev, near, other, diagonal_ev, second, far)
    else:
        parts = (onsite_ev, near, diagonal_ev, second, 0.0, 0.0)
    terms = np.stack(np.broadcast_arrays(*(np.asarray(p, dtype=np.float64) for p in parts)), axis=-1)
    if not np.all(np.isfinite(terms)):
        raise ValueError("tight-binding energies must be finite numbers of eV")
    return np.ascontiguousarray(terms)


def tight_binding(
    lattice: NDArray[np.int64],
    constants_a: Float64Array,
    terms: Float64Array,
    momentum: Float64Array,
    count: NDArray[np.int64] | None = None,
) -> Float32Array:
    """Band energies of n different samples.

    Parameters
    ----------
    lattice : (n,) from ``lattice_code``
    constants_a : (n, 2) lattice constants a and b, Å
    terms : (n, b, 6) from ``coefficients``
    momentum : (n, ..., 2) 1/Å
    count : (n,) bands in use; the others come out as 0

    Returns
    -------
    (n, b, ...) eV
    """
    n, bands = terms.shape[:2]
    k = np.ascontiguousarray(momentum, dtype=np.float64).reshape(n, -1, 2)
    out = np.zeros((n, bands, k.shape[1]), dtype=np.float32)
    used = np.full(n, bands, dtype=np.int64) if count is None else np.asarray(count, dtype=np.int64)
    fill_bands(np.asarray(lattice, dtype=np.int64), constants_a, terms, used, k, out)
    return out.reshape(n, bands, *momentum.shape[1:-1])


@dataclass(frozen=True, eq=False)
class TightBinding:
    """Bands of one crystal surface.

    Parameters
    ----------
    lattice : "square", "rectangular", "hexagonal" or "honeycomb"
    a_angstrom, b_angstrom : lattice constants, Å; b only for "rectangular"
    terms : (b, 6) from ``coefficients``

    Raises
    ------
    ValueError : an unknown lattice, constants that are not positive, terms of another shape
    """

    lattice: str
    terms: Float64Array
    a_angstrom: float
    b_angstrom: float | None = None

    def __post_init__(self) -> None:
        lattice_code(self.lattice)
        positive("a_angstrom", self.a_angstrom)
        if self.b_angstrom is not None:
            positive("b_angstrom", self.b_angstrom)
            if self.lattice != "rectangular":
                raise ValueError(f"a {self.lattice} lattice has one constant only; leave b_angstrom out")
        terms = np.atleast_2d(np.asarray(self.terms, dtype=np.float64))
        if terms.ndim != 2 or terms.shape[1] != TERMS:
            raise ValueError(f"terms must have shape (bands, {TERMS}) from coefficients(); found {terms.shape}")
        object.__setattr__(self, "terms", terms)

    def energies(self, momentum: ArrayLike) -> Float64Array:
        """Return the bands' energies, (..., b) eV, at momenta (..., 2) in 1/Å."""
        k = np.asarray(momentum, dtype=np.float64)
        constants = np.array([[self.a_angstrom, self.b_angstrom or self.a_angstrom]])
        code = np.array([lattice_code(self.lattice)])
        energy = tight_binding(code, constants, self.terms[None], k[None])[0]
        return np.asarray(np.moveaxis(energy, 0, -1), dtype=np.float64)
