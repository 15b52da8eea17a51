"""Targets of a mosaic: what stands up, what lies along, and what can never be."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.mosaic.corrections import MosaicTarget
from beamgym.physics.mosaic.habit import habit_of, rod_along

FEPS3 = load_crystal("FePS3")


@pytest.mark.parametrize(("axis", "row"), [("x", 0), ("y", 1)])
def test_the_normal_stands_up_and_the_direction_lies_along_the_axis(axis, row):
    wanted = MosaicTarget.of("(0 0 1)", "[1 0 0]", axis).orientation(FEPS3)
    assert wanted @ FEPS3.plane_normal([0, 0, 1]) == pytest.approx([0, 0, 1], abs=1e-12)
    assert (wanted @ FEPS3.direction([1, 0, 0]))[row] == pytest.approx(1.0)
    assert np.linalg.det(wanted) == pytest.approx(1.0)


def test_in_an_oblique_cell_a_direction_that_is_not_across_lies_as_nearly_along_as_it_can():
    wanted = MosaicTarget.of("[0 0 1]", "[1 0 0]").orientation(FEPS3)
    along = wanted @ FEPS3.direction([1, 0, 0])
    assert along[1] == pytest.approx(0.0, abs=1e-12)
    # beta of FePS3 is 107.16°
    assert np.degrees(np.arctan2(along[2], along[0])) == pytest.approx(-17.16, abs=0.1)


def test_parallel_directions_are_refused():
    crystal = load_crystal("YFe2Ge2")
    with pytest.raises(ValueError, match=r"\[0 0 1\] is parallel to \(0 0 1\)"):
        MosaicTarget.of("(0 0 1)", "[0 0 1]").orientation(crystal)


def test_what_a_habit_never_meets_on_a_flat_plate_is_refused_with_the_remedy():
    with pytest.raises(
        ValueError, match=r"\[0 0 1\] stands 17\.\d° .* choose \(0 0 1\) as the target's normal"
    ) as caught:
        MosaicTarget.of("[0 0 1]", "[0 1 0]").check(FEPS3, habit_of(FEPS3))
    assert "\n" not in str(caught.value)
    MosaicTarget.of("(0 0 1)", "[0 1 0]").check(FEPS3, habit_of(FEPS3))
    tetragonal = load_crystal("YFe2Ge2")
    with pytest.raises(ValueError, match="normal across the rods"):
        MosaicTarget.of("(0 0 1)", "[1 0 0]").check(tetragonal, rod_along("[0 0 1]"))
    MosaicTarget.of("(1 0 0)", "[0 0 1]").check(tetragonal, rod_along("[0 0 1]"))
