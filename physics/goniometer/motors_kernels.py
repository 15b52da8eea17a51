"""Kernels of the imperfect motors: true positions after a command, and the sample's offset as the axes turn."""

import math

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import normal
from beamgym.physics.goniometer.algebra_kernels import apply, axis_rotation

# ruff: noqa: ANN201 - numba kernels carry no annotations

_DEG = 180.0 / math.pi


@njit(cache=True, nogil=True)
def normal_batch(keys, count, first):  # type: ignore[no-untyped-def]
    """Draw (n, count) standard normal numbers, the numbers ``first`` and following of each of the keys (n,)."""
    out = np.empty((keys.shape[0], count))
    for row in range(keys.shape[0]):
        for i in range(count):
            out[row, i] = normal(keys[row], first + i)
    return out


@njit(cache=True, nogil=True)
def move_batch(motor, true, target, mask, low, high, step, speed, settle, backlash):  # type: ignore[no-untyped-def]
    """Move n × k motors; returns (motor, true, duration_s), the arrays given being left alone.

    ``motor`` counts steps, ``true`` is what the axis does: it is dragged along once the play is used up (play operator;
    Krasnosel'skii & Pokrovskii, "Systems with Hysteresis", 1989).
    """
    n, k = target.shape
    new_motor, new_true = motor.copy(), true.copy()
    duration = np.zeros(n)
    for row in range(n):
        if not mask[row]:
            continue
        for i in range(k):
            goal = target[row, i]
            if step[i] > 0.0:
                goal = step[i] * math.floor(goal / step[i] + 0.5)
                if goal > high[i]:
                    goal -= step[i]
                elif goal < low[i]:
                    goal += step[i]
            distance = abs(goal - motor[row, i])
            if distance > 0.0:
                duration[row] = max(duration[row], distance / speed[i] + settle[i])
            half = 0.5 * backlash[i]
            new_motor[row, i] = goal
            new_true[row, i] = min(max(true[row, i], goal - half), goal + half)
    return new_motor, new_true, duration


@njit(cache=True, nogil=True)
def offset_batch(chain, positions, miss):  # type: ignore[no-untyped-def]
    """Return (n, 3) mm by which the sample moves when axis i misses the common point by ``miss`` (n, k, 3)."""
    n, k = positions.shape
    out = np.zeros((n, 3))
    turn, v = np.empty((3, 3)), np.empty(3)
    for row in range(n):
        for i in range(k - 1, -1, -1):
            if chain.linear[i]:
                continue
            axis_rotation(chain.vector[i], (positions[row, i] - chain.zero[i]) / _DEG, turn)
            for j in range(3):
                v[j] = out[row, j] - miss[row, i, j]
            apply(turn, v, out[row])
            for j in range(3):
                out[row, j] += miss[row, i, j]
    return out
