"""A level's numbers from recorded runs."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.goniometer import Goniometer
from beamgym.physics.instrument import Float64Array
from beamgym.physics.laue.imperfections import NEEDS_A_KNOWN_CRYSTAL, Imperfections
from beamgym.physics.laue.level_fit.intervals import Estimate, Finder, reading_estimate, spot_estimates
from beamgym.physics.laue.level_fit.matching import Matched, Matcher, NotMatched
from beamgym.physics.laue.level_fit.mechanics import NUMBERS, Likelihood, interval, most_likely, products
from beamgym.physics.laue.level_fit.runs import RecordedRun
from beamgym.physics.laue.level_fit.simulated import simulated_runs
from beamgym.physics.laue.level_fit.spots import SpotCounts, count_spots
from beamgym.physics.laue.simulator import Frames, LaueContext

LEAST_RUNS, LEAST_FRAMES = 3, 12
"""With fewer the intervals say nothing: a scatter from run to run needs three runs."""

CAMERA = ("along fast / mm", "along slow / mm", "across / mm", "tilt about fast / deg", "tilt about slow / deg")
"""What ``LevelFit.camera`` says of a camera that stands the same in all runs."""

CALIBRATION_FRAMES = 60
"""Frames of that simulation at most: the finder's part is small, and known well enough by them."""

_EXACT_DEG = 1e-6
_START = np.array([0.1, 0.1, 0.02, 0.02, 0.1])
_STARTS = (1.0, 0.1)


@dataclass(frozen=True)
class LevelFit:
    """The imperfections of an instrument, from its runs.

    Parameters
    ----------
    estimates : by the names of ``Imperfections``, with intervals
    runs, frames, spots : that were used
    left_out : why a run was not, by its number
    one_instrument : whether camera and axes are the same in all runs
    camera : where the camera stands against the nominal one, with standard deviations, by ``CAMERA``; only where it is
        the same in all runs. The sixth kind, a twist about the beam, cannot be told from the crystal's
    follows : "target" where the axes' errors go with where they were sent, "readback" where with what they read
    """

    estimates: dict[str, Estimate]
    runs: int
    frames: int
    spots: int
    left_out: dict[int, str]
    one_instrument: bool
    camera: dict[str, tuple[float, float]]
    follows: str

    @property
    def level(self) -> Imperfections:
        """The numbers as a level."""
        return Imperfections(**{name: one.value for name, one in self.estimates.items()})

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """(low, high) by name."""
        return {name: (one.low, one.high) for name, one in self.estimates.items()}


def fit_level(
    context: LaueContext, runs: Sequence[RecordedRun], frames: Frames = "rendered", seed: int = 0
) -> LevelFit:
    """Estimate a level's numbers from recorded runs.

    Parameters
    ----------
    context : the crystal and the nominal instrument, as the instrument file has them
    runs : at least three, of at least 12 frames together
    frames : how the spots were found: in images ("rendered"), or as the fast simulation draws them ("spots")
    seed : of the simulation by which the peak finder's own part is taken off

    Raises
    ------
    ValueError : in one line, for too few runs or frames that can be used
    """
    matcher = Matcher(context)
    matched, left_out = _matched(matcher, runs)
    _check_enough(matched, left_out)
    counts = count_spots(matched, context.detector)
    if not sum(one.sure for one in counts) or sum(len(one.logs) for one in counts) < LEAST_FRAMES:
        raise ValueError("no spots of these frames are bright enough that they must be found; expose longer")
    finder = Finder() if frames == "spots" else finders_part(matcher, matched, counts, seed)
    estimates = spot_estimates(counts, finder, context.detector.pixel_mm)
    mechanics = _Mechanics(context, matched, _sigma_px(counts))
    ordered = {**estimates, **mechanics.estimates()}
    names = list(Imperfections.__dataclass_fields__)
    return LevelFit(
        {name: ordered[name] for name in names if name not in NEEDS_A_KNOWN_CRYSTAL},
        len(matched),
        sum(one.run.frames for one in matched),
        sum(len(one.frame) for one in matched),
        left_out,
        mechanics.likelihood.one,
        mechanics.camera(),
        mechanics.follows,
    )


def finders_part(matcher: Matcher, matched: Sequence[Matched], counts: Sequence[SpotCounts], seed: int) -> Finder:
    """Return what the peak finder does by itself: the same patterns, drawn and found without any imperfection."""
    context, chosen, frames = matcher.context, list[Matched](), 0
    for one in matched:
        if frames < CALIBRATION_FRAMES:
            chosen.append(one)
            frames += one.run.frames
    scale = float(np.exp(np.concatenate([one.logs for one in counts]).mean()))
    level = Imperfections(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, counts_scale=scale)
    mounts = np.array([matcher.mount(one.run, one.orientation)[0] for one in chosen])
    exposure_s = float(np.median(np.concatenate([one.run.exposure_s for one in chosen])))
    low, high = np.array([axis.limits for axis in context.goniometer.axes], dtype=np.float64).T
    paths = [np.clip(one.run.readback, low, high) for one in chosen]  # a reading may lie a little beyond the end
    room = max(int(one.run.peaks.count.max()) for one in matched)
    runs = simulated_runs(context, level, paths, exposure_s, seed, "rendered", mounts, room)
    found = count_spots(_matched(matcher, runs)[0], context.detector)
    logs = np.concatenate([one.logs for one in found])
    return Finder(
        _sigma_px(found),
        sum(one.lost for one in found) / max(sum(one.sure for one in found), 1),
        sum(one.false for one in found) / sum(one.searched for one in found),
        float(logs.std()),
        float(np.exp(logs.mean())) / scale,
    )


def motor_counts(stage: Goniometer, run: RecordedRun) -> Float64Array:
    """Return where the motors had counted to, (T, k): the targets in whole steps; at first what was read."""
    step = np.array([axis.step for axis in stage.axes])
    counts = np.where(step > 0.0, step * np.round(run.target / np.where(step > 0.0, step, 1.0)), run.target)
    counts[0] = run.readback[0]
    return counts


class _Mechanics:
    """Camera and axes: which of the ways to read the runs is the likeliest, and the numbers by it."""

    def __init__(self, context: LaueContext, matched: Sequence[Matched], sigma_px: float) -> None:
        stage = context.goniometer
        rotates = np.array([axis.kind == "rotation" for axis in stage.axes])
        sent = [motor_counts(stage, one.run) for one in matched]
        off = [(one.run.readback - counts)[1:, rotates] for one, counts in zip(matched, sent, strict=True)]
        self.off = np.concatenate([part.ravel() for part in off])
        if not np.any(np.abs(self.off) > _EXACT_DEG):
            self.off = np.zeros_like(self.off)
        places = {"target": sent}
        if np.any(self.off):
            places["readback"] = [one.run.readback for one in matched]
        found = []
        for follows, counts in places.items():
            runs = [products(context, one, count) for one, count in zip(matched, counts, strict=True)]
            reading = float(np.sqrt((self.off**2).mean())) if follows == "target" and len(self.off) else 0.0
            for one_instrument, centred in itertools.product((False, True), repeat=2):
                likelihood = Likelihood(runs, context, sigma_px, one_instrument, centred, reading)
                best = min((most_likely(likelihood, share * _START) for share in _STARTS), key=lambda each: each[1])
                found.append((*best, follows, likelihood))
        self.numbers, self.cost, self.follows, self.likelihood = min(found, key=lambda each: each[1])

    def estimates(self) -> dict[str, Estimate]:
        """Return the estimates by name."""
        ends = [interval(self.likelihood, self.numbers, self.cost, i) for i in range(len(NUMBERS))]
        values = zip(NUMBERS, self.numbers.tolist(), ends, strict=True)
        fitted = {name: Estimate(value, low, high) for name, value, (low, high) in values}
        reading = reading_estimate(self.off if self.follows == "target" else np.zeros(1))
        return {**fitted, "readback_noise_deg": reading}

    def camera(self) -> dict[str, tuple[float, float]]:
        """Return where a camera stands that is the same in all runs; nothing where it is not."""
        if not self.likelihood.one:
            return {}
        mean, deviation = self.likelihood.hidden(self.numbers)
        return {name: (float(mean[i]), float(deviation[i])) for i, name in enumerate(CAMERA)}


def _matched(matcher: Matcher, runs: Sequence[RecordedRun]) -> tuple[list[Matched], dict[int, str]]:
    """Return the runs whose spots could be given to rays, and of the others why not."""
    matched, left_out = list[Matched](), dict[int, str]()
    for i, run in enumerate(runs):
        try:
            matched.append(matcher.match(run))
        except NotMatched as error:
            left_out[i] = str(error)
    return matched, left_out


def _sigma_px(counts: Sequence[SpotCounts]) -> float:
    return float(np.sqrt(sum(one.squares for one in counts) / sum(one.freedom for one in counts)))


def _check_enough(matched: Sequence[Matched], left_out: dict[int, str]) -> None:
    frames = sum(one.run.frames for one in matched)
    if len(matched) >= LEAST_RUNS and frames >= LEAST_FRAMES:
        return
    why = f"; of run {next(iter(left_out)) + 1}: {next(iter(left_out.values()))}" if left_out else ""
    raise ValueError(
        f"{len(matched)} runs with {frames} frames can be used, {len(left_out)} cannot; at least {LEAST_RUNS} runs and "
        f"{LEAST_FRAMES} frames are needed: record more{why}"
    )
