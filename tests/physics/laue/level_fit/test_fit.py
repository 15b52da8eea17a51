"""The hidden numbers of simulated instruments come back within their intervals."""

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest

from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.imperfections import LAUE_LEVELS, NEEDS_A_KNOWN_CRYSTAL, Imperfections, displaced_panels
from beamgym.physics.laue.level_fit.fit import fit_level
from beamgym.physics.laue.level_fit.runs import RecordedRun
from beamgym.physics.laue.level_fit.simulated import random_targets, simulated_runs
from beamgym.physics.laue.simulator import LaueContext

NAMES = [item.name for item in fields(Imperfections) if item.name not in NEEDS_A_KNOWN_CRYSTAL]
ODD = Imperfections(
    centroid_noise_mm=0.07,
    missing_fraction=0.35,
    false_spots=7.0,
    intensity_noise=0.3,
    detector_shift_mm=0.3,
    detector_tilt_deg=0.2,
    backlash_deg=0.12,
    zero_error_deg=0.05,
    readback_noise_deg=0.01,
    eccentricity_mm=0.05,
    counts_scale=0.5,
)
NOTHING = replace(
    ODD, detector_shift_mm=0.0, detector_tilt_deg=0.0, zero_error_deg=0.0, readback_noise_deg=0.0, eccentricity_mm=0.0
)


@cache
def context():
    known = build(LaueAlignOptions(), 1)[0].context
    return LaueContext(known.crystal, known.goniometer, known.detector, known.beam)


def recorded(level, runs, seed, frames="spots", instrument=None):
    instrument = instrument or context()
    return simulated_runs(instrument, level, random_targets(context(), runs, 4, seed), 10.0, seed, frames)


def missed(fit, level):
    return {name: one for name, one in fit.estimates.items() if not one.holds(getattr(level, name))}


@pytest.fixture(scope="module")
def odd():
    return fit_level(context(), recorded(ODD, 8, 5), "spots")


def test_every_number_of_an_instrument_comes_back_within_its_interval(odd):
    assert list(odd.estimates) == NAMES
    assert missed(odd, ODD) == {}
    assert (odd.runs, odd.frames, odd.left_out) == (8, 32, {})
    assert odd.follows == "target"
    assert not odd.one_instrument


def test_the_intervals_are_narrow_enough_to_tell_the_shipped_levels_apart(odd):
    for name, one in odd.estimates.items():
        assert one.high - one.low < 0.9 * max(getattr(ODD, name), 0.02), name
    assert odd.level.backlash_deg == odd.estimates["backlash_deg"].value


def test_a_camera_that_stands_elsewhere_in_all_runs_is_told_as_one(odd):
    stands = np.array([0.4, -0.3, 0.5, 0.2, -0.15])
    panel = displaced_panels(context().detector, stands[None])[0]
    moved = replace(context().detector, origin_mm=panel[:3], fast=panel[3:6], slow=panel[6:])
    runs = recorded(NOTHING, 6, 9, instrument=replace(context(), detector=moved))
    fit = fit_level(context(), runs, "spots")
    assert fit.one_instrument
    means, deviations = np.array(list(fit.camera.values())).T
    assert (np.abs(means - stands) < 4.0 * deviations).all()
    assert (deviations < 0.1).all()
    assert fit.estimates["detector_shift_mm"].holds(np.sqrt((stands[:3] ** 2).mean()))


def test_axes_that_stop_short_and_say_so_have_no_noise_in_their_readings():
    drawn = random_targets(context(), 6, 4, 3)
    stopped = drawn + np.where(np.arange(4)[:, None] > 0, np.random.default_rng(3).normal(0.0, 0.1, drawn.shape), 0.0)
    level = replace(NOTHING, backlash_deg=0.0)
    honest = simulated_runs(context(), level, stopped, 10.0, 3, "spots")
    runs = [replace(run, target=target) for run, target in zip(honest, drawn, strict=True)]
    fit = fit_level(context(), runs, "spots")
    assert fit.follows == "readback"
    assert fit.estimates["readback_noise_deg"].value == 0.0
    assert fit.estimates["zero_error_deg"].low == 0.0
    assert fit.estimates["backlash_deg"].value < 0.01


def test_runs_of_another_crystal_are_left_out_with_the_reason():
    strange = build(LaueAlignOptions(crystal="quartz"), 1)[0].context
    quartz = replace(context(), crystal=strange.crystal)
    own, others = recorded(LAUE_LEVELS["real"], 3, 1), recorded(LAUE_LEVELS["real"], 2, 2, instrument=quartz)
    fit = fit_level(context(), [*own, *others], "spots")
    assert set(fit.left_out) == {3, 4}
    assert fit.runs == 3


def test_runs_whose_axes_turned_the_other_way_are_left_out():
    runs = recorded(LAUE_LEVELS["real"], 3, 1)
    wrong = [replace(run, target=-run.target, readback=-run.readback) for run in runs]
    with pytest.raises(ValueError, match=r"0 runs with 0 frames can be used, 3 cannot.*deploy --signs"):
        fit_level(context(), wrong, "spots")


def test_too_few_runs_or_frames_are_refused_in_one_line():
    runs = recorded(LAUE_LEVELS["real"], 4, 1)
    with pytest.raises(ValueError, match=r"2 runs with 8 frames can be used, 0 cannot; at least 3 runs and 12 frames"):
        fit_level(context(), runs[:2], "spots")
    with pytest.raises(ValueError, match=r"record more$"):
        fit_level(context(), [first_frames(run, 2) for run in runs], "spots")


def first_frames(run, count):
    peaks = Peaks(*(getattr(run.peaks, name)[:count] for name in ("position_px", "intensity", "count", "saturated")))
    return RecordedRun(run.target[:count], run.readback[:count], peaks, run.exposure_s[:count])


def test_frames_without_spots_do_not_stop_it():
    runs = recorded(LAUE_LEVELS["real"], 4, 1)
    dark = runs[0]
    dark.peaks.count[2] = 0
    fit = fit_level(context(), runs, "spots")
    assert fit.frames == 16


@pytest.mark.slow
@pytest.mark.parametrize("frames", ["spots", "rendered"])
def test_nineteen_of_twenty_intervals_hold_the_true_number(frames):
    levels, held = (*LAUE_LEVELS.values(), ODD), []
    for seed in range(3):
        for level in levels:
            fit = fit_level(context(), recorded(level, 20, 100 + seed, frames), frames, seed)
            held += [one.holds(getattr(level, name)) for name, one in fit.estimates.items()]
    # 132 intervals, of one run's numbers not independent: 95 % less three standard deviations of a binomial.
    assert np.mean(held) > 0.95 - 3.0 * np.sqrt(0.05 * 0.95 / len(held))
