"""Parts that procedures share: focus, visits of many sites, and a map of how good sites are."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from beamgym.agents.baselines.arpes_align.acting import PlannedCut, TakenCut
from beamgym.envs.arpes_align import ArpesAlignContext
from beamgym.physics.arpes.aligning import FOCUS_SIGMA_MM, PoseFit, SymmetryFit, followed, refocused, standing_angles
from beamgym.physics.instrument import Float64Array

Part = Generator[PlannedCut, TakenCut, Float64Array]
"""A part of a procedure; it returns the pose that it found."""

PITCH_MM, RADIUS_MM, FURTHER = 0.45, 0.85, 9
"""Of the sites that ``best_site`` visits: their lattice, how far from the middle, and how many after those."""
_LOWEST_MM, _HIGHEST_MM = -1.9, 1.9
FOCUS_STEP_MM: Final = 0.25


def focused_by_two(pose: Float64Array, dwell_s: float, seen: Callable[[TakenCut], None] | None = None) -> Part:
    """Take a cut above and one below, and return the pose at the height where a Gaussian of known width has its top."""
    heights, logs = [], []
    for rise in (FOCUS_STEP_MM, -FOCUS_STEP_MM):
        height = float(np.clip(pose[2] + rise, _LOWEST_MM, _HIGHEST_MM))
        cut = yield PlannedCut(refocused(pose, height - float(pose[2])), dwell_s)
        heights.append(float(cut.pose[2]))
        logs.append(float(np.log(max(cut.rate, 1.0))))
        if seen is not None:
            seen(cut)
    apart = heights[0] - heights[1]
    top = 0.5 * (heights[0] + heights[1]) + FOCUS_SIGMA_MM**2 * (logs[0] - logs[1]) / apart
    top = float(np.clip(top, pose[2] - 0.8, pose[2] + 0.8))
    return refocused(pose, float(np.clip(top, _LOWEST_MM, _HIGHEST_MM)) - float(pose[2]))


def middle_of_sample(pose: Float64Array) -> Float64Array:
    """Return the pose (6,) at the same angles and height that has the sample's middle in the beam, as far as known."""
    middle = followed(np.zeros(6), pose[3:])
    return refocused(middle, float(pose[2] - middle[2]))


def in_short_order(sites: Float64Array, begin: Float64Array) -> Float64Array:
    """Return sites (k, 2) in the order of the nearest next one, the first nearest to ``begin`` (2,)."""
    left, here, order = list(range(len(sites))), begin, []
    while left:
        nearest = min(left, key=lambda index: float(np.abs(sites[index] - here).max()))
        left.remove(nearest)
        order.append(nearest)
        here = sites[nearest]
    return sites[order]


def hexagonal_sites(pitch_mm: float, radius_mm: float) -> Float64Array:
    """Return the points (k, 2) of a triangular lattice within a circle about 0, mm."""
    reach = int(np.ceil(radius_mm / pitch_mm)) + 1
    i, j = np.meshgrid(np.arange(-2 * reach, 2 * reach + 1), np.arange(-reach, reach + 1))
    points = pitch_mm * np.stack([i + 0.5 * (j % 2), np.sqrt(0.75) * j], axis=-1).reshape(-1, 2)
    return np.asarray(points[np.hypot(*points.T) <= radius_mm])


@dataclass(eq=False)
class SiteMap:
    """A Gaussian process over how good sites are, on a logarithmic scale.

    Parameters
    ----------
    length_mm : over which sites are alike
    spread : standard deviation of the logarithm
    noise : of one reading of it
    """

    length_mm: float = 0.25
    spread: float = 0.35
    noise: float = 0.08

    def mean(
        self, sites: Float64Array, values: Sequence[float], wanted: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        """Return mean and standard deviation (k,) at wanted sites (k, 2), of readings at sites (m, 2)."""
        values_array = np.asarray(values, dtype=np.float64)
        level = float(values_array.mean())
        own = self._alike(sites, sites) + self.noise**2 * np.eye(len(sites))
        across = self._alike(wanted, sites)
        mean = level + across @ np.linalg.solve(own, values_array - level)
        left = self.spread**2 - np.einsum("ij,ji->i", across, np.linalg.solve(own, across.T))
        return np.asarray(mean), np.sqrt(np.maximum(left, 1e-9))

    def _alike(self, one: Float64Array, other: Float64Array) -> Float64Array:
        square = ((one[:, None] - other[None]) ** 2).sum(axis=-1)
        return np.asarray(self.spread**2 * np.exp(-0.5 * square / self.length_mm**2))


def snake_sites(pitch_mm: float, half: int) -> Float64Array:
    """Return a square raster (k, 2) of 2 · half + 1 sites along each edge about 0, mm, every other row backwards."""
    steps = pitch_mm * np.arange(-half, half + 1)
    rows = [np.stack([steps[:: 1 - 2 * (i % 2)], np.full(len(steps), y)], axis=1) for i, y in enumerate(steps)]
    return np.concatenate(rows)


def focused_by_scan(pose: Float64Array, rises_mm: Sequence[float], dwell_s: float) -> Part:
    """Take a cut at each height, and return the pose at the top of the parabola through their logarithms."""
    heights, logs = [], []
    for rise in rises_mm:
        height = float(np.clip(pose[2] + rise, _LOWEST_MM, _HIGHEST_MM))
        cut = yield PlannedCut(refocused(pose, height - float(pose[2])), dwell_s)
        heights.append(float(cut.pose[2]))
        logs.append(float(np.log(max(cut.rate, 1.0))))
    bend, slope, _ = np.polyfit(np.array(heights) - pose[2], logs, 2)
    top = -0.5 * slope / bend if bend < -0.5 else float(rises_mm[int(np.argmax(logs))])
    top = float(np.clip(top, -0.8, 0.8))
    return refocused(pose, float(np.clip(pose[2] + top, _LOWEST_MM, _HIGHEST_MM)) - float(pose[2]))


def symmetric_goal(
    context: ArpesAlignContext, fit: SymmetryFit, theta: Float64Array, pose: Float64Array
) -> Float64Array:
    """Return the angles (3,) by a fit of symmetry; told bands say which of two mirror lines is which."""
    told, (low, high) = context.told, context.limits[3:].T
    direction, period = told.direction_deg(context.direction), told.period_deg(context.direction)
    if context.dispersion_told and period > told.mirror_deg:
        bands = PoseFit(told, context.grid)
        for turn_pose, counts in fit.cuts:
            bands.add(turn_pose, counts)
        both = np.array([theta, bands.twin(theta)])
        theta = both[int(np.argmax(bands.values(both)))]
    return np.clip(standing_angles(theta, direction, period, float(pose[5])), low, high)


def best_site(pose: Float64Array, how_good: Callable[[TakenCut], float], dwell_s: float) -> Part:
    """Visit sites over the sample, then some that promise more, and return the pose at the best.

    Parameters
    ----------
    pose : (6,) from which on
    how_good : the logarithm of how good the site of a cut is
    dwell_s : of each cut
    """
    middle = middle_of_sample(pose)
    queue = list(in_short_order(middle[:2] + hexagonal_sites(PITCH_MM, RADIUS_MM), pose[:2]))
    seen: list[Float64Array] = []
    logs: list[float] = []
    model, fine, further = SiteMap(), middle[:2] + hexagonal_sites(0.06, RADIUS_MM), FURTHER
    while queue:
        cut = yield PlannedCut(np.array([*queue.pop(0), *pose[2:]]), dwell_s)
        seen.append(cut.pose[:2])
        logs.append(how_good(cut))
        if not queue and further:
            mean, sigma = model.mean(np.array(seen), logs, fine)
            queue.append(fine[int(np.argmax(mean + 0.7 * sigma))])
            further -= 1
    mean, sigma = model.mean(np.array(seen), logs, fine)
    return np.array([*fine[int(np.argmax(mean - 0.7 * sigma))], *pose[2:]])
