"""A diffractometer that scans: times, limits, centring, and what nobody is told."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.diffractometer import (
    cell_of_crystal,
    diffractometer,
    first_reflections,
    positions_of,
    scattering_vectors,
)
from beamgym.physics.diffractometer.scans import (
    AZIMUTH,
    CENTRE,
    POINTS,
    SCAN,
    SETTLE_S,
    CentringError,
    ScanErrors,
    ScanSettings,
    ScanWorld,
    axis_path,
    azimuth_path,
    nearest_positions,
    points_until_peak,
    sharpened,
)
from beamgym.physics.instrument import MoveFailed
from beamgym.physics.orientation import misorientation_deg, rotation_matrix

ONE = np.array([True])
SI = load_crystal("Si")
KNOWN = cell_of_crystal(SI)


def world_of(level="easy", n=1, seed=3, **more):
    world = ScanWorld(SI, n, level=level, **more)
    world.reset(np.arange(seed, seed + n, dtype=np.uint64), np.ones(n, dtype=np.bool_))
    return world


def asked(what, axis=0, width=2.0, count_s=0.1, about=(0.0, 0.0, 0.0)):
    return ScanSettings(
        what=np.array([what]),
        axis=np.array([axis]),
        width_deg=np.array([width]),
        count_s=np.array([count_s]),
        about=np.array([about]),
    )


def places(world, count=6):
    return first_reflections(world.instrument, KNOWN, world.truth()["u"][0], world.beam.wavelength_a, count).degrees


def test_a_scan_takes_its_points_time_and_a_fast_one_what_its_axis_needs():
    e4cv, start = diffractometer("e4cv"), np.zeros(4)
    assert axis_path(e4cv, start, 2, 9.0, POINTS, 0.5, True).busy_s == pytest.approx(POINTS * 0.5)
    assert axis_path(e4cv, start - [0, 0, 170, 0], 2, 340.0, POINTS, 0.05, True).busy_s == pytest.approx(
        340.0 / 90.0 * POINTS / 2.0
    )
    step = axis_path(e4cv, start, 2, 9.0, POINTS, 0.5, False).busy_s
    assert step == pytest.approx(POINTS * (0.5 + 0.1 + SETTLE_S + 0.05))


def test_a_scan_through_a_limit_or_the_envelope_is_refused_with_the_remedy():
    world = world_of()
    with pytest.raises(MoveFailed, match=r"tth would go to .* limits are -5 to 150; scan less"):
        world.acquire(asked(SCAN, axis=3, width=170.0), ONE)
    with pytest.raises(MoveFailed, match=r"omega would stand .* touches beyond 60°"):
        world.move(np.array([[80.0, 0.0, 0.0, 10.0]]), ONE)


def test_centring_ends_on_the_reflection_from_a_degree_away():
    world = world_of("easy")
    for place in places(world, 3):
        world.move(place[None] + [[0.0, 0.6, 0.8, 0.15]], ONE)
        frame = world.acquire(asked(CENTRE, axis=2, width=6.0), ONE)
        assert frame.on_peak[0]
        found = scattering_vectors(world.instrument, frame.centred, world.beam.wavelength_a)[0][0]
        true = scattering_vectors(world.instrument, place[None], world.beam.wavelength_a)[0][0]
        angle = np.degrees(np.arccos(found @ true / np.linalg.norm(found) / np.linalg.norm(true)))
        # zeros of 0.01° of three axes, and a thirtieth of the slit in chi
        assert angle < 0.08


def test_where_nothing_is_centring_says_so():
    world = world_of("easy")
    world.move(np.array([[20.0, 3.0, 4.0, 40.0]]), ONE)
    frame = world.acquire(asked(CENTRE, axis=2, width=2.0), ONE)
    assert not frame.on_peak[0]
    assert frame.intensity[0] == 0.0


def test_along_the_right_cone_another_reflection_is_met():
    world = world_of("easy")
    first, second = places(world, 2)
    q1, q2 = scattering_vectors(world.instrument, np.stack([first, second]), world.beam.wavelength_a)[0]
    turned = rotation_matrix(-60.0 * q1 / np.linalg.norm(q1)) @ q2
    path = azimuth_path(world.instrument, first, turned, q1, 120.0, 31, 0.1, world.beam.wavelength_a)
    vectors = scattering_vectors(world.instrument, path.degrees, world.beam.wavelength_a)[0]
    assert np.allclose(vectors @ q1, q2 @ q1, atol=1e-9)
    assert np.linalg.norm(vectors[15] - q2) < 1e-9
    world.move(path.degrees[:1], ONE)
    frame = world.acquire(asked(AZIMUTH, width=120.0, about=q1), ONE)
    assert abs(int(np.argmax(frame.counts[0])) - 45) <= 1


def test_rows_draw_the_same_alone_and_together():
    alone, together = world_of("real", 1, seed=5), world_of("real", 3, seed=4)
    three = np.ones(3, dtype=np.bool_)
    place = np.array([20.0, 10.0, -170.0, 40.0])
    alone.move(place[None], ONE)
    together.move(np.tile(place, (3, 1)), three)
    settings = ScanSettings(
        what=np.full(3, SCAN),
        axis=np.full(3, 2),
        width_deg=np.full(3, 340.0),
        count_s=np.full(3, 0.1),
        about=np.zeros((3, 3)),
    )
    assert (together.acquire(settings, three).counts[1] == alone.acquire(asked(SCAN, 2, 340.0), ONE).counts[0]).all()


def test_a_second_grain_is_seen_where_it_diffracts():
    level = ScanErrors(0.0, 0.0, 0.0, 0.5, 1.0, 0.0, 0.0)
    world = world_of(level)
    place = places(world, 1)[0]
    other = world._u[0, 1]
    there = first_reflections(world.instrument, KNOWN, other, world.beam.wavelength_a, 1).degrees[0]
    peak = []
    for where in (place, there):
        world.move(where[None], ONE)
        peak.append(world.acquire(ScanSettings.counting(1), ONE).counts[0, 0])
    assert peak[1] == pytest.approx(0.5 * peak[0], rel=0.1)


def test_an_orientation_sharpens_with_zeros_that_a_plain_fit_would_be_misled_by():
    rng, e4cv = np.random.default_rng(2), diffractometer("e4cv")
    u = rotation_matrix(np.array([20.0, -50.0, 70.0]))
    ub = u @ KNOWN.b_matrix
    first = first_reflections(e4cv, KNOWN, u, 1.2, 6)
    zero = np.array([0.3, -0.25, 0.0, 0.1])
    read = first.degrees - zero + 0.01 * rng.normal(size=first.degrees.shape)
    start = rotation_matrix(np.array([0.2, 0.1, -0.3])) @ u
    found = sharpened(e4cv, read, first.hkl, start @ KNOWN.b_matrix, start, 1.2, 0.3, CentringError(0.02, 0.02))
    stiff = sharpened(e4cv, read, first.hkl, start @ KNOWN.b_matrix, start, 1.2, 1e-4, CentringError(0.02, 0.02))
    error, plain = (float(misorientation_deg(one.u, u, np.eye(3)[None])) for one in (found, stiff))
    assert error < 0.05 < plain
    assert error < 3.0 * np.sqrt(3.0) * found.error_deg
    assert np.abs(ub - u @ KNOWN.b_matrix).max() == 0.0


def test_a_brief_scan_ends_behind_its_first_peak_and_takes_so_much_less_time():
    world = world_of()
    begin = next(place for place in places(world) if -150.0 < place[2] < 10.0) - [0.0, 0.0, 20.0, 0.0]
    frames = []
    for brief in (False, True):
        world.move(begin[None], ONE)
        settings = replace(asked(SCAN, 2, 160.0), brief=np.array([brief]))
        frames.append(world.acquire(settings, ONE))
    whole, short = frames
    p = int(short.points[0])
    assert whole.points[0] == POINTS
    assert abs(short.where[0, p - 1, 2] - (begin[2] + 20.0)) < 8.0
    assert short.busy_s[0] == pytest.approx(whole.busy_s[0] * p / POINTS)
    assert np.allclose(world.positions()[0], short.where[0, p - 1])


def test_a_scan_without_a_peak_goes_to_its_end():
    rng = np.random.default_rng(0)
    ends = [points_until_peak(rng.poisson(4.0, POINTS).astype(float), np.ones(POINTS)) for _ in range(300)]
    assert sum(end < POINTS for end in ends) <= 1


def test_the_nearest_position_brings_a_reflection_there_and_is_never_farther_than_the_bisecting_one():
    e4cv, rng = diffractometer("e4cv"), np.random.default_rng(1)
    q = rng.normal(size=(40, 3))
    q *= 0.6 / np.linalg.norm(q, axis=1)[:, None]
    here = np.array([20.0, 30.0, -60.0, 40.0])
    found, seconds = nearest_positions(e4cv, q, 1.5, here)
    assert np.abs(scattering_vectors(e4cv, found, 1.5)[0] - q).max() < 1e-9
    bisecting = np.abs(positions_of(e4cv, q, 1.5, near=here).degrees - here).max(axis=1)
    assert (np.abs(found - here).max(axis=1) <= bisecting + 20.0).all()
    assert np.median(np.abs(found - here).max(axis=1)) < 0.85 * np.median(bisecting)
    assert np.allclose(seconds, (np.abs(found - here) / [axis.speed for axis in e4cv.axes]).max(axis=1))


def test_an_orientation_whose_reflections_do_not_fit_says_so():
    e4cv, u = diffractometer("e4cv"), rotation_matrix(np.array([20.0, -50.0, 70.0]))
    first = first_reflections(e4cv, KNOWN, u, 1.2, 4)
    wrong = first.degrees.copy()
    wrong[0, 1] += 0.5
    good, bad = (
        sharpened(e4cv, read, first.hkl, u @ KNOWN.b_matrix, u, 1.2, 1e-4, CentringError(0.01, 0.01))
        for read in (first.degrees, wrong)
    )
    assert bad.error_deg > 5.0 * good.error_deg


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"instrument": "tas"}, "no bisecting position"),
        ({"detector": "area"}, "is not simulated; there is 'point'"),
        ({"beam": "laser"}, "unknown beam 'laser'"),
        ({"level": "awful"}, "there are easy, real, hard"),
        ({"beam": "neutron"}, "radiation='neutron'"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(options, words):
    with pytest.raises(ValueError, match=words):
        ScanWorld(SI, 1, **options)
