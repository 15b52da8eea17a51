"""A policy of one's own: "my_module:MyPolicy", from an installed package or from a file in the current folder."""

import difflib
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.policies.bundle import BundlePolicy
from beamgym.envs.policy import DrawingPolicy, Policy, PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.messages import named_line

_OWN = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_PARTS = ("name", "oracle", "start", "act")


def is_own(name: str) -> bool:
    """Return whether a name has the form "module:Class"."""
    return _OWN.fullmatch(name) is not None


def own_policy(name: str) -> Policy:
    """Import a policy.

    Parameters
    ----------
    name : "module:Class", or "module:object" for one that is made already; the current folder is looked into first, as
        by ``python -m``, and stays in the path, so that the module may import its neighbours later

    Raises
    ------
    ValueError : there is no such module or name in it, the import fails, the class asks for arguments, or what comes
        out is no Policy
    """
    module_name, _, attribute = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    made = _made(name, _attribute(_imported(module_name), attribute))
    missing = [part for part in _PARTS if not hasattr(made, part)]
    if missing:
        raise ValueError(f"{name} has no {', '.join(missing)}; a Policy has {', '.join(_PARTS)}: see add_a_policy.md")
    return made if isinstance(made, BundlePolicy) else _kept(made)


class OwnPolicy:
    """A policy of one's own, whose name and whether it is handed the truth were read once and stay as they were read.

    Parameters
    ----------
    policy : what decides
    """

    def __init__(self, policy: Policy) -> None:
        self.policy, self.name, self.oracle = policy, policy.name, policy.oracle

    def start(self, context: Any, n: int) -> PolicyState:
        """Return the policy's memory of n new episodes."""
        return self.policy.start(context, n)

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return what the policy decides; it is asked with the truth only if it was an oracle when it was found."""
        return self.policy.act(observation, state, truth)


class OwnDrawingPolicy(OwnPolicy):
    """One that draws from seeds."""

    policy: DrawingPolicy

    def start_from(self, context: Any, seeds: Sequence[int]) -> PolicyState:
        """Return the policy's memory of new episodes, one for each seed."""
        return self.policy.start_from(context, seeds)


def _kept(policy: Policy) -> Policy:
    return (OwnDrawingPolicy if isinstance(policy, DrawingPolicy) else OwnPolicy)(policy)


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ValueError(
                f"there is no module {name!r}; run from the folder that holds {name.split('.')[0]}.py, or install it"
            ) from None
        raise ValueError(f"importing {name} failed: {named_line(error)}") from error
    except Exception as error:
        raise ValueError(f"importing {name} failed: {named_line(error)}") from error


def _attribute(module: ModuleType, name: str) -> Any:
    if hasattr(module, name):
        return getattr(module, name)
    close = difflib.get_close_matches(name, vars(module), n=1, cutoff=0.6)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"module {module.__name__} has no {name!r}{hint}")


def _made(name: str, found: Any) -> Any:
    if not isinstance(found, type):
        return found
    try:
        return found()
    except Exception as error:
        raise ValueError(f"{name}() failed: {named_line(error)}; a policy is made without arguments") from error
