"""PlateWorld: what the beam lights is what the camera sees."""

import numpy as np
import pytest

from beamgym.envs.checks import check_world
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import load_crystal
from beamgym.physics.instrument import AcquireSettings, MoveFailed
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import Grain, PlateCrystal, PlateOptions, PlateWorld, SimulatedPlate, stage_axes
from beamgym.physics.mosaic.plate.footprint import Footprint
from beamgym.physics.mosaic.plate.rings import Rings, ring_angles_deg
from beamgym.physics.mosaic.plate_frame import PLATE_TO_LAB
from beamgym.physics.orientation import rotation_matrix

ONE = np.ones(1, dtype=np.bool_)
CLEAN = Imperfections(
    centroid_noise_mm=0.0,
    missing_fraction=0.0,
    false_spots=0.0,
    intensity_noise=0.0,
    detector_shift_mm=0.0,
    detector_tilt_deg=0.0,
    backlash_deg=0.0,
)
SQUARE = np.array([[-2.0, -2.0], [2.0, -2.0], [2.0, 2.0], [-2.0, 2.0]])
CRYSTAL = load_crystal("YFe2Ge2")


def world(*crystals, **options):
    return PlateWorld.of(crystals, CRYSTAL, level=CLEAN, **options)


def at(instrument, x, y, exposure_s=10.0):
    instrument.move(np.array([[x, y]]), ONE)
    return instrument.acquire(AcquireSettings(exposure_s), ONE)


def seen(instrument, x, y):
    peaks = at(instrument, x, y).peaks()
    count = int(peaks.count[0])
    return peaks.position_px[0, :count], peaks.intensity[0, :count]


def test_it_keeps_the_contract_of_a_world():
    check_world(lambda n: PlateWorld("YFe2Ge2", PlateOptions(4), n))


def test_a_crystal_is_seen_as_the_model_draws_it_at_its_height():
    u = rotation_matrix(np.array([1.0, 2.0, 15.0]))
    place, light = seen(world(PlateCrystal(Outline("1", SQUARE), (Grain(u),), height_mm=0.8)), 0.0, 0.0)
    nearer = Detector.back_reflection(70.0 - 0.8, (512, 512), 0.32)
    spots = LaueModel(CRYSTAL, Beam.tube("W"), nearer).spots(PLATE_TO_LAB @ u)
    order = np.argsort(-spots.intensity[0, : spots.count[0]])[: len(place)]
    # the model's places are float32; spots of one brightness may stand in either order
    for px, counts in zip(place[:40], light[:40], strict=True):
        away = np.linalg.norm(spots.position_px[0, order] - px, axis=1)
        assert away.min() < 1e-3
        assert 10.0 * spots.intensity[0, order[away.argmin()]] == pytest.approx(counts, rel=1e-4)


def test_half_a_beam_on_the_crystal_is_half_as_bright():
    instrument = world(PlateCrystal(Outline("1", SQUARE), (Grain(np.eye(3)),)))
    instrument.reset(make_keys(np.array([7])), ONE)
    off = instrument.truth()["position_mm"][0]
    whole, half = seen(instrument, 0.0, 0.0), seen(instrument, 2.0 - off[0], 0.0)
    assert half[1][:20] == pytest.approx(0.5 * whole[1][:20], rel=0.03)
    assert len(seen(instrument, 3.5, 0.0)[0]) < 40  # only the plate's rings


@pytest.mark.parametrize(("x", "share"), [(-1.0, 1.0), (0.0, 0.5), (0.125, 0.1955), (1.0, 0.0)])
def test_two_grains_share_the_light_by_the_area_that_the_beam_meets(x, share):
    left, right = SQUARE * [0.5, 1.0] - [1.0, 0.0], SQUARE * [0.5, 1.0] + [1.0, 0.0]
    crystal = PlateCrystal(Outline("1", SQUARE), (Grain(np.eye(3), left), Grain(np.eye(3), right)), "two grains")
    (shares,) = Footprint(SimulatedPlate.of([crystal]), 0.5).at(np.array([x, 0.0])).shares
    # of a circle's area 1/3 - sqrt(3)/(4 pi) = 0.1955 lies beyond half its radius; here it is a polygon of 24 sides
    assert shares == pytest.approx([share, 1.0 - share], abs=0.005)


def test_a_bent_crystal_turns_from_place_to_place():
    bend = np.array([[0.0, 1.0], [0.0, 0.0]])  # 1° about y for every mm along x
    crystal = PlateCrystal(Outline("1", SQUARE), (Grain(np.eye(3)),), "bent", bend_deg_per_mm=bend)
    place, _ = seen(world(crystal), 1.0, 0.0)
    model = LaueModel(CRYSTAL, Beam.tube("W"), Detector.back_reflection(shape=(512, 512), pixel_mm=0.32))
    expected = model.spots(PLATE_TO_LAB @ rotation_matrix(np.array([0.0, 1.0, 0.0])))
    away = [np.linalg.norm(expected.position_px[0, : expected.count[0]] - px, axis=1).min() for px in place[:15]]
    # centroids of streaks half a degree long, 0.3 of which they scatter by
    assert np.median(away) < 2.0
    straight = model.spots(PLATE_TO_LAB)
    away = [np.linalg.norm(straight.position_px[0, : straight.count[0]] - px, axis=1).min() for px in place[:15]]
    assert np.median(away) > 3.0


def test_a_rendered_frame_shows_the_spots_that_the_fast_path_lists():
    crystal = PlateCrystal(Outline("1", SQUARE), (Grain(rotation_matrix(np.array([1.0, -2.0, 8.0]))),))
    listed, _ = seen(world(crystal), 0.0, 0.0)
    frame = at(world(crystal, frames="rendered"), 0.0, 0.0)
    assert frame.image.shape == (1, 512, 512)
    found = frame.peaks()
    place = found.position_px[0, : int(found.count[0])]
    near = [np.linalg.norm(place - px, axis=1).min() for px in listed[:30]]
    # pairs nearer than a spot's width are found as one
    assert np.median(near) < 0.3
    assert np.mean(np.array(near) < 1.0) > 0.8


def test_an_empty_place_shows_rings_where_aluminium_diffracts_the_tubes_line():
    empty = PlateCrystal(Outline("1", SQUARE), (), "empty")
    image = at(world(empty, frames="rendered"), 0.0, 0.0, 60.0).image[0].astype(float)
    rows, columns = np.indices(image.shape)
    detector = Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)
    angle = np.degrees(np.arccos(detector.directions(np.stack([columns, rows], axis=-1).astype(float))[..., 0]))
    for ring in ring_angles_deg()[-2:]:
        on, beside = np.abs(angle - ring) < 0.3, np.abs(np.abs(angle - ring) - 3.0) < 0.3
        assert image[on].mean() > 1.15 * image[beside].mean()
    # W L-alpha at 8.398 keV on (422) and (511) of a = 4.0496 Å, by Bragg's law
    assert ring_angles_deg()[-2:] == pytest.approx([126.5, 142.6], abs=0.2)
    assert Rings(detector).ring_rate.max() > 0.0


def test_the_stage_brings_the_place_that_it_is_sent_to_into_the_beam():
    x, y = stage_axes((20.0, 20.0))
    assert pytest.approx(-np.array(x.vector)) == PLATE_TO_LAB @ [1.0, 0.0, 0.0]
    assert pytest.approx(-np.array(y.vector)) == PLATE_TO_LAB @ [0.0, 1.0, 0.0]
    instrument = world(PlateCrystal(Outline("1", SQUARE), (Grain(np.eye(3)),)))
    with pytest.raises(MoveFailed, match="x was sent to 50"):
        instrument.move(np.array([[50.0, 0.0]]), ONE)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n": 0}, "at least one plate"),
        ({"frames": "film"}, "unknown frames"),
        ({"beam_mm": 0.0}, "give its diameter"),
        ({"level": "harsh"}, "plates know no"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        PlateWorld("YFe2Ge2", PlateOptions(2), **options)
