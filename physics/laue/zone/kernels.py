"""Kernels of the zone task: a crystal of its own for every sample, from cell to spot list.

Rays are primitive directions; a reflection that the lattice forbids is replaced by the first multiple it allows.
Nothing depends on the other samples of a batch, so that they may be shared out among threads.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.pattern import panel_frame
from beamgym.physics.laue.zone.heap_kernels import make_heap, take_brightest

_FAMILY = 1e-4  # equivalent directions differ by rounding only: none of a family is taken if not all can be


class SpectrumTables(NamedTuple):
    """Tables from which a reflection's intensity is interpolated: uniform over the band, and over s = |q|/2 from 0 on.

    ``weight`` (g,) spectrum · λ² · absorption, ``f_prime`` and ``f_second`` (g,) in electrons from ``low_kev`` to
    ``high_kev`` with ``per_kev`` points per keV; ``form`` (m,) f0 and ``thermal`` (m,) exp(−2 B s²) with ``per_inv_a``
    points per 1/Å.
    """

    low_kev: float
    high_kev: float
    per_kev: float
    weight: Any
    f_prime: Any
    f_second: Any
    per_inv_a: float
    form: Any
    thermal: Any


# numba fails, instead of compiling, where an index in its cache names a class that is gone, as indices written before
# version 0.1 do; with the old name it finds them stale and replaces them.
Light = SpectrumTables


@njit(cache=True, error_model="numpy")
def _between(table, place) -> Any:  # type: ignore[no-untyped-def]
    cell = min(int(place), table.shape[0] - 2)
    right = place - cell
    return (1.0 - right) * table[cell] + right * table[cell + 1]


@njit(cache=True, nogil=True, error_model="numpy")
def spot_intensity(length, sin_theta, spectrum) -> Any:  # type: ignore[no-untyped-def]
    """Sum a ray's harmonics in the band; ``length`` is |q| of its first reflection in 1/Å. Per unit volume per atom."""
    energy1 = 0.5 * HC_KEV_A * length / sin_theta
    total = 0.0
    for n in range(max(1, math.ceil(spectrum.low_kev / energy1)), math.floor(spectrum.high_kev / energy1) + 1):
        place = (n * energy1 - spectrum.low_kev) * spectrum.per_kev
        at = 0.5 * n * length * spectrum.per_inv_a
        real = _between(spectrum.form, at) + _between(spectrum.f_prime, place)
        imaginary = _between(spectrum.f_second, place)
        squared = (real * real + imaginary * imaginary) * _between(spectrum.thermal, at)
        total += _between(spectrum.weight, place) * squared
    cosine = 1.0 - 2.0 * sin_theta * sin_theta
    return total * 0.5 * (1.0 + cosine * cosine) / (sin_theta * sin_theta)


@njit(cache=True, nogil=True)
def brightest_at(lengths, sines, spectrum) -> Any:  # type: ignore[no-untyped-def]
    """Return (g,) the largest intensity over ``sines`` (m,) of rays of ``lengths`` (g,); 0 at length 0."""
    out = np.zeros(lengths.shape[0])
    for i in range(lengths.shape[0]):
        if lengths[i] > 0.0:
            for j in range(sines.shape[0]):
                out[i] = max(out[i], spot_intensity(lengths[i], sines[j], spectrum))
    return out


@njit(cache=True)
def _coprime(h, k, n) -> Any:  # type: ignore[no-untyped-def]
    for other in (k, n):
        while other:
            h, other = other, h % other
    return h == 1


@njit(cache=True)
def _first_order(h, k, n, lattice) -> Any:  # type: ignore[no-untyped-def]
    """Return the first multiple of a direction that the lattice allows; its points per cell name it: P 1, I 2, R 3."""
    if lattice == 2:
        return 1 + (h + k + n) % 2
    return 3 if lattice == 3 and (k + n - h) % 3 else 1


@njit(cache=True)
def _list_rays(b, edges, lattice, longest, most, found) -> int:  # type: ignore[no-untyped-def]
    """Write unit vector and |q| of the primitive directions with |q| <= ``longest``, one of each opposite pair."""
    number = 0
    reach = np.floor(edges * longest).astype(np.int64)  # |h| = |a · q| <= a |q|
    for h in range(reach[0] + 1):
        for k in range(-reach[1] if h > 0 else 0, reach[1] + 1):
            for n in range(-reach[2] if h > 0 or k > 0 else 1, reach[2] + 1):
                x = b[0, 0] * h + b[0, 1] * k + b[0, 2] * n
                y = b[1, 0] * h + b[1, 1] * k + b[1, 2] * n
                z = b[2, 0] * h + b[2, 1] * k + b[2, 2] * n
                length = math.sqrt(x * x + y * y + z * z)
                first = _first_order(h, k, n, lattice) * length
                if first > longest or number == most or not _coprime(h, abs(k), abs(n)):
                    continue
                found[number, 0], found[number, 1], found[number, 2] = x / length, y / length, z / length
                found[number, 3] = first
                number += 1
    return number


@njit(cache=True, nogil=True)
def pick_rays(b, edges, lattice, longest, ranks, per_length, scratch, rays) -> Any:  # type: ignore[no-untyped-def]
    """Fill a table with the rays of one crystal that can be brightest on the panel.

    Parameters
    ----------
    b : (3, 3) B matrix, 1/Å
    edges : (3,) a, b, c in Å
    lattice : points per cell, 1 (P), 2 (I: odd h + k + l are absent) or 3 (R: −h + k + l = 3n only)
    longest : |q| to which directions are listed, 1/Å
    ranks : (g,) intensity bound at |q| = index / ``per_length``
    scratch : (s, 4) float32 room for all directions
    rays : (m, 4) float32 the result: unit vector, crystal Cartesian, and |q| of the first reflection

    Returns
    -------
    number of rays
    """
    number = _list_rays(b, edges, lattice, longest, scratch.shape[0], scratch)
    if number <= rays.shape[0]:
        rays[:number] = scratch[:number]
        return number
    bound = np.empty(number)
    for i in range(number):
        bound[i] = _between(ranks, scratch[i, 3] * per_length)
    least = np.partition(bound, number - rays.shape[0])[number - rays.shape[0]]
    least *= 1.0 + _FAMILY
    kept = 0
    for i in range(number):
        if bound[i] > least:
            rays[kept] = scratch[i]
            kept += 1
    return kept


@njit(cache=True, error_model="numpy")
def _hits(rotation, frame, size, rays, number, least_sin, spectrum, scale, position, intensity) -> int:  # type: ignore[no-untyped-def]
    """Write the spots of one sample that land on the panel, in the table's order; returns their number."""
    u, v, w = rotation[0, 0], rotation[0, 1], rotation[0, 2]
    found = 0
    for i in range(number):
        x, y, z = rays[i, 0], rays[i, 1], rays[i, 2]
        along = u * x + v * y + w * z
        sine = abs(along)
        if sine < least_sin:
            continue
        aside = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z
        above = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z
        exit_x, exit_y, exit_z = 1.0 - 2.0 * along * along, -2.0 * along * aside, -2.0 * along * above
        towards = frame[2, 0] * exit_x + frame[2, 1] * exit_y + frame[2, 2] * exit_z
        fast = (frame[0, 0] * exit_x + frame[0, 1] * exit_y + frame[0, 2] * exit_z) / towards
        slow = (frame[1, 0] * exit_x + frame[1, 1] * exit_y + frame[1, 2] * exit_z) / towards
        if towards <= 0.0 or not (-0.5 <= fast < size - 0.5 and -0.5 <= slow < size - 0.5):
            continue
        value = scale * spot_intensity(rays[i, 3], sine, spectrum)
        if value > 0.0:
            position[found, 0], position[found, 1], intensity[found] = fast, slow, value
            found += 1
    return found


@njit(cache=True)
def _crowded(position, taken, x, y, distance) -> bool:  # type: ignore[no-untyped-def]
    near = False
    for j in range(taken):
        near |= (position[j, 0] - x) ** 2 + (position[j, 1] - y) ** 2 <= distance * distance
    return near


@njit(cache=True, nogil=True)
def survey(  # type: ignore[no-untyped-def]
    rotation, panels, pixel_mm, size, rays, numbers, rows, least_sin, spectrum, scales, limits, separation_px, lists
) -> None:
    """List the brightest spots on the panels of n samples, brightest first.

    Parameters
    ----------
    rotation : (n, 3, 3) crystal to lab
    panels : (n, 9) origin_mm, fast, slow of each panel of ``size`` × ``size`` pixels of ``pixel_mm``
    rays, numbers : (k, m, 4) and (k,) the tables of all samples, and how much of each is filled
    rows : (n,) which tables the n samples have
    least_sin : sin θ below which nothing reaches the panel
    spectrum, scales : tables that weigh a reflection, and (n,) a factor on all of a sample's intensities
    limits : (n,) how many spots are listed
    separation_px : spots as near as that to a brighter one are merged into it: left out
    lists : out_position (n, s, 2), out_intensity (n, s), out_count (n,)
    """
    out_position, out_intensity, out_count = lists
    most = rays.shape[1]
    position, intensity = np.empty((most, 2)), np.empty(most)
    value, place = np.empty(most), np.empty(most, dtype=np.int64)
    frame = np.empty((3, 3))
    for i in range(rotation.shape[0]):
        panel_frame(panels[i], pixel_mm, frame)
        found = _hits(
            rotation[i],
            frame,
            size,
            rays[rows[i]],
            numbers[rows[i]],
            least_sin,
            spectrum,
            scales[i],
            position,
            intensity,
        )
        wanted, taken = min(limits[i], out_intensity.shape[1]), 0
        make_heap(intensity, found, value, place)
        for left in range(found, 0, -1):
            if taken == wanted:
                break
            j = take_brightest(value, place, left)
            x, y = position[j, 0], position[j, 1]
            if separation_px > 0.0 and _crowded(out_position[i], taken, x, y, separation_px):
                continue
            out_position[i, taken, 0], out_position[i, taken, 1] = x, y
            out_intensity[i, taken] = intensity[j]
            taken += 1
        out_position[i, taken:] = 0.0
        out_intensity[i, taken:] = 0.0
        out_count[i] = taken


@njit(cache=True, nogil=True)
def axis_angles_deg(orientation, axes) -> Any:  # type: ignore[no-untyped-def]
    """Return (n,) the angle between the beam and the nearest of the lines ``axes`` (k, 3), crystal Cartesian."""
    out = np.empty(orientation.shape[0])
    for i in range(orientation.shape[0]):
        least = 90.0
        for j in range(axes.shape[0]):
            x = (
                orientation[i, 0, 0] * axes[j, 0]
                + orientation[i, 0, 1] * axes[j, 1]
                + orientation[i, 0, 2] * axes[j, 2]
            )
            y = (
                orientation[i, 1, 0] * axes[j, 0]
                + orientation[i, 1, 1] * axes[j, 1]
                + orientation[i, 1, 2] * axes[j, 2]
            )
            z = (
                orientation[i, 2, 0] * axes[j, 0]
                + orientation[i, 2, 1] * axes[j, 1]
                + orientation[i, 2, 2] * axes[j, 2]
            )
            least = min(least, math.degrees(math.atan2(math.sqrt(y * y + z * z), abs(x))))
        out[i] = least
    return out
