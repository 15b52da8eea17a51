"""Cuts of the simulated manipulator: bands where the formulas put them, intensities even along nothing, mixtures."""

import numpy as np
import pytest

from beamgym.physics.arpes.aligning import AligningNumbers, SimulatedAligning, layered_crystal
from beamgym.physics.arpes.bands_models import Geometry, TightBinding, kinetic_energy_ev

ON = np.ones(1, bool)
PLAIN = AligningNumbers(
    fewest_flakes=1,
    most_flakes=1,
    **dict.fromkeys(
        (
            "mount_deg",
            "flake_deg",
            "flake_turn_deg",
            "twin_fraction",
            "height_mm",
            "pivot_mm",
            "beam_mm",
            "zero_deg",
            "field_deg",
            "scale",
            "work_function_ev",
            "band_shift_ev",
            "band_scale",
            "band_shape",
            "layer",
            "backlash_mm",
            "backlash_deg",
        ),
        0.0,
    ),
)


def world(level=PLAIN, key=3, **options):
    made = SimulatedAligning(1, level=level, **options)
    made.reset(np.array([key], np.uint64), ON)
    return made


def placed(made, pose):
    made.move(np.array([[*pose, 1.0]]), ON)
    return made


def test_bands_lie_where_the_exact_kinematics_put_them():
    made = world()
    pose = made.truth()["goal_pose"][0] + np.array([0, 0, 0, 3.0, -2.0, 7.0])
    cut = placed(made, pose).expected(0)
    crystal, grid = made.context.crystal, made.context.grid
    flake = np.degrees(np.arctan2(made.hidden(0).surface.frames[0][1, 0], made.hidden(0).surface.frames[0][0, 0]))
    geometry = Geometry(pose[3], pose[4], pose[5] + flake)
    k = geometry.momentum(grid.slit_deg, kinetic_energy_ev(-0.6, crystal.photon_ev))
    bands = TightBinding("hexagonal", crystal.terms, crystal.a_angstrom).energies(k)
    for column in (10, 30, 60, 80):
        top = grid.energy_ev[np.argmax(cut[:, column])]
        assert np.abs(bands[column] - top).min() < 0.03  # a pixel, and the background's slope


def test_intensities_are_not_even_about_gamma_while_energies_are():
    made = world()
    cut = placed(made, made.truth()["goal_pose"][0]).expected(0)
    tops = made.context.grid.energy_ev[np.argmax(cut, axis=0)]
    sums = cut.sum(axis=0)
    assert np.abs(sums - sums[::-1]).max() > 0.1 * sums.mean()
    assert np.median(np.abs(tops - tops[::-1])) < 0.03


def test_the_goal_pose_stands_as_success_asks_at_every_level():
    for level in ("ideal", "real", "hard"):
        for key in range(4):
            made = world(level, key)
            goal = made.truth()["goal_pose"][0]
            truth = placed(made, goal).truth()
            assert np.abs(truth["gamma_deg"]).max() < 0.1
            assert abs(truth["azimuth_error_deg"][0]) < 0.1
            assert abs(truth["height_mm"][0]) < 0.02
            assert truth["place_score"][0] >= truth["threshold"][0]


def test_gamma_is_where_it_is_measured_field_and_zero_included():
    made = world("hard", 5)
    goal = made.truth()["goal_pose"][0]
    cut = placed(made, goal).expected(0)
    columns = cut[made.context.grid.energy_ev > -0.3].sum(axis=0)
    # the upper band's top is at Γ: the electrons nearest to the Fermi level come from the middle of the slit
    weighted = (columns - columns.min()) ** 2
    assert abs(np.sum(weighted * made.context.grid.slit_deg) / weighted.sum()) < 1.5


def test_counts_fall_off_beside_the_focus_and_the_metal_beside_the_sample_shows_no_bands():
    made = world()
    goal = made.truth()["goal_pose"][0]
    here = placed(made, goal).expected(0).sum()
    there = placed(made, goal + np.array([0.25, 0, 0.25, 0, 0, 0])).expected(0).sum()
    assert there / here == pytest.approx(np.exp(-0.5), abs=0.05)
    beside = placed(made, np.array([1.5, 0, 0, 0, 0, 0])).expected(0)
    assert made.truth()["flake"][0] == -1
    assert np.ptp(beside, axis=1).max() < 1e-9


def test_a_row_is_the_same_whoever_stands_beside_it():
    keys = np.arange(3, dtype=np.uint64)
    many, one = SimulatedAligning(3), SimulatedAligning(1)
    many.reset(keys, np.ones(3, bool))
    one.reset(keys[1:2], ON)
    assert np.array_equal(many.acquire(None, np.ones(3, bool)).image[1], one.acquire(None, ON).image[0])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n": 0}, "at least one"),
        ({"material": "graphene"}, "choose one of hexagonal, square"),
        ({"level": "easy"}, "choose one of ideal, real, hard"),
        ({"material": "square", "direction": "gamma-K"}, "gamma-X"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(options, said):
    with pytest.raises(ValueError, match=said):
        SimulatedAligning(**options)


def test_only_the_mirror_stands_for_any_mirror_line():
    crystal = layered_crystal("hexagonal")
    assert crystal.period_deg("gamma-K") == 60.0
    assert crystal.period_deg("mirror") == 30.0
