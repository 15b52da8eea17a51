"""The suite mosaic: what it counts, and what it refuses."""

from collections import Counter

import numpy as np
import pytest
from rich.console import Console

from beamgym.physics.mosaic.forecast import LOOP_TARGET, closed_loop, misalignment_deg, mosaic_of
from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld
from beamgym.physics.mosaic.records import ScannedCrystal
from beamgym.physics.mosaic.scan import PlateScan
from beamgym.physics.orientation import rotation_matrix
from beamgym.scripts.benchmark import benchmark_command
from beamgym.scripts.mosaic_suite.loop import loop_figures
from beamgym.scripts.mosaic_suite.scanned import ScannedPlate, compared, scanned_plate
from beamgym.scripts.mosaic_suite.suite import MATERIALS, run_suite


@pytest.fixture(scope="module")
def world():
    return PlateWorld.drawn("YFe2Ge2", 5, PlateOptions(12, two_grains=0.3, bent=0.0, empty=0.1))


def scan_of(world, say):
    crystals = tuple(say(true) for true in world.plate().crystals)
    rotations = world.context.crystal.rotations
    return PlateScan(crystals, world.context.detector, np.zeros(5), np.zeros(len(crystals)), rotations, 60.0)


def perfect(true):
    verdict = {"single": "indexed", "two grains": "several grains", "empty": "empty"}[true.what]
    u = true.grains[0].orientation if true.grains else None
    return ScannedCrystal(true.name, verdict, u)


def test_a_perfect_scan_has_perfect_figures(world):
    figures = compared(world, scan_of(world, perfect)).figures()
    assert figures["indexed"] == figures["grains_flagged"] == 1.0
    assert figures["wrong_unflagged"] == figures["singles_flagged"] == 0.0
    assert figures["error_deg_median"] == pytest.approx(0.0, abs=1e-5)
    assert figures["instrument_s"] == 60.0


def test_a_wrong_orientation_counts_unless_it_is_flagged(world):
    turn = rotation_matrix(np.array([0.0, 0.0, 3.0]))

    def wrong(verdict):
        return lambda true: ScannedCrystal(
            true.name, verdict, turn @ (true.grains or world.plate().crystals[0].grains)[0].orientation
        )

    unflagged = compared(world, scan_of(world, wrong("indexed")))
    assert unflagged.wrong_unflagged.share == 1.0
    assert unflagged.error_deg_median == pytest.approx(3.0, abs=1e-6)
    flagged = compared(world, scan_of(world, wrong("ambiguous")))
    assert flagged.wrong_unflagged.share == 0.0
    assert flagged.flagged("single").share == 1.0


def test_an_orientation_on_an_empty_place_is_wrong(world):
    found = compared(world, scan_of(world, lambda true: ScannedCrystal(true.name, "indexed", np.eye(3))))
    empty = found.rate("empty", "indexed")
    assert empty.total > 0
    assert found.wrong >= empty.count == empty.total


def test_symmetry_makes_no_error(world):
    quarter = world.context.crystal.rotations[1]
    found = compared(
        world,
        scan_of(
            world,
            lambda true: (
                ScannedCrystal(true.name, "indexed", true.grains[0].orientation @ quarter)
                if true.grains
                else perfect(true)
            ),
        ),
    )
    assert found.wrong == 0
    assert found.error_deg_median == pytest.approx(0.0, abs=1e-5)


def test_the_closed_loop_measures_what_the_placed_crystals_truly_are():
    plate = scanned_plate("YFe2Ge2", 10, 3)
    loop = closed_loop(plate.world, plate.scan, 3)
    assert len(loop.placed) == plate.rate("single", "indexed").count
    target = LOOP_TARGET.orientation(plate.world.context.crystal)
    true = misalignment_deg(
        [crystal.grains[0].orientation for crystal in loop.placed], target, plate.world.context.crystal.rotations
    )
    mass = [crystal.outline.area_mm2 * crystal.outline.thickness_mm for crystal in loop.placed]
    measured = loop_figures(loop)["fwhm_deg_measured"]
    assert list(measured.values()) == pytest.approx(mosaic_of(true, mass).fwhm_deg, abs=0.05)
    # glue of 0.25° and floors of 0.1°, up to 1.6 times as large as the forecast expects, make a width of 0.4 to 1°
    assert 0.2 < measured["x"] < 1.5
    assert set(loop.planned.fwhm_deg) == set("xyz")
    assert len(loop.held) == 3


def test_rates_are_of_their_kind_alone():
    plate = ScannedPlate(None, None, Counter({("single", "indexed"): 9, ("single", "bent"): 1, ("twin", "twin"): 4}))
    assert plate.rate("single", "indexed").share == 0.9
    assert plate.flagged("single").share == pytest.approx(0.1)
    assert plate.flagged("twin").share == 1.0
    assert plate.flagged("bent").total == 0


@pytest.mark.parametrize(
    ("options", "seed", "said"),
    [
        ({"part": ["iron"]}, 0, "unknown part 'iron'"),
        ({"crystals": 2}, 0, "between 6 and"),
        ({}, -1, "must not be negative"),
    ],
)
def test_what_makes_no_sense_is_refused(options, seed, said):
    with pytest.raises(ValueError, match=said):
        run_suite(options, seed, Console())


def test_the_materials_are_those_that_are_known_by_name():
    from beamgym.physics.crystal import crystal_names

    assert set(MATERIALS.values()) <= set(crystal_names())


def test_crystals_is_an_option_of_this_suite_alone(as_verb):
    verb = as_verb(benchmark_command, 200)
    refused = verb("index", "--crystals", "20")
    assert refused.exit_code == 1
    assert "--crystals is for mosaic; index takes" in refused.output
