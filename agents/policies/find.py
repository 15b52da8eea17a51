"""From a name or a path to a policy."""

import difflib
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from gymnasium import spaces

from beamgym.agents.kinds import KINDS, SHIPPED_POLICY, USUAL, AgentKind, baselines_of, exposing_of, find_agent_kind
from beamgym.agents.policies.bundle import BundlePolicy
from beamgym.agents.policies.found_spots import FoundSpots
from beamgym.agents.policies.names import bundle_name
from beamgym.agents.policies.other_version import OtherVersion
from beamgym.agents.policies.own import is_own, own_policy
from beamgym.envs.bundles import MANIFEST, BundleError, OnnxModel, named_spaces
from beamgym.envs.kinds import chosen_exposures, same_task
from beamgym.envs.policy import CannotPlay, Policy

SHIPPED = SHIPPED_POLICY
_BY_SPOTS = {f"beamgym/LaueAlignImage-v{version}": f"beamgym/LaueAlign-v{version}" for version in (0, 1)}
"""Tasks whose shipped agent is that of another, which observes found spots in place of the image."""


def baselines(context: Any = None, env_id: str = "") -> Mapping[str, Callable[[], Policy]]:
    """Return the baselines that play where this is the public context, or this the environment; else those of Laue."""
    return baselines_of(_kind(context, env_id))


def _kind(context: Any, env_id: str = "") -> AgentKind:
    return find_agent_kind(context, env_id) or KINDS[USUAL]


def policy_names(context: Any = None) -> tuple[str, ...]:
    """Return the names a benchmark runs by default, the kind's own choice first: the shipped agent."""
    kind = _kind(context)
    left_out = exposing_of(kind) if chosen_exposures(context) is None else {}
    return tuple(dict.fromkeys((kind.default, *(name for name in baselines_of(kind) if name not in left_out))))


def find_policy(
    name: str,
    env_id: str,
    crystal: str = "Si",
    context: Any = None,
    observation: spaces.Space[Any] | None = None,
) -> Policy:
    """Return a policy.

    Parameters
    ----------
    name : a baseline, "shipped" (the bundle in the zoo for this environment and crystal), a stem in the zoo,
        a bundle's directory, or "module:Class" for a policy of one's own
    env_id : the environment it is to play
    crystal : the crystal's name, for "shipped"
    context : what the environment's instrument publicly knows; a name may mean another baseline where it is another
    observation : what one environment shows, for "shipped": of several bundles that which observes it is taken

    Raises
    ------
    ValueError : names the nearest policy when there is none of that name, or what is wrong with the bundle or module
    CannotPlay : when no bundle is shipped for this environment and crystal, for a bundle of another environment, or
        for a baseline of other tasks
    """
    here = baselines(context, env_id)
    if name in here:
        return here[name]()
    if any(name in baselines_of(kind) for kind in KINDS.values()):
        raise CannotPlay(f"{name} plays another task; the baselines of {env_id} are {', '.join(here)}")
    if name.lower().endswith(".zip"):
        raise ValueError(
            f"{name}: a saved SB3 model is no policy; wrap it as module:Class (docs/leaderboard.md shows how), "
            "or train with `beamgym train`, which exports a bundle"
        )
    if name == SHIPPED:
        if env_id in _BY_SPOTS and (observation is None or "image" in named_spaces(observation)):
            other = _BY_SPOTS[env_id]
            return FoundSpots(_playing(_shipped(other, crystal, None), other, SHIPPED))
        return _playing(_shipped(env_id, crystal, observation), env_id, SHIPPED)
    if is_own(name):
        return own_policy(name)
    model = find_bundle(name)
    if model is not None:
        return _made_for(model, env_id, name)
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


def _made_for(model: OnnxModel, env_id: str, name: str) -> BundlePolicy:
    try:
        model.check_environment(env_id)
    except BundleError as error:
        raise CannotPlay(str(error)) from None
    path = Path(name)
    return _playing(model, env_id, bundle_name(path.parent if path.name == MANIFEST else path))


def _playing(model: OnnxModel, env_id: str, name: str) -> BundlePolicy:
    """Return what plays a bundle in the version of its task that was asked for."""
    return (BundlePolicy if model.manifest.env_id == env_id else OtherVersion)(model, name)


def _shipped(env_id: str, crystal: str, observation: spaces.Space[Any] | None) -> OnnxModel:
    """Return the bundle for a task; of several the one that observes the same parts, or parts at all where none say."""
    models = [OnnxModel.load(path) for path in zoo().values()]
    fitting = [
        model
        for model in models
        if same_task(model.manifest.env_id, env_id)
        and (model.manifest.setting is None or model.manifest.setting.crystal == crystal)
    ]
    parts = None if observation is None else set(named_spaces(observation))
    fitting.sort(key=lambda model: len(model.manifest.observation_space) == 1)
    for model in fitting:
        if parts is None or parts == set(model.manifest.observation_space):
            return model
    if fitting:
        return fitting[0]
    game = f"{env_id} with {crystal}" if crystal else env_id
    raise CannotPlay(f"no bundle is shipped for {game}; train one, or name another policy")
