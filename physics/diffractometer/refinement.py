"""Refines UB on indexed reflections, on request with zeros of axes, the sample's offset, wavelength and cell."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import least_squares

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.crystal import busing_levy_b
from beamgym.physics.diffractometer.geometry import BEAM, scattering_vectors
from beamgym.physics.diffractometer.observations import Observed
from beamgym.physics.orientation import nearest_rotation, rotation_matrix

OFFSET, WAVELENGTH, CELL = "offset", "wavelength", "cell"
"""What may be refined besides the orientation, beside the names of axes, whose zeros are then refined."""
_SEPARABLE = 1e-7  # of the largest singular value, each parameter in units of its usual error
_USUAL = {"turn": 1.0, "zero": 0.3, OFFSET: 0.5, WAVELENGTH: 0.005, CELL: 0.005}
_TIES = {
    "triclinic": ((0,), (1,), (2,), (3,), (4,), (5,)),
    "monoclinic": ((0,), (1,), (2,), (4,)),
    "orthorhombic": ((0,), (1,), (2,)),
    "tetragonal": ((0, 1), (2,)),
    "trigonal": ((0, 1), (2,)),
    "hexagonal": ((0, 1), (2,)),
    "cubic": ((0, 1, 2),),
}
"""Numbers of the cell that are free in each system; those in one bracket are equal."""


@dataclass(frozen=True, eq=False)
class Refined:
    """A refined UB.

    Parameters
    ----------
    u, ub : (3, 3) orientation, and 1/Å without 2π, hkl to the mount frame
    cell : (6,) a, b, c in Å and alpha, beta, gamma in degrees
    wavelength_a : Å
    values : what else was refined: zeros of axes in degrees, offset_x, y, z in mm at zero angles, wavelength in Å, cell
        lengths in Å and angles in degrees
    errors : one standard deviation of each of ``values``, and "orientation", degrees
    residual_deg : (n,) angle between each observed vector and the computed one, corrected
    two_theta_deg : (n,) observed minus computed scattering angle
    chi2 : weighted sum of squares over the degrees of freedom; NaN where there are none
    """

    u: Float64Array
    ub: Float64Array
    cell: Float64Array
    wavelength_a: float
    values: dict[str, float]
    errors: dict[str, float]
    residual_deg: Float64Array
    two_theta_deg: Float64Array
    chi2: float = field(default=float("nan"))


def system_of(cell: Float64Array) -> str:
    """Return the crystal system whose conditions a cell's numbers meet; trigonal ones are called hexagonal."""
    a, b, c, al, be, ga = (float(v) for v in cell)
    right = [abs(angle - 90.0) < 1e-6 for angle in (al, be, ga)]
    equal_ab, equal_bc = abs(a - b) < 1e-6 * a, abs(b - c) < 1e-6 * b
    if all(right):
        return "cubic" if equal_ab and equal_bc else "tetragonal" if equal_ab else "orthorhombic"
    if right[0] and right[1] and abs(ga - 120.0) < 1e-6 and equal_ab:
        return "hexagonal"
    return "monoclinic" if right[0] and right[2] else "triclinic"


def refine_ub(
    observed: Observed,
    hkl: Int64Array,
    u: Float64Array,
    cell: Float64Array,
    free: Sequence[str] = (),
    distance_mm: float = 500.0,
) -> Refined:
    """Refine the orientation, and what else is asked for, on indexed reflections.

    Parameters
    ----------
    observed : the reflections, spurious ones left out
    hkl : (n, 3) their indices
    u : (3, 3) orientation to begin with
    cell : (6,) a, b, c in Å and alpha, beta, gamma in degrees; its system's conditions are kept
    free : names of axes, whose zeros are refined; "offset", the sample's from the axes' common point, mm; "wavelength";
        "cell"
    distance_mm : from the sample to the detector, for the offset

    Returns
    -------
    Refined

    Raises
    ------
    ValueError : fewer numbers than unknowns, unknown names, or unknowns that these reflections cannot tell apart

    Notes
    -----
    Least squares of q_observed(angles − zeros, λ) − U B(cell) hkl, weighted by the errors of the angles. A sample
    that is off by s (mm, mount frame) is seen by the arm, at a distance L, under the direction of L k_f − R s.
    """
    names = _names(observed, cell, free)
    n = len(observed)
    if 3 * n < len(names) + 3:
        raise ValueError(
            f"{n} reflections give {3 * n} numbers, and {len(names) + 3} are asked for; centre more, or refine less"
        )
    model = _Model(
        observed,
        np.asarray(hkl, dtype=np.float64),
        nearest_rotation(u),
        np.asarray(cell, dtype=np.float64),
        names,
        distance_mm,
    )
    start = np.zeros(3 + len(names))
    scale = np.array([_USUAL["turn"]] * 3 + [_usual(name) for name in names])
    found = least_squares(model.residuals, start, x_scale=scale, method="trf", max_nfev=100)
    _check_separable(found.jac, scale, names)
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    freedom = 3 * n - len(start)
    chi2 = float(2.0 * found.cost / freedom) if freedom > 0 else float("nan")
    errors = np.sqrt(np.diag(covariance) * (max(chi2, 1.0) if freedom > 0 else 1.0))
    return model.result(found.x, errors, chi2)


def _names(observed: Observed, cell: Float64Array, free: Sequence[str]) -> list[str]:
    axes = () if observed.instrument is None else observed.instrument.names
    names: list[str] = []
    for name in dict.fromkeys(free):
        if name == OFFSET and axes:
            names += ["offset_x", "offset_y", "offset_z"]
        elif name == CELL:
            letters = ("a", "b", "c", "alpha", "beta", "gamma")
            names += [f"cell_{letters[group[0]]}" for group in _TIES[system_of(cell)]]
        elif name == WAVELENGTH or name in axes:
            names.append(name)
        else:
            known = ", ".join((*axes, *((OFFSET,) if axes else ()), WAVELENGTH, CELL))
            raise ValueError(f"cannot refine {name!r}; of these reflections one can refine {known}")
    if observed.instrument is not None and observed.instrument.sample.names[-1] in names:
        inner = observed.instrument.sample.names[-1]
        raise ValueError(
            f"the zero of {inner} is the crystal's own turn about it, and cannot be told from UB; leave it out"
        )
    if WAVELENGTH in names and any(name.startswith("cell_") for name in names):
        raise ValueError("a longer wavelength and a smaller cell look the same; refine one of wavelength and cell")
    return names


def _usual(name: str) -> float:
    kind = name.split("_")[0]
    return _USUAL.get(kind, _USUAL["zero"])


def _check_separable(jacobian: Float64Array, scale: Float64Array, names: list[str]) -> None:
    _, values, rows = np.linalg.svd(jacobian * scale)
    if values[-1] < _SEPARABLE * values[0]:
        every = ["the orientation"] * 3 + names
        mixed = dict.fromkeys(every[i] for i in np.flatnonzero(np.abs(rows[-1]) > 0.2))
        raise ValueError(
            f"these reflections cannot tell {' and '.join(mixed)} apart; leave one out, or centre reflections elsewhere"
        )


@dataclass(frozen=True, eq=False)
class _Model:
    observed: Observed
    hkl: Float64Array
    start: Float64Array
    cell: Float64Array
    names: list[str]
    distance_mm: float

    def residuals(self, x: Float64Array) -> Float64Array:
        q, computed = self._vectors(x)
        factor = np.linalg.cholesky(np.linalg.inv(self.observed.covariance))
        return np.asarray(np.einsum("nji,nj->ni", factor, q - computed).ravel())

    def result(self, x: Float64Array, errors: Float64Array, chi2: float) -> Refined:
        q, computed = self._vectors(x)
        cosine = (q * computed).sum(1) / np.linalg.norm(q, axis=1) / np.linalg.norm(computed, axis=1)
        cross = (
            np.linalg.norm(np.cross(q, computed), axis=1) / np.linalg.norm(q, axis=1) / np.linalg.norm(computed, axis=1)
        )
        wavelength, cell = self._wavelength(x), self._cell(x)
        angle = [
            2.0 * np.degrees(np.arcsin(np.clip(0.5 * wavelength * np.linalg.norm(v, axis=1), 0.0, 1.0)))
            for v in (q, computed)
        ]
        u = self._u(x)
        values = {name: float(self._absolute(name, value)) for name, value in zip(self.names, x[3:], strict=True)}
        sigma = {name: float(self._relative(name) * one) for name, one in zip(self.names, errors[3:], strict=True)}
        sigma["orientation"] = float(np.sqrt((errors[:3] ** 2).mean()))
        residual = np.degrees(np.arctan2(cross, cosine))
        return Refined(u, u @ busing_levy_b(cell), cell, wavelength, values, sigma, residual, angle[0] - angle[1], chi2)

    def _value(self, x: Float64Array, name: str) -> float:
        return float(x[3 + self.names.index(name)]) if name in self.names else 0.0

    def _u(self, x: Float64Array) -> Float64Array:
        return np.asarray(rotation_matrix(x[:3]) @ self.start)

    def _wavelength(self, x: Float64Array) -> float:
        return self.observed.wavelength_a * (1.0 + self._value(x, WAVELENGTH))

    def _cell(self, x: Float64Array) -> Float64Array:
        cell, letters = self.cell.copy(), ("a", "b", "c", "alpha", "beta", "gamma")
        for group in _TIES[system_of(self.cell)]:
            cell[list(group)] *= 1.0 + self._value(x, f"cell_{letters[group[0]]}")
        return cell

    def _relative(self, name: str) -> float:
        """What one unit of a parameter is in its own: wavelength and cell are fitted as fractions."""
        if name == WAVELENGTH:
            return self.observed.wavelength_a
        letters = ("a", "b", "c", "alpha", "beta", "gamma")
        return float(self.cell[letters.index(name.removeprefix("cell_"))]) if name.startswith("cell_") else 1.0

    def _absolute(self, name: str, value: float) -> float:
        one = self._relative(name)
        return one * (1.0 + value) if name == WAVELENGTH or name.startswith("cell_") else value

    def _vectors(self, x: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return the observed vectors, corrected, and the computed ones, both (n, 3) in the mount frame."""
        computed = self.hkl @ (self._u(x) @ busing_levy_b(self._cell(x))).T
        instrument, positions = self.observed.instrument, self.observed.positions
        ratio = self.observed.wavelength_a / self._wavelength(x)
        if instrument is None or positions is None:
            return self.observed.q * ratio, computed
        zeros = np.array([self._value(x, name) for name in instrument.names])
        offset = np.array([self._value(x, f"offset_{axis}") for axis in "xyz"])
        q, _ = scattering_vectors(instrument, positions - zeros, self._wavelength(x))
        if offset.any():
            sample, arm = instrument.split(positions - zeros)
            turn = instrument.sample.rotation(sample)
            seen = instrument.arm.rotation(arm) @ BEAM
            # the ray from the sample to where the detector's centre stands
            ray = seen * self.distance_mm - (turn @ offset)
            if len(instrument.arm.axes) == 1:
                # an arm of one axis is centred in its plane only: what lies across is not seen
                across = np.array(instrument.arm.axes[0].vector)
                ray -= (ray @ across)[:, None] * across
            ray /= np.linalg.norm(ray, axis=1)[:, None]
            q = (np.swapaxes(turn, -1, -2) @ ((ray - BEAM) / self._wavelength(x))[:, :, None])[:, :, 0]
        return q, computed
