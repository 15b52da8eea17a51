"""Where the beam goes: inside, far apart, by a short way."""

import numpy as np
import pytest
from shapely.geometry import Point

from beamgym.physics.crystal import load_crystal
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import PlateOptions, draw_plate
from beamgym.physics.mosaic.plate.footprint import Footprint
from beamgym.physics.mosaic.scan import places_in, short_route

ELL = Outline("L", np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 1.0], [1.0, 1.0], [1.0, 3.0], [0.0, 3.0]]))


@pytest.mark.parametrize("beam_mm", [0.2, 0.5, 0.8])
def test_the_whole_beam_lies_inside_at_every_place(beam_mm):
    places, fits = places_in(ELL, beam_mm, 4)
    assert fits
    assert len(places) == 4
    for place in places:
        assert ELL.shape.contains(Point(*place).buffer(0.5 * beam_mm))


def test_three_places_reach_both_arms_of_an_l():
    places, _ = places_in(ELL, 0.5)
    assert places[:, 0].max() > 3.0
    assert places[:, 1].max() > 2.0


def test_a_beam_that_fits_nowhere_goes_to_the_middle_of_the_largest_circle_inside():
    places, fits = places_in(Outline("1", np.array([[0.0, 0.0], [6.0, 0.0], [6.0, 0.4], [0.0, 0.4]])), 0.8)
    assert not fits
    assert len(places) == 1
    assert places[0, 1] == pytest.approx(0.2, abs=0.01)


def test_a_small_crystal_has_no_two_places_that_show_the_same():
    places, fits = places_in(Outline("1", np.array([[0.0, 0.0], [0.75, 0.0], [0.75, 0.75], [0.0, 0.75]])), 0.5)
    assert fits
    assert len(places) == 1


def test_the_way_visits_all_and_is_as_short_as_the_shortest_of_all_orders():
    from itertools import permutations

    rng = np.random.default_rng(0)
    points = rng.uniform(-10.0, 10.0, (7, 2))

    def length(order):
        way = np.concatenate([[[0.0, 0.0]], points[list(order)]])
        return np.linalg.norm(np.diff(way, axis=0), axis=1).sum()

    order = short_route(points)
    assert sorted(order) == list(range(7))
    assert length(order) <= 1.05 * min(length(other) for other in permutations(range(7)))


def test_the_way_over_a_plate_is_no_longer_than_going_row_by_row():
    x, y = np.meshgrid(np.arange(10.0), np.arange(10.0))
    points = np.random.default_rng(1).permutation(np.stack([x.ravel(), y.ravel()], axis=1))
    way = points[short_route(points)]
    assert np.linalg.norm(np.diff(way, axis=0), axis=1).sum() < 1.1 * 99.0
    assert short_route(np.zeros((0, 2))) == []


def test_three_places_meet_both_of_two_grains_glued_as_one_nearly_always():
    plate = draw_plate(load_crystal("Ca2RuO4"), 5, PlateOptions.faultless(60, two_grains=1.0))
    met = []
    for crystal in plate.crystals:
        places, _ = places_in(crystal.outline, 0.5)
        lit = [Footprint(plate, 0.5).at(place).shares[0] for place in places]
        met.append(np.max(lit, axis=0).min() > 0.25)
    assert np.mean(met) >= 0.93


def test_one_place_is_the_middle():
    (place,), _ = places_in(Outline("1", np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])), 0.5, 1)
    assert place == pytest.approx([2.0, 2.0], abs=0.1)
