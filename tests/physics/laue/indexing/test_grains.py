"""Several grains in one pattern: each is found once, and none that is not there."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import load_crystal
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import MeasuredPattern, find_grains, shares_of_light, solve
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import misorientation_deg, random_orientations, rotation_matrix

PANEL = Detector.back_reflection(35.0, (600, 600), 0.15)
BAND_KEV = (5.0, 30.0)
ORIENTATIONS = random_orientations(make_keys(21, np.arange(3)))


@pytest.fixture(scope="module")
def crystals():
    return {name: load_crystal(name) for name in ("Si", "Ca2RuO4", "quartz")}


def pattern_of(crystal, weights, orientations=ORIENTATIONS, brightest=40, false=6, seed=5):
    """The brightest spots of every grain, measured to 0.3 px and 20 %, and a few peaks that are no spots."""
    random = np.random.default_rng(seed)
    model = LaueModel(crystal, Beam.tube("W", 30.0), PANEL, brightest=brightest)
    spots = [model.spots(u[None]) for u in orientations[: len(weights)]]
    position = np.concatenate([one.position_px[0, : one.count[0]] for one in spots]).astype(np.float64)
    intensity = np.concatenate([w * one.intensity[0, : one.count[0]] for w, one in zip(weights, spots, strict=True)])
    position = np.concatenate([position + 0.3 * random.normal(size=position.shape), random.uniform(0, 599, (false, 2))])
    intensity = np.concatenate(
        [intensity * np.exp(0.2 * random.normal(size=len(intensity))), random.choice(intensity, false)]
    )
    order = np.argsort(-intensity, kind="stable")
    return MeasuredPattern(
        Peaks(
            position[order][None].astype(np.float32),
            intensity[order][None].astype(np.float32),
            np.array([len(order)]),
            np.zeros((1, len(order)), dtype=bool),
        )
    )


def away_deg(grains, orientations, crystal):
    """(g, t) angle from every grain to every true orientation."""
    found = np.array([grain.indexed.orientation for grain in grains])
    return misorientation_deg(found[:, None], np.asarray(orientations)[None], crystal.rotations)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("Si", (1.0, 0.5)),
        ("Ca2RuO4", (1.0, 0.8, 0.4)),
        pytest.param("Si", (1.0, 0.8, 0.4), marks=pytest.mark.slow),
        pytest.param("Ca2RuO4", (1.0, 0.5), marks=pytest.mark.slow),
    ],
)
def test_every_grain_is_found_once(crystals, name, weights):
    """Two grains of one crystal and three of the other; the other way round is slow."""
    crystal = crystals[name]
    grains = find_grains(pattern_of(crystal, weights), crystal, PANEL, BAND_KEV)
    away = away_deg(grains, ORIENTATIONS[: len(weights)], crystal)
    assert len(grains) == len(weights)
    assert away.min(axis=0).max() < 0.1
    assert away.min(axis=1).max() < 0.1
    assert all(grain.indexed.residual_px < 0.8 and grain.indexed.matched >= 30 for grain in grains)


@pytest.mark.parametrize("name", ["Si", "Ca2RuO4", "quartz"])
def test_one_crystal_with_false_peaks_has_no_second_grain_and_keeps_its_answer(crystals, name):
    pattern = pattern_of(crystals[name], (1.0,), false=40)
    first = solve(pattern, crystals[name], PANEL, BAND_KEV)
    grains = find_grains(pattern, crystals[name], PANEL, BAND_KEV, first=first)
    assert len(grains) == 1
    assert grains[0] is first


def test_no_more_grains_than_asked_for(crystals):
    pattern = pattern_of(crystals["Si"], (1.0, 0.8, 0.6))
    assert len(find_grains(pattern, crystals["Si"], PANEL, BAND_KEV, most=2)) == 2
    with pytest.raises(ValueError, match="1 or more, got 0"):
        find_grains(pattern, crystals["Si"], PANEL, BAND_KEV, most=0)


def test_a_subgrain_two_degrees_away_is_a_grain(crystals):
    turned = np.array([ORIENTATIONS[0], rotation_matrix([1.5, -1.0, 1.0]) @ ORIENTATIONS[0]])
    grains = find_grains(pattern_of(crystals["Si"], (1.0, 0.6), turned), crystals["Si"], PANEL, BAND_KEV)
    assert len(grains) == 2
    assert away_deg(grains, turned, crystals["Si"]).min(axis=0).max() < 0.1


def test_peaks_of_a_wrong_camera_make_no_second_grain(crystals):
    """Spots that the camera moves out of the tolerance look like a grain that is turned by little."""
    crystal = crystals["Si"]
    stated = PANEL.displaced(np.array([0.5, 0.4, 0.3]), np.zeros(3))
    grains = find_grains(pattern_of(crystal, (1.0,), brightest=80), crystal, stated, BAND_KEV)
    assert len(grains) == 1


def test_light_is_shared_out_once(crystals):
    pattern = pattern_of(crystals["Si"], (1.0, 0.5), false=0)
    grains = find_grains(pattern, crystals["Si"], PANEL, BAND_KEV)
    np.testing.assert_allclose(shares_of_light(grains).sum(), 1.0, atol=0.05)
    both = [replace(grain, indexed=replace(grain.indexed, assigned=np.ones(80, dtype=bool))) for grain in grains]
    np.testing.assert_allclose(shares_of_light(both), [0.5, 0.5])
