"""Numba kernels that draw spots into images, clean or exposed."""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from beamgym.physics.laue.pattern.exposure_kernels import count_photons, read_out, spill
from beamgym.physics.laue.pattern.profile_kernels import LANES, PIXEL_VARIANCE, RESOLVED, profile, tabled_profile

SPOT_REACH = 4.0  # a spot is drawn to this many standard deviations: 6e-5 of it is cut off


class Width(NamedTuple):
    """What makes a spot wide: standard deviations on the detector (mm), of mosaic tilt and of the beam (radians).

    ``table`` is the ``profile_table`` of a spot of blur alone. A plate bent to a cylinder has a radius above 0 and says
    where its middle column is.
    """

    pixel_mm: float
    blur_mm: float
    mosaic_rad: float
    divergence_rad: float
    table: Any
    radius_mm: float = 0.0
    middle_px: float = 0.0


class ReadOut(NamedTuple):
    """A camera's numbers, in read-out units; ``full_well`` in counts.

    ``quantile`` (4097,) and ``inverse`` (24,) are the tables of ``normal_quantile`` and ``poisson_small``.
    """

    gain: float
    offset: float
    read_noise: float
    full_well: float
    top: float
    bloom: bool
    quantile: Any
    inverse: Any


@njit(cache=True, nogil=True, error_model="numpy")
def flat_at(x, stand, width, flat) -> None:  # type: ignore[no-untyped-def]
    """Write the flat panel (9,) that touches a cylinder along column x, its pixels where the plate's are there."""
    nx = stand[4] * stand[8] - stand[5] * stand[7]
    ny = stand[5] * stand[6] - stand[3] * stand[8]
    nz = stand[3] * stand[7] - stand[4] * stand[6]
    outward = 1.0 if stand[0] * nx + stand[1] * ny + stand[2] * nz > 0.0 else -1.0
    angle = (x - width.middle_px) * width.pixel_mm / width.radius_mm
    cosine, sine = math.cos(angle), outward * math.sin(angle)
    around, drop = width.radius_mm * math.sin(angle), outward * 2.0 * width.radius_mm * math.sin(0.5 * angle) ** 2
    for k in range(3):
        normal = nx if k == 0 else (ny if k == 1 else nz)
        flat[3 + k], flat[6 + k] = cosine * stand[3 + k] - sine * normal, stand[6 + k]
        middle = stand[k] + width.pixel_mm * width.middle_px * stand[3 + k]
        flat[k] = middle + around * stand[3 + k] - drop * normal - width.pixel_mm * x * flat[3 + k]


@njit(cache=True, nogil=True, error_model="numpy")
def spot_covariance(x, y, stand, width) -> tuple[float, float, float]:  # type: ignore[no-untyped-def]
    """Return a spot's covariance (fast², slow², fast·slow) in pixels² at the position (x, y).

    A mosaic block tilted by δ sends its ray 2δ further out and, tilted about the other axis, 2 sinθ·δ sideways; both
    directions are projected onto the panel along the ray.
    """
    mx = stand[0] + width.pixel_mm * (x * stand[3] + y * stand[6])
    my = stand[1] + width.pixel_mm * (x * stand[4] + y * stand[7])
    mz = stand[2] + width.pixel_mm * (x * stand[5] + y * stand[8])
    length = math.sqrt(mx * mx + my * my + mz * mz)
    ux, uy, uz = mx / length, my / length, mz / length
    sine = math.sqrt(uy * uy + uz * uz)
    ty, tz = (-uz / sine, uy / sine) if sine > 1e-9 else (1.0, 0.0)
    rx, ry, rz = -sine, ux * tz, -ux * ty
    nx = stand[4] * stand[8] - stand[5] * stand[7]
    ny = stand[5] * stand[6] - stand[3] * stand[8]
    nz = stand[3] * stand[7] - stand[4] * stand[6]
    towards = ux * nx + uy * ny + uz * nz
    radial_along = (rx * nx + ry * ny + rz * nz) / towards
    sideways_along = (ty * ny + tz * nz) / towards
    rx, ry, rz = rx - radial_along * ux, ry - radial_along * uy, rz - radial_along * uz
    sx, sy, sz = -sideways_along * ux, ty - sideways_along * uy, tz - sideways_along * uz
    r_fast, r_slow = rx * stand[3] + ry * stand[4] + rz * stand[5], rx * stand[6] + ry * stand[7] + rz * stand[8]
    s_fast, s_slow = sx * stand[3] + sy * stand[4] + sz * stand[5], sx * stand[6] + sy * stand[7] + sz * stand[8]
    scale = (length / width.pixel_mm) ** 2
    radial = scale * (4.0 * width.mosaic_rad**2 + width.divergence_rad**2)
    sideways = scale * (2.0 * (1.0 - ux) * width.mosaic_rad**2 + width.divergence_rad**2)
    blur = (width.blur_mm / width.pixel_mm) ** 2
    return (
        blur + radial * r_fast * r_fast + sideways * s_fast * s_fast,
        blur + radial * r_slow * r_slow + sideways * s_slow * s_slow,
        radial * r_fast * r_slow + sideways * s_fast * s_slow,
    )


@njit(cache=True, error_model="numpy", forceinline=True)
def add_round(image, x, y, total, var_x, var_y, half, ceiling, columns_weight, rows_weight) -> None:  # type: ignore[no-untyped-def]
    """Add one spot whose axes lie along the pixel rows and columns."""
    rows, columns = image.shape
    reach_x, reach_y = SPOT_REACH * math.sqrt(var_x), SPOT_REACH * math.sqrt(var_y)
    left, right = max(0, math.floor(x - reach_x + 0.5)), min(columns - 1, math.floor(x + reach_x + 0.5))
    top, bottom = max(0, math.floor(y - reach_y + 0.5)), min(rows - 1, math.floor(y + reach_y + 0.5))
    if left > right or top > bottom:
        return
    profile(x, var_x, left, columns_weight, right - left + 1)
    profile(y, var_y, top, rows_weight, bottom - top + 1)
    for j in range(top, bottom + 1):
        strength = np.float32(total * rows_weight[j - top])
        for i in range(left, right + 1):
            image[j, i] = min(image[j, i] + strength * columns_weight[i - left] + half, ceiling)


@njit(cache=True, nogil=True, error_model="numpy")
def add_tabled(image, x, y, total, reach, table, half, ceiling, columns_weight, rows_weight) -> Any:  # type: ignore[no-untyped-def]
    """Add a round spot by its table, as ``add_round`` would to the bit; returns False, nothing added, if not sure."""
    rows, columns = image.shape
    left, right = max(0, math.floor(x - reach + 0.5)), min(columns - 1, math.floor(x + reach + 0.5))
    top, bottom = max(0, math.floor(y - reach + 0.5)), min(rows - 1, math.floor(y + reach + 0.5))
    if left > right or top > bottom:
        return True
    start_x, sure_x = tabled_profile(x, table, left, right, columns_weight)
    start_y, sure_y = tabled_profile(y, table, top, bottom, rows_weight)
    if not (sure_x and sure_y):
        return False
    across, down = columns_weight[left - start_x :], rows_weight[top - start_y :]
    for j in range(top, bottom + 1):
        strength = np.float32(total * down[j - top])
        for i in range(left, right + 1):
            image[j, i] = min(image[j, i] + strength * across[i - left] + half, ceiling)
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def add_streak(image, x, y, total, var_x, var_y, cov, half, ceiling, columns_weight, rows_weight) -> None:  # type: ignore[no-untyped-def]
    """Add one spot whose axes are oblique: row by row, each row a narrower Gaussian about a shifted centre."""
    rows, columns = image.shape
    slope = cov / (var_y + PIXEL_VARIANCE)
    narrow = max(var_x - slope * cov, 0.0)
    reach_x, reach_y = SPOT_REACH * math.sqrt(narrow), SPOT_REACH * math.sqrt(var_y)
    top, bottom = max(0, math.floor(y - reach_y + 0.5)), min(rows - 1, math.floor(y + reach_y + 0.5))
    if top > bottom:
        return
    profile(y, var_y, top, rows_weight, bottom - top + 1)
    for j in range(top, bottom + 1):
        centre = x + slope * (j - y)
        left = max(0, math.floor(centre - reach_x + 0.5))
        right = min(columns - 1, math.floor(centre + reach_x + 0.5))
        if left > right:
            continue
        profile(centre, narrow, left, columns_weight, right - left + 1)
        strength = np.float32(total * rows_weight[j - top])
        for i in range(left, right + 1):
            image[j, i] = min(image[j, i] + strength * columns_weight[i - left] + half, ceiling)


@njit(cache=True, nogil=True, error_model="numpy")
def draw_spots(image, number, position, intensity, scale, stand, width, half, ceiling) -> None:  # type: ignore[no-untyped-def]
    """Add one list of spots, intensities times ``scale``, to ``image`` (slow, fast).

    A float32 image takes half = 0 and ceiling = inf. An integer one takes half = 0.5, so that each spot's share of a
    pixel is rounded, and its full scale as ceiling.
    """
    half, ceiling = np.float32(half), np.float32(ceiling)
    widest = max(max(image.shape) + 1, LANES)
    columns_weight, rows_weight = np.empty(widest, dtype=np.float32), np.empty(widest, dtype=np.float32)
    var_x = var_y = (width.blur_mm / width.pixel_mm) ** 2
    cov, reach = 0.0, SPOT_REACH * math.sqrt(var_x)
    streaked = width.mosaic_rad > 0.0 or width.divergence_rad > 0.0
    tabled = width.table.shape[0] > 0
    flat = np.empty(9)
    for k in range(number):
        x, y, total = float(position[k, 0]), float(position[k, 1]), float(intensity[k]) * scale
        if tabled and add_tabled(image, x, y, total, reach, width.table, half, ceiling, columns_weight, rows_weight):
            continue
        if streaked and width.radius_mm > 0.0:
            flat_at(x, stand, width, flat)
            var_x, var_y, cov = spot_covariance(x, y, flat, width)
        elif streaked:
            var_x, var_y, cov = spot_covariance(x, y, stand, width)
        if cov * cov < 1e-4 * var_x * var_y or min(var_x, var_y) < RESOLVED * RESOLVED:
            add_round(image, x, y, total, var_x, var_y, half, ceiling, columns_weight, rows_weight)
        else:
            add_streak(image, x, y, total, var_x, var_y, cov, half, ceiling, columns_weight, rows_weight)


@njit(cache=True, nogil=True, error_model="numpy")
def render_clean(count, position, intensity, scale, stands, width, half, ceiling, image) -> None:  # type: ignore[no-untyped-def]
    """Add every list to its image (n, slow, fast); ``stands`` (1, 9) or (n, 9) places the panel."""
    for k in range(count.shape[0]):
        stand = stands[k if stands.shape[0] > 1 else 0]
        draw_spots(image[k], count[k], position[k], intensity[k], scale, stand, width, half, ceiling)


@njit(cache=True, nogil=True, error_model="numpy")
def render_exposed(  # type: ignore[no-untyped-def]
    count, position, intensity, scale, stands, width, response, background, empty, keys, camera, image
) -> None:
    """Draw, expose and read out every list into its image (n, slow, fast), with noise from its own key.

    ``response`` (slow, fast) weighs what falls on a pixel; empty where it is 1 everywhere.
    """
    mean = np.empty(background.shape, dtype=np.float32)
    for k in range(count.shape[0]):
        stand = stands[k if stands.shape[0] > 1 else 0]
        if response.size:
            mean[:] = 0.0
        else:
            mean[:] = background
        draw_spots(mean, count[k], position[k], intensity[k], scale, stand, width, 0.0, np.inf)
        if response.size:
            for j in range(mean.shape[0]):
                for i in range(mean.shape[1]):
                    mean[j, i] = mean[j, i] * response[j, i] + background[j, i]
        count_photons(mean.reshape(-1), background.reshape(-1), empty.reshape(-1), keys[k], camera.inverse)
        if camera.bloom:
            spill(mean, camera.full_well)
        read_out(mean.reshape(-1), keys[k], camera, image[k].reshape(-1))
