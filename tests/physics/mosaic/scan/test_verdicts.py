"""Verdicts of made-up readings: what places say together."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.mosaic.habit import HABITS
from beamgym.physics.mosaic.plate_frame import PLATE_TO_LAB
from beamgym.physics.mosaic.scan import GrainSeen, Judge, Reading
from beamgym.physics.orientation import misorientation_deg, rotation_matrix

FEPSE3 = load_crystal("FePSe3")
TWIN = HABITS["FePSe3"].twin.rotation(FEPSE3)
JUDGE = Judge(FEPSE3.rotations, TWIN[None])


def turned(x=0.0, y=0.0, z=0.0):
    return rotation_matrix(np.array([x, y, z]))


def grain(u, share=0.9, ambiguous=()):
    return GrainSeen(u, share, np.zeros((20, 2)), np.ones((20, 3)), tuple(ambiguous), 30.0)


def place(number, *grains, peaks=60, exposure_s=10.0, believed=True):
    return Reading(np.array([float(number), 0.0]), exposure_s, peaks, tuple(grains), 0.0, (), believed)


U = turned(1.0, 2.0, 40.0)


@pytest.mark.parametrize(
    ("readings", "verdict"),
    [
        ([place(0, grain(U)), place(1, grain(turned(0.03) @ U)), place(2, grain(U))], "indexed"),
        ([place(0, grain(U @ FEPSE3.rotations[1])), place(1, grain(U))], "indexed"),
        ([place(0, grain(U)), place(1, grain(turned(0.8) @ U)), place(2, grain(turned(-0.7) @ U))], "bent"),
        ([place(0, grain(U)), place(1, grain(turned(z=30.0) @ U))], "several grains"),
        ([place(0, grain(U, 0.5), grain(turned(z=2.0) @ U, 0.4))], "several grains"),
        ([place(0, grain(U, 0.5), grain(U @ TWIN, 0.4))], "twin"),
        ([place(0, grain(U, ambiguous=[U @ TWIN]))], "ambiguous"),
        ([place(0, grain(U, ambiguous=[U @ TWIN])), place(1, grain(U))], "indexed"),
        ([place(0, grain(U, ambiguous=[U @ TWIN])), place(1, grain(U @ TWIN, ambiguous=[U]))], "ambiguous"),
        ([place(0, grain(U)), place(1), place(2)], "ambiguous"),
        ([place(0, peaks=10), place(1, peaks=12)], "empty"),
        ([place(0, peaks=60), place(1, peaks=12)], "not indexed"),
        ([place(0, grain(U), believed=False)], "not indexed"),
        ([], "empty"),
    ],
)
def test_places_together_say(readings, verdict):
    said = JUDGE.verdict("7", readings)
    assert said.verdict == verdict
    assert (said.note == "") == (verdict == "indexed")


def test_a_longer_look_at_a_place_counts_instead_of_the_first():
    said = JUDGE.verdict("7", [place(0), place(1, grain(U)), place(0, grain(U), exposure_s=40.0)])
    assert said.verdict == "indexed"
    assert said.exposure_s == 60.0
    assert len(said.points_mm) == 3


def test_the_orientation_is_the_mean_of_the_places_in_the_plates_frame():
    said = JUDGE.verdict(
        "7", [place(0, grain(turned(0.1) @ U)), place(1, grain(turned(-0.1) @ U @ FEPSE3.rotations[2]))]
    )
    assert misorientation_deg(PLATE_TO_LAB @ said.orientation, U, FEPSE3.rotations) < 1e-6
