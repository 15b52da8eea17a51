"""From a name or a path to a policy."""

import difflib
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from beamgym.agents.baselines.align import IndexAndMove, NelderMead, TruePose
from beamgym.agents.baselines.no_op import NoOp
from beamgym.agents.baselines.random import Random
from beamgym.agents.baselines.spot import (
    SearchFunction,
    SearchPolicy,
    TrueMap,
    gp_ei,
    gp_ucb,
    hexagonal,
    random_sites,
    raster,
    simplex_search,
    yield_map,
)
from beamgym.agents.policies.bundle import BundlePolicy
from beamgym.agents.policies.own import is_own, own_policy
from beamgym.envs.arpes_spot import SpotContext
from beamgym.envs.bundles import MANIFEST, BundleError, OnnxModel
from beamgym.envs.policy import CannotPlay, Policy

SHIPPED = "shipped"

BASELINES: dict[str, Callable[[], Policy]] = {
    policy.name: policy for policy in (Random, NoOp, TruePose, NelderMead, IndexAndMove)
}
"""Every baseline of aligning a crystal, by the name it has in tables."""

SPOT_SEARCHES: dict[str, SearchFunction] = {
    "raster": raster,
    "random": random_sites,
    "hexagonal": hexagonal,
    "yield-map": yield_map,
    "nelder-mead": simplex_search,
    "gp-ucb": gp_ucb,
    "gp-ei": gp_ei,
}
"""Every search for the best spot of a surface, by the name it has in tables."""

SPOT_BASELINES: dict[str, Callable[[], Policy]] = {
    **{name: partial(SearchPolicy, name, search) for name, search in SPOT_SEARCHES.items()},
    TrueMap.name: TrueMap,
}
"""Every baseline of finding the best spot of a surface, by the name it has in tables."""


def baselines(context: Any = None) -> dict[str, Callable[[], Policy]]:
    """Return the baselines that play where this is the public context: spots on surfaces, or else crystals to align."""
    return SPOT_BASELINES if isinstance(context, SpotContext) else BASELINES


def policy_names(context: Any = None) -> tuple[str, ...]:
    """Return the names a benchmark runs by default, the shipped agent first."""
    return (SHIPPED, *baselines(context))


def find_policy(name: str, env_id: str, crystal: str = "Si", context: Any = None) -> Policy:
    """Return a policy.

    Parameters
    ----------
    name : a baseline, "shipped" (the bundle in the zoo for this environment and crystal), a stem in the zoo,
        a bundle's directory, or "module:Class" for a policy of one's own
    env_id : the environment it is to play
    crystal : the crystal's name, for "shipped"
    context : what the environment's instrument publicly knows; a name may mean another baseline where it is another

    Raises
    ------
    ValueError : names the nearest policy when there is none of that name, or what is wrong with the bundle or module
    CannotPlay : when no bundle is shipped for this environment and crystal, for a bundle of another environment, or
        for a baseline of other tasks
    """
    here = baselines(context)
    if name in here:
        return here[name]()
    if name in BASELINES or name in SPOT_BASELINES:
        raise CannotPlay(f"{name} plays another task; the baselines of {env_id} are {', '.join(here)}")
    if name == SHIPPED:
        return BundlePolicy(_shipped(env_id, crystal), SHIPPED)
    if is_own(name):
        return own_policy(name)
    model = find_bundle(name)
    if model is not None:
        return _made_for(model, env_id)
    known = [*policy_names(context), *zoo()]
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
    hint = (
        f"did you mean {close[0]!r}?"
        if close
        else f"choose from {', '.join(known)}, a bundle's directory, or module:Class"
    )
    raise ValueError(f"unknown policy {name!r}; {hint}")


def find_bundle(name: str) -> OnnxModel | None:
    """Return the bundle of that name, for whichever environment it was made; None where there is none.

    Parameters
    ----------
    name : a stem in the zoo, a bundle's directory, or its manifest

    Raises
    ------
    BundleError : there is one, and it is not sound
    """
    path = Path(name)
    if path.name == MANIFEST:
        return OnnxModel.load(path.parent)
    found = path if path.is_dir() else zoo().get(name)
    return None if found is None else OnnxModel.load(found)


def zoo() -> dict[str, Path]:
    """Return the shipped bundles' directories by stem."""
    folder = Path(str(files("beamgym.agents.zoo")))
    return {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{MANIFEST}"))}


def _made_for(model: OnnxModel, env_id: str) -> BundlePolicy:
    try:
        model.check_environment(env_id)
    except BundleError as error:
        raise CannotPlay(str(error)) from None
    return BundlePolicy(model)


def _shipped(env_id: str, crystal: str) -> OnnxModel:
    models = [OnnxModel.load(path) for path in zoo().values()]
    for model in models:
        setting = model.manifest.setting
        if model.manifest.env_id == env_id and (setting is None or setting.crystal == crystal):
            return model
    game = f"{env_id} with {crystal}" if crystal else env_id
    raise CannotPlay(f"no bundle is shipped for {game}; train one, or name another policy")
