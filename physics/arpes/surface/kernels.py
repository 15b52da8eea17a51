"""Numba kernels of a beam on a surface: the flakes that it covers, their spectrum, and its score.

Shapes: s surfaces, f flakes, q points of the beam, r rows of the long grid, e rows and a columns of the window.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from beamgym.physics.arpes.detection import INVERSE, count_poisson, plain_sum
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
_LANES = 64  # rows that are summed side by side
_COLUMNS = 64  # of the fixed grid on which the feature measure is taken
_LARGE_MEAN = 10.0  # above it a Poisson number is made from a normal one
_OTHER = np.uint64(0x9D5C3B7A1E60F42B)  # large means use other draws than small ones
_STRIP = 256  # pixels worked on together
_STEEP_WORDS, _ALL_WORDS = np.uint64(1 << 24), np.uint64(1 << 32)  # the first and last of all need more than a table
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
def add_four(a, b, c, d, factors, out) -> None:  # type: ignore[no-untyped-def]
    """Add four spectra (p,) to one, each times its factor, one after another."""
    f, g, h, k = factors
    for i in range(out.shape[0]):
        out[i] = out[i] + f * a[i] + g * b[i] + h * c[i] + k * d[i]


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
    flat, here, above = signal.reshape(-1), first * signal.shape[1], (first - 1) * signal.shape[1]
    for p in range(flake_weight.shape[0]):
        if flake_weight[p] + rest[p] < _LEAST:
            continue
        sharp, blurred = tables.signal[k, p, level].reshape(-1), tables.signal[k, p, level + 1].reshape(-1)
        narrow, wide = flake_weight[p] * (1.0 - broad), flake_weight[p] * broad
        factors = (
            np.float32(narrow * (1.0 - late)),
            np.float32(narrow * late),
            np.float32(wide * (1.0 - late)),
            np.float32(wide * late),
        )
        add_four(sharp[here:], sharp[above:], blurred[here:], blurred[above:], factors, flat)
        for r in range(ground.shape[0]):
            between = (1.0 - late) * tables.ground[k, p, first + r] + late * tables.ground[k, p, first + r - 1]
            ground[r] += np.float32(rest[p] * between)
    beside = np.float32(HOLDER * part[BESIDE])
    for r in range(ground.shape[0]):
        ground[r] += beside * tables.holder[k, margin + r]


@njit(cache=True, nogil=True, error_model="numpy")
def judge(signal, ground, gain, room, out) -> None:  # type: ignore[no-untyped-def]
    """Write feature measure and contrast of ``quality.v2_scores``, and the intensity behind the detector's response.

    Single-precision sums of every row, double-precision ones of the rows. The pixels along both axes are a multiple of
    64: so many rows are summed side by side. ``gain`` (e / 64, a, 64) is the response as ``SurfaceBank`` turns it;
    ``room`` (a + 7, 64) is scratch.
    """
    rows, columns = signal.shape
    turned, sums = room[:columns], room[columns:].reshape(-1)
    change = bright = seen = clear = detected = 0.0
    for first in range(0, rows, _LANES):
        strip = signal[first : first + _LANES]
        for c in range(columns):
            line = turned[c]
            for r in range(strip.shape[0]):
                line[r] = strip[r, c]
        sum_rows(turned, ground[first : first + _LANES], gain[first // _LANES], sums)
        vary_rows(turned, columns // _COLUMNS, sums[4 * _LANES :])
        for r in range(_LANES):
            bright, seen = bright + sums[r], seen + sums[_LANES + r]
            clear, detected = clear + sums[2 * _LANES + r], detected + sums[3 * _LANES + r]
            change += sums[4 * _LANES + r]
    out[0] = change * _COLUMNS / bright if bright > 0.0 else 0.0
    out[1] = clear / seen if seen > 0.0 else 0.0
    out[2] = detected


@njit(cache=True, nogil=True, error_model="numpy")
def sum_rows(turned, ground, gain, sums) -> None:  # type: ignore[no-untyped-def]
    """Write four sums of each of 64 rows, one after another: bands, seen bands, the bands' share of them, all seen."""
    sums[: 4 * _LANES] = np.float32(0.0)
    for c in range(turned.shape[0]):
        line, sensitivity = turned[c], gain[c]
        for r in range(ground.shape[0]):  # not _LANES: a loop of known length is unrolled instead of vectorised
            lit = line[r] + ground[r]
            sums[r] += line[r]
            sums[_LANES + r] += line[r] * sensitivity[r]
            sums[2 * _LANES + r] += line[r] * sensitivity[r] * line[r] / (lit + np.float32(1e-30))
            sums[3 * _LANES + r] += sensitivity[r] * lit


@njit(cache=True, nogil=True, error_model="numpy")
def vary_rows(turned, block, sums) -> None:  # type: ignore[no-untyped-def]
    """Write Σ abs(difference) of neighbouring blocks of each of 64 rows; two further times 64 numbers are scratch."""
    lanes = turned.shape[1]
    sums[:lanes] = np.float32(0.0)
    for j in range(_COLUMNS):
        line = turned[j * block]
        for r in range(lanes):
            sums[_LANES + r] = line[r]
        for c in range(j * block + 1, (j + 1) * block):
            line = turned[c]
            for r in range(lanes):
                sums[_LANES + r] += line[r]
        if j > 0:
            for r in range(lanes):
                sums[r] += abs(sums[_LANES + r] - sums[2 * _LANES + r])
        for r in range(lanes):
            sums[2 * _LANES + r] = sums[_LANES + r]


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
    places, number = np.empty(mean.shape[0], dtype=np.uint32), 0
    for c in range(mean.shape[0]):
        places[number] = c
        number += mean[c] * factor > np.float32(_LARGE_MEAN)
    words, quantile, large = np.empty(_STRIP, np.uint64), np.empty(_STRIP), np.empty(_STRIP, np.float32)
    for start in range(0, number, _STRIP):
        size = min(_STRIP, number - start)
        part = places[start : start + size]
        for m in range(size):
            words[m] = bits(key ^ _OTHER, part[m]) >> np.uint64(32)
            large[m] = mean[part[m]] * factor
        quantiles(words[:size], table, quantile)
        for m in range(size):
            value, z = large[m], quantile[m]
            deviation = math.sqrt(value)
            skewed = (z * z - 1.0) / 6.0 + (z - z * z * z) / (72.0 * deviation)
            large[m] = np.float32(max(math.floor(value + deviation * z + skewed + 0.5), 0.0))
        for m in range(size):
            out[part[m]] = large[m]


@njit(cache=True, nogil=True, error_model="numpy")
def quantiles(words, table, out) -> None:  # type: ignore[no-untyped-def]
    """Write ``normal_quantile`` of every word: what its table gives first, many at a time, then its steep ends."""
    for m in range(words.shape[0]):
        cell = words[m] >> np.uint64(20)
        right = float(words[m] & np.uint64(0xFFFFF)) * 2.0**-20
        out[m] = table[cell] + right * (table[cell + np.uint64(1)] - table[cell])
    for m in range(words.shape[0]):
        if words[m] < _STEEP_WORDS or words[m] >= _ALL_WORDS - _STEEP_WORDS:
            out[m] = normal_quantile(words[m], table)


@njit(cache=True, nogil=True, error_model="numpy")
def true_scores(  # type: ignore[no-untyped-def]
    slots, sites, older, tables, beam, largest, ladder, step, margin, gain, parts, judged
) -> None:
    """Write ``parts`` (m, 6) and ``judged`` (m, 3) of the noise-free spectra at ``sites`` (m, 2) mm.

    ``gain`` is the detector's response as ``judge`` takes it.
    """
    flake_weight, rest = np.empty(tables.width.shape[1]), np.empty(tables.width.shape[1])
    columns, rows = gain.shape[1], gain.shape[0] * _LANES
    signal, ground = np.empty((rows, columns), dtype=np.float32), np.empty(rows, dtype=np.float32)
    room = np.empty((columns + 7, _LANES), dtype=np.float32)
    for i in range(sites.shape[0]):
        k = slots[i]
        cover(k, sites[i, 0], sites[i, 1], older[i], tables, beam, largest, flake_weight, rest, parts[i])
        compose(k, tables, flake_weight, rest, parts[i], ladder, step, margin, signal, ground)
        judge(signal, ground, gain, room, judged[i])


@njit(cache=True, nogil=True, error_model="numpy")
def expose_sites(  # type: ignore[no-untyped-def]
    rows, slots, sites, older, tables, beam, largest, ladder, step, margin, gain, response, random, parts, judged,
    counts, events,
) -> None:  # fmt: skip
    """Count electrons: ``counts`` (n, e, a) is written at ``rows`` (m,), and ``events`` (m,) of each.

    ``response`` (e, a) is the detector's, ``gain`` the same as ``judge`` takes it;
    ``random``: the mean number (m,) of electrons per unit of intensity, keys (m,) and the table of ``count_electrons``.
    """
    mean, keys, table = random
    flake_weight, rest = np.empty(tables.width.shape[1]), np.empty(tables.width.shape[1])
    signal, ground = np.empty_like(response), np.empty(response.shape[0], dtype=np.float32)
    room = np.empty((response.shape[1] + 7, _LANES), dtype=np.float32)
    small = np.empty(response.size, dtype=np.float32)
    for i in range(rows.shape[0]):
        k = slots[i]
        cover(k, sites[i, 0], sites[i, 1], older[i], tables, beam, largest, flake_weight, rest, parts[i])
        compose(k, tables, flake_weight, rest, parts[i], ladder, step, margin, signal, ground)
        judge(signal, ground, gain, room, judged[i])
        for r in range(response.shape[0]):
            row, under = signal[r], ground[r]
            for c in range(row.shape[0]):
                row[c] = response[r, c] * (row[c] + under)
        count_electrons(signal.reshape(-1), mean[i], keys[i], table, small, counts[rows[i]].reshape(-1))
        events[i] = plain_sum(counts[rows[i]].reshape(-1))
