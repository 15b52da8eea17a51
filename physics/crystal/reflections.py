"""Reflection tables: the parts of a crystal's structure factors that depend on neither energy nor orientation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arrays import Complex128Array, Float64Array, Int32Array, Int64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal.atoms import Atoms
from beamgym.physics.crystal.form_factors import dispersion, f0, scattering_length_fm

ABSENT = 1e-4
"""A harmonic weaker than this part of the cell's largest possible amplitude at its s is absent (1e-8 in intensity)."""

ENERGY_STEP_KEV = 0.01
"""Spacing of the dispersion grid; finer than a Laue spot's energy matters for."""

LOWEST_ENERGY_KEV = 1.0
ENERGY_RANGE_KEV = (0.1, 400.0)
MOST_REFLECTIONS = 20_000_000


@dataclass(frozen=True, eq=False)
class ReflectionTable:
    """The reflections of a crystal up to an energy, grouped by ray.

    A ray is a primitive direction, one of each ± pair, with all its harmonics of non-zero F; they share one position on
    the detector. Rays are ordered by the length of their primitive vector, harmonics by order.

    Parameters
    ----------
    elements : (e,) form-factor labels
    hkl : (m, 3) primitive directions
    q_inv_a : (m, 3) B·hkl in 1/Å, no 2π, crystal Cartesian
    first : (m + 1,) harmonics of ray i are rows first[i]:first[i + 1]
    order : (k,) n of each harmonic, which is the reflection n·hkl
    f0 : (k, e) form factors at s = n|q|/2, electrons (neutron: b_c in fm)
    partial : (k, e) S_e(n·hkl) = Σ occupancy · exp(−B s²) · exp(2πi hkl·x); S_e(−h) is its conjugate
    energy_kev : (g,) uniform grid of the dispersion corrections, keV
    f_prime, f_second : (e, g) electrons (neutron: zeros)
    radiation : "xray" or "neutron"
    """

    elements: tuple[str, ...]
    hkl: Int32Array
    q_inv_a: Float64Array
    first: Int64Array
    order: Int32Array
    f0: Float64Array
    partial: Complex128Array
    energy_kev: Float64Array
    f_prime: Float64Array
    f_second: Float64Array
    radiation: str

    @property
    def ray(self) -> Int64Array:
        """(k,) ray of each harmonic."""
        return np.repeat(np.arange(self.hkl.shape[0]), np.diff(self.first))


def structure_factors(table: ReflectionTable, energy_kev: ArrayLike, friedel: bool = False) -> Complex128Array:
    """Structure factor of every harmonic, in plain numpy.

    Parameters
    ----------
    table : reflection table with k harmonics
    energy_kev : one energy, or (k,) one per harmonic, in keV; outside the table's grid its nearest end is used
    friedel : True gives F(−n·hkl) instead of F(n·hkl)

    Returns
    -------
    (k,) complex, electrons (neutron: fm)

    Notes
    -----
    F = Σ_e (f0_e(s) + f′_e(E) + i f″_e(E)) S_e, with S_e(−h) = conj(S_e(h)).
    """
    energy = np.broadcast_to(np.asarray(energy_kev, dtype=np.float64), table.order.shape)
    total = np.zeros(table.order.shape, dtype=np.complex128)
    for e in range(len(table.elements)):
        f_prime = np.interp(energy, table.energy_kev, table.f_prime[e])
        f_second = np.interp(energy, table.energy_kev, table.f_second[e])
        partial = table.partial[:, e].conj() if friedel else table.partial[:, e]
        total += (table.f0[:, e] + f_prime + 1j * f_second) * partial
    return total


def reflection_table(
    b_matrix: Float64Array, atoms: Atoms, max_energy_kev: float, radiation: str = "xray"
) -> ReflectionTable:
    """Tabulate every reflection that some orientation can bring to diffract at or below an energy.

    Parameters
    ----------
    b_matrix : (3, 3) hkl to crystal Cartesian, 1/Å, no 2π
    atoms : the unit cell's atoms
    max_energy_kev : highest energy in keV; back-reflection reaches |q| = 2E/hc. For neutrons it stands for the
        wavelength hc/E and is not the kinetic energy
    radiation : "xray" or "neutron"

    Returns
    -------
    the table

    Raises
    ------
    ValueError : when the energy lies outside 0.1 to 400 keV, or would need more than 20 million reflections
    """
    energy = check_max_energy(max_energy_kev)
    volume = 1.0 / abs(float(np.linalg.det(b_matrix)))
    expected = 2.0 / 3.0 * np.pi * (2.0 * energy / HC_KEV_A) ** 3 * volume
    if expected > MOST_REFLECTIONS:
        limit = energy * (MOST_REFLECTIONS / expected) ** (1.0 / 3.0)
        raise ValueError(
            f"max_energy_kev = {energy:g} needs about {expected:.2g} reflections; use {np.floor(limit):g} keV or less"
        )
    elements = atoms.elements
    hkl, partial = _partial_sums(b_matrix, atoms, elements, 2.0 * energy / HC_KEV_A)
    s = 0.5 * np.linalg.norm(hkl @ b_matrix.T, axis=1)
    scatter = _scatter(elements, s, radiation)
    present = _present(atoms, elements, s, scatter, partial)
    grid = _energy_grid(energy)
    f_prime, f_second = _dispersion(elements, grid, radiation)
    primitive, first, order, rows = _group(hkl[present], b_matrix)
    return ReflectionTable(
        elements=elements,
        hkl=primitive,
        q_inv_a=np.ascontiguousarray(primitive @ b_matrix.T),
        first=first,
        order=order,
        f0=np.ascontiguousarray(scatter[present][rows]),
        partial=np.ascontiguousarray(partial[present][rows]),
        energy_kev=grid,
        f_prime=f_prime,
        f_second=f_second,
        radiation=radiation,
    )


def check_max_energy(max_energy_kev: float) -> float:
    """Return the energy limit as a float.

    Parameters
    ----------
    max_energy_kev : keV

    Returns
    -------
    the same number

    Raises
    ------
    TypeError : when it is not a number
    ValueError : when it lies outside 0.1 to 400 keV, which the scattering tables cover
    """
    if isinstance(max_energy_kev, bool) or not isinstance(max_energy_kev, int | float | np.number):
        raise TypeError(f"max_energy_kev is {max_energy_kev!r}; give one number of keV, such as 25")
    low, high = ENERGY_RANGE_KEV
    if not low <= max_energy_kev <= high:
        raise ValueError(f"max_energy_kev is {max_energy_kev:g}; give a positive energy from {low:g} to {high:g} keV")
    return float(max_energy_kev)


def _partial_sums(
    b_matrix: Float64Array, atoms: Atoms, elements: tuple[str, ...], q_max: float
) -> tuple[Int64Array, Complex128Array]:
    """Return half of the hkl within q_max and S_e of each, one plane of constant h (a matrix product) at a time."""
    lengths = np.linalg.norm(np.linalg.inv(b_matrix), axis=1)
    h_max, k_max, l_max = (int(np.floor(q_max * length + 1e-9)) for length in lengths)
    k, el = np.arange(-k_max, k_max + 1), np.arange(-l_max, l_max + 1)
    groups = _atom_groups(atoms, elements)
    hkl_parts, partial_parts = [], []
    for h in range(h_max + 1):
        q = (
            b_matrix[:, 0] * h
            + k[:, None, None] * b_matrix[:, 1]
            + el[None, :, None] * b_matrix[:, 2]
        )  # fmt: skip
        square = np.einsum("kli,kli->kl", q, q)
        inside = square <= q_max * q_max * (1.0 + 1e-12)
        if h == 0:
            inside &= (k[:, None] > 0) | ((k[:, None] == 0) & (el[None, :] > 0))
        row, column = np.nonzero(inside)
        partial = np.zeros((row.size, len(elements)), dtype=np.complex128)
        for e, b_iso, weight, x in groups:
            along_k = weight * np.exp(2j * np.pi * (h * x[:, 0] + k[:, None] * x[:, 1]))
            along_l = np.exp(2j * np.pi * x[:, 2, None] * el)
            partial[:, e] += (along_k @ along_l)[row, column] * np.exp(-0.25 * b_iso * square[row, column])
        hkl_parts.append(np.stack([np.full(row.size, h), k[row], el[column]], axis=1))
        partial_parts.append(partial)
    return np.concatenate(hkl_parts), np.concatenate(partial_parts)


def _atom_groups(atoms: Atoms, elements: tuple[str, ...]) -> list[tuple[int, float, Float64Array, Float64Array]]:
    """Return (element index, B, occupancies (a,), fractional (a, 3)) of atoms that share the first two."""
    members: dict[tuple[int, float], list[int]] = {}
    for i, (label, b_iso) in enumerate(zip(atoms.label, atoms.b_iso, strict=True)):
        members.setdefault((elements.index(label), float(b_iso)), []).append(i)
    return [(e, b, atoms.occupancy[rows], atoms.fractional[rows]) for (e, b), rows in members.items()]


def _scatter(elements: tuple[str, ...], s: Float64Array, radiation: str) -> Float64Array:
    if radiation == "neutron":
        return np.tile([scattering_length_fm(element) for element in elements], (s.size, 1))
    return np.stack([f0(element, s) for element in elements], axis=1)


def _present(
    atoms: Atoms, elements: tuple[str, ...], s: Float64Array, scatter: Float64Array, partial: Complex128Array
) -> NDArray[np.bool_]:
    """Return where some element's amplitude is more than rounding: absences fall out of the sums, no rules needed."""
    largest = np.zeros(s.size)
    for e, b_iso, weight, _ in _atom_groups(atoms, elements):
        largest += weight.sum() * np.abs(scatter[:, e]) * np.exp(-b_iso * s * s)
    amplitude = (np.abs(scatter) * np.abs(partial)).sum(axis=1)
    present: NDArray[np.bool_] = amplitude > ABSENT * largest
    return present


def _energy_grid(max_energy_kev: float) -> Float64Array:
    low = min(LOWEST_ENERGY_KEV, 0.5 * max_energy_kev)
    return np.linspace(low, max_energy_kev, int(np.ceil((max_energy_kev - low) / ENERGY_STEP_KEV)) + 1)


def _dispersion(elements: tuple[str, ...], grid: Float64Array, radiation: str) -> tuple[Float64Array, Float64Array]:
    if radiation == "neutron":
        return np.zeros((len(elements), grid.size)), np.zeros((len(elements), grid.size))
    pairs = [dispersion(element, grid) for element in elements]
    return np.stack([p for p, _ in pairs]), np.stack([s for _, s in pairs])


def _group(hkl: Int64Array, b_matrix: Float64Array) -> tuple[Int32Array, Int64Array, Int32Array, Int64Array]:
    """Group reflections by primitive direction: primitive (m, 3), first (m + 1,), order (k,) and row of hkl (k,)."""
    order = np.gcd.reduce(hkl, axis=1)
    primitive = hkl // np.maximum(order, 1)[:, None]
    # rounded, so that symmetry-equivalent rays sort the same way on every machine
    length = np.round(np.linalg.norm(primitive @ b_matrix.T, axis=1), 9)
    rows = np.lexsort((order, primitive[:, 2], primitive[:, 1], primitive[:, 0], length))
    primitive, order = primitive[rows], order[rows]
    new = np.ones(rows.size, dtype=bool)
    new[1:] = (primitive[1:] != primitive[:-1]).any(axis=1)
    first = np.append(np.flatnonzero(new), rows.size).astype(np.int64)
    return primitive[new].astype(np.int32), first, order.astype(np.int32), rows
