"""Networks that tell the ground under peaks: what they learn from, and a bundle that answers as its network did."""

import numpy as np
import pytest

from beamgym.agents.denoising import profile_fit
from beamgym.agents.denoising.ground import GroundConfig, GroundTrainer, finish_ground, load_ground_config
from beamgym.agents.denoising.ground.data import GroundScene, draw_places, ground_scenes
from beamgym.agents.training import RunFolder
from beamgym.envs.denoising import GroundNetwork
from beamgym.physics.scenes import DiffractionScenes

TINY = GroundConfig(frames=40, places=4, batch=32, steps=6, epochs=3, width=24)


@pytest.fixture(scope="module")
def scenes():
    return ground_scenes(TINY, "train", 0, 20)


def test_satellites_are_taken_out_of_the_ground():
    scene = DiffractionScenes("test").at(3, 0, 40.0)
    with_it, without = scene.rate.astype(float), GroundScene.of(scene).ground
    assert (with_it - without).sum() == pytest.approx(scene.peaks[:, 2].sum(), rel=0.02)
    assert (without > 0.0).all()


def test_places_depend_on_seed_and_epoch_only(scenes):
    one, two = (draw_places(scenes, TINY, 5, 1, 50) for _ in range(2))
    assert np.array_equal(one.told, two.told)
    assert not np.array_equal(one.told, draw_places(scenes, TINY, 5, 2, 50).told)


def test_the_level_beside_a_peak_is_near_the_ground_under_it(scenes):
    found = draw_places(scenes, TINY, 0, 0, 200)
    assert np.median(found.level / found.ground) == pytest.approx(1.0, abs=0.1)
    assert (found.pixels > 8.0).all()


def test_a_bundle_answers_as_its_network_did_and_its_intervals_hold(tmp_path):
    trainer = GroundTrainer(TINY, RunFolder(tmp_path / "run"), 0)
    trainer.run()
    bundle = finish_ground(trainer, tmp_path / "ground", "beamgym train ground-diffraction")
    network = GroundNetwork.load(bundle)
    checks = trainer.checks
    ground, said = network.ground(checks.told, checks.level)
    spread = float(network.model.manifest.encoder.parameters["spread"])
    assert np.mean(np.abs(ground / checks.ground - 1.0) <= spread * said) == pytest.approx(0.683, abs=0.02)


def test_an_unknown_one_is_refused():
    with pytest.raises(ValueError, match="choose one of ground-diffraction"):
        load_ground_config("ground-sans")


def test_the_fit_of_a_profile_finds_a_peak_over_a_plane():
    rows, columns = np.mgrid[:60, :60]
    shares = np.exp(-0.5 * (((columns - 30.4) / 2.0) ** 2 + ((rows - 28.7) / 4.0) ** 2)) / (2.0 * np.pi * 8.0)
    frame = 3.0 + 0.02 * columns - 0.01 * rows + 50.0 * shares
    found = profile_fit(frame, np.array([30.4, 28.7, 0.0, 2.0, 4.0]), 4.0, 1)
    assert found.counts == pytest.approx(50.0, rel=1e-6)
    assert 5.0 < found.uncertainty < 25.0
