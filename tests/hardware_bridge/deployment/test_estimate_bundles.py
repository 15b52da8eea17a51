"""Bundles that observe an estimate stand before an instrument that gives images: the estimator makes it from them."""

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("bluesky", reason="deploying needs the extra 'hardware'")

from stable_baselines3 import PPO

from beamgym.agents.export import Origin, export_bundle
from beamgym.agents.policies import BundlePolicy
from beamgym.agents.training import NativeVecEnv
from beamgym.envs.bundles import OnnxModel
from beamgym.envs.laue_align import SpotView
from beamgym.envs.loop import EpisodeKeys, EpisodeLoop
from beamgym.hardware_bridge.deployment.warm_up import declaration, simulated_world, warm_up
from beamgym.hardware_bridge.tasks import image_size, observed, task_for

V1 = "beamgym/LaueAlign-v1"
ONE = np.ones(1, dtype=np.bool_)


def bundle(folder, policy="MlpPolicy", **options):
    """An untrained policy, exported with nothing said of what it observes."""
    env = NativeVecEnv.make(V1, n_envs=2, seed=1, observation="estimate", **options)
    model = PPO(policy, env, n_steps=2, batch_size=4, device="cpu", seed=0, policy_kwargs={"net_arch": [8]})
    export_bundle(model, env.env.loop.task.context, folder / "mine", origin=Origin(V1, "a test", (1, 2)))
    return OnnxModel.load(folder / "mine"), env.env.loop.task.context


def made(model, context):
    parts, flat = observed(model.manifest)
    task = task_for(context, V1, image_size(model.manifest.observation_space), parts, flat)
    model.check_spaces(task.observation_space, task.action_space)
    return task


@pytest.mark.parametrize(
    ("policy", "options", "wanted"),
    [
        ("MlpPolicy", {"flat": True, "action": "decisions"}, (("estimate",), True)),
        ("MultiInputPolicy", {}, (("estimate",), False)),
    ],
)
def test_a_bundle_says_what_it_observes_and_plays_on_images(tmp_path, policy, options, wanted):
    model, context = bundle(tmp_path, policy, **options)
    assert observed(model.manifest) == wanted
    assert model.manifest.encoder.name == "estimate"
    assert "one standard deviation" in next(iter(model.manifest.units.values()))
    task = made(model, context)
    assert warm_up(task, BundlePolicy(model), context)


def test_on_an_instrument_the_estimate_leads_to_the_goal_and_the_declaration_is_judged_by_sight():
    context = gym.make(V1, observation="estimate").unwrapped.context
    world, keys = simulated_world(context), EpisodeKeys(1)
    keys.reseed([3], np.random.default_rng)
    world.reset(keys.next(ONE), ONE)
    task = task_for(context, V1, parts=("estimate",), flat=True)
    hidden = type("Hidden", (), {"n": 1, "axes": world.axes, "context": world.context})()
    hidden.positions, hidden.move, hidden.acquire = world.positions, world.move, world.acquire
    loop = EpisodeLoop(task, hidden)
    loop.reset(np.zeros(1, dtype=np.uint64), ONE)
    for _ in range(3):
        told = loop.observation()["observation"]
        loop.step(np.append(told[0, :3], -1.0)[None], ONE)
    assert context.target.error_deg(world.truth()["orientation"])[0] < 0.25
    verdict = loop.step(declaration(task), ONE).verdict
    assert verdict.is_success[0]
    assert verdict.metrics["misorientation_estimate_deg"][0] < 0.25


def test_a_choice_of_parts_is_made_where_the_kind_knows_one():
    context = gym.make(V1).unwrapped.context
    spots = task_for(context, V1, parts=("spots", "target"))
    assert isinstance(spots.view, SpotView)
    assert task_for(context, V1, parts=("map", "target")).observation_space["map"].shape == (64, 64, 2)


def test_decisions_without_an_estimate_are_refused():
    context = gym.make(V1, observation="estimate", action="decisions").unwrapped.context
    with pytest.raises(ValueError, match="deploy a bundle that observes one"):
        task_for(context, V1)
