"""Kernels of the adjustment: where rays land on a panel, and the normal equations of all that decides it.

A ray of direction d leaves the sample at the origin and meets the panel, c + a f + b s with centre c, edges f and s and
normal n, at λ = (c·n)/(d·n). Of a turn ω of the crystal, a shift of the panel and a tilt about its centre everything
follows by the chain rule; d = x − 2 (x·q) q with the unit plane normal q.
"""

import math

import numpy as np
from numba import njit

from beamgym.physics.laue.estimation.model.bent_kernels import add_tilts_bent, land_bent

# ruff: noqa: ANN201 - numba kernels carry no annotations

_RAD = math.pi / 180.0


@njit(cache=True, error_model="numpy")
def land(q, centre, fast, slow, normal, out):  # type: ignore[no-untyped-def]
    """Write where a plane normal q (3,) sends its spot: mm from the panel's centre along fast and slow, and λ.

    Returns False where the ray never meets the panel.
    """
    dx = 1.0 - 2.0 * q[0] * q[0]
    dy, dz = -2.0 * q[0] * q[1], -2.0 * q[0] * q[2]
    towards = dx * normal[0] + dy * normal[1] + dz * normal[2]
    away = centre[0] * normal[0] + centre[1] * normal[1] + centre[2] * normal[2]
    if towards * away <= 0.0:
        return False
    reach = away / towards
    px, py, pz = reach * dx - centre[0], reach * dy - centre[1], reach * dz - centre[2]
    out[0] = px * fast[0] + py * fast[1] + pz * fast[2]
    out[1] = px * slow[0] + py * slow[1] + pz * slow[2]
    out[2] = reach
    return True


@njit(cache=True, error_model="numpy")
def landed(h, turned, panel, pixel_mm):  # type: ignore[no-untyped-def]
    """Return where plane normals h (m, 3) of any length send their spots, (m, 2) pixels; NaN where on no panel.

    ``turned`` (3, 3) takes them into the lab; ``panel`` (9,) holds the first pixel's place, fast and slow.
    """
    out = np.full((h.shape[0], 2), np.nan)
    q, place, normal = np.empty(3), np.empty(3), np.empty(3)
    corner, fast, slow = panel[:3], panel[3:6], panel[6:]
    for a in range(3):
        b, c = (a + 1) % 3, (a + 2) % 3
        normal[a] = fast[b] * slow[c] - fast[c] * slow[b]
    for j in range(h.shape[0]):
        length = math.sqrt(h[j, 0] * h[j, 0] + h[j, 1] * h[j, 1] + h[j, 2] * h[j, 2])
        for a in range(3):
            q[a] = (turned[a, 0] * h[j, 0] + turned[a, 1] * h[j, 1] + turned[a, 2] * h[j, 2]) / length
        if land(q, corner, fast, slow, normal, place):
            out[j, 0], out[j, 1] = place[0] / pixel_mm, place[1] / pixel_mm
    return out


@njit(cache=True, error_model="numpy")
def _by_turn_and_shift(q, place, edges, normal, turn, shift) -> None:  # type: ignore[no-untyped-def]
    """Write how a spot (2,) moves as the crystal turns about each lab axis (mm/deg), and as the panel shifts."""
    reach = place[2]
    dq, dd = np.empty(3), np.empty(3)
    d0, d1, d2 = 1.0 - 2.0 * q[0] * q[0], -2.0 * q[0] * q[1], -2.0 * q[0] * q[2]
    towards = d0 * normal[0] + d1 * normal[1] + d2 * normal[2]
    for e in range(2):
        along = d0 * edges[e, 0] + d1 * edges[e, 1] + d2 * edges[e, 2]
        for a in range(3):
            # turn about lab axis a by one degree: dq = a × q
            dq[0] = dq[1] = dq[2] = 0.0
            b, c = (a + 1) % 3, (a + 2) % 3
            dq[b], dq[c] = -q[c] * _RAD, q[b] * _RAD
            for i in range(3):
                dd[i] = -2.0 * (dq[0] * q[i] + q[0] * dq[i])
            dn = dd[0] * normal[0] + dd[1] * normal[1] + dd[2] * normal[2]
            de = dd[0] * edges[e, 0] + dd[1] * edges[e, 1] + dd[2] * edges[e, 2]
            turn[e, a] = reach * (de - along * dn / towards)
            shift[e, a] = along * normal[a] / towards - edges[e, a]


@njit(cache=True, error_model="numpy")
def _add_tilts(q, place, centre, edges, normal, first, row) -> None:  # type: ignore[no-untyped-def]
    """Add how a spot moves as the panel turns about its edges and its normal, through its centre, mm/deg: 3 columns."""
    reach = place[2]
    d0, d1, d2 = 1.0 - 2.0 * q[0] * q[0], -2.0 * q[0] * q[1], -2.0 * q[0] * q[2]
    towards = d0 * normal[0] + d1 * normal[1] + d2 * normal[2]
    v0, v1, v2 = reach * d0 - centre[0], reach * d1 - centre[1], reach * d2 - centre[2]
    for k in range(2):
        w = edges[k]
        n0 = w[1] * normal[2] - w[2] * normal[1]
        n1 = w[2] * normal[0] - w[0] * normal[2]
        n2 = w[0] * normal[1] - w[1] * normal[0]
        dreach = -(v0 * n0 + v1 * n1 + v2 * n2) / towards
        for e in range(2):
            g0 = w[1] * edges[e, 2] - w[2] * edges[e, 1]
            g1 = w[2] * edges[e, 0] - w[0] * edges[e, 2]
            g2 = w[0] * edges[e, 1] - w[1] * edges[e, 0]
            along = d0 * edges[e, 0] + d1 * edges[e, 1] + d2 * edges[e, 2]
            row[e, first + k] += _RAD * (dreach * along + v0 * g0 + v1 * g1 + v2 * g2)
    row[0, first + 2] += _RAD * place[1]
    row[1, first + 2] -= _RAD * place[0]


@njit(cache=True, error_model="numpy")
def _add_cell(h, length, q, turned, modes, turn, first, row) -> None:  # type: ignore[no-untyped-def]
    """Add how a spot moves as the cell changes its shape, mm per 1, to the columns of its modes.

    h (3,) is the plane normal in the crystal's frame, ``length`` its own once deformed. A mode moves it like a turn
    about q × dq.
    """
    dv, dq = np.empty(3), np.empty(3)
    for k in range(modes.shape[0]):
        for a in range(3):
            dv[a] = (modes[k, a, 0] * h[0] + modes[k, a, 1] * h[1] + modes[k, a, 2] * h[2]) / length
        for a in range(3):
            dq[a] = turned[a, 0] * dv[0] + turned[a, 1] * dv[1] + turned[a, 2] * dv[2]
        for a in range(3):
            b, c = (a + 1) % 3, (a + 2) % 3
            about = (q[b] * dq[c] - q[c] * dq[b]) / _RAD
            for e in range(2):
                row[e, first + k] += turn[e, a] * about


@njit(cache=True, error_model="numpy")
def _add_to_equations(row, r0, r1, weight, matrix, gradient) -> None:  # type: ignore[no-untyped-def]
    """Add one spot to the lower half of Σ w JᵀJ, and to Σ w Jᵀr."""
    for k in range(gradient.shape[0]):
        a0, a1 = weight * row[0, k], weight * row[1, k]
        gradient[k] += a0 * r0 + a1 * r1
        if a0 == 0.0 and a1 == 0.0:
            continue
        for i in range(k + 1):
            matrix[k, i] += a0 * row[0, i] + a1 * row[1, i]


@njit(cache=True, error_model="numpy")
def normal_equations(  # type: ignore[no-untyped-def]
    h,
    frame,
    found_mm,
    turned,
    centres,
    edges,
    by_turn,
    by_shift,
    tilt,
    modes,
    cell,
    strain,
    radius,
    scale_mm,
    matrix,
    gradient,
    residual,
):
    """Fill the normal equations of matched spots; weights are Cauchy's of the residual in units of ``scale_mm``.

    Parameters
    ----------
    h : (m, 3) unit plane normals in the crystal's frame
    frame : (m,) frame of each spot
    found_mm : (m, 2) found spots, mm from the nominal centre along the panel's edges
    turned : (T, 3, 3) crystal to lab
    centres : (T, 3) the panel's centre as each frame's sample sees it
    edges : (3, 3) rows: the panel's fast, slow and their cross product
    by_turn, by_shift : (T, 3, P) turn of the crystal in the lab (degrees) and shift of the panel (mm), per parameter
    tilt : first of the three columns of the panel's turns about fast, slow and its normal
    modes : (M, 3, 3) ways in which the reciprocal cell may differ in shape
    cell : first of their M columns
    strain : (3, 3) what the cell differs by now: normals are those of ``strain @ h``
    radius : mm of a plate bent to a cylinder, whose centre is its axis; negative where the edges' cross product points
        inwards, 0 of a flat panel
    scale_mm : residual at which a spot's weight is one half
    matrix, gradient : (P, P) and (P,) to which Σ w JᵀJ and Σ w Jᵀr are added
    residual : (m, 2) receives found less predicted, mm

    Returns
    -------
    sum of the weights
    """
    p = matrix.shape[0]
    place, q, v = np.empty(3), np.empty(3), np.empty(3)
    row = np.empty((2, p))
    turn, shift = np.empty((2, 3)), np.empty((2, 3))
    local = edges.copy()
    around = 2.0 * math.pi * abs(radius)
    total = 0.0
    for j in range(h.shape[0]):
        t = frame[j]
        for a in range(3):
            v[a] = strain[a, 0] * h[j, 0] + strain[a, 1] * h[j, 1] + strain[a, 2] * h[j, 2]
        length = math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
        for a in range(3):
            q[a] = (turned[t, a, 0] * v[0] + turned[t, a, 1] * v[1] + turned[t, a, 2] * v[2]) / length
        if radius != 0.0:
            meets = land_bent(q, centres[t], edges, radius, place, local)
        else:
            meets = land(q, centres[t], edges[0], edges[1], edges[2], place)
        if not meets:
            residual[j, 0] = residual[j, 1] = 1e3
            continue
        r0, r1 = found_mm[j, 0] - place[0], found_mm[j, 1] - place[1]
        if around > 0.0:
            r0 -= around * round(r0 / around)
        residual[j, 0], residual[j, 1] = r0, r1
        weight = 1.0 / (1.0 + (r0 * r0 + r1 * r1) / (scale_mm * scale_mm))
        total += weight
        _by_turn_and_shift(q, place, local, local[2], turn, shift)
        for k in range(p):
            for e in range(2):
                total_k = 0.0
                for a in range(3):
                    total_k += turn[e, a] * by_turn[t, a, k] + shift[e, a] * by_shift[t, a, k]
                row[e, k] = total_k
        if radius != 0.0:
            add_tilts_bent(q, place[2], centres[t], edges, local, tilt, row)
        else:
            _add_tilts(q, place, centres[t], edges, edges[2], tilt, row)
        _add_cell(h[j], length, q, turned[t], modes, turn, cell, row)
        _add_to_equations(row, r0, r1, weight, matrix, gradient)
    for k in range(p):
        for i in range(k):
            matrix[i, k] = matrix[k, i]
    return total


@njit(cache=True)
def play_course(counts, play, start):  # type: ignore[no-untyped-def]
    """Return how far each axis stands from its motor's count, (T, k), and its derivatives by play and start.

    The play operator of one axis: it is dragged along once the play is used up.
    """
    frames, k = counts.shape
    off, by_play, by_start = np.zeros((frames, k)), np.zeros((frames, k)), np.zeros((frames, k))
    for i in range(k):
        place, slope, begun = counts[0, i] + start[i], 0.0, 1.0
        for t in range(frames):
            half = 0.5 * play[i]
            if t > 0:
                if place < counts[t, i] - half:
                    place, slope, begun = counts[t, i] - half, -0.5, 0.0
                elif place > counts[t, i] + half:
                    place, slope, begun = counts[t, i] + half, 0.5, 0.0
            off[t, i], by_play[t, i], by_start[t, i] = place - counts[t, i], slope, begun
    return off, by_play, by_start


@njit(cache=True)
def mutual_nearest(one, two, reach):  # type: ignore[no-untyped-def]
    """Return for each of ``one`` (p, 2) its partner among ``two`` (q, 2), or −1: each other's nearest, within reach."""
    p, q = one.shape[0], two.shape[0]
    forth, back = np.full(p, -1), np.full(q, -1)
    near, close = np.full(p, reach * reach), np.full(q, reach * reach)
    for i in range(p):
        for j in range(q):
            u, v = one[i, 0] - two[j, 0], one[i, 1] - two[j, 1]
            d = u * u + v * v
            if d < near[i]:
                near[i], forth[i] = d, j
            if d < close[j]:
                close[j], back[j] = d, i
    for i in range(p):
        if forth[i] >= 0 and back[forth[i]] != i:
            forth[i] = -1
    return forth
