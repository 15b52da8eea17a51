"""The kinds' presence tests: the sample is seen on clean frames, and not where there is none."""

from typing import Any

import numpy as np
import pytest
import yaml

from beamgym.envs.loop import EpisodeKeys
from beamgym.hardware_bridge.guard.devices.frame import presence_of, spot_finder
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.instrument_file.load import parse_instrument, shipped_instrument
from beamgym.hardware_bridge.practice.simulated import practice_sample
from beamgym.hardware_bridge.presence import Presence, counts_presence, crystal_presence, spectrum_presence
from beamgym.hardware_bridge.presence.spectrum import features_sigma
from beamgym.physics.instrument import AcquireSettings, Peaks

ONE = np.ones(1, dtype=np.bool_)
EXPOSURE_S = 10.0
CRYSTALS = ("Si", "Al2O3", "quartz", "YBa2Cu3O7", "kyanite")


def file_of(kind: str, **changes: Any) -> InstrumentFile:
    content = yaml.safe_load(shipped_instrument(f"{kind}_soft_ioc").read_text(encoding="utf-8"))
    content[kind].update(changes)
    return parse_instrument(content)


def clean_frames(kind: str, options: dict[str, Any], episodes: int, each: int, dwells: tuple[float, ...] = ()) -> Any:
    """Yield the images of simulated episodes: where they begin, and then anywhere within the axes' travel."""
    world = practice_sample(kind, options).world
    keys, rng = EpisodeKeys(1), np.random.default_rng(0)
    keys.reseed([1], np.random.default_rng)
    low, high = np.array([axis.limits for axis in world.axes]).T
    for _ in range(episodes):
        world.reset(keys.next(ONE), ONE)
        for number in range(each):
            target = rng.uniform(low, high)
            seconds = EXPOSURE_S
            if dwells:
                target[-1] = seconds = dwells[number % len(dwells)]
            if number or dwells:
                world.move(target[None], ONE)
            yield np.asarray(world.acquire(AcquireSettings(exposure_s=seconds), ONE).image), seconds


def laue_findings(crystal: str, level: str, episodes: int, each: int = 4) -> list[Presence]:
    """Test the clean frames of a crystal with both finders: a simulation's, and that of hardware."""
    file = file_of("laue", crystal=crystal)
    hardware = file.model_copy(update={"simulation": False})
    test, finders = crystal_presence(file), (spot_finder(file), spot_finder(hardware))
    frames = clean_frames("laue", {"crystal": crystal, "level": level}, episodes, each)
    return [test(image[0], finder(image), seconds) for image, seconds in frames for finder in finders]


def arpes_findings(level: str, episodes: int, each: int = 4) -> list[Presence]:
    """Test the clean spectra of a level, of the shortest dwell and of a usual one."""
    test = spectrum_presence(file_of("arpes"))
    frames = clean_frames("arpes", {"level": level, "size": 64}, episodes, each, (0.05, 0.5))
    return [test(image[0], None, seconds) for image, seconds in frames]


@pytest.mark.parametrize(("crystal", "level"), [("Si", "real"), ("quartz", "hard")])
def test_a_crystal_is_seen_on_clean_frames(crystal: str, level: str):
    assert all(finding.there for finding in laue_findings(crystal, level, 2))


@pytest.mark.parametrize("level", ["easy", "hard"])
def test_a_spectrum_is_seen_on_clean_frames_also_beside_the_best_spot(level: str):
    assert all(finding.there for finding in arpes_findings(level, 5))


@pytest.mark.slow
@pytest.mark.parametrize("level", ["easy", "real", "hard"])
def test_at_most_one_clean_frame_in_200_is_without_its_crystal(level: str):
    findings = [finding for crystal in CRYSTALS for finding in laue_findings(crystal, level, 9)]
    assert len(findings) >= 360
    assert sum(not finding.there for finding in findings) <= 0.005 * len(findings)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["easy", "real", "hard"])
def test_at_most_one_clean_spectrum_in_200_is_without_features(level: str):
    findings = arpes_findings(level, 125)
    assert len(findings) == 500
    assert sum(not finding.there for finding in findings) <= 0.005 * len(findings)


def bare_frames(kind: str, count: int = 4, **options: Any) -> list[np.ndarray]:
    sample = practice_sample(kind, options)
    size = sample.world.context.detector.shape if kind == "laue" else (64, 64)
    return [sample.bare(number, size, EXPOSURE_S) for number in range(1, count + 1)]


@pytest.mark.parametrize("crystal", ["Si", "kyanite"])
def test_background_and_stray_spots_are_no_crystal(crystal: str):
    file = file_of("laue", crystal=crystal)
    test = crystal_presence(file)
    for simulation in (True, False):
        find = spot_finder(file.model_copy(update={"simulation": simulation}))
        for image in bare_frames("laue"):
            found = find(image[None])
            assert int(found.count[0]) >= 8
            finding = test(image, found, EXPOSURE_S)
            assert not finding.there
            assert f"no orientation of {crystal} explains the" in finding.says


def test_seven_spots_are_too_few_whatever_they_are():
    few = Peaks(np.zeros((1, 9, 2), np.float32), np.ones((1, 9), np.float32), np.array([7]), np.zeros((1, 9), np.bool_))
    finding = crystal_presence(file_of("laue"))(np.zeros((4, 4)), few, EXPOSURE_S)
    assert (finding.there, finding.says) == (False, "7 spots, fewer than the 8 that show a crystal")


def test_a_flat_spectrum_shows_nothing_whatever_its_unit():
    test = spectrum_presence(file_of("arpes"))
    for unit in (1.0, 1e-3, 250.0):
        assert not any(test(unit * image, None, EXPOSURE_S).there for image in bare_frames("arpes", 20))


@pytest.mark.parametrize("unit", [1e-3, 1.0, 250.0])
def test_a_spectrums_features_are_the_same_in_every_unit(unit: float):
    image, _ = next(clean_frames("arpes", {"level": "hard", "size": 64}, 1, 1, (0.05,)))
    assert features_sigma(unit * image[0]) == pytest.approx(features_sigma(image[0]), rel=1e-5)


def test_a_spectrum_of_one_value_shows_nothing_and_one_without_noise_everything():
    assert features_sigma(np.full((8, 8), 3.0)) == 0.0
    assert features_sigma(np.repeat(np.arange(8.0)[:, None], 8, axis=1)) == np.inf


@pytest.mark.parametrize(
    ("counts", "background_per_s", "there"), [(0, 0.0, False), (5, 0.0, True), (90, 9.0, False), (140, 9.0, True)]
)
def test_a_counter_counts_above_its_background(counts: int, background_per_s: float, there: bool):
    file = file_of("arpes")
    detector = file.detector.model_copy(update={"background_per_s": background_per_s})
    test = counts_presence(file.model_copy(update={"detector": detector}))
    assert test(np.array([[counts]]), None, EXPOSURE_S).there == there


def test_the_kinds_have_their_tests():
    assert presence_of(file_of("laue")) is not None
    assert presence_of(file_of("arpes")) is not None
