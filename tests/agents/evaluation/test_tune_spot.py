"""Tuning drops settings as it goes, on surfaces of its own, and names the best."""

from dataclasses import replace
from inspect import signature

import pytest

from beamgym.agents.baselines.spot import SEARCHES
from beamgym.agents.baselines.spot.raster import RASTER
from beamgym.agents.evaluation import tune_spot
from beamgym.agents.evaluation.evaluator import make_vector_env
from beamgym.agents.evaluation.seeds import seed_range
from beamgym.agents.evaluation.tune_spot import GRIDS, episodes_needed, tune


def test_every_search_can_be_tuned_and_starts_from_settings_of_its_own_kind():
    assert set(GRIDS) == set(SEARCHES)
    for grid in GRIDS.values():
        assert len(set(grid)) == len(grid) > 1
        assert len({type(settings) for settings in grid}) == 1


def test_the_settings_in_use_are_among_those_tried():
    for name, search in SEARCHES.items():
        assert signature(search).parameters["settings"].default in GRIDS[name]


def test_its_surfaces_are_no_one_elses():
    tuning = seed_range("tuning")
    for purpose in ("training", "selection", "benchmark"):
        assert seed_range(purpose).stop <= tuning.start
    assert tuning.stop < 2**63


def test_a_senseless_setting_is_dropped_and_the_sensible_one_tried_on_all(monkeypatch):
    sensible = replace(RASTER, pitch_mm=0.25, candidates=4, confirm_s=0.5)
    senseless = [replace(RASTER, pitch_mm=1.0 + 0.1 * i, candidates=1) for i in range(2)]
    monkeypatch.setitem(GRIDS, "raster", (*senseless, sensible))
    env = make_vector_env("beamgym/ArpesSpot-v0", 10, "easy", {"score": "truth", "beam_time_s": 60.0})
    counted = []
    ranked = tune("raster", env, 12, progress=counted.append)
    assert [tried.settings for tried in ranked] == [sensible]
    assert ranked[0].surfaces == 12
    assert sum(counted) == episodes_needed("raster", 12)
    assert ranked[0].penalised_s <= tune_spot.FAILURE * 60.0


@pytest.mark.parametrize(
    ("name", "surfaces", "says"), [("rastor", 20, "nothing to tune"), ("raster", 3, "at least 10")]
)
def test_mistakes_are_told_in_one_line(name, surfaces, says):
    env = make_vector_env("beamgym/ArpesSpot-v0", 1, "easy", {"score": "truth"})
    with pytest.raises(ValueError, match=says):
        tune(name, env, surfaces)
