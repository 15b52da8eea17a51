"""Kernels of the goniometers: forward kinematics, and the inverse in closed form.

Three revolute axes n1, n2, n3 are solved for R = R1(a) R2(b) R3(c) by projecting on the outer and inner axis,
n1 · R n3 = n1 · R2(b) n3, which is one equation A + B cos b + C sin b = D with two roots (Piovan & Bullo, IEEE Trans.
Robotics 28 (2012) 728). It needs no right angles, so it serves kappa too. An arm with a spherical wrist splits into a
point problem for three axes and the same three-axis problem (Pieper, thesis, Stanford 1968; the subproblems as in
Murray, Li & Sastry, "A Mathematical Introduction to Robotic Manipulation", 1994, §3.3).

Angles inside are radians, positions degrees or mm. Signs are folded into the axis vectors.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

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
    share_turn,
    three_axis,
    transposed_multiply,
    triple,
    write_identity,
)

# ruff: noqa: ANN201, ANN202 - numba kernels carry no annotations

_DEG = 180.0 / math.pi


class Chain(NamedTuple):
    """A goniometer as arrays; k >= 3 axes, outermost first.

    Parameters
    ----------
    vector : (k, 3) unit axis times its sign
    point_mm : (k, 3) a point on each axis
    linear : (k,) bool
    zero, low, high, speed : (k,)
    moving : (3,) int64, the axes the inverse turns; the others are held (unused with ``is_arm``)
    wrist_mm : (3,) where the last three axes of an arm meet
    is_arm : (1,) bool
    """

    vector: NDArray[np.float64]
    point_mm: NDArray[np.float64]
    linear: NDArray[np.bool_]
    zero: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    speed: NDArray[np.float64]
    moving: NDArray[np.int64]
    wrist_mm: NDArray[np.float64]
    is_arm: NDArray[np.bool_]


@njit(cache=True, error_model="numpy")
def _place(chain, axis, angle, near, candidate, outside):  # type: ignore[no-untyped-def]
    """Put the angle (radians) of one axis into a candidate; note by how much it passes the limits."""
    position, by = fit_limits(angle * _DEG + chain.zero[axis], near[axis], chain.low[axis], chain.high[axis])
    candidate[axis], outside[axis] = position, by
    return by


@njit(cache=True, error_model="numpy")
def _place_three(chain, axes, root, side, near, candidate, outside):  # type: ignore[no-untyped-def]
    """Put (a, b, c) of the axes i, j, k into a candidate; collinear ones (side ≠ 0) share their turn."""
    i, j, k = axes
    by = _place(chain, j, root[1], near, candidate, outside)
    if side == 0.0:
        by += _place(chain, i, root[0], near, candidate, outside)
        by += _place(chain, k, root[2], near, candidate, outside)
        return by
    total = root[0] * _DEG + chain.zero[i] + side * chain.zero[k]
    low, high, speed = chain.low, chain.high, chain.speed
    a, c, over = share_turn(total, side, near[i], near[k], low[i], high[i], low[k], high[k], speed[i], speed[k])
    candidate[i], candidate[k], outside[i], outside[k] = a, c, 0.0, over
    return by + over


@njit(cache=True, error_model="numpy")
def _travel(chain, candidate, near):  # type: ignore[no-untyped-def]
    """Time of the slowest axis in seconds; a thousandth of the others' breaks ties."""
    slowest, total = 0.0, 0.0
    for i in range(candidate.shape[0]):
        time = abs(candidate[i] - near[i]) / chain.speed[i]
        total += time
        slowest = max(slowest, time)
    return slowest + 1e-3 * total


@njit(cache=True, error_model="numpy")
def _keep(chain, candidate, outside, badness, near, best, best_outside, score):  # type: ignore[no-untyped-def]
    """Keep a candidate if it is better: inside the limits before outside, then quicker (or less far outside)."""
    time = _travel(chain, candidate, near)
    if badness < score[0] or (badness == score[0] and time < score[1]):
        score[0], score[1] = badness, time
        best[:] = candidate
        best_outside[:] = outside


@njit(cache=True, error_model="numpy")
def _solve_three(chain, r, near, any_will_do, best, best_outside, score, scratch, work):  # type: ignore[no-untyped-def]
    """Solve for the three moving axes with all the others held where they are."""
    k = near.shape[0]
    candidate, outside = scratch[0], scratch[1]
    candidate[:] = near
    outside[:] = 0.0
    n = work[4]
    held, spare = work[5], work[6]
    write_identity(held)
    found = 0
    # R = H1 R1 H2 R2 … equals R1' R2' R3' H with every moving axis turned by the held ones outside it.
    for i in range(k):
        if found < 3 and chain.moving[found] == i:
            apply(held, chain.vector[i], n[found])
            found += 1
        elif not chain.linear[i]:
            axis_rotation(chain.vector[i], (near[i] - chain.zero[i]) / _DEG, work[7])
            multiply(held, work[7], spare)
            held[:] = spare
    multiply_transposed(r, held, spare)
    roots = work[8]
    excess, side = three_axis(n[0], n[1], n[2], spare, roots, work)
    axes = (chain.moving[0], chain.moving[1], chain.moving[2])
    for branch in range(2):
        by = _place_three(chain, axes, roots[branch], side, near, candidate, outside)
        if excess > 0.0:
            by += 1.0 + 180.0 * excess
            outside[axes[1]] = math.inf
        _keep(chain, candidate, outside, by, near, best, best_outside, score)
        if any_will_do and score[0] == 0.0:
            return


@njit(cache=True, error_model="numpy")
def _arm_branches(chain, r, branches, work):  # type: ignore[no-untyped-def]
    """Bring the wrist to its place: the four (j1, j2, j3), radians, go to ``branches`` (4, 5).

    The last two columns say by how much, relative, the place is out of reach of j1 and of j3 (0 where it is not).
    """
    vector, point, wrist = chain.vector, chain.point_mm, chain.wrist_mm
    goal, reached, forearm, upper, v = work[0, 0], work[0, 1], work[0, 2], work[1, 0], work[1, 1]
    # The wrist keeps its place relative to the sample, which stays at the origin: it must go to R · wrist.
    apply(r, wrist, v)
    level = 0.0
    for i in range(3):
        v[i] -= point[0, i]
        level += (wrist[i] - point[0, i]) * vector[1, i]
        forearm[i] = wrist[i] - point[2, i]
        upper[i] = point[2, i] - point[1, i]
    constant = dot(vector[0], vector[1]) * dot(vector[0], v)
    cosine, sine = dot(vector[1], v) - constant, -triple(vector[1], vector[0], v)
    turns = harmonic_roots(cosine, sine, level - constant)
    fixed = dot(vector[2], upper) * dot(vector[2], forearm)
    bend_c, bend_s = dot(upper, forearm) - fixed, triple(upper, vector[2], forearm)
    lengths2 = dot(forearm, forearm) + dot(upper, upper)
    row = 0
    for shoulder in range(2):
        turn = turns[0] if shoulder == 0 else turns[1]
        axis_rotation(vector[0], turn, work[2])
        apply_transposed(work[2], v, goal)
        for i in range(3):
            goal[i] += point[0, i] - point[1, i]
        bends = harmonic_roots(bend_c, bend_s, 0.5 * (dot(goal, goal) - lengths2) - fixed)
        for elbow in range(2):
            bend = bends[0] if elbow == 0 else bends[1]
            axis_rotation(vector[2], bend, work[2])
            apply(work[2], forearm, reached)
            for i in range(3):
                reached[i] += upper[i]
            branches[row, 0], branches[row, 2] = turn, bend
            branches[row, 1] = angle_between(vector[1], reached, goal)
            branches[row, 3], branches[row, 4] = turns[2], bends[2]
            row += 1


@njit(cache=True, error_model="numpy")
def _solve_arm(chain, r, near, any_will_do, best, best_outside, score, scratch, work):  # type: ignore[no-untyped-def]
    """Solve a six-axis arm with axes 2 and 3 parallel and a spherical wrist, the sample staying at the origin."""
    candidate, outside = scratch[0], scratch[1]
    vector = chain.vector
    branches = np.empty((4, 5))
    _arm_branches(chain, r, branches, work)
    first, second, carried, roots = work[4], work[5], work[6], work[7]
    for row in range(4):
        candidate[:] = near
        outside[:] = 0.0
        reach = 0.0
        for axis in range(3):
            reach += _place(chain, axis, branches[row, axis], near, candidate, outside)
        for stage in range(2):
            if branches[row, 3 + stage] > 0.0:
                reach += 1.0 + 180.0 * branches[row, 3 + stage]
                outside[2 * stage] = math.inf
        if reach > (0.0 if any_will_do else score[0]):
            continue
        if reach == score[0] and _travel(chain, candidate, near) > score[1]:
            continue
        axis_rotation(vector[0], branches[row, 0], first)
        axis_rotation(vector[1], branches[row, 1], second)
        multiply(first, second, carried)
        axis_rotation(vector[2], branches[row, 2], first)
        multiply(carried, first, second)
        transposed_multiply(second, r, carried)
        excess, side = three_axis(vector[3], vector[4], vector[5], carried, roots, work)
        for branch in range(2):
            by = reach + _place_three(chain, (3, 4, 5), roots[branch], side, near, candidate, outside)
            if excess > 0.0:
                by += 1.0 + 180.0 * excess
                outside[4] = math.inf
            _keep(chain, candidate, outside, by, near, best, best_outside, score)
            if any_will_do and score[0] == 0.0:
                return


@njit(cache=True, nogil=True, error_model="numpy")
def solve_one(chain, r, near, best, scratch, work, any_will_do=False):  # type: ignore[no-untyped-def]
    """Solve one orientation ``r`` (3, 3); positions go to ``best`` (k,), inside the limits always.

    ``scratch`` is (4, k), ``work`` (12, 3, 3). Returns (reachable, limiting axis or −1, the position it would need).
    ``any_will_do`` asks only whether there is a solution: the first branch inside the limits is taken, not the
    quickest, and where there is none the other answers mean nothing.
    """
    best_outside, score = scratch[2], scratch[3]
    score[0], score[1] = math.inf, math.inf
    if chain.is_arm[0]:
        _solve_arm(chain, r, near, any_will_do, best, best_outside, score, scratch, work)
    else:
        _solve_three(chain, r, near, any_will_do, best, best_outside, score, scratch, work)
    if score[0] == 0.0:
        return True, -1, math.nan
    limiting = np.argmax(best_outside)
    needed = math.nan if math.isinf(best_outside[limiting]) else best[limiting]
    for i in range(best.shape[0]):
        best[i] = min(max(best[i], chain.low[i]), chain.high[i])
    return False, limiting, needed


@njit(cache=True, nogil=True, error_model="numpy")
def solve_batch(chain, rotation, near):  # type: ignore[no-untyped-def]
    """Solve n orientations.

    Parameters
    ----------
    chain : the goniometer
    rotation : (n, 3, 3) wanted
    near : (n, k) present positions

    Returns
    -------
    positions (n, k), reachable (n,), limiting (n,) int64, needed (n,)
    """
    n, k = near.shape
    positions = np.empty((n, k))
    reachable = np.empty(n, dtype=np.bool_)
    limiting = np.empty(n, dtype=np.int64)
    needed = np.empty(n)
    scratch = np.empty((4, k))
    work = np.empty((12, 3, 3))
    for row in range(n):
        reachable[row], limiting[row], needed[row] = solve_one(
            chain, rotation[row], near[row], positions[row], scratch, work
        )
    return positions, reachable, limiting, needed


@njit(cache=True, nogil=True, error_model="numpy")
def forward_batch(chain, positions):  # type: ignore[no-untyped-def]
    """Return rotations (n, 3, 3) and the sample's places (n, 3) in mm at the positions (n, k)."""
    n, k = positions.shape
    rotation = np.empty((n, 3, 3))
    place = np.zeros((n, 3))
    turn, spare = np.empty((3, 3)), np.empty((3, 3))
    v = np.empty(3)
    for row in range(n):
        total = rotation[row]
        write_identity(total)
        for i in range(k - 1, -1, -1):
            amount = positions[row, i] - chain.zero[i]
            if chain.linear[i]:
                for j in range(3):
                    place[row, j] += amount * chain.vector[i, j]
                continue
            axis_rotation(chain.vector[i], amount / _DEG, turn)
            multiply(turn, total, spare)
            total[:] = spare
            for j in range(3):
                v[j] = place[row, j] - chain.point_mm[i, j]
            apply(turn, v, place[row])
            for j in range(3):
                place[row, j] += chain.point_mm[i, j]
    return rotation, place


@njit(cache=True, nogil=True, error_model="numpy")
def jacobian_batch(chain, positions):  # type: ignore[no-untyped-def]
    """Return (n, 3, k): each rotation axis as the axes outside it have turned it; zero for linear axes."""
    n, k = positions.shape
    out = np.zeros((n, 3, k))
    total, turn, spare = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    v = np.empty(3)
    for row in range(n):
        write_identity(total)
        for i in range(k):
            if chain.linear[i]:
                continue
            apply(total, chain.vector[i], v)
            out[row, :, i] = v
            axis_rotation(chain.vector[i], (positions[row, i] - chain.zero[i]) / _DEG, turn)
            multiply(total, turn, spare)
            total[:] = spare
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def turn_batch(chain, near, vector_deg, halvings):  # type: ignore[no-untyped-def]
    """Turn the sample by rotation vectors (n, 3) in the lab from the positions (n, k), as far as that is reachable.

    Returns
    -------
    positions (n, k); fraction (n,) of the wanted angle that was kept; limiting (n,), the axis that stops the full turn
    """
    n, k = near.shape
    start = forward_batch(chain, near)[0]
    positions = near.copy()
    fraction = np.zeros(n)
    limiting = np.full(n, -1)
    scratch, work, trial = np.empty((4, k)), np.empty((12, 3, 3)), np.empty(k)
    wanted, axis, turn = np.empty((3, 3)), np.empty(3), np.empty((3, 3))
    for row in range(n):
        angle = math.sqrt(dot(vector_deg[row], vector_deg[row])) / _DEG
        for i in range(3):
            axis[i] = vector_deg[row, i] / (angle * _DEG) if angle > 0.0 else (1.0 if i == 0 else 0.0)
        step, share = 1.0, 1.0
        for attempt in range(halvings + 1):
            axis_rotation(axis, share * angle, turn)
            multiply(turn, start[row], wanted)
            reached, stop, _ = solve_one(chain, wanted, near[row], trial, scratch, work)
            if attempt == 0:
                limiting[row] = stop
            step *= 0.5
            if reached:
                positions[row], fraction[row] = trial, share
                if attempt == 0:
                    break
                share += step
            else:
                share -= step
    return positions, fraction, limiting
