"""Solving a measured pattern without a terminal: orientation, camera, figures, or the reason why not."""

import re
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
from beamgym.physics.laue.indexing import IndexingFailed, MeasuredPattern, solve
from beamgym.physics.laue.pattern.image import ImageBackground, ImageModel, Sensor, SpotShape
from beamgym.physics.laue.pattern.spots import LaueModel
from beamgym.physics.orientation import misorientation_deg, random_orientations

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
