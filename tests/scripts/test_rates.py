"""Shares have Wilson's intervals, and bars say whether they are reached."""

import math

import pytest

from beamgym.scripts.rates import Bar, Rate, typical

Z = 1.959963984540054


@pytest.mark.parametrize(("count", "total"), [(0, 10), (10, 10), (271, 300), (1, 1008)])
def test_the_interval_is_wilsons(count, total):
    share = count / total
    middle = (share + Z**2 / (2 * total)) / (1 + Z**2 / total)
    half = Z / (1 + Z**2 / total) * math.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2))
    assert Rate(count, total).ci95 == pytest.approx((max(middle - half, 0.0), min(middle + half, 1.0)), abs=1e-12)


def test_of_nothing_there_is_no_share():
    nothing = Rate.of([])
    assert math.isnan(nothing.share)
    assert nothing.ci95 == (0.0, 1.0)
    assert nothing.as_dict()["share"] is None
    assert str(nothing).startswith("–")
    assert Bar.at_least("right", nothing, 0.9).met is None


def test_a_share_stands_over_its_interval():
    assert str(Rate(271, 300)) == "90.3\n86–93"
    assert str(Rate(1, 1008)) == "0.1\n0.0–0.6"


@pytest.mark.parametrize(("count", "least", "most"), [(90, True, False), (5, False, True), (89, False, False)])
def test_a_bar_is_met_by_the_share_itself(count, least, most):
    rate = Rate(count, 100)
    assert (Bar.at_least("right", rate, 0.9).met, Bar.at_most("flagged", rate, 0.05).met) == (least, most)
    assert f"{count} of 100" in Bar.at_least("right", rate, 0.9).reached


def test_typical_values_leave_out_what_was_refused():
    assert typical([3.0, math.nan, 1.0, 2.0]) == 2.0
    assert math.isnan(typical([math.nan]))
