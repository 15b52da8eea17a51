"""Peaks of powder rings are told from a crystal's, so that an empty place is called empty."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.detector import Detector
from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld
from beamgym.physics.mosaic.plate.rings import Rings
from beamgym.physics.mosaic.scan import scan_plate
from beamgym.physics.mosaic.scan.powder import on_rings
from beamgym.physics.mosaic.scan.reading import Reading
from beamgym.physics.mosaic.scan.verdicts import Judge

PANEL = Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)


def ring_peaks(many, seed=0):
    rng = np.random.default_rng(seed)
    return Rings(PANEL).places_px(rng.uniform(size=many)) + rng.uniform(-0.5, 0.5, (many, 2))


def test_peaks_of_rings_are_found_and_those_beside_them_are_not():
    beside = np.random.default_rng(1).uniform(0.0, 511.0, (20, 2))
    found = on_rings(np.concatenate([ring_peaks(80), beside]), PANEL)
    assert found[:80].mean() > 0.9
    assert found[80:].mean() < 0.5
    assert not on_rings(np.zeros((0, 2)), PANEL).any()


def test_a_crystals_spots_lie_on_no_rings():
    spots = np.random.default_rng(2).uniform(0.0, 511.0, (100, 2))
    assert on_rings(spots, PANEL).mean() < 0.1


def test_a_place_with_peaks_on_rings_only_is_empty():
    judge = Judge(load_crystal("Ca2RuO4").rotations, np.zeros((0, 3, 3)))
    ringed = Reading(np.zeros(2), 10.0, 90, warnings=("nothing fits",), off_rings=10)
    said = judge.verdict("1", [ringed])
    assert (said.verdict, said.note[:26]) == ("empty", "10 peaks off powder rings ")
    other = Reading(np.zeros(2), 10.0, 90, warnings=("nothing fits",), off_rings=60)
    assert judge.verdict("1", [other]).verdict == "not indexed"


@pytest.mark.slow
def test_empty_places_with_strong_rings_on_images_are_empty():
    options = PlateOptions.faultless(8, glue_rings=1.0, empty=0.5)
    world = PlateWorld.drawn("Ca2RuO4", 12, options, frames="rendered")
    scan = scan_plate(world, world.outlines())
    true = [crystal.what for crystal in world.plate().crystals]
    wished = {"empty": "empty", "single": "indexed"}
    assert "empty" in true
    assert [one.verdict for one in scan.crystals] == [wished[what] for what in true]
