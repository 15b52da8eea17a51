"""Least squares in pixels: orientation, and on request the cell's deviatoric strain or the detector's geometry."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import Detector
from beamgym.physics.orientation import check_rotation, rotation_matrix

ROTATION = ("rotation_x_deg", "rotation_y_deg", "rotation_z_deg")
STRAIN = ("strain_11", "strain_22", "strain_12", "strain_13", "strain_23")
GEOMETRY = ("shift_fast_mm", "shift_slow_mm", "shift_distance_mm", "tilt_y_deg", "tilt_z_deg")
"""Five numbers place a panel; the sixth, turning it about the beam, is the same as turning the crystal."""
RADIUS = "radius_mm"
"""The sixth number, of a plate bent to a cylinder."""
GEOMETRY_UNCERTAINTY = (0.5, 0.5, 0.5, 0.3, 0.3)
"""What is known of a camera beforehand, mm and degrees: loose enough to matter only where the peaks say nothing."""
_STRAIN_SCALE = 1e-3  # so that one unit of every parameter moves a spot by about as much


@dataclass(frozen=True)
class CameraKnowledge:
    """One standard deviation of what is known of a camera before its picture is indexed.

    Parameters
    ----------
    distance_mm, distance_share : of the distance from sample to panel, mm and relative to it; both count
    centre_mm : of the panel's place along its edges, mm
    tilt_deg : of its two tilts, degrees
    radius_share : of the radius of a plate bent to a cylinder, relative to it

    The panel's twist about the beam is the same as turning the crystal, so that no picture tells it: ``twist_deg``.
    """

    distance_mm: float
    distance_share: float
    centre_mm: float
    tilt_deg: float
    radius_share: float = 0.005

    @property
    def calibrated(self) -> bool:
        """Whether the geometry is better left alone than fitted to a pattern that is to be indexed."""
        return self.distance_share == 0.0 and max(self.distance_mm, self.centre_mm) <= _CALIBRATED_MM

    def geometry_uncertainty(self, detector: Detector) -> tuple[float, ...]:
        """Return the standard deviations of ``geometry_names``, mm and degrees."""
        distance = float(np.hypot(self.distance_mm, self.distance_share * detector.distance_mm))
        known = (self.centre_mm, self.centre_mm, distance, self.tilt_deg, self.tilt_deg)
        return (*known, self.radius_share * detector.radius_mm) if isinstance(detector, CylinderDetector) else known

    def twist_deg(self, detector: Detector) -> float:
        """Return the standard deviation of the panel's twist about the beam that comes of its tilts, degrees.

        A panel across the beam is twisted about its normal, and its edges are taken to be straight; one beside the
        beam is tilted. A calibration, done or under way, defines the twist and with it the lab.
        """
        if self.distance_share == 0.0:
            return 0.0
        return self.tilt_deg * float(np.sqrt(max(0.0, 1.0 - detector.normal[0] ** 2)))


_CALIBRATED_MM = 0.3
CALIBRATED = CameraKnowledge(distance_mm=0.1, distance_share=0.0, centre_mm=0.1, tilt_deg=0.05)
"""A camera fitted to a reference crystal: another crystal seldom stands in the same place to better than 0.1 mm."""
IN_WORDS = CameraKnowledge(distance_mm=0.5, distance_share=0.05, centre_mm=1.0, tilt_deg=1.0)
"""A camera as a person states it: a ruler's distance, the centre by eye, a panel that seems straight."""
CYLINDER = CameraKnowledge(distance_mm=1.0, distance_share=0.0, centre_mm=1.0, tilt_deg=0.5, radius_share=0.005)
"""A cylindrical plate as its instrument states it: read by a scanner that starts and scales a little differently."""
UNCALIBRATED = CameraKnowledge(distance_mm=2.0, distance_share=0.0, centre_mm=2.0, tilt_deg=2.0)
"""A camera that is yet to be calibrated on a reference crystal."""


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
    change : how far each parameter moved from what was given
    rotation_covariance_deg2 : (3, 3) covariance of the orientation's rotations about the lab's x, y and z
    """

    orientation: Float64Array
    strain: Float64Array
    detector: Detector
    residual_px: Float64Array
    uncertainty: Mapping[str, float]
    change: Mapping[str, float]
    rotation_covariance_deg2: Float64Array

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
        if RADIUS in given and isinstance(panel, CylinderDetector):
            panel = panel.with_radius(panel.radius_mm + given[RADIUS])
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
        return np.nan_to_num(panel.difference_px(predicted, self.position_px), nan=1e4)

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
    geometry_uncertainty: tuple[float, ...] | None = None,
    robust: bool = True,
    start: Detector | None = None,
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
    refine_detector : refine the panel's shift and two tilts too, and a cylinder's radius; for a reference crystal
    geometry_uncertainty : standard deviations of what is known of those, mm and degrees; None for
        ``GEOMETRY_UNCERTAINTY``. A cylinder's radius is held where five are given
    robust : damp peaks far off by a soft L1 loss
    start : where the refinement of the detector begins; what is known beforehand stays about ``detector``

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
    geometry = geometry_names(detector)[: len(geometry_uncertainty or (*GEOMETRY, RADIUS))]
    names = ROTATION + (STRAIN if refine_strain else ()) + (geometry if refine_detector else ())
    if 2 * len(position) <= len(names):
        raise ValueError(f"{len(position)} peaks cannot fix {len(names)} parameters; {len(names) // 2 + 1} are needed")
    prior = np.full(len(names), np.inf)
    if refine_detector:
        known = (*GEOMETRY_UNCERTAINTY, CYLINDER.radius_share * getattr(detector, RADIUS, 1.0))
        prior[-len(geometry) :] = _checked_uncertainty(geometry_uncertainty or known[: len(geometry)], geometry)
    u = check_rotation(orientation, "orientation")
    model = _Model(indices @ crystal.b_matrix.T, position, u, detector, names, prior)
    values = np.zeros(len(names))
    if refine_detector and start is not None:
        values[-len(geometry) :] = list(geometry_change(detector, start).values())[: len(geometry)]
    return _fit(model, values, robust)


def geometry_names(detector: Detector) -> tuple[str, ...]:
    """Return the numbers that place a detector: those of ``GEOMETRY``, and a cylinder's radius."""
    return (*GEOMETRY, RADIUS) if isinstance(detector, CylinderDetector) else GEOMETRY


def geometry_change(given: Detector, final: Detector) -> dict[str, float]:
    """Return how far a panel stands from the given one: the shift of its centre in mm and its tilts in degrees.

    Parameters
    ----------
    given, final : two places of one panel

    Returns
    -------
    by ``geometry_names``: along the given fast, slow and normal (away from the sample), the tilts about the lab's y and
    z, and of a cylinder, whose axis is its centre, the radius. A twist about x is left out: it is the same as turning
    the crystal
    """
    shift = final.pivot_mm - given.pivot_mm
    before, after = (np.stack([panel.fast, panel.slow, panel.normal]) for panel in (given, final))
    tilt = Rotation.from_matrix(after.T @ before).as_rotvec(degrees=True)
    moved = [float(shift @ given.fast), float(shift @ given.slow), float(shift @ given.normal)]
    change = dict(zip(GEOMETRY, [*moved, float(tilt[1]), float(tilt[2])], strict=True))
    if isinstance(given, CylinderDetector) and isinstance(final, CylinderDetector):
        change[RADIUS] = final.radius_mm - given.radius_mm
    return change


def with_camera_uncertainty(
    refined: Refined,
    crystal: Crystal,
    position_px: ArrayLike,
    hkl: ArrayLike,
    geometry_uncertainty: tuple[float, ...],
) -> Refined:
    """Add to an orientation's uncertainty what follows from that of a camera that was left as given.

    A camera a little off turns the fitted orientation by K = -pinv(dr/du) dr/dg for every unit of its geometry g, r
    being the residuals and u the orientation; its covariance P adds K P Kᵀ.

    Parameters
    ----------
    refined : of ``refine`` without the detector
    crystal, position_px, hkl : as it was refined with
    geometry_uncertainty : standard deviations of ``geometry_names``, mm and degrees
    """
    geometry = geometry_names(refined.detector)
    names = ROTATION + geometry
    q = np.asarray(hkl, dtype=np.float64) @ crystal.b_matrix.T
    position = np.asarray(position_px, dtype=np.float64)
    model = _Model(q, position, refined.orientation, refined.detector, names, np.full(len(names), np.inf))
    steps = 1e-4 * np.eye(len(names))
    jacobian = np.stack([(model.residuals(step) - model.residuals(-step)).ravel() / 2e-4 for step in steps], axis=1)
    turned_by = -np.linalg.pinv(jacobian[:, :3]) @ jacobian[:, 3:]
    variance = _checked_uncertainty(geometry_uncertainty, geometry) ** 2
    covariance = refined.rotation_covariance_deg2 + (turned_by * variance) @ turned_by.T
    uncertainty = dict(refined.uncertainty) | dict(zip(ROTATION, np.sqrt(np.diag(covariance)).tolist(), strict=True))
    return replace(refined, uncertainty=uncertainty, rotation_covariance_deg2=covariance)


def with_twist(refined: Refined, twist_deg: float) -> Refined:
    """Add to an orientation's uncertainty that of the panel's twist about the beam, which is the crystal's too."""
    if twist_deg == 0.0:
        return refined
    covariance = refined.rotation_covariance_deg2 + np.diag([twist_deg**2, 0.0, 0.0])
    uncertainty = dict(refined.uncertainty) | {ROTATION[0]: float(np.sqrt(covariance[0, 0]))}
    return replace(refined, uncertainty=uncertainty, rotation_covariance_deg2=covariance)


def _fit(model: _Model, values: Float64Array, robust: bool) -> Refined:
    loss: Literal["soft_l1", "linear"] = "soft_l1" if robust else "linear"
    noise = 1.0
    # the first fit only finds the noise, which decides what counts as far off and how much the priors weigh
    for _ in range(2):
        from scipy.optimize import least_squares

        fit = least_squares(model.weighted, values, loss=loss, f_scale=2.0, x_scale="jac", args=(noise,))
        values = fit.x
        noise = max(1.48 * float(np.median(np.abs(model.residuals(values)))), 1e-4)
    orientation, strain, panel = model.split(values)
    freedom = 2 * len(model.position_px) - len(model.names)
    jacobian: Float64Array = np.asarray(fit.jac)
    variance = 2.0 * float(fit.cost) / freedom
    covariance: Float64Array = np.asarray(np.linalg.pinv(jacobian.T @ jacobian) * variance, dtype=np.float64)
    deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    unit = np.array([_STRAIN_SCALE if name in STRAIN else 1.0 for name in model.names])
    return Refined(
        orientation=orientation,
        strain=strain,
        detector=panel,
        residual_px=np.linalg.norm(model.residuals(values), axis=1),
        uncertainty=dict(zip(model.names, (deviation * unit).tolist(), strict=True)),
        change=dict(zip(model.names, (values * unit).tolist(), strict=True)),
        rotation_covariance_deg2=covariance[:3, :3],
    )


def _checked_uncertainty(values: tuple[float, ...], names: tuple[str, ...]) -> Float64Array:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(names),) or not (array > 0.0).all():
        raise ValueError(
            f"geometry_uncertainty must be {len(names)} positive numbers ({', '.join(names)}), got {values}"
        )
    return array
