"""Numba kernels of the spot list: one orientation in, one list of spots out.

The rays that land on the panel (see ``candidate_kernels``) are weighed one at a time. Where only the brightest are
kept, the table's rays may be ranked by the largest intensity that each can have (see ``brightest_kernels``): the list
is complete as soon as enough spots are brighter than any ray to come could be.

Nothing depends on the other samples of a batch. Divisions follow IEEE 754 (error_model "numpy"): Python's check for
zero before every one costs a third of the speed.
"""

from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.laue.pattern.lists.brightest_kernels import brightest_rows
from beamgym.physics.laue.pattern.lists.candidate_kernels import (
    BLOCK,
    ENERGY,
    EXIT_X,
    EXIT_Y,
    EXIT_Z,
    FAST,
    LAB_X,
    SLOW,
    TOWARDS,
    land,
    scratch_of,
    survivors,
    turn_faces,
)
from beamgym.physics.laue.pattern.lists.cylinder_kernels import cylinder_frame, land_on_cylinder
from beamgym.physics.laue.pattern.lists.panel_kernels import panel_frame, row_dot, sines_of_panel
from beamgym.physics.laue.pattern.lists.tables import NO_SLAB, THICK_SLAB
from beamgym.physics.laue.pattern.lists.weight_kernels import harmonic_sum, plain_sum, polarisation_factor

_TOGETHER = 16  # orientations whose whole lists go through a block of rays one after the other
_RANKED_BLOCK = 384  # where the list may be complete after any of them
_GRAZING = 1e-9  # sine below which a beam enters no slab


@njit(cache=True, error_model="numpy", forceinline=True)
def _weigh(rays, physics, face, candidates, number, scratch, position, intensity, energies, ray) -> Any:  # type: ignore[no-untyped-def]
    """Append the candidates that land on the panel and have an intensity to the list; returns its length."""
    chosen, passed, work = scratch.chosen, scratch.passed, scratch.work
    plain = physics.mode == NO_SLAB and not physics.layered
    for item in range(candidates):
        if not passed[item]:
            continue
        i, lab_x = np.uint32(chosen[item]), work[LAB_X, item]
        exit_x, exit_y, exit_z = work[EXIT_X, item], work[EXIT_Y, item], work[EXIT_Z, item]
        sin_in = sin_out = 1.0
        if physics.mode != NO_SLAB:
            sin_in, sin_out = -face[0], face[0] * exit_x + face[1] * exit_y + face[2] * exit_z
            if sin_out <= 0.0 and (physics.perfect or physics.mode == THICK_SLAB):
                continue
        sin_theta = abs(lab_x)
        if plain:
            total, energy = plain_sum(rays, physics, i, work[ENERGY, item], lab_x < 0.0)
        else:
            total, energy = harmonic_sum(
                rays, physics, i, work[ENERGY, item], lab_x < 0.0, sin_in, sin_out, work[TOWARDS, item]
            )
        total *= polarisation_factor(physics, exit_x, exit_y, exit_z)
        total /= sin_theta * sin_theta
        if not physics.whole:
            total *= sin_in
        if total > 0.0:
            position[number, 0], position[number, 1] = work[FAST, item], work[SLOW, item]
            intensity[number], energies[number] = total, energy
            row = rays.row[i]
            ray[number] = row if lab_x < 0.0 else -row - 1
            number += 1
    return number


@njit(cache=True, nogil=True, error_model="numpy")
def _any_frame(stand, panel, frame) -> None:  # type: ignore[no-untyped-def]
    """Write the frame (4, 3) of a flat panel, whose last row is not used, or of a cylinder."""
    if panel.radius_mm > 0.0:
        cylinder_frame(stand, panel, frame)
    else:
        panel_frame(stand, panel.pixel_mm, frame)


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
    turn_faces(u, frame, panel, scratch.faces)
    most, number = rays.exact.shape[0], 0
    block = _RANKED_BLOCK if ranked else BLOCK
    for start in range(0, most, block):
        if ranked and number >= keep and _complete(scratch.intensity, number, keep, rays.bound[start]):
            break
        candidates = survivors(u, rays, start, min(start + block, most), scratch.faces, scratch)
        if panel.radius_mm > 0.0:
            land_on_cylinder(u, frame, panel, rays, candidates, scratch)
        else:
            land(u, frame, panel, rays, candidates, scratch)
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
    scratch = scratch_of(rays.exact.shape[0])
    frame = np.empty((4, 3))
    ranked = False
    for sample in range(u.shape[0]):
        if sample == 0 or stands.shape[0] > 1:
            _any_frame(stands[sample], panel, frame)
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
    scratch = scratch_of(0)
    frames, faces, slabs = (
        np.empty((_TOGETHER, 4, 3)),
        np.empty((_TOGETHER, 4, 4), np.float32),
        np.empty((_TOGETHER, 3)),
    )
    for begin in range(0, u.shape[0], _TOGETHER):
        end = min(begin + _TOGETHER, u.shape[0])
        for sample in range(begin, end):
            item = sample - begin
            _any_frame(stands[sample if stands.shape[0] > 1 else 0], panel, frames[item])
            turn_faces(u[sample], frames[item], panel, faces[item])
            x, y, z = _slab_face(u[sample], physics.surface)
            slabs[item, 0], slabs[item, 1], slabs[item, 2] = x, y, z
            count[sample] = 0
        for start in range(0, most, BLOCK):
            for sample in range(begin, end):
                item = sample - begin
                face = (slabs[item, 0], slabs[item, 1], slabs[item, 2])
                if physics.mode != NO_SLAB and -face[0] < _GRAZING:
                    continue
                candidates = survivors(u[sample], rays, start, min(start + BLOCK, most), faces[item], scratch)
                if panel.radius_mm > 0.0:
                    land_on_cylinder(u[sample], frames[item], panel, rays, candidates, scratch)
                else:
                    land(u[sample], frames[item], panel, rays, candidates, scratch)
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
