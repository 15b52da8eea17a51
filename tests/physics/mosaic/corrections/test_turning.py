"""Corrections: the wedge of glue is undone, the turn is what is left, symmetry offers others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamgym.physics.crystal import load_crystal
from beamgym.physics.mosaic.corrections import MosaicTarget, correction, corrections_of, laid_flat, split
from beamgym.physics.mosaic.habit import habit_of, rod_along
from beamgym.physics.mosaic.plate_frame import TURNED_OVER, turn_about_normal
from beamgym.physics.mosaic.records import ScannedCrystal
from beamgym.physics.orientation import misorientation_deg, rotation_matrix

FEPS3, YFE2GE2 = load_crystal("FePS3"), load_crystal("YFe2Ge2")
SIGMA = np.array([0.01, 0.02, 0.03])
angles = st.floats(-175.0, 175.0)
tilts = st.floats(-4.0, 4.0)


def scanned(u, verdict="indexed", name="1"):
    return ScannedCrystal(name, verdict, u, SIGMA)


def one(u, crystal=FEPS3, along="[1 0 0]", **options):
    target = MosaicTarget.of("(0 0 1)", along)
    (found,) = corrections_of([scanned(u)], crystal, habit_of(crystal), target, **options)
    return found, target.orientation(crystal)


def applied(found):
    """The rotation that a correction stands for."""
    return rotation_matrix(np.array([found.tilt_x_deg, found.tilt_y_deg, 0.0])) @ turn_about_normal(found.turn_deg)


@given(turn=angles, tilt_x=tilts, tilt_y=tilts)
@settings(max_examples=40, deadline=None)
def test_a_flake_laid_flat_and_turned_stands_as_asked_whatever_its_wedge(turn, tilt_x, tilt_y):
    lying = habit_of(FEPS3).lying(FEPS3)
    u = rotation_matrix(np.array([tilt_x, tilt_y, 0.0])) @ turn_about_normal(turn) @ lying
    found, wanted = one(u)
    flat = laid_flat(u, FEPS3, habit_of(FEPS3)) @ u
    assert misorientation_deg(applied(found) @ flat, wanted, FEPS3.rotations) < 1e-6
    assert np.hypot(found.tilt_x_deg, found.tilt_y_deg) < 1e-6
    assert found.sigma_deg is not SIGMA or (found.sigma_deg == SIGMA).all()


def test_the_turn_is_counter_clockwise_as_the_source_sees_it():
    u = turn_about_normal(-25.0) @ MosaicTarget.of("(0 0 1)", "[0 1 0]").orientation(FEPS3)
    found, _ = one(u, along="[0 1 0]")
    assert found.turn_deg == pytest.approx(25.0, abs=1e-9)


def test_a_tetragonal_flake_has_four_ways_to_lie_and_the_least_turn_is_taken():
    u = turn_about_normal(50.0) @ MosaicTarget.of("(0 0 1)", "[1 0 0]").orientation(YFE2GE2)
    found, _ = one(u, YFE2GE2)
    assert found.turn_deg == pytest.approx(40.0)
    assert sorted(found.equivalents_deg) == pytest.approx([-140.0, -50.0, 130.0])


def test_feps3_has_one_way_and_every_equivalent_is_one():
    assert one(turn_about_normal(50.0) @ habit_of(FEPS3).lying(FEPS3))[0].equivalents_deg == ()
    jarosite = load_crystal("KFe3(OH)6(SO4)2")
    u = rotation_matrix(np.array([1.0, 0.5, 0.0])) @ turn_about_normal(-70.0) @ habit_of(jarosite).lying(jarosite)
    found, wanted = one(u, jarosite)
    assert len(found.equivalents_deg) == 2
    flat = laid_flat(u, jarosite, habit_of(jarosite)) @ u
    for turn in found.equivalents_deg:
        assert misorientation_deg(turn_about_normal(turn) @ flat, wanted, jarosite.rotations) < 1e-6


def test_a_measured_face_takes_the_place_of_the_assumed_one():
    face_to_lattice = rotation_matrix(np.array([0.7, 0.0, 0.0]))
    wedge = rotation_matrix(np.array([0.0, 2.0, 0.0]))
    u = wedge @ turn_about_normal(10.0) @ face_to_lattice @ habit_of(FEPS3).lying(FEPS3)
    face = wedge @ np.array([0.0, 0.0, 1.0])
    found, wanted = one(u, faces={"1": face})
    assert np.hypot(found.tilt_x_deg, found.tilt_y_deg) == pytest.approx(0.7, abs=1e-6)
    assert misorientation_deg(applied(found) @ wedge.T @ u, wanted, FEPS3.rotations) < 1e-6
    assumed, _ = one(u)
    assert np.hypot(assumed.tilt_x_deg, assumed.tilt_y_deg) < 1e-6


def test_a_crystal_turned_over_lies_on_its_other_face():
    u = turn_about_normal(33.0) @ habit_of(YFE2GE2).lying(YFE2GE2)
    found, wanted = one(u, YFE2GE2, turned_over=("1",))
    assert found.turned_over
    assert misorientation_deg(applied(found) @ TURNED_OVER @ u, wanted, YFE2GE2.rotations) < 1e-6


def test_only_crystals_that_are_surely_one_grain_get_a_correction():
    u = habit_of(FEPS3).lying(FEPS3)
    crystals = [scanned(u, "twin", "1"), scanned(u, "indexed", "2"), scanned(None, "empty", "3")]
    found = corrections_of(crystals, FEPS3, habit_of(FEPS3), MosaicTarget.of())
    assert [each.name for each in found] == ["2"]


def test_rods_are_turned_about_their_length_to_their_azimuth():
    habit, target = rod_along("[0 0 1]"), MosaicTarget.of("(1 0 0)", "[0 0 1]")
    for about in (0.0, 12.0, 40.0):
        wedge = rotation_matrix(np.array([0.0, 1.5, 0.0]))
        u = wedge @ turn_about_normal(20.0) @ habit.lying(YFE2GE2, about)
        (found,) = corrections_of([scanned(u)], YFE2GE2, habit, target)
        flat = laid_flat(u, YFE2GE2, habit) @ u
        along = flat @ YFE2GE2.direction([0, 0, 1])
        assert along[2] == pytest.approx(0.0, abs=1e-12)
        assert misorientation_deg(applied(found) @ flat, target.orientation(YFE2GE2), YFE2GE2.rotations) < 1e-6
        # a tetragonal rod needs no more than 45° about its length, which lies along the holder's x
        assert abs(found.tilt_x_deg) <= 45.0 + 1e-6
        assert found.tilt_y_deg == pytest.approx(0.0, abs=1e-6)


def test_a_rod_itself_shows_which_of_two_directions_that_no_pattern_tells_apart_it_has_grown_along():
    sr, habit, target = load_crystal("Sr4Ru3O10"), rod_along("[1 0 0]"), MosaicTarget.of("(0 0 1)", "[1 0 0]")
    exchange = habit_of(sr).lying(sr).T @ turn_about_normal(90.0) @ habit_of(sr).lying(sr)  # a for b, about c
    same = np.concatenate([sr.rotations, sr.rotations @ exchange])
    for about in (3.0, 43.0, 80.0):
        true = turn_about_normal(20.0) @ habit.lying(sr, about)
        for taken in (true, true @ exchange, true @ exchange @ sr.rotations[1]):
            (found,) = corrections_of([scanned(taken)], sr, habit, target, same, axes_deg={"1": 200.0})
            assert misorientation_deg(applied(found) @ true, target.orientation(sr), sr.rotations) < 1e-5
            assert all(abs(abs(turn - found.turn_deg) - 180.0) < 1e-6 for turn in found.equivalents_deg)


@pytest.mark.parametrize("k", range(24))
def test_a_cubic_flake_lies_by_the_one_of_its_equivalent_directions_that_stands_up(k):
    silicon = load_crystal("Si")
    habit, target = habit_of(silicon), MosaicTarget.of("(0 0 1)", "[1 0 0]")
    u = rotation_matrix(np.array([1.5, -0.8, 0.0])) @ turn_about_normal(30.0) @ habit.lying(silicon)
    (found,) = corrections_of([scanned(u @ silicon.rotations[k])], silicon, habit, target)
    assert np.hypot(found.tilt_x_deg, found.tilt_y_deg) < 1e-6
    assert abs(found.turn_deg) == pytest.approx(30.0, abs=0.05)


def test_turn_first_and_tilt_then_make_the_whole_rotation():
    turn, tilt = 70.0, np.array([3.0, -8.0, 0.0])
    turns, tilts_found = split((rotation_matrix(tilt) @ turn_about_normal(turn))[None])
    assert turns[0] == pytest.approx(turn)
    assert tilts_found[0] == pytest.approx(tilt[:2])


def test_equivalents_with_more_tilt_than_tolerated_are_not_told():
    # half turns about x make a layer stand on its head: never a way to lie
    rotations = np.stack([np.eye(3), np.diag([1.0, -1.0, -1.0])])
    found = correction("1", np.eye(3), np.eye(3), rotations, SIGMA)
    assert found.equivalents_deg == ()


def test_a_flake_the_other_way_up_is_refused_by_name_where_no_symmetry_makes_it_the_same():
    fepse3 = load_crystal("FePSe3")  # -3: no twofold axis across c
    up = habit_of(fepse3).lying(fepse3)
    down = np.diag([1.0, -1.0, -1.0]) @ up
    assert one(up, fepse3)[0].tilt_x_deg == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(ValueError, match=r"1: the other way up .* other face \(--turned-over 1\)"):
        one(down, fepse3)
    found, target = one(down, fepse3, turned_over=["1"])
    laid = TURNED_OVER @ down
    assert misorientation_deg(applied(found) @ laid, target, fepse3.rotations) == pytest.approx(0.0, abs=1e-5)
    with pytest.raises(ValueError, match="leave --turned-over 1 out"):
        one(up, fepse3, turned_over=["1"])
    assert one(np.diag([1.0, -1.0, -1.0]) @ habit_of(FEPS3).lying(FEPS3))[0].turned_over is False
