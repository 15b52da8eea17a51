"""A bundle answers as the model it came from, for every algorithm over every kind of observation."""

import sys

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from beamgym.agents.beliefs.extractors import AlignExtractor
from beamgym.agents.decisions.algorithms import ALGORITHMS, find_algorithm
from beamgym.agents.decisions.deterministic import DeterministicPolicy
from beamgym.agents.decisions.own import predict_raw
from beamgym.agents.export.bundle import Origin, export_bundle
from beamgym.envs.bundles.model import OnnxModel

ORIGIN = Origin(env_id="beamgym/LaueAlign-v0", command="beamgym train", seeds=(0, 255), steps=8)
ACTION = spaces.Box(np.array([-3, 0, -1, -1], np.float32), np.array([1, 5, 1, 0.5], np.float32))
ROWS = 260  # what the export sees, and as many that it does not
GENERATOR = np.random.default_rng(4)


def uniform(low, high, *shape):
    return GENERATOR.uniform(low, high, (2 * ROWS, *shape)).astype(np.float32)


def laue_observations():
    envs = gym.make_vec("beamgym/LaueAlign-v0", num_envs=52, vectorization_mode="vector_entry_point", level="easy")
    parts = [envs.reset(seed=900)[0]]
    while len(parts) < 10:
        parts.append(envs.step(GENERATOR.uniform(-1, 1, (52, 4)).astype(np.float32))[0])
    envs.close()
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, envs.single_observation_space


def flat():
    return {"observation": uniform(-9, 9, 5)}, spaces.Box(-np.inf, np.inf, (5,), np.float32)


def named():
    space = {"offset": spaces.Box(-4, 4, (3,), np.float32), "budget": spaces.Box(0, 1, (1,), np.float32)}
    return {"offset": uniform(-4, 4, 3), "budget": uniform(0, 1, 1)}, spaces.Dict(space)


def image():
    picture = GENERATOR.integers(0, 256, (2 * ROWS, 36, 36, 1), dtype=np.uint8)
    return {"observation": picture}, spaces.Box(0, 255, (36, 36, 1), np.uint8)


class TinyCnn(BaseFeaturesExtractor):
    """Two convolutions, small enough for images that SB3's own cannot take."""

    def __init__(self, observation_space):
        super().__init__(observation_space, features_dim=4 * 8 * 8)
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 5, stride=2), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 2, stride=2), torch.nn.Flatten()
        )

    def forward(self, observations):
        return self.layers(observations)


SPOTS = {"width": 8, "entries": 12, "map_pixels": 8, "channels": 2}
KINDS = {
    "mlp-flat": (flat, "MlpPolicy", {}, True),
    "mlp-dict": (named, "MultiInputPolicy", {}, True),
    "spot-set": (
        laue_observations,
        "MultiInputPolicy",
        {"features_extractor_class": AlignExtractor, "features_extractor_kwargs": SPOTS},
        False,
    ),
    "cnn-image": (image, "CnnPolicy", {"features_extractor_class": TinyCnn}, False),
}
"""Each kind of observation: its numbers and space, the policy, its extractor, and whether it is normalised."""


@pytest.fixture(scope="module")
def recorded():
    """Each kind's observations by name, made once and when first asked for."""

    class Lazy(dict):
        def __missing__(self, kind):
            self[kind] = KINDS[kind][0]()
            return self[kind]

    return Lazy()


class Recorded(gym.Env):
    """Gives recorded observations one after the other, whatever is done."""

    action_space = ACTION

    def __init__(self, observations, space):
        self.observation_space = space
        self.rows, self.at = observations, 0

    def row(self):
        self.at = (self.at + 1) % ROWS
        row = {name: values[self.at] for name, values in self.rows.items()}
        return row if isinstance(self.observation_space, spaces.Dict) else row["observation"]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.row(), {}

    def step(self, action):
        return self.row(), float(action[0]), False, False, {}


def trained(name, kind, observations, space):
    _, policy, extractor, normalised = KINDS[kind]
    env = DummyVecEnv([lambda: Recorded(observations, space)])
    if normalised:
        env = VecNormalize(env)
    options = {"n_steps": 8, "batch_size": 4, "n_epochs": 1}
    if name != "PPO":
        options = {"buffer_size": 20, "learning_starts": 4, "batch_size": 4}
    network = {**extractor, "net_arch": [8, 8]}
    algorithm = find_algorithm(name)
    return algorithm(policy, env, policy_kwargs=network, seed=1, device="cpu", **options).learn(8)


def spread(model, observations):
    """Scale and shift the actor's last layer, so that the actions vary over the Box.

    Its rows stay no longer than 1, near those of an ordinary layer (PPO begins with 0.01, SAC with about 0.6). With
    rows of length 2 the spot-set features' own float32 noise shows as 1.3e-5 in the action, with longer ones as more.
    """
    last = model.policy.action_net if hasattr(model.policy, "action_net") else model.policy.actor.mu
    caught = []
    hook = last.register_forward_hook(lambda layer, given, answer: caught.append(answer.detach()))
    predict_raw(model, model.get_vec_normalize_env(), observations)
    hook.remove()
    scale = torch.minimum(1.5 / caught[-1].std(dim=0), 1.0 / last.weight.detach().norm(dim=1))
    with torch.no_grad():
        last.bias.copy_((last.bias - caught[-1].mean(dim=0)) * scale)
        last.weight.mul_(scale[:, None])


SLOW = {("SAC", "spot-set"), ("TQC", "spot-set"), ("SAC", "mlp-dict"), ("TQC", "mlp-flat"), ("TQC", "cnn-image")}
"""Every algorithm and every kind is met without them: PPO exports each kind, SAC and TQC each their own heads."""
CASES = [
    pytest.param(name, kind, marks=[pytest.mark.slow] if (name, kind) in SLOW else [], id=f"{name}-{kind}")
    for name in ("PPO", "SAC", "TQC")
    for kind in KINDS
]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_bundle_answers_as_its_model(tmp_path, recorded, name, kind):
    """The export is one call, and its answers are compared where it did not compare them itself."""
    if name == "TQC":
        pytest.importorskip("sb3_contrib", reason="the extra contrib is not installed")
    observations, space = recorded[kind]
    model = trained(name, kind, observations, space)
    spread(model, observations)
    seen = {part: values[:ROWS] for part, values in observations.items()}
    unseen = {part: values[ROWS:] for part, values in observations.items()}

    bundle = OnnxModel.load(export_bundle(model, None, tmp_path / "agent", origin=ORIGIN, observations=seen))

    expected = predict_raw(model, model.get_vec_normalize_env(), unseen)
    assert len(expected) >= 200
    np.testing.assert_allclose(bundle.predict(unseen), expected, rtol=0, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 0.1, "the actions must differ for the comparison to say anything"
    assert np.all(expected >= ACTION.low)
    assert np.all(expected <= ACTION.high)
    assert bundle.manifest.training.algorithm == name
    normalised = KINDS[kind][-1]
    assert bundle.manifest.normaliser == ("inside the graph" if normalised else "none")
    if normalised:
        assert np.abs(bundle.predict(unseen) - predict_raw(model, None, unseen)).max() > 0.01


def test_an_export_without_observations_draws_them_from_the_space(tmp_path, recorded):
    model = trained("PPO", "mlp-flat", *recorded["mlp-flat"])
    path = export_bundle(model, None, tmp_path / "agent", origin=ORIGIN)
    with np.load(path / "reference.npz", allow_pickle=False) as pairs:
        assert pairs["observation/observation"].shape == (200, 5)
    unseen = recorded["mlp-flat"][0]
    expected = predict_raw(model, model.get_vec_normalize_env(), unseen)
    np.testing.assert_allclose(OnnxModel.load(path).predict(unseen), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_algorithms_name_finds_its_class_in_any_case(name):
    if name in ("TQC", "CrossQ", "TRPO", "QRDQN", "RecurrentPPO"):
        pytest.importorskip("sb3_contrib", reason="the extra contrib is not installed")
    assert find_algorithm(name.lower()).__name__ == name


def test_without_the_extra_tqc_is_refused_with_the_command_that_installs_it(monkeypatch, recorded):
    monkeypatch.setitem(sys.modules, "sb3_contrib", None)
    monkeypatch.setitem(sys.modules, "sb3_contrib.tqc.policies", None)
    with pytest.raises(ValueError, match=r"pip install 'beamgym\[contrib\]'") as caught:
        find_algorithm("TQC")
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="choose from PPO, A2C, SAC, TD3, DDPG, DQN, TQC"):
        find_algorithm("ARS")
    observations, space = recorded["mlp-dict"]
    model = trained("SAC", "mlp-dict", observations, space)
    assert DeterministicPolicy(model, space).way == "gaussian", "SAC does not need the extra"


def test_a_wide_action_is_compared_by_its_own_size(tmp_path, recorded, monkeypatch):
    """Degrees up to 180 in float32 are exact to 1e-5 at best, so the bar grows with the Box."""
    wide = spaces.Box(-180, 180, (4,), np.float32)
    monkeypatch.setattr(Recorded, "action_space", wide)
    observations, space = recorded["mlp-flat"]
    model = trained("SAC", "mlp-flat", observations, space)
    spread(model, observations)
    bundle = OnnxModel.load(export_bundle(model, None, tmp_path / "agent", origin=ORIGIN))
    expected = predict_raw(model, model.get_vec_normalize_env(), observations)
    np.testing.assert_allclose(bundle.predict(observations), expected, rtol=0, atol=180e-5)
    assert np.ptp(expected) > 100
