"""Screws, fiducials and ticks of small plates keep clear of each other, or the plate is refused with a remedy."""

from itertools import combinations

import numpy as np
import pytest
from shapely.geometry import Point

from beamgym.physics.mosaic.holder.marks import marks_of
from beamgym.physics.mosaic.packing import HolderPlate, Spacing, draw_flakes, pack, pieces_of
from beamgym.physics.mosaic.project import (
    HolderSection,
    PlateFile,
    PlateSection,
    design_of,
    holder_plates,
    resized,
)
from beamgym.physics.mosaic.records import Correction


def plate_of(width, height=None, shape="rectangle", **holder):
    size = {"shape": shape, "width_mm": width, "height_mm": height or width}
    return PlateFile(
        plate_id="feed", name="p", material="FePS3", plate=PlateSection(**size), holder=HolderSection(**holder)
    )


SIZES = [(40.0, 40.0, "rectangle"), (17.0, 10.0, "rectangle"), (10.0, 40.0, "rectangle"), (24.0, 24.0, "circle")]


@pytest.mark.parametrize(("width", "height", "shape"), SIZES)
def test_what_is_not_stated_lies_clear_of_each_other_on_the_plate(width, height, shape):
    design = design_of(plate_of(width, height, shape))
    things = [Point(h.x_mm, h.y_mm).buffer(h.diameter_mm / 2.0 + 0.8) for h in design.holes]
    things += [Point(x, y).buffer(1.0) for x, y in design.fiducials_mm]
    assert len(things) >= 6
    assert all(one.distance(other) > 0.1 for one, other in combinations(things, 2))
    assert all(design.plate.contains(thing) for thing in things)
    lines = marks_of([], design, "FRONT 1").lines
    crosses = [Point(x, y).buffer(1.1) for x, y in design.fiducials_mm]
    ticks = [part for part in lines.geoms if not any(cross.contains(part) for cross in crosses)]
    assert len(ticks) == 4
    assert all(tick.length > 3.0 and tick.distance(thing) > 0.1 for tick in ticks for thing in things)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((8.0, 40.0), r"a plate of 8 × 40 mm has no room for its screws and its fiducials; take one of 9\.5 × 40 mm"),
        (
            (12.0, 12.0),
            r"one of 16\.25 × 12 mm at least, or state screws_mm and fiducials_mm .* \[\] to leave them out",
        ),
        ((14.0, 14.0, "circle"), r"14 mm across has no room .* take one of \d+\.?\d* mm across at least"),
    ],
)
def test_a_plate_without_room_is_refused_with_the_smallest_that_has_it(size, words):
    with pytest.raises(ValueError, match=words) as told:
        holder_plates(plate_of(*size))
    assert "\n" not in str(told.value)


def test_without_screws_a_smaller_plate_has_room_and_with_neither_any():
    assert len(design_of(plate_of(9.0, screws_mm=())).fiducials_mm) == 3
    bare = design_of(plate_of(4.0, screws_mm=(), fiducials_mm=()))
    assert (bare.holes, bare.fiducials_mm) == ((), ())


def test_stated_ones_that_lie_on_each_other_are_refused_by_place():
    stated = {"screws_mm": ((5.0, 5.0, 2.0),), "fiducials_mm": ((5.5, 6.0),)}
    with pytest.raises(ValueError, match=r"the screw at 5, 5 and the fiducial at 5\.5, 6 lie on each other; move one"):
        design_of(plate_of(40.0, **stated))


@pytest.mark.parametrize("stated", [{}, {"screws_mm": ((17.0, 0.0, 2.2),), "fiducials_mm": ((-17.0, 5.0),)}])
def test_the_smallest_plate_keeps_clear_what_its_holder_will_have(stated):
    plate, flakes = plate_of(40.0, 40.0, **stated), draw_flakes(5, seed=2, thickness_mm=0.2)
    pieces, _ = pieces_of(flakes, [Correction(each.name, 0.0, 0.0, 0.0) for each in flakes], 4.0)
    options = {"objective": "smallest plate", "solver": "shapely", "tries": 1}
    packing = pack(pieces, holder_plates(plate), Spacing(0.8), **options)
    small = resized(plate, packing.plates[0])
    assert small.plate.width_mm < 40.0
    kept, design = packing.plates[0].free_places, design_of(small)
    wished = [(h.x_mm, h.y_mm) for h in design.holes] + list(design.fiducials_mm)
    assert np.allclose([(each.x_mm, each.y_mm) for each in kept], wished)
    assert all(design.plate.contains(hole.shape) for hole in design.holes)


def test_the_back_of_a_plate_is_its_front_mirrored():
    front, back = holder_plates(plate_of(40.0, both_faces=True))
    assert (front.back, back.back) == (False, True)
    assert [(p.x_mm, p.y_mm) for p in back.free_places] == [(-p.x_mm, p.y_mm) for p in front.free_places]
    assert isinstance(back, HolderPlate)
