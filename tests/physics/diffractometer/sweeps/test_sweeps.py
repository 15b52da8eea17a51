"""Sweeps: simulated frames searched, their spots turned into reflections, and UB of these."""

import numpy as np
import pytest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import load_crystal
from beamgym.physics.diffractometer import cell_of_crystal, diffractometer, refine_ub
from beamgym.physics.diffractometer.scans import ScanSample, reflecting
from beamgym.physics.diffractometer.sweeps import (
    SWEEP_PRESETS,
    FrameSettings,
    SweepGeometry,
    find_sweep_spots,
    free_sweep,
    index_sweep,
    spot_reflections,
    sweep_frames,
    sweep_preset,
)
from beamgym.physics.orientation import misorientation_deg, random_orientations

COARSE = 4


def sweep_of(name, crystal, seed, step_deg=1.0):
    """A sample, its geometry and frames of a preset whose panel is coarser."""
    preset = sweep_preset(name)
    made = load_crystal(crystal, radiation=preset.beam.radiation)
    u = random_orientations(make_keys(np.array([seed], np.uint64), 0, 0, 1))
    seen = reflecting(made, preset.beam, 70.0)
    sample = ScanSample(seen, u, np.ones(1), np.zeros(3), np.zeros(4), preset.beam.wavelength_a)
    panel = preset.panel.binned(COARSE // 2)
    geometry = SweepGeometry(
        diffractometer("e4ch"), np.zeros(3), "omega", -20.0, step_deg, panel, preset.beam.wavelength_a
    )
    settings = FrameSettings(60, preset.seconds, preset.background)
    return made, u[0], geometry, list(sweep_frames(sample, preset.beam, geometry, settings, seed))


@pytest.mark.parametrize(("name", "step"), [("tube-psd", 1.0), ("neutron-psd", 1.0), ("tube-psd", -1.0)])
def test_ub_of_a_sweep_is_the_crystals(name, step):
    crystal, u, geometry, frames = sweep_of(name, "kyanite", 4, step)
    spots = find_sweep_spots(frames)
    observed = spot_reflections(spots.rows(~spots.cut), geometry)
    known = cell_of_crystal(crystal)
    found = index_sweep(observed, known)
    assert found.candidates.decided is not None
    assert found.belongs.sum() > 0.6 * len(observed)
    best = found.candidates.found[found.best]
    on = found.belongs
    refined = refine_ub(observed.rows(on), found.hkl[on], best.u, known.cell, (), 500.0)
    assert misorientation_deg(refined.u, u, known.lattice_rotations) < 0.1


def test_a_cell_is_found_where_none_is_known():
    crystal, _, geometry, frames = sweep_of("tube-psd", "kyanite", 4)
    spots = find_sweep_spots(frames)
    lattice, hkl, on = free_sweep(spot_reflections(spots.rows(~spots.cut), geometry))
    volume = 1.0 / abs(np.linalg.det(lattice.ub))
    assert volume == pytest.approx(1.0 / abs(np.linalg.det(crystal.b_matrix)), rel=0.02)
    assert on.sum() >= 10
    assert hkl.shape == (len(on), 3)


class TestSpots:
    @staticmethod
    def stack(n=9, mean=2.0, seed=1):
        rng = np.random.default_rng(seed)
        rows, columns = np.mgrid[0:64, 0:96]
        blob = np.exp(-0.5 * ((columns - 40.3) ** 2 + (rows - 20.7) ** 2) / 1.5) / (2.0 * np.pi * 1.5)
        turn = np.exp(-0.5 * ((np.arange(n) + 0.5 - 4.2) / 1.0) ** 2)
        return rng.poisson(mean + 4000.0 * turn[:, None, None] * blob).astype(np.int32)

    def test_its_middle_is_found_over_frames(self):
        spots = find_sweep_spots(self.stack())
        assert len(spots) == 1
        assert spots.position_px[0] == pytest.approx([40.3, 20.7], abs=0.05)
        assert spots.frame[0] == pytest.approx(4.2, abs=0.05)
        assert spots.counts[0] == pytest.approx(4000.0 * np.sqrt(2.0 * np.pi), rel=0.03)
        assert not spots.cut[0]

    def test_one_that_the_sweep_cuts_is_told(self):
        assert find_sweep_spots(self.stack()[5:]).cut.all()

    def test_a_hit_of_one_pixel_and_a_bad_pixel_are_none(self):
        frames = self.stack()
        frames[2, 50, 70] = 500
        frames[:, 10, 80:82] = 300
        spots = find_sweep_spots(frames)
        assert len(spots) == 1
        assert spots.stuck == 1

    def test_masked_and_negative_pixels_are_gaps(self):
        frames = self.stack()
        mask = np.zeros(frames.shape[1:], dtype=bool)
        mask[10:30, 30:50] = True
        assert len(find_sweep_spots(frames, mask)) == 0
        frames[:, 10:30, 30:50] = -1
        assert len(find_sweep_spots(frames)) == 0

    @pytest.mark.parametrize(
        ("frames", "mask", "message"),
        [
            ([], None, "there is no frame"),
            ([np.zeros((8, 8)), np.zeros((8, 9))], None, "give one sweep"),
            ([np.zeros((8, 8))], np.zeros((9, 9), dtype=bool), "give their own"),
        ],
    )
    def test_what_is_no_sweep_is_refused(self, frames, mask, message):
        with pytest.raises(ValueError, match=message):
            find_sweep_spots(frames, mask)


def test_presets_are_known_by_name_and_others_refused():
    assert set(SWEEP_PRESETS) == {"100-kev", "tube-psd", "neutron-psd"}
    assert sweep_preset("100-kev").beam.wavelength_a == pytest.approx(0.12398, rel=1e-3)
    with pytest.raises(ValueError, match="unknown sweep"):
        sweep_preset("film")


def test_a_geometry_without_its_axis_is_refused():
    panel = sweep_preset("tube-psd").panel
    with pytest.raises(ValueError, match="no axis 'theta' to sweep"):
        SweepGeometry(diffractometer("e4ch"), np.zeros(3), "theta", 0.0, 1.0, panel, 1.0)
    with pytest.raises(ValueError, match="step must not be 0"):
        SweepGeometry(diffractometer("e4ch"), np.zeros(3), "omega", 0.0, 0.0, panel, 1.0)
