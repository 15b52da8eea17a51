"""A policy of one's own: "my_module:MyPolicy", from an installed package or from a file in the current folder."""

import difflib
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from beamgym.envs.policy import Policy
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
    policy: Policy = made
    return policy


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
