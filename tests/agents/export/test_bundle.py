"""A bundle answers as the SB3 model it came from, and says where it came from."""

import json

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO, SAC, TD3
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from beamgym.agents.decisions.own import predict_raw
from beamgym.agents.export.bundle import Origin, export_bundle
from beamgym.agents.training.sb3_vec import NativeVecEnv
from beamgym.envs.bundles.model import OnnxModel

ORIGIN = Origin(env_id="beamgym/LaueAlign-v0", command="beamgym train", seeds=(0, 255), steps=10)
UNSEEN = np.random.default_rng(11)


def three_motor_observations(n):
    return {
        "offset": UNSEEN.uniform(-4, 4, (n, 3)).astype(np.float32),
        "budget": UNSEEN.uniform(0, 1, (n, 1)).astype(np.float32),
    }


def normalised(env, observations):
    wrapped = VecNormalize(env)
    for name, values in observations.items():
        wrapped.obs_rms[name].update(3.0 * values + 1.0)
    return wrapped


@pytest.fixture
def ppo(make_three_motors):
    env = NativeVecEnv(make_three_motors(4))
    return PPO("MultiInputPolicy", env, n_steps=8, batch_size=16, n_epochs=1, seed=0, device="cpu").learn(32)


def export(model, path, **more):
    space = more.pop("space", model.observation_space)
    observations = more.pop("observations", None) or three_motor_observations(220)
    return export_bundle(model, None, path, origin=ORIGIN, observations=observations, observation_space=space, **more)


def test_ppo_with_a_normaliser_gives_sb3s_actions_at_unseen_observations(tmp_path, ppo, make_three_motors):
    normaliser = normalised(NativeVecEnv(make_three_motors(1)), three_motor_observations(100))
    bundle = OnnxModel.load(export(ppo, tmp_path / "motors", normaliser=normaliser))
    unseen = three_motor_observations(300)
    expected = predict_raw(ppo, normaliser, unseen)
    np.testing.assert_allclose(bundle.predict(unseen), expected, atol=1e-5)
    np.testing.assert_allclose(bundle.predict(unseen, batch=None), expected, atol=1e-5)
    assert not np.allclose(predict_raw(ppo, None, unseen), expected, atol=1e-2), "the normaliser must matter here"


def test_squashed_actors_and_gsde_are_rescaled_to_the_box(tmp_path, make_three_motors):
    env = make_three_motors(1)
    wide = spaces.Box(np.array([-3, 0, -1, -1], np.float32), np.array([1, 5, 1, 1], np.float32))
    env.single_action_space = wide
    models = {
        "sac": SAC("MultiInputPolicy", NativeVecEnv(env), seed=0, device="cpu"),
        "td3": TD3("MultiInputPolicy", NativeVecEnv(env), seed=0, device="cpu"),
        "gsde": PPO(
            "MultiInputPolicy", NativeVecEnv(env), use_sde=True, policy_kwargs={"squash_output": True}, device="cpu"
        ),
    }
    unseen = three_motor_observations(300)
    for name, model in models.items():
        action = OnnxModel.load(export(model, tmp_path / name)).predict(unseen)
        np.testing.assert_allclose(action, predict_raw(model, None, unseen), atol=1e-5)
        assert np.all(action >= wide.low)
        assert np.all(action <= wide.high)


class Flat(gym.Env):
    """An environment with a plain Box observation."""

    observation_space = spaces.Box(-1, 1, (5,), np.float32)
    action_space = spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 0.0, False, False, {}


def test_a_plain_box_observation_is_the_input_named_observation(tmp_path):
    model = PPO("MlpPolicy", VecNormalize(DummyVecEnv([Flat])), device="cpu")
    unseen = {"observation": UNSEEN.uniform(-1, 1, (250, 5)).astype(np.float32)}
    path = export(model, tmp_path / "flat", observations=unseen, normaliser=model.get_vec_normalize_env())
    np.testing.assert_allclose(
        OnnxModel.load(path).predict(unseen), predict_raw(model, model.get_vec_normalize_env(), unseen), atol=1e-5
    )


class Pictures(Flat):
    """An environment with an image beside numbers."""

    observation_space = spaces.Dict(
        {"image": spaces.Box(0, 255, (84, 84, 1), np.uint8), "budget": spaces.Box(0, 1, (1,), np.float32)}
    )


def test_images_are_transposed_inside_the_graph(tmp_path):
    model = PPO("MultiInputPolicy", DummyVecEnv([Pictures]), n_steps=8, batch_size=8, device="cpu")
    assert model.observation_space["image"].shape == (1, 84, 84), "SB3 puts the channel first"
    unseen = {
        "image": UNSEEN.integers(0, 256, (200, 84, 84, 1), dtype=np.uint8),
        "budget": UNSEEN.uniform(0, 1, (200, 1)).astype(np.float32),
    }
    path = export(model, tmp_path / "pictures", observations=unseen, space=Pictures.observation_space)
    np.testing.assert_allclose(OnnxModel.load(path).predict(unseen), predict_raw(model, None, unseen), atol=1e-5)


class Direction(BaseFeaturesExtractor):
    """Features that divide by a length kept from 0 by a number of the size that optimisers take for 0."""

    def __init__(self, observation_space):
        super().__init__(observation_space, features_dim=3)

    def forward(self, observations):
        offset = observations["offset"]
        return offset / torch.sqrt((offset**2).sum(-1, keepdim=True) + 1e-18)


def test_a_tiny_summand_that_guards_a_division_survives_the_export(tmp_path, make_three_motors):
    options = {"features_extractor_class": Direction}
    model = PPO("MultiInputPolicy", NativeVecEnv(make_three_motors(1)), policy_kwargs=options, device="cpu")
    seen = three_motor_observations(200)
    seen["offset"][:5] = 0.0
    action = OnnxModel.load(export(model, tmp_path / "direction", observations=seen)).predict(seen)
    np.testing.assert_allclose(action, predict_raw(model, None, seen), atol=1e-5)


def test_an_export_leaves_the_model_as_it_was(tmp_path, ppo):
    ppo.policy.set_training_mode(True)
    export(ppo, tmp_path / "motors")
    assert ppo.policy.training
    ppo.learn(32)


def test_the_manifest_names_its_origin_and_the_card_its_command(tmp_path, ppo):
    path = export(ppo, tmp_path / "motors")
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["training"] == {"command": "beamgym train", "algorithm": "PPO", "seeds": [0, 255], "steps": 10}
    assert manifest["observation_space"]["offset"] == {"shape": [3], "dtype": "float32", "low": -4.0, "high": 4.0}
    assert set(manifest["files"]) == {"policy.onnx", "reference.npz", "CARD.md"}
    assert "beamgym train" in (path / "CARD.md").read_text()


def test_nothing_is_left_behind_when_the_export_fails(tmp_path, ppo):
    with pytest.raises(ValueError, match="at least 200"):
        export(ppo, tmp_path / "motors", observations=three_motor_observations(50))
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_replaced_only_on_request(tmp_path, ppo):
    path = export(ppo, tmp_path / "motors")
    with pytest.raises(ValueError, match="exists"):
        export(ppo, path)
    export(ppo, path, card="# new", overwrite=True)
    assert (path / "CARD.md").read_text() == "# new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["motors"]


def test_a_policy_of_many_yes_or_no_actions_is_refused(tmp_path):
    class Switches(Flat):
        action_space = spaces.MultiBinary(3)

    model, seen = (
        PPO("MlpPolicy", DummyVecEnv([Switches]), device="cpu"),
        {"observation": np.zeros((200, 5), np.float32)},
    )
    with pytest.raises(TypeError, match="a Box, Discrete or MultiDiscrete, found MultiBinary"):
        export(model, tmp_path / "x", observations=seen)
