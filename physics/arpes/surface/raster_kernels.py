"""Numba kernels that draw a surface's raster: flakes, outline, cleave steps, contamination and charging."""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import normal, uniform

_WAVES = 12  # plane waves of a smooth field: enough that no direction is seen
_OUTLINE = 5  # harmonics of the sample's outline
_ANGLES = 512  # directions in which the outline is tabulated
_SEEDS, _EDGE, _LAYER, _CHARGE, _STEPS, _BLOB = 0, 1000, 2000, 3000, 4000, 5000  # where each part's draws begin


@njit(cache=True, nogil=True)
def draw_waves(key, first, coarsest, finest, waves) -> None:  # type: ignore[no-untyped-def]
    """Write plane waves (w, 3): kx, ky and phase; wavelengths between ``coarsest`` and ``finest``, field edge = 1."""
    for i in range(waves.shape[0]):
        length = coarsest * (finest / coarsest) ** ((i + 0.5) / waves.shape[0])
        direction = 2.0 * math.pi * uniform(key, first + 2 * i)
        waves[i, 0] = 2.0 * math.pi / length * math.cos(direction)
        waves[i, 1] = 2.0 * math.pi / length * math.sin(direction)
        waves[i, 2] = 2.0 * math.pi * uniform(key, first + 2 * i + 1)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_smooth(key, first, coarsest, finest, out) -> None:  # type: ignore[no-untyped-def]
    """Write a smooth random field (g, g) of mean 0 and variance 1, by cos(a + b) = cos a cos b − sin a sin b."""
    g = out.shape[0]
    waves = np.empty((_WAVES, 3))
    draw_waves(key, first, coarsest, finest, waves)
    cosine, sine = np.empty((_WAVES, g), dtype=np.float32), np.empty((_WAVES, g), dtype=np.float32)
    for i in range(_WAVES):
        for c in range(g):
            phase = waves[i, 0] * (c + 0.5) / g
            cosine[i, c], sine[i, c] = math.cos(phase), math.sin(phase)
    scale = math.sqrt(2.0 / _WAVES)
    out[:] = np.float32(0.0)
    for r in range(g):
        row = out[r]
        for i in range(_WAVES):
            phase = waves[i, 1] * (r + 0.5) / g + waves[i, 2]
            along, across = np.float32(scale * math.cos(phase)), np.float32(scale * math.sin(phase))
            for c in range(g):
                row[c] += along * cosine[i, c] - across * sine[i, c]


@njit(cache=True, nogil=True)
def fill_outline(key, radius) -> None:  # type: ignore[no-untyped-def]
    """Write how far the sample reaches in each direction (a,), in units of the field's half edge."""
    for j in range(radius.shape[0]):
        angle = 2.0 * math.pi * j / radius.shape[0]
        reach = 0.84
        for i in range(_OUTLINE):
            amplitude = 0.09 * normal(key, _BLOB // 2 + i) / (i + 1)
            reach += amplitude * math.cos((i + 1) * angle + 2.0 * math.pi * uniform(key, _BLOB + 100 + i))
        radius[j] = min(max(reach, 0.45), 0.97)


@njit(cache=True, nogil=True)
def nearest_seed(seeds, x, y) -> Any:  # type: ignore[no-untyped-def]
    """Return the nearest site and by how much nearer it is than the next."""
    nearest, first, second = -1, 1e9, 1e9
    for i in range(seeds.shape[0]):
        square = (x - seeds[i, 0]) ** 2 + (y - seeds[i, 1]) ** 2
        if square < first:
            nearest, first, second = i, square, first
        elif square < second:
            second = square
    return nearest, math.sqrt(second) - math.sqrt(first)


@njit(cache=True, nogil=True)
def draw_geography(key, numbers, flake, layer, potential) -> None:  # type: ignore[no-untyped-def]
    """Fill the rasters (g, g) from one key; ``numbers`` as ``SurfaceNumbers.geography`` gives them."""
    g = flake.shape[0]
    flakes = int(numbers[0]) + int(uniform(key, 990) * (numbers[1] - numbers[0] + 1.0))
    seeds = np.empty((flakes, 2))
    for i in range(flakes):
        seeds[i, 0], seeds[i, 1] = uniform(key, _SEEDS + 2 * i), uniform(key, _SEEDS + 2 * i + 1)
    bend_x, bend_y, steps = np.empty_like(layer), np.empty_like(layer), np.empty_like(layer)
    fill_smooth(key, _EDGE, 0.5, 0.05, bend_x)
    fill_smooth(key, _EDGE + 500, 0.5, 0.05, bend_y)
    fill_smooth(key, _LAYER, 0.8, 0.12, layer)
    fill_smooth(key, _CHARGE, 1.5, 0.4, potential)
    fill_smooth(key, _STEPS, 0.7, 0.2, steps)
    radius = np.empty(_ANGLES)
    fill_outline(key, radius)
    for r in range(g):
        for c in range(g):
            x, y = (c + 0.5) / g, (r + 0.5) / g
            across, up = 2.0 * x - 1.0, 2.0 * y - 1.0
            turn = int((math.atan2(up, across) / (2.0 * math.pi) + 1.0) * _ANGLES) % _ANGLES
            if math.hypot(across, up) > radius[turn]:
                flake[r, c], layer[r, c], potential[r, c] = -1, 0.0, 0.0
                continue
            near, margin = nearest_seed(seeds, x + 0.015 * bend_x[r, c], y + 0.015 * bend_y[r, c])
            height = 1.2 * steps[r, c]
            ledge = 0.5 * math.exp(-0.5 * ((height - math.floor(height + 0.5)) / 0.05) ** 2)
            rim = math.exp(-0.5 * (margin / 0.03) ** 2)
            flake[r, c] = near
            layer[r, c] = numbers[2] * math.exp(0.9 * layer[r, c] - 0.405) + numbers[3] * max(rim, ledge)
            potential[r, c] *= numbers[4]
