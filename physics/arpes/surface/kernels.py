"""Numba kernels of a beam on a surface: the flakes that it covers, their spectrum, and its score.

Shapes: s surfaces, f flakes, q points of the beam, r rows of the long grid, e rows and a columns of the window.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from beamgym.physics.arpes.detection import INVERSE, count_poisson
from beamgym.physics.counter_rng import bits
from beamgym.physics.noise_kernels import normal_quantile

CLEAN_GROUND = 0.5
"""Background of a clean flake, as a share of its bands: inelastic electrons that a perfect surface has too."""

SECONDARIES = 2.0
"""Background that a thick layer adds, as a share of the clean bands: dirt is bright, and has no bands."""

HOLDER = 0.7
"""What the sample holder emits relative to the bands of a clean flake."""

SHIFT, BLUR, WIDTH, SPREAD, MOMENTUM, BESIDE, PARTS = 0, 1, 2, 3, 4, 5, 6
_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
_COLUMNS = 64  # of the fixed grid on which the feature measure is taken
_LARGE_MEAN = 10.0  # above it a Poisson number is made from a normal one
_OTHER = np.uint64(0x9D5C3B7A1E60F42B)  # large means use other draws than small ones
_LEAST = 1e-4  # flakes with a smaller share of the beam are left out


class Tables(NamedTuple):
    """Everything about s surfaces: maps (s, g, g), spectra (s, f, 4, r, a), rows (s, f, r), numbers (s, f)."""

    flake: Any
    layer: Any
    potential: Any
    field: Any
    signal: Any
    ground: Any
    holder: Any
    width: Any
    direction: Any
    momentum: Any


@njit(cache=True, nogil=True, error_model="numpy")
def cover(k, x, y, older, tables, beam, largest, flake_weight, rest, part) -> None:  # type: ignore[no-untyped-def]
    """Write which flakes of surface k the beam at (x, y) mm sees.

    ``beam`` (q, 3) offsets in mm and weights that sum to 1; ``older`` thickness added by age; ``flake_weight`` (f,)
    weight of each flake's bands, ``rest`` (f,) of its background; ``part`` (6,) shift and blur by charging (eV, FWHM),
    width −Im Σ (eV), spread of the flakes' directions and momentum resolution (1/Å), weight beside the sample.
    """
    g = tables.flake.shape[1]
    cells, half = g / tables.field[k], 0.5 * g
    flake_weight[:], rest[:], part[:] = 0.0, 0.0, 0.0
    total = shift = square = 0.0
    for q in range(beam.shape[0]):
        column = math.floor((x + beam[q, 0]) * cells + half)
        row = math.floor((y + beam[q, 1]) * cells + half)
        here = -1
        if 0 <= row < g and 0 <= column < g:
            here = tables.flake[k, row, column]
        if here < 0:
            part[BESIDE] += beam[q, 2]
            continue
        passed = math.exp(-(tables.layer[k, row, column] + older))
        weight = beam[q, 2] * passed
        moved = min(max(tables.potential[k, row, column], -largest), largest)
        flake_weight[here] += weight
        rest[here] += beam[q, 2] * (CLEAN_GROUND + SECONDARIES * (1.0 - passed))
        total += weight
        shift += weight * moved
        square += weight * moved * moved
    if total <= 0.0:
        return
    part[SHIFT] = shift / total
    part[BLUR] = _FWHM * math.sqrt(max(square / total - part[SHIFT] ** 2, 0.0))
    along = across = radius = 0.0
    for p in range(flake_weight.shape[0]):
        share = flake_weight[p] / total
        part[WIDTH] += share * tables.width[k, p]
        part[MOMENTUM] += share * tables.momentum[k, p]
        along += share * tables.direction[k, p, 0]
        across += share * tables.direction[k, p, 1]
        radius += share * (tables.direction[k, p, 0] ** 2 + tables.direction[k, p, 1] ** 2)
    part[SPREAD] = math.sqrt(max(radius - along * along - across * across, 0.0))


@njit(cache=True, nogil=True, error_model="numpy")
def add_rows(source, factor, first, out) -> None:  # type: ignore[no-untyped-def]
    """Add ``factor`` times the rows of ``source`` (r, a) from ``first`` on."""
    for r in range(out.shape[0]):
        row, line = out[r], source[first + r]
        for c in range(row.shape[0]):
            row[c] += factor * line[c]


@njit(cache=True, nogil=True, error_model="numpy")
def compose(k, tables, flake_weight, rest, part, ladder, step, margin, signal, ground) -> None:  # type: ignore[no-untyped-def]
    """Write bands ``signal`` (e, a) and background ``ground`` (e,) of what the beam covers.

    A blur between two widths of the ``ladder`` is their mixture with the right variance; a shift between two rows is
    interpolated.
    """
    signal[:], ground[:] = np.float32(0.0), np.float32(0.0)
    level = 0
    while level < ladder.shape[0] - 2 and part[BLUR] > ladder[level + 1]:
        level += 1
    low, high = ladder[level] ** 2, ladder[level + 1] ** 2
    broad = min((part[BLUR] ** 2 - low) / (high - low), 1.0)
    rows = part[SHIFT] / step
    whole = math.floor(rows)
    late = rows - whole
    first = margin - int(whole)
    for p in range(flake_weight.shape[0]):
        if flake_weight[p] + rest[p] < _LEAST:
            continue
        for j in range(2):
            mixture = broad if j == 1 else 1.0 - broad
            for i in range(2):
                factor = np.float32(flake_weight[p] * mixture * (late if i == 1 else 1.0 - late))
                if factor > np.float32(0.0):
                    add_rows(tables.signal[k, p, level + j], factor, first - i, signal)
        for r in range(ground.shape[0]):
            here = (1.0 - late) * tables.ground[k, p, first + r] + late * tables.ground[k, p, first + r - 1]
            ground[r] += np.float32(rest[p] * here)
    beside = np.float32(HOLDER * part[BESIDE])
    for r in range(ground.shape[0]):
        ground[r] += beside * tables.holder[k, margin + r]


@njit(cache=True, nogil=True, error_model="numpy")
def judge(signal, ground, gain, out) -> None:  # type: ignore[no-untyped-def]
    """Write feature measure and contrast of ``quality.v2_scores``, and the intensity behind the detector's response.

    Single-precision sums of one row, double-precision ones of the rows; the columns are a multiple of 64.
    """
    columns = signal.shape[1]
    block = columns // _COLUMNS
    change = bright = seen = clear = detected = 0.0
    for r in range(signal.shape[0]):
        row, sensitivity, rest = signal[r], gain[r], ground[r]
        bare = with_gain = shared = row_detected = np.float32(0.0)
        for c in range(columns):
            seen_here = row[c] * sensitivity[c]
            bare += row[c]
            with_gain += seen_here
            shared += seen_here * row[c] / (row[c] + rest + np.float32(1e-30))
            row_detected += sensitivity[c] * (row[c] + rest)
        varied = np.float32(0.0)
        if block == 1:
            for c in range(columns - 1):
                varied += abs(row[c + 1] - row[c])
        else:
            before = np.float32(0.0)
            for j in range(_COLUMNS):
                total = np.float32(0.0)
                for c in range(j * block, (j + 1) * block):
                    total += row[c]
                varied += abs(total - before) if j > 0 else np.float32(0.0)
                before = total
        change, bright, seen = change + varied, bright + bare, seen + with_gain  # type: ignore[assignment]
        clear, detected = clear + shared, detected + row_detected  # type: ignore[assignment]
    out[0] = change * _COLUMNS / bright if bright > 0.0 else 0.0
    out[1] = clear / seen if seen > 0.0 else 0.0
    out[2] = detected


@njit(cache=True, nogil=True, error_model="numpy")
def count_electrons(mean, scale, key, table, small, out) -> None:  # type: ignore[no-untyped-def]
    """Write Poisson numbers of mean·scale (p,); ``small`` (p,) is scratch, ``table`` that of ``normal_quantile``.

    Means up to 10 are drawn exactly. Larger ones by the quantile function's expansion about the normal one (Cornish &
    Fisher, Rev. Inst. Int. Stat. 5 (1938) 307), rounded: every probability is right to 1 % of the largest.
    """
    factor = np.float32(scale)
    for c in range(mean.shape[0]):
        value = mean[c] * factor
        small[c] = value if value <= np.float32(_LARGE_MEAN) else np.float32(0.0)
    count_poisson(small, 1.0, key, INVERSE, out)
    for c in range(mean.shape[0]):
        value = float(mean[c] * factor)
        if value > _LARGE_MEAN:
            z = normal_quantile(bits(key ^ _OTHER, c) >> np.uint64(32), table)
            deviation = math.sqrt(value)
            skewed = (z * z - 1.0) / 6.0 + (z - z * z * z) / (72.0 * deviation)
            out[c] = np.float32(max(math.floor(value + deviation * z + skewed + 0.5), 0.0))


@njit(cache=True, nogil=True, error_model="numpy")
def true_scores(  # type: ignore[no-untyped-def]
    slots, sites, older, tables, beam, largest, ladder, step, margin, gain, parts, judged
) -> None:
    """Write ``parts`` (m, 6) and ``judged`` (m, 3) of the noise-free spectra at ``sites`` (m, 2) mm."""
    flake_weight, rest = np.empty(tables.width.shape[1]), np.empty(tables.width.shape[1])
    signal, ground = np.empty(gain.shape, dtype=np.float32), np.empty(gain.shape[0], dtype=np.float32)
    for i in range(sites.shape[0]):
        k = slots[i]
        cover(k, sites[i, 0], sites[i, 1], older[i], tables, beam, largest, flake_weight, rest, parts[i])
        compose(k, tables, flake_weight, rest, parts[i], ladder, step, margin, signal, ground)
        judge(signal, ground, gain, judged[i])


@njit(cache=True, nogil=True, error_model="numpy")
def expose_sites(  # type: ignore[no-untyped-def]
    rows, slots, sites, older, tables, beam, largest, ladder, step, margin, gain, random, parts, judged, counts
) -> None:
    """Count electrons: ``counts`` (n, e, a) is written at ``rows`` (m,).

    ``random``: the mean number (m,) of electrons per unit of intensity, keys (m,) and the table of ``count_electrons``.
    """
    mean, keys, table = random
    flake_weight, rest = np.empty(tables.width.shape[1]), np.empty(tables.width.shape[1])
    signal, ground = np.empty(gain.shape, dtype=np.float32), np.empty(gain.shape[0], dtype=np.float32)
    small = np.empty(gain.size, dtype=np.float32)
    for i in range(rows.shape[0]):
        k = slots[i]
        cover(k, sites[i, 0], sites[i, 1], older[i], tables, beam, largest, flake_weight, rest, parts[i])
        compose(k, tables, flake_weight, rest, parts[i], ladder, step, margin, signal, ground)
        judge(signal, ground, gain, judged[i])
        for r in range(signal.shape[0]):
            row, sensitivity, under = signal[r], gain[r], ground[r]
            for c in range(row.shape[0]):
                row[c] = sensitivity[c] * (row[c] + under)
        count_electrons(signal.reshape(-1), mean[i], keys[i], table, small, counts[rows[i]].reshape(-1))
