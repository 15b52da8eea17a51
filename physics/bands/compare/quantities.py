"""What a band structure says in single numbers: effective masses, warping, gaps; each with its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.constants import e, hbar, m_e

from beamgym.physics.arrays import Float64Array
from beamgym.physics.bands.structure import BandStructure

FREE_EV_A2 = 1e20 * hbar**2 / (2.0 * m_e * e)
"""ħ²/2m of a free electron, 3.81 eV Å²."""


@dataclass(frozen=True, eq=False)
class Extremum:
    """A band about an extremum: E = E0 + ħ²/2 q·M⁻¹·q + C |q|³ cos 3(φ − φ0).

    Parameters
    ----------
    energy_ev, energy_error_ev : E0
    momentum : (2,) 1/Å
    masses, mass_errors : principal effective masses in electron masses, negative for holes; one on a line
    warping_ev_a3, warping_error_ev_a3 : C ≥ 0, trigonal warping; NaN on a line
    warping_deg : φ0, the direction in which the warping raises the band, within ± 60°
    rms_ev : what the form leaves of the band
    """

    energy_ev: float
    energy_error_ev: float
    momentum: tuple[float, float]
    masses: tuple[float, ...]
    mass_errors: tuple[float, ...]
    warping_ev_a3: float
    warping_error_ev_a3: float
    warping_deg: float
    rms_ev: float


def extremum(bands: BandStructure, band: int, near: tuple[float, float], radius: float) -> Extremum:
    """Fit a band about an extremum by least squares, errors from the bands' own or from what is left.

    Trigonal warping is the cubic term of k·p theory (Kormányos et al., 2D Mater. 2 (2015) 022001, Eq. 5).

    Parameters
    ----------
    bands : the structure
    band : from 0, the highest
    near : momentum (kx, ky) about which to look, 1/Å
    radius : of the fit, 1/Å

    Raises
    ------
    ValueError : no such band, too few momenta within the radius, no extremum within it
    """
    if not 0 <= band < len(bands):
        raise ValueError(f"{bands.name} has bands 1 to {len(bands)}; there is no band {band + 1}")
    x, y = np.meshgrid(bands.kx - near[0], bands.ky - near[1], indexing="ij")
    inside = (np.hypot(x, y) <= radius) & bands.mask
    centre = np.zeros(2)
    for _ in range(20):
        design = _design(x[inside] - centre[0], y[inside] - centre[1], bands.is_line)
        if design.shape[0] < design.shape[1] + 2:
            raise ValueError(f"{int(inside.sum())} momenta lie within {radius:g} 1/Å of {near}; widen the radius")
        solution, cov, rms = _least_squares(design, bands, band, inside)
        moved = _to_extremum(solution, bands.is_line)
        if np.linalg.norm(centre + moved) > radius:
            raise ValueError(f"band {band + 1} has no extremum within {radius:g} 1/Å of {near}; look elsewhere")
        centre = centre + moved
        if np.linalg.norm(moved) < 1e-7:
            break
    return _read(solution, cov, rms, (near[0] + centre[0], near[1] + centre[1]), bands.is_line)


def _design(x: Float64Array, y: Float64Array, line: bool) -> Float64Array:
    one = np.ones_like(x)
    if line:
        return np.stack([one, x, x * x, x**3, x**4], axis=1)
    warp = x**3 - 3.0 * x * y * y, 3.0 * x * x * y - y**3
    rest = (x * x + y * y) * x, (x * x + y * y) * y, (x * x + y * y) ** 2
    return np.stack([one, x, y, x * x, x * y, y * y, *warp, *rest], axis=1)


def _least_squares(
    design: Float64Array,
    bands: BandStructure,
    band: int,
    inside: np.ndarray,  # type: ignore[type-arg]
) -> tuple[Float64Array, Float64Array, float]:
    value, error = bands.energy_ev[band][inside], bands.error_ev[band][inside]
    known = bool(np.all(np.isfinite(error)) and np.all(error > 0))
    weight = 1.0 / error if known else np.ones_like(value)
    solution, *_ = np.linalg.lstsq(design * weight[:, None], value * weight, rcond=None)
    rest = value - design @ solution
    inverse = np.linalg.pinv((design * weight[:, None]).T @ (design * weight[:, None]))
    spread = float((rest**2 * weight**2).sum() / max(value.size - design.shape[1], 1))
    return solution, inverse * (max(spread, 1.0) if known else spread), float(np.sqrt((rest**2).mean()))


def _to_extremum(solution: Float64Array, line: bool) -> Float64Array:
    if line:
        return np.array([-solution[1] / (2.0 * solution[2]) if solution[2] else 0.0, 0.0])
    hessian = np.array([[2.0 * solution[3], solution[4]], [solution[4], 2.0 * solution[5]]])
    return np.asarray(np.linalg.lstsq(hessian, -solution[1:3], rcond=None)[0])


def _read(solution: Float64Array, cov: Float64Array, rms: float, momentum: tuple[float, float], line: bool) -> Extremum:
    error = np.sqrt(np.maximum(np.diag(cov), 0.0))
    if line:
        mass = FREE_EV_A2 / solution[2]
        return Extremum(
            float(solution[0]), float(error[0]), momentum, (float(mass),), (float(abs(mass * error[2] / solution[2])),),
            np.nan, np.nan, np.nan, rms,
        )  # fmt: skip
    curvature = np.array([[solution[3], 0.5 * solution[4]], [0.5 * solution[4], solution[5]]])
    values, vectors = np.linalg.eigh(curvature)
    along = np.stack([vectors[0] ** 2, vectors[0] * vectors[1], vectors[1] ** 2], axis=1)
    spread = np.sqrt(np.maximum(np.einsum("ai,ij,aj->a", along, cov[3:6, 3:6], along), 0.0))
    masses = FREE_EV_A2 / values
    size = float(np.hypot(solution[6], solution[7]))
    unit = solution[6:8] / max(size, 1e-30)
    return Extremum(
        float(solution[0]), float(error[0]), momentum, tuple(masses.tolist()),
        tuple(np.abs(masses * spread / values).tolist()), size, float(np.sqrt(unit @ cov[6:8, 6:8] @ unit)),
        float(np.degrees(np.arctan2(solution[7], solution[6])) / 3.0), rms,
    )  # fmt: skip


@dataclass(frozen=True)
class BandGap:
    """The energies between two bands.

    Parameters
    ----------
    direct_ev, direct_error_ev : smallest difference at one momentum
    direct_at : that momentum, 1/Å
    indirect_ev, indirect_error_ev : lowest of the upper less highest of the lower band; negative where they overlap
    """

    direct_ev: float
    direct_error_ev: float
    direct_at: tuple[float, float]
    indirect_ev: float
    indirect_error_ev: float


def gap_between(bands: BandStructure, upper: int) -> BandGap:
    """Return the gap between band ``upper`` (from 0, the highest) and the next lower one.

    Errors are those of the momenta in question, added in squares; NaN where the bands have none.

    Raises
    ------
    ValueError : no such pair of bands
    """
    if not 0 <= upper < len(bands) - 1:
        raise ValueError(f"{bands.name} has {len(bands)} bands; there is none below band {upper + 1}")
    above, below = (np.where(bands.mask, bands.energy_ev[b], s) for b, s in ((upper, np.inf), (upper + 1, -np.inf)))
    error = bands.error_ev
    at = np.unravel_index(np.argmin(above - below), above.shape)
    low, high = (np.unravel_index(i, above.shape) for i in (np.argmin(above), np.argmax(below)))
    return BandGap(
        float(above[at] - below[at]),
        float(np.hypot(error[upper][at], error[upper + 1][at])),
        (float(bands.kx[at[0]]), float(bands.ky[at[1]])),
        float(above[low] - below[high]),
        float(np.hypot(error[upper][low], error[upper + 1][high])),
    )
