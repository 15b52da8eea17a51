"""Numba kernels of the spot list: one orientation in, one list of spots out.

Every ray (a primitive direction of the reflection table) is first tested in single precision, eight or sixteen at a
time: does its energy window reach the band, and does it fly into the pyramid that sample and panel span? Both tests
are linear in the ray's unit vector once the panel is turned into the crystal's frame. Only the few that pass are worked
out in double precision: where they land, again several at a time, and then how strong they are.

Where only the brightest are kept, the table's rays may be ranked by the largest intensity that each can have (see
``brightest_kernels``): the list is complete as soon as enough spots are brighter than any ray to come could be.

Nothing depends on the other samples of a batch. Divisions follow IEEE 754 (error_model "numpy"): Python's check for
zero before every one costs a third of the speed.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.pattern.brightest_kernels import BUCKETS, brightest_rows
from beamgym.physics.laue.pattern.kernels import (
    NO_SLAB,
    THICK_SLAB,
    harmonic_sum,
    panel_frame,
    plain_sum,
    polarisation_factor,
    row_dot,
    sines_of_panel,
)

MARGIN_PX = 0.5  # the single-precision test may be this generous; the double-precision one decides
_SINGLE = 2e-6  # a generous bound on the rounding of a few single-precision products of numbers near 1
_BLOCK = 2048  # rays that are worked on together: what is known of them stays in the nearest caches
_TOGETHER = 16  # orientations whose whole lists go through a block of rays one after the other
_RANKED_BLOCK = 384  # where the list may be complete after any of them
_GRAZING = 1e-9  # sine below which a beam enters no slab
_X, _Y, _Z, _LENGTH, _FAST, _SLOW, _TOWARDS, _EXIT_X, _EXIT_Y, _EXIT_Z, _ENERGY, _LAB_X = range(12)


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
def _scratch(most) -> Any:  # type: ignore[no-untyped-def]
    single = np.empty(most, dtype=np.float32)
    return Scratch(
        np.empty((4, 4), dtype=np.float32),
        np.empty(_BLOCK, dtype=np.uint8),
        np.empty(_BLOCK + 1, dtype=np.int32),
        np.empty((12, _BLOCK + 8)),  # rows a little apart: equal places of all rows would share one set of the cache
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
def _turn_faces(u, frame, panel, faces) -> None:  # type: ignore[no-untyped-def]
    """Write the inward normals of the panel's pyramid, doubled and in the crystal's frame, and their lab x."""
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
def _survivors(u, rays, start, stop, faces, scratch) -> Any:  # type: ignore[no-untyped-def]
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
def _land(u, frame, panel, rays, candidates, scratch) -> None:  # type: ignore[no-untyped-def]
    """Work out exit ray, place on the panel and energy of the candidates; ``passed`` says which land on it."""
    chosen, passed, work = scratch.chosen, scratch.passed, scratch.work
    x, y, z, length = work[_X], work[_Y], work[_Z], work[_LENGTH]
    for item in range(candidates):
        i = np.uint32(chosen[item])
        x[item], y[item] = rays.exact[i, 0], rays.exact[i, 1]
        z[item], length[item] = rays.exact[i, 2], rays.exact[i, 3]
    fast, slow, towards, energy, lab_x = work[_FAST], work[_SLOW], work[_TOWARDS], work[_ENERGY], work[_LAB_X]
    exit_x, exit_y, exit_z = work[_EXIT_X], work[_EXIT_Y], work[_EXIT_Z]
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


@njit(cache=True, error_model="numpy", forceinline=True)
def _weigh(rays, physics, face, candidates, number, scratch, position, intensity, energies, ray) -> Any:  # type: ignore[no-untyped-def]
    """Append the candidates that land on the panel and have an intensity to the list; returns its length."""
    chosen, passed, work = scratch.chosen, scratch.passed, scratch.work
    plain = physics.mode == NO_SLAB and not physics.layered
    for item in range(candidates):
        if not passed[item]:
            continue
        i, lab_x = np.uint32(chosen[item]), work[_LAB_X, item]
        exit_x, exit_y, exit_z = work[_EXIT_X, item], work[_EXIT_Y, item], work[_EXIT_Z, item]
        sin_in = sin_out = 1.0
        if physics.mode != NO_SLAB:
            sin_in, sin_out = -face[0], face[0] * exit_x + face[1] * exit_y + face[2] * exit_z
            if sin_out <= 0.0 and (physics.perfect or physics.mode == THICK_SLAB):
                continue
        sin_theta = abs(lab_x)
        if plain:
            total, energy = plain_sum(rays, physics, i, work[_ENERGY, item], lab_x < 0.0)
        else:
            total, energy = harmonic_sum(
                rays, physics, i, work[_ENERGY, item], lab_x < 0.0, sin_in, sin_out, work[_TOWARDS, item]
            )
        total *= polarisation_factor(physics, exit_x, exit_y, exit_z)
        total /= sin_theta * sin_theta
        if not physics.whole:
            total *= sin_in
        if total > 0.0:
            position[number, 0], position[number, 1] = work[_FAST, item], work[_SLOW, item]
            intensity[number], energies[number] = total, energy
            row = rays.row[i]
            ray[number] = row if lab_x < 0.0 else -row - 1
            number += 1
    return number


@njit(cache=True, nogil=True, error_model="numpy")
def _slab_face(u, surface) -> Any:  # type: ignore[no-untyped-def]
    """Return the normal of the face by which the beam enters, in the lab: a slab has two, that one faces the beam."""
    a, b, c = surface[0], surface[1], surface[2]
    x, y, z = row_dot(u, 0, a, b, c), row_dot(u, 1, a, b, c), row_dot(u, 2, a, b, c)
    return (-x, -y, -z) if x > 0.0 else (x, y, z)


@njit(cache=True, nogil=True, error_model="numpy")
def _complete(intensity, number, keep, bound) -> Any:  # type: ignore[no-untyped-def]
    """Whether ``keep`` of the spots are brighter than any that is still to come."""
    brighter = 0
    for i in range(number):
        brighter += intensity[i] > bound
    return brighter >= keep


@njit(cache=True, error_model="numpy")
def _list_spots(u, frame, panel, rays, physics, keep, ranked, scratch) -> Any:  # type: ignore[no-untyped-def]
    """Write one orientation's spots into ``scratch``, in the order of ``rays``; returns their number.

    Where −hkl diffracts, ``ray`` is −index − 1. With ``ranked`` the list may end once it holds the ``keep`` brightest.
    """
    face = (0.0, 0.0, 0.0)
    if physics.mode != NO_SLAB:
        face = _slab_face(u, physics.surface)
        if -face[0] < _GRAZING:
            return 0
    _turn_faces(u, frame, panel, scratch.faces)
    most, number = rays.exact.shape[0], 0
    block = _RANKED_BLOCK if ranked else _BLOCK
    for start in range(0, most, block):
        if ranked and number >= keep and _complete(scratch.intensity, number, keep, rays.bound[start]):
            break
        candidates = _survivors(u, rays, start, min(start + block, most), scratch.faces, scratch)
        _land(u, frame, panel, rays, candidates, scratch)
        number = _weigh(
            rays,
            physics,
            face,
            candidates,
            number,
            scratch,
            scratch.position,
            scratch.intensity,
            scratch.energy,
            scratch.ray,
        )
    return number


@njit(cache=True, nogil=True, error_model="numpy")
def brightest_lists(u, stands, panel, rays, physics, keep, position, intensity, energy, ray, count) -> None:  # type: ignore[no-untyped-def]
    """List the ``keep`` brightest spots of every orientation (n, 3, 3), brightest first.

    ``stands`` (1, 9) or (n, 9) holds origin_mm, fast and slow of the panel. The lists are rows of (n, ``keep``) arrays;
    the rest of a row is zero.
    """
    scratch = _scratch(rays.exact.shape[0])
    frame = np.empty((3, 3))
    ranked = False
    for sample in range(u.shape[0]):
        if sample == 0 or stands.shape[0] > 1:
            panel_frame(stands[sample], panel.pixel_mm, frame)
            if rays.sines[0] < rays.sines[1]:
                low, high = sines_of_panel(stands[sample], panel)
                ranked = low > rays.sines[0] and high < rays.sines[1]
        number = _list_spots(u[sample], frame, panel, rays, physics, keep, ranked, scratch)
        number = brightest_rows(
            scratch.intensity, scratch.ray, number, keep, scratch.single, scratch.steps, scratch.buckets, scratch.rank
        )
        for k in range(number):
            source = scratch.rank[k]
            position[sample, k, 0], position[sample, k, 1] = scratch.position[source, 0], scratch.position[source, 1]
            intensity[sample, k], energy[sample, k] = scratch.intensity[source], scratch.energy[source]
            ray[sample, k] = scratch.ray[source]
        position[sample, number:], intensity[sample, number:], energy[sample, number:] = 0.0, 0.0, 0.0
        ray[sample, number:] = 0
        count[sample] = number


@njit(cache=True, nogil=True, error_model="numpy")
def whole_lists(u, stands, panel, rays, physics, position, intensity, energy, ray, count) -> None:  # type: ignore[no-untyped-def]
    """List all spots of every orientation (n, 3, 3), in the table's order; list i begins at place i · m of the buffers.

    Several orientations go through a block of rays together: the table of a large cell fits no cache, a block does.
    """
    most = rays.exact.shape[0]
    scratch = _scratch(0)
    frames, faces, slabs = (
        np.empty((_TOGETHER, 3, 3)),
        np.empty((_TOGETHER, 4, 4), np.float32),
        np.empty((_TOGETHER, 3)),
    )
    for begin in range(0, u.shape[0], _TOGETHER):
        end = min(begin + _TOGETHER, u.shape[0])
        for sample in range(begin, end):
            item = sample - begin
            panel_frame(stands[sample if stands.shape[0] > 1 else 0], panel.pixel_mm, frames[item])
            _turn_faces(u[sample], frames[item], panel, faces[item])
            x, y, z = _slab_face(u[sample], physics.surface)
            slabs[item, 0], slabs[item, 1], slabs[item, 2] = x, y, z
            count[sample] = 0
        for start in range(0, most, _BLOCK):
            for sample in range(begin, end):
                item = sample - begin
                face = (slabs[item, 0], slabs[item, 1], slabs[item, 2])
                if physics.mode != NO_SLAB and -face[0] < _GRAZING:
                    continue
                candidates = _survivors(u[sample], rays, start, min(start + _BLOCK, most), faces[item], scratch)
                _land(u[sample], frames[item], panel, rays, candidates, scratch)
                number = sample * most + count[sample]
                number = _weigh(rays, physics, face, candidates, number, scratch, position, intensity, energy, ray)
                count[sample] = number - sample * most


@njit(cache=True, nogil=True, error_model="numpy")
def pad_lists(count, room, position, intensity, energy, ray, out_position, out_intensity, out_energy, out_ray) -> None:  # type: ignore[no-untyped-def]
    """Copy lists that begin every ``room`` places to padded rows; the rest of a row is zero."""
    for sample in range(count.shape[0]):
        number = count[sample]
        start, stop = sample * room, sample * room + number
        out_position[sample, :number], out_position[sample, number:] = position[start:stop], 0.0
        out_intensity[sample, :number], out_intensity[sample, number:] = intensity[start:stop], 0.0
        out_energy[sample, :number], out_energy[sample, number:] = energy[start:stop], 0.0
        out_ray[sample, :number], out_ray[sample, number:] = ray[start:stop], 0
