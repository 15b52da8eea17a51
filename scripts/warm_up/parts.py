"""What `beamgym warm-up` does: environments stepped, the demo played, deployments rehearsed."""

from collections.abc import Callable
from typing import Any

import numpy as np

from beamgym.envs import ENVIRONMENTS

STEPS = 4
"""Steps of each environment; in the last one every episode ends and begins anew."""

VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {
    "beamgym/LaueAlign-v0": ({"level": "harsh"}, {"frames": "rendered"}),
    "beamgym/LaueZone-v0": ({"level": "real"},),
}
"""Options under which an environment needs other kernels than as it is registered."""

DEMO_CRYSTALS = ("Si", "quartz")
INSTRUMENTS = {"laue_soft_ioc": "laue-align-si", "arpes_soft_ioc": "arpes-spot"}
"""Shipped instrument files, each with the policy that is deployed there in simulation."""

Part = Callable[[], None]


def parts() -> dict[str, Part]:
    """Return what is done, by name: every environment, the demo, a rehearsal of every deployment."""
    found: dict[str, Part] = {}
    for env_id in ENVIRONMENTS:
        for options in ({}, *VARIANTS.get(env_id, ())):
            words = ", ".join(f"{name}={value}" for name, value in options.items())
            found[f"{env_id}{words and f' with {words}'}"] = _stepping(env_id, options)
    for crystal in DEMO_CRYSTALS:
        found[f"demo with {crystal}"] = _demo(crystal)
    for instrument, policy in INSTRUMENTS.items():
        found[f"deploy {policy} --instrument {instrument}"] = _rehearsal(instrument, policy)
    return found


def _stepping(env_id: str, options: dict[str, Any]) -> Part:
    def step() -> None:
        import gymnasium as gym

        single = gym.make(env_id, disable_env_checker=True, **options)
        single.reset(seed=0)
        env = gym.make_vec(env_id, num_envs=2, autoreset_mode="SameStep", **options)
        env.reset(seed=0)
        env.action_space.seed(0)
        for i in range(STEPS):
            action = np.array(env.action_space.sample())
            action[:, -1] = 1.0 if i == STEPS - 1 else -1.0
            env.step(action)

    return step


def _demo(crystal: str) -> Part:
    def play_one() -> None:
        from beamgym.agents.evaluation import covering_policy, first_seed, make_vector_env, play

        env_id = "beamgym/LaueAlign-v0"
        env = make_vector_env(env_id, 1, "real", {"crystal": crystal, "render_mode": "rgb_array"})
        play(env, covering_policy(env, env_id)[0], first_seed("benchmark", 0), lambda picture: None)

    return play_one


def _rehearsal(instrument: str, name: str) -> Part:
    def rehearse() -> None:
        from beamgym.agents.policies import find_policy
        from beamgym.hardware_bridge.deployment import warm_up
        from beamgym.hardware_bridge.instrument_file import context_of, load_instrument, shipped_instrument
        from beamgym.hardware_bridge.tasks import default_task, task_for

        context = context_of(load_instrument(shipped_instrument(instrument)))
        env_id = default_task(context)
        warm_up(task_for(context, env_id), find_policy(name, env_id), context)

    return rehearse
