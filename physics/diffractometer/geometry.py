"""Between angles and scattering vectors: Q of given positions, and the positions that bring a Q to the detector.

q = (k_f − k_i)/λ without 2π, in 1/Å. In the *mount frame*, which turns with the innermost axis and coincides with
the lab when every axis is at zero, q = UB·hkl whatever the angles (Busing & Levy, Acta Cryst. 22 (1967) 457).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.diffractometer.presets import Diffractometer, diffractometer
from beamgym.physics.orientation import rotation_matrix

BEAM = np.array([1.0, 0.0, 0.0])
_LEVEL = 1e-9


@dataclass(frozen=True)
class Positions:
    """Where the axes bring reflections to the detector.

    Parameters
    ----------
    degrees : (n, k) of all axes, the sample's first; NaN where there is none
    reachable : (n,) inside every limit
    why : (n,) in words what is in the way; empty where reachable
    """

    degrees: Float64Array
    reachable: BoolArray
    why: tuple[str, ...]


def check_wavelength(wavelength_a: float) -> float:
    """Return the wavelength, Å; raises ValueError for one that is none."""
    if not (np.isfinite(wavelength_a) and 0.01 <= wavelength_a <= 30.0):
        raise ValueError(f"a wavelength of {wavelength_a:g}: give Å from 0.01 to 30, such as 1.5406")
    return float(wavelength_a)


def scattering_vectors(
    instrument: Diffractometer, positions: ArrayLike, wavelength_a: ArrayLike
) -> tuple[Float64Array, Float64Array]:
    """Return q in the mount frame and how it changes with every axis.

    Parameters
    ----------
    instrument : the axes
    positions : (n, k) degrees, the sample's axes first, then the arm's
    wavelength_a : Å, one or (n,)

    Returns
    -------
    q (n, 3) in 1/Å; its derivatives (n, 3, k) in 1/Å per degree

    Notes
    -----
    q = Rᵀ (A·x̂ − x̂)/λ; with w the lab rotation vector of an axis, ∂q = −Rᵀ (w × q_lab) of the sample,
    Rᵀ (w × k_f) of the arm.
    """
    sample, arm = (np.atleast_2d(part) for part in instrument.split(positions))
    inverse_a = 1.0 / np.broadcast_to(np.asarray(wavelength_a, dtype=np.float64), sample.shape[:1])
    back = np.swapaxes(instrument.sample.rotation(sample), -1, -2)
    out = instrument.arm.rotation(arm) @ BEAM * inverse_a[:, None]
    q_lab = out - BEAM * inverse_a[:, None]
    of_sample = -np.cross(np.radians(instrument.sample.jacobian(sample)), q_lab[:, :, None], axis=1)
    of_arm = np.cross(np.radians(instrument.arm.jacobian(arm)), out[:, :, None], axis=1)
    q = (back @ q_lab[:, :, None])[:, :, 0]
    return q, back @ np.concatenate([of_sample, of_arm], axis=2)


def two_theta_deg(instrument: Diffractometer, positions: ArrayLike) -> Float64Array:
    """Return the scattering angle (n,) of positions (n, k)."""
    out = instrument.arm.rotation(np.atleast_2d(instrument.split(positions)[1])) @ BEAM
    return np.asarray(np.degrees(np.arctan2(np.hypot(out[:, 1], out[:, 2]), out[:, 0])))


def positions_of(
    instrument: Diffractometer | str,
    q: ArrayLike,
    wavelength_a: float,
    hold: Mapping[str, float] | None = None,
    near: ArrayLike | None = None,
    horizontal: bool = False,
) -> Positions:
    """Return where the axes bring reflections to the detector.

    Parameters
    ----------
    instrument : or the name of its preset
    q : (n, 3) scattering vectors in the mount frame, 1/Å without 2π
    wavelength_a : Å
    hold : axes of the sample that are to stand, with their positions; all but two of them (of a triple axis the two
        arcs stand, at zero if not said otherwise, and one axis is left). Without it the bisecting position: the axis
        that is parallel to the arm's stands at half of the scattering angle
    near : (k,) present positions: of several solutions the one that is reached first; zeros if not given
    horizontal : of a six-circle, scatter by nu with delta at zero (mu at half of it if nothing is held), not by delta

    Returns
    -------
    Positions; of both solutions of the two free circles the one inside the limits that is the nearer

    Raises
    ------
    ValueError : a hold that leaves other than two circles, names no axis, or a wavelength that is none

    Notes
    -----
    R₁(α) R₂(β) q = q_lab in closed form: Paden & Kahan's second subproblem (Murray, Li & Sastry 1994, §3.3).
    """
    instrument = diffractometer(instrument)
    wavelength_a = check_wavelength(wavelength_a)
    wanted = np.atleast_2d(np.asarray(q, dtype=np.float64))
    here = np.zeros(len(instrument.names)) if near is None else np.asarray(near, dtype=np.float64)
    sine = 0.5 * wavelength_a * np.linalg.norm(wanted, axis=1)
    half = np.degrees(np.arcsin(np.minimum(sine, 1.0)))
    arm_index = _arm_axis(instrument, horizontal)
    arm = np.zeros((len(wanted), len(instrument.arm.axes)))
    arm[:, arm_index] = 2.0 * half
    out = instrument.arm.rotation(arm) @ BEAM
    q_lab = (out - BEAM) / wavelength_a
    if instrument.name == "kappa" and not hold:
        found = _kappa_bisecting(instrument, wanted, q_lab, half, here)
    else:
        held, free = _held(instrument, hold, half, horizontal)
        solve = _turned_into_plane if len(free) == 1 else _two_circles
        found = solve(instrument, wanted, q_lab, held, free)
    return _chosen(instrument, found, arm, sine, here)


def plane_angle_deg(instrument: Diffractometer, q: ArrayLike) -> Float64Array:
    """Return how far vectors (n, 3) lie above the arm's plane with every axis at zero, degrees."""
    wanted = np.atleast_2d(np.asarray(q, dtype=np.float64))
    axis = np.array(instrument.arm.axes[-1].vector) * instrument.arm.axes[-1].sign
    return np.asarray(np.degrees(np.arcsin(np.clip(wanted @ axis / np.linalg.norm(wanted, axis=1), -1.0, 1.0))))


def _arm_axis(instrument: Diffractometer, horizontal: bool) -> int:
    if not horizontal:
        return len(instrument.arm.axes) - 1
    if len(instrument.arm.axes) < 2:
        raise ValueError(f"{instrument.name} has one plane of scattering; leave horizontal out")
    return 0


def _held(
    instrument: Diffractometer, hold: Mapping[str, float] | None, half_deg: Float64Array, horizontal: bool
) -> tuple[Float64Array, list[int]]:
    """Return positions (n, k) of the sample's axes that stand, and the indices of those that are free."""
    names = instrument.sample.names
    if hold is None and instrument.name == "tas":
        hold = {"lower_arc": 0.0, "upper_arc": 0.0}
    given = dict(hold or {})
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ValueError(f"{instrument.name} has no axis {unknown[0]!r} to hold; the sample's are {', '.join(names)}")
    held = np.zeros((len(half_deg), len(names)))
    for name, value in given.items():
        held[:, names.index(name)] = value
    standing = [names.index(name) for name in given]
    if not given:
        name = "mu" if horizontal else instrument.halved
        if not name:
            raise ValueError(f"{instrument.name} has no bisecting position; say which axes to hold")
        held[:, names.index(name)] = half_deg
        standing = [names.index(name)] + [
            i for i, other in enumerate(names) if other in ("mu", "eta") and other != name
        ]
    free = [i for i in range(len(names)) if i not in standing]
    if len(free) != 2 and not (len(free) == 1 and instrument.name == "tas"):
        raise ValueError(
            f"{instrument.name}: hold {len(names) - 2} of {', '.join(names)}, so that two are free; got {list(given)}"
        )
    return held, free


def _two_circles(
    instrument: Diffractometer, q: Float64Array, q_lab: Float64Array, held: Float64Array, free: list[int]
) -> list[Float64Array]:
    """Return both solutions (n, k), degrees; NaN where the circles do not bring q there."""
    outer, inner = free
    before, between, behind = _between(instrument, held, outer, inner)
    axis_a, axis_b = (np.array(instrument.sample.axes[i].vector) * instrument.sample.axes[i].sign for i in free)
    v = (behind @ q[:, :, None])[:, :, 0]
    w = (np.swapaxes(before, -1, -2) @ q_lab[:, :, None])[:, :, 0]
    n = np.swapaxes(between, -1, -2) @ axis_a
    along = v @ axis_b
    constant = (n @ axis_b) * along
    cosine, sine = (n * v).sum(1) - constant, (n * np.cross(axis_b, v)).sum(1)
    reach = np.hypot(cosine, sine)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(reach > _LEVEL, (w @ axis_a - constant) / np.maximum(reach, _LEVEL), 2.0)
    outside = np.abs(ratio) > 1.0 + _LEVEL
    spread, middle = np.arccos(np.clip(ratio, -1.0, 1.0)), np.arctan2(sine, cosine)
    solutions = []
    for sense in (1.0, -1.0):
        beta = np.where(outside, np.nan, middle + sense * spread)
        turned = rotation_matrix(np.degrees(np.nan_to_num(beta))[:, None] * axis_b)
        u = (between @ turned @ v[:, :, None])[:, :, 0]
        flat = (u * w).sum(1) - (u @ axis_a) * (w @ axis_a)
        alpha = np.arctan2(np.cross(u, w) @ axis_a, flat)
        found = held.copy()
        found[:, outer] = np.where(outside, np.nan, np.degrees(alpha)) + instrument.sample.axes[outer].zero
        found[:, inner] = np.degrees(beta) + instrument.sample.axes[inner].zero
        solutions.append(found)
    return solutions


def _between(
    instrument: Diffractometer, held: Float64Array, outer: int, inner: int
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return the rotations (n, 3, 3) of the standing axes outside the first free one, between the two, and inside."""
    parts = [np.broadcast_to(np.eye(3), (len(held), 3, 3)) for _ in range(3)]
    for i, axis in enumerate(instrument.sample.axes):
        if i in (outer, inner):
            continue
        part = 0 if i < outer else 1 if i < inner else 2
        turn = rotation_matrix((held[:, i] - axis.zero)[:, None] * np.array(axis.vector) * axis.sign)
        parts[part] = parts[part] @ turn
    return parts[0], parts[1], parts[2]


def _turned_into_plane(
    instrument: Diffractometer, q: Float64Array, q_lab: Float64Array, held: Float64Array, free: list[int]
) -> list[Float64Array]:
    """Return the one rotation (n, k) that brings the vector's part in the plane where it belongs; NaN far out of it."""
    axis = np.array(instrument.sample.axes[free[0]].vector) * instrument.sample.axes[free[0]].sign
    at_zero = held.copy()
    at_zero[:, free[0]] = instrument.sample.axes[free[0]].zero
    standing = (instrument.sample.rotation(at_zero) @ q[:, :, None])[:, :, 0]
    flat = (standing * q_lab).sum(1) - (standing @ axis) * (q_lab @ axis)
    found = at_zero.copy()
    found[:, free[0]] += np.degrees(np.arctan2(np.cross(standing, q_lab) @ axis, flat))
    height = np.degrees(np.arcsin(np.clip(standing @ axis / np.linalg.norm(q, axis=1), -1.0, 1.0)))
    found[np.abs(height) > 1e-6] = np.nan
    return [found]


def _kappa_bisecting(
    instrument: Diffractometer, q: Float64Array, q_lab: Float64Array, half: Float64Array, here: Float64Array
) -> list[Float64Array]:
    """Return the kappa positions of both Eulerian bisecting ones."""
    euler = diffractometer("e4cv")
    held, free = _held(euler, None, half, False)
    solutions = []
    for found in _two_circles(euler, q, q_lab, held, free):
        rotation = euler.sample.rotation(np.nan_to_num(found))
        solved = instrument.sample.solve(rotation, here[: len(instrument.sample.axes)])
        solutions.append(np.where((np.isfinite(found).all(1) & solved.reachable)[:, None], solved.positions, np.nan))
    return solutions


def _chosen(
    instrument: Diffractometer, solutions: list[Float64Array], arm: Float64Array, sine: Float64Array, here: Float64Array
) -> Positions:
    """Return the nearest solution inside the limits, or what is in the way."""
    low = np.array([axis.limits[0] for axis in instrument.axes])
    high = np.array([axis.limits[1] for axis in instrument.axes])
    speed = np.array([axis.speed for axis in instrument.axes])
    n = len(sine)
    best, reachable, fewest = np.full((n, len(low)), np.nan), np.zeros(n, dtype=bool), np.full(n, np.inf)
    why = ["no position of the free circles brings it there"] * n
    for found in solutions:
        full = np.concatenate([found, arm], axis=1)
        full = here + (full - here + 180.0) % 360.0 - 180.0
        # a whole turn more or less where that lies inside the limits
        full = np.where(full < low - 1e-9, full + 360.0, np.where(full > high + 1e-9, full - 360.0, full))
        outside = (full < low - 1e-9) | (full > high + 1e-9)
        seconds = np.max(np.abs(full - here) / speed, axis=1)
        for row in map(int, np.flatnonzero(np.isfinite(full).all(1))):
            if outside[row].any():
                index = int(np.flatnonzero(outside[row])[0])
                if not reachable[row]:
                    axis = instrument.axes[index]
                    why[row] = (
                        f"{axis.name} would stand at {full[row, index]:.2f}, "
                        f"its limits are {low[index]:g} to {high[index]:g}"
                    )
                    best[row] = full[row] if not np.isfinite(best[row]).all() else best[row]
            elif seconds[row] < fewest[row]:
                best[row], reachable[row], fewest[row] = full[row], True, seconds[row]
    beyond = sine > 1.0
    reachable &= ~beyond
    best[beyond] = np.nan
    for row in range(n):
        if beyond[row]:
            why[row] = "the wavelength is longer than 2d"
        elif reachable[row]:
            why[row] = ""
    return Positions(best, reachable, tuple(why))
