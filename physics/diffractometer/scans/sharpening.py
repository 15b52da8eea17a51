"""The orientation that centred reflections give where zeros of the axes are known to some error only."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.diffractometer import Diffractometer, scattering_vectors
from beamgym.physics.diffractometer.scans.reaching import nearest_positions
from beamgym.physics.orientation import nearest_rotation, rotation_matrix

_ROUNDS = 4
_LEAST_LIFT = 0.2  # of the beam by a turn of chi, below which nothing is said of the height
_CENTRING_S = 35.0  # that a reflection takes to be found and centred, besides the way to it


@dataclass(frozen=True)
class CentringError:
    """How well the direction of a reflection is centred, standard deviations.

    Parameters
    ----------
    rocking_deg : in the arm's plane
    across_deg : across it, of a scan by chi
    height_deg : of the sample's height, as an angle seen from the detector: what lifts the beam by so much is taken for
        a tilt of the crystal by height / (2 sin θ)
    """

    rocking_deg: float
    across_deg: float
    height_deg: float = 0.0

    def at(self, two_theta_deg: Float64Array) -> Float64Array:
        """Return the errors (n, 2) across the arm's plane and in it, degrees, at scattering angles (n,)."""
        lift = np.maximum(2.0 * np.sin(np.radians(0.5 * np.abs(two_theta_deg))), _LEAST_LIFT)
        across = np.hypot(self.across_deg, self.height_deg / lift)
        return np.stack([across, np.full(len(lift), self.rocking_deg)], axis=1)


@dataclass(frozen=True, eq=False)
class SharpOrientation:
    """An orientation with the zeros of the axes, both as probable as they are.

    Parameters
    ----------
    u : (3, 3) crystal Cartesian to mount frame
    zero_deg : (k,) true positions minus read ones; that of the innermost axis is 0, being the crystal's own turn
    information : (3 + j, 3 + j) of a small rotation in the mount frame and of the zeros that were fitted, 1/degree²
    """

    u: Float64Array
    zero_deg: Float64Array
    information: Float64Array

    @property
    def error_deg(self) -> float:
        """One standard deviation of the orientation: root mean square over the three axes, degrees."""
        return _error(self.information)


def sharpened(
    instrument: Diffractometer,
    positions: Float64Array,
    hkl: Int64Array,
    ub: Float64Array,
    u: Float64Array,
    wavelength_a: float,
    zero_deg: float,
    centred: CentringError,
) -> SharpOrientation:
    """Return the most probable orientation and zeros.

    Parameters
    ----------
    instrument : the axes
    positions : (n, k) of centred reflections, degrees
    hkl : (n, 3) their indices
    ub, u : (3, 3) to begin with; B is uᵀ ub
    wavelength_a : Å
    zero_deg : of every axis but the innermost, one standard deviation before anything is measured
    centred : how well reflections are centred

    Notes
    -----
    Where they fit worse than their errors let expect, the errors are taken for too small by that (Birge 1932).
    Least squares of the directions of q(positions + zeros) against those of U B hkl, with the zeros' prior: lengths,
    which wavelength and offset change, are not used.
    """
    fitted = _fitted(instrument)
    zero = np.zeros(len(instrument.names))
    b_matrix = u.T @ ub
    prior = np.zeros(3 + len(fitted))
    prior[3:] = 1.0 / max(zero_deg, 1e-6) ** 2
    information = np.diag(prior)
    for _ in range(_ROUNDS):
        expected = hkl @ (u @ b_matrix).T
        q, slope = scattering_vectors(instrument, positions + zero, wavelength_a)
        seen_by = axes_across(instrument, positions, expected) / centred.at(positions[:, -1])[:, :, None]
        jacobian = seen_by @ _directions_by(expected, slope[:, :, fitted])
        unit = expected / np.linalg.norm(expected, axis=1)[:, None]
        miss = np.degrees(q / np.linalg.norm(q, axis=1)[:, None] - unit)
        information = np.diag(prior) + np.einsum("nia,nib->ab", jacobian, jacobian)
        gradient = np.einsum("nia,nij,nj->a", jacobian, seen_by, miss)
        gradient[3:] += prior[3:] * zero[fitted]
        step = -np.linalg.solve(information + 1e-9 * np.eye(len(prior)), gradient)
        u = nearest_rotation(rotation_matrix(step[:3]) @ u)
        zero[fitted] += step[3:]
    left = np.einsum("nij,nj->ni", seen_by, miss)
    misfit = float((left**2).sum() + (prior[3:] * zero[fitted] ** 2).sum())
    return SharpOrientation(u, zero, information / max(misfit / max(2 * len(positions) - 3, 1), 1.0))


def sharpest_places(
    instrument: Diffractometer,
    now: SharpOrientation,
    q: Float64Array,
    here: Float64Array,
    wavelength_a: float,
    centred: CentringError,
    count: int,
) -> Float64Array:
    """Return where to centre one more reflection so that the orientation's error falls fastest per second, (p, k).

    Parameters
    ----------
    q : (m, 3) reflections that can be expected, mount frame; both of a Friedel pair are worth having
    here : (k,) where the axes stand
    centred : how well a reflection is centred
    """
    found, seconds = nearest_positions(instrument, q, wavelength_a, here)
    good = np.flatnonzero(np.isfinite(seconds))
    if not len(good):
        return np.zeros((0, len(here)))
    degrees = found[good] - now.zero_deg
    low, high = np.array([axis.limits for axis in instrument.axes]).T
    degrees = np.clip(degrees, low, high)
    _, slope = scattering_vectors(instrument, degrees, wavelength_a)
    seen_by = axes_across(instrument, degrees, q[good]) / centred.at(degrees[:, -1])[:, :, None]
    jacobian = seen_by @ _directions_by(q[good], slope[:, :, _fitted(instrument)])
    more = np.einsum("nia,nib->nab", jacobian, jacobian)
    after = np.array([_error(now.information + one) for one in more])
    gain = np.log(max(_error(now.information), 1e-9) / after) / (seconds[good] + _CENTRING_S)
    chosen: list[int] = []
    for index in np.argsort(-gain, kind="stable"):
        if all(np.linalg.norm(q[good[index]] - q[good[other]]) > 1e-6 for other in chosen):
            chosen.append(int(index))
        if len(chosen) == count:
            break
    return np.asarray(degrees[chosen])


def axes_across(instrument: Diffractometer, positions: Float64Array, q: Float64Array) -> Float64Array:
    """Return unit vectors (n, 2, 3), mount frame, at positions (n, k): across the arm's plane, and in it across q."""
    sample, _ = instrument.split(positions)
    back = np.swapaxes(instrument.sample.rotation(np.ascontiguousarray(sample)), -1, -2)
    last = instrument.arm.axes[-1]
    normal = (back @ (np.array(last.vector) * last.sign)[:, None])[:, :, 0]
    unit = q / np.linalg.norm(q, axis=1)[:, None]
    return np.stack([normal, np.cross(normal, unit)], axis=1)


def _fitted(instrument: Diffractometer) -> list[int]:
    """Return the axes whose zeros can be told from the crystal's own turn: all but the innermost of the sample's."""
    inner = len(instrument.sample.axes) - 1
    return [index for index in range(len(instrument.names)) if index != inner]


def _directions_by(q: Float64Array, slope: Float64Array) -> Float64Array:
    """Return how directions (n, 3) miss, degrees, by a turn of the crystal (3) and by zeros (j), (n, 3, 3 + j)."""
    length = np.linalg.norm(q, axis=1)
    unit = q / length[:, None]
    turned = -np.cross(
        np.eye(3)[None], unit[:, None]
    )  # of a turn by one degree about each axis, observed minus expected
    by_zero = np.degrees(slope / length[:, None, None])
    by_zero = by_zero - unit[:, :, None] * np.einsum("ni,nij->nj", unit, by_zero)[:, None]
    return np.concatenate([np.swapaxes(turned, 1, 2), by_zero], axis=2)


def _error(information: Float64Array) -> float:
    covariance = np.linalg.inv(information + 1e-9 * np.eye(len(information)))
    return float(np.sqrt(np.trace(covariance[:3, :3]) / 3.0))
