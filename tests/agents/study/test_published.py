"""A scanned surface: what is mapped belongs to the place, and the scores rank as they are said to."""

import numpy as np
import pytest

from beamgym.agents.study.published import (
    BMS,
    NAMES,
    best_true_points,
    expose_surface,
    marked_places,
    median_with_interval,
    rank_correlations,
    scan_surface,
)


@pytest.fixture(scope="module")
def scan():
    return scan_surface(seed=1, places=12, size=64)


def test_maps_belong_to_the_places_of_the_scan(scan):
    assert scan.counts.shape == (12, 12, 64, 64)
    assert set(scan.maps) == set(NAMES)
    assert np.isfinite(scan.truth[scan.on_sample]).all()
    assert np.isnan(scan.truth[~scan.on_sample]).all()
    for values in scan.maps.values():
        assert np.isfinite(values[scan.on_sample]).all()
        assert np.isnan(values[~scan.on_sample]).all()
    counted = scan.counts.reshape(12, 12, -1).sum(-1)
    assert scan.maps["electrons"][scan.on_sample] == pytest.approx(counted[scan.on_sample])
    assert not scan.on_sample[0, 0]
    assert scan.on_sample[6, 6]


def test_networks_rank_places_as_the_truth_does_and_filtered_fits_better_than_all_fits(scan):
    ranks = rank_correlations(scan)
    assert min(ranks["composed"], ranks["cnn"]) > 0.9
    assert ranks["bms"] < ranks["bms filtered"] < ranks["composed"]
    assert ranks["bms tuned"] > ranks["bms"] + 0.2
    assert scan.believed["bms"] == 1.0
    assert all(0.2 < scan.believed[name] < 1.0 for name in BMS if name != "bms")


def test_spectra_are_shifted_down_alone_unless_both_signs_are_asked_for():
    one, both = (expose_surface(1, 8, 2.0, 64, sign, "benchmark")[0].kept[0] for sign in (True, False))
    assert one.potential_ev.max() <= 0.0 < both.potential_ev.max()
    assert np.array_equal(np.abs(one.potential_ev), np.abs(both.potential_ev))


def test_the_median_lies_in_its_interval_and_one_surface_has_none():
    median, low, high = median_with_interval([0.2, 0.5, 0.3, 0.9, 0.4])
    assert median == 0.4
    assert 0.2 <= low < median < high <= 0.9
    assert median_with_interval([0.3]) == (0.3, None, None)


def test_no_map_finds_a_better_place_than_the_truth(scan):
    points = best_true_points(scan)
    assert points["truth"] == np.nanmax(scan.truth)
    assert all(value <= points["truth"] for value in points.values())


def test_the_marked_places_lie_on_the_sample_apart_and_mean_what_they_say(scan):
    marked = marked_places(scan)
    assert [place.letter for place in marked] == list("ABCDE")
    at = [(place.row, place.column) for place in marked]
    assert all(scan.on_sample[place] for place in at)
    assert scan.maps["composed"][at[0]] == scan.maps["composed"][scan.on_sample].max()
    where = np.array([[scan.centres_mm[column], scan.centres_mm[row]] for row, column in at])
    apart = np.linalg.norm(where[:, None] - where[None], axis=-1) + np.eye(5)
    assert apart.min() >= 0.25


def test_the_same_seed_scans_the_same_surface(scan):
    asked = (12, 2.0, 64, True, "benchmark")
    counts = scan.counts.reshape(144, 64, 64)
    assert np.array_equal(expose_surface(1, *asked)[2], counts)
    assert not np.array_equal(expose_surface(2, *asked)[2], counts)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"places": 7}, "8 to 64"),
        ({"dwell_s": 0.0}, "positive"),
        ({"size": 100}, "multiple of 64"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_scanned_is_said(asked, says):
    with pytest.raises(ValueError, match=says):
        scan_surface(**asked)
