"""What the searches for the best site share: probes, their results, and the policy that runs a search.

A search is a generator, as ``simplex`` is: it yields probes, is sent their results, and returns when the site then held
is to be declared. So each rival reads as what a person would do, one exposure after another.
"""

import zlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import need_kind
from beamgym.envs.arpes_spot import SpotContext
from beamgym.envs.policy import CannotPlay, PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.arpes.score import REFERENCE_COUNTS, v2_total
from beamgym.physics.arpes.surface import REFERENCE_DWELL_S
from beamgym.physics.instrument import Float64Array

ARRIVED_MM: Final = 0.01
"""Distance within which a stage that goes by steps has arrived; what its readings scatter by is less."""

_SPARE_S: Final = 1e-3  # of the beam time, which is observed as a float32
_ESTIMATE: Final = "site_estimate"
_POINTS: Final = 10.0  # the total is observed in tenths of its largest
_AMPLE_FEATURE: Final = 1e3  # the measure F is not observed; a spectrum without features shows it in B


@dataclass(frozen=True)
class Probe:
    """A planned exposure: its site, (2,) mm, and its dwell in seconds."""

    site_mm: Float64Array
    dwell_s: float


@dataclass(frozen=True)
class ProbeResult:
    """The result of one exposure.

    Parameters
    ----------
    site_mm : (2,) by the readback
    dwell_s : of the exposure
    sharpness, background : observed components S and B, 0…1
    total : observed score, points
    electrons : counted
    left_s : beam time left
    bits : the seed of searches that draw at random: the episode's, or a hash of the spectrum where it has none
    estimate : total at the reference dwell and its expected error, points, where they are observed
    """

    site_mm: Float64Array
    dwell_s: float
    sharpness: float
    background: float
    total: float
    electrons: float
    left_s: float
    bits: int
    estimate: tuple[float, float] | None = None

    def points(self) -> float:
        """Return the score in points at the reference dwell: as observed, or of S and B with its electrons."""
        if self.estimate is not None:
            return self.estimate[0]
        number = min(self.electrons / REFERENCE_COUNTS * REFERENCE_DWELL_S / self.dwell_s, 1.0)
        return float(v2_total(_AMPLE_FEATURE, self.sharpness, self.background, number))


Search = Generator[Probe, ProbeResult, None]
SearchFunction = Callable[..., Search]
"""(context, first exposure, and settings where they are not to be the usual ones) → the search."""


class SearchPolicy:
    """Runs one search per episode; declares when it ends or when its next probe no longer fits into the beam time.

    Parameters
    ----------
    name : as in tables
    search : begins a search, from the context and the first exposure
    """

    oracle = False

    def __init__(self, name: str, search: SearchFunction) -> None:
        self.name = name
        self.search = search

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n searches that have not begun; raises CannotPlay where there is no site to find."""
        return [_Running(spot_context(context, self.name), self.search) for _ in range(n)]

    def start_from(self, context: Any, seeds: Sequence[int]) -> PolicyState:
        """Return a search for each seed, from which it draws where it draws at random; otherwise as ``start``."""
        return [_Running(spot_context(context, self.name), self.search, seed=seed) for seed in seeds]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return each search's next probe, or a declaration; raises CannotPlay where no scores are observed."""
        context: SpotContext = state[0].context
        actions = np.zeros((len(state), 4), dtype=np.float32)
        for row, (running, result) in enumerate(
            zip(state, probe_results(observation, context, self.name), strict=True)
        ):
            probe = running.next(result)
            actions[row] = action_of(context, result, probe)
        return actions, state


@dataclass
class _Running:
    context: SpotContext
    begin: SearchFunction
    search: Search | None = None
    asked: Probe | None = None
    seed: int | None = None

    def next(self, result: ProbeResult) -> Probe | None:
        """Return the next probe, or None to declare."""
        if self._arrived(result):
            self.asked = self._ask(result)
        if self.asked is None or cost_s(self.context, result.site_mm, self.asked) > result.left_s:
            return None
        return self.asked

    def _arrived(self, result: ProbeResult) -> bool:
        if self.asked is None or self.context.action == "absolute":
            return True
        return bool(np.abs(result.site_mm - self.asked.site_mm).max() <= ARRIVED_MM)

    def _ask(self, result: ProbeResult) -> Probe | None:
        try:
            if self.search is None:
                first = result if self.seed is None else replace(result, bits=self.seed)
                self.search = self.begin(self.context, first)
                return next(self.search)
            return self.search.send(result)
        except StopIteration:
            return None


def spot_context(context: Any, name: str) -> SpotContext:
    """Return the context as that of a search for a spot; raises CannotPlay for another."""
    need_kind(context, ("arpes",), f"{name} looks for the best spot of a surface; play it in beamgym/ArpesSpot-v0")
    found: SpotContext = context
    return found


def probe_results(observation: Observation, context: SpotContext, name: str) -> list[ProbeResult]:
    """Return the results of the last exposures of n rows; raises CannotPlay where no scores are observed."""
    if "scores" not in observation:
        raise CannotPlay(f"{name} needs observed scores; use beamgym/ArpesSpot-v0, whose observation has them")
    low, high = context.stage.limits_mm.T
    sites = low + 0.5 * (observation["position"].astype(np.float64) + 1.0) * (high - low)
    shortest, longest = np.log(context.stage.dwell_s)
    dwells = np.exp(shortest + observation["exposure"][:, 0].astype(np.float64) * (longest - shortest))
    electrons = 10.0 ** (7.0 * observation["exposure"][:, 1].astype(np.float64)) - 1.0
    left = observation["budget"][:, 0].astype(np.float64) * context.beam_time_s - _SPARE_S
    scores = observation["scores"].astype(np.float64)
    estimates = 10.0 * observation[_ESTIMATE].astype(np.float64) if _ESTIMATE in observation else None
    drawn_from = observation.get("spectrum", observation["scores"])
    return [
        ProbeResult(
            site_mm=sites[i],
            dwell_s=float(dwells[i]),
            sharpness=float(scores[i, 0]),
            background=float(scores[i, 1]),
            total=_POINTS * float(scores[i, 3]),
            electrons=float(electrons[i]),
            left_s=float(left[i]),
            bits=zlib.crc32(np.ascontiguousarray(drawn_from[i]).tobytes()),
            estimate=None if estimates is None else (float(estimates[i, 0]), float(estimates[i, 1])),
        )
        for i in range(len(scores))
    ]


def action_of(context: SpotContext, result: ProbeResult, probe: Probe | None) -> NDArray[np.float32]:
    """Return the action (4,) that goes to a probe's site, or stays and declares where there is none."""
    low, high = context.stage.limits_mm.T
    if probe is None:
        still = 2.0 * (result.site_mm - low) / (high - low) - 1.0 if context.action == "absolute" else np.zeros(2)
        return np.array([*still.clip(-1.0, 1.0), 0.0, 1.0], dtype=np.float32)
    move, dwell_s = 2.0 * (probe.site_mm - low) / (high - low) - 1.0, probe.dwell_s
    if context.action == "steps":
        share = (probe.site_mm - result.site_mm) / context.max_step_mm
        move = np.cbrt(np.clip(share, -1.0, 1.0))
        if np.abs(share).max() > 1.0:
            dwell_s = context.stage.dwell_s[0]  # a halt on the way
    shortest, longest = np.log(context.stage.dwell_s)
    dwell = 2.0 * (np.log(dwell_s) - shortest) / (longest - shortest) - 1.0
    return np.asarray(np.clip([*move, dwell, -1.0], -1.0, 1.0), dtype=np.float32)


def cost_s(context: SpotContext, begin_mm: Float64Array, probe: Probe) -> float:
    """Return the beam time in seconds that a probe takes from a site, halts on the way included."""
    return float(costs_s(context, begin_mm, probe.site_mm[None], probe.dwell_s)[0])


def costs_s(context: SpotContext, begin_mm: Float64Array, sites_mm: Float64Array, dwell_s: float) -> Float64Array:
    """Return the beam time in seconds to go from one site (2,) to each of several (k, 2) and expose there, (k,)."""
    dwell = np.full(len(sites_mm), dwell_s)
    seconds = context.stage.lead_s(begin_mm, sites_mm, dwell) + dwell + context.readout_s
    if context.action == "steps":
        away = np.abs(sites_mm - begin_mm).max(axis=1)
        halts = np.maximum(np.ceil(away / context.max_step_mm * (1.0 - 1e-9)) - 1.0, 0.0)
        seconds = seconds + halts * (context.stage.dwell_s[0] + context.readout_s)
    return np.asarray(seconds)
