"""What a person does: raster for the brightest site, focus, map by turning, correct, map again, correct, check."""

from typing import Final

import numpy as np

from beamgym.agents.baselines.arpes_align.acting import PlannedCut, Procedure, TakenCut
from beamgym.agents.baselines.arpes_align.parts import (
    Part,
    focused_by_scan,
    middle_of_sample,
    snake_sites,
    symmetric_goal,
)
from beamgym.envs.arpes_align import ArpesAlignContext
from beamgym.physics.arpes.aligning import SymmetryFit, followed
from beamgym.physics.instrument import Float64Array

RASTER_MM, RASTER_S = 0.4, 0.2
SCAN_MM: Final = (-0.5, -0.25, 0.0, 0.25, 0.5)
MAP_DEG, MAP_S = np.arange(-12.0, 12.1, 1.5), 0.7
AGAIN_DEG: Final = np.arange(-4.5, 4.6, 1.5)
AROUND_MM: Final = 0.15
CHECK_S: Final = 0.5


def person(context: ArpesAlignContext, first: TakenCut) -> Procedure:
    """Begin the procedure."""
    sites = middle_of_sample(first.pose)[:2] + snake_sites(RASTER_MM, 2)
    pose = yield from brightest(first.pose, sites, RASTER_S)
    pose = yield from focused_by_scan(pose, SCAN_MM, RASTER_S)
    fit = yield from _mapped(context, pose, MAP_DEG)
    pose = followed(pose, symmetric_goal(context, fit, fit.fitted(), pose))
    pose = yield from focused_by_scan(pose, SCAN_MM[1:4], RASTER_S)
    pose = yield from brightest(pose, pose[:2] + snake_sites(AROUND_MM, 1), RASTER_S)
    fit = yield from _mapped(context, pose, pose[3] + AGAIN_DEG)
    pose = followed(pose, symmetric_goal(context, fit, fit.fitted(), pose))
    yield PlannedCut(pose, CHECK_S)


def brightest(pose: Float64Array, sites: Float64Array, dwell_s: float) -> Part:
    """Visit sites (k, 2) in their order, and return the pose at that with the highest rate."""
    rates = []
    for site in sites:
        cut = yield PlannedCut(np.array([*site, *pose[2:]]), dwell_s)
        rates.append(cut.rate)
    return np.array([*sites[int(np.argmax(rates))], *pose[2:]])


def _mapped(context: ArpesAlignContext, pose: Float64Array, polars: Float64Array):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """Take a cut at each polar angle, and return the fit of their symmetry."""
    fit = SymmetryFit(context.told, context.grid)
    for polar in polars:
        cut = yield PlannedCut(followed(pose, np.array([polar, *pose[4:]])), MAP_S)
        fit.add(cut.pose, cut.counts)
    return fit
