"""How far a crystal turns in its pocket, and against its datum edge."""

import numpy as np
import pytest
from shapely.geometry import Point, Polygon, box

from beamgym.physics.mosaic.datum_edge import datum_edge
from beamgym.physics.mosaic.forecast import PlacingErrors, free_turn_deg
from beamgym.physics.mosaic.forecast.errors import edge_turn_deg
from beamgym.physics.mosaic.holder import hole_of


@pytest.mark.parametrize(("side", "clearance"), [(3.0, 0.1), (5.0, 0.1), (3.0, 0.05)])
def test_a_square_in_a_square_turns_until_it_touches_on_all_sides(side, clearance):
    half = side / 2.0
    crystal, hole = (
        box(-half, -half, half, half),
        box(-half - clearance, -half - clearance, half + clearance, half + clearance),
    )
    # A square of side a turned by t is a (cos t + sin t) wide.
    wide = (side + 2.0 * clearance) / side
    exact = np.degrees(np.arcsin(wide / np.sqrt(2.0)) - np.pi / 4.0)
    low, high = free_turn_deg(crystal, hole)
    assert np.allclose([low, high], [-exact, exact], rtol=2e-3)


def test_a_disc_turns_as_far_as_it_is_asked():
    disc = Point(0.0, 0.0).buffer(1.5, quad_segs=64)
    assert free_turn_deg(disc, disc.buffer(0.05), most_deg=30.0)[1] > 29.0


def test_without_clearance_nothing_turns_and_with_more_it_turns_further():
    flake = Polygon([(0.0, 0.0), (3.5, 0.2), (3.0, 2.5), (0.8, 2.9)])
    turns = [free_turn_deg(flake, hole_of(flake, c, None))[1] for c in (0.0, 0.05, 0.1, 0.2)]
    assert turns[0] < 0.05
    assert np.all(np.diff(turns) > 0.5)
    # Known from trials with printed pockets: about 4 degrees for flakes of 3.5 mm at 0.1 mm.
    assert 2.5 < turns[2] < 6.0


def test_a_datum_edge_takes_away_turning_only_once_the_crystal_is_pushed():
    flake = Polygon([(0.0, 0.0), (3.5, 0.0), (3.0, 2.5), (0.8, 2.9)])
    free = free_turn_deg(flake, hole_of(flake, 0.1, None))
    loose = free_turn_deg(flake, hole_of(flake, 0.1, datum_edge(np.asarray(flake.exterior.coords)[:-1])))
    assert 0.0 < loose[1] < free[1]


def test_print_error_over_the_facets_length_is_the_turn_that_a_datum_edge_leaves():
    errors = PlacingErrors(edge_slope_deg=0.0, edge_roughness_mm=0.05 / np.sqrt(2.0))
    assert np.allclose(edge_turn_deg([3.0], errors), np.degrees(np.arctan(0.05 / 3.0)))
    longer = edge_turn_deg([1.0, 3.0, np.inf], PlacingErrors(edge_slope_deg=0.2))
    assert np.all(np.diff(longer) < 0.0)
    assert np.isclose(longer[2], 0.2)


def test_an_error_below_zero_is_refused():
    with pytest.raises(ValueError, match="glue_deg is -1"):
        PlacingErrors(glue_deg=-1.0)
