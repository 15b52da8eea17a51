"""Numba kernels of a spectrum: from band tables to expected intensity, one sample at a time so that it stays in cache.

Inner loops run along the slit in single precision. Divisions follow IEEE 754 (error_model "numpy"): Python's check for
zero before every one would keep the loops from being vectorised.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from beamgym.physics.arpes.detection.blur_kernels import (
    blur_angle,
    blur_energy,
    coarse_rows,
    gaussian_weights,
    plan,
    weighted_rows,
)
from beamgym.physics.arpes.detection.measures_kernels import four_sums, lower, raise_to

BOLTZMANN_EV = 8.617333262e-5  # eV/K, CODATA 2018
EMPTY = 1e-9  # occupations below this are no occupation
NO_GAP, PAIRING, DENSITY_WAVE = 0, 1, 2
_FUSED_NODES = 3  # of the tables that ``add_plain`` interpolates itself


class Tables(NamedTuple):
    """The band tables of n samples, see ``spectrum.Scene``; optional ones have size 0."""

    dispersion: Any
    count: Any
    weight: Any
    real: Any
    imaginary: Any
    broadening: Any
    gap_kind: Any
    gap: Any
    partner: Any
    pair_breaking: Any
    temperature: Any
    fermi: Any
    energy_sigma: Any
    angle_sigma: Any


class Axes(NamedTuple):
    """Padded axes: ``energy`` (h,) eV and ``step`` eV, ``lagrange`` (h, m), margins in rows and columns."""

    energy: Any
    lagrange: Any
    rows: int
    columns: int
    margin_rows: int
    margin_columns: int


class Extras(NamedTuple):
    """Background and detector of n samples, see ``background.Background`` and ``response.Response``."""

    constant: Any
    polynomial: Any
    polynomial_amplitude: Any
    shirley: Any
    shirley_local: Any
    row_axis: Any
    column_axis: Any
    row_response: Any
    column_response: Any
    maps: Any
    map_index: Any


@njit(cache=True, nogil=True, error_model="numpy")
def occupation(energy, temperature) -> Any:  # type: ignore[no-untyped-def]
    """Fermi–Dirac occupation at ``energy`` eV from the Fermi level; a step at 0 K."""
    if temperature <= 0.0:
        return 1.0 if energy < 0.0 else (0.5 if energy == 0.0 else 0.0)
    x = energy / (BOLTZMANN_EV * temperature)
    if x > 700.0:
        return 0.0
    return 1.0 / (1.0 + math.exp(x))


@njit(cache=True, error_model="numpy", forceinline=True)
def add_plain(energy, gamma, lagrange, nodes, left, weight, out) -> None:  # type: ignore[no-untyped-def]
    """Add weight·Γ/((E − ε)² + Γ²) to one row: E already has Re Σ taken off, Γ = −Im Σ; ε from three nodes (3, w)."""
    square = gamma * gamma
    width = out.shape[0]
    l0, l1, l2 = lagrange[0], lagrange[1], lagrange[2]
    a, b, c = nodes[0][left : left + width], nodes[1][left : left + width], nodes[2][left : left + width]
    for j in range(width):
        off = energy - (l0 * a[j] + l1 * b[j] + l2 * c[j])
        out[j] += weight[j] * gamma / (off * off + square)


@njit(cache=True, error_model="numpy", forceinline=True)
def add_broad(energy, gamma, extra, dispersion, weight, out) -> None:  # type: ignore[no-untyped-def]
    """Add Lorentzians as ``add_plain`` does, with a further half width for every column; ε (w,) is given."""
    for c in range(out.shape[0]):
        width = gamma + extra[c]
        off = energy - dispersion[c]
        out[c] += weight[c] * width / (off * off + width * width)


@njit(cache=True, error_model="numpy", forceinline=True)
def add_gapped(energy, bare, gamma, extra, pair, gap, dispersion, partner, weight, out) -> None:  # type: ignore[no-untyped-def]
    """Add −Im G with G = 1/(E − ε + iΓ − Δ²/(ω − ε_partner + iΓ0)) (Norman et al., Phys. Rev. B 57 (1998) R11093)."""
    for c in range(out.shape[0]):
        square = gap[c] * gap[c]
        other = bare - partner[c]
        share = square / (other * other + pair * pair)
        width = gamma + extra[c] + share * pair
        off = energy - dispersion[c] - share * other
        out[c] += weight[c] * width / (off * off + width * width)


@njit(cache=True, error_model="numpy", forceinline=True)
def interpolate(table, lagrange, left, out) -> None:  # type: ignore[no-untyped-def]
    """Write Σ_j L_j table[j] (m, w) into one row, from column ``left`` on."""
    width = out.shape[0]
    first, base = lagrange[0], table[0][left : left + width]
    for c in range(width):
        out[c] = first * base[c]
    for j in range(1, table.shape[0]):
        factor, base = lagrange[j], table[j][left : left + width]
        for c in range(width):
            out[c] += factor * base[c]


@njit(cache=True, error_model="numpy", forceinline=True)
def spectral_row(i, r, left, tables, axes, sharp_bands, band, partner, nothing, out) -> None:  # type: ignore[no-untyped-def]
    """Write π times the sum of the bands' spectral functions of sample i, padded row r, from column ``left`` on.

    ``sharp_bands`` (b,) tells which are not broadened further; ``band`` and ``partner`` are scratch, ``nothing`` is
    zeros; all three as long as ``out``.
    """
    omega = axes.energy[r] - np.float32(tables.fermi[i])
    kind = tables.gap_kind[i] if tables.gap_kind.size else NO_GAP
    right = left + out.shape[0]
    lagrange = axes.lagrange[r]
    for m in range(tables.count[i]):
        sigma_band = m if tables.real.shape[1] > 1 else 0
        energy = omega - tables.real[i, sigma_band, r]
        gamma = -tables.imaginary[i, sigma_band, r]
        weight = tables.weight[i, m][left:right]
        if kind == NO_GAP and sharp_bands[m] and lagrange.shape[0] == _FUSED_NODES:
            add_plain(energy, gamma, lagrange, tables.dispersion[i, m], left, weight, out)
            continue
        interpolate(tables.dispersion[i, m], lagrange, left, band)
        extra = nothing if sharp_bands[m] else tables.broadening[i, m][left:right]
        if kind != NO_GAP:
            if kind == PAIRING:
                for c in range(out.shape[0]):
                    partner[c] = -band[c]
            else:
                interpolate(tables.partner[i, m], lagrange, left, partner)
            pair = tables.pair_breaking[i]
            add_gapped(energy, omega, gamma, extra, pair, tables.gap[i, m][left:right], band, partner, weight, out)
        else:
            add_broad(energy, gamma, extra, band, weight, out)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_sharp_bands(i, tables, out) -> None:  # type: ignore[no-untyped-def]
    """Write for each band of sample i whether nothing broadens it but its self-energy."""
    for m in range(tables.count[i]):
        out[m] = True
        if tables.broadening.size:
            for c in range(tables.broadening.shape[2]):
                if tables.broadening[i, m, c] != np.float32(0.0):
                    out[m] = False
                    break


@njit(cache=True, nogil=True, error_model="numpy")
def sharp_signal(i, tables, axes, reach, across, sharp) -> Any:  # type: ignore[no-untyped-def]
    """Write sample i's A·f into the rows and columns that its resolution reaches; returns the last row with electrons.

    Columns of ``sharp`` begin ``across`` before the first of the grid.
    """
    width = axes.columns + 2 * across
    left = axes.margin_columns - across
    band, partner = np.empty(width, dtype=np.float32), np.empty(width, dtype=np.float32)
    nothing, sharp_bands = np.zeros(width, dtype=np.float32), np.empty(tables.weight.shape[1], dtype=np.bool_)
    fill_sharp_bands(i, tables, sharp_bands)
    first, last = axes.margin_rows - reach, axes.margin_rows + axes.rows - 1 + reach
    top = first - 1
    for r in range(first, last + 1):
        filled = occupation(float(axes.energy[r]) - tables.fermi[i], tables.temperature[i])
        if filled < EMPTY:
            break
        top = r
        row = sharp[r][:width]
        row[:] = np.float32(0.0)
        spectral_row(i, r, left, tables, axes, sharp_bands, band, partner, nothing, row)
        scale = np.float32(filled / math.pi)
        for c in range(width):
            row[c] *= scale
    return top


@njit(cache=True, nogil=True, error_model="numpy")
def band_signal(i, tables, axes, quick, sharp, weights, out) -> None:  # type: ignore[no-untyped-def]
    """Write sample i's A·f, blurred by its resolution, into ``out`` (rows, columns).

    ``sharp`` (h, w) is scratch. Rows and columns beyond the window are computed, not guessed, so that no edge darkens;
    rows without electrons are skipped. ``quick`` blurs widely by ``coarse_rows``, to 1e-4 of the brightest in reach.
    """
    reach = gaussian_weights(tables.energy_sigma[i], weights)
    along = np.empty(weights.shape[0], dtype=np.float32)
    across = gaussian_weights(tables.angle_sigma[i], along)
    first, begin = axes.margin_rows - reach, axes.margin_rows
    top = sharp_signal(i, tables, axes, reach, across, sharp)
    band = np.empty(axes.columns + 2 * across, dtype=np.float32)
    step, fill = plan(tables.energy_sigma[i])
    if quick and step > 1:
        coarse = coarse_rows(sharp, first, top, begin, axes.rows, band.shape[0], tables.energy_sigma[i], step)
        for r in range(axes.rows):
            weighted_rows(coarse, r // step, fill[r % step], band)
            blur_angle(band, across, along, across, out[r])
        return
    for r in range(axes.rows):
        blur_energy(sharp, first, top, r + begin, weights, reach, band)
        blur_angle(band, across, along, across, out[r])


@njit(cache=True, nogil=True, error_model="numpy")
def scale_to_one(signal) -> Any:  # type: ignore[no-untyped-def]
    """Scale an image to a maximum of one; returns what the maximum was."""
    most = np.zeros(signal.shape[1], dtype=np.float32)
    for r in range(signal.shape[0]):
        raise_to(signal[r], most)
    peak = np.max(most)
    if peak > 0.0:
        factor = np.float32(1.0) / peak
        for r in range(signal.shape[0]):
            row = signal[r]
            for c in range(row.shape[0]):
                row[c] *= factor
    return peak


@njit(cache=True, nogil=True, error_model="numpy")
def _polynomial_row(coefficients, y, column_axis, terms, row) -> None:  # type: ignore[no-untyped-def]
    """Write Σ c_jk y^j x^k of one row; ``terms`` is scratch: one for each k, 4 at least, and zeros behind."""
    order = coefficients.shape[0]
    for k in range(order):
        term = 0.0
        for j in range(order - 1, -1, -1):
            term = term * y + coefficients[j, k]
        terms[k] = term
    a, b, c, d = terms[3], terms[2], terms[1], terms[0]
    for i in range(row.shape[0]):
        row[i] = a
    for k in range(terms.shape[0] - 1, 3, -1):
        for i in range(row.shape[0]):
            row[i] = (terms[k] if k == terms.shape[0] - 1 else row[i]) * column_axis[i] + terms[k - 1]
    for i in range(row.shape[0]):
        x = column_axis[i]
        row[i] = ((row[i] * x + b) * x + c) * x + d


@njit(cache=True, nogil=True, error_model="numpy")
def add_polynomial(coefficients, amplitude, row_axis, column_axis, out) -> None:  # type: ignore[no-untyped-def]
    """Add Σ c_jk y^j x^k, moved and scaled to run from 0 to ``amplitude``."""
    rows, columns = out.shape
    values = np.empty(columns, dtype=np.float32)
    terms = np.zeros(max(coefficients.shape[0], 4), dtype=np.float32)
    least, most = np.full(columns, np.float32(np.inf)), np.full(columns, np.float32(-np.inf))
    for r in range(rows):
        _polynomial_row(coefficients, row_axis[r], column_axis, terms, values)
        lower(values, least)
        raise_to(values, most)
    low, high = np.min(least), np.max(most)
    if high > low:
        factor = np.float32(amplitude) / (high - low)
        for r in range(rows):
            _polynomial_row(coefficients, row_axis[r], column_axis, terms, values)
            row = out[r]
            for c in range(columns):
                row[c] += (values[c] - low) * factor


@njit(cache=True, nogil=True, error_model="numpy")
def _four_running_sums(rows, out) -> None:  # type: ignore[no-untyped-def]
    """Write the sums of four rows, each from left to right: side by side, none waits for another's addition."""
    a, b, c, d = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    p, q, r, s = rows[0], rows[1], rows[2], rows[3]
    for j in range(rows.shape[1]):
        a += p[j]
        b += q[j]
        c += r[j]
        d += s[j]
    out[0], out[1], out[2], out[3] = a, b, c, d


@njit(cache=True, nogil=True, error_model="numpy")
def add_shirley(signal, amplitude, local, out) -> None:  # type: ignore[no-untyped-def]
    """Add the Shirley background: at each energy, what was emitted at all higher ones; its maximum is ``amplitude``.

    From the signal averaged over the slit, since the electrons that lost energy have forgotten their direction; from
    each column alone where ``local``.
    """
    rows, columns = signal.shape
    if local:
        total, peak = np.zeros(columns, dtype=np.float32), np.float32(0.0)
        for r in range(rows):
            for c in range(columns):
                total[c] += signal[r, c]
        for c in range(columns):
            peak = max(peak, total[c])
        if peak <= 0.0:
            return
        factor = np.float32(amplitude) / peak
        for r in range(rows):
            for c in range(columns):
                total[c] -= np.float32(0.5) * signal[r, c]
                out[r, c] += factor * max(total[c], np.float32(0.0))
                total[c] -= np.float32(0.5) * signal[r, c]
        return
    average = np.zeros(rows)
    for r in range(0, rows - 3, 4):
        _four_running_sums(signal[r : r + 4], average[r : r + 4])
    for r in range(rows - rows % 4, rows):
        running = np.float32(0.0)
        for c in range(columns):
            running += signal[r, c]
        average[r] = running
    grand = np.sum(average)
    if grand <= 0.0:
        return
    above = grand
    for r in range(rows):
        above -= 0.5 * average[r]
        value = np.float32(amplitude * max(above, 0.0) / grand)
        above -= 0.5 * average[r]
        for c in range(columns):
            out[r, c] += value


@njit(cache=True, nogil=True, error_model="numpy")
def fill_background(i, extras, signal, out) -> None:  # type: ignore[no-untyped-def]
    """Write sample i's background: constant, polynomial, Shirley; amplitudes relative to the signal's maximum of 1."""
    out[:] = np.float32(extras.constant[i])
    if extras.polynomial_amplitude[i] > 0.0:
        add_polynomial(extras.polynomial[i], extras.polynomial_amplitude[i], extras.row_axis, extras.column_axis, out)
    if extras.shirley[i] > 0.0:
        add_shirley(signal, extras.shirley[i], extras.shirley_local[i], out)


@njit(cache=True, nogil=True, error_model="numpy")
def apply_gain(gain, signal, background, seen, rest, out) -> None:  # type: ignore[no-untyped-def]
    """Write gain·signal, gain·background and their sum of one row: in loops that can each be vectorised."""
    for c in range(gain.shape[0]):
        seen[c] = gain[c] * signal[c]
        rest[c] = gain[c] * background[c]
    for c in range(gain.shape[0]):
        out[c] = seen[c] + rest[c]


@njit(cache=True, nogil=True, error_model="numpy")
def scaled(row, factor, out) -> None:  # type: ignore[no-untyped-def]
    """Write a row times a factor."""
    for c in range(out.shape[0]):
        out[c] = factor * row[c]


@njit(cache=True, nogil=True, error_model="numpy")
def times(row, out) -> None:  # type: ignore[no-untyped-def]
    """Multiply a row by another, in place."""
    for c in range(out.shape[0]):
        out[c] = row[c] * out[c]


@njit(cache=True, nogil=True, error_model="numpy")
def detect(i, extras, signal, background, summary, out) -> None:  # type: ignore[no-untyped-def]
    """Write response·(signal + background) and five numbers about it.

    ``summary`` (5,): largest background, largest total, sum of signal, sum of background, sum of total; all of them
    behind the detector's response.
    """
    rows, columns = signal.shape
    peak_background, peak_total = np.zeros(columns, dtype=np.float32), np.zeros(columns, dtype=np.float32)
    gain, sums = np.empty(columns, dtype=np.float32), np.empty((2, 4), dtype=np.float32)
    seen, rest = np.empty((4, columns), dtype=np.float32), np.empty((4, columns), dtype=np.float32)
    sum_signal, sum_background = 0.0, 0.0
    separable = extras.row_response.size > 0
    mapped = extras.map_index.size > 0 and extras.map_index[i] >= 0
    along = extras.column_response[i] if separable else gain
    plate = extras.maps[extras.map_index[i]] if mapped else signal
    gain[:] = np.float32(1.0)
    for first in range(0, rows, 4):
        size = min(4, rows - first)
        for r in range(size):
            if separable:
                scaled(along, extras.row_response[i, first + r], gain)
            elif mapped:
                gain[:] = np.float32(1.0)
            if mapped:
                times(plate[first + r], gain)
            apply_gain(gain, signal[first + r], background[first + r], seen[r], rest[r], out[first + r])
            raise_to(rest[r], peak_background)
            raise_to(out[first + r], peak_total)
        four_sums(seen, sums[0])
        four_sums(rest, sums[1])
        for r in range(size):
            sum_signal += np.float64(sums[0, r])
            sum_background += np.float64(sums[1, r])
    summary[0], summary[1] = np.max(peak_background), np.max(peak_total)
    summary[2], summary[3], summary[4] = sum_signal, sum_background, sum_signal + sum_background
