"""Both faces of a plate: a crystal on its back is turned, or turned over, until its lattice stands as on the front."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.physics.crystal import load_crystal
from beamgym.physics.mosaic.corrections import (
    MosaicTarget,
    corrections_of,
    corrections_on_back,
    laid_flat,
    turn_for_back,
)
from beamgym.physics.mosaic.habit import habit_of, rod_along
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.packing import HolderPlate, Spacing, on_both_faces, pack, pieces_of, placed_outline
from beamgym.physics.mosaic.plate_frame import turn_about_normal
from beamgym.physics.mosaic.records import Placement, ScannedCrystal
from beamgym.physics.orientation import misorientation_deg, rotation_matrix

CHIRAL = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0], [1.0, 1.0], [1.0, 2.0], [0.0, 2.0]])
"""An L: no turn in the plane makes its mirror image of it."""


def motion(outline, placement, back):
    """The rigid motion (3, 3) that brings an outline as scanned to where a layout draws it, found from points alone.

    What is drawn at (x, y) of a back lies at (-x, y) of the plate as its front is seen; nothing else is known here of
    faces. A flat set of points has one proper rotation onto another.
    """
    drawn = np.asarray(placed_outline(outline, placement).exterior.coords)[:-1]
    start = np.column_stack([outline.polygon_mm, np.zeros(len(CHIRAL))])
    end = np.column_stack([drawn * ([-1.0, 1.0] if back else [1.0, 1.0]), np.zeros(len(CHIRAL))])
    found, off = Rotation.align_vectors(end - end.mean(axis=0), start - start.mean(axis=0))
    assert off < 1e-6
    return found.as_matrix()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("name", "along", "over"),
    [
        ("FePS3", "[0 1 0]", False),  # the twofold axis lies along the plate's x
        ("FePS3", "[1 1 0]", False),  # and here anyhow in it
        ("YFe2Ge2", "[1 0 0]", False),
        ("KFe3(OH)6(SO4)2", "[1 0 0]", False),
        ("FePSe3", "[1 0 0]", True),  # no twofold axis across c: on the back its crystals go over
    ],
)
def test_on_either_face_the_lattice_stands_as_the_target_asks_whatever_face_was_scanned(name, along, over, seed):
    crystal, habit, rng = load_crystal(name), habit_of(load_crystal(name)), np.random.default_rng(seed)
    target = MosaicTarget.of("(0 0 1)", along)
    wanted, outline = target.orientation(crystal), Outline("1", CHIRAL + rng.normal(size=2), 0.2)
    lying = habit.lying(crystal)
    head = rng.uniform() < 0.5  # it was glued with its other face up
    u = turn_about_normal(rng.uniform(0.0, 360.0)) @ (np.diag([1.0, -1.0, -1.0]) @ lying if head else lying)
    u = rotation_matrix(np.array([*rng.normal(size=2), 0.0])) @ u
    scanned = [ScannedCrystal("1", "indexed", u, np.full(3, 0.01))]
    first = corrections_of(scanned, crystal, habit, target, turned_over=["1"] if over and head else ())
    behind = corrections_on_back(first, wanted, crystal.rotations)
    flat = laid_flat(u, crystal, habit) @ u
    assert behind[0].turned_over is not (over and head) if over else not behind[0].turned_over
    for back, turns in ((False, first), (True, behind)):
        for turn in (turns[0].turn_deg, *turns[0].equivalents_deg):
            placement = Placement("1", int(back), 2.0, -1.0, turn, turns[0].turned_over)
            there = motion(outline, placement, back) @ flat
            assert misorientation_deg(there, wanted, crystal.rotations) < 1e-5
    other_hand = Placement("1", 1, 2.0, -1.0, behind[0].turn_deg, not behind[0].turned_over)
    wrong = misorientation_deg(motion(outline, other_hand, True) @ flat, wanted, crystal.rotations)
    assert wrong > 1.0 or not over


def test_what_is_packed_on_a_back_stands_as_asked_too():
    crystal, target = load_crystal("FePSe3"), MosaicTarget.of("(0 0 1)", "[1 0 0]")
    habit, wanted = habit_of(crystal), target.orientation(crystal)
    turns = [20.0, 75.0, 140.0, 310.0]
    scanned = [
        ScannedCrystal(str(k), "indexed", turn_about_normal(t) @ habit.lying(crystal)) for k, t in enumerate(turns)
    ]
    outlines = [Outline(each.name, CHIRAL, 0.2) for each in scanned]
    first = corrections_of(scanned, crystal, habit, target)
    behind = corrections_on_back(first, wanted, crystal.rotations)
    pieces = on_both_faces(pieces_of(outlines, first, 4.0)[0], pieces_of(outlines, behind, 4.0)[0])
    front = HolderPlate(8.5, 6.0, edge_mm=0.5)
    packing = pack(pieces, [front, front.seen_from_behind()], Spacing(), solver="shapely", tries=1)
    assert {p.plate for p in packing.placements} == {0, 1}
    known = {each.name: each.orientation for each in scanned}
    for each in packing.placements:
        assert each.turned_over is (each.plate == 1)
        there = motion(outlines[int(each.name)], each, each.plate == 1) @ known[each.name]
        assert misorientation_deg(there, wanted, crystal.rotations) < 1e-5


def test_tilts_on_a_back_are_about_its_own_axes_and_count_about_the_fronts():
    crystal, habit, target = load_crystal("FePSe3"), habit_of(load_crystal("FePSe3")), MosaicTarget.of("[0 0 1]")
    face = rotation_matrix(np.array([0.6, 0.2, 0.0])) @ np.array([0.0, 0.0, 1.0])
    u, wanted = habit.lying(crystal), target.orientation(crystal)
    first = corrections_of([ScannedCrystal("1", "indexed", u)], crystal, habit, target, faces={"1": face})
    (behind,) = corrections_on_back(first, wanted, crystal.rotations)
    tilt = rotation_matrix(np.array([behind.tilt_x_deg, behind.tilt_y_deg, 0.0]))
    # Seen from behind x and z point the other way.
    turned = np.diag([-1.0, 1.0, -1.0])
    laid = motion(Outline("1", CHIRAL), Placement("1", 1, 0.0, 0.0, behind.turn_deg, behind.turned_over), True)
    there = turned @ tilt @ turned @ laid @ laid_flat(u, crystal, habit, face) @ u
    assert misorientation_deg(there, wanted, crystal.rotations) < 1e-5
    outline = Outline("1", CHIRAL, 0.2)
    (piece,) = on_both_faces(pieces_of([outline], first, 4.0)[0], pieces_of([outline], [behind], 4.0)[0])
    assert np.allclose(piece.on(True).lying(behind.turn_deg).tilt_deg, piece.lying(first[0].turn_deg).tilt_deg)


def test_a_rod_on_the_back_needs_no_more_than_its_groove():
    crystal, habit, target = load_crystal("Sr4Ru3O10"), rod_along("[1 0 0]"), MosaicTarget.of("(0 0 1)", "[1 0 0]")
    u = turn_about_normal(33.0) @ habit.lying(crystal, 25.0)
    first = corrections_of([ScannedCrystal("1", "indexed", u)], crystal, habit, target, axes_deg={"1": 33.0})
    (behind,) = corrections_on_back(first, target.orientation(crystal), crystal.rotations)
    assert not behind.turned_over  # Laue class mmm: a twofold axis lies along the plate's y
    assert behind.turn_deg == pytest.approx(first[0].turn_deg)
    assert behind.tilt_x_deg == pytest.approx(first[0].tilt_x_deg)


def test_a_twofold_axis_in_the_plate_makes_a_turn_of_a_turn_over():
    two_about_y = np.array([np.eye(3), np.diag([-1.0, 1.0, -1.0])])
    assert turn_for_back(np.eye(3), two_about_y) == (0.0, 0.0)
    turn, tilt = turn_for_back(turn_about_normal(90.0), two_about_y)  # the twofold axis lies along the plate's x
    assert np.isclose(abs(turn), 180.0)
    assert np.isclose(tilt, 0.0, atol=1e-6)
    turn, tilt = turn_for_back(np.eye(3), np.eye(3)[None])  # without a twofold axis in the plate nothing helps
    assert np.isclose(tilt, 180.0)
