"""Numba kernels of a spectrum: from band tables to expected intensity, one sample at a time so that it stays in cache.

Inner loops run along the slit in single precision. Divisions follow IEEE 754 (error_model "numpy"): Python's check for
zero before every one would keep the loops from being vectorised.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

BOLTZMANN_EV = 8.617333262e-5  # eV/K, CODATA 2018
REACH = 4.0  # a resolution function is summed to this many standard deviations: 6e-5 of it is cut off
EMPTY = 1e-9  # occupations below this are no occupation
NO_GAP, PAIRING, DENSITY_WAVE = 0, 1, 2


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


@njit(cache=True, error_model="numpy")
def occupation(energy, temperature) -> Any:  # type: ignore[no-untyped-def]
    """Fermi–Dirac occupation at ``energy`` eV from the Fermi level; a step at 0 K."""
    if temperature <= 0.0:
        return 1.0 if energy < 0.0 else (0.5 if energy == 0.0 else 0.0)
    x = energy / (BOLTZMANN_EV * temperature)
    if x > 700.0:
        return 0.0
    return 1.0 / (1.0 + math.exp(x))


@njit(cache=True, error_model="numpy")
def gaussian_weights(sigma, weights) -> Any:  # type: ignore[no-untyped-def]
    """Write a Gaussian integrated over pixels 0, 1, …, whose two sides sum to one; returns its reach in pixels."""
    if sigma < 1e-3:
        weights[0] = 1.0
        return 0
    reach = min(math.ceil(REACH * sigma), weights.shape[0] - 1)
    scale = 1.0 / (math.sqrt(2.0) * sigma)
    lower = math.erf(-0.5 * scale)
    total = 0.0
    for k in range(reach + 1):
        upper = math.erf((k + 0.5) * scale)
        weights[k] = 0.5 * (upper - lower)
        total += (1.0 if k == 0 else 2.0) * weights[k]
        lower = upper
    for k in range(reach + 1):
        weights[k] /= total
    return reach


@njit(cache=True, error_model="numpy", forceinline=True)
def add_plain(energy, gamma, dispersion, weight, out) -> None:  # type: ignore[no-untyped-def]
    """Add weight·Γ/((E − ε)² + Γ²) to one row: E already has Re Σ taken off, Γ = −Im Σ."""
    square = gamma * gamma
    for c in range(out.shape[0]):
        off = energy - dispersion[c]
        out[c] += weight[c] * gamma / (off * off + square)


@njit(cache=True, error_model="numpy", forceinline=True)
def add_broad(energy, gamma, extra, dispersion, weight, out) -> None:  # type: ignore[no-untyped-def]
    """The same with a further half width for every column."""
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
def interpolate(table, lagrange, out) -> None:  # type: ignore[no-untyped-def]
    """Write Σ_j L_j table[j] (m, w) into one row."""
    first = lagrange[0]
    for c in range(out.shape[0]):
        out[c] = first * table[0, c]
    for j in range(1, table.shape[0]):
        factor = lagrange[j]
        for c in range(out.shape[0]):
            out[c] += factor * table[j, c]


@njit(cache=True, error_model="numpy")
def spectral_row(i, r, tables, axes, band, partner, nothing, out) -> None:  # type: ignore[no-untyped-def]
    """Write π times the sum of the bands' spectral functions of sample i, padded row r; ``nothing`` (w,) is zeros."""
    omega = axes.energy[r] - np.float32(tables.fermi[i])
    kind = tables.gap_kind[i] if tables.gap_kind.size else NO_GAP
    for m in range(tables.count[i]):
        sigma_band = m if tables.real.shape[1] > 1 else 0
        interpolate(tables.dispersion[i, m], axes.lagrange[r], band)
        energy = omega - tables.real[i, sigma_band, r]
        gamma = -tables.imaginary[i, sigma_band, r]
        weight = tables.weight[i, m]
        if kind != NO_GAP:
            if kind == PAIRING:
                for c in range(out.shape[0]):
                    partner[c] = -band[c]
            else:
                interpolate(tables.partner[i, m], axes.lagrange[r], partner)
            extra = tables.broadening[i, m] if tables.broadening.size else nothing
            pair = tables.pair_breaking[i]
            add_gapped(energy, omega, gamma, extra, pair, tables.gap[i, m], band, partner, weight, out)
        elif tables.broadening.size:
            add_broad(energy, gamma, tables.broadening[i, m], band, weight, out)
        else:
            add_plain(energy, gamma, band, weight, out)


@njit(cache=True, error_model="numpy")
def blur_energy(source, first, last, row, weights, reach, out) -> None:  # type: ignore[no-untyped-def]
    """Write Σ_s w(|s − row|) source[s] over the rows first…last that the resolution reaches, four at a time."""
    low, high = max(first, row - reach), min(last, row + reach)
    out[:] = np.float32(0.0)
    s = low
    while s + 3 <= high:
        w0, w1 = weights[abs(s - row)], weights[abs(s + 1 - row)]
        w2, w3 = weights[abs(s + 2 - row)], weights[abs(s + 3 - row)]
        for c in range(out.shape[0]):
            out[c] += (w0 * source[s, c] + w1 * source[s + 1, c]) + (w2 * source[s + 2, c] + w3 * source[s + 3, c])
        s += 4
    while s <= high:
        w0 = weights[abs(s - row)]
        for c in range(out.shape[0]):
            out[c] += w0 * source[s, c]
        s += 1


@njit(cache=True, error_model="numpy")
def blur_angle(source, margin, weights, reach, out) -> None:  # type: ignore[no-untyped-def]
    """Write one row blurred along the slit; ``source`` has ``margin`` columns more on either side."""
    width = out.shape[0]
    centre = weights[0]
    for c in range(width):
        out[c] = centre * source[c + margin]
    for k in range(1, reach + 1):
        factor = weights[k]
        left, right = source[margin - k : margin - k + width], source[margin + k : margin + k + width]
        for c in range(width):
            out[c] += factor * (left[c] + right[c])


@njit(cache=True, error_model="numpy")
def band_signal(i, tables, axes, sharp, weights, out) -> None:  # type: ignore[no-untyped-def]
    """Write sample i's A·f, seen with its resolution, into ``out`` (rows, columns).

    ``sharp`` (h, w) is scratch. Rows and columns beyond the window are computed, not guessed, so that no edge darkens;
    rows without electrons are skipped.
    """
    reach = gaussian_weights(tables.energy_sigma[i], weights)
    first, last = axes.margin_rows - reach, axes.margin_rows + axes.rows - 1 + reach
    band, partner = np.empty(sharp.shape[1], dtype=np.float32), np.empty(sharp.shape[1], dtype=np.float32)
    nothing = np.zeros(sharp.shape[1], dtype=np.float32)
    top = first - 1
    for r in range(first, last + 1):
        filled = occupation(float(axes.energy[r]) - tables.fermi[i], tables.temperature[i])
        if filled < EMPTY:
            break
        top = r
        row = sharp[r]
        row[:] = np.float32(0.0)
        spectral_row(i, r, tables, axes, band, partner, nothing, row)
        scale = np.float32(filled / math.pi)
        for c in range(row.shape[0]):
            row[c] *= scale
    along = np.empty(weights.shape[0], dtype=np.float32)
    across = gaussian_weights(tables.angle_sigma[i], along)
    for r in range(axes.rows):
        blur_energy(sharp, first, top, r + axes.margin_rows, weights, reach, band)
        blur_angle(band, axes.margin_columns, along, across, out[r])


@njit(cache=True, error_model="numpy")
def normalise(signal) -> Any:  # type: ignore[no-untyped-def]
    """Scale an image to a maximum of one; returns what the maximum was."""
    peak = np.float32(0.0)
    for r in range(signal.shape[0]):
        for c in range(signal.shape[1]):
            peak = max(peak, signal[r, c])
    if peak > 0.0:
        factor = np.float32(1.0) / peak
        for r in range(signal.shape[0]):
            for c in range(signal.shape[1]):
                signal[r, c] *= factor
    return peak


@njit(cache=True, error_model="numpy")
def add_polynomial(coefficients, amplitude, row_axis, column_axis, out) -> None:  # type: ignore[no-untyped-def]
    """Add Σ c_jk y^j x^k, moved and scaled to run from 0 to ``amplitude``."""
    order = coefficients.shape[0]
    values = np.empty(out.shape, dtype=np.float32)
    low, high = np.float32(np.inf), np.float32(-np.inf)
    for r in range(out.shape[0]):
        row = values[r]
        for k in range(order - 1, -1, -1):
            term = 0.0
            for j in range(order - 1, -1, -1):
                term = term * row_axis[r] + coefficients[j, k]
            single = np.float32(term)
            if k == order - 1:
                row[:] = single
            else:
                for c in range(row.shape[0]):
                    row[c] = row[c] * column_axis[c] + single
        for c in range(row.shape[0]):
            low, high = min(low, row[c]), max(high, row[c])
    if high > low:
        factor = np.float32(amplitude) / (high - low)
        for r in range(out.shape[0]):
            for c in range(out.shape[1]):
                out[r, c] += (values[r, c] - low) * factor


@njit(cache=True, error_model="numpy")
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
    for r in range(rows):
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


@njit(cache=True, error_model="numpy")
def fill_background(i, extras, signal, out) -> None:  # type: ignore[no-untyped-def]
    """Write sample i's background: constant, polynomial, Shirley; amplitudes relative to the signal's maximum of 1."""
    out[:] = np.float32(extras.constant[i])
    if extras.polynomial_amplitude[i] > 0.0:
        add_polynomial(extras.polynomial[i], extras.polynomial_amplitude[i], extras.row_axis, extras.column_axis, out)
    if extras.shirley[i] > 0.0:
        add_shirley(signal, extras.shirley[i], extras.shirley_local[i], out)


@njit(cache=True, error_model="numpy")
def detect(i, extras, signal, background, summary, out) -> None:  # type: ignore[no-untyped-def]
    """Write response·(signal + background) and five numbers about it.

    ``summary`` (5,): largest background, largest total, sum of signal, sum of background, sum of total; all of them
    behind the detector's response.
    """
    separable = extras.row_response.size > 0
    mapped = extras.map_index.size > 0 and extras.map_index[i] >= 0
    peak_background, peak_total = np.float32(0.0), np.float32(0.0)
    sum_signal, sum_background = 0.0, 0.0
    gain = np.ones(signal.shape[1], dtype=np.float32)
    for r in range(signal.shape[0]):
        if separable:
            row_gain = extras.row_response[i, r]
            for c in range(gain.shape[0]):
                gain[c] = row_gain * extras.column_response[i, c]
        if mapped:
            plate = extras.maps[extras.map_index[i], r]
            for c in range(gain.shape[0]):
                gain[c] = plate[c] * (gain[c] if separable else np.float32(1.0))
        of_signal, of_background = np.float32(0.0), np.float32(0.0)
        for c in range(gain.shape[0]):
            seen, rest = gain[c] * signal[r, c], gain[c] * background[r, c]
            of_signal += seen
            of_background += rest
            peak_background = max(peak_background, rest)
            peak_total = max(peak_total, seen + rest)
            out[r, c] = seen + rest
        sum_signal += float(of_signal)
        sum_background += float(of_background)
    summary[0], summary[1], summary[2], summary[3] = peak_background, peak_total, sum_signal, sum_background
    summary[4] = sum_signal + sum_background
