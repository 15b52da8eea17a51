"""Kernels of the targets: nearest equivalent goal, and the nearest one that a goniometer can reach."""

import math

import numpy as np
from numba import njit

from beamgym.physics.goniometer.algebra_kernels import (
    angle_between,
    apply,
    axis_rotation,
    dot,
    harmonic_roots,
    multiply,
    multiply_transposed,
    triple,
    write_identity,
)
from beamgym.physics.goniometer.kinematics_kernels import forward_batch, solve_one

# ruff: noqa: ANN201, ANN202 - numba kernels carry no annotations

_DEG = 180.0 / math.pi
FAMILY_SAMPLES = 72  # turns of the free degree of freedom that are tried where the nearest goal is out of reach
_REFINEMENTS = 12  # thirds taken off around the best of them: 5° · 2 · (2/3)^12 = 0.08°


@njit(cache=True, nogil=True, error_model="numpy")
def rotation_distance_deg(a, b):  # type: ignore[no-untyped-def]
    """Return the angle of a · bᵀ; by the Frobenius norm of the difference, exact for small angles."""
    total = 0.0
    for i in range(3):
        for j in range(3):
            total += (a[i, j] - b[i, j]) ** 2
    return 2.0 * math.asin(min(1.0, math.sqrt(total / 8.0))) * _DEG


@njit(cache=True, nogil=True, error_model="numpy")
def line_distance_deg(orientation, line, lab, turned):  # type: ignore[no-untyped-def]
    """Return the angle between the line orientation · ``line`` and the line ``lab``; ``turned`` receives the first."""
    apply(orientation, line, turned)
    x = turned[1] * lab[2] - turned[2] * lab[1]
    y = turned[2] * lab[0] - turned[0] * lab[2]
    z = turned[0] * lab[1] - turned[1] * lab[0]
    return math.atan2(math.sqrt(x * x + y * y + z * z), abs(dot(turned, lab))) * _DEG


@njit(cache=True, nogil=True, error_model="numpy")
def minimal_rotation(start, end, out):  # type: ignore[no-untyped-def]
    """Write the smallest rotation that brings the unit vector ``start`` onto ``end``; any of them where opposite."""
    axis = np.empty(3)
    axis[0] = start[1] * end[2] - start[2] * end[1]
    axis[1] = start[2] * end[0] - start[0] * end[2]
    axis[2] = start[0] * end[1] - start[1] * end[0]
    sine = math.sqrt(dot(axis, axis))
    cosine = dot(start, end)
    if sine < 1e-12:
        if cosine > 0.0:
            write_identity(out)
            return
        least = 0 if abs(end[0]) < 0.6 else 1
        for i in range(3):
            axis[i] = (1.0 if i == least else 0.0) - end[least] * end[i]
        sine, norm = 0.0, math.sqrt(dot(axis, axis))
    else:
        norm = sine
    for i in range(3):
        axis[i] /= norm
    axis_rotation(axis, math.atan2(sine, cosine), out)


@njit(cache=True, error_model="numpy")
def _rank(orientation, is_line, goals, lines, lab, allowed, distance):  # type: ignore[no-untyped-def]
    """Write the error towards each equivalent to ``distance``, infinity where it is not allowed."""
    turned = np.empty(3)
    for j in range(distance.shape[0]):
        if not allowed[j]:
            distance[j] = math.inf
        elif is_line:
            distance[j] = line_distance_deg(orientation, lines[j], lab, turned)
        else:
            distance[j] = rotation_distance_deg(orientation, goals[j])


@njit(cache=True, error_model="numpy")
def _line_goal(orientation, line, lab, flip, turn_deg, out, work):  # type: ignore[no-untyped-def]
    """Write the orientation that lays ``line`` on ``lab`` by the smallest rotation, then turned about ``lab``.

    ``flip`` takes the other end of the line.
    """
    turned, end = work[0, 0], work[0, 1]
    apply(orientation, line, turned)
    sense = 1.0 if dot(turned, lab) >= 0.0 else -1.0
    for i in range(3):
        end[i] = lab[i] * sense * (-1.0 if flip else 1.0)
    minimal_rotation(turned, end, work[1])
    axis_rotation(lab, turn_deg / _DEG, work[2])
    multiply(work[2], work[1], work[3])
    multiply(work[3], orientation, out)


@njit(cache=True, nogil=True, error_model="numpy")
def nearest_batch(orientation, is_line, goals, lines, lab, allowed):  # type: ignore[no-untyped-def]
    """Find the nearest allowed goal of n orientations.

    Returns
    -------
    error_deg (n,), infinite where none is allowed; index (n,) of the equivalent; goal (n, 3, 3)
    """
    n, m = allowed.shape
    error = np.empty(n)
    index = np.empty(n, dtype=np.int64)
    goal = np.empty((n, 3, 3))
    distance = np.empty(m)
    work = np.empty((4, 3, 3))
    for row in range(n):
        _rank(orientation[row], is_line, goals, lines, lab, allowed[row], distance)
        best = np.argmin(distance)
        error[row], index[row] = distance[best], best
        if is_line:
            _line_goal(orientation[row], lines[best], lab, False, 0.0, goal[row], work)
        else:
            goal[row] = goals[best]
    return error, index, goal


@njit(cache=True, error_model="numpy")
def _try_goal(chain, goal, mount, near, positions, scratch, work, wanted):  # type: ignore[no-untyped-def]
    """Solve for the goniometer's rotation goal · mountᵀ; return whether it is reachable and what limits it."""
    multiply_transposed(goal, mount, wanted)
    return solve_one(chain, wanted, near, positions, scratch, work)


@njit(cache=True, error_model="numpy")
def _points_only(chain):  # type: ignore[no-untyped-def]
    """Whether just two axes turn, the innermost of the three being stuck: they point a line, but leave it no turn."""
    inner = chain.moving[2]
    turning = 0
    for i in range(chain.linear.shape[0]):
        turning += 0 if chain.linear[i] else 1
    return not chain.is_arm[0] and turning == 3 and chain.low[inner] == chain.high[inner]


@njit(cache=True, error_model="numpy")
def _point_line(chain, line, end, branch, mount, goal, spare):  # type: ignore[no-untyped-def]
    """Write the orientation in which two axes lay ``line`` along ``end``: R1(a) R2(b) v = end, both roots of b.

    Returns whether there is one. Paden & Kahan's second subproblem (Murray, Li & Sastry 1994, §3.3).
    """
    outer, middle, inner = chain.moving[0], chain.moving[1], chain.moving[2]
    n1, n2 = chain.vector[outer], chain.vector[middle]
    v, fixed, turned = spare[0, 0], spare[0, 1], spare[0, 2]
    apply(mount, line, fixed)
    axis_rotation(chain.vector[inner], (chain.low[inner] - chain.zero[inner]) / _DEG, spare[1])
    apply(spare[1], fixed, v)
    constant = dot(n1, n2) * dot(n2, v)
    roots = harmonic_roots(dot(n1, v) - constant, triple(n1, n2, v), dot(n1, end) - constant)
    if roots[2] > 0.0:
        return False
    axis_rotation(n2, roots[branch], spare[2])
    apply(spare[2], v, turned)
    axis_rotation(n1, angle_between(n1, turned, end), spare[3])
    multiply(spare[3], spare[2], spare[4])
    multiply(spare[4], spare[1], spare[2])
    multiply(spare[2], mount, goal)
    return True


@njit(cache=True, error_model="numpy")
def _search_family(chain, turned, line, lab, mount, near, positions, goal, scratch, work, spare):  # type: ignore[no-untyped-def]
    """Try the turns that lay one line on ``lab``, from the smallest rotation outwards; True if one is reachable.

    Where none of the samples is, the one that misses by least is refined, so that a narrow window is not overlooked.
    """
    spacing = 360.0 / FAMILY_SAMPLES
    least, middle, flip = math.inf, 0.0, False
    for attempt in range(2 * FAMILY_SAMPLES):
        sample = attempt % FAMILY_SAMPLES
        half = (sample + 1) // 2
        turn = spacing * (half if sample % 2 else -half)
        other = attempt >= FAMILY_SAMPLES
        _line_goal(turned, line, lab, other, turn, goal, spare)
        if _try_goal(chain, goal, mount, near, positions, scratch, work, spare[4])[0]:
            return True
        if scratch[3, 0] < least:
            least, middle, flip = scratch[3, 0], turn, other
    low, high = middle - spacing, middle + spacing
    for _ in range(_REFINEMENTS):
        third = (high - low) / 3.0
        miss_low = math.inf
        for side in range(2):
            _line_goal(turned, line, lab, flip, low + third if side == 0 else high - third, goal, spare)
            if _try_goal(chain, goal, mount, near, positions, scratch, work, spare[4])[0]:
                return True
            if side == 0:
                miss_low = scratch[3, 0]
        if miss_low < scratch[3, 0]:
            high -= third
        else:
            low += third
    return False


@njit(cache=True, error_model="numpy")
def _reach_line(chain, turned, line, lab, mount, near, positions, goal, scratch, work, spare):  # type: ignore[no-untyped-def]
    """Find an orientation that lays one line on ``lab``; returns whether one is reachable, and what limits it.

    Where none is, the goal and positions of the smallest rotation are left behind.
    """
    if _points_only(chain):
        end = np.empty(3)
        for attempt in range(4):
            end[:] = lab if attempt < 2 else -lab
            found = _point_line(chain, line, end, attempt % 2, mount, goal, spare)
            if found and _try_goal(chain, goal, mount, near, positions, scratch, work, spare[4])[0]:
                return True, -1, math.nan
    elif _search_family(chain, turned, line, lab, mount, near, positions, goal, scratch, work, spare):
        return True, -1, math.nan
    _line_goal(turned, line, lab, False, 0.0, goal, spare)
    _, limiting, needed = _try_goal(chain, goal, mount, near, positions, scratch, work, spare[4])
    return False, limiting, needed


@njit(cache=True, nogil=True, error_model="numpy")
def reach_batch(chain, orientation, mount, near, is_line, goals, lines, lab):  # type: ignore[no-untyped-def]
    """Find the nearest goal that the goniometer reaches, trying the equivalents from the nearest outwards.

    Returns
    -------
    reachable (n,), error_deg (n,), index (n,), goal (n, 3, 3), positions (n, k), limiting (n,), needed (n,);
    where no equivalent is reachable all of these speak of the nearest one
    """
    n, k = near.shape
    m = lines.shape[0] if is_line else goals.shape[0]
    reachable = np.empty(n, dtype=np.bool_)
    error, needed = np.empty(n), np.empty(n)
    index, limiting = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    goal, positions = np.empty((n, 3, 3)), np.empty((n, k))
    distance, allowed = np.empty(m), np.ones(m, dtype=np.bool_)
    scratch, work, spare = np.empty((4, k)), np.empty((12, 3, 3)), np.empty((5, 3, 3))
    trial_goal, trial = np.empty((3, 3)), np.empty(k)
    for row in range(n):
        _rank(orientation[row], is_line, goals, lines, lab, allowed, distance)
        reachable[row] = False
        for attempt in range(m):
            best = np.argmin(distance)
            if is_line:
                reached, axis, value = _reach_line(
                    chain,
                    orientation[row],
                    lines[best],
                    lab,
                    mount[row],
                    near[row],
                    trial,
                    trial_goal,
                    scratch,
                    work,
                    spare,
                )
            else:
                trial_goal[:] = goals[best]
                reached, axis, value = _try_goal(
                    chain, trial_goal, mount[row], near[row], trial, scratch, work, spare[4]
                )
            if reached or attempt == 0:
                reachable[row], limiting[row], needed[row] = reached, axis, value
                error[row], index[row] = distance[best], best
                goal[row], positions[row] = trial_goal, trial
            if reached:
                break
            distance[best] = math.inf
    return reachable, error, index, goal, positions, limiting, needed


@njit(cache=True, nogil=True, error_model="numpy")
def allowed_batch(chain, home, mount, is_line, goals, lines, lab):  # type: ignore[no-untyped-def]
    """Return (n, m): whether the goniometer reaches each equivalent with each of the mounts (n, 3, 3)."""
    n = mount.shape[0]
    k = home.shape[0]
    m = lines.shape[0] if is_line else goals.shape[0]
    allowed = np.empty((n, m), dtype=np.bool_)
    scratch, work, spare = np.empty((4, k)), np.empty((12, 3, 3)), np.empty((5, 3, 3))
    trial_goal, trial = np.empty((3, 3)), np.empty(k)
    start = np.empty((1, k))
    start[0] = home
    turned = np.empty((3, 3))
    rotation = forward_batch(chain, start)[0][0]
    for row in range(n):
        multiply(rotation, mount[row], turned)
        for j in range(m):
            if is_line:
                allowed[row, j] = _reach_line(
                    chain, turned, lines[j], lab, mount[row], home, trial, trial_goal, scratch, work, spare
                )[0]
            else:
                multiply_transposed(goals[j], mount[row], spare[4])
                allowed[row, j] = solve_one(chain, spare[4], home, trial, scratch, work, True)[0]
    return allowed
