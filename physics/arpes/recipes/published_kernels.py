"""Kernels of the `published` recipe: the processing of Na et al. (arXiv 2508.15983), one dispersion cut at a time."""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from beamgym.physics.arpes.detection import count_events
from beamgym.physics.arpes.recipes.published_cut_kernels import (
    EDGES,
    HBAR2_OVER_2M,
    SUMS,
    band_energies,
    blur_columns,
    blur_rows,
    gaussian_taps,
    matrix_elements,
    spectral_rows,
    to_angles,
)
from beamgym.physics.arpes.score import FEATURE_COLUMNS

_COUNTING = np.uint64(0x3C6EF372FE94F82B)  # events are drawn by another key than parameters


class Cuts(NamedTuple):
    """Parameters of n cuts, see ``published.PublishedParameters``; arrays in its units, angles in radians."""

    lattice: Any
    bands: Any
    low: Any
    high: Any
    onsite: Any
    hopping: Any
    ratio: Any
    ky: Any
    order: Any
    coefficients: Any
    fold: Any
    amplitude: Any
    slope: Any
    floor: Any
    temperature: Any
    energy_fwhm: Any
    momentum_fwhm: Any
    kinetic: Any
    offset: Any
    levels: Any
    ground_order: Any
    ground_coefficients: Any
    sensitivity: Any
    events: Any


class Room(NamedTuple):
    """Scratch arrays of one cut (e, a), reused from sample to sample so that they stay in cache."""

    kx: Any
    energies: Any
    weight: Any
    taps: Any
    padded: Any
    cut: Any
    blurred: Any
    curve: Any
    rate: Any
    gain_e: Any
    gain_a: Any
    sines: Any
    kinetic: Any
    cells: Any


@njit(cache=True, nogil=True, error_model="numpy", fastmath=SUMS)
def scale_between(image, low, high) -> Any:  # type: ignore[no-untyped-def]
    """Scale to 0…1 in place; returns the variation along the slit over the sum (the published feature measure)."""
    scale = np.float32(1.0 / (high - low)) if high > low else np.float32(0.0)
    start = np.float32(low)
    variation, total = 0.0, 0.0
    for i in range(image.shape[0]):
        row = image[i]
        for j in range(row.shape[0]):
            row[j] = (row[j] - start) * scale
        part, whole = np.float32(0.0), row[0]
        for j in range(1, row.shape[0]):
            part += abs(row[j] - row[j - 1])
            whole += row[j]
        variation += float(part)
        total += float(whole)
    return variation / total if total > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def coarse_variation(image, cells) -> Any:  # type: ignore[no-untyped-def]
    """Return the feature measure of ``v2`` (``quality.v2_feature``) of one image; ``cells`` is scratch (columns,)."""
    columns, count = image.shape[1], cells.shape[0]
    width = columns / count
    variation, total = 0.0, 0.0
    for i in range(image.shape[0]):
        row = image[i]
        left, before = 0, 0.0
        for c in range(count):
            edge = (c + 1) * width
            right = min(int(edge), columns - 1)
            value = -before
            for j in range(left, right):
                value += row[j]
            before = (edge - right) * row[right]
            left = right
            cells[c] = value + before
            total += cells[c]
        for c in range(1, count):
            variation += abs(cells[c] - cells[c - 1])
    return variation * count / total if total > 0.0 else 0.0


@njit(cache=True, error_model="numpy", fastmath=SUMS)
def _polynomial(slit, kinetic, order, coefficients, out) -> Any:  # type: ignore[no-untyped-def]
    """Write Σ c_pq θ^p E^q, and return its smallest and largest value."""
    line = np.zeros(order + 1)
    low, high = np.inf, -np.inf
    for i in range(kinetic.shape[0]):
        for p in range(order + 1):
            inner = 0.0
            for q in range(order, -1, -1):
                inner = inner * kinetic[i] + coefficients[p * (order + 1) + q]
            line[p] = inner
        row = out[i]
        row[:] = line[order]
        for p in range(order - 1, -1, -1):
            for j in range(slit.shape[0]):
                row[j] = row[j] * slit[j] + line[p]
        for j in range(slit.shape[0]):
            low, high = min(low, row[j]), max(high, row[j])
    return low, high


@njit(cache=True, nogil=True, error_model="numpy", fastmath=SUMS)
def background(image, slit, kinetic, levels, order, coefficients, curve, out) -> None:  # type: ignore[no-untyped-def]
    """Write flat + polynomial + Shirley background (levels: flat, Shirley, polynomial) of an image scaled to 0…1.

    Shirley's is the sum of all that lies above in energy, column by column, without the top row.
    """
    rows, columns = image.shape
    out[rows - 1, :] = np.float32(0.0)
    highest = np.float32(0.0)
    for i in range(rows - 2, -1, -1):
        row, above, here = out[i], out[i + 1], image[i]
        for j in range(columns):
            row[j] = above[j] + here[j]
    for j in range(columns):
        highest = max(highest, out[0, j])
    low, high = _polynomial(slit, kinetic, order, coefficients, curve)
    shirley = np.float32(levels[1] / highest) if highest > 0.0 else np.float32(0.0)
    scale = levels[2] / abs(high) if high != 0.0 else 0.0
    for i in range(rows):
        row, added = out[i], curve[i]
        for j in range(columns):
            row[j] = np.float32(levels[0]) + shirley * row[j] + np.float32(scale * (added[j] - low))


@njit(cache=True, nogil=True, error_model="numpy")
def centre_response(count, sensitivity, out) -> None:  # type: ignore[no-untyped-def]
    """Write a parabola from 1 − sensitivity at the ends of an axis to 1 at its centre."""
    for j in range(count):
        x = 2.0 * j / (count - 1) - 1.0
        out[j] = 1.0 - sensitivity * x * x


@njit(cache=True, nogil=True, error_model="numpy", fastmath=SUMS)
def expected(image, ground, gain_e, gain_a, out) -> Any:  # type: ignore[no-untyped-def]
    """Write (bands + background) × response.

    Returns
    -------
    its largest value, the largest of the background's part, its sum, and the bands' share where their electrons fall
    """
    highest, highest_ground, total = np.float32(0.0), np.float32(0.0), 0.0
    detected, share = 0.0, 0.0
    for i in range(image.shape[0]):
        row, bands, below, g = out[i], image[i], ground[i], gain_e[i]
        part, lit, clean = np.float32(0.0), np.float32(0.0), np.float32(0.0)
        for j in range(row.shape[0]):
            gain = g * gain_a[j]
            value = (bands[j] + below[j]) * gain
            row[j] = value
            part += value
            whole = bands[j] + below[j]
            lit += bands[j] * gain
            clean += bands[j] * bands[j] / (whole + np.float32(1e-20)) * gain
            highest = max(highest, value)
            highest_ground = max(highest_ground, below[j] * gain)
        total += float(part)
        detected += float(lit)
        share += float(clean)
    return highest, highest_ground, total, share / detected if detected > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def make_room(rows, columns) -> Any:  # type: ignore[no-untyped-def]
    """Return scratch arrays for spectra of (rows, columns)."""
    return Room(
        np.empty(columns),
        np.empty((8, columns), dtype=np.float32),
        np.empty(columns, dtype=np.float32),
        np.empty(2 * max(rows, columns), dtype=np.float32),
        np.empty(3 * columns + 2 * rows, dtype=np.float32),
        np.empty((rows, columns), dtype=np.float32),
        np.empty((rows, columns), dtype=np.float32),
        np.empty((rows, columns)),
        np.empty((rows, columns), dtype=np.float32),
        np.empty(rows, dtype=np.float32),
        np.empty(columns, dtype=np.float32),
        np.empty(columns),
        np.empty(rows),
        np.empty(FEATURE_COLUMNS),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def momentum_cut(i, cuts, omega, room) -> Any:  # type: ignore[no-untyped-def]
    """Write cut i in energy and momentum, blurred (e, k), into ``room.blurred``; returns the first kx and the step."""
    columns = room.kx.shape[0]
    low, high = cuts.low[i] * EDGES, cuts.high[i] * EDGES
    step = (high[0] - low[0]) / (columns - 1)
    for j in range(columns):
        room.kx[j] = low[0] + j * step
    kind, sites = cuts.lattice[i], cuts.bands[i]
    scale = 1.0 if kind < 2 else 2.0 / math.sqrt(3.0)
    a = scale * math.pi / cuts.high[i, 0]
    b = math.pi / high[1] if kind == 0 else a
    ky = cuts.ky[i]
    bands = band_energies(
        kind, cuts.onsite[i, :sites], cuts.hopping[i], cuts.ratio[i], (a, b), room.kx, ky, room.energies
    )
    order = cuts.order[i]
    matrix_elements(room.kx, ky, low, high, order, cuts.coefficients[i], cuts.fold[i], room.weight)
    lit = spectral_rows(
        omega, cuts.temperature[i], bands, room.energies, cuts.amplitude[i], cuts.slope[i], cuts.floor[i],
        room.weight, room.cut,
    )  # fmt: skip
    length = gaussian_taps(cuts.momentum_fwhm[i], step, room.taps)
    blur_rows(room.cut, lit, room.taps, length, room.padded)
    length = gaussian_taps(cuts.energy_fwhm[i], omega[1] - omega[0], room.taps)
    blur_columns(room.cut, lit, room.taps, length, room.blurred)
    return low[0], step


@njit(cache=True, nogil=True, error_model="numpy")
def slit_axis(low, high, kinetic, out) -> None:  # type: ignore[no-untyped-def]
    """Write the angles of the slit in radians: those of the momentum window at the lowest energy, and a tenth more."""
    reach = math.sqrt(HBAR2_OVER_2M / kinetic)
    first, last = math.asin(low * reach), math.asin(high * reach)
    for j in range(out.shape[0]):
        out[j] = EDGES * (first + (last - first) * j / (out.shape[0] - 1))


@njit(cache=True, nogil=True, error_model="numpy")
def simulate_cuts(cuts, omega, keys, inverse, counts, arpes, ground, parts, slit) -> None:  # type: ignore[no-untyped-def]
    """Simulate n cuts.

    Parameters
    ----------
    cuts : parameters of n cuts
    omega : (e,) energies E − E_F in eV
    keys : (n,) random keys
    inverse : table of the counting kernel
    counts : (n, e, a) result: electrons per pixel
    arpes, ground : (n, e, a) result: bands scaled to 0…1, and background, both before the response; or (0, e, a)
    parts : (n, 4) result: feature measure and signal to background, published and ``v2``
    slit : (n, a) result: angles in radians
    """
    rows, columns = omega.shape[0], counts.shape[2]
    room = make_room(rows, columns)
    spare, spare_ground = np.empty_like(room.cut), np.empty_like(room.cut)
    for i in range(counts.shape[0]):
        image = arpes[i] if arpes.shape[0] else spare
        below = ground[i] if ground.shape[0] else spare_ground
        for r in range(rows):
            room.kinetic[r] = cuts.kinetic[i] + omega[r]
        slit_axis(cuts.low[i, 0], cuts.high[i, 0], room.kinetic[0], slit[i])
        for j in range(columns):
            room.sines[j] = math.sin(slit[i, j] + cuts.offset[i])
        first, step = momentum_cut(i, cuts, omega, room)
        low, high = to_angles(room.blurred, room.kinetic, room.sines, first, step, cuts.ky[i], image)
        parts[i, 0] = scale_between(image, low, high)
        background(
            image, slit[i], room.kinetic, cuts.levels[i], cuts.ground_order[i], cuts.ground_coefficients[i],
            room.curve, below,
        )  # fmt: skip
        centre_response(rows, cuts.sensitivity[i], room.gain_e)
        centre_response(columns, cuts.sensitivity[i], room.gain_a)
        highest, highest_ground, total, share = expected(image, below, room.gain_e, room.gain_a, room.rate)
        parts[i, 1] = 1.0 - highest_ground / highest if highest > 0.0 else 0.0
        parts[i, 2] = coarse_variation(image, room.cells)
        parts[i, 3] = share
        if total > 0.0 and cuts.events[i] > 0:
            count_events(
                room.rate.reshape(-1), total, cuts.events[i], keys[i] ^ _COUNTING, inverse, counts[i].reshape(-1)
            )
        else:
            counts[i] = np.float32(0.0)
