"""Kernels of the fit of band positions: how well cuts agree with a crystal that stands in a given way.

Strengths are free at every angle and for either band, from 0 up, and so is a background: only where bands lie counts.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.arpes.aligning.cut_kernels import emission
from beamgym.physics.arpes.bands_models import band_energy

PARAMETERS = 7
"""Two tilts and the azimuth of the crystal on its mount, zeros along and across the slit, degrees; shift of the bands
in eV, and the logarithm of their scale."""
_RADIAN = math.pi / 180.0


@njit(cache=True, nogil=True, error_model="numpy")
def crystal_frame(theta, out) -> None:  # type: ignore[no-untyped-def]
    """Write R_x(first) R_y(second) R_z(third) of angles in degrees, (3, 3)."""
    ca, sa = math.cos(theta[0] * _RADIAN), math.sin(theta[0] * _RADIAN)
    cb, sb = math.cos(theta[1] * _RADIAN), math.sin(theta[1] * _RADIAN)
    cc, sc = math.cos(theta[2] * _RADIAN), math.sin(theta[2] * _RADIAN)
    out[0, 0], out[0, 1], out[0, 2] = cb * cc, -cb * sc, sb
    out[1, 0], out[1, 1], out[1, 2] = ca * sc + sa * sb * cc, ca * cc - sa * sb * sc, -sa * cb
    out[2, 0], out[2, 1], out[2, 2] = sa * sc - ca * sb * cc, sa * cc + ca * sb * sc, ca * cb


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _gain(first, second, one, two, both) -> Any:  # type: ignore[no-untyped-def]
    """Return half the fall of the sum of squares by two lines with strengths from 0 up."""
    apart = one * two - both * both
    a, b = first * two - second * both, second * one - first * both
    if apart > 1e-6 * one * two and a >= 0.0 and b >= 0.0:
        return 0.5 * (a * first + b * second) / apart
    alone = max(first, 0.0) ** 2 / one
    other = max(second, 0.0) ** 2 / two
    return 0.5 * max(alone, other)


@njit(cache=True, nogil=True, error_model="numpy")
def cut_agreement(theta, turn, slit_deg, wave, code, constant, terms, first_ev, step_ev, dots, gram, noise) -> Any:  # type: ignore[no-untyped-def]
    """Return the logarithm of a cut's likelihood, up to a constant.

    ``theta`` (7,), ``turn`` (3, 3) of the manipulator, ``slit_deg`` (a,), ``wave`` 1/Å, ``dots`` (a, m) products of the
    columns with lines at ``first_ev`` + i · ``step_ev``, ``gram`` (m, m) of those lines, ``noise`` (a,) variances.
    """
    frame, way = np.empty((3, 3)), np.empty(3)
    crystal_frame(theta, frame)
    full = turn @ frame
    most, total = gram.shape[0] - 2, 0.0
    scale = math.exp(theta[6])
    place, part = np.empty(2, np.int64), np.empty(2)
    for c in range(len(slit_deg)):
        emission((slit_deg[c] - theta[3]) * _RADIAN, -theta[4] * _RADIAN, way)
        kx = wave * (full[0, 0] * way[0] + full[1, 0] * way[1] + full[2, 0] * way[2])
        ky = wave * (full[0, 1] * way[0] + full[1, 1] * way[1] + full[2, 1] * way[2])
        for b in range(2):
            energy = theta[5] + scale * band_energy(code, constant, constant, kx, ky, terms[b])
            where = min(max((energy - first_ev) / step_ev, 0.0), most + 0.999)
            place[b] = int(where)
            part[b] = where - place[b]
        i, j = place[0], place[1]
        first = dots[c, i] + part[0] * (dots[c, i + 1] - dots[c, i])
        second = dots[c, j] + part[1] * (dots[c, j + 1] - dots[c, j])
        one, two = (
            gram[i, i] + part[0] * (gram[i + 1, i + 1] - gram[i, i]),
            gram[j, j] + part[1] * (gram[j + 1, j + 1] - gram[j, j]),
        )
        left = gram[i, j] + part[1] * (gram[i, j + 1] - gram[i, j])
        right = gram[i + 1, j] + part[1] * (gram[i + 1, j + 1] - gram[i + 1, j])
        both = left + part[0] * (right - left)
        total += _gain(first, second, max(one, 1e-9), max(two, 1e-9), both) / noise[c]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def agreements(thetas, turns, slit_deg, wave, code, constant, terms, first_ev, step_ev, dots, gram, noise, out) -> None:  # type: ignore[no-untyped-def]
    """Write the sum over cuts (k, ...) of ``cut_agreement`` for many ``thetas`` (t, 7), ``out`` (t,)."""
    for t in range(len(thetas)):
        total = 0.0
        for k in range(len(turns)):
            total += cut_agreement(
                thetas[t], turns[k], slit_deg, wave, code, constant, terms, first_ev, step_ev, dots[k], gram, noise[k]
            )
        out[t] = total
