"""Kernels that ask only which goals a goniometer reaches, and work out no more of the inverse than that takes.

Most goals fall at one axis: its angle is known before those of the others, and where it lies outside that axis's limits
the others are never needed. What is worked out is worked out as in ``kinematics_kernels``, to the bit, so that both
agree on goals at the very edge; where roots meet or axes fall together the whole inverse is asked.
"""

import math

import numpy as np
from numba import njit

from beamgym.physics.goniometer.algebra_kernels import (
    angle_between,
    apply,
    apply_transposed,
    axis_rotation,
    dot,
    fit_limits,
    harmonic_roots,
    multiply,
    multiply_transposed,
    transposed_multiply,
    triple,
    write_identity,
)
from beamgym.physics.goniometer.kinematics_kernels import solve_one

# ruff: noqa: ANN201, ANN202 - numba kernels carry no annotations

_DEG = 180.0 / math.pi
# Cosine short of 1 of two roots, or sine of two axes, far above where kinematics_kernels takes another way.
_SPECIAL = 1e-5
_NO, _YES, _ASK = 0, 1, 2


@njit(cache=True, error_model="numpy")
def _hold_others(chain, near, n, held, spare):  # type: ignore[no-untyped-def]
    """Write the moving axes (3, 3) as the held ones outside them turn them, and the product of all held ones."""
    write_identity(held)
    found = 0
    for i in range(near.shape[0]):
        if found < 3 and chain.moving[found] == i:
            apply(held, chain.vector[i], n[found])
            found += 1
        elif not chain.linear[i]:
            axis_rotation(chain.vector[i], (near[i] - chain.zero[i]) / _DEG, spare[0])
            multiply(held, spare[0], spare[1])
            held[:] = spare[1]


@njit(cache=True, error_model="numpy", forceinline=True)
def _inside(chain, axis, angle, near):  # type: ignore[no-untyped-def]
    """Whether an axis can stand at an angle (radians), up to whole turns."""
    return fit_limits(angle * _DEG + chain.zero[axis], near[axis], chain.low[axis], chain.high[axis])[1] == 0.0


@njit(cache=True, error_model="numpy", forceinline=True)
def _three_reach(chain, axes, n1, n2, n3, r, near, turn, v):  # type: ignore[no-untyped-def]
    """Whether three axes reach ``r`` within their limits: _YES, _NO, or _ASK where the whole inverse is to say."""
    turned, back, along, across = v[0], v[1], v[2], v[3]
    apply(r, n3, turned)
    apply_transposed(r, n1, back)
    level = dot(n1, turned)
    constant = dot(n1, n2) * dot(n2, n3)
    cosine, sine = dot(n1, n3) - constant, triple(n1, n2, n3)
    first, second, excess = harmonic_roots(cosine, sine, level - constant)
    apart = 0.0
    for i in range(3):
        apart += (turned[i] - level * n1[i]) ** 2
    if math.hypot(cosine, sine) < _SPECIAL or apart < _SPECIAL * _SPECIAL or math.cos(first - second) > 1.0 - _SPECIAL:
        return _ASK
    if excess > 0.0:
        return _NO
    for branch in range(2):
        b = first if branch == 0 else second
        if not _inside(chain, axes[1], b, near):
            continue
        axis_rotation(n2, b, turn)
        apply(turn, n3, along)
        if not _inside(chain, axes[0], angle_between(n1, along, turned), near):
            continue
        apply_transposed(turn, n1, across)
        if _inside(chain, axes[2], angle_between(n3, back, across), near):
            return _YES
    return _NO


@njit(cache=True, error_model="numpy")
def _arm_reaches(chain, r, near, m, v):  # type: ignore[no-untyped-def]
    """Whether a six-axis arm reaches ``r`` within its limits: _YES, _NO or _ASK; see ``_arm_branches``."""
    vector, point, wrist = chain.vector, chain.point_mm, chain.wrist_mm
    goal, reached, forearm, upper, place = v[4], v[5], v[6], v[7], v[8]
    apply(r, wrist, place)
    level = 0.0
    for i in range(3):
        place[i] -= point[0, i]
        level += (wrist[i] - point[0, i]) * vector[1, i]
        forearm[i] = wrist[i] - point[2, i]
        upper[i] = point[2, i] - point[1, i]
    constant = dot(vector[0], vector[1]) * dot(vector[0], place)
    cosine, sine = dot(vector[1], place) - constant, -triple(vector[1], vector[0], place)
    turns = harmonic_roots(cosine, sine, level - constant)
    if turns[2] > 0.0:
        return _NO
    fixed = dot(vector[2], upper) * dot(vector[2], forearm)
    bend_c, bend_s = dot(upper, forearm) - fixed, triple(upper, vector[2], forearm)
    lengths2 = dot(forearm, forearm) + dot(upper, upper)
    for shoulder in range(2):
        turn = turns[0] if shoulder == 0 else turns[1]
        if not _inside(chain, 0, turn, near):
            continue
        axis_rotation(vector[0], turn, m[0])
        apply_transposed(m[0], place, goal)
        for i in range(3):
            goal[i] += point[0, i] - point[1, i]
        bends = harmonic_roots(bend_c, bend_s, 0.5 * (dot(goal, goal) - lengths2) - fixed)
        if bends[2] > 0.0:
            continue
        for elbow in range(2):
            bend = bends[0] if elbow == 0 else bends[1]
            if not _inside(chain, 2, bend, near):
                continue
            axis_rotation(vector[2], bend, m[1])
            apply(m[1], forearm, reached)
            for i in range(3):
                reached[i] += upper[i]
            lift = angle_between(vector[1], reached, goal)
            if not _inside(chain, 1, lift, near):
                continue
            axis_rotation(vector[1], lift, m[2])
            multiply(m[0], m[2], m[3])
            multiply(m[3], m[1], m[2])
            transposed_multiply(m[2], r, m[3])
            answer = _three_reach(chain, (3, 4, 5), vector[3], vector[4], vector[5], m[3], near, m[4], v)
            if answer != _NO:
                return answer
    return _NO


@njit(cache=True, nogil=True, error_model="numpy")
def reachable_poses(chain, home, mount, goals, any_will_do):  # type: ignore[no-untyped-def]
    """Return (n, m): whether the goniometer reaches each goal (m, 3, 3) with each of the mounts (n, 3, 3).

    The same as ``allowed_batch`` returns of a pose. ``any_will_do`` ends at the first goal of a mount that is reached.
    """
    allowed = np.zeros((mount.shape[0], goals.shape[0]), dtype=np.bool_)
    n, held, m, v = np.empty((3, 3)), np.empty((3, 3)), np.empty((5, 3, 3)), np.empty((9, 3))
    scratch, work, trial = np.empty((4, home.shape[0])), np.empty((12, 3, 3)), np.empty(home.shape[0])
    wanted, r = np.empty((3, 3)), np.empty((3, 3))
    axes = (chain.moving[0], chain.moving[1], chain.moving[2])
    if not chain.is_arm[0]:
        _hold_others(chain, home, n, held, m)
    for row in range(mount.shape[0]):
        for j in range(goals.shape[0]):
            multiply_transposed(goals[j], mount[row], wanted)
            if chain.is_arm[0]:
                answer = _arm_reaches(chain, wanted, home, m, v)
            else:
                multiply_transposed(wanted, held, r)
                answer = _three_reach(chain, axes, n[0], n[1], n[2], r, home, m[4], v)
            if answer == _ASK:
                allowed[row, j] = solve_one(chain, wanted, home, trial, scratch, work, True)[0]
            else:
                allowed[row, j] = answer == _YES
            if any_will_do and allowed[row, j]:
                break
    return allowed
