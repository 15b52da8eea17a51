"""Matrix elements: a random modulation with the lattice's period; the dipole with its polarisation and geometry."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.bands_models.kinematics import Geometry, perpendicular_momentum
from beamgym.physics.arpes.checks import positive
from beamgym.physics.arrays import Complex128Array, Float64Array
from beamgym.physics.counter_rng import normal, uniform

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

_TRIANGULAR = ((1.0, 0.0), (0.5, 0.5 * math.sqrt(3.0)))
_PRIMITIVE: Mapping[str, tuple[tuple[float, float], ...]] = {
    "square": ((1.0, 0.0), (0.0, 1.0)),
    "hexagonal": _TRIANGULAR,
    "honeycomb": _TRIANGULAR,
}
_ROTATIONS: Mapping[str, tuple[int, ...]] = {"square": (2, 4), "hexagonal": (2, 3, 6), "honeycomb": (2, 3, 6)}


def random_modulation(
    key: int | np.uint64,
    bands: int,
    momentum: ArrayLike,
    a_angstrom: float,
    order: int = 3,
    symmetry: int = 0,
    lattice: str = "square",
) -> Float64Array:
    """Return smooth random |M|² of every band that has the lattice's period, in the spirit of the paper's modulation.

    Parameters
    ----------
    key : random key
    bands : number of bands
    momentum : (..., 2) 1/Å, in the sample's frame
    a_angstrom : lattice constant, Å
    order : lattice vectors reach so many constants far along each axis, ≥ 0; 0 is no modulation
    symmetry : m > 1 makes it the same after a turn by 360°/m; 0 and 1 ask for none
    lattice : "square", "hexagonal" or "honeycomb", which says what m may be

    Returns
    -------
    (..., bands) between 0 and 1; a function of key, band and momentum only, whatever window it is asked in

    Raises
    ------
    ValueError : an order, symmetry or number of bands below what is meant, another lattice, a symmetry it lacks

    Notes
    -----
    |M(k)|² = l/2 · (1 + Σ c_R ⟨cos(k·CR + φ_R)⟩_C / Σ |c_R|), R over one of each pair of lattice vectors ±R, C over
    the m turns, c_R normal and falling as (|R|/a)⁻², φ_R and the band's level l (0.2 to 1) uniform. The random
    polynomial of Na et al. (arXiv 2508.15983) has neither period nor symmetry, and depends on the window.
    """
    if order < 0 or symmetry < 0 or bands < 1:
        raise ValueError(f"order and symmetry must be ≥ 0 and bands ≥ 1; found {order!r}, {symmetry!r}, {bands!r}")
    vectors = positive("a_angstrom", a_angstrom) * _harmonics(lattice, order)
    turns = _turns(lattice, symmetry)
    k = np.asarray(momentum, dtype=np.float64)
    phases = np.einsum("...i,tij,rj->...rt", k, turns, vectors)
    out = np.empty((*k.shape[:-1], bands))
    fall = np.sum((vectors / a_angstrom) ** 2, axis=1)
    for band in range(bands):
        level, size, phase = _drawn(key, band, len(vectors))
        wave = np.cos(phases + phase[:, None]).mean(axis=-1) @ (size / fall)
        out[..., band] = 0.5 * level * (1.0 + wave / np.abs(size / fall).sum()) if len(vectors) else level
    return out


def _drawn(key: int | np.uint64, band: int, count: int) -> tuple[float, Float64Array, Float64Array]:
    """Return a band's level, and size and phase of its harmonics (count,)."""
    first = band * (4 * count + 2)  # normal number i takes the counters 2i and 2i + 1
    size = np.array([normal(key, first // 2 + i) for i in range(count)])
    phase = 2.0 * np.pi * np.array([uniform(key, first + 2 * count + i) for i in range(count)])
    return 0.2 + 0.8 * uniform(key, first + 3 * count), size, phase


def _harmonics(lattice: str, order: int) -> Float64Array:
    """Return one of each pair ±R of lattice vectors up to an order, (r, 2), in units of the lattice constant."""
    if lattice not in _PRIMITIVE:
        raise ValueError(f"no random modulation for lattice {lattice!r}; choose one of {', '.join(_PRIMITIVE)}")
    half = [(i, j) for i in range(order + 1) for j in range(-order, order + 1) if i > 0 or j > 0]
    return np.asarray(np.array(half, dtype=np.float64).reshape(-1, 2) @ np.array(_PRIMITIVE[lattice]))


def _turns(lattice: str, symmetry: int) -> Float64Array:
    """Return the rotations about the surface's normal that are averaged over, (m, 2, 2)."""
    known = _ROTATIONS[lattice]
    if symmetry > 1 and symmetry not in known:
        raise ValueError(
            f"a {lattice} lattice is not the same after a turn by 360°/{symmetry}; choose symmetry 0 or one of {known}"
        )
    angle = 2.0 * np.pi * np.arange(max(symmetry, 1)) / max(symmetry, 1)
    return np.stack([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)


def polarisation_vector(
    incidence_deg: float = 45.0, polarisation_deg: float = 0.0, ellipticity_deg: float = 0.0
) -> Complex128Array:
    """Return the polarisation vector in the analyser's frame (x, y up, z along the lens), a complex unit vector (3,).

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
    field : (3,) from ``polarisation_vector``, in the analyser's frame
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
