"""Stages: two linear axes and a preset time."""

import pytest

from beamgym.physics.arpes.stage import LONGEST_DWELL_S, SHORTEST_DWELL_S, STAGES, Stage, motor_errors, stage
from beamgym.physics.arpes.surface_levels import LEVELS
from beamgym.physics.instrument import Axis
from beamgym.physics.motors import travel_time_s


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


def test_a_level_says_how_imperfect_the_stage_is():
    assert motor_errors(LEVELS["hard"]).backlash == LEVELS["hard"].backlash_mm
    assert motor_errors(LEVELS["easy"]).readback_sigma == 0.0


def test_mistakes_are_told_in_one_line():
    with pytest.raises(ValueError, match="unknown stage 'hand'; choose one of stepper, piezo"):
        stage("hand")
    x = Axis("x", (1.0, 0.0, 0.0), kind="linear")
    with pytest.raises(ValueError, match="two linear axes"):
        Stage("odd", (x, Axis("chi", (1.0, 0.0, 0.0))))
    with pytest.raises(ValueError, match="dwell_s is"):
        Stage("slow", (x, x), (2.0, 1.0))
