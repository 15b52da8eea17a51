"""An answer that is not to be believed says so: another crystal, another cell, a wrong orientation."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import (
    BAND_KEV,
    Indexed,
    Indexer,
    IndexingFailed,
    MeasuredPattern,
    plausibility,
    solve,
)
from beamgym.physics.laue.indexing.measured import within_radius
from beamgym.physics.laue.indexing.plausibility import Plausibility
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import misorientation_deg, random_orientations

PANEL = Detector.back_reflection(40.0, (600, 600), 0.2)
NAMES = ("Si", "quartz", "Al2O3", "SrTiO3", "FePS3", "Ca2RuO4", "Bi2Se3", "kyanite")


def taken(name, seed, true=50, false=3):
    """The brightest spots of a crystal, found to 0.3 px, with false peaks as bright among them."""
    rng = np.random.default_rng(seed)
    orientation = random_orientations(np.array([seed], dtype=np.uint64))[0]
    spots = LaueModel(load_crystal(name), Beam.tube("W", 30.0), PANEL, brightest=true).spots(orientation)
    count = int(spots.count[0])
    position = spots.position_px[0, :count] + rng.normal(0.0, 0.3, (count, 2))
    position = np.concatenate([position, rng.uniform(0.0, 599.0, (false, 2))])
    intensity = np.concatenate([spots.intensity[0, :count], rng.choice(spots.intensity[0, :count], false)])
    order = np.argsort(-intensity)
    return MeasuredPattern(
        Peaks(
            position[order][None].astype(np.float32),
            intensity[order][None].astype(np.float32),
            np.array([len(order)]),
            np.zeros((1, len(order)), dtype=bool),
        )
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_right_crystal_is_not_warned_about(name):
    assert solve(taken(name, 1), load_crystal(name), PANEL).warnings == ()


@pytest.mark.parametrize(
    ("name", "asked"),
    [("Si", "SrTiO3"), ("SrTiO3", "Si"), ("Al2O3", "Bi2Se3"), ("SrTiO3", "Ca2RuO4"), ("Bi2Se3", "Al2O3")],
)
def test_another_crystal_with_similar_angles_is_refused_or_warned_about(name, asked):
    """The pairs of the eight that index as each other most often; the first two have every direction in common."""
    answered = 0
    for seed in (1, 2):
        try:
            solved = solve(taken(name, seed), load_crystal(asked), PANEL)
        except IndexingFailed:
            continue
        answered += 1
        assert solved.warnings
    assert answered > 0


@pytest.mark.parametrize("seed", [1, 3])
def test_a_wrong_orientation_is_warned_about_and_left_for_the_right_one_with_its_camera(seed):
    """A distance stated 2 mm short makes the peaks of Ca2RuO4 fit better with a and b exchanged."""
    pattern, crystal = taken("Ca2RuO4", seed), load_crystal("Ca2RuO4")
    short = PANEL.displaced(-2.0 * PANEL.normal, np.zeros(3))
    orientation = random_orientations(np.array([seed], dtype=np.uint64))[0]
    indexer = Indexer(crystal, BAND_KEV, short)
    wrong = indexer.index(pattern.position_px, pattern.intensity)
    assert isinstance(wrong, Indexed)
    assert misorientation_deg(wrong.orientation, orientation, crystal.rotations) > 80.0
    judged = plausibility(indexer, short, wrong, pattern.position_px)
    assert "wrong orientation or camera" in judged.warnings[0]
    right = solve(pattern, crystal, short, search_camera=True)
    assert misorientation_deg(right.indexed.orientation, orientation, crystal.rotations) < 0.2
    assert right.warnings == ()


@pytest.mark.parametrize("name", ["Si", "quartz"])
def test_spots_that_were_left_out_on_request_are_not_called_absent(name):
    """Of the brightest spots those within 20 mm are kept: four of five of the strongest lie outside."""
    pattern = within_radius(taken(name, 1, true=80), PANEL, 20.0, 200)
    assert pattern.count < 20
    assert solve(pattern, load_crystal(name), PANEL).warnings == ()


def test_false_peaks_are_no_reason_for_a_warning():
    solved = solve(taken("Si", 4, true=40, false=60), load_crystal("Si"), PANEL)
    assert solved.warnings == ()


@pytest.mark.parametrize("seed", [2, 5])
def test_false_peaks_that_a_wide_radius_lets_in_are_left_out_again(seed):
    solved = solve(taken("quartz", seed, true=25, false=25), load_crystal("quartz"), PANEL)
    orientation = random_orientations(np.array([seed], dtype=np.uint64))[0]
    assert misorientation_deg(solved.indexed.orientation, orientation, solved.crystal.rotations) < 0.03
    assert 20 <= solved.indexed.matched <= 28
    assert solved.indexed.residual_px < 0.6


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"merit_per_match": 1.2}, "figure of merit is 1.2 for each explained peak"),
        ({"merit_per_match": 1.2, "spots_likelihood": 0.2}, None),
        ({"merit_per_match": 0.6, "spots_likelihood": 0.2}, "figure of merit is 0.6"),
        ({"spots_likelihood": -2.0}, "2 of the 20 strongest spots that there should be are absent"),
        ({"spots_likelihood": -0.8}, None),
        ({"spots_likelihood": -0.8, "explained_share": 0.2}, "Only 40, 20 % of the peaks, are explained"),
        ({"explained": 7, "explained_share": 0.2}, "Only 7, 20 % of the peaks, are explained, and 2 of the 20"),
        ({"left_share": 0.3, "left_merit": 12.0}, "30 % of the peaks are left over and lie on this crystal's lattice"),
        ({"left_share": 0.3, "left_merit": 2.0}, None),
    ],
)
def test_each_reason_is_a_sentence(changes, says):
    plain = {
        "explained": 40,
        "explained_share": 0.95,
        "merit_per_match": 2.2,
        "spots_likelihood": -0.1,
        "strong": 20,
        "strong_absent": 2,
        "left_share": 0.0,
        "left_merit": 0.0,
    }
    warnings = Plausibility(**{**plain, **changes}).warnings
    assert len(warnings) == (says is not None)
    if says is not None:
        assert says in warnings[0]
