"""Solving a measured pattern without a terminal: orientation, camera, figures, or the reason why not."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files import save_detector
from beamgym.physics.laue.indexing import (
    CALIBRATED,
    IN_WORDS,
    Indexed,
    Indexer,
    IndexingFailed,
    MeasuredPattern,
    geometry_change,
    solve,
)
from beamgym.physics.laue.indexing.plausibility import may_replace
from beamgym.physics.laue.pattern import ImageBackground, ImageModel, Sensor, SpotShape
from beamgym.physics.laue.pattern.spots import LaueModel
from beamgym.physics.orientation import misorientation_deg, random_orientations, rotation_matrix

PANEL = Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)
ORIENTATION = random_orientations(make_keys(8, np.arange(1)))[0]


@pytest.fixture(scope="module")
def silicon():
    return load_crystal("Si")


def simulated(crystal, panel=PANEL, brightest=60):
    """The exact pattern that a camera standing so would show."""
    spots = LaueModel(crystal, Beam.tube("W"), panel, brightest=brightest).spots(ORIENTATION[None])
    count = spots.count.astype(np.int64)
    full = np.zeros(spots.intensity.shape, dtype=bool)
    return MeasuredPattern(Peaks(spots.position_px.astype(np.float32), spots.intensity.astype(np.float32), count, full))


def test_an_exact_pattern_is_solved_exactly(silicon):
    solved = solve(simulated(silicon), silicon, PANEL)
    assert misorientation_deg(solved.indexed.orientation, ORIENTATION, silicon.rotations) < 1e-3  # float32 pixels
    assert solved.indexed.matched == solved.pattern.count == 60
    assert solved.indexed.residual_px < 1e-3
    np.testing.assert_allclose(solved.ub_inv_a, solved.indexed.orientation @ silicon.b_matrix)


def test_without_asking_the_camera_stays_as_given(silicon):
    moved = PANEL.displaced(np.array([0.4, 0.5, -0.6]), np.zeros(3))
    solved = solve(simulated(silicon, moved), silicon, PANEL)
    assert solved.detector == PANEL
    assert solved.detector_change == {}
    assert set(solved.uncertainty) == {"rotation_x_deg", "rotation_y_deg", "rotation_z_deg"}
    assert min(solved.uncertainty.values()) > 0.005  # a camera is never known exactly


def test_a_moved_camera_is_found_on_a_reference_crystal(silicon):
    moved = PANEL.displaced(np.array([0.4, 0.5, -0.6]), np.zeros(3))
    solved = solve(simulated(silicon, moved), silicon, PANEL, refine_detector=True)
    np.testing.assert_allclose(solved.detector.origin_mm, moved.origin_mm, atol=0.01)
    assert solved.indexed.residual_px < 0.01
    assert list(solved.detector_change) == [
        "shift_fast_mm",
        "shift_slow_mm",
        "shift_distance_mm",
        "tilt_y_deg",
        "tilt_z_deg",
    ]


def measured(crystal, panel, noise_px, brightest=60, seed=1):
    """The pattern as a finder would measure it."""
    pattern = simulated(crystal, panel, brightest)
    noise = np.random.default_rng(seed).normal(0.0, noise_px, pattern.peaks.position_px.shape)
    return MeasuredPattern(replace(pattern.peaks, position_px=(pattern.peaks.position_px + noise).astype(np.float32)))


def test_changes_of_the_camera_are_told_from_the_one_that_was_given(silicon):
    moved = PANEL.displaced(3.8 * PANEL.normal + 0.5 * PANEL.fast, np.array([0.0, 0.3, -0.2]))
    solved = solve(measured(silicon, moved, 0.1), silicon, PANEL, search_camera=True)
    assert solved.given == PANEL
    assert list(solved.detector_change.values()) == pytest.approx([0.5, 0.0, 3.8, 0.3, -0.2], abs=0.1)
    assert solved.detector_change == geometry_change(PANEL, solved.detector)


def test_a_camera_in_words_is_fitted_with_the_crystal_which_it_would_turn_otherwise(silicon):
    moved = PANEL.displaced(0.8 * PANEL.fast - 0.7 * PANEL.normal, np.zeros(3))
    pattern = measured(silicon, moved, 0.2)
    left, fitted = solve(pattern, silicon, PANEL), solve(pattern, silicon, PANEL, known=IN_WORDS)
    wrong, right = (
        float(misorientation_deg(one.indexed.orientation, ORIENTATION, silicon.rotations)) for one in (left, fitted)
    )
    assert wrong > 0.2 > 0.05 > right
    assert left.detector_change == {}
    assert fitted.detector_change["shift_fast_mm"] == pytest.approx(0.8, abs=0.15)


def test_what_the_twist_of_a_side_panel_hides_is_in_the_uncertainty(silicon):
    """Turned about the beam, panel and crystal look the same: the tilt that nobody measured is the crystal's error."""
    panel = Detector.side(distance_mm=50.0, shape=(512, 512), pixel_mm=0.25)
    pattern = measured(silicon, panel.displaced(np.zeros(3), np.array([0.9, 0.0, 0.0])), 0.1)
    solved = solve(pattern, silicon, panel, known=IN_WORDS)
    wrong = float(misorientation_deg(solved.indexed.orientation, ORIENTATION, silicon.rotations))
    assert wrong == pytest.approx(0.9, abs=0.1)
    assert solved.uncertainty["rotation_x_deg"] == pytest.approx(1.0, abs=0.05)
    assert max(solved.uncertainty[name] for name in ("rotation_y_deg", "rotation_z_deg")) < 0.2


def test_a_handful_of_peaks_on_a_fitted_camera_is_warned_of(silicon):
    def warned(count, known):
        solved = solve(measured(silicon, PANEL, 0.1, count), silicon, PANEL, known=known)
        assert solved.indexed.matched == count
        return any("chance?" in warning for warning in solved.warnings)

    assert warned(7, IN_WORDS)
    assert not warned(7, CALIBRATED)
    assert not warned(20, IN_WORDS)


def test_a_later_pass_keeps_the_orientation_that_it_was_given_for_a_single_peak_more(silicon):
    solved = solve(simulated(silicon), silicon, PANEL).indexed
    u = rotation_matrix(np.array([0.0, 0.0, 60.0])) @ solved.orientation
    near = rotation_matrix(np.array([0.3, 0.0, 0.0])) @ solved.orientation
    given = replace(solved, matched=40, residual_px=1.0)

    def may(orientation, matched, residual_px, earlier=given):
        later = replace(solved, orientation=orientation, matched=matched, residual_px=residual_px)
        return may_replace(earlier, later, silicon.rotations)

    assert not may(u, 41, 1.2)
    assert not may(u, 39, 0.5)
    assert may(u, 41, 0.5)
    assert may(near, 41, 1.2)
    assert may(near, 39, 0.5)
    assert not may(near, 39, 1.2)
    assert may(u, 40, 1.2, replace(given, ambiguous=(u,)))


def test_a_second_pass_that_strays_is_not_followed(silicon, monkeypatch):
    short = PANEL.displaced(-2.0 * PANEL.normal, np.zeros(3))
    index = Indexer.index

    def strays(self, position_px, intensity=None, guess=None):
        """With the camera refined, find something else that explains one peak more, less closely."""
        answer = index(self, position_px, intensity, guess)
        if guess is None or not isinstance(answer, Indexed):
            return answer
        turned = rotation_matrix(np.array([0.0, 0.0, 60.0])) @ answer.orientation
        return replace(answer, orientation=turned, matched=answer.matched + 1, residual_px=answer.residual_px + 0.5)

    monkeypatch.setattr(Indexer, "index", strays)
    solved = solve(measured(silicon, PANEL, 0.2), silicon, short, known=IN_WORDS, search_camera=True)
    assert misorientation_deg(solved.indexed.orientation, ORIENTATION, silicon.rotations) < 0.2


def test_four_peaks_are_too_few(silicon):
    with pytest.raises(IndexingFailed, match="4 peaks found; at least 5 are needed"):
        solve(simulated(silicon, brightest=4), silicon, PANEL)


def test_a_pattern_of_noise_is_not_indexed(silicon):
    random = np.random.default_rng(2)
    position = random.uniform(0.0, 511.0, (1, 40, 2)).astype(np.float32)
    peaks = Peaks(position, np.ones((1, 40), np.float32), np.array([40]), np.zeros((1, 40), bool))
    with pytest.raises(IndexingFailed, match=r"^not indexed: .*; check cell, band and detector geometry$"):
        solve(MeasuredPattern(peaks), silicon, PANEL)


def test_a_band_below_the_first_reflection_says_which_energy_is_needed(silicon):
    with pytest.raises(ValueError, match=r"use energies above 1.98 keV"):
        solve(simulated(silicon), silicon, PANEL, (1.0, 1.5))
    with pytest.raises(ValueError, match="lowest < highest"):
        solve(simulated(silicon), silicon, PANEL, (25.0, 5.0))


def test_the_program_of_the_page_runs(tmp_path, monkeypatch, capsys, silicon):
    image = ImageModel(PANEL, SpotShape(blur_mm=0.3), ImageBackground(), Sensor()).render(
        LaueModel(silicon, Beam.tube("W"), PANEL).spots(ORIENTATION[None]), make_keys(3, np.arange(1)), exposure_s=10.0
    )
    Image.fromarray(image[0]).save(tmp_path / "pattern.tif")
    save_detector(PANEL, tmp_path / "camera.json")
    text = (Path(__file__).parents[4] / "docs" / "indexing.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n([^`]*read_pattern\([^`]*)```", text)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "indexing.md", "exec"), {})  # what a reader would paste
    assert "'lower_arc'" in capsys.readouterr().out
