"""Two grains: whose reflections are whose, which is the brighter, and when nobody is certain."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.envs.diffractometer_align import DiffractometerAlignOptions, build
from beamgym.envs.diffractometer_align.belief import blank_belief
from beamgym.envs.diffractometer_align.context import MOST_BRIGHTER
from beamgym.envs.diffractometer_align.grains import chance_of_brighter, expected_in_row, explained
from beamgym.envs.diffractometer_align.thinking import thought
from beamgym.physics.diffractometer import lattice_of, positions_of
from beamgym.physics.orientation import rotation_matrix

TASK, _ = build(DiffractometerAlignOptions(level="hard"), 1)
HARD = TASK.context
REAL = build(DiffractometerAlignOptions(), 1)[0].context
U = rotation_matrix(np.array([30.0, 50.0, -20.0]))
OTHER = rotation_matrix(np.array([-70.0, 10.0, 80.0]))
WAVELENGTH = HARD.beam.wavelength_a
LATTICE = lattice_of(HARD.known, 1.05, WAVELENGTH)


def reflections(u, count, scale=1.0):
    """Return positions and intensities of some of the stronger reflections of a grain that is so bright.

    Not of the strongest: those of kyanite are of its nearly cubic close packing, and decide nothing.
    """
    rows = np.argsort(-LATTICE.strength, kind="stable")[7 : 7 + 11 * count : 11]
    q = LATTICE.hkl[rows] @ (u @ HARD.known.b_matrix).T
    counts = HARD.counts_of(LATTICE.strength[rows], LATTICE.length[rows]) * HARD.degrees_per_s
    cosine = np.cos(2.0 * np.arcsin(0.5 * WAVELENGTH * LATTICE.length[rows]))
    return positions_of(HARD.instrument, q, WAVELENGTH).degrees, 1.5 * scale * counts * 0.5 * (1.0 + cosine**2)


def belief_of(*grains, context=HARD):
    degrees, intensity = (np.concatenate(parts) for parts in zip(*grains, strict=True))
    return thought(replace(blank_belief(4, None), centred=degrees, intensity=intensity, at=degrees[-1]), context)


def test_a_weak_crystal_is_not_certain_until_rows_have_shown_no_brighter_one():
    weak = belief_of(reflections(U, 6, 0.25))
    assert weak.certain
    assert not weak.decided
    assert weak.probabilities[0] < 1.0 - MOST_BRIGHTER
    assert not len(weak.looks)
    assert thought(replace(weak, searched=6.0), HARD).decided


def test_a_crystal_as_bright_as_expected_is_certain_and_one_that_can_have_no_second_grain_always_is():
    assert belief_of(reflections(U, 6, 1.5)).decided
    assert belief_of(reflections(U, 6, 0.25), context=REAL).decided


def test_reflections_that_are_left_over_are_followed_and_the_brighter_grain_is_kept():
    weak, bright = reflections(U, 6, 0.25), reflections(OTHER, 6)
    begun = belief_of(weak, tuple(part[:1] for part in bright))
    assert len(begun.aside) == 1
    assert len(begun.centred) == 1
    assert np.abs(begun.aside[0].u - U).max() < 1e-3
    done = thought(replace(begun, centred=bright[0], intensity=bright[1]), HARD)
    assert done.decided
    assert np.abs(done.u @ done.u.T - np.eye(3)).max() < 1e-9
    assert HARD.known.lattice_rotations.shape[0] == 1
    assert np.abs(done.u - OTHER).max() < 1e-3


def test_the_brighter_grain_is_taken_up_again_where_what_was_left_over_is_the_weaker_one():
    bright, weak = reflections(U, 6), reflections(OTHER, 6, 0.25)
    begun = belief_of(bright, tuple(part[:1] for part in weak))
    done = thought(replace(begun, centred=weak[0], intensity=weak[1]), HARD)
    assert done.decided
    assert done.settled
    assert np.abs(done.u - U).max() < 1e-3


def test_a_peak_of_a_known_grain_is_explained_and_one_of_another_is_not():
    known = belief_of(reflections(U, 6, 0.25))
    strong = LATTICE.hkl[np.argsort(-LATTICE.strength)[6:16]] @ HARD.known.b_matrix.T
    own, other = (positions_of(HARD.instrument, strong @ u.T, WAVELENGTH) for u in (U, OTHER))
    assert all(explained(one, known, HARD) for one in own.degrees[own.reachable])
    assert sum(explained(one, known, HARD) for one in other.degrees[other.reachable]) <= 2


def test_the_chance_falls_with_brightness_and_with_every_row():
    nothing = blank_belief(4, None)
    by_scale = [chance_of_brighter(nothing, scale, HARD) for scale in (-2.0, -1.0, 0.0, 1.0)]
    assert by_scale == sorted(by_scale, reverse=True)
    assert chance_of_brighter(replace(nothing, searched=2.0), -1.0, HARD) < by_scale[1]
    assert chance_of_brighter(nothing, -2.0, REAL) == 0.0


def test_a_row_round_the_equator_is_expected_to_show_its_share_of_the_sphere():
    line = HARD.lines[0]
    at = np.array([0.5 * line.two_theta_deg, 0.0, 0.0, line.two_theta_deg])
    band = np.radians(HARD.acceptance_deg(line.two_theta_deg)) / 2.0
    assert expected_in_row(at, 2, 360.0, HARD) == pytest.approx(line.members * band)
    assert expected_in_row(at, 1, 360.0, HARD) == 0.0
