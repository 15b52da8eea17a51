"""What a comparison of policies writes as JSON; docs/leaderboard.md says what stands under each key."""

from collections.abc import Sequence
from typing import Any

from beamgym.agents.evaluation import Budget, PolicyResult, curves


def report(
    env_id: str,
    level: str,
    episodes: int,
    seed: int,
    results: Sequence[PolicyResult],
    budget: Budget | None = None,
    drawn: bool = False,
) -> dict[str, Any]:
    """Return the machine-readable result, with curves of success if they were ``drawn`` or beam time is counted."""
    known = budget or Budget()
    more = {"curves": curves(results, known)} if drawn or known.metric_set.curves else {}
    return {
        "env": env_id,
        "level": level,
        "episodes": episodes,
        "seed": seed,
        "policies": {result.name: {"oracle": result.oracle, **result.as_dict()} for result in results},
        **more,
    }
