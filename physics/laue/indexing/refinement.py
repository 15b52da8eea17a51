"""Least squares in pixels: orientation, and on request the cell's deviatoric strain or the detector's geometry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.detector import Detector
from beamgym.physics.orientation import check_rotation, rotation_matrix

ROTATION = ("rotation_x_deg", "rotation_y_deg", "rotation_z_deg")
STRAIN = ("strain_11", "strain_22", "strain_12", "strain_13", "strain_23")
GEOMETRY = ("shift_fast_mm", "shift_slow_mm", "shift_distance_mm", "tilt_y_deg", "tilt_z_deg")
"""Five numbers place a panel; the sixth, turning it about the beam, is the same as turning the crystal."""
GEOMETRY_UNCERTAINTY = (0.5, 0.5, 0.5, 0.3, 0.3)
"""What is known of a camera beforehand, mm and degrees: loose enough to matter only where the peaks say nothing."""
_STRAIN_SCALE = 1e-3  # so that one unit of every parameter moves a spot by about as much


@dataclass(frozen=True)
class Refined:
    """The result of a refinement.

    Parameters
    ----------
    orientation : (3, 3) U, crystal Cartesian to lab
    strain : (3, 3) deviatoric strain of reciprocal space in crystal Cartesian axes, q = U (1 + strain) B hkl;
        zeros unless refined
    detector : the refined one, or the one given
    residual_px : (p,) distance of every peak from its prediction
    uncertainty : one standard deviation of each refined parameter, in the unit its name says
    change : how far each parameter moved
    """

    orientation: Float64Array
    strain: Float64Array
    detector: Detector
    residual_px: Float64Array
    uncertainty: Mapping[str, float]
    change: Mapping[str, float]

    @property
    def mean_residual_px(self) -> float:
        """Mean distance between peaks and predictions, pixels."""
        return float(self.residual_px.mean())


@dataclass(frozen=True)
class _Model:
    q_inv_a: Float64Array
    position_px: Float64Array
    orientation: Float64Array
    detector: Detector
    names: tuple[str, ...]
    prior: Float64Array

    def split(self, values: Float64Array) -> tuple[Float64Array, Float64Array, Detector]:
        """Turn parameters into orientation, strain and detector."""
        given = dict(zip(self.names, values, strict=True))
        turn = rotation_matrix(np.array([given[name] for name in ROTATION]))
        strain = np.zeros((3, 3))
        if STRAIN[0] in given:
            a, b, c, d, e = (given[name] * _STRAIN_SCALE for name in STRAIN)
            strain = np.array([[a, c, d], [c, b, e], [d, e, -a - b]])
        panel = self.detector
        if GEOMETRY[0] in given:
            along, down, away, tilt_y, tilt_z = (given[name] for name in GEOMETRY)
            shift = along * panel.fast + down * panel.slow + away * panel.normal
            panel = panel.displaced(shift, np.array([0.0, tilt_y, tilt_z]))
        return turn @ self.orientation, strain, panel

    def residuals(self, values: Float64Array) -> Float64Array:
        """Predicted less measured positions, (p, 2) px."""
        orientation, strain, panel = self.split(values)
        q = self.q_inv_a @ (orientation @ (np.eye(3) + strain)).T
        direction = np.array([1.0, 0.0, 0.0]) - 2.0 * q[:, :1] * q / (q**2).sum(axis=1, keepdims=True)
        predicted, _ = panel.to_pixel(direction)
        # a ray that misses the plane altogether is far away, not undefined
        return np.nan_to_num(predicted - self.position_px, nan=1e4)

    def weighted(self, values: Float64Array, noise_px: float) -> Float64Array:
        """Residuals in units of the noise, and parameters in units of what was known of them."""
        return np.concatenate([self.residuals(values).ravel() / noise_px, values / self.prior])


def refine(
    crystal: Crystal,
    detector: Detector,
    position_px: ArrayLike,
    hkl: ArrayLike,
    orientation: ArrayLike,
    refine_strain: bool = False,
    refine_detector: bool = False,
    geometry_uncertainty: tuple[float, float, float, float, float] = GEOMETRY_UNCERTAINTY,
    robust: bool = True,
) -> Refined:
    """Refine an indexed pattern by weighted least squares on the detector.

    Parameters
    ----------
    crystal : its cell
    detector : nominal geometry
    position_px : (p, 2) measured positions along fast and slow, 0-based
    hkl : (p, 3) reflection of each
    orientation : (3, 3) starting U
    refine_strain : refine the five deviatoric components too (a white beam's positions do not see the volume)
    refine_detector : refine the panel's shift and two tilts too; for a reference crystal
    geometry_uncertainty : standard deviations of what is known of those five, mm and degrees
    robust : damp peaks far off by a soft L1 loss

    Returns
    -------
    Refined

    Raises
    ------
    ValueError : wrong shapes, fewer equations than parameters, or strain and detector at once (they imitate each other)
    """
    position = np.asarray(position_px, dtype=np.float64)
    indices = np.asarray(hkl, dtype=np.float64)
    if position.ndim != 2 or position.shape[1] != 2 or indices.shape != (len(position), 3):
        raise ValueError(
            f"position_px and hkl must have shapes (p, 2) and (p, 3), got {position.shape} and {indices.shape}"
        )
    if not (np.isfinite(position).all() and np.isfinite(indices).all() and (np.abs(indices).sum(axis=1) > 0).all()):
        raise ValueError("position_px must be finite and every hkl non-zero; leave unmatched peaks out")
    if refine_strain and refine_detector:
        raise ValueError(
            "strain and detector imitate each other: refine the detector on a reference crystal, then the strain"
        )
    names = ROTATION + (STRAIN if refine_strain else ()) + (GEOMETRY if refine_detector else ())
    if 2 * len(position) <= len(names):
        raise ValueError(f"{len(position)} peaks cannot fix {len(names)} parameters; {len(names) // 2 + 1} are needed")
    prior = np.full(len(names), np.inf)
    if refine_detector:
        prior[-len(GEOMETRY) :] = _checked_uncertainty(geometry_uncertainty)
    start = check_rotation(orientation, "orientation")
    model = _Model(indices @ crystal.b_matrix.T, position, start, detector, names, prior)
    return _fit(model, robust)


def _fit(model: _Model, robust: bool) -> Refined:
    values = np.zeros(len(model.names))
    loss: Literal["soft_l1", "linear"] = "soft_l1" if robust else "linear"
    noise = 1.0
    # the first fit only finds the noise, which decides what counts as far off and how much the priors weigh
    for _ in range(2):
        fit = least_squares(model.weighted, values, loss=loss, f_scale=2.0, x_scale="jac", args=(noise,))
        values = fit.x
        noise = max(1.48 * float(np.median(np.abs(model.residuals(values)))), 1e-4)
    orientation, strain, panel = model.split(values)
    freedom = 2 * len(model.position_px) - len(model.names)
    jacobian: Float64Array = np.asarray(fit.jac)
    variance = 2.0 * float(fit.cost) / freedom
    deviation = np.sqrt(np.maximum(np.diag(np.linalg.pinv(jacobian.T @ jacobian)) * variance, 0.0))
    unit = np.array([_STRAIN_SCALE if name in STRAIN else 1.0 for name in model.names])
    return Refined(
        orientation=orientation,
        strain=strain,
        detector=panel,
        residual_px=np.linalg.norm(model.residuals(values), axis=1),
        uncertainty=dict(zip(model.names, (deviation * unit).tolist(), strict=True)),
        change=dict(zip(model.names, (values * unit).tolist(), strict=True)),
    )


def _checked_uncertainty(values: tuple[float, ...]) -> Float64Array:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(GEOMETRY),) or not (array > 0.0).all():
        raise ValueError(
            f"geometry_uncertainty must be {len(GEOMETRY)} positive numbers ({', '.join(GEOMETRY)}), got {values}"
        )
    return array
