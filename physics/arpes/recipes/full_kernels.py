"""Kernels of the `full` recipe: emission of its samples, and measures of noise-free images for the scores."""

import math

import numpy as np
from numba import njit

from beamgym.physics.arpes.bands_models import WAVENUMBER
from beamgym.physics.arpes.detection import LANES, lane_sum
from beamgym.physics.arpes.recipes.published_detector_kernels import coarse_variation
from beamgym.physics.arpes.score import FEATURE_COLUMNS

_NAMES = ("a", "b", "share", "kinetic", "inside", "layer", "hopping", "spacing", "gap", "d_wave")
MATTER = np.dtype([(name, np.float64) for name in _NAMES])
"""What ``lay_out`` reads of a pair of sample and domain: lattice constants in Å; share of the intensity; kinetic energy
outside and inside in eV; layer distance in Å, hopping along kz in eV, its spread in rad; gap in eV, 1 for d wave."""

_DIPOLE_FLOOR = 0.02  # what is left where the dipole vanishes, as a share of its mean


@njit(cache=True, error_model="numpy")
def _dipole(momentum, inside, field, harmonic, margin, perpendicular, out) -> None:  # type: ignore[no-untyped-def]
    """Write kz (w,) in 1/Å, and |ε·k̂ Y(k̂)|² (Moser 2017) with its mean over the grid at 1."""
    width, total = out.shape[0], 0.0
    for c in range(width):
        x, y = momentum[c, 0], momentum[c, 1]
        square = x * x + y * y
        z = math.sqrt(max(inside * WAVENUMBER * WAVENUMBER - square, 0.0))
        perpendicular[c] = z
        scale = 1.0 / math.sqrt(square + z * z)
        x, y, z = x * scale, y * scale, z * scale
        value = harmonic[0] + harmonic[1] * x + harmonic[2] * y + harmonic[3] * z
        value += harmonic[4] * x * x + harmonic[5] * y * y + harmonic[6] * z * z
        value += harmonic[7] * x * y + harmonic[8] * x * z + harmonic[9] * y * z
        value *= x * field[0] + y * field[1] + z * field[2]
        out[c] = value * value
    for c in range(margin, width - margin):  # margins are as wide as a batch's worst resolution asks
        total += out[c]
    factor = 1.0 / max(total / (width - 2 * margin), 1e-12)
    for c in range(width):
        out[c] = _DIPOLE_FLOOR + out[c] * factor


@njit(cache=True, nogil=True, error_model="numpy")
def lay_out(  # type: ignore[no-untyped-def]
    owner, place, bands, momentum, matter, amplitude, ripple, field, harmonic, energy, partner, margin,
    energies, partners, weights, broadening, gaps,
) -> None:  # fmt: skip
    """Write the emission tables of n samples, the bands of one domain after those of another.

    Parameters
    ----------
    owner, place, bands : (p,) sample of each pair of sample and domain, its first slot, and how many it fills
    momentum : (p, m, w, 2) 1/Å
    matter : (p,) of ``MATTER``
    amplitude, ripple : (p, 8), (p, 8, 2, 2) of every band
    field, harmonic : (p, 3), (p, 10) polarisation vector, and the orbital's harmonic, in the sample's frame
    energy, partner : (p, 8, m, w) bands, and those that a density wave mixes them with, eV
    margin : columns beyond either end of the grid
    energies, partners, weights, broadening, gaps : (n, b, m, w) and (n, b, w) results, as of ``spectrum.Scene``
    """
    width, middle = momentum.shape[2], momentum.shape[1] // 2
    cosines, sines = np.empty((2, width)), np.empty((2, width))
    bright, perpendicular = np.empty(width), np.empty(width)
    shift, broad, gap = np.zeros(width, np.float32), np.zeros(width, np.float32), np.zeros(width, np.float32)
    for j in range(owner.shape[0]):
        of, k = matter[j], momentum[j, middle]
        _dipole(k, of.inside, field[j], harmonic[j], margin, perpendicular, bright)
        for c in range(width):
            cosines[0, c], sines[0, c] = math.cos(of.a * k[c, 0]), math.sin(of.a * k[c, 0])
            cosines[1, c], sines[1, c] = math.cos(of.b * k[c, 1]), math.sin(of.b * k[c, 1])
            gap[c] = of.gap * (0.5 * (cosines[0, c] - cosines[1, c]) if of.d_wave > 0.0 else 1.0)
        shift[:], broad[:] = np.float32(0.0), np.float32(0.0)
        if of.hopping != 0.0:
            for c in range(width):
                shift[c] = 2.0 * of.hopping * math.cos(of.layer * perpendicular[c])
                broad[c] = abs(of.hopping * math.sin(of.layer * perpendicular[c])) * of.spacing
        for m in range(bands[j]):
            i, slot = owner[j], place[j] + m
            broadening[i, slot], gaps[i, slot], partners[i, slot] = broad, gap, partner[j, m]
            for node in range(energy.shape[2]):
                row, bare = energies[i, slot, node], energy[j, m, node]
                for c in range(width):
                    row[c] = bare[c] + shift[c]
            _modulate(ripple[j, m], of.share * amplitude[j, m], cosines, sines, bright, weights[i, slot])


@njit(cache=True, error_model="numpy")
def _modulate(ripple, amplitude, cosines, sines, bright, out) -> None:  # type: ignore[no-untyped-def]
    """Write amplitude · (1 + Σ s cos(a·k + φ))² · dipole of one band; ``ripple`` (2, 2) holds s and φ of both axes."""
    first, second = ripple[0, 0] * math.cos(ripple[0, 1]), ripple[0, 0] * math.sin(ripple[0, 1])
    third, fourth = ripple[1, 0] * math.cos(ripple[1, 1]), ripple[1, 0] * math.sin(ripple[1, 1])
    for c in range(out.shape[0]):
        value = 1.0 + first * cosines[0, c] - second * sines[0, c] + third * cosines[1, c] - fourth * sines[1, c]
        out[c] = amplitude * value * value * bright[c]


@njit(cache=True, nogil=True, error_model="numpy")
def _measured_row(signal, ground, gain_e, columns, plate, seen, clean) -> None:  # type: ignore[no-untyped-def]
    """Write the signal behind the response, and the same times the bands' share of all, of one row."""
    for c in range(signal.shape[0]):
        seen[c] = signal[c] * gain_e * columns[c] * plate[c]
        clean[c] = seen[c] * signal[c] / (signal[c] + np.float32(1e-20) + ground[c])


@njit(cache=True, nogil=True, error_model="numpy")
def clean_measures(signal, ground, rows, columns, maps, index, parts) -> None:  # type: ignore[no-untyped-def]
    """Write the feature measures of both scores and the ``v2`` signal to background.

    Parameters
    ----------
    signal, ground : (n, e, a) noise-free bands and background
    rows, columns : (n, e), (n, a) separable response
    maps, index : (k, e, a), (n,) further response maps, −1 for none
    parts : (n, 3) result: feature measure ``paper``, feature measure ``v2``, share of the bands
    """
    cells, lanes, width = np.empty(FEATURE_COLUMNS), np.empty(LANES, dtype=np.float32), signal.shape[2]
    flat, change = np.ones(width, dtype=np.float32), np.empty(width - 1, dtype=np.float32)
    seen, shared = np.empty(width, dtype=np.float32), np.empty(width, dtype=np.float32)
    for i in range(signal.shape[0]):
        variation, total, detected, clean = 0.0, 0.0, 0.0, 0.0
        for r in range(signal.shape[1]):
            row = signal[i, r]
            plate = maps[index[i], r] if index[i] >= 0 else flat
            _measured_row(row, ground[i, r], rows[i, r], columns[i], plate, seen, shared)
            for c in range(width - 1):
                change[c] = abs(row[c + 1] - row[c])
            variation += np.float64(lane_sum(change, lanes))
            total += np.float64(lane_sum(row, lanes))
            detected += np.float64(lane_sum(seen, lanes))
            clean += np.float64(lane_sum(shared, lanes))
        parts[i, 0] = variation / total if total > 0.0 else 0.0
        parts[i, 1] = coarse_variation(signal[i], cells)
        parts[i, 2] = clean / detected if detected > 0.0 else 0.0
