"""LaueAlign before neutron cameras: what a named camera brings with it, what is seen, and that it can be played."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.agents.evaluation import evaluate
from beamgym.agents.policies import find_policy
from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.envs.laue_views import spot_rows
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings
from beamgym.physics.laue.cylinder import CylinderDetector

OPTIONS = LaueAlignOptions(crystal="quartz", beam="neutron", detector="neutron-cylinder", goniometer="e4ch")
ALL = np.ones(2, dtype=bool)


def frame_of(options):
    task, world = build(options, 2, version=1)
    world.reset(make_keys(np.array([5, 6]), 0, 0, 9), ALL)
    return task, world, world.acquire(AcquireSettings(exposure_s=task.context.exposure_s), ALL)


def test_a_neutron_camera_brings_a_sample_of_a_centimetre_and_ten_minutes():
    task, _ = build(OPTIONS, 1, version=1)
    usual, _ = build(LaueAlignOptions(), 1, version=1)
    assert isinstance(task.context.detector, CylinderDetector)
    assert task.context.crystal.size_mm == 10.0
    assert task.context.exposure_s == 600.0
    assert task.reward.time_cost * 600.0 == pytest.approx(usual.reward.time_cost * 10.0)
    named, _ = build(replace(OPTIONS, exposure=60.0), 1, version=1)
    assert named.context.exposure_s == 60.0


def test_spots_of_a_cylinder_are_observed_as_the_normals_of_their_planes():
    task, _, frame = frame_of(OPTIONS)
    peaks, plate = frame.peaks(), task.context.detector
    rows = spot_rows(peaks, plate, 40)
    for row, place in zip(rows, peaks.position_px, strict=True):
        assert row[:, 4].all()
        np.testing.assert_allclose(row[:, :3], plate.plane_normals(place[:40]), atol=1e-6)


@pytest.mark.parametrize("detector", ["neutron-cylinder", "neutron-back"])
def test_drawn_frames_show_the_spots_that_the_fast_path_lists(detector):
    task, _, listed = frame_of(replace(OPTIONS, detector=detector, level="easy"))
    _, _, drawn = frame_of(replace(OPTIONS, detector=detector, level="easy", frames="rendered"))
    one, other = listed.peaks(), drawn.peaks()
    for k in range(2):
        first, second = one.position_px[k, :25], other.position_px[k, : other.count[k]]
        away = np.linalg.norm(first[:, None] - second[None], axis=2).min(axis=1) * task.context.detector.pixel_mm
        assert (away < 2.0).mean() > 0.75
        assert np.median(away) < 0.6


def test_an_x_ray_beam_on_a_neutron_camera_is_refused():
    with pytest.raises(ValueError, match="add beam='neutron'"):
        build(replace(OPTIONS, beam="tube-W"), 1)


@pytest.mark.parametrize("changes", [{"observation": "map"}, {"observation": "image"}, {"frames": "denoised"}])
def test_views_that_are_flat_are_refused_on_a_cylinder(changes):
    with pytest.raises(ValueError, match="a cylinder shows no map"):
        build(replace(OPTIONS, **changes), 1)


@pytest.mark.parametrize(
    "policy", ["calibrating", "index-and-move", pytest.param("index-and-refine", marks=pytest.mark.slow)]
)
def test_policies_that_take_any_crystal_align_it(policy):
    env_id = "beamgym/LaueAlign-v1"
    options = {"crystal": "quartz", "beam": "neutron", "detector": "neutron-cylinder", "goniometer": "e4ch"}
    result = evaluate(find_policy(policy, env_id), env_id, 3, 0, "real", options)
    assert result.success_rate == 1.0
