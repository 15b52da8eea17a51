"""An orientation in the words of several programs: axis and angle, Euler angles, and how certain it is."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from beamgym.physics.arrays import Float64Array
from beamgym.physics.orientation import check_rotation, rotation_vector_deg

EULER_ANGLES = "Bunge: U = Rz(phi1) Rx(Phi) Rz(phi2)"
"""Which Euler angles are meant; the crystal is turned by phi2 about z first, then by Phi about x, by phi1 about z."""
_ROTATIONS = ("rotation_x_deg", "rotation_y_deg", "rotation_z_deg")


def axis_and_angle(orientation: ArrayLike) -> tuple[Float64Array, float]:
    """Return the unit axis (3,) in the lab and the angle, 0 to 180 degrees, of a (3, 3) rotation."""
    vector = rotation_vector_deg(check_rotation(orientation, "orientation"))
    angle = float(np.linalg.norm(vector))
    return (vector / angle if angle > 1e-9 else np.array([0.0, 0.0, 1.0])), angle


def euler_angles_deg(orientation: ArrayLike) -> Float64Array:
    """Return phi1, Phi, phi2 (3,) in degrees, 0 to 360, 180 and 360, as ``EULER_ANGLES`` defines them.

    Where Phi is 0 or 180 only the sum or the difference of the other two counts; phi2 is then 0.
    """
    u = check_rotation(orientation, "orientation")
    tilt = float(np.arccos(np.clip(u[2, 2], -1.0, 1.0)))
    if np.sin(tilt) < 1e-7:
        first = float(np.degrees(np.arctan2(u[1, 0], u[0, 0]))) % 360.0
        return np.array([first, 0.0 if u[2, 2] > 0.0 else 180.0, 0.0])
    angles: Float64Array = Rotation.from_matrix(u).as_euler("ZXZ", degrees=True)
    return np.array([angles[0] % 360.0, angles[1], angles[2] % 360.0])


def orientation_uncertainty_deg(uncertainty: Mapping[str, float]) -> float:
    """Return one standard deviation of the angle to the true orientation, of ``SolvedPattern.uncertainty``."""
    return float(np.sqrt(sum(uncertainty[name] ** 2 for name in _ROTATIONS)))


def turn_words(uncertainty_deg: float) -> str:
    """Return "± 0.03°", with two digits that count; "± 25° or more" where nothing is known."""
    if not np.isfinite(uncertainty_deg) or uncertainty_deg > 25.0:
        return "± 25° or more"
    return f"± {uncertainty_deg:.2f}°" if uncertainty_deg >= 0.1 else f"± {max(uncertainty_deg, 0.001):.3f}°"
