"""The simulated instrument: draws a sample from its key, moves, exposes, and knows the truth."""

import math

import numpy as np
import pytest

from beamgym.envs.checks import check_world
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.goniometer.goniometer import goniometer
from beamgym.physics.goniometer.targets import parse_target
from beamgym.physics.instrument import AcquireSettings, Instrument, MoveFailed, PlaceableWorld, World
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.camera import FAINTEST_COUNTS
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.laue.pattern.spots import LaueModel
from beamgym.physics.laue.simulator import LAUE_READOUT_S, SimulatedLaue
from beamgym.physics.orientation import misorientation_deg, rotation_matrix

EXPOSE = AcquireSettings(exposure_s=10.0)
PERFECT = Imperfections(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def parts():
    return load_crystal("Si"), Beam.tube("W"), Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)


@pytest.fixture
def make(parts):
    crystal, beam, detector = parts

    def world(n=1, level=PERFECT, name="psic", seed=0, **more):
        made = SimulatedLaue(crystal, goniometer(name), beam, detector, n, level, **more)
        made.reset(make_keys(seed + np.arange(n)), np.ones(n, bool))
        return made

    return world


def _all(n):
    return np.ones(n, bool)


def test_it_is_an_instrument_a_world_and_can_be_placed(make):
    world = make()
    assert isinstance(world, Instrument)
    assert isinstance(world, World)
    assert isinstance(world, PlaceableWorld)


def test_without_imperfections_the_peaks_are_the_brightest_spots_of_the_crystal_as_it_stands(make, parts):
    world = make(3)
    peaks = world.acquire(EXPOSE, _all(3)).peaks()
    spots = LaueModel(*parts, brightest=64).spots(world.truth()["orientation"])
    np.testing.assert_array_equal(peaks.count, 64)
    np.testing.assert_allclose(peaks.position_px, spots.position_px, atol=1e-4)
    np.testing.assert_allclose(peaks.intensity, 10.0 * spots.intensity, rtol=1e-5)


def test_a_move_turns_the_crystal_by_the_goniometers_rotation(make):
    world = make(2)
    before = world.truth()["orientation"]
    target = np.tile([10.0, -20.0, 30.0, 40.0], (2, 1))
    report = world.move(target, np.array([True, False]))
    turned = world.context.goniometer.rotation(target[0]) @ world.truth()["mount"][0]
    after = world.truth()["orientation"]
    np.testing.assert_allclose(after[0], turned, atol=1e-12)
    np.testing.assert_array_equal(after[1], before[1])
    np.testing.assert_allclose(report.readback, [target[0], np.zeros(4)])
    assert report.duration_s.tolist() == [20.0, 0.0]


def test_backlash_is_seen_in_the_truth_and_not_in_the_readback(make):
    world = make(1, Imperfections(**{**PERFECT.__dict__, "backlash_deg": 0.5}))
    world.move(np.array([[0.0, 0.0, 0.0, 10.0]]), _all(1))
    there = world.truth()["orientation"]
    world.move(np.array([[0.0, 0.0, 0.0, 20.0]]), _all(1))
    world.move(np.array([[0.0, 0.0, 0.0, 10.0]]), _all(1))
    assert world.positions()[0, 3] == 10.0
    off = misorientation_deg(world.truth()["orientation"], there, np.eye(3)[None])
    assert off == pytest.approx([0.5], abs=1e-6)


def test_a_target_outside_the_limits_fails_and_moves_nothing(make):
    world = make(2, name="two-arc")
    with pytest.raises(MoveFailed, match="upper_arc"):
        world.move(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 25.0]]), _all(2))
    assert not world.positions().any()


@pytest.mark.parametrize("frames", ["spots", "rendered"])
def test_at_every_level_it_keeps_the_contract_of_a_world(any_level, parts, frames):
    crystal, beam, detector = parts
    check_world(lambda n: SimulatedLaue(crystal, goniometer("psic"), beam, detector, n, any_level[0], frames), EXPOSE)


def test_frames_of_a_still_crystal_have_new_noise_and_masked_rows_repeat_theirs(make):
    world = make(2, "real")
    first = world.acquire(EXPOSE, _all(2)).peaks()
    second = world.acquire(EXPOSE, np.array([True, False])).peaks()
    assert not np.array_equal(first.position_px[0], second.position_px[0])
    np.testing.assert_array_equal(first.position_px[1], second.position_px[1])


def test_frames_count_time_and_dose(make):
    world = make(2)
    world.acquire(EXPOSE, _all(2))
    world.move(np.array([[0, 0, 0, 8.0], [0, 0, 0, 0]]), np.array([True, False]))
    frame = world.acquire(EXPOSE, np.array([True, False]))
    assert frame.counter.tolist() == [2, 1]
    assert frame.time_s.tolist() == [2 * (10.0 + LAUE_READOUT_S) + 4.0, 10.0 + LAUE_READOUT_S]
    assert world.truth()["dose"].tolist() == [20.0, 10.0]


def test_a_reset_begins_the_masked_rows_anew_and_leaves_the_others(make):
    world = make(3, "real")
    world.move(np.full((3, 4), 5.0), _all(3))
    before = world.truth()
    world.reset(make_keys(100 + np.arange(3)), np.array([False, True, False]))
    after = world.truth()
    for name in ("orientation", "mount", "detector"):
        np.testing.assert_array_equal(before[name][[0, 2]], after[name][[0, 2]])
        assert not np.array_equal(before[name][1], after[name][1])
    assert world.positions().tolist() == [[5.0] * 4, [0.0] * 4, [5.0] * 4]


def test_mounts_are_drawn_from_those_that_the_filter_lets_pass(make, parts):
    head, target = goniometer("two-arc"), parse_target(parts[0], "axis [001] x")
    world = make(40, name="two-arc", mount_filter=lambda u: target.reachable_goals(head, u).reachable)
    assert target.reachable(head, world.truth()["mount"]).any(axis=1).all()
    assert 0.05 < world.excluded_share < 0.5


def test_a_filter_that_lets_nothing_pass_is_reported_in_one_line(make):
    with pytest.raises(ValueError, match="no mount among") as caught:
        make(name="two-arc", mount_filter=lambda u: np.zeros(len(u), bool))
    assert "\n" not in str(caught.value)


def test_level_hard_has_fewer_spots_found_and_more_false_ones(parts):
    crystal, beam, detector = parts
    counts = {}
    for level in ("easy", "hard"):
        world = SimulatedLaue(crystal, goniometer("e4cv"), beam, detector, 50, level, max_peaks=200)
        world.reset(make_keys(np.arange(50)), _all(50))
        counts[level] = world.acquire(EXPOSE, _all(50)).peaks().count.mean()
    assert counts["hard"] < 0.8 * counts["easy"]


@pytest.fixture(scope="module")
def worlds(parts):
    made = {}
    for name in ("Si", "LSCO"):
        made[name] = SimulatedLaue(load_crystal(name), goniometer("e4cv"), *parts[1:], 200, "harsh")
        made[name].reset(make_keys(np.arange(200)), _all(200))
    return made


class TestLevelHarsh:
    def test_the_distance_is_off_by_up_to_10_mm_either_way(self, worlds):
        panel = worlds["Si"].truth()["detector"]
        normal = np.cross(panel[:, 3:6], panel[:, 6:])
        off = np.abs((panel[:, :3] * normal).sum(axis=1)) - 70.0
        assert off.min() < -8.5
        assert off.max() > 8.5
        assert np.abs(off).max() < 10.0 + 5 * 0.5
        assert off.std() == pytest.approx(10.0 / math.sqrt(3.0), rel=0.15)

    def test_a_cubic_lattice_is_the_files_and_a_tetragonal_one_has_another_c(self, worlds):
        file = {name: world.context.crystal.b_matrix for name, world in worlds.items()}
        np.testing.assert_array_equal(worlds["Si"].truth()["b_matrix"], np.tile(file["Si"], (200, 1, 1)))
        ratio = file["LSCO"][2, 2] / worlds["LSCO"].truth()["b_matrix"][:, 2, 2]
        assert ratio.min() < 0.975
        assert ratio.max() > 1.025

    def test_the_second_grain_turns_with_the_larger_one_and_is_smaller(self, worlds):
        world = worlds["Si"]
        before = world.truth()
        world.move(np.tile([-20.0, 30.0, 40.0], (200, 1)), _all(200))
        after = world.truth()
        between = [np.swapaxes(t["orientation"], 1, 2) @ t["second_orientation"] for t in (before, after)]
        np.testing.assert_allclose(between[0], between[1], atol=1e-12)
        assert (before["second_share"] >= 0.3).all()
        assert (before["second_share"] < 0.7).all()
        apart = misorientation_deg(before["orientation"], before["second_orientation"], world.context.crystal.rotations)
        assert np.median(apart) > 30.0

    def test_a_rendered_frame_shows_both_grains_and_the_false_spots(self, parts):
        found = {}
        for frames in ("spots", "rendered"):
            world = SimulatedLaue(parts[0], goniometer("e4cv"), *parts[1:], 4, "harsh", frames)
            world.reset(make_keys(np.arange(4)), _all(4))
            found[frames] = world.acquire(EXPOSE, _all(4)).peaks()
        for i in range(4):
            drawn = found["spots"].position_px[i, : found["spots"].count[i]]
            seen = found["rendered"].position_px[i, : found["rendered"].count[i]]
            near = np.linalg.norm(drawn[:, None] - seen[None], axis=-1).min(axis=1) < 1.0
            assert near.mean() > 0.75

    def test_the_same_key_gives_the_same_frame_whatever_the_batch(self, worlds):
        many = SimulatedLaue(worlds["LSCO"].context.crystal, *_rest(worlds["LSCO"]), 3, "harsh")
        one = SimulatedLaue(worlds["LSCO"].context.crystal, *_rest(worlds["LSCO"]), 1, "harsh")
        many.reset(make_keys([7, 8, 9]), _all(3))
        one.reset(make_keys([8]), _all(1))
        np.testing.assert_array_equal(
            many.acquire(EXPOSE, _all(3)).peaks().position_px[1], one.acquire(EXPOSE, _all(1)).peaks().position_px[0]
        )

    def test_a_range_beyond_half_the_distance_is_refused(self, parts):
        with pytest.raises(ValueError, match="choose a range below half of its distance"):
            SimulatedLaue(parts[0], goniometer("e4cv"), *parts[1:], 1, Imperfections(distance_range_mm=40.0))


def _rest(world):
    return world.context.goniometer, world.context.beam, world.context.detector


def test_found_peaks_are_the_spots_give_or_take_the_levels_noise(any_level, parts):
    name, sigma_deg = any_level
    crystal, beam, detector = parts
    world = SimulatedLaue(crystal, goniometer("e4cv"), beam, detector, 30, name)
    world.reset(make_keys(np.arange(30)), _all(30))
    peaks = world.acquire(EXPOSE, _all(30)).peaks()
    assert (peaks.intensity[peaks.mask] >= FAINTEST_COUNTS).all()
    spots = LaueModel(crystal, beam, detector).spots(world.truth()["orientation"])
    off = []
    for i in range(30):
        found = detector.plane_normals(peaks.position_px[i, : peaks.count[i]])
        true = detector.plane_normals(spots.position_px[i, : spots.count[i]])
        off.append(np.degrees(np.arccos(np.clip((found @ true.T).max(axis=1), -1, 1))))
    assert np.median(np.concatenate(off)) < sigma_deg


class TestPlacing:
    def test_a_given_mount_and_positions_are_taken(self, make):
        world = make(2, "real")
        mount = rotation_matrix([10.0, 20.0, 30.0])
        world.reset(make_keys(np.arange(2)), _all(2), mount=mount, positions=[1.0, 2.0, 3.0, 4.0])
        np.testing.assert_array_equal(world.truth()["mount"], [mount, mount])
        np.testing.assert_array_equal(world.positions(), [[1, 2, 3, 4]] * 2)

    @pytest.mark.parametrize(
        ("start", "words"),
        [
            ({"mount": np.ones((3, 3))}, "not a rotation"),
            ({"mount": np.diag([1.0, 1, -1])}, "determinant"),
            ({"mount": np.full((3, 3), np.nan)}, "not a rotation"),
            ({"positions": [0.0, 0.0, 40.0]}, "upper_arc = 40 is outside its limits"),
            ({"positions": [0.0, np.nan, 0.0]}, "NaN"),
            ({"positions": [0.0, 0.0]}, "shape"),
            ({"positions": np.zeros((2, 3))}, "positions have shape"),
            ({"mount": np.stack([np.eye(3)] * 2)}, "mount has shape"),
        ],
    )
    def test_what_cannot_be_is_refused_in_one_line_and_changes_nothing(self, make, start, words):
        world = make(1, name="two-arc")
        before = world.truth()
        with pytest.raises(ValueError, match=words) as caught:
            world.reset(make_keys(np.array([77])), _all(1), **start)
        assert "\n" not in str(caught.value)
        for name, values in world.truth().items():
            np.testing.assert_array_equal(values, before[name])


@pytest.mark.parametrize(
    ("options", "words"),
    [({"frames": "film"}, "'spots'"), ({"level": "impossible"}, "easy, real, hard"), ({"n": 0}, "at least one")],
)
def test_wrong_options_are_refused(make, options, words):
    with pytest.raises(ValueError, match=words):
        make(**options)


def test_a_detector_that_no_reflection_reaches_is_refused(parts):
    crystal, beam, _ = parts
    far = Detector.transmission(distance_mm=100_000.0, shape=(64, 64), pixel_mm=0.05)
    with pytest.raises(ValueError, match="can reach this detector") as caught:
        SimulatedLaue(crystal, goniometer("e4cv"), beam, far)
    assert "\n" not in str(caught.value)


def test_rendered_frames_show_the_spots_where_the_fast_path_finds_them(make):
    fast, drawn = make(2, level=PERFECT), make(2, level=PERFECT, frames="rendered")
    listed, found = fast.acquire(EXPOSE, _all(2)).peaks(), drawn.acquire(EXPOSE, _all(2)).peaks()
    for i in range(2):
        bright = listed.position_px[i, :20]
        near = np.linalg.norm(bright[:, None] - found.position_px[i, None, : found.count[i]], axis=2).min(axis=1)
        assert (near < 1.0).mean() >= 0.8
