"""Beam time in the benchmark: what a failure counts, which figures there are, and the curve of success over it."""

import numpy as np
import pytest

from beamgym.agents.evaluation.evaluator import Episodes, summarise
from beamgym.agents.evaluation.metrics import BEAM_TIME, EXPOSURES, Budget
from beamgym.agents.evaluation.success_curve import amounts, curves, draw_curves, success_by


class Nobody:
    name, oracle = "nobody", False


def result(budget):
    success = np.array([True, True, False, True])
    spent = np.array([10.0, 30.0, 20.0, 50.0])
    seven = np.array([7.0, 7.0, 7.0, 7.0])
    return summarise(Nobody(), Episodes(success, seven, seven, spent, seven * np.nan, success, 0.1 * seven), budget)


def test_a_failure_counts_the_whole_beam_time():
    made = result(Budget(beam_time_s=120.0))
    assert made.beam_s_median == 40.0
    assert made.exposures_median == 7.0
    assert made.shortfall_median == pytest.approx(0.7)
    assert made.metric_set is BEAM_TIME


def test_each_environment_has_its_own_figures():
    timed, counted = result(Budget(beam_time_s=120.0)).as_dict(), result(Budget(exposures=20.0)).as_dict()
    assert {"beam_s_median", "shortfall_median"} <= set(timed)
    assert "misorientation_deg_median" not in timed
    assert set(counted) == {"success_rate", "success_ci95", *(figure.name for figure in EXPOSURES.metrics)}
    assert "beam_s_median" not in counted


def test_the_curve_rises_where_an_episode_ended_in_success():
    shares = success_by(result(Budget(beam_time_s=120.0)), np.array([0.0, 9.9, 10.0, 29.0, 30.0, 49.0, 50.0, 120.0]))
    np.testing.assert_array_equal(shares, [0.0, 0.0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75])


def test_curves_end_at_the_budget_with_the_success_rate(tmp_path):
    budget = Budget(beam_time_s=120.0)
    content = curves([result(budget)], budget)
    assert content["counted"] == "instrument_s"
    assert (content["spent"][0], content["spent"][-1]) == (0.0, 120.0)
    assert content["success"]["nobody"][-1] == result(budget).success_rate
    draw_curves(content, budget.metric_set.unit, "title", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_ours_is_the_thick_curve_and_the_legend_names_all(tmp_path):
    content = {"spent": [0.0, 1.0], "success": {"raster": [0.0, 0.5], "shipped": [0.0, 1.0], "random": [0.0, 0.0]}}
    draw_curves(content, "beam time / s", "title", tmp_path / "curves.svg")
    text = (tmp_path / "curves.svg").read_text()
    assert text.count("stroke-width: 3") == 2  # the curve and its line in the legend
    for name in content["success"]:
        assert f"<!-- {name} -->" in text


def test_a_budget_of_exposures_has_a_point_for_each_and_no_budget_no_curve():
    np.testing.assert_array_equal(amounts(Budget(exposures=3.0)), [0.0, 1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="names no budget"):
        amounts(Budget())
