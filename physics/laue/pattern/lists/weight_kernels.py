"""Numba kernels of what a spot list rests on: tables of rays, where a panel stands, what weighs a reflection.

Divisions follow IEEE 754 (error_model "numpy"): Python's check for zero before every one costs a third of the speed.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

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

    ``single`` (3, m) float32 unit vectors; ``window`` (2, m) float32 smallest and largest sin θ at which some harmonic
    is in the band; ``exact`` (m, 4) the unit vector and its |q| in 1/Å; ``first`` (m + 1,) where a ray's harmonics
    begin; ``harmonic`` (k, 3 + 2e) its order, then Σ f0 S and every element's S, real and imaginary parts. What one
    spot needs lies together: the tables of a large cell are far larger than the nearest cache.

    ``row`` (m,) int32 is the ray's row of the reflection table. Where the rays are ranked, ``bound`` (m,) falls: no
    spot of a ray is brighter while sin θ stays within ``sines`` (2,); (1, 0) where they are in the table's order.
    """

    single: Any
    window: Any
    exact: Any
    first: Any
    harmonic: Any
    row: Any
    bound: Any
    sines: Any


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
    """Return the smallest and largest sin θ of any ray that lands on a panel (9,), to 1e-7.

    The scattering angle has no extreme inside the panel but where the beam's line meets it; the others lie at a corner
    or at the one turning point of an edge, where x/|p| along p = a + t b has none: t = (bₓ a² − aₓ ab)/(aₓ b² − bₓ ab).
    """
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
def _scattered(harmonic, grid, k, sign, cell, right, perfect) -> Any:  # type: ignore[no-untyped-def]
    """Return weight(E)·|F|² (or |F| for a perfect crystal) of harmonic k, at ``right`` of the way from grid cell on."""
    following = np.uint32(cell + 1)
    left = 1.0 - right
    real, imaginary = harmonic[k, 1], sign * harmonic[k, 2]
    for element in range(np.uint32(grid.shape[1] // 2 - 1)):
        one, two, three = np.uint32(2 * element + 2), np.uint32(2 * element + 3), np.uint32(2 * element + 4)
        f1 = left * grid[cell, one] + right * grid[following, one]
        f2 = left * grid[cell, two] + right * grid[following, two]
        s_real, s_imaginary = harmonic[k, two], sign * harmonic[k, three]
        real += f1 * s_real - f2 * s_imaginary
        imaginary += f1 * s_imaginary + f2 * s_real
    value = real * real + imaginary * imaginary
    if perfect:
        value = math.sqrt(value)
    return value * (left * grid[cell, 0] + right * grid[following, 0])


@njit(cache=True, error_model="numpy", forceinline=True)
def plain_sum(rays, physics, i, energy1, forward) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Sum weight(E)·|F|² (or |F| for a perfect crystal) over ray i's harmonics in the band, without slab and layer.

    Returns (sum, energy of the strongest harmonic in keV); ``forward`` is False where −hkl diffracts: S is conjugated.
    """
    total, strongest, energy_of = 0.0, 0.0, 0.0
    sign = 1.0 if forward else -1.0
    last_cell = physics.grid.shape[0] - 2
    for k in range(np.uint32(rays.first[i]), np.uint32(rays.first[i + 1])):
        energy = rays.harmonic[k, 0] * energy1
        place = (energy - physics.low_kev) * physics.per_kev
        if place < 0.0 or place > last_cell + 1:
            continue
        cell = np.uint32(min(int(place), last_cell))
        value = _scattered(rays.harmonic, physics.grid, k, sign, cell, place - cell, physics.perfect)
        total += value
        if value > strongest:
            strongest, energy_of = value, energy
    return total, energy_of


@njit(cache=True, nogil=True, error_model="numpy")
def harmonic_sum(rays, physics, i, energy1, forward, sin_in, sin_out, towards) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Return what ``plain_sum`` does, with what slab and layer make of every harmonic.

    ``towards`` is the cosine of the angle between exit ray and panel normal. A function of its own: what it calls would
    cost the plain sum its registers.
    """
    total, strongest, energy_of = 0.0, 0.0, 0.0
    sign = 1.0 if forward else -1.0
    grid = physics.grid
    last_cell = grid.shape[0] - 2
    for k in range(np.uint32(rays.first[i]), np.uint32(rays.first[i + 1])):
        energy = rays.harmonic[k, 0] * energy1
        place = (energy - physics.low_kev) * physics.per_kev
        if place < 0.0 or place > last_cell + 1:
            continue
        cell = np.uint32(min(int(place), last_cell))
        right = place - cell
        left = 1.0 - right
        value = _scattered(rays.harmonic, grid, k, sign, cell, right, physics.perfect)
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
