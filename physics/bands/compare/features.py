"""Band structures as short vectors of numbers: coefficients of functions that are orthonormal over the momenta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.bands.structure import BandStructure

TARGET_EV = 0.010
"""Root mean square that a vector is to keep to, unless another is asked for."""
_MOST_DEGREE, _MOST_DEGREE_LINE = 30, 90


@dataclass(frozen=True, eq=False)
class FeatureVector:
    """A band structure in few numbers.

    Parameters
    ----------
    coefficients : (b, m) eV
    degree, turns, mirror, centre : of the functions: polynomials up to a degree that keep a symmetry about a centre
    kx, ky : (2,) ends of the momenta, 1/Å
    rms_ev : (b,) what the vector is off, over the momenta
    numbers : in the vector
    """

    coefficients: Float64Array
    degree: int
    turns: int
    mirror: bool
    centre: tuple[float, float]
    kx: tuple[float, float]
    ky: tuple[float, float]
    rms_ev: Float64Array
    numbers: int

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, with all that is needed to rebuild the bands."""
        return {
            "format": "band structure features 1",
            "unit": "eV",
            "basis": "polynomials orthonormal over the momenta (QR of Chebyshev products in order of degree)",
            "degree": self.degree,
            "turns": self.turns,
            "mirror": self.mirror,
            "centre": list(self.centre),
            "kx": list(self.kx),
            "ky": list(self.ky),
            "rms_ev": self.rms_ev.tolist(),
            "coefficients": self.coefficients.tolist(),
        }


def basis(
    bands: BandStructure, degree: int, turns: int = 1, mirror: bool = False, centre: tuple[float, float] = (0.0, 0.0)
) -> Float64Array:
    """Return functions (n, m) of the momenta inside the mask, orthonormal in the mean square, the constant first.

    Parameters
    ----------
    bands : whose momenta
    degree : highest of the polynomials
    turns : order of the axis that every function keeps; 1 for none
    mirror : whether kx → −kx about the centre is kept too
    centre : of the symmetry, 1/Å
    """
    i, j = np.nonzero(bands.mask)
    x, y = bands.kx[i] - centre[0], bands.ky[j] - centre[1]
    size = max(float(np.hypot(x, y).max()), 1e-9)
    functions = np.zeros((x.size, len(_pairs(degree, bands.is_line))))
    for turn in range(turns):
        angle = 2.0 * np.pi * turn / turns
        for side in (1.0, -1.0) if mirror else (1.0,):
            u = side * (np.cos(angle) * x - np.sin(angle) * y) / size
            v = (np.sin(angle) * x + np.cos(angle) * y) / size
            functions += _products(u, v, degree, bands.is_line)
    q, _ = np.linalg.qr(functions[:, _independent(functions)])
    return np.asarray(q * np.sqrt(x.size))


def _independent(functions: Float64Array) -> list[int]:
    """Return the columns that no earlier ones make up: Cholesky's steps, those without a pivot left out."""
    size = np.maximum(np.linalg.norm(functions, axis=0), 1e-300)
    gram = functions.T @ functions / np.outer(size, size)
    gram[:, size < 1e-9 * size.max()] = 0.0
    kept = []
    for column in range(gram.shape[0]):
        pivot = gram[column, column]
        if pivot < 1e-9 or size[column] < 1e-9 * size.max():
            continue
        kept.append(column)
        gram = gram - np.outer(gram[:, column], gram[column]) / pivot
    return kept


def _pairs(degree: int, line: bool) -> list[tuple[int, int]]:
    return [(total - j, j) for total in range(degree + 1) for j in range(1 if line else total + 1)]


def _products(u: Float64Array, v: Float64Array, degree: int, line: bool) -> Float64Array:
    cheb = np.polynomial.chebyshev.chebvander
    fu, fv = cheb(u, degree), cheb(v, degree)
    return np.stack([fu[:, i] * fv[:, j] for i, j in _pairs(degree, line)], axis=1)


def features(
    bands: BandStructure,
    target_ev: float = TARGET_EV,
    turns: int = 1,
    mirror: bool = False,
    centre: tuple[float, float] = (0.0, 0.0),
    degree: int | None = None,
) -> FeatureVector:
    """Return the shortest vector of this kind whose median band is off by no more than a target.

    Parameters
    ----------
    bands : the band structure
    target_ev : root mean square, eV
    turns, mirror, centre : symmetry that the functions keep, see ``basis``
    degree : instead of a target
    """
    values = bands.energy_ev[:, bands.mask]
    most = _MOST_DEGREE_LINE if bands.is_line else _MOST_DEGREE
    for order in (degree,) if degree is not None else range(most + 1):
        functions = basis(bands, order, turns, mirror, centre)
        coefficients = values @ functions / values.shape[1]
        rms = np.sqrt(((coefficients @ functions.T - values) ** 2).mean(axis=1))
        if (
            degree is not None
            or np.median(rms) <= target_ev
            or order == most
            or 2 * functions.shape[1] > values.shape[1]
        ):
            break
    ends = (float(bands.kx[0]), float(bands.kx[-1])), (float(bands.ky[0]), float(bands.ky[-1]))
    return FeatureVector(coefficients, order, turns, mirror, centre, *ends, rms, int(coefficients.size))


def symmetry_centre(
    bands: BandStructure, turns: int, mirror: bool, near: tuple[float, float], degree: int = 4
) -> tuple[float, float]:
    """Return the centre (kx, ky), 1/Å, about which functions of a symmetry describe the bands best.

    Parameters
    ----------
    bands : the band structure
    turns, mirror, degree : see ``basis``
    near : where the search begins, 1/Å
    """
    from scipy.optimize import minimize

    step = 0.5 * (bands.kx[1] - bands.kx[0])

    def left(offset: Float64Array) -> float:
        centre = (near[0] + step * offset[0], near[1] + step * offset[1])
        return float((features(bands, turns=turns, mirror=mirror, centre=centre, degree=degree).rms_ev ** 2).sum())

    simplex = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    options = {"initial_simplex": simplex, "xatol": 0.02, "fatol": 1e-12, "maxiter": 120}
    found = minimize(left, np.zeros(2), method="Nelder-Mead", options=options)
    return float(near[0] + step * found.x[0]), float(near[1] + step * found.x[1])


def rebuilt(vector: FeatureVector, bands: BandStructure) -> BandStructure:
    """Return the band structure that a vector stands for, on the momenta that it was made from."""
    functions = basis(bands, vector.degree, vector.turns, vector.mirror, vector.centre)
    energy = np.full((len(vector.coefficients), *bands.mask.shape), np.nan)
    energy[:, bands.mask] = vector.coefficients @ functions.T
    return bands.with_energies(energy)
