"""The rows of `beamgym speed` for Laue environments, and Gymnasium's own CartPole beside all environments."""

from collections.abc import Callable
from typing import Any

import numpy as np

from beamgym.scripts.speeds.work import Work, stepping

SMALL_STEP_DEG = 20.0
"""Largest rotation of the moves with which the environments are timed, as a policy that homes in makes them."""

DECLARED_SHARE = 0.05
"""Share of the timed actions that declare, so that the cost of new episodes is in the figure."""

ACTIONS = 16
"""Sets of actions that are played over and over."""

FOUR_CRYSTALS = ("Si", "Ca2RuO4", "jarosite", "kyanite")

Maker = Callable[[int], Any]
"""Makes a seeded vector environment over some threads."""


def env_laue_spots_vec256(seed: int) -> Work:
    """LaueAlign-v0 as registered, native vector of 256, new episodes begun in the same step."""
    return _align("beamgym/LaueAlign-v0", 256, seed)


def env_laue_ca2ruo4(seed: int) -> Work:
    """The same with Ca2RuO4."""
    return _align("beamgym/LaueAlign-v0", 256, seed, crystal="Ca2RuO4")


def env_laue_jarosite(seed: int) -> Work:
    """The same with jarosite."""
    return _align("beamgym/LaueAlign-v0", 256, seed, crystal="jarosite")


def env_laue_kyanite(seed: int) -> Work:
    """The same with kyanite."""
    return _align("beamgym/LaueAlign-v0", 256, seed, crystal="kyanite")


def env_laue_crystals(seed: int) -> Work:
    """The same with a crystal drawn for each episode out of four."""
    return _align("beamgym/LaueAlign-v0", 256, seed, crystals=list(FOUR_CRYSTALS))


def env_laue_v1(seed: int) -> Work:
    """LaueAlign-v1 as registered, by the same moves as LaueAlign-v0."""
    return _align("beamgym/LaueAlign-v1", 256, seed)


def env_laue_v1_estimate(seed: int) -> Work:
    """LaueAlign-v1 that observes an estimate of how the crystal stands."""
    return _align("beamgym/LaueAlign-v1", 256, seed, observation="estimate")


def env_laue_v1_map(seed: int) -> Work:
    """LaueAlign-v1 that observes maps of plane normals, native vector of 64."""
    return _align("beamgym/LaueAlign-v1", 64, seed, observation="map")


def env_laue_image_84(seed: int) -> Work:
    """LaueAlignImage-v0 as registered, native vector of 64: rendered 84 × 84 frames with noise."""
    return _align("beamgym/LaueAlignImage-v0", 64, seed)


def env_laue_zone(seed: int) -> Work:
    """LaueZone-v0 as registered, native vector of 64: unknown crystals, 84 × 84 frames."""
    return _zone("beamgym/LaueZone-v0", seed)


def env_laue_zone_v1_zones(seed: int) -> Work:
    """LaueZone-v1 that observes where the strongest zones of all films so far lie."""
    return _zone("beamgym/LaueZone-v1", seed, observation="zones")


def _zone(env_id: str, seed: int, **options: Any) -> Work:
    generator = np.random.default_rng(seed)
    actions = [generator.uniform(-1.0, 1.0, (64, 3)).astype(np.float32) for _ in range(ACTIONS)]
    return vector_work(lambda threads: make_vector(env_id, 64, seed, threads, **options), actions, 64)


def cartpole(seed: int) -> Work:
    """Gymnasium's CartPole-v1, its native vector of 256: what a step costs at least, in numpy, on this machine."""
    import gymnasium as gym

    env = gym.make_vec("CartPole-v1", num_envs=256, vectorization_mode="vector_entry_point")
    env.reset(seed=seed)
    generator = np.random.default_rng(seed)
    return Work(stepping(env, [generator.integers(0, 2, 256) for _ in range(ACTIONS)]), 256)


def vector_work(maker: Maker, actions: list[Any], n: int) -> Work:
    """Return the stepping of a vector environment of n as work, over one thread or several."""
    return Work(stepping(maker(1), actions), n, lambda threads: stepping(maker(threads), actions))


def make_vector(env_id: str, n: int, seed: int, threads: int, **options: Any) -> Any:
    """Make a native vector environment that begins episodes anew within the step, and reset it."""
    import gymnasium as gym
    from gymnasium.vector import AutoresetMode

    import beamgym  # noqa: F401 - registers the environments

    env = gym.make_vec(env_id, num_envs=n, autoreset_mode=AutoresetMode.SAME_STEP, threads=threads, **options)
    env.reset(seed=seed)
    return env


def _align(env_id: str, n: int, seed: int, **options: Any) -> Work:
    return vector_work(lambda threads: make_vector(env_id, n, seed, threads, **options), turns(n, seed), n)


def turns(n: int, seed: int) -> list[Any]:
    """Return sets of actions (n, 4): moves of at most SMALL_STEP_DEG, some of which declare."""
    from beamgym.envs.actions import encode_rotation

    generator = np.random.default_rng(seed)
    actions = []
    for _ in range(ACTIONS):
        axis = generator.normal(size=(n, 3))
        angle = generator.uniform(0.0, SMALL_STEP_DEG, size=(n, 1))
        turn = encode_rotation(axis / np.linalg.norm(axis, axis=1, keepdims=True) * angle, 90.0)
        declare = np.where(generator.uniform(size=(n, 1)) < DECLARED_SHARE, 1.0, -1.0)
        actions.append(np.concatenate([turn, declare], axis=1).astype(np.float32))
    return actions
