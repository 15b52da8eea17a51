"""The benchmark score at its best: what the study uses is of the grid, and the best stands first."""

import pytest
from scipy.stats import spearmanr

from beamgym.agents.study import BMS, tuning
from beamgym.agents.study.published import on_sample_spectra
from beamgym.agents.study.tuning import CRITERIA, SLITS_DEG, THRESHOLDS, WINDOWS_EV, tune_bms
from beamgym.physics.arpes.score import bms_scores


def test_the_studys_tuned_setting_is_of_the_grid():
    used = BMS["bms tuned"]
    assert used.window_ev in WINDOWS_EV
    assert used.slit_window_deg in SLITS_DEG
    assert used.threshold in THRESHOLDS
    assert used.threshold_in_means
    assert used.criterion in CRITERIA


def test_the_best_stands_first_and_is_what_the_score_itself_gives(monkeypatch):
    monkeypatch.setattr(tuning, "WINDOWS_EV", ((-0.06, 0.0), (-0.12, 0.0)))
    monkeypatch.setattr(tuning, "SLITS_DEG", ((-14.0, -3.0),))
    monkeypatch.setattr(tuning, "THRESHOLDS", (1.0, 4.0))
    monkeypatch.setattr(tuning, "CRITERIA", CRITERIA[1:3])
    told = []
    found = tune_bms(seed=3, surfaces=1, places=8, progress=told.append)
    assert len(found) == 2 * 2 * (1 + 2 * 2)
    assert told == [1, 1]
    assert [one.spearman for one in found] == sorted((one.spearman for one in found), reverse=True)
    counts, truth, grid = on_sample_spectra(3, 8, "tuning")
    scores = bms_scores(counts, grid.energy_ev, grid.slit_deg, found[0].settings)
    assert found[0].spearman == pytest.approx(spearmanr(scores.total, truth).statistic)
    assert found[0].believed == pytest.approx(scores.believed.mean())


def test_no_surface_is_refused():
    with pytest.raises(ValueError, match="one or more"):
        tune_bms(surfaces=0)
