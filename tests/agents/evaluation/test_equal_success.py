"""Searches at equal success: the fastest settings, and times interpolated between them."""

import numpy as np
import pytest

from beamgym.agents.evaluation import VARIANTS, CurvePoint, Variant, best_numbers, front, time_at


def points(*pairs):
    return [CurvePoint(Variant("survey", None), success, seconds) for success, seconds in pairs]


def test_the_front_holds_what_no_other_setting_beats():
    found = front(points((0.7, 40.0), (0.8, 30.0), (0.75, 28.0), (0.9, 50.0), (0.9, 60.0), (0.6, 28.0)))
    assert [(each.success, each.median_s) for each in found] == [(0.75, 28.0), (0.8, 30.0), (0.9, 50.0)]


def test_the_time_is_interpolated_on_the_front_and_endless_above_it():
    many = points((0.75, 28.0), (0.9, 50.0), (0.7, 60.0))
    assert time_at(many, 0.8) == pytest.approx(28.0 + 22.0 / 3.0)
    assert time_at(many, 0.5) == 28.0
    assert time_at(many, 0.91) == np.inf


def test_every_setting_of_the_grid_is_one_of_its_own_and_flies():
    for name, variants in VARIANTS.items():
        assert len({repr(each) for each in variants}) == len(variants)
        for each in variants:
            assert each.search == name
            assert getattr(each.settings, "dwell_s", 0.05) == 0.05


def test_only_settings_that_nothing_played_beats_are_played_again():
    one = {"raster": [row(3, 0.8, 50.0), row(5, 0.85, 44.0)], "survey": [row(21, 0.8, 31.0)]}
    other = {"raster": [row(9, 0.9, 60.0), row(11, 0.7, 70.0)]}
    assert best_numbers([one, other]) == {"raster": [5, 9], "survey": [21]}


@pytest.mark.parametrize("wrong", [{"raster": [{"success": 0.8}]}, {"spiral": [{"number": 1}]}, {"raster": 3}, [1]])
def test_what_is_no_table_of_settings_played_is_refused(wrong):
    with pytest.raises(ValueError, match="settings played"):
        best_numbers([wrong])


def row(number, success, seconds):
    return {"number": number, "success": success, "median_s": seconds}
