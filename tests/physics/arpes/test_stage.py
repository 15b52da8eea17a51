"""Stages: two linear axes and a preset time."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.physics.arpes.stage import LONGEST_DWELL_S, SHORTEST_DWELL_S, STAGES, Stage, motor_errors, stage
from beamgym.physics.arpes.surface.levels import SURFACE_LEVELS
from beamgym.physics.goniometer.motors import travel_time_s
from beamgym.physics.instrument import Axis


@pytest.mark.parametrize("name", STAGES)
def test_its_axes_are_x_and_y_and_the_dwell(name):
    made = stage(name)
    assert [axis.name for axis in made.axes] == ["x", "y", "dwell"]
    assert made.axes[2].limits == (SHORTEST_DWELL_S, LONGEST_DWELL_S)
    assert made.limits_mm.shape == (2, 2)


def test_setting_the_dwell_takes_no_time_and_driving_does():
    axes = stage("stepper").axes
    assert travel_time_s(axes, [[0.0, 0.0, 1.0]], [[0.0, 0.0, 5.0]]) == 0.0
    assert travel_time_s(axes, [[0.0, 0.0, 1.0]], [[0.5, 0.25, 5.0]]) == pytest.approx(0.5 / 0.5 + 0.2)


class TestOnTheFly:
    """0.5 mm/s and 50 ms: the smear is 25 µm, its middle 12.5 µm before the end of the way."""

    def test_only_the_shortest_dwell_is_flown(self):
        dwells = np.array([SHORTEST_DWELL_S, np.float32(SHORTEST_DWELL_S), 0.051, LONGEST_DWELL_S])
        assert stage("stepper").on_the_fly(dwells).tolist() == [True, True, False, False]

    def test_the_exposure_is_the_last_part_of_the_way_and_nothing_settles(self):
        begin, end = np.zeros((4, 2)), np.array([[0.5, 0.1], [0.5, 0.1], [0.01, 0.0], [0.0, 0.0]])
        lead = stage("stepper").lead_s(begin, end, np.array([0.05, 0.5, 0.05, 0.05]))
        np.testing.assert_allclose(lead, [1.0 - 0.05, 1.0 + 0.2, 0.0, 0.0])

    def test_the_place_measured_is_that_of_the_middle_of_the_exposure(self):
        begin = np.zeros((5, 2))
        end = np.array([[0.5, 0.0], [-0.5, 0.5], [0.5, 0.49], [0.5, 0.0], [0.0, 0.0]])
        behind = stage("stepper").behind_mm(begin, end, np.array([0.05, 0.05, 0.05, 0.2, 0.05]))
        expected = [[-0.0125, 0.0], [0.0125, -0.0125], [-0.0125, -0.0025], [0.0, 0.0], [0.0, 0.0]]
        np.testing.assert_allclose(behind, expected, atol=1e-12)

    def test_a_way_shorter_than_the_smear_ends_before_the_exposure_does(self):
        behind = stage("stepper").behind_mm(np.zeros((1, 2)), np.array([[0.02, 0.01]]), np.array([0.05]))
        np.testing.assert_allclose(behind, [[-0.0075, 0.0]], atol=1e-12)

    def test_a_stage_that_stands_while_it_exposes_flies_without_settling_and_without_smear(self):
        standing = replace(stage("stepper"), overlap=False)
        begin, end = np.zeros((3, 2)), np.array([[0.5, 0.1], [0.5, 0.1], [0.01, 0.0]])
        dwells = np.array([0.05, 0.5, 0.05])
        np.testing.assert_allclose(standing.lead_s(begin, end, dwells), [1.0, 1.0 + 0.2, 0.02])
        assert not standing.behind_mm(begin, end, dwells).any()


def test_a_level_says_how_imperfect_the_stage_is():
    assert motor_errors(SURFACE_LEVELS["hard"]).backlash == SURFACE_LEVELS["hard"].backlash_mm
    assert motor_errors(SURFACE_LEVELS["easy"]).readback_sigma == 0.0


def test_mistakes_are_told_in_one_line():
    with pytest.raises(ValueError, match="unknown stage 'hand'; choose one of stepper, piezo"):
        stage("hand")
    x = Axis("x", (1.0, 0.0, 0.0), kind="linear")
    with pytest.raises(ValueError, match="two linear axes"):
        Stage("odd", (x, Axis("chi", (1.0, 0.0, 0.0))))
    with pytest.raises(ValueError, match="dwell_s is"):
        Stage("slow", (x, x), (2.0, 1.0))
