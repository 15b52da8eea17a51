"""`python -m beamgym.scripts.indexing.spot_finder`: figures of both finders, and the bars of the laboratory one."""

import math

import numpy as np
import pytest
from typer.testing import CliRunner

from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.lab import LabPicture
from beamgym.scripts.indexing.spot_finder import judged, measured, picture_of, spot_finder


def peaks_at(position):
    position = np.asarray(position, dtype=np.float32)[None]
    count = np.array([position.shape[1]])
    return Peaks(position, np.ones(position.shape[:2], np.float32), count, np.zeros(position.shape[:2], bool))


@pytest.fixture(scope="module")
def drawn() -> LabPicture:
    from beamgym.physics.crystal import load_crystal

    return picture_of({"Si": load_crystal("Si")}, 0, "plain")


def test_the_truth_itself_is_judged_perfect(drawn):
    figures = judged(peaks_at(drawn.position_px[: drawn.spots]), drawn, 1.0)
    assert (figures.true_20, figures.found, figures.strongest, figures.false) == (1.0, 1.0, 1.0, 0)
    assert figures.centroid_px < 1e-3


def test_nothing_found_is_judged_worst_and_false_peaks_are_counted(drawn):
    empty = judged(peaks_at(np.zeros((0, 2))), drawn, 1.0)
    assert (empty.true_20, empty.found) == (0.0, 0.0)
    assert math.isnan(empty.centroid_px)
    assert judged(peaks_at([[-50.0, -50.0]] * 3), drawn, 1.0).false == 3


def test_an_unknown_kind_is_refused():
    import typer

    app = typer.Typer()
    app.command()(spot_finder)
    answer = CliRunner().invoke(app, ["--pictures", "1", "--kinds", "holiday"])
    assert answer.exit_code == 2
    assert "holiday" in answer.output


@pytest.mark.slow
def test_the_laboratory_finder_passes_its_bars():
    figures = measured(range(30000, 30064), "plain")
    laboratory, default = figures["LabPeakFinder"], figures["PeakFinder"]
    assert laboratory["true_20"] >= 0.95 > default["true_20"]
    assert laboratory["found"] >= 0.9
    assert laboratory["strongest"] >= 0.9
    assert laboratory["centroid_px"] <= 0.15
    assert laboratory["false_empty"] <= 2.0
    assert laboratory["wrong_sign"] <= 0.02
