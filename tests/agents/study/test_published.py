"""A scanned surface: what is mapped belongs to the place, and the three scores rank as they are said to."""

import numpy as np
import pytest

from beamgym.agents.study.published import best_true_points, marked_places, rank_correlations, scan_surface


@pytest.fixture(scope="module")
def scan():
    return scan_surface(seed=1, places=10, size=64)


def test_maps_belong_to_the_places_of_the_scan(scan):
    assert scan.counts.shape == (10, 10, 64, 64)
    assert np.isfinite(scan.truth[scan.on_sample]).all()
    assert np.isnan(scan.truth[~scan.on_sample]).all()
    assert np.isnan(scan.bms[~scan.on_sample]).all()
    assert np.array_equal(scan.electrons, scan.counts.reshape(10, 10, -1).sum(-1))
    assert not scan.on_sample[0, 0]
    assert scan.on_sample[5, 5]


def test_the_network_ranks_places_as_the_truth_does_and_better_than_the_benchmark_score(scan):
    ranks = rank_correlations(scan)
    assert ranks["cnn_truth"] > 0.9
    assert ranks["cnn_truth"] > ranks["bms_truth"]


def test_no_map_finds_a_better_place_than_the_truth(scan):
    points = best_true_points(scan)
    assert points["truth"] == np.nanmax(scan.truth)
    assert all(value <= points["truth"] for value in points.values())


def test_the_marked_places_lie_on_the_sample_apart_and_mean_what_they_say(scan):
    marked = marked_places(scan)
    assert [place.letter for place in marked] == list("ABCDE")
    at = [(place.row, place.column) for place in marked]
    assert all(scan.on_sample[place] for place in at)
    assert scan.cnn[at[0]] == scan.cnn[scan.on_sample].max()
    where = np.array([[scan.centres_mm[column], scan.centres_mm[row]] for row, column in at])
    apart = np.linalg.norm(where[:, None] - where[None], axis=-1) + np.eye(5)
    assert apart.min() >= 0.25


def test_the_same_seed_scans_the_same_surface(scan):
    again = scan_surface(seed=1, places=10, size=64)
    assert np.array_equal(again.counts, scan.counts)
    assert not np.array_equal(scan_surface(seed=2, places=10, size=64).counts, scan.counts)


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
