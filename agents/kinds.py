"""The table of kinds on the agents' floor: who plays each kind of instrument, and by which metrics, one row a kind.

The names are those of ``envs/kinds.py``. Whoever has a context and must know what differs looks it up here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beamgym.envs.kinds import Ref, find_kind, kind_named, kind_of_environment, resolve

if TYPE_CHECKING:
    from beamgym.envs.policy import Policy

SHIPPED_POLICY = "shipped"
"""The name by which the zoo's bundle for an environment is asked for."""

USUAL = "laue"
"""The kind whose policies are meant where no context is given."""


@dataclass(frozen=True)
class AgentKind:
    """A kind's row on the agents' floor; columns but the names are what they say, or "module:name" of it.

    Parameters
    ----------
    name : of the kind, in ``envs/kinds.py``
    baselines : by the name it has in tables, what makes each Policy; what is not in it does not play this kind
    metrics : ``evaluation.MetricSet``, the numbers by which policies are compared; its budget is that of the kind
    default : the policy that benchmarks name first: "shipped", or a baseline where no bundle is shipped
    exposing : as ``baselines``, those that play only where exposures are chosen
    """

    name: str
    baselines: Ref
    metrics: Ref
    default: str = SHIPPED_POLICY
    exposing: Ref = ""


_EXPOSURES, _BEAM_TIME = "beamgym.agents.evaluation:EXPOSURES", "beamgym.agents.evaluation:BEAM_TIME"
_ALIGN = "beamgym.agents.baselines.align"
_PLATES = "beamgym.agents.evaluation:PLATES"
_UB = "beamgym.agents.evaluation:UB_SEARCH"
_POSES = "beamgym.agents.evaluation:POSES"

KINDS: dict[str, AgentKind] = {
    "laue": AgentKind("laue", f"{_ALIGN}:BASELINES", _EXPOSURES, exposing=f"{_ALIGN}:EXPOSING"),
    "zone": AgentKind("zone", "beamgym.agents.baselines.zone:BASELINES", _EXPOSURES, default="zone-finder"),
    "arpes": AgentKind("arpes", "beamgym.agents.baselines.choosing:BASELINES", _BEAM_TIME),
    "mosaic": AgentKind("mosaic", "beamgym.agents.baselines.plate:BASELINES", _PLATES, default="quick-scan"),
    "diffractometer": AgentKind(
        "diffractometer", "beamgym.agents.baselines.diffractometer:BASELINES", _UB, default="index-and-jump"
    ),
    "arpes_align": AgentKind(
        "arpes_align", "beamgym.agents.baselines.arpes_align:BASELINES", _POSES, default="band-fit"
    ),
}
"""Every kind by name, those of other packages included."""


def register_kind(kind: AgentKind) -> None:
    """Put a kind into the table; the same name again replaces it.

    Raises
    ------
    ValueError : a kind that ``envs.kinds`` does not have
    """
    kind_named(kind.name)
    KINDS[kind.name] = kind


def forget_kind(name: str) -> None:
    """Take a kind out of the table; nothing where there is none."""
    KINDS.pop(name, None)


def find_agent_kind(context: Any = None, env_id: str = "") -> AgentKind | None:
    """Return the row of a context's kind, or else of an environment's; None where neither is of a kind."""
    kind = find_kind(context) or kind_of_environment(env_id)
    return None if kind is None else KINDS.get(kind.name)


def baselines_of(kind: AgentKind) -> Mapping[str, Callable[[], "Policy"]]:
    """Return what makes each baseline of a kind, by name."""
    found: dict[str, Callable[[], Policy]] = dict(resolve(kind.baselines))
    return found | exposing_of(kind)


def exposing_of(kind: AgentKind) -> dict[str, Callable[[], "Policy"]]:
    """Return those of them that play only where exposures are chosen."""
    found: dict[str, Callable[[], Policy]] = dict(resolve(kind.exposing)) if kind.exposing else {}
    return found
