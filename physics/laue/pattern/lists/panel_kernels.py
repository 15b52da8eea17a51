"""Numba kernels of panels: whether one can stand so, how it projects rays, and which angles it covers."""

import math
from typing import Any

import numpy as np
from numba import njit

_TOLERANCE, _MIN_STAND_OFF_MM = 1e-6, 1e-3  # of a panel's unit vectors, and of its distance


@njit(cache=True, nogil=True, error_model="numpy")
def first_bad_rotation(u, tolerance) -> Any:  # type: ignore[no-untyped-def]
    """Return the place of the first matrix (n, 3, 3) that is not a proper rotation to ``tolerance``, or −1."""
    for n in range(u.shape[0]):
        m = u[n]
        for i in range(3):
            for j in range(i, 3):
                product = m[i, 0] * m[j, 0] + m[i, 1] * m[j, 1] + m[i, 2] * m[j, 2]
                if not abs(product - (1.0 if i == j else 0.0)) <= tolerance:
                    return n
        first = m[0, 0] * (m[1, 1] * m[2, 2] - m[1, 2] * m[2, 1])
        second = m[0, 1] * (m[1, 2] * m[2, 0] - m[1, 0] * m[2, 2])
        if first + second + m[0, 2] * (m[1, 0] * m[2, 1] - m[1, 1] * m[2, 0]) < 0.0:
            return n
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def first_bad_panel(panels) -> Any:  # type: ignore[no-untyped-def]
    """Return the first row (n, 9) whose axes are no perpendicular unit vectors or whose plane meets the sample."""
    for n in range(panels.shape[0]):
        origin, fast, slow = panels[n, :3], panels[n, 3:6], panels[n, 6:]
        off = max(abs(np.sum(fast * fast) - 1.0), abs(np.sum(slow * slow) - 1.0), abs(np.sum(fast * slow)))
        if not off <= _TOLERANCE:
            return n
        stand_off = origin[0] * (fast[1] * slow[2] - fast[2] * slow[1])
        stand_off += origin[1] * (fast[2] * slow[0] - fast[0] * slow[2])
        stand_off += origin[2] * (fast[0] * slow[1] - fast[1] * slow[0])
        if not _MIN_STAND_OFF_MM <= abs(stand_off) < np.inf:
            return n
    return -1


@njit(cache=True, error_model="numpy", inline="always")
def row_dot(matrix, row, x, y, z) -> Any:  # type: ignore[no-untyped-def]
    """Return one row of a matrix (3, 3) times (x, y, z)."""
    return matrix[row, 0] * x + matrix[row, 1] * y + matrix[row, 2] * z


@njit(cache=True, nogil=True, error_model="numpy")
def panel_frame(panel, pixel_mm, frame) -> None:  # type: ignore[no-untyped-def]
    """Turn (origin, fast, slow) of one panel into projections: position = (uf·frame[0], uf·frame[1]) / (uf·frame[2]).

    With N the normal and D the distance, position_fast = (D uf·fast / uf·N − origin·fast) / pixel: the second term is
    folded into the first by writing it over the common denominator uf·N.
    """
    normal_x = panel[4] * panel[8] - panel[5] * panel[7]
    normal_y = panel[5] * panel[6] - panel[3] * panel[8]
    normal_z = panel[3] * panel[7] - panel[4] * panel[6]
    distance = panel[0] * normal_x + panel[1] * normal_y + panel[2] * normal_z
    if distance < 0.0:
        normal_x, normal_y, normal_z, distance = -normal_x, -normal_y, -normal_z, -distance
    frame[2, 0], frame[2, 1], frame[2, 2] = normal_x, normal_y, normal_z
    for axis in range(2):
        first = 3 + 3 * axis
        foot = panel[0] * panel[first] + panel[1] * panel[first + 1] + panel[2] * panel[first + 2]
        for k in range(3):
            frame[axis, k] = (distance * panel[first + k] - foot * frame[2, k]) / pixel_mm


@njit(cache=True, nogil=True, error_model="numpy")
def sines_of_panel(stand, panel) -> Any:  # type: ignore[no-untyped-def]
    """Return the smallest and largest sin θ of any ray that lands on a panel (9,), to 1e-7; 0 and 1 of a cylinder.

    The scattering angle has no extreme inside the panel but where the beam's line meets it; the others lie at a corner
    or at the one turning point of an edge, where x/|p| along p = a + t b has none: t = (bₓ a² − aₓ ab)/(aₓ b² − bₓ ab).
    """
    if panel.radius_mm > 0.0:
        return 0.0, 1.0
    corners = np.empty((4, 3))
    for corner in range(4):
        right = panel.pixel_mm * (-0.5 if corner in (0, 3) else panel.columns - 0.5)
        down = panel.pixel_mm * (-0.5 if corner < 2 else panel.rows - 0.5)
        for k in range(3):
            corners[corner, k] = stand[k] + right * stand[3 + k] + down * stand[6 + k]
    low, high = 1.0, -1.0  # of cos 2θ
    surrounded, turns = True, 0.0
    for corner in range(4):
        a, c = corners[corner], corners[(corner + 1) % 4]
        bx, by, bz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        aa, bb = a[0] * a[0] + a[1] * a[1] + a[2] * a[2], bx * bx + by * by + bz * bz
        ab = a[0] * bx + a[1] * by + a[2] * bz
        cosine = a[0] / math.sqrt(aa)
        low, high = min(low, cosine), max(high, cosine)
        t = (bx * aa - a[0] * ab) / (a[0] * bb - bx * ab)
        if 0.0 < t < 1.0:
            cosine = (a[0] + t * bx) / math.sqrt(aa + 2.0 * t * ab + t * t * bb)
            low, high = min(low, cosine), max(high, cosine)
        turn = a[1] * c[2] - a[2] * c[1]
        surrounded = surrounded and turn * turns >= 0.0
        turns = turn if turn != 0.0 else turns
    if surrounded:
        low, high = (low, 1.0) if corners[0, 0] + corners[2, 0] > 0.0 else (-1.0, high)
    return math.sqrt(0.5 * (1.0 - high)) - 1e-7, math.sqrt(0.5 * (1.0 - low)) + 1e-7
