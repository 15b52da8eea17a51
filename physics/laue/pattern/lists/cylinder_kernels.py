"""Numba kernels of plates bent to a cylinder: the frame of one, and where the candidates' rays land on it."""

import math

from numba import njit

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.pattern.lists.candidate_kernels import (
    ENERGY,
    EXIT_X,
    EXIT_Y,
    EXIT_Z,
    FAST,
    LAB_X,
    LENGTH,
    SLOW,
    TOWARDS,
    X,
    Y,
    Z,
)


@njit(cache=True, nogil=True, error_model="numpy")
def cylinder_frame(stand, panel, frame) -> None:  # type: ignore[no-untyped-def]
    """Write fast, slow and outward normal of the middle column into ``frame`` (4, 3), then where axis and rows are.

    The last row holds the axis along fast and along the normal, and the first row's place along the axis, all from the
    sample in mm. ``stand`` (9,) is the panel that touches the cylinder along its middle column.
    """
    for k in range(3):
        frame[0, k], frame[1, k] = stand[3 + k], stand[6 + k]
    frame[2, 0] = stand[4] * stand[8] - stand[5] * stand[7]
    frame[2, 1] = stand[5] * stand[6] - stand[3] * stand[8]
    frame[2, 2] = stand[3] * stand[7] - stand[4] * stand[6]
    across = down = away = 0.0
    for k in range(3):
        across += stand[k] * frame[0, k]
        down += stand[k] * frame[1, k]
        away += stand[k] * frame[2, k]
    if away < 0.0:
        away = -away
        for k in range(3):
            frame[2, k] = -frame[2, k]
    frame[3, 0] = across + panel.pixel_mm * 0.5 * (panel.columns - 1)
    frame[3, 1], frame[3, 2] = away - panel.radius_mm, down


@njit(cache=True, nogil=True, error_model="numpy")
def land_on_cylinder(u, frame, panel, rays, candidates, scratch) -> None:  # type: ignore[no-untyped-def]
    """Do what ``land`` does on a cylinder: exit ray, place and energy of the candidates, and which of them land."""
    chosen, passed, work = scratch.chosen, scratch.passed, scratch.work
    across, outward, first_row = frame[3, 0], frame[3, 1], frame[3, 2]
    radius, middle = panel.radius_mm, 0.5 * (panel.columns - 1)
    away = outward + radius
    power = away * (2.0 * radius - away) - across * across
    last_column, last_row = panel.columns - 0.5, panel.rows - 0.5
    for item in range(candidates):
        i = chosen[item]
        x, y, z = rays.exact[i, 0], rays.exact[i, 1], rays.exact[i, 2]
        along = u[0, 0] * x + u[0, 1] * y + u[0, 2] * z
        aside = u[1, 0] * x + u[1, 1] * y + u[1, 2] * z
        above = u[2, 0] * x + u[2, 1] * y + u[2, 2] * z
        ex, ey, ez = 1.0 - 2.0 * along * along, -2.0 * along * aside, -2.0 * along * above
        f = frame[0, 0] * ex + frame[0, 1] * ey + frame[0, 2] * ez
        s = frame[1, 0] * ex + frame[1, 1] * ey + frame[1, 2] * ez
        n = frame[2, 0] * ex + frame[2, 1] * ey + frame[2, 2] * ez
        square, inner = f * f + n * n, f * across + n * outward
        root = math.sqrt(inner * inner + square * power)
        reach = power / (root - inner) if inner < 0.0 else (root + inner) / square
        at_f, at_n = reach * f - across, reach * n - outward
        column = middle + math.atan2(at_f, at_n) * radius / panel.pixel_mm
        row = (reach * s - first_row) / panel.pixel_mm
        passed[item] = (column >= -0.5) & (column < last_column) & (row >= -0.5) & (row < last_row)
        work[X, item], work[Y, item], work[Z, item], work[LENGTH, item] = x, y, z, rays.exact[i, 3]
        work[FAST, item], work[SLOW, item], work[LAB_X, item] = column, row, along
        work[TOWARDS, item] = (f * at_f + n * at_n) / radius
        work[EXIT_X, item], work[EXIT_Y, item], work[EXIT_Z, item] = ex, ey, ez
        work[ENERGY, item] = 0.5 * HC_KEV_A * rays.exact[i, 3] / abs(along)
