"""Runs of a simulated instrument whose numbers are known: to calibrate the fit by, and to try it on."""

from collections.abc import Sequence

import numpy as np

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings, Float64Array
from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.laue.level_fit.runs import RecordedRun, joined
from beamgym.physics.laue.simulator import Frames, LaueContext, SimulatedLaue

TRAVEL = 0.6
"""Share of an axis's travel, and at most so many degrees or mm about its middle times 100, that random moves use."""

_FARTHEST = 60.0


def random_targets(context: LaueContext, runs: int, frames: int, seed: int) -> Float64Array:
    """Return (runs, frames, k) positions: home, then anywhere in the middle of the axes' travel."""
    axes, rng = context.goniometer.axes, np.random.default_rng(seed)
    low, high = np.array([axis.limits for axis in axes], dtype=np.float64).T
    middle, half = 0.5 * (low + high), np.minimum(0.5 * TRAVEL * (high - low), _FARTHEST)
    drawn = middle + half * rng.uniform(-1.0, 1.0, (runs, frames, len(axes)))
    drawn[:, 0] = context.goniometer.home()
    targets: Float64Array = drawn
    return targets


def simulated_runs(
    context: LaueContext,
    level: Imperfections,
    targets: Sequence[Float64Array] | Float64Array,
    exposure_s: float,
    seed: int,
    frames: Frames = "rendered",
    mounts: Float64Array | None = None,
    max_peaks: int = 64,
) -> list[RecordedRun]:
    """Return runs of a simulated instrument, each with a crystal, a camera and axes of its own.

    Parameters
    ----------
    context : the nominal instrument
    level : its hidden numbers
    targets : (T, k) of each run; row 0 is where it begins
    exposure_s : of every frame
    seed : of everything that is drawn
    frames : "rendered" images and the peak finder, or "spots"
    mounts : (runs, 3, 3) how each crystal sits; drawn by default
    max_peaks : spots kept of a frame
    """
    known = (context.crystal, context.goniometer, context.beam, context.detector)
    world = SimulatedLaue(*known, 1, level, frames, max_peaks)
    keys = make_keys(np.uint64(seed), 0, np.arange(len(targets), dtype=np.uint64), 0)
    one, runs = np.ones(1, dtype=np.bool_), []
    for i, path in enumerate(targets):
        mount = None if mounts is None else mounts[i]
        world.reset(keys[i : i + 1], one, mount=mount, positions=path[0])
        read, peaks = [], []
        for t, target in enumerate(path):
            if t:
                world.move(target[None], one)
            peaks.append(world.acquire(AcquireSettings(exposure_s), one).peaks())
            read.append(world.positions()[0])
        runs.append(RecordedRun(np.asarray(path), np.array(read), joined(peaks), np.full(len(path), exposure_s)))
    return runs
