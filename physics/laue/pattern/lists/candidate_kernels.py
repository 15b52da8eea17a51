"""Numba kernels that find the rays of a table that can reach panel and band, and where they land.

Every ray (a primitive direction of the reflection table) is first tested in single precision, eight or sixteen at a
time: does its energy window reach the band, and does it fly into the pyramid that sample and panel span? Both tests
are linear in the ray's unit vector once the panel is turned into the crystal's frame. Only the few that pass are worked
out in double precision.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.pattern.lists.brightest_kernels import BUCKETS

MARGIN_PX = 0.5  # the single-precision test may be this generous; the double-precision one decides
_SINGLE = 2e-6  # a generous bound on the rounding of a few single-precision products of numbers near 1
BLOCK = 2048
"""Rays that are worked on together: what is known of them stays in the nearest caches."""

X, Y, Z, LENGTH, FAST, SLOW, TOWARDS, EXIT_X, EXIT_Y, EXIT_Z, ENERGY, LAB_X = range(12)


class Scratch(NamedTuple):
    """Room for one list: the faces of the panel's pyramid, a block of candidates, then spots."""

    faces: Any
    passed: Any
    chosen: Any
    work: Any
    position: Any
    intensity: Any
    energy: Any
    ray: Any
    single: Any
    steps: Any
    buckets: Any
    rank: Any


@njit(cache=True, nogil=True, error_model="numpy")
def scratch_of(most) -> Any:  # type: ignore[no-untyped-def]
    """Return room for lists of at most so many spots."""
    single = np.empty(most, dtype=np.float32)
    return Scratch(
        np.empty((4, 4), dtype=np.float32),
        np.empty(BLOCK, dtype=np.uint8),
        np.empty(BLOCK + 1, dtype=np.int32),
        np.empty((12, BLOCK + 8)),  # rows a little apart: equal places of all rows would share one set of the cache
        np.empty((most, 2)),
        np.empty(most),
        np.empty(most),
        np.empty(most, dtype=np.int32),
        single,
        single.view(np.int32),
        np.empty(BUCKETS, dtype=np.int32),
        np.empty(most, dtype=np.int32),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def turn_faces(u, frame, panel, faces) -> None:  # type: ignore[no-untyped-def]
    """Write the inward normals of the panel's pyramid, doubled and in the crystal's frame, and their lab x.

    A cylinder has no pyramid: what is written lets every ray pass.
    """
    if panel.radius_mm > 0.0:
        faces[:, :3] = 0.0
        faces[:, 3] = 1.0
        return
    extent = 0.0
    for axis in range(2):
        for k in range(3):
            extent = max(extent, abs(frame[axis, k]))
    margin = 0.5 + MARGIN_PX + _SINGLE * extent
    for face in range(4):
        axis = face // 2
        far = (panel.columns if axis == 0 else panel.rows) - 1.0 + margin
        x, y, z = frame[axis, 0], frame[axis, 1], frame[axis, 2]
        if face % 2 == 0:
            x, y, z = x + margin * frame[2, 0], y + margin * frame[2, 1], z + margin * frame[2, 2]
        else:
            x, y, z = far * frame[2, 0] - x, far * frame[2, 1] - y, far * frame[2, 2] - z
        for k in range(3):
            faces[face, k] = np.float32(2.0 * (x * u[0, k] + y * u[1, k] + z * u[2, k]))
        faces[face, 3] = np.float32(x)


@njit(cache=True, error_model="numpy", forceinline=True)
def survivors(u, rays, start, stop, faces, scratch) -> Any:  # type: ignore[no-untyped-def]
    """List those of some rays that can reach panel and band; returns their number. Single precision, conservative.

    A ray with unit vector c flies along x − 2 cₓ c, which lies inside the panel's pyramid where its product with the
    inward normal of each of the four faces is positive.
    """
    bx, by, bz = np.float32(u[0, 0]), np.float32(u[0, 1]), np.float32(u[0, 2])
    ax, ay, az, aw = faces[0, 0], faces[0, 1], faces[0, 2], faces[0, 3]
    cx, cy, cz, cw = faces[1, 0], faces[1, 1], faces[1, 2], faces[1, 3]
    dx, dy, dz, dw = faces[2, 0], faces[2, 1], faces[2, 2], faces[2, 3]
    ex, ey, ez, ew = faces[3, 0], faces[3, 1], faces[3, 2], faces[3, 3]
    nx, ny, nz = rays.single[0, start:stop], rays.single[1, start:stop], rays.single[2, start:stop]
    low, high = rays.window[0, start:stop], rays.window[1, start:stop]
    passed, chosen = scratch.passed, scratch.chosen
    for i in range(stop - start):
        x, y, z = nx[i], ny[i], nz[i]
        c = bx * x + by * y + bz * z
        size = abs(c)
        inside = (size >= low[i]) & (size <= high[i])
        inside &= aw >= c * (ax * x + ay * y + az * z)
        inside &= cw >= c * (cx * x + cy * y + cz * z)
        inside &= dw >= c * (dx * x + dy * y + dz * z)
        inside &= ew >= c * (ex * x + ey * y + ez * z)
        passed[i] = inside
    number = 0
    for i in range(stop - start):
        chosen[number] = start + i
        number += passed[i]
    return number


@njit(cache=True, error_model="numpy", forceinline=True)
def land(u, frame, panel, rays, candidates, scratch) -> None:  # type: ignore[no-untyped-def]
    """Work out exit ray, place on the panel and energy of the candidates; ``passed`` says which land on it."""
    chosen, passed, work = scratch.chosen, scratch.passed, scratch.work
    x, y, z, length = work[X], work[Y], work[Z], work[LENGTH]
    for item in range(candidates):
        i = np.uint32(chosen[item])
        x[item], y[item] = rays.exact[i, 0], rays.exact[i, 1]
        z[item], length[item] = rays.exact[i, 2], rays.exact[i, 3]
    fast, slow, towards, energy, lab_x = work[FAST], work[SLOW], work[TOWARDS], work[ENERGY], work[LAB_X]
    exit_x, exit_y, exit_z = work[EXIT_X], work[EXIT_Y], work[EXIT_Z]
    u00, u01, u02, u10, u11, u12 = u[0, 0], u[0, 1], u[0, 2], u[1, 0], u[1, 1], u[1, 2]
    u20, u21, u22 = u[2, 0], u[2, 1], u[2, 2]
    a0, a1, a2, b0, b1, b2 = frame[0, 0], frame[0, 1], frame[0, 2], frame[1, 0], frame[1, 1], frame[1, 2]
    c0, c1, c2 = frame[2, 0], frame[2, 1], frame[2, 2]
    last_column, last_row = panel.columns - 0.5, panel.rows - 0.5
    for item in range(candidates):
        along = u00 * x[item] + u01 * y[item] + u02 * z[item]
        across = u10 * x[item] + u11 * y[item] + u12 * z[item]
        above = u20 * x[item] + u21 * y[item] + u22 * z[item]
        ex, ey, ez = 1.0 - 2.0 * along * along, -2.0 * along * across, -2.0 * along * above
        nearing = c0 * ex + c1 * ey + c2 * ez
        right = (a0 * ex + a1 * ey + a2 * ez) / nearing
        down = (b0 * ex + b1 * ey + b2 * ez) / nearing
        on_panel = (right >= -0.5) & (right < last_column) & (down >= -0.5) & (down < last_row)
        passed[item] = on_panel & (nearing > 0.0)
        fast[item], slow[item], towards[item], lab_x[item] = right, down, nearing, along
        exit_x[item], exit_y[item], exit_z[item] = ex, ey, ez
        energy[item] = 0.5 * HC_KEV_A * length[item] / abs(along)
