"""Kernels of the adjustment for plates bent to a cylinder: where rays land, and how that changes.

About the place where a ray lands the plate is the flat panel that touches it there: how a spot moves along the plate is
how it moves on that panel. Its centre, about which it turns, is the cylinder's axis.
"""

import math

import numpy as np
from numba import njit

# ruff: noqa: ANN201 - numba kernels carry no annotations

_RAD = math.pi / 180.0


@njit(cache=True, error_model="numpy")
def land_bent(q, pivot, edges, radius, out, local):  # type: ignore[no-untyped-def]
    """Write where a plane normal q (3,) sends its spot: mm from the middle around and along, and λ.

    Parameters
    ----------
    pivot : (3,) middle of the axis, from the sample
    edges : (3, 3) rows: fast and slow at the middle column, and their cross product
    radius : mm; negative where the cross product of the edges points inwards
    out : (3,) the result
    local : (3, 3) receives the edges where the spot lies

    Returns
    -------
    False where the ray never meets the cylinder
    """
    dx, dy, dz = 1.0 - 2.0 * q[0] * q[0], -2.0 * q[0] * q[1], -2.0 * q[0] * q[2]
    sign = 1.0 if radius > 0.0 else -1.0
    f = dx * edges[0, 0] + dy * edges[0, 1] + dz * edges[0, 2]
    s = dx * edges[1, 0] + dy * edges[1, 1] + dz * edges[1, 2]
    n = sign * (dx * edges[2, 0] + dy * edges[2, 1] + dz * edges[2, 2])
    cf = pivot[0] * edges[0, 0] + pivot[1] * edges[0, 1] + pivot[2] * edges[0, 2]
    cs = pivot[0] * edges[1, 0] + pivot[1] * edges[1, 1] + pivot[2] * edges[1, 2]
    cn = sign * (pivot[0] * edges[2, 0] + pivot[1] * edges[2, 1] + pivot[2] * edges[2, 2])
    square, inner, power = f * f + n * n, f * cf + n * cn, radius * radius - cf * cf - cn * cn
    if square < 1e-12 or power <= 0.0:
        return False
    reach = (inner + math.sqrt(inner * inner + square * power)) / square
    angle = math.atan2(reach * f - cf, reach * n - cn)
    out[0], out[1], out[2] = abs(radius) * angle, reach * s - cs, reach
    cosine, sine = math.cos(angle), sign * math.sin(angle)
    for k in range(3):
        local[0, k] = cosine * edges[0, k] - sine * edges[2, k]
        local[1, k] = edges[1, k]
        local[2, k] = cosine * edges[2, k] + sine * edges[0, k]
    return True


@njit(cache=True, error_model="numpy")
def landed_bent(h, turned, panel, pixel_mm, radius, middle):  # type: ignore[no-untyped-def]
    """Return where plane normals h (m, 3) of any length send their spots on a cylinder, (m, 2) pixels.

    Parameters
    ----------
    turned : (3, 3) takes them into the lab
    panel : (9,) the flat panel that touches the cylinder along its middle column: its first pixel, fast and slow
    radius : mm; negative where the cross product of fast and slow points inwards
    middle : (2,) the middle, pixels
    """
    out = np.full((h.shape[0], 2), np.nan)
    q, place, pivot, edges, local = np.empty(3), np.empty(3), np.empty(3), np.empty((3, 3)), np.empty((3, 3))
    edges[0], edges[1] = panel[3:6], panel[6:]
    for a in range(3):
        b, c = (a + 1) % 3, (a + 2) % 3
        edges[2, a] = edges[0, b] * edges[1, c] - edges[0, c] * edges[1, b]
    for a in range(3):
        along = middle[0] * edges[0, a] + middle[1] * edges[1, a]
        pivot[a] = panel[a] + pixel_mm * along - radius * edges[2, a]
    for j in range(h.shape[0]):
        length = math.sqrt(h[j, 0] * h[j, 0] + h[j, 1] * h[j, 1] + h[j, 2] * h[j, 2])
        for a in range(3):
            q[a] = (turned[a, 0] * h[j, 0] + turned[a, 1] * h[j, 1] + turned[a, 2] * h[j, 2]) / length
        if land_bent(q, pivot, edges, radius, place, local):
            out[j, 0], out[j, 1] = middle[0] + place[0] / pixel_mm, middle[1] + place[1] / pixel_mm
    return out


@njit(cache=True, error_model="numpy")
def add_tilts_bent(q, reach, pivot, edges, local, first, row) -> None:  # type: ignore[no-untyped-def]
    """Add how a spot moves as the cylinder turns about its edges, through the middle of its axis, mm/deg: 3 columns."""
    d0, d1, d2 = 1.0 - 2.0 * q[0] * q[0], -2.0 * q[0] * q[1], -2.0 * q[0] * q[2]
    normal = local[2]
    towards = d0 * normal[0] + d1 * normal[1] + d2 * normal[2]
    v0, v1, v2 = reach * d0 - pivot[0], reach * d1 - pivot[1], reach * d2 - pivot[2]
    for k in range(3):
        w = edges[k]
        # the plate moves by w × v where the spot lies; the spot moves against that along it, as if it were shifted so
        m0, m1, m2 = w[1] * v2 - w[2] * v1, w[2] * v0 - w[0] * v2, w[0] * v1 - w[1] * v0
        across = (m0 * normal[0] + m1 * normal[1] + m2 * normal[2]) / towards
        for e in range(2):
            along = d0 * local[e, 0] + d1 * local[e, 1] + d2 * local[e, 2]
            row[e, first + k] += _RAD * (along * across - (m0 * local[e, 0] + m1 * local[e, 1] + m2 * local[e, 2]))
