"""Numba kernels of the spot list: one orientation in, one list of spots out.

Every ray (a primitive direction of the reflection table) is first tested in single precision, eight or sixteen at a
time: does its energy window reach the band, and does it fly into the pyramid that sample and panel span? Both tests
are linear in the ray's unit vector once the panel is turned into the crystal's frame. Only the few that pass are worked
out in double precision. Nothing depends on the other samples of a batch.
"""

import math

import numpy as np
from numba import njit

HC_KEV_A = 12.398420  # Planck's constant times the speed of light, keV Å
MARGIN_PX = 0.5  # the single-precision test may be this generous; the double-precision one decides

NO_SLAB, THICK_SLAB, PLATE = 0, 1, 2


@njit(cache=True, inline="always")
def _row_dot(matrix, row, x, y, z):  # type: ignore[no-untyped-def]
    return matrix[row, 0] * x + matrix[row, 1] * y + matrix[row, 2] * z


@njit(cache=True)
def panel_frame(panel, pixel_mm, frame):  # type: ignore[no-untyped-def]
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


@njit(cache=True)
def survivors(u, frame, rows, columns, nx, ny, nz, low, high, passed, chosen):  # type: ignore[no-untyped-def]
    """List the rays that can reach panel and band; returns their number. Single precision, conservative."""
    edges = np.empty((4, 3), dtype=np.float64)
    for k in range(3):
        edges[0, k] = frame[0, k] + (0.5 + MARGIN_PX) * frame[2, k]
        edges[1, k] = (columns - 0.5 + MARGIN_PX) * frame[2, k] - frame[0, k]
        edges[2, k] = frame[1, k] + (0.5 + MARGIN_PX) * frame[2, k]
        edges[3, k] = (rows - 0.5 + MARGIN_PX) * frame[2, k] - frame[1, k]
    turned = np.empty((4, 3), dtype=np.float32)
    along = np.empty(4, dtype=np.float32)
    for i in range(4):
        along[i] = np.float32(edges[i, 0])
        for k in range(3):
            turned[i, k] = np.float32(2.0 * (edges[i, 0] * u[0, k] + edges[i, 1] * u[1, k] + edges[i, 2] * u[2, k]))
    bx, by, bz = np.float32(u[0, 0]), np.float32(u[0, 1]), np.float32(u[0, 2])
    ax, ay, az, aw = turned[0, 0], turned[0, 1], turned[0, 2], along[0]
    cx, cy, cz, cw = turned[1, 0], turned[1, 1], turned[1, 2], along[1]
    dx, dy, dz, dw = turned[2, 0], turned[2, 1], turned[2, 2], along[2]
    ex, ey, ez, ew = turned[3, 0], turned[3, 1], turned[3, 2], along[3]
    for i in range(nx.shape[0]):
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
    for i in range(nx.shape[0]):
        chosen[number] = i
        number += passed[i]
    return number


@njit(cache=True)
def slab_length(mode, thickness_mm, mu, sin_in, sin_out):  # type: ignore[no-untyped-def]
    """Effective diffracting path in mm: the slab's depth integral, per unit cross-section of a beam that lies on it whole.

    ``sin_in`` > 0 is the sine of the angle between beam and surface, ``sin_out`` that of the exit ray, negative when it
    leaves through the far face (International Tables C, 6.3.3). Zero when it enters a slab without a far face.
    """
    if sin_out > 0.0:
        rate = mu * (1.0 / sin_in + 1.0 / sin_out)
        depth = 1.0 if mode == THICK_SLAB else -math.expm1(-rate * thickness_mm)
        return depth / (rate * sin_in)
    if mode == THICK_SLAB or sin_out > -1e-9:
        return 0.0
    leave = math.exp(mu * thickness_mm / sin_out)
    rate = mu * (1.0 / sin_in + 1.0 / sin_out)
    if abs(rate) * thickness_mm < 1e-6:
        return leave * thickness_mm / sin_in
    return -leave * math.expm1(-rate * thickness_mm) / (rate * sin_in)


@njit(cache=True)
def harmonic_sum(  # type: ignore[no-untyped-def]
    first,
    last,
    energy1,
    forward,
    order,
    base,
    partial,
    grid_low,
    grid_step,
    grid,
    mode,
    thickness_mm,
    sin_in,
    sin_out,
    perfect,
):
    """Sum weight(E)·|F|² (or |F| for a perfect crystal) over the harmonics in the band; returns (sum, strongest's energy).

    ``grid`` (g, 2 + 2e) holds weight, µ, then f′ and f″ of every element on a uniform grid of energies.
    """
    total, strongest, energy_of = 0.0, 0.0, 0.0
    sign = 1.0 if forward else -1.0
    points = grid.shape[0]
    elements = partial.shape[1]
    for k in range(first, last):
        energy = order[k] * energy1
        place = (energy - grid_low) * grid_step
        cell = int(place)
        if place < 0.0 or cell >= points - 1:
            if place < 0.0 or place > points - 1:
                continue
            cell = points - 2
        right = place - cell
        left = 1.0 - right
        real, imaginary = base[k].real, sign * base[k].imag
        for e in range(elements):
            f1 = left * grid[cell, 2 + 2 * e] + right * grid[cell + 1, 2 + 2 * e]
            f2 = left * grid[cell, 3 + 2 * e] + right * grid[cell + 1, 3 + 2 * e]
            s_real, s_imaginary = partial[k, e].real, sign * partial[k, e].imag
            real += f1 * s_real - f2 * s_imaginary
            imaginary += f1 * s_imaginary + f2 * s_real
        value = real * real + imaginary * imaginary
        if perfect:
            value = math.sqrt(value)
        value *= left * grid[cell, 0] + right * grid[cell + 1, 0]
        if mode != NO_SLAB:
            mu = left * grid[cell, 1] + right * grid[cell + 1, 1]
            value *= slab_length(mode, thickness_mm, mu, sin_in, sin_out)
        total += value
        if value > strongest:
            strongest, energy_of = value, energy
    return total, energy_of


@njit(cache=True, inline="always")
def polarisation_factor(kind, degree, x, y, z):  # type: ignore[no-untyped-def]
    """Polarisation factor of an exit ray: 0 none (neutrons), 1 kinematic, 2 perfect crystal (1 + |cos 2θ|)/2."""
    if kind == 0:
        return 1.0
    if kind == 2:
        return 0.5 * (1.0 + abs(x))
    return 1.0 - 0.5 * ((1.0 + degree) * y * y + (1.0 - degree) * z * z)


@njit(cache=True)
def list_spots(  # type: ignore[no-untyped-def]
    u, frame, rows, columns, directions, single, windows, length, first, order, base, partial,
    grid_low, grid_step, grid, polarisation_kind, polarisation, mode, thickness_mm, surface, whole, perfect,
    passed, chosen, position, intensity, energy, ray,
):  # fmt: skip
    """Write one orientation's spots, in the table's order, into the given buffers; returns their number.

    A ray that is not in the table's sign (−hkl diffracts) is written as −index − 1, and has the conjugate S.
    """
    rays = survivors(u, frame, rows, columns, single[0], single[1], single[2], windows[0], windows[1], passed, chosen)
    sin_in, side = 1.0, 1.0
    if mode != NO_SLAB:
        sin_in = -(u[0, 0] * surface[0] + u[0, 1] * surface[1] + u[0, 2] * surface[2])
        if sin_in < 0.0:  # a slab has two faces: the beam enters by the one that faces it
            sin_in, side = -sin_in, -1.0
        if sin_in < 1e-9:
            return 0
    number = 0
    for item in range(rays):
        i = chosen[item]
        x, y, z = directions[0, i], directions[1, i], directions[2, i]
        lab_x, lab_y, lab_z = _row_dot(u, 0, x, y, z), _row_dot(u, 1, x, y, z), _row_dot(u, 2, x, y, z)
        ray_x, ray_y, ray_z = 1.0 - 2.0 * lab_x * lab_x, -2.0 * lab_x * lab_y, -2.0 * lab_x * lab_z
        towards = _row_dot(frame, 2, ray_x, ray_y, ray_z)
        if towards <= 0.0:
            continue
        fast = _row_dot(frame, 0, ray_x, ray_y, ray_z) / towards
        slow = _row_dot(frame, 1, ray_x, ray_y, ray_z) / towards
        if not (-0.5 <= fast < columns - 0.5 and -0.5 <= slow < rows - 0.5):
            continue
        sin_theta = abs(lab_x)
        sin_out = 1.0
        if mode != NO_SLAB:
            sin_out = side * (
                ray_x * _row_dot(u, 0, surface[0], surface[1], surface[2])
                + ray_y * _row_dot(u, 1, surface[0], surface[1], surface[2])
                + ray_z * _row_dot(u, 2, surface[0], surface[1], surface[2])
            )
        energy1 = 0.5 * HC_KEV_A * length[i] / sin_theta
        total, energy_of = harmonic_sum(
            first[i], first[i + 1], energy1, lab_x < 0.0, order, base, partial, grid_low, grid_step, grid,
            mode, thickness_mm, sin_in, sin_out, perfect,
        )  # fmt: skip
        if not whole:
            total *= sin_in
        total *= polarisation_factor(polarisation_kind, polarisation, ray_x, ray_y, ray_z) / (sin_theta * sin_theta)
        if total > 0.0:
            position[number, 0], position[number, 1] = fast, slow
            intensity[number], energy[number] = total, energy_of
            ray[number] = i if lab_x < 0.0 else -i - 1
            number += 1
    return number


@njit(cache=True)
def brightest_first(intensity, number, keep, rank):  # type: ignore[no-untyped-def]
    """Write the places of the ``keep`` brightest of ``number`` spots into ``rank``, brightest first; ties by place.

    A min-heap of the best so far: nearly every spot fails one comparison with its root.
    """
    keep = min(keep, number)
    size = 0
    for i in range(number):
        if size < keep:
            rank[size] = i
            child = size
            size += 1
            while child > 0:
                parent = (child - 1) // 2
                if not _dimmer(intensity, rank[child], rank[parent]):
                    break
                rank[child], rank[parent] = rank[parent], rank[child]
                child = parent
        elif keep > 0 and _dimmer(intensity, rank[0], i):
            rank[0] = i
            _sink(intensity, rank, size)
    while size > 1:
        size -= 1
        rank[0], rank[size] = rank[size], rank[0]
        _sink(intensity, rank, size)
    return keep


@njit(cache=True, inline="always")
def _dimmer(intensity, one, other):  # type: ignore[no-untyped-def]
    return intensity[one] < intensity[other] or (intensity[one] == intensity[other] and one > other)


@njit(cache=True)
def _sink(intensity, rank, size):  # type: ignore[no-untyped-def]
    parent = 0
    while True:
        child = 2 * parent + 1
        if child >= size:
            return
        if child + 1 < size and _dimmer(intensity, rank[child + 1], rank[child]):
            child += 1
        if not _dimmer(intensity, rank[child], rank[parent]):
            return
        rank[child], rank[parent] = rank[parent], rank[child]
        parent = child


@njit(cache=True)
def batch_spots(  # type: ignore[no-untyped-def]
    u, panels, pixel_mm, rows, columns, directions, single, windows, length, first, order, base, partial,
    grid_low, grid_step, grid, polarisation_kind, polarisation, mode, thickness_mm, surface, whole, perfect, keep,
    position, intensity, energy, ray, count,
):  # fmt: skip
    """List the spots of every orientation (n, 3, 3), one list after the other without gaps; returns the total.

    ``panels`` has one row, or one per orientation; ``keep`` > 0 keeps that many, brightest first. Stops before the
    buffers overflow: the caller goes on from the first count of −1.
    """
    most = directions.shape[1]
    passed = np.empty(most, dtype=np.uint8)
    chosen = np.empty(most + 1, dtype=np.int32)
    rank = np.empty(max(keep, 1), dtype=np.int64)
    one_position, one_intensity = np.empty((most, 2)), np.empty(most)
    one_energy, one_ray = np.empty(most), np.empty(most, dtype=np.int32)
    frame = np.empty((3, 3))
    total = 0
    for sample in range(u.shape[0]):
        if sample == 0 or panels.shape[0] > 1:
            panel_frame(panels[sample], pixel_mm, frame)
        number = list_spots(
            u[sample], frame, rows, columns, directions, single, windows, length, first, order, base, partial,
            grid_low, grid_step, grid, polarisation_kind, polarisation, mode, thickness_mm, surface, whole, perfect,
            passed, chosen, one_position, one_intensity, one_energy, one_ray,
        )  # fmt: skip
        if keep > 0:
            number = brightest_first(one_intensity, number, keep, rank)
        if total + number > intensity.shape[0]:
            count[sample:] = -1
            return total
        for k in range(number):
            source = rank[k] if keep > 0 else k
            position[total + k, 0], position[total + k, 1] = one_position[source, 0], one_position[source, 1]
            intensity[total + k], energy[total + k] = one_intensity[source], one_energy[source]
            ray[total + k] = one_ray[source]
        count[sample] = number
        total += number
    return total


@njit(cache=True)
def pad_lists(count, position, intensity, energy, ray, out_position, out_intensity, out_energy, out_ray):  # type: ignore[no-untyped-def]
    """Spread lists that lie one after the other over padded rows; the rest of a row is zero."""
    start = 0
    for sample in range(count.shape[0]):
        number = count[sample]
        for k in range(number):
            out_position[sample, k, 0], out_position[sample, k, 1] = position[start + k, 0], position[start + k, 1]
            out_intensity[sample, k], out_energy[sample, k] = intensity[start + k], energy[start + k]
            out_ray[sample, k] = ray[start + k]
        start += number
