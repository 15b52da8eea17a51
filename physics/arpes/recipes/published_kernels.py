"""Kernels of the `published` recipe: the processing of Na et al. (arXiv 2508.15983), one dispersion cut at a time."""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from beamgym.physics.arpes.detection import count_events
from beamgym.physics.arpes.recipes.published_blur_kernels import blur_columns, blur_rows, gaussian_taps
from beamgym.physics.arpes.recipes.published_cut_kernels import (
    EDGES,
    HBAR2_OVER_2M,
    band_energies,
    matrix_elements,
    spectral_rows,
    to_angles,
)
from beamgym.physics.arpes.recipes.published_detector_kernels import (
    background,
    centre_response,
    coarse_variation,
    expected,
    scale_between,
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


@njit(cache=True, nogil=True, error_model="numpy")
def make_room(rows, columns) -> Any:  # type: ignore[no-untyped-def]
    """Return scratch arrays for spectra of (rows, columns)."""
    return Room(
        np.empty(columns),
        np.empty((8, columns), dtype=np.float32),
        np.empty(columns, dtype=np.float32),
        np.empty(2 * max(rows, columns), dtype=np.float32),
        np.empty(3 * columns + 2 * rows + 64, dtype=np.float32),
        np.empty((rows, columns), dtype=np.float32),
        np.empty((rows, columns), dtype=np.float32),
        np.empty(columns),
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
