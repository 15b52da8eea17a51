"""Fits orientation and camera together, in pixels, to spots whose reflections are assigned: fast, for many starts.

Gauss-Newton with Cauchy weights on the spots alone (Holland and Welsch 1977); what is known of the camera beforehand
enters as a prior about the *stated* one, wherever the fit starts from.
"""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.orientation import rotation_matrix

STEPS = 8
"""Gauss-Newton steps at most."""
SCALE = 2.4
"""Residual, in units of the noise, at which a spot's weight is a half; 95 % efficient for Gaussian errors."""
LEAST_NOISE_PX = 0.15
PRIOR = (1.0, 1.0, 0.05, 0.6, 0.6)
"""What is known of a camera that a ruler measured: shifts along rows and columns in mm, the distance's share, and two
tilts in degrees, one standard deviation each."""
_STEP = 1e-5


@dataclass(frozen=True)
class Camera:
    """A panel moved from where its user stated it.

    Parameters
    ----------
    stated : the panel as stated
    moved : (5,) shift along fast, slow and normal in mm, tilt about y and z in degrees
    """

    stated: Detector
    moved: Float64Array

    @property
    def detector(self) -> Detector:
        """The panel where it stands."""
        along, down, away, tilt_y, tilt_z = self.moved
        shift = along * self.stated.fast + down * self.stated.slow + away * self.stated.normal
        return self.stated.displaced(shift, np.array([0.0, tilt_y, tilt_z]))


def fit_jointly(
    directions: Float64Array, position_px: Float64Array, u: Float64Array, camera: Camera
) -> tuple[Float64Array, Camera, Float64Array]:
    """Fit an orientation and a camera to assigned spots.

    Parameters
    ----------
    directions : (p, 3) unit plane normals in the crystal's frame, one for each spot
    position_px : (p, 2) where the spots were found, along fast and slow
    u : (3, 3) orientation to begin with
    camera : where to begin

    Returns
    -------
    orientation (3, 3), camera, and residuals (p, 2) in pixels
    """
    sigma = _sigmas(camera.stated)
    moved = camera.moved.copy()
    residual = _residuals(directions, position_px, u, camera.stated, moved)
    for _ in range(STEPS):
        noise = max(1.48 * float(np.median(np.abs(residual))), LEAST_NOISE_PX)
        weight = 1.0 / (1.0 + (residual**2).sum(axis=1) / (SCALE * noise) ** 2)
        jacobian = _jacobian(directions, position_px, u, camera.stated, moved, residual)
        weighted = jacobian * np.repeat(weight, 2)[:, None] / noise**2
        normal = weighted.T @ jacobian
        gradient = weighted.T @ residual.ravel()
        normal[range(3, 8), range(3, 8)] += sigma**-2
        gradient[3:] += moved / sigma**2
        normal[range(3), range(3)] += 1e-6
        change = -np.linalg.solve(normal, gradient)
        u = rotation_matrix(change[:3]) @ u
        moved = moved + change[3:]
        residual = _residuals(directions, position_px, u, camera.stated, moved)
        if np.abs(change[:3]).max() < 1e-3 and np.abs(change[3:]).max() < 1e-3:
            break
    return u, Camera(camera.stated, moved), residual


def _sigmas(stated: Detector) -> Float64Array:
    along, down, share, tilt_y, tilt_z = PRIOR
    return np.array([along, down, share * stated.distance_mm, tilt_y, tilt_z])


def _residuals(
    directions: Float64Array, position_px: Float64Array, u: Float64Array, stated: Detector, moved: Float64Array
) -> Float64Array:
    """Predicted less found positions, (p, 2) px; far away where a ray misses the plane."""
    q = directions @ u.T
    ray = np.array([1.0, 0.0, 0.0]) - 2.0 * q[:, :1] * q
    turn = rotation_matrix(np.array([0.0, moved[3], moved[4]]))
    fast, slow, normal = turn @ stated.fast, turn @ stated.slow, turn @ stated.normal
    rows, columns = stated.shape
    middle = 0.5 * stated.pixel_mm * ((columns - 1) * stated.fast + (rows - 1) * stated.slow)
    origin = stated.origin_mm + middle - turn @ middle
    origin = origin + moved[0] * stated.fast + moved[1] * stated.slow + moved[2] * stated.normal
    towards = ray @ normal
    with np.errstate(divide="ignore", invalid="ignore"):
        point = (origin @ normal / towards)[:, None] * ray - origin
    found = np.stack([point @ fast, point @ slow], axis=1) / stated.pixel_mm
    inside = (towards * (origin @ normal) > 0)[:, None]
    distance: Float64Array = np.where(inside, found - position_px, 1e4)
    return distance


def _jacobian(
    directions: Float64Array,
    position_px: Float64Array,
    u: Float64Array,
    stated: Detector,
    moved: Float64Array,
    residual: Float64Array,
) -> Float64Array:
    """(2p, 8) derivatives of the residuals by rotation (degrees) and panel (mm, degrees), by differences."""
    columns = []
    for k in range(8):
        step = np.zeros(8)
        step[k] = _STEP
        turned = rotation_matrix(step[:3]) @ u if k < 3 else u
        there = _residuals(directions, position_px, turned, stated, moved + step[3:])
        columns.append(((there - residual) / _STEP).ravel())
    return np.stack(columns, axis=1)
