"""What a policy reached on a row: shares with intervals, medians, and whether its claims hold."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from beamgym.agents.evaluation import PolicyResult
from beamgym.physics.instrument import BoolArray, Float64Array
from beamgym.scripts.laue_suites.rows import SuiteRow
from beamgym.scripts.rates import Rate, or_none, typical

MISLED_DEG = 5.0
"""A declaration further off than this mistakes one orientation for another."""
CLAIM_EDGES = (0.0, 0.9, 0.99, 0.997, 0.999)
"""Lower ends of the classes of stated probability."""


@dataclass(frozen=True)
class Measured:
    """A policy on a row.

    Parameters
    ----------
    row : the task
    result : as of ``evaluate``
    claims : (m,) probability stated at the declaration; NaN where none was
    exposure_s : beam on the sample in one frame, seconds
    called : the name by which the policy was found, where that is another than its own
    """

    row: SuiteRow
    result: PolicyResult
    claims: Float64Array
    exposure_s: float
    called: str = ""

    @property
    def asked(self) -> str:
        """The name by which the policy is found."""
        return self.called or self.result.name

    @cached_property
    def aligned(self) -> Rate:
        """Episodes that ended within the tolerance, by declaration."""
        return Rate.of(self.result.episodes.success)

    @cached_property
    def misled(self) -> Rate:
        """Of all episodes, those that were declared more than 5° off."""
        return Rate.of(self.misled_episodes)

    @property
    def misled_episodes(self) -> BoolArray:
        """Which episodes were declared more than 5° off, (m,)."""
        off: BoolArray = self.result.episodes.ended & (self.result.episodes.misorientation_deg > MISLED_DEG)
        return off

    @property
    def error_p99_deg(self) -> float:
        """Error at the end that 1 % of all episodes exceed, degrees."""
        return typical(self.result.episodes.misorientation_deg, 0.99)

    @property
    def dose_s(self) -> float:
        """Median seconds of beam on the sample, over all episodes as spent."""
        return float(np.median(self.result.episodes.exposures)) * self.exposure_s

    def held(self, low: float = 0.0, high: float = np.inf) -> Rate:
        """Of declarations whose stated probability lies from ``low`` up to ``high``, those that were right."""
        inside = (self.claims >= low) & (self.claims < high)
        return Rate.of(self.result.episodes.success[inside])

    @property
    def claimed(self) -> float:
        """Mean of the stated probabilities; NaN where none was stated."""
        stated = self.claims[np.isfinite(self.claims)]
        return float(stated.mean()) if len(stated) else np.nan

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        result = self.result
        return {
            "success": self.aligned.as_dict(),
            "exposures_median": result.exposures_median,
            "motor_s_median": result.motor_s_median,
            "instrument_s_median": result.instrument_s_median,
            "dose_s_median": self.dose_s,
            "error_deg_median": or_none(result.misorientation_deg_median),
            "error_deg_p99": or_none(self.error_p99_deg),
            "declared_over_5_deg": self.misled.as_dict(),
            "claims": self.claim_classes() if np.isfinite(self.claims).any() else None,
        }

    def claim_classes(self) -> list[dict[str, Any]]:
        """Return, class by class of stated probability, how many declarations there were and how many were right."""
        edges = (*CLAIM_EDGES, np.inf)
        return [
            {"from": low, "to": min(high, 1.0), "right": self.held(low, high).as_dict()}
            for low, high in pairwise(edges)
        ]


def episode_records(measured: Measured, first_seed: int) -> list[dict[str, Any]]:
    """Return the episodes that did not end aligned, for JSON, by the environment's seed that draws each again."""
    episodes = measured.result.episodes
    return [
        {
            "env_seed": first_seed + int(i),
            "declared": bool(episodes.ended[i]),
            "error_deg": or_none(float(episodes.misorientation_deg[i])),
            "exposures": int(episodes.exposures[i]),
            "claimed": or_none(float(measured.claims[i])),
        }
        for i in np.flatnonzero(~episodes.success)
    ]
