"""The policy that is taken where none is named: of each environment the one that measured best, with the figures."""

from dataclasses import dataclass
from typing import Any

from beamgym.agents.kinds import find_agent_kind
from beamgym.agents.policies.find import SHIPPED, find_policy
from beamgym.envs.kinds import same_task
from beamgym.envs.policy import CannotPlay, Policy


@dataclass(frozen=True)
class Recommended:
    """Which policy to take, and why.

    Parameters
    ----------
    policy : its name
    why : what was measured, against which others
    source : the page that has the figures and their command
    """

    policy: str
    why: str
    source: str

    def __str__(self) -> str:
        """Which and why, in one line."""
        return f"policy: {self.policy}, {self.why} ({self.source})"


RECOMMENDED: dict[str, tuple[Recommended, ...]] = {
    "beamgym/LaueAlign-v0": (
        Recommended(
            "calibrating",
            "which aligned 100 % of 500 starts of silicon at level real and at hard; "
            "index-and-move 100 and 62 %, silicon's agent 99 and 1 %",
            "docs/calibrating.md, docs/benchmark.md",
        ),
    ),
    "beamgym/LaueAlignImage-v0": (
        Recommended(
            "calibrating",
            "which aligned 100 % of 500 starts of silicon at level real and at hard; index-and-move 100 and 65 %",
            "docs/environments/laue_align_image.md",
        ),
    ),
    "beamgym/LaueZone-v0": (
        Recommended(
            "zone-finder",
            "which declared 99.9 % of 1400 unknown crystals of all seven systems within 0.5° at level published, "
            "99.6 % of 700 at real",
            "docs/benchmark.md",
        ),
    ),
    "beamgym/ArpesSpot-v0": (
        Recommended(
            SHIPPED,
            "the trained search, which found 92 % of 500 best spots in 50 s; "
            "a raster 94 % in 74 s, a hexagonal search 91 % in 51 s",
            "docs/benchmark.md",
        ),
        Recommended("hexagonal", "which found 91 % of 500 best spots in 51 s", "docs/benchmark.md"),
    ),
    "beamgym/ArpesSpot-v1": (
        Recommended(
            "choosing-survey",
            "which found 85 % of 500 best spots in 30 s; "
            "the survey without a network 83 % in 36 s, a hexagonal search, tuned, 78 % in 32 s, a raster 82 % in 45 s",
            "docs/environments/arpes_spot.md",
        ),
        Recommended(
            "survey",
            "which found 80 % of 200 best spots in 31 s; "
            "a hexagonal search, tuned, 78 % of 500 in 32 s, a raster 82 % in 45 s",
            "docs/environments/arpes_spot.md",
        ),
    ),
}
"""By environment, the best first; the next one is taken where one cannot play."""


def recommended_policy(env_id: str, context: Any, sample: str) -> tuple[Policy, Recommended]:
    """Return the best measured policy that can play, and the reason.

    Parameters
    ----------
    env_id : the environment
    context : what its instrument publicly knows
    sample : name of the crystal, for a shipped agent; "" where there is none

    Raises
    ------
    ValueError : none is known that can play here
    """
    other_version = next((RECOMMENDED[name] for name in RECOMMENDED if same_task(name, env_id)), None)
    measured = RECOMMENDED.get(env_id, other_version)
    for each in measured if measured is not None else _default_of(env_id, context):
        try:
            policy = find_policy(each.policy, env_id, sample, context)
            policy.start(context, 1)
        except CannotPlay:
            continue
        return policy, each
    raise ValueError(f"no policy is recommended for {env_id}; name one")


def _default_of(env_id: str, context: Any) -> tuple[Recommended, ...]:
    """Return what a kind of one's own puts first."""
    kind = find_agent_kind(context, env_id)
    if kind is None:
        return ()
    return (Recommended(kind.default, f"the first choice of the kind {kind.name}", "agents/kinds.py"),)
