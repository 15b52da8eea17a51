"""From a name or a path to a policy."""

import difflib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from beamgym.agents.baselines.index_and_move import IndexAndMove
from beamgym.agents.baselines.nelder_mead import NelderMead
from beamgym.agents.baselines.no_op import NoOp
from beamgym.agents.baselines.random import Random
from beamgym.agents.baselines.true_pose import TruePose
from beamgym.agents.policy import BundlePolicy, CannotPlay, Policy
from beamgym.envs.onnx_manifest import MANIFEST
from beamgym.envs.onnx_model import OnnxModel

SHIPPED = "shipped"

BASELINES: dict[str, Callable[[], Policy]] = {
    policy.name: policy for policy in (Random, NoOp, TruePose, NelderMead, IndexAndMove)
}
"""Every baseline by the name it has in tables."""


def policy_names() -> tuple[str, ...]:
    """Return the names a benchmark runs by default, the shipped agent first."""
    return (SHIPPED, *BASELINES)


def find_policy(name: str, env_id: str, crystal: str = "Si") -> Policy:
    """Return a policy.

    Parameters
    ----------
    name : a baseline, "shipped" (the bundle in the zoo for this environment and crystal), a stem in the zoo, or
        a bundle's directory
    env_id : the environment it is to play
    crystal : the crystal's name, for "shipped"

    Raises
    ------
    ValueError : names the nearest policy when there is none of that name, or what is wrong with the bundle
    CannotPlay : when no bundle is shipped for this environment and crystal
    """
    if name in BASELINES:
        return BASELINES[name]()
    if name == SHIPPED:
        return BundlePolicy(_shipped(env_id, crystal), SHIPPED)
    path = Path(name)
    if path.is_dir() or path.name == MANIFEST:
        return BundlePolicy(OnnxModel.load(path.parent if path.name == MANIFEST else path))
    stems = zoo()
    if name in stems:
        return BundlePolicy(OnnxModel.load(stems[name]))
    known = [*policy_names(), *stems]
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
    hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(known)}, or give a bundle's directory"
    raise ValueError(f"unknown policy {name!r}; {hint}")


def zoo() -> dict[str, Path]:
    """Return the shipped bundles' directories by stem."""
    folder = Path(str(files("beamgym.agents.zoo")))
    return {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{MANIFEST}"))}


def _shipped(env_id: str, crystal: str) -> OnnxModel:
    models = [OnnxModel.load(path) for path in zoo().values()]
    for model in models:
        setting = model.manifest.setting
        if model.manifest.env_id == env_id and (setting is None or setting.crystal == crystal):
            return model
    game = f"{env_id} with {crystal}" if crystal else env_id
    raise CannotPlay(f"no bundle is shipped for {game}; train one, or name another policy")
