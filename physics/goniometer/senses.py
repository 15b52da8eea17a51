"""The sense of an axis' + in words, for a person at the head, and what an orientation's error does to its turns."""

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.goniometer.goniometer import Goniometer
from beamgym.physics.instrument import Axis, Float64Array

_ALONG = 1.0 - 1e-6
_SIGHTS: tuple[tuple[tuple[float, float, float], str], ...] = (
    ((0.0, 0.0, 1.0), "seen from above"),
    ((-1.0, 0.0, 0.0), "looking along the beam"),
    ((0.0, 1.0, 0.0), "seen from the left of the beam"),
)
"""Where an eye is, from the sample, and how that is called. A right-handed turn about a direction that points to it is
counter-clockwise."""


def sense_words(axis: Axis) -> str:
    """Return how + of an axis turns, its outer axes at zero: "+ is counter-clockwise seen from above"."""
    vector = axis.sign * np.asarray(axis.vector, dtype=np.float64)
    if axis.kind == "linear":
        return f"+ moves along ({vector[0]:+.2f}, {vector[1]:+.2f}, {vector[2]:+.2f})"
    for eye, words in _SIGHTS:
        along = float(vector @ np.array(eye))
        if abs(along) > _ALONG:
            return f"+ is {'counter-' if along > 0 else ''}clockwise {words}"
    return f"+ is right-handed about ({vector[0]:+.2f}, {vector[1]:+.2f}, {vector[2]:+.2f})"


def turn_uncertainty(
    goniometer: Goniometer, positions: ArrayLike, deviation_deg: ArrayLike, carried: ArrayLike | None = None
) -> Float64Array:
    """Return one standard deviation of each axis' position that follows from an orientation's.

    Parameters
    ----------
    goniometer : the axes
    positions : (k,) where they are to go
    deviation_deg : (3,) standard deviations of the orientation as measured about the lab's x, y and z, degrees, or
        their (3, 3) covariance in degrees²
    carried : (3, 3) turn from where the axes stood during the measurement to ``positions``, which carries the error
        along; none by default

    Returns
    -------
    (k,) degrees; 0 for the axes that the inverse does not turn. Large where two axes stand nearly parallel: either may
    then make the same turn
    """
    moving = goniometer.chain.moving[goniometer.chain.moving < len(goniometer.axes)]
    jacobian = goniometer.jacobian(np.asarray(positions, dtype=np.float64))[:, moving]
    turn = np.eye(3) if carried is None else np.asarray(carried, dtype=np.float64)
    share = np.linalg.pinv(jacobian, rcond=1e-6) @ turn
    given = np.asarray(deviation_deg, dtype=np.float64)
    covariance = np.diag(given**2) if given.ndim == 1 else given
    deviation = np.zeros(len(goniometer.axes))
    deviation[moving] = np.sqrt(np.maximum(np.diag(share @ covariance @ share.T), 0.0))
    return deviation
