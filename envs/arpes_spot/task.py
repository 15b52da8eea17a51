"""The ArpesSpot task: find the best site of a cleaved sample within the beam time, and declare it."""

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, Protocol, runtime_checkable

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.actions import decode_steps
from beamgym.envs.arpes_spot.context import TENTH, SpotContext, SpotReward
from beamgym.envs.arpes_spot.parts import Observed, SiteView
from beamgym.envs.arpes_spot.scoring_kernels import whole_sums
from beamgym.envs.arpes_spot.state import SpotState, blank, cleared
from beamgym.envs.arpes_spot.views import draw_on_map, spectrum_to_uint8
from beamgym.envs.costs import exposure_costs
from beamgym.envs.task import Observation, TaskCommand, Truth, Verdict
from beamgym.physics.arpes.score import REFERENCE_COUNTS, direct_scores, v2_total
from beamgym.physics.arpes.surface import REFERENCE_DWELL_S
from beamgym.physics.instrument import (
    AcquireSettings,
    BoolArray,
    Float32Array,
    Float64Array,
    Frame,
    FrameFailed,
    Int64Array,
    MoveReport,
)

_AMPLE_FEATURE: Final = 1e3  # where nobody tells the measure F: a spectrum without features shows it in B


class SpotScorer(Protocol):
    """Scores spectra by what was counted."""

    def __call__(self, counts: Float32Array) -> Float32Array:
        """Return S, B, N and the total in points (m, 4) of spectra (m, e, a)."""
        ...


@runtime_checkable
class SiteScorer(SpotScorer, Protocol):
    """A scorer that also tells what a total would be with other numbers of electrons, and how sure it is."""

    def with_estimates(self, counts: Float32Array, number: Float64Array) -> tuple[Float32Array, Float32Array]:
        """Return scores (m, 4) as above, and the totals at N = ``number`` (m,) with their expected errors (m, 2)."""
        ...


@dataclass
class ArpesSpotTask:
    """The rules of ArpesSpot, for any stage and analyser.

    Parameters
    ----------
    context : the public side of the task
    reward : how the episode is paid
    stop : "declare" (the agent ends the episode, success is judged then) or "truth" (ends at the first good spot)
    scorer : gives the scores that are observed; by default ``direct_scores``, which reads them off the counts
    paid : "truth" (the dense reward is about the site's noise-free score, where there is a truth) or "scores" (about
        the observed ones)
    image : observe pixels and position only, where nothing else is said
    observation : "all", "scores" (no spectrum and no map), "map" (as a picture) or "spectrum" (with the position)
    declares_within_mm : way beside which a declaration counts, see ``SpotRules``
    estimates : observe what the site's total would be at the reference dwell, and compare sites by it
    """

    context: SpotContext
    reward: SpotReward = field(default_factory=SpotReward)
    stop: Literal["declare", "truth"] = "declare"
    scorer: SpotScorer | None = None
    image: bool = False
    paid: Literal["truth", "scores"] = "truth"
    observation: Observed | None = None
    declares_within_mm: float = np.inf
    estimates: bool = False

    def __post_init__(self) -> None:
        if self.paid not in ("truth", "scores"):
            raise ValueError(f"paid is {self.paid!r}; choose 'truth' or 'scores'")
        if self.stop not in ("declare", "truth"):
            raise ValueError(f"unknown stop {self.stop!r}; choose 'declare' or 'truth'")
        self.settings = AcquireSettings()
        self.action_space: spaces.Box = spaces.Box(-1.0, 1.0, (4,), dtype=np.float32)
        self.view = SiteView(self.context, self.observed, self.estimates)
        self.observation_space = self.view.space
        self._limits = self.context.stage.limits_mm
        self._dwells = np.log(np.array(self.context.stage.dwell_s))

    @property
    def observed(self) -> Observed:
        """Which of the choices is observed."""
        return self.observation or ("spectrum" if self.image else "all")

    def start(
        self,
        previous: SpotState | None,
        positions: Float64Array,
        frame: Frame,
        mask: BoolArray,
        truth: Truth | None = None,
    ) -> SpotState:
        """Begin with the first exposure; see Task.start."""
        state = cleared(previous if previous is not None else blank(positions, self.context.grid.shape), mask)
        state = replace(state, positions=np.where(mask[:, None], positions, state.positions))
        state = self._take(state, frame, mask, np.zeros(len(mask)), cleared=True)
        return replace(state, reached=np.where(mask, self._rewarded_points(state, truth), state.reached))

    def target(self, state: SpotState, action: Float64Array) -> TaskCommand:
        """Turn an action into a site and a dwell; a step that would leave the stage's travel is shortened."""
        site, limited, way_mm = self._site(state, action[:, :2])
        declare = (action[:, 3] > 0.0) & (self.stop == "declare") & (way_mm < self._still_mm)
        share = 0.5 * (action[:, 2] + 1.0)
        dwell = np.exp(self._dwells[0] + share * (self._dwells[1] - self._dwells[0]))
        dwell = np.clip(dwell, *self.context.stage.dwell_s)
        needed = self.context.stage.lead_s(state.positions[:, :2], site, dwell) + dwell + self.context.readout_s
        moves = ~declare & (state.spent_s + needed <= self.context.beam_time_s)
        target = np.concatenate([site, dwell[:, None]], axis=1)
        held = self._within(state.positions)
        return TaskCommand(np.where(moves[:, None], target, held), moves, declare, limited & moves)

    def _site(self, state: SpotState, action: Float64Array) -> tuple[Float64Array, BoolArray, Float64Array]:
        """Return sites (n, 2) within reach, which rows were shortened, and the ways that were asked for, mm."""
        (low, high), held = self._limits.T, state.positions[:, :2]
        if self.context.action == "absolute":
            site: Float64Array = np.clip(low + 0.5 * (action + 1.0) * (high - low), low, high)
            return site, np.zeros(len(action), dtype=np.bool_), np.hypot(*(site - held).T)
        # What was asked for counts, not what the limits leave of it.
        step = decode_steps(action, np.full(2, self.context.max_step_mm))
        wanted = held + step
        site = np.clip(wanted, low, high)
        return site, (site != wanted).any(axis=1), np.hypot(*step.T)

    @property
    def _still_mm(self) -> float:
        """Way below which a declaration counts."""
        if self.context.action == "absolute" or np.isinf(self.declares_within_mm):
            return self.declares_within_mm
        return min(self.declares_within_mm, TENTH * self.context.max_step_mm)

    def _within(self, positions: Float64Array) -> Float64Array:
        """Return positions (n, 3) inside the limits: the noise of a reading may lie outside."""
        return np.concatenate([np.clip(positions[:, :2], *self._limits.T), positions[:, 2:]], axis=1)

    def advance(
        self, state: SpotState, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> SpotState:
        """Update the state by a move and its spectrum; see Task.advance."""
        moved = command.moves & mask
        travel = self._limits[:, 1] - self._limits[:, 0]
        made = (report.readback[:, :2] - state.positions[:, :2]) / travel * moved[:, None]
        last = np.concatenate([made, command.limited[:, None]], axis=1).astype(np.float32).clip(-1, 1)
        state = replace(
            state,
            positions=np.where(moved[:, None], report.readback, state.positions),
            last_move=np.where(mask[:, None], last, state.last_move),
            declared=np.where(mask, command.declare, state.declared),
            over=np.where(mask, ~command.declare & ~command.moves, state.over),
        )
        return self._take(state, frame, moved, report.duration_s)

    def _take(
        self, state: SpotState, frame: Frame, mask: BoolArray, motor_s: Float64Array, cleared: bool = False
    ) -> SpotState:
        """Update the state by the spectra of the masked rows; a state just ``cleared`` is changed in place."""
        motor, exposure = np.where(mask, motor_s, 0.0), np.where(mask, frame.exposure_s, 0.0)
        if not mask.any():
            return replace(state, motor_s=motor, exposure_s=exposure)
        if frame.image is None:
            raise FrameFailed("this instrument gives no spectra; ArpesSpot needs frames with an image (n, e, a)")
        rows = np.flatnonzero(mask)
        counts = np.ascontiguousarray(frame.image if len(rows) == len(mask) else frame.image[rows], dtype=np.float32)
        scores, electrons, estimate = state.scores.copy(), state.electrons.copy(), state.estimate.copy()
        spectrum = spectrum_to_uint8(counts, self.context.grid.shape)
        if len(rows) < len(mask):
            spectrum = _replaced(state.spectrum, rows, spectrum)
        electrons[rows] = _electrons(counts)
        if self.estimates:
            scores[rows], estimate[rows] = self._estimate(counts, electrons[rows], frame.exposure_s[rows])
        else:
            scores[rows] = self._score(counts)
        kept = state.map, state.trace, state.best
        chart, trace, best = kept if cleared else (values.copy() for values in kept)
        used = state.used + mask
        counting = self._counting(electrons, frame.exposure_s)
        totals = (estimate[:, 0] if self.estimates else scores[:, 3]).copy()
        fractions = self.context.fractions(state.positions)
        draw_on_map(rows, fractions, state.positions, scores, totals, counting, used, chart, trace, best)
        step_s = motor + exposure + self.context.readout_s * mask
        return replace(
            state,
            spectrum=spectrum,
            scores=scores,
            estimate=estimate,
            electrons=electrons,
            map=chart,
            trace=trace,
            best=best,
            used=used,
            spent_s=state.spent_s + step_s,
            motor_s=motor,
            exposure_s=exposure,
        )

    def _counting(self, electrons: Float64Array, exposure_s: Float64Array) -> Float64Array:
        """Return N as it would be at the reference dwell, and the dwell on the action's scale, 0 to 1, (n, 2)."""
        return np.stack([_reference_number(electrons, exposure_s), self.context.dwell_share(exposure_s)], axis=1)

    def _estimate(
        self, counts: Float32Array, electrons: Float64Array, exposure_s: Float64Array
    ) -> tuple[Float32Array, Float32Array]:
        """Return the scores (m, 4), and the total at the reference dwell with its expected error (m, 2)."""
        number = _reference_number(electrons, exposure_s)
        if isinstance(self.scorer, SiteScorer):
            return self.scorer.with_estimates(counts, number)
        scores = self._score(counts)
        total = v2_total(_AMPLE_FEATURE, scores[:, 0].astype(np.float64), scores[:, 1].astype(np.float64), number)
        return scores, np.stack([total, np.zeros_like(total)], axis=1).astype(np.float32)

    def _score(self, counts: Float32Array) -> Float32Array:
        if self.scorer is not None:
            return self.scorer(counts)
        return direct_scores(counts, self.context.grid.slit_step_deg).labels()

    def observe(self, state: SpotState) -> Observation:
        """Return the observation, as fresh arrays."""
        return self.view.encode(state)

    def judge(self, state: SpotState, truth: Truth | None = None) -> tuple[SpotState, Verdict]:
        """Return reward, end and success of the last step.

        Without truth, on hardware, success cannot be known and is never claimed; the dense reward then takes the
        scores that are observed.
        """
        n = len(state.used)
        good = np.zeros(n, dtype=np.bool_) if truth is None else truth["place_score"] >= truth["threshold"]
        terminated = good.copy() if self.stop == "truth" else state.declared.copy()
        success, truncated = good & terminated, state.over & ~terminated
        points = self._rewarded_points(state, truth)
        reached = np.maximum(state.reached, points)
        # Without truth nobody knows that a declaration is wrong: none is charged for.
        wrong = terminated & ~good & (truth is not None)
        reward = self._pay(state, reached, self._end_worth(points, terminated, success, wrong))
        metrics = {} if truth is None else _site_info(truth)
        return replace(state, reached=reached), Verdict(reward, terminated, truncated, success, metrics)

    def _rewarded_points(self, state: SpotState, truth: Truth | None) -> Float64Array:
        """Return the points that the reward is about, (n,)."""
        if truth is None or self.paid == "scores":
            return state.scores[:, 3].astype(np.float64)
        return truth["place_score"].copy()

    def _end_worth(self, points: Float64Array, ended: BoolArray, success: BoolArray, wrong: BoolArray) -> Float64Array:
        """Return what the end is worth, (n,); 0 where there is none yet."""
        if self.reward.kind == "dense" and self.reward.ends_by == "score":
            return np.asarray(np.where(ended, 0.1 * points, 0.0))
        return np.asarray(self.reward.success * success - self.reward.price * wrong, dtype=np.float64)

    def _pay(self, state: SpotState, reached: Float64Array, end: Float64Array) -> Float64Array:
        if self.reward.kind == "sparse":
            return end
        rise = 0.1 * (reached - state.reached) - self.reward.time_cost * self.costs(state)["instrument_s"]
        return np.asarray(rise + end)

    def costs(self, state: SpotState) -> dict[str, NDArray[Any]]:
        """Return the last step's exposures, motor, exposure and instrument seconds, and dose (seconds in the beam)."""
        return exposure_costs(state.motor_s, state.exposure_s, self.context.readout_s)


def _site_info(truth: Truth) -> dict[str, NDArray[Any]]:
    # The best is that of a grid of sites: between them there may be a slightly better one, which lacks nothing.
    lacking = np.maximum(truth["best"] - truth["place_score"], 0.0)
    return {"place_score": truth["place_score"].copy(), "shortfall": lacking}


def _reference_number(electrons: Float64Array, exposure_s: Float64Array) -> Float64Array:
    """Return N as it would be at the reference dwell, (m,)."""
    rate = electrons / np.maximum(exposure_s, 1e-9)
    number: Float64Array = np.minimum(rate * REFERENCE_DWELL_S / REFERENCE_COUNTS, 1.0)
    return number


def _electrons(counts: Float32Array) -> Float64Array:
    """Return the electrons in each of m spectra: whole numbers add up to the same in any order, and so more quickly."""
    total = np.empty(len(counts))
    whole_sums(counts, total)
    others = total < 0.0
    if others.any():
        total[others] = counts[others].sum(axis=(1, 2), dtype=np.float64)
    return total


def _replaced(values: NDArray[Any], rows: Int64Array, new: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of values (n, ...) with the rows (m,) replaced by new ones."""
    kept = values.copy()
    kept[rows] = new
    return kept
