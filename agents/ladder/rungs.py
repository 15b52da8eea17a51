"""The rungs of the ladder: what is to be learned, by which algorithm, and what counts as reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

SEEDS = 5
_ESTIMATE: Mapping[str, Any] = {"observation": "estimate", "flat": True}


@dataclass(frozen=True)
class Rung:
    """One task of the ladder, with what learns it.

    Parameters
    ----------
    name : in one word
    about : what is to be learned, in one line
    env_id : of the environment
    options : what ``gym.make`` is given
    algorithm, policy : names of Stable-Baselines3's and sb3-contrib's; "SAC+HER" learns with hindsight replay
    n_envs : environments that are stepped together
    steps : of training, in all environments together
    hyper : what differs from the algorithm's defaults
    bar : share of right episodes from which a seed has reached the rung; None where nobody has set one
    of_five : how many of five seeds are to learn it
    stack : last observations that are seen together
    seeds : how many are trained; one where the rung is there to be solved, and what is there now does not
    """

    name: str
    about: str
    env_id: str
    options: Mapping[str, Any]
    steps: int
    n_envs: int = 64
    algorithm: str = "PPO"
    policy: str = "MlpPolicy"
    hyper: Mapping[str, Any] = field(default_factory=lambda: {"n_steps": 32})
    bar: float | None = None
    of_five: int = 4
    stack: int = 1
    seeds: int = SEEDS


_V1, _ZONE = "beamgym/LaueAlign-v1", "beamgym/LaueZone-v1"
_NEAR: Mapping[str, Any] = {
    "flat": True,
    "stop": "truth",
    "tolerance_deg": 1.0,
    "start_within_deg": 20.0,
    "max_rotation_deg": 20.0,
}
_CAREFUL: Mapping[str, Any] = {
    "n_steps": 32,
    "batch_size": 256,
    "n_epochs": 4,
    "gamma": 0.95,
    "policy_kwargs": {"log_std_init": -1.0},
}
"""Beginning with small turns: from 20° a turn of half the largest leads away more often than nearer."""
_CURIOUS: Mapping[str, Any] = {
    "n_steps": 32,
    "batch_size": 256,
    "n_epochs": 5,
    "ent_coef": 0.01,
    "learning_rate": 1e-3,
}
"""Kept from choosing too soon: at the defaults its Gaussian is narrow before it knows one zone from another."""
_GOAL: Mapping[str, Any] = {
    "observation": "goal",
    "stop": "truth",
    "tolerance_deg": 1.0,
    "start_within_deg": 20.0,
    "max_rotation_deg": 20.0,
}
_OFF_POLICY: Mapping[str, Any] = {
    "buffer_size": 100_000,
    "learning_starts": 2_000,
    "gradient_steps": 8,
    "gamma": 0.9,
    "learning_rate": 1e-3,
    "policy_kwargs": {"net_arch": [64, 64]},
}

RUNGS: Mapping[str, Rung] = {
    rung.name: rung
    for rung in (
        Rung(
            "decisions",
            "choose: go to the goal, look, expose again, declare; level real, 0.25°",
            _V1,
            {**_ESTIMATE, "action": "decisions"},
            100_000,
            n_envs=16,
            hyper={"n_steps": 64},
            bar=0.95,
            of_five=5,
        ),
        Rung(
            "turns",
            "turn by the estimate until within 1°",
            _V1,
            {**_ESTIMATE, "stop": "truth", "tolerance_deg": 1.0},
            500_000,
            bar=0.9,
        ),
        Rung(
            "declares",
            "turn by the estimate and declare within 0.25°; level real",
            _V1,
            dict(_ESTIMATE),
            600_000,
            bar=0.9,
        ),
        Rung(
            "hard",
            "the same at level hard, where the axes' play is as large as what is allowed, with a memory of four frames",
            _V1,
            {**_ESTIMATE, "level": "hard", "history": 4},
            400_000,
        ),
        Rung(
            "goal",
            "turn by the estimate until within 1°, from starts within 20°, paid 0 or -1 a step; with hindsight",
            _V1,
            _GOAL,
            24_000,
            n_envs=16,
            algorithm="SAC+HER",
            policy="MultiInputPolicy",
            hyper=_OFF_POLICY,
        ),
        Rung(
            "goal-alone",
            "the same without hindsight",
            _V1,
            _GOAL,
            24_000,
            n_envs=16,
            algorithm="SAC",
            policy="MultiInputPolicy",
            hyper=_OFF_POLICY,
        ),
        Rung(
            "zones",
            "find an axis of an unknown cubic crystal within 5°, by the strongest zones of its films",
            _ZONE,
            {"observation": "zones", "flat": True},
            250_000,
            hyper=_CURIOUS,
            bar=0.74,
        ),
        Rung(
            "plates",
            "scan a plate of 12 crystals: look again, go on or give up, and for how long; paid in mass that is known",
            "beamgym/PlateScan-v0",
            {"crystals": 12, "observation": "present", "flat": True, "price": 4.0},
            160_000,
            hyper=_CURIOUS,
            seeds=1,
        ),
        Rung(
            "map",
            "turn by a map of plane normals, found and expected, until within 1°, from starts within 20°",
            _V1,
            {"observation": "map", **_NEAR},
            300_000,
            policy="CnnPolicy",
            hyper=_CAREFUL,
            bar=0.7,
        ),
        Rung(
            "spots",
            "the same by the list of found spots",
            _V1,
            dict(_NEAR),
            300_000,
            hyper=_CAREFUL,
            seeds=1,
        ),
        Rung(
            "image",
            "the same from the camera's image",
            "beamgym/LaueAlignImage-v1",
            dict(_NEAR),
            60_000,
            policy="CnnPolicy",
            hyper=_CAREFUL,
            seeds=1,
        ),
        Rung(
            "crystals",
            "spots of a crystal that is drawn anew in every episode",
            _V1,
            {**_NEAR, "crystals": ["Si", "Ge", "Al2O3", "quartz"]},
            300_000,
            hyper=_CAREFUL,
            seeds=1,
        ),
    )
}
"""Every rung by its name, the lowest first."""


def rung_named(name: str) -> Rung:
    """Return a rung; raises ValueError for a name that is none's, with the nearest one."""
    if name not in RUNGS:
        close = get_close_matches(name, RUNGS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(RUNGS)}"
        raise ValueError(f"the ladder has no rung {name!r}; {hint}")
    return RUNGS[name]
