"""A name leads to one policy, and a wrong name to the nearest right one."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from stable_baselines3 import PPO

from beamgym.agents.baselines.align import BASELINES
from beamgym.agents.evaluation.evaluator import evaluate_in
from beamgym.agents.evaluation.seeds import first_seed
from beamgym.agents.export.bundle import Origin, export_bundle
from beamgym.agents.policies import find as module
from beamgym.agents.policies.bundle import BundlePolicy
from beamgym.agents.policies.find import find_bundle, find_policy, policy_names
from beamgym.agents.training.sb3_vec import NativeVecEnv
from beamgym.envs.checks import check_policy
from beamgym.envs.policy import CannotPlay, Policy

ID = "beamgym/ThreeMotors-v0"


def export(make_three_motors, path, seeds=(0, 100)):
    env = NativeVecEnv(make_three_motors(1))
    model = PPO("MultiInputPolicy", env, n_steps=8, batch_size=8, device="cpu", seed=0)
    rng = np.random.default_rng(0)
    seen = {
        "offset": rng.uniform(-4, 4, (200, 3)).astype(np.float32),
        "budget": rng.uniform(0, 1, (200, 1)).astype(np.float32),
    }
    origin = Origin(env_id=ID, command="x", seeds=seeds)
    return export_bundle(model, None, path, origin=origin, observations=seen, observation_space=env.observation_space)


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "files", lambda package: tmp_path / "zoo")
    return tmp_path / "zoo"


def test_every_baseline_is_found_by_the_name_it_has_in_tables():
    laue = {"random", "no-op", "true-pose", "nelder-mead", "index-and-move", "index-and-refine", "calibrating"}
    assert set(BASELINES) == laue
    for name in BASELINES:
        policy = find_policy(name, ID)
        assert policy.name == name
        assert isinstance(policy, Policy)
        assert policy.oracle == (name == "true-pose")
    assert policy_names()[0] == "shipped"


@pytest.mark.parametrize(
    ("env_id", "options"),
    [
        ("beamgym/LaueAlign-v0", {}),
        ("beamgym/LaueAlign-v1", {}),
        ("beamgym/LaueAlign-v1", {"observation": "estimate", "flat": True}),
        ("beamgym/ArpesSpot-v0", {"surfaces": 2}),
    ],
)
def test_the_shipped_bundles_keep_the_contract_of_a_policy(env_id, options):
    seen = gym.make_vec(env_id, num_envs=1, vectorization_mode="vector_entry_point", **options).single_observation_space
    check_policy(find_policy("shipped", env_id, observation=seen), env_id, **options)


def test_of_several_shipped_bundles_the_one_is_taken_that_observes_what_is_shown():
    flat = spaces.Box(-1.0, 1.0, (8,))
    plain, estimate = (find_policy("shipped", "beamgym/LaueAlign-v1", observation=seen) for seen in (None, flat))
    assert "spots" in plain.model.manifest.observation_space
    assert estimate.model.manifest.encoder.parameters == {"flat": ["estimate"]}


def test_a_saved_model_is_told_how_it_becomes_a_policy():
    with pytest.raises(
        ValueError, match=r"laue-align-ppo.zip: a saved SB3 model is no policy; wrap it as module:Class"
    ):
        find_policy("runs/laue-align-ppo.zip", ID)


def test_a_wrong_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'nelder-mead'"):
        find_policy("neldermead", ID)


def test_a_bundle_is_found_by_path_by_stem_and_as_shipped(make_three_motors, zoo, tmp_path):
    export(make_three_motors, zoo / "motors")
    for name, called in (("motors", "motors"), (str(zoo / "motors"), "motors"), ("shipped", "shipped")):
        policy = find_policy(name, ID)
        assert isinstance(policy, BundlePolicy)
        assert policy.name == called
    with pytest.raises(ValueError, match="no bundle is shipped for beamgym/LaueAlign-v0 with Ge"):
        find_policy("shipped", "beamgym/LaueAlign-v0", "Ge")


def test_a_bundle_plays_and_is_refused_on_the_seeds_it_was_trained_on(make_three_motors, tmp_path):
    env = make_three_motors(4, "Disabled")
    fair = find_policy(str(export(make_three_motors, tmp_path / "fair")), ID)
    assert 0.0 <= evaluate_in(fair, env, 6, seed=0).success_rate <= 1.0
    start = first_seed("benchmark", 0)
    unfair = find_policy(str(export(make_three_motors, tmp_path / "unfair", (start + 3, start + 3))), ID)
    with pytest.raises(ValueError, match="meet the training's"):
        evaluate_in(unfair, env, 6, seed=0)
    evaluate_in(unfair, env, 3, seed=0)


def test_a_bundle_for_another_observation_space_is_refused(make_three_motors, tmp_path):
    policy = find_policy(str(export(make_three_motors, tmp_path / "motors")), ID)
    env = make_three_motors(2, "Disabled")
    env.single_observation_space = env.single_observation_space["offset"]
    with pytest.raises(ValueError, match="observes"):
        evaluate_in(policy, env, 2, seed=0)


def test_a_bundle_of_another_environment_is_refused_though_its_spaces_are_equal(make_three_motors, zoo):
    path = export(make_three_motors, zoo / "motors")
    for name in ("motors", str(path), str(path / "manifest.json")):
        assert find_bundle(name).manifest.env_id == ID
        with pytest.raises(CannotPlay, match=f"bundle motors was made for {ID}, not for beamgym/ThreeMotors-v1; give"):
            find_policy(name, "beamgym/ThreeMotors-v1")
    assert find_bundle("random") is None


def test_a_bundle_is_not_evaluated_in_another_environment_though_its_spaces_are_equal(make_three_motors, tmp_path):
    policy = find_policy(str(export(make_three_motors, tmp_path / "motors")), ID)
    env = make_three_motors(2, "Disabled")
    env.spec = EnvSpec("beamgym/ThreeMotors-v1")
    with pytest.raises(CannotPlay, match=f"was made for {ID}, not for beamgym/ThreeMotors-v1"):
        evaluate_in(policy, env, 2, seed=0)
    env.spec = EnvSpec(ID)
    assert evaluate_in(policy, env, 2, seed=0).name == "motors"
