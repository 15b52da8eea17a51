"""Searches that turn the crystal until a cut looks as it should: Nelder and Mead's simplex, and a Gaussian process.

Both raster for the brightest site and focus first, as a person does. What they raise is how well a cut agrees with the
one that is wanted, by its band positions; a plain measure of sharpness is as high at many angles.
"""

from collections.abc import Generator
from typing import Final

import numpy as np
from scipy.stats import norm

from beamgym.agents.baselines.arpes_align.acting import PlannedCut, Procedure, TakenCut
from beamgym.agents.baselines.arpes_align.parts import focused_by_scan, middle_of_sample, snake_sites
from beamgym.agents.baselines.arpes_align.person import RASTER_MM, RASTER_S, SCAN_MM, brightest
from beamgym.agents.baselines.simplex import nelder_mead
from beamgym.envs.arpes_align import ArpesAlignContext
from beamgym.envs.policy import CannotPlay
from beamgym.physics.arpes.aligning import PoseFit, followed
from beamgym.physics.instrument import Float64Array

DWELL_S, SIZE = 0.3, 0.15
SCALES: Final = np.array([1.0, 1.0, 3.0])
"""Degrees of polar, tilt and azimuth to one step of the searches."""
FIRST_STEP: Final = 4.0
LENGTHS_DEG: Final = np.array([2.5, 2.5, 8.0])
GP_CUTS, GP_FIRST, GP_NOISE = 60, 16, 0.03


def simplex(context: ArpesAlignContext, first: TakenCut) -> Procedure:
    """Begin a simplex over polar, tilt and azimuth."""
    pose, fit = yield from _prepared(context, first)
    vertices = pose[3:] / SCALES + FIRST_STEP * np.concatenate([np.zeros((1, 3)), np.eye(3)])
    search = nelder_mead(vertices, SIZE)
    best, found = np.inf, pose
    point = next(search)
    while True:
        wanted = followed(pose, _within(context, point * SCALES))
        cut = yield PlannedCut(wanted, DWELL_S)
        loss = -_agreement(context, fit, cut)
        if loss < best:
            best, found = loss, cut.pose
        try:
            point = search.send(loss)
        except StopIteration:
            break
    yield PlannedCut(found, context.dwells.least_s)


def gaussian_process(context: ArpesAlignContext, first: TakenCut) -> Procedure:
    """Begin a search by expected improvement over polar, tilt and azimuth."""
    pose, fit = yield from _prepared(context, first)
    rng = np.random.default_rng([first.seed, 7])
    seen: list[Float64Array] = []
    values: list[float] = []
    turn = 0.5 * context.told.period_deg(context.direction)
    low, high = np.array([-9.0, -9.0, -turn]), np.array([9.0, 9.0, turn])
    for number in range(GP_CUTS):
        if number < GP_FIRST:
            angles = rng.uniform(low, high)
        else:
            angles = _most_promising(np.array(seen), np.array(values), low, high, rng)
        cut = yield PlannedCut(followed(pose, angles), DWELL_S)
        seen.append(cut.pose[3:])
        values.append(_agreement(context, fit, cut))
    around = np.array(seen)[int(np.argmax(values))] + rng.normal(size=(500, 3)) * 0.3 * LENGTHS_DEG
    mean, _ = _predicted(np.array(seen), np.array(values), around)
    yield PlannedCut(followed(pose, _within(context, around[int(np.argmax(mean))])), context.dwells.least_s)


def _prepared(
    context: ArpesAlignContext, first: TakenCut
) -> Generator[PlannedCut, TakenCut, tuple[Float64Array, PoseFit]]:
    """Go to the brightest site and into focus; raises CannotPlay where no bands are told."""
    if not context.dispersion_told:
        raise CannotPlay("this rival needs the bands; take mirror-fit, or make the environment with dispersion=True")
    sites = middle_of_sample(first.pose)[:2] + snake_sites(RASTER_MM, 2)
    pose = yield from brightest(first.pose, sites, RASTER_S)
    pose = yield from focused_by_scan(pose, SCAN_MM, RASTER_S)
    return pose, PoseFit(context.told, context.grid)


def _agreement(context: ArpesAlignContext, fit: PoseFit, cut: TakenCut) -> float:
    """Return how well a cut agrees with the one that is wanted, by electron."""
    fit.forget()
    fit.add(np.zeros(6), cut.counts)
    wanted = np.zeros(7)
    wanted[2] = 90.0 - context.told.direction_deg(context.direction)
    return float(fit.values(wanted[None])[0]) / max(float(cut.counts.sum()), 1.0) * 10.0


def _within(context: ArpesAlignContext, angles: Float64Array) -> Float64Array:
    return np.clip(angles, *context.limits[3:].T)


def _alike(one: Float64Array, other: Float64Array) -> Float64Array:
    square = (((one[:, None] - other[None]) / LENGTHS_DEG) ** 2).sum(axis=-1)
    return np.asarray(np.exp(-0.5 * square))


def _predicted(seen: Float64Array, values: Float64Array, wanted: Float64Array) -> tuple[Float64Array, Float64Array]:
    level, spread = float(values.mean()), max(float(values.std()), 1e-6)
    own = _alike(seen, seen) + GP_NOISE * np.eye(len(seen))
    across = _alike(wanted, seen)
    mean = across @ np.linalg.solve(own, (values - level) / spread)
    left = 1.0 - np.einsum("ij,ji->i", across, np.linalg.solve(own, across.T))
    return mean * spread + level, spread * np.sqrt(np.maximum(left, 1e-9))


def _most_promising(
    seen: Float64Array, values: Float64Array, low: Float64Array, high: Float64Array, rng: np.random.Generator
) -> Float64Array:
    """Return the angles (3,) of the largest expected improvement among many drawn ones."""
    best = seen[int(np.argmax(values))]
    near = np.clip(best + rng.normal(size=(400, 3)) * 0.5 * LENGTHS_DEG, low, high)
    wanted = np.concatenate([rng.uniform(low, high, (800, 3)), near])
    mean, sigma = _predicted(seen, values, wanted)
    above = mean - values.max()
    gain = above * norm.cdf(above / sigma) + sigma * norm.pdf(above / sigma)
    return np.asarray(wanted[int(np.argmax(gain))])
