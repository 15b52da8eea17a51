"""Matrix elements: the paper's random modulation, and the dipole's dependence on polarisation and geometry."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arpes.kinematics import Geometry, perpendicular_momentum
from beamgym.physics.counter_rng import normal, uniform

Float64Array = NDArray[np.float64]
Complex128Array = NDArray[np.complex128]
Harmonic = Callable[[Float64Array, Float64Array, Float64Array], Float64Array]

ORBITALS: Mapping[str, Harmonic] = {
    "s": lambda x, y, z: np.ones_like(x),
    "px": lambda x, y, z: math.sqrt(3.0) * x,
    "py": lambda x, y, z: math.sqrt(3.0) * y,
    "pz": lambda x, y, z: math.sqrt(3.0) * z,
    "dxy": lambda x, y, z: math.sqrt(15.0) * x * y,
    "dxz": lambda x, y, z: math.sqrt(15.0) * x * z,
    "dyz": lambda x, y, z: math.sqrt(15.0) * y * z,
    "dx2-y2": lambda x, y, z: 0.5 * math.sqrt(15.0) * (x * x - y * y),
    "dz2": lambda x, y, z: 0.5 * math.sqrt(5.0) * (3.0 * z * z - 1.0),
}


def random_modulation(
    key: int | np.uint64,
    bands: int,
    momentum: ArrayLike,
    a_angstrom: float,
    order: int = 3,
    symmetry: int = 0,
) -> Float64Array:
    """Return smooth random |M|² of every band that respects the lattice's period, as the paper modulates its bands.

    Parameters
    ----------
    key : random key
    bands : number of bands
    momentum : (..., 2) 1/Å
    a_angstrom : lattice constant, Å
    order : of the random polynomial in kx and ky, ≥ 0
    symmetry : m > 0 adds the rotational factor 1 + cos(mφ)/2 of an orbital in polarised light

    Returns
    -------
    (..., bands) between 0 and 1, the largest of each band between 0.2 and 1
    """
    if order < 0 or symmetry < 0 or bands < 1:
        raise ValueError(f"order and symmetry must be ≥ 0 and bands ≥ 1; found {order!r}, {symmetry!r}, {bands!r}")
    k = np.asarray(momentum, dtype=np.float64)
    x, y = k[..., 0], k[..., 1]
    scale = max(float(np.max(np.abs(k))), 1e-9)
    lattice = np.cos(x * a_angstrom) + np.cos(y * a_angstrom)
    out = np.empty((*x.shape, bands))
    for band in range(bands):
        first = 1000 * band
        terms = np.array([[normal(key, first + 10 * i + j) for j in range(order + 1)] for i in range(order + 1)])
        value = np.polynomial.polynomial.polyval2d(x / scale, y / scale, terms)
        value = value * (1.0 + 0.25 * (2.0 * uniform(key, 2 * first + 500) - 1.0) * lattice)
        if symmetry:
            value = value * (1.0 + 0.5 * np.cos(symmetry * np.arctan2(y, x)))
        low, span = np.min(value), float(np.ptp(value))
        level = 0.2 + 0.8 * uniform(key, 2 * first + 501)
        out[..., band] = level * ((value - low) / span if span > 0 else 1.0)
    return out


def light(incidence_deg: float = 45.0, polarisation_deg: float = 0.0, ellipticity_deg: float = 0.0) -> Complex128Array:
    """Return the light's field in the analyser's frame (x, y up, z along the lens), a complex unit vector (3,).

    Parameters
    ----------
    incidence_deg : angle between the beam and the lens axis, in the horizontal plane
    polarisation_deg : of the field from the horizontal plane: 0 horizontal (p for a sample turned about y), 90 vertical
    ellipticity_deg : 0 linear, ±45 circular
    """
    incidence, tilt, ellipse = (math.radians(v) for v in (incidence_deg, polarisation_deg, ellipticity_deg))
    horizontal = np.array([math.cos(incidence), 0.0, math.sin(incidence)])
    vertical = np.array([0.0, 1.0, 0.0])
    major = math.cos(tilt) * horizontal + math.sin(tilt) * vertical
    minor = -math.sin(tilt) * horizontal + math.cos(tilt) * vertical
    return np.asarray(math.cos(ellipse) * major + 1j * math.sin(ellipse) * minor)


def dipole(
    momentum: ArrayLike,
    kinetic_ev: ArrayLike,
    field: ArrayLike,
    orbital: str = "s",
    geometry: Geometry | None = None,
    inner_potential_ev: float = 10.0,
) -> Float64Array:
    """Return |M|² = |ε·k̂|² |Y(k̂)|² of one orbital for a plane-wave final state.

    Parameters
    ----------
    momentum : (..., 2) k∥ in the sample's frame, 1/Å
    kinetic_ev : outside the surface, eV
    field : (3,) from ``light``, in the analyser's frame
    orbital : s, px, py, pz, dxy, dxz, dyz, dx2-y2 or dz2, in the sample's frame
    geometry : how the sample is turned towards the analyser; one orientation
    inner_potential_ev : refracts the electron inside the crystal

    Returns
    -------
    (...,) without unit

    Notes
    -----
    Moser, J. Electron Spectrosc. Relat. Phenom. 214 (2017) 29, section 4: in the A·p form a plane wave's dipole element
    is ε·k times the Fourier transform of the orbital, here its angular part.
    """
    if orbital not in ORBITALS:
        raise ValueError(f"unknown orbital {orbital!r}; choose one of {', '.join(ORBITALS)}")
    k = np.asarray(momentum, dtype=np.float64)
    kz = perpendicular_momentum(k, kinetic_ev, inner_potential_ev)
    vector = np.concatenate([k, kz[..., None]], axis=-1)
    unit = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
    turned = (geometry or Geometry()).rotation().T @ np.asarray(field, dtype=np.complex128)
    return np.asarray(np.abs(unit @ turned) ** 2 * ORBITALS[orbital](*np.moveaxis(unit, -1, 0)) ** 2)
