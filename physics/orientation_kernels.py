"""Rotations of many samples, one row at a time: a row's result does not depend on the batch it came in."""

import math

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import uniform


@njit(cache=True, nogil=True)
def matrices_of_vectors(vector, out) -> None:  # type: ignore[no-untyped-def]
    """Rodrigues' formula: rotation vectors (n, 3) in radians to matrices ``out`` (n, 3, 3)."""
    for i in range(vector.shape[0]):
        x, y, z = vector[i, 0], vector[i, 1], vector[i, 2]
        square = x * x + y * y + z * z
        if square < 1e-12:
            # series: the quotients below lose all digits as the angle goes to zero
            sine, versine = 1.0 - square / 6.0, 0.5 - square / 24.0
        else:
            angle = math.sqrt(square)
            half = math.sin(0.5 * angle) / angle
            sine, versine = math.sin(angle) / angle, 2.0 * half * half
        out[i, 0, 0] = 1.0 - versine * (y * y + z * z)
        out[i, 1, 1] = 1.0 - versine * (x * x + z * z)
        out[i, 2, 2] = 1.0 - versine * (x * x + y * y)
        out[i, 0, 1] = versine * x * y - sine * z
        out[i, 1, 0] = versine * x * y + sine * z
        out[i, 0, 2] = versine * x * z + sine * y
        out[i, 2, 0] = versine * x * z - sine * y
        out[i, 1, 2] = versine * y * z - sine * x
        out[i, 2, 1] = versine * y * z + sine * x


@njit(cache=True, nogil=True)
def vectors_of_matrices(matrix, out) -> None:  # type: ignore[no-untyped-def]
    """Rotation vectors ``out`` (n, 3) in radians of matrices (n, 3, 3), largest quaternion component first."""
    for i in range(matrix.shape[0]):
        m = matrix[i]
        trace = m[0, 0] + m[1, 1] + m[2, 2]
        largest = 0
        for j in range(1, 3):
            if m[j, j] > m[largest, largest]:
                largest = j
        if trace > m[largest, largest]:
            w = 1.0 + trace
            x, y, z = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
        elif largest == 0:
            w = m[2, 1] - m[1, 2]
            x, y, z = 1.0 + 2.0 * m[0, 0] - trace, m[1, 0] + m[0, 1], m[0, 2] + m[2, 0]
        elif largest == 1:
            w = m[0, 2] - m[2, 0]
            x, y, z = m[1, 0] + m[0, 1], 1.0 + 2.0 * m[1, 1] - trace, m[2, 1] + m[1, 2]
        else:
            w = m[1, 0] - m[0, 1]
            x, y, z = m[0, 2] + m[2, 0], m[2, 1] + m[1, 2], 1.0 + 2.0 * m[2, 2] - trace
        if w < 0.0:
            w, x, y, z = -w, -x, -y, -z
        sine = math.sqrt(x * x + y * y + z * z)
        scale = 2.0 * math.atan2(sine, w) / sine if sine > 1e-8 * w else 2.0 / w
        out[i, 0], out[i, 1], out[i, 2] = scale * x, scale * y, scale * z


@njit(cache=True, nogil=True)
def smallest_angles(u, target, rotations, angle, which) -> None:  # type: ignore[no-untyped-def]
    """Smallest angle (n,) in radians between u·S and target over the rotations S (k, 3, 3), and which S gives it."""
    turn = np.empty((3, 3))
    for i in range(u.shape[0]):
        for a in range(3):
            for b in range(3):
                turn[a, b] = target[i, 0, a] * u[i, 0, b] + target[i, 1, a] * u[i, 1, b] + target[i, 2, a] * u[i, 2, b]
        best, best_trace = 0, -2.0
        for k in range(rotations.shape[0]):
            trace = 0.0
            for a in range(3):
                for b in range(3):
                    trace += turn[a, b] * rotations[k, b, a]
            if trace > best_trace:
                best, best_trace = k, trace
        # half the angle from its sine and its cosine: either alone loses half the digits at one end
        chord = 0.0
        for a in range(3):
            for b in range(3):
                product = 0.0
                for c in range(3):
                    product += turn[a, c] * rotations[best, c, b]
                difference = product - (1.0 if a == b else 0.0)
                chord += difference * difference
        angle[i] = 2.0 * math.atan2(math.sqrt(0.5 * chord), math.sqrt(max(0.0, 1.0 + best_trace)))
        which[i] = best


@njit(cache=True, nogil=True)
def uniform_rotations(keys, out) -> None:  # type: ignore[no-untyped-def]
    """Rotations ``out`` (n, 3, 3) uniform on SO(3), from the first three draws of each key (Shoemake 1992)."""
    for i in range(keys.shape[0]):
        first = uniform(keys[i], 0)
        beta = 2.0 * math.pi * uniform(keys[i], 1)
        gamma = 2.0 * math.pi * uniform(keys[i], 2)
        short, long = math.sqrt(1.0 - first), math.sqrt(first)
        x, y = short * math.sin(beta), short * math.cos(beta)
        z, w = long * math.sin(gamma), long * math.cos(gamma)
        out[i, 0, 0] = 1.0 - 2.0 * (y * y + z * z)
        out[i, 1, 1] = 1.0 - 2.0 * (x * x + z * z)
        out[i, 2, 2] = 1.0 - 2.0 * (x * x + y * y)
        out[i, 0, 1], out[i, 1, 0] = 2.0 * (x * y - z * w), 2.0 * (x * y + z * w)
        out[i, 0, 2], out[i, 2, 0] = 2.0 * (x * z + y * w), 2.0 * (x * z - y * w)
        out[i, 1, 2], out[i, 2, 1] = 2.0 * (y * z - x * w), 2.0 * (y * z + x * w)
