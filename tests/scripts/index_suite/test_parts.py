"""Answers are judged by the truth, lists are what they claim to be, and every pair of crystals has its turn."""

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from beamgym.physics.jobs import InProcess, Processes
from beamgym.physics.laue.indexing import BAND_KEV, Indexer
from beamgym.physics.orientation import misorientation_deg, rotation_matrix
from beamgym.scripts.engine import Place
from beamgym.scripts.index_suite.answers import CRYSTALS, Answer, load
from beamgym.scripts.index_suite.crystals import another, silent
from beamgym.scripts.index_suite.false_peaks import ListCase, list_answer, scaled
from beamgym.scripts.index_suite.grains import GrainsCase, judged
from beamgym.scripts.index_suite.lists import APART_DEG, POSITION_PX, drawn_list
from beamgym.scripts.index_suite.tally import RATES

GOOD = Answer(0, "Si", "Si", error_deg=0.05, residual_px=0.4, uncertainty_deg=0.02, most_px=1.5)


def test_an_answer_is_right_near_the_truth_with_a_small_residual():
    assert GOOD.right
    assert not GOOD.flagged
    turned, loose = replace(GOOD, error_deg=60.0), replace(GOOD, residual_px=1.6)
    assert (turned.right, turned.wrong) == (False, True)
    assert (loose.right, loose.wrong, loose.near) == (False, False, True)
    other = replace(GOOD, asked="quartz", error_deg=math.nan)
    assert (other.right, other.wrong) == (False, True)
    refused = Answer(0, "Si", "Si", refused="not indexed")
    assert (refused.right, refused.wrong, refused.accepted) == (False, False, False)


def test_a_warning_and_other_orientations_are_flags_but_only_a_warning_is_one_of_another_crystal():
    warned, ambiguous = replace(GOOD, warnings=("another crystal?",)), replace(GOOD, ambiguous=2)
    assert warned.flagged
    assert ambiguous.flagged
    assert [silent(answer) for answer in (GOOD, warned, ambiguous)] == [True, False, True]
    assert not silent(Answer(0, "Si", "quartz", refused="not indexed"))


def test_rates_count_right_answers_and_what_is_said_of_them():
    answers = [
        GOOD,
        replace(GOOD, ambiguous=1),
        replace(GOOD, error_deg=2.0, ambiguous=1),
        replace(GOOD, error_deg=9.0),
    ]
    found = {name: (rate(answers).count, rate(answers).total) for name, rate in RATES.items()}
    assert found["right"] == (2, 4)
    assert found["wrong"] == (2, 4)
    assert found["wrong_unflagged"] == (1, 4)
    assert found["right_flagged"] == (1, 2)
    assert found["within_2_sigma"] == (0, 2), "0.05° with 0.02° stated"
    assert found["within_3_sigma"] == (2, 2)


def test_a_list_holds_the_brightest_spots_and_false_peaks_as_bright():
    silicon = load("Si")
    drawn = drawn_list(silicon, np.random.default_rng(3), 40, 0.8)
    position, intensity = drawn.pattern.position_px, drawn.pattern.intensity
    assert len(position) == 200
    assert (np.diff(intensity) <= 0.0).all()
    alone = drawn_list(silicon, np.random.default_rng(3), 40, 0.0)
    away = np.linalg.norm(position[:, None] - alone.pattern.position_px[None], axis=2)
    true = away.min(axis=1) < 1e-3
    assert true.sum() == 40, "the same true peaks, whatever is added"
    # of 40 ranks among 200, the mean scatters about the middle by 200 / sqrt(12 · 40) = 9
    assert abs(np.flatnonzero(true).mean() - 99.5) < 3 * 9


def test_true_peaks_lie_where_the_true_orientation_puts_them_but_for_the_error_of_finding():
    quartz = load("quartz")
    drawn = drawn_list(quartz, np.random.default_rng(5), 60, 0.0)
    answer = Indexer(quartz, BAND_KEV, drawn.camera).index(
        drawn.pattern.position_px, drawn.pattern.intensity, guess=drawn.orientations[0]
    )
    assert answer.matched == 60
    # the mean length of a two-dimensional Gaussian error; three standard deviations of a mean over 60
    assert answer.residual_px == pytest.approx(POSITION_PX * math.sqrt(math.pi / 2.0), abs=3 * 0.66 * POSITION_PX / 7.7)


def test_grains_are_apart_and_all_on_one_camera():
    silicon = load("Si")
    drawn = drawn_list(silicon, np.random.default_rng(2), 40, 0.0, (1.0, 0.5, 0.3))
    assert drawn.pattern.count == 120
    first, second, third = drawn.orientations
    for one, other in ((first, second), (first, third), (second, third)):
        assert misorientation_deg(one, other, silicon.rotations) > APART_DEG


def test_grains_are_found_where_an_answer_is_near_whatever_its_symmetry_equivalent():
    silicon = load("Si")
    drawn = drawn_list(silicon, np.random.default_rng(2), 40, 0.0, (1.0, 0.5))
    first, second = drawn.orientations
    near = rotation_matrix([0.0, 0.3, 0.0]) @ second @ silicon.rotations[7]
    stray = rotation_matrix([0.0, 0.0, 3.0]) @ first
    found = judged(GrainsCase(0, 0, 2), silicon, drawn, [near, stray, near], "", 0.0)
    assert (found.first, found.found, found.false, found.all_found) == (True, 1, 1, False)
    assert found.nearest_deg == pytest.approx((3.0, 0.3), abs=1e-6)
    nothing = judged(GrainsCase(0, 0, 2), silicon, drawn, [], "not indexed", 0.0)
    assert (nothing.first, nothing.found, nothing.false) == (False, 0, 0)


def test_every_ordered_pair_of_crystals_has_its_turn():
    pairs = [(CRYSTALS[number % 8], another(number)) for number in range(56)]
    assert sorted(pairs) == sorted(permutations(CRYSTALS, 2))


def test_lists_are_fewer_where_pictures_are():
    assert (scaled(1008, 300), scaled(200, 24), scaled(200, 1)) == (1008, 16, 1)


def test_the_answers_do_not_depend_on_how_many_processes_give_them():
    cases = [ListCase(1, number, 0.5) for number in (0, 3, 1)]
    alone, shared = (
        Place(executor).each(list_answer, cases, Answer, "lists") for executor in (InProcess(), Processes(1))
    )
    assert [answer.number for answer in shared] == [0, 3, 1]
    for one, other in zip(alone, shared, strict=True):
        assert replace(one, cpu_s=0.0).as_dict() == replace(other, cpu_s=0.0).as_dict()
