"""Exposure times as a number of an action: logarithmic, and back."""

import numpy as np
import pytest

from beamgym.envs.exposures import EXPOSURE_SPACE, ExposureRange, told_exposure


def test_the_ends_and_the_middle_of_the_scale():
    known = ExposureRange()
    np.testing.assert_allclose(known.seconds(np.array([-1.0, 0.0, 1.0])), [0.5, np.sqrt(0.5 * 60.0), 60.0])
    np.testing.assert_allclose(known.number(known.seconds(np.array([-0.7, 0.2]))), [-0.7, 0.2])


def test_what_is_out_of_reach_is_the_nearest_that_is_not():
    known = ExposureRange(1.0, 10.0)
    np.testing.assert_allclose(known.number(np.array([0.0, 0.1, 99.0])), [-1.0, -1.0, 1.0])
    np.testing.assert_allclose(known.seconds(np.array([-3.0, 3.0])), [1.0, 10.0])


@pytest.mark.parametrize("wrong", [(0.0, 1.0), (2.0, 1.0), (1.0, np.inf), (np.nan, 1.0)])
def test_a_range_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="give seconds above 0"):
        ExposureRange(*wrong)


def test_what_is_told_lies_in_its_space():
    told = told_exposure(ExposureRange(), np.array([0.5, 60.0, 5.0]), np.array([0, 500, 32]))
    assert all(each in EXPOSURE_SPACE for each in told)
    np.testing.assert_allclose(told[:, 1], [0.0, 1.0, 0.5])
