"""Numba kernels of the spot list: one orientation in, one list of spots out.

Every ray (a primitive direction of the reflection table) is first tested in single precision, eight or sixteen at a
time: does its energy window reach the band, and does it fly into the pyramid that sample and panel span? Both tests
are linear in the ray's unit vector once the panel is turned into the crystal's frame. Only the few that pass are worked
out in double precision. Nothing depends on the other samples of a batch. Divisions follow IEEE 754 (error_model
"numpy"): Python's check for zero before every one costs a third of the speed.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from beamgym.physics.constants import HC_KEV_A

MARGIN_PX = 0.5  # the single-precision test may be this generous; the double-precision one decides
_SINGLE = 2e-6  # a generous bound on the rounding of a few single-precision products of numbers near 1
_TOLERANCE, _MIN_STAND_OFF_MM = 1e-6, 1e-3  # of a panel's unit vectors, and of its distance
_LARGEST_EXPONENT = 700.0  # e to a little more than it is no double any more

NO_SLAB, THICK_SLAB, PLATE = 0, 1, 2


class Panel(NamedTuple):
    """The pixel raster: ``pixel_mm`` and the numbers of rows and columns. Where the panel stands is passed apart."""

    pixel_mm: float
    rows: int
    columns: int


class Rays(NamedTuple):
    """A reflection table as the kernels read it: m rays with k harmonics of e elements.

    ``direction`` (3, m) unit vectors, ``single`` the same in float32; ``window`` (2, m) float32 smallest and largest
    sin θ at which some harmonic is in the band; ``length`` (m,) |q| in 1/Å; ``first`` (m + 1,); ``order`` (k,);
    ``base`` (k,) Σ f0 S; ``partial`` (k, e) S.
    """

    direction: Any
    single: Any
    window: Any
    length: Any
    first: Any
    order: Any
    base: Any
    partial: Any


class Physics(NamedTuple):
    """What weighs a reflection.

    ``grid`` (g, 2 + 2e) holds weight, µ (1/mm), then f′ and f″ of every element on a uniform grid of energies that
    starts at ``low_kev`` with ``per_kev`` points per keV. ``polarised`` is False for neutrons, ``polarisation`` the
    beam's degree; ``perfect`` means |F| in place of |F|². ``mode`` is NO_SLAB, THICK_SLAB or PLATE, ``surface`` (3,)
    the face's normal in the crystal's Cartesian frame, ``whole`` whether the beam's footprint lies on the crystal.
    ``layered`` tells whether the detector stops oblique rays more than ``weight`` says, ``depth`` (g,) is its µt.
    """

    low_kev: float
    per_kev: float
    grid: Any
    polarised: bool
    polarisation: float
    perfect: bool
    mode: int
    thickness_mm: float
    surface: Any
    whole: bool
    layered: bool
    depth: Any


class Scratch(NamedTuple):
    """Room for one list: candidates, then spots."""

    passed: Any
    chosen: Any
    position: Any
    intensity: Any
    energy: Any
    ray: Any


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
def _row_dot(matrix, row, x, y, z) -> Any:  # type: ignore[no-untyped-def]
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


@njit(cache=True, error_model="numpy", forceinline=True)
def survivors(u, frame, panel, rays, scratch) -> Any:  # type: ignore[no-untyped-def]
    """List the rays that can reach panel and band; returns their number. Single precision, conservative.

    A ray with unit vector c flies along x − 2 cₓ c, which lies inside the panel's pyramid where its product with the
    inward normal of each of the four faces is positive.
    """
    edges = np.empty((4, 3), dtype=np.float64)
    f = frame
    extent = max(abs(f[0, 0]), abs(f[0, 1]), abs(f[0, 2]), abs(f[1, 0]), abs(f[1, 1]), abs(f[1, 2]))
    margin = 0.5 + MARGIN_PX + _SINGLE * extent
    for k in range(3):
        edges[0, k] = frame[0, k] + margin * frame[2, k]
        edges[1, k] = (panel.columns - 1.0 + margin) * frame[2, k] - frame[0, k]
        edges[2, k] = frame[1, k] + margin * frame[2, k]
        edges[3, k] = (panel.rows - 1.0 + margin) * frame[2, k] - frame[1, k]
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
    nx, ny, nz, low, high = rays.single[0], rays.single[1], rays.single[2], rays.window[0], rays.window[1]
    passed, chosen = scratch.passed, scratch.chosen
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


@njit(cache=True, nogil=True, error_model="numpy")
def slab_length(mode, thickness_mm, mu, sin_in, sin_out) -> Any:  # type: ignore[no-untyped-def]
    """Effective diffracting path in mm: the slab's depth integral per unit cross-section of a beam wholly on it.

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
    if -rate * thickness_mm > _LARGEST_EXPONENT:  # along the far face: what leaves is what went straight through
        return -math.exp(-mu * thickness_mm / sin_in) / (rate * sin_in)
    return -leave * math.expm1(-rate * thickness_mm) / (rate * sin_in)


@njit(cache=True, error_model="numpy", forceinline=True)
def harmonic_sum(rays, physics, i, energy1, forward, sin_in, sin_out, towards) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Sum weight(E)·|F|² (or |F| for a perfect crystal) over ray i's harmonics in the band.

    Returns (sum, energy of the strongest harmonic in keV); ``forward`` is False where −hkl diffracts: S is conjugated;
    ``towards`` is the cosine of the angle between exit ray and panel normal.
    """
    total, strongest, energy_of = 0.0, 0.0, 0.0
    sign = 1.0 if forward else -1.0
    grid = physics.grid
    last_cell = grid.shape[0] - 2
    for k in range(rays.first[i], rays.first[i + 1]):
        energy = rays.order[k] * energy1
        place = (energy - physics.low_kev) * physics.per_kev
        if place < 0.0 or place > last_cell + 1:
            continue
        cell = min(int(place), last_cell)
        right = place - cell
        left = 1.0 - right
        real, imaginary = rays.base[k].real, sign * rays.base[k].imag
        for e in range(rays.partial.shape[1]):
            f1 = left * grid[cell, 2 + 2 * e] + right * grid[cell + 1, 2 + 2 * e]
            f2 = left * grid[cell, 3 + 2 * e] + right * grid[cell + 1, 3 + 2 * e]
            s_real, s_imaginary = rays.partial[k, e].real, sign * rays.partial[k, e].imag
            real += f1 * s_real - f2 * s_imaginary
            imaginary += f1 * s_imaginary + f2 * s_real
        value = real * real + imaginary * imaginary
        if physics.perfect:
            value = math.sqrt(value)
        value *= left * grid[cell, 0] + right * grid[cell + 1, 0]
        if physics.mode != NO_SLAB and not physics.perfect:
            mu = left * grid[cell, 1] + right * grid[cell + 1, 1]
            value *= slab_length(physics.mode, physics.thickness_mm, mu, sin_in, sin_out)
        if physics.layered:
            depth = left * physics.depth[cell] + right * physics.depth[cell + 1]
            value *= math.expm1(-depth / towards) / math.expm1(-depth)
        total += value
        if value > strongest:
            strongest, energy_of = value, energy
    return total, energy_of


@njit(cache=True, error_model="numpy", inline="always")
def polarisation_factor(physics, x, y, z) -> Any:  # type: ignore[no-untyped-def]
    """Polarisation factor of the exit ray (x, y, z), averaged over the beam's two polarisations e.

    With w the share of the intensity whose field lies in the plane of incident and exit ray, a kinematic reflection has
    1 − w + w cos²2θ = 1 − (k·e)² and a perfect one 1 − w + w |cos 2θ|. In k·e the share is w = (k·e)²/sin²2θ; its
    sin²2θ = (1 − |cos 2θ|)(1 + |cos 2θ|) cancels, so that nothing is divided by zero straight back or forward.
    """
    if not physics.polarised:
        return 1.0
    degree = physics.polarisation
    in_plane = 0.5 * ((1.0 + degree) * y * y + (1.0 - degree) * z * z)
    if physics.perfect:
        return 1.0 - in_plane / (1.0 + abs(x))
    return 1.0 - in_plane


@njit(cache=True, error_model="numpy", forceinline=True)
def list_spots(u, frame, panel, rays, physics, scratch) -> Any:  # type: ignore[no-untyped-def]
    """Write one orientation's spots into ``scratch``, in the table's order; returns their number.

    Where −hkl diffracts, ``ray`` is −index − 1.
    """
    normal_x = normal_y = normal_z = 0.0
    sin_in = sin_out = 1.0
    if physics.mode != NO_SLAB:
        face = physics.surface
        normal_x, normal_y = _row_dot(u, 0, face[0], face[1], face[2]), _row_dot(u, 1, face[0], face[1], face[2])
        normal_z = _row_dot(u, 2, face[0], face[1], face[2])
        if normal_x > 0.0:  # a slab has two faces: the beam enters by the one that faces it
            normal_x, normal_y, normal_z = -normal_x, -normal_y, -normal_z
        sin_in = -normal_x
        if sin_in < 1e-9:
            return 0
    candidates = survivors(u, frame, panel, rays, scratch)
    number = 0
    for item in range(candidates):
        i = scratch.chosen[item]
        x, y, z = rays.direction[0, i], rays.direction[1, i], rays.direction[2, i]
        lab_x, lab_y, lab_z = _row_dot(u, 0, x, y, z), _row_dot(u, 1, x, y, z), _row_dot(u, 2, x, y, z)
        exit_x, exit_y, exit_z = 1.0 - 2.0 * lab_x * lab_x, -2.0 * lab_x * lab_y, -2.0 * lab_x * lab_z
        towards = _row_dot(frame, 2, exit_x, exit_y, exit_z)
        if towards <= 0.0:
            continue
        fast = _row_dot(frame, 0, exit_x, exit_y, exit_z) / towards
        slow = _row_dot(frame, 1, exit_x, exit_y, exit_z) / towards
        if not (-0.5 <= fast < panel.columns - 0.5 and -0.5 <= slow < panel.rows - 0.5):
            continue
        if physics.mode != NO_SLAB:
            sin_out = normal_x * exit_x + normal_y * exit_y + normal_z * exit_z
            if sin_out <= 0.0 and (physics.perfect or physics.mode == THICK_SLAB):
                continue
        sin_theta = abs(lab_x)
        energy1 = 0.5 * HC_KEV_A * rays.length[i] / sin_theta
        total, energy = harmonic_sum(rays, physics, i, energy1, lab_x < 0.0, sin_in, sin_out, towards)
        total *= polarisation_factor(physics, exit_x, exit_y, exit_z)
        total /= sin_theta * sin_theta
        if not physics.whole:
            total *= sin_in
        if total > 0.0:
            scratch.position[number, 0], scratch.position[number, 1] = fast, slow
            scratch.intensity[number], scratch.energy[number] = total, energy
            scratch.ray[number] = i if lab_x < 0.0 else -i - 1
            number += 1
    return number


@njit(cache=True, nogil=True, error_model="numpy")
def brightest_first(intensity, number, keep, rank) -> Any:  # type: ignore[no-untyped-def]
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


@njit(cache=True, error_model="numpy", inline="always")
def _dimmer(intensity, one, other) -> Any:  # type: ignore[no-untyped-def]
    return intensity[one] < intensity[other] or (intensity[one] == intensity[other] and one > other)


@njit(cache=True, error_model="numpy")
def _sink(intensity, rank, size) -> None:  # type: ignore[no-untyped-def]
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


@njit(cache=True, nogil=True, error_model="numpy")
def batch_spots(u, stands, panel, rays, physics, keep, position, intensity, energy, ray, count) -> Any:  # type: ignore[no-untyped-def]
    """List the spots of every orientation (n, 3, 3) one after the other, without gaps; returns the total.

    ``stands`` (1, 9) or (n, 9) holds origin_mm, fast and slow of the panel; ``keep`` > 0 keeps that many of each list,
    brightest first. The buffers must hold n times the number of rays, or n times ``keep``.
    """
    most = rays.length.shape[0]
    scratch = Scratch(
        np.empty(most, dtype=np.uint8),
        np.empty(most + 1, dtype=np.int32),
        np.empty((most, 2)),
        np.empty(most),
        np.empty(most),
        np.empty(most, dtype=np.int32),
    )
    rank = np.empty(max(keep, 1), dtype=np.int64)
    frame = np.empty((3, 3))
    total = 0
    for sample in range(u.shape[0]):
        if sample == 0 or stands.shape[0] > 1:
            panel_frame(stands[sample], panel.pixel_mm, frame)
        number = list_spots(u[sample], frame, panel, rays, physics, scratch)
        if keep > 0:
            number = brightest_first(scratch.intensity, number, keep, rank)
        for k in range(number):
            source = rank[k] if keep > 0 else k
            position[total + k, 0], position[total + k, 1] = scratch.position[source, 0], scratch.position[source, 1]
            intensity[total + k], energy[total + k] = scratch.intensity[source], scratch.energy[source]
            ray[total + k] = scratch.ray[source]
        count[sample] = number
        total += number
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def pad_lists(count, position, intensity, energy, ray, out_position, out_intensity, out_energy, out_ray) -> None:  # type: ignore[no-untyped-def]
    """Spread lists that lie one after the other over padded rows; the rest of a row is zero."""
    start = 0
    for sample in range(count.shape[0]):
        number = count[sample]
        for k in range(number):
            out_position[sample, k, 0], out_position[sample, k, 1] = position[start + k, 0], position[start + k, 1]
            out_intensity[sample, k], out_energy[sample, k] = intensity[start + k], energy[start + k]
            out_ray[sample, k] = ray[start + k]
        start += number
