"""What many frames say together of how crystals stand: mount, the camera's error and the axes' play, as one estimate.

A linear Gaussian filter (Kalman 1960) over small turns in degrees: m of the mount, on the goniometer; b of the camera,
in the lab, the same in all frames; d by which the axes stand otherwise than they read, anew after every move. A frame
at rotation R of the goniometer shows R m + b + d and its own noise. Frames from other sides tell m from b.
"""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array
from beamgym.physics.laue.sight.errors import SightErrors
from beamgym.physics.orientation import rotation_matrix
from beamgym.physics.orientation_kernels import vectors_of_matrices

UNKNOWN_DEG = 30.0
"""Standard deviation of a mount before the first frame gives it: only what the frame leaves of it matters."""
_NAMES = ("mount", "camera_deg", "covariance", "orientation", "spread")
_M, _B, _D = slice(0, 3), slice(3, 6), slice(6, 9)


@dataclass(frozen=True)
class Followed:
    """What is known of n crystals.

    Parameters
    ----------
    mount : (n, 3, 3) on the goniometer at zero angles
    camera_deg : (n, 3) turn by which the camera makes every crystal look turned
    covariance : (n, 9, 9) of mount, camera and what the axes stand otherwise, degrees²
    orientation : (n, 3, 3) crystal to lab in the last frame
    spread : (n, 3, 3) covariance of that about the lab's axes, degrees²
    """

    mount: Float64Array
    camera_deg: Float64Array
    covariance: Float64Array
    orientation: Float64Array
    spread: Float64Array

    @property
    def lost(self) -> Int64Array:
        """Frames of crystals of which they tell nothing, (n,): none, since every frame gives an orientation."""
        return np.zeros(len(self.mount), dtype=np.int64)


def begin(errors: SightErrors, seen: Float64Array, turned: Float64Array, play: Float64Array) -> Followed:
    """Return what the first frames tell.

    Parameters
    ----------
    errors : of one frame
    seen : (n, 3, 3) orientations as the frames give them
    turned : (n, 3, 3) rotation of the goniometer as its axes read
    play : (n, 3, 3) covariance of what the axes stand otherwise, about the lab's axes, degrees²
    """
    n = len(seen)
    covariance = np.zeros((n, 9, 9))
    covariance[:, _M, _M] = UNKNOWN_DEG**2 * np.eye(3)
    covariance[:, _B, _B] = np.diag(np.square(errors.bias_deg))
    mount = turned.transpose(0, 2, 1) @ seen
    return _updated(
        errors, Followed(mount, np.zeros((n, 3)), covariance, seen, np.zeros((n, 3, 3))), seen, turned, play
    )


def follow(
    errors: SightErrors, known: Followed, seen: Float64Array, turned: Float64Array, play: Float64Array, rows: BoolArray
) -> Followed:
    """Return what is known after one more frame of the rows (n,); the others stay as they are; see ``begin``."""
    after = _updated(errors, known, seen, turned, play)
    return merged(known, after, rows)


def foreseen_deg(errors: SightErrors, known: Followed, turned: Float64Array, play: Float64Array) -> Float64Array:
    """Return how well the mounts will be known after a frame at another rotation of the goniometer.

    Returns
    -------
    (n,) standard deviation over the three turns together, degrees; see ``begin`` for the arguments
    """
    covariance, shown = _before(known, turned, play)
    after = covariance - _gain(covariance, shown, errors.noise_deg) @ shown @ covariance
    variance = np.trace(after[:, _M, _M], axis1=1, axis2=2)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)), dtype=np.float64)


def merged(before: Followed, after: Followed, rows: BoolArray) -> Followed:
    """Return ``after`` where ``rows`` (n,) is True, ``before`` elsewhere."""
    pairs = ((getattr(after, name), getattr(before, name)) for name in _NAMES)
    return Followed(*(np.where(rows.reshape(-1, *(1,) * (new.ndim - 1)), new, old) for new, old in pairs))


def _updated(
    errors: SightErrors, known: Followed, seen: Float64Array, turned: Float64Array, play: Float64Array
) -> Followed:
    covariance, shown = _before(known, turned, play)
    gain = _gain(covariance, shown, errors.noise_deg)
    expected = rotation_matrix(known.camera_deg) @ turned @ known.mount
    step = (gain @ _vector_deg(seen @ expected.transpose(0, 2, 1))[:, :, None])[:, :, 0]
    covariance = covariance - gain @ shown @ covariance
    covariance = 0.5 * (covariance + covariance.transpose(0, 2, 1))
    mount = rotation_matrix(step[:, _M]) @ known.mount
    stands = shown.copy()
    stands[:, :, _B] = 0.0
    orientation = rotation_matrix(step[:, _D]) @ turned @ mount
    spread = stands @ covariance @ stands.transpose(0, 2, 1)
    return Followed(mount, known.camera_deg + step[:, _B], covariance, orientation, spread)


def take(known: Followed, rows: Int64Array) -> Followed:
    """Return what is known of some crystals."""
    return Followed(*(getattr(known, name)[rows] for name in _NAMES))


def _before(known: Followed, turned: Float64Array, play: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return the covariance (n, 9, 9) after a move, and what a frame there shows of it, (n, 3, 9)."""
    covariance = known.covariance.copy()
    covariance[:, _D, :] = covariance[:, :, _D] = 0.0
    covariance[:, _D, _D] = play
    shown = np.zeros((len(turned), 3, 9))
    shown[:, :, _M], shown[:, :, _B], shown[:, :, _D] = turned, np.eye(3), np.eye(3)
    return covariance, shown


def _gain(covariance: Float64Array, shown: Float64Array, noise_deg: float | Float64Array) -> Float64Array:
    across = covariance @ shown.transpose(0, 2, 1)
    seen = shown @ across + np.square(noise_deg)[..., None, None] * np.eye(3)
    return np.asarray(np.linalg.solve(seen, across.transpose(0, 2, 1)).transpose(0, 2, 1), dtype=np.float64)


def _vector_deg(matrix: Float64Array) -> Float64Array:
    radians = np.empty((len(matrix), 3))
    vectors_of_matrices(np.ascontiguousarray(matrix), radians)
    return np.degrees(radians)
