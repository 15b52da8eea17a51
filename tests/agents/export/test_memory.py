"""What a model saw through SB3's wrappers, what it remembers and what it chooses: played by its bundle as by itself."""

import copy

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers import FlattenObservation, RescaleObservation
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.vec_env import DummyVecEnv, VecExtractDictObs, VecFrameStack, VecMonitor, VecNormalize

from beamgym.agents.export.bundle import Origin, export_bundle
from beamgym.agents.policies import BundlePolicy
from beamgym.envs.bundles import OnnxModel

ORIGIN = Origin(env_id="beamgym/LaueAlign-v0", command="beamgym train", seeds=(0, 255))
FLAT = spaces.Box(-5, 5, (3,), np.float32)
PARTS = spaces.Dict({"turn": spaces.Box(-4, 4, (2,), np.float32), "budget": spaces.Box(0, 1, (1,), np.float32)})
IMAGE = spaces.Box(0, 255, (36, 36, 1), np.uint8)
BOX, CHOICE = spaces.Box(-2, 3, (2,), np.float32), spaces.Discrete(4)
LANES, STEPS = 3, 14


class Drawn(gym.Env):
    """Gives observations drawn from its space, whatever is done, and ends after 4 steps, then 5, 6, …"""

    def __init__(self, observation_space, action_space, seed):
        self.observation_space, self.action_space = observation_space, action_space
        self.random, self.episodes, self.left, self.given = np.random.default_rng(seed), 3, 0, []

    def draw(self, space):
        if isinstance(space, spaces.Dict):
            return {name: self.draw(part) for name, part in space.items()}
        values = self.random.uniform(space.low, space.high, space.shape)
        return (
            (values if space.dtype == np.uint8 else values**3 / 4 + 1).clip(space.low, space.high).astype(space.dtype)
        )

    def reset(self, *, seed=None, options=None):
        self.episodes += 1
        self.left = self.episodes
        self.given.append(self.draw(self.observation_space))
        return self.given[-1], {}

    def step(self, action):
        self.left -= 1
        self.given.append(self.draw(self.observation_space))
        return self.given[-1], float(self.left), self.left == 0, False, {}


def vector(seen, done, wrap=lambda env: env):
    return DummyVecEnv([lambda i=i: wrap(Drawn(seen, done, i)) for i in range(LANES)])


def learner(algorithm, policy, env, **options):
    if algorithm in (PPO,) or "Recurrent" in algorithm.__name__:
        options = {"n_steps": 8, "batch_size": 8, "n_epochs": 1, **options}
    else:
        options = {"buffer_size": 50, "learning_starts": 9, "batch_size": 4, **options}
    options = copy.deepcopy(options)  # SB3 writes into the dictionaries it is given
    model = algorithm(policy, env, seed=1, device="cpu", **options).learn(48)
    if hasattr(model.policy, "action_net"):
        model.policy.action_net.weight.data.mul_(50)  # it begins near zero, and then nothing changes an action
    return model


def contrib(name):
    return getattr(pytest.importorskip("sb3_contrib", reason="the extra contrib is not installed"), name)


NET = {"policy_kwargs": {"net_arch": [8]}}
LSTM = {"policy_kwargs": {"net_arch": [8], "lstm_hidden_size": 6, "n_lstm_layers": 2}}
MADE = {
    "choices of a normalised DQN": lambda: learner(DQN, "MlpPolicy", VecNormalize(vector(FLAT, CHOICE)), **NET),
    "quantiles over frames of parts": lambda: learner(
        contrib("QRDQN"),
        "MultiInputPolicy",
        VecFrameStack(vector(PARTS, CHOICE), 2),
        policy_kwargs={"net_arch": [8], "n_quantiles": 5},
    ),
    "several choices over normalised frames": lambda: learner(
        PPO,
        "MlpPolicy",
        VecFrameStack(VecNormalize(VecMonitor(vector(FLAT, spaces.MultiDiscrete([2, 3])))), 3),
        **NET,
    ),
    "frames that are normalised together": lambda: learner(
        PPO, "MlpPolicy", VecNormalize(VecFrameStack(vector(FLAT, BOX), 3)), **NET
    ),
    "frames of an image": lambda: learner(
        PPO,
        "CnnPolicy",
        VecFrameStack(vector(IMAGE, BOX), 4),
        policy_kwargs={"features_extractor_kwargs": {"features_dim": 8}},
    ),
    "a recurrent policy of normalised parts": lambda: learner(
        contrib("RecurrentPPO"), "MultiInputLstmPolicy", VecNormalize(vector(PARTS, BOX)), **LSTM
    ),
    "recurrent choices over frames": lambda: learner(
        contrib("RecurrentPPO"), "MlpLstmPolicy", VecFrameStack(vector(FLAT, CHOICE), 2), **LSTM
    ),
    "flattened parts": lambda: learner(SAC, "MlpPolicy", vector(PARTS, BOX, FlattenObservation), **NET),
    "a crossed critic": lambda: learner(contrib("CrossQ"), "MlpPolicy", vector(FLAT, BOX), **NET),
}
SLOW = {"frames that are normalised together", "recurrent choices over frames", "a crossed critic"}


def played(model):
    """Let a model play through its own wrappers: raw observations (t, lanes, ...), actions, beginnings."""
    env = model.get_env()
    normaliser = model.get_vec_normalize_env()
    if normaliser is not None:
        normaliser.training = False
    inner = [one.unwrapped for one in env.unwrapped.envs]
    seen, state, begins = env.reset(), None, np.ones(LANES, np.bool_)
    raw, actions, starts = [], [], []
    for _ in range(STEPS):
        raw.append([one.given[-1] for one in inner])
        starts.append(begins)
        action, state = model.predict(seen, state, begins, deterministic=True)
        actions.append(action)
        seen, _, begins, _ = env.step(action)
    return raw, actions, starts


def rows(parts):
    if isinstance(parts[0], dict):
        return {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    return {"observation": np.stack(parts)}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in MADE]
)
def test_a_bundle_plays_episodes_as_its_model_does_behind_its_wrappers(tmp_path, name):
    model = MADE[name]()
    bundle = OnnxModel.load(export_bundle(model, None, tmp_path / "agent", origin=ORIGIN))
    policy, compared = BundlePolicy(bundle), []
    memory = policy.start(None, LANES)
    for raw, expected, begins in zip(*played(model), strict=True):
        fresh = policy.start(None, LANES)
        memory = [new if begun else kept for new, kept, begun in zip(fresh, memory, begins, strict=True)]
        action, memory = policy.act(rows(raw), memory)
        assert action.dtype == expected.dtype
        np.testing.assert_allclose(action, expected, rtol=0, atol=1e-5)
        compared.append(action)
    assert len(np.unique(np.concatenate(compared), axis=0)) > 1, "the actions must differ to say anything"
    bundle.check_spaces(
        *(getattr(model.get_env().unwrapped.envs[0].unwrapped, f"{it}_space") for it in ("observation", "action"))
    )
    assert bool(bundle.manifest.memory) == ("frames" in name or "recurrent" in name)
    assert bundle.manifest.normaliser == ("inside the graph" if "normalised" in name else "none")


def test_a_memory_is_carried_or_refused_and_never_forgotten_in_silence(tmp_path):
    model = learner(PPO, "MlpPolicy", VecFrameStack(vector(FLAT, BOX), 2), **NET)
    bundle = OnnxModel.load(export_bundle(model, None, tmp_path / "agent", origin=ORIGIN))
    with pytest.raises(ValueError, match=r"has a memory: call step\(observation, state\)"):
        bundle.predict({"observation": np.zeros((1, 3), np.float32)})
    with pytest.raises(ValueError, match="'state/frames_observation' is missing"):
        bundle.step({"observation": np.zeros((1, 3), np.float32)}, {})
    assert bundle.start(2)["frames_observation"].shape == (2, 3)


def test_a_model_of_which_nobody_says_what_it_saw_is_refused(tmp_path):
    env = VecNormalize(vector(FLAT, BOX))
    learner(PPO, "MlpPolicy", env, **NET).save(tmp_path / "model.zip")
    loaded = PPO.load(tmp_path / "model.zip", device="cpu")
    more = {"origin": ORIGIN, "observation_space": FLAT}
    with pytest.raises(ValueError, match=r"nothing tells whether its observations were normalised: call .*set_env"):
        export_bundle(loaded, None, tmp_path / "silent", **more)
    told = OnnxModel.load(export_bundle(loaded, None, tmp_path / "told", normaliser=env, **more))
    assert told.manifest.normaliser == "inside the graph"
    seen = {"observation": np.full((1, 3), 4.0, np.float32)}
    np.testing.assert_allclose(
        told.predict(seen), loaded.predict(env.normalize_obs(seen["observation"]), deterministic=True)[0], atol=1e-5
    )


def strange(env):
    return RescaleObservation(env, -1, 1)


def test_a_wrapper_that_a_bundle_would_lack_is_refused_by_name(tmp_path):
    model = PPO("MlpPolicy", vector(FLAT, BOX, strange), device="cpu")
    with pytest.raises(ValueError, match="saw its environment through RescaleObservation, which a bundle would lack"):
        export_bundle(model, None, tmp_path / "agent", origin=ORIGIN)
    model = PPO("MlpPolicy", VecExtractDictObs(vector(PARTS, BOX), "turn"), device="cpu")
    with pytest.raises(ValueError, match="VecExtractDictObs"):
        export_bundle(model, None, tmp_path / "agent", origin=ORIGIN)
    assert not list(tmp_path.iterdir())


def test_frames_without_their_environment_and_masks_are_refused(tmp_path):
    stacked = PPO("MlpPolicy", VecFrameStack(vector(FLAT, BOX), 2), device="cpu")
    stacked.env = None
    with pytest.raises(ValueError, match=r"sees 'observation' as \(6,\), the environment gives \(3,\)"):
        export_bundle(stacked, None, tmp_path / "agent", origin=ORIGIN, observation_space=FLAT, normaliser=False)
    masked = contrib("MaskablePPO")("MlpPolicy", vector(FLAT, CHOICE), device="cpu")
    with pytest.raises(TypeError, match="a mask of allowed actions is no part of the observation"):
        export_bundle(masked, None, tmp_path / "agent", origin=ORIGIN)
