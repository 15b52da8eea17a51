"""Calibrating: estimate mount, camera and axes from all frames, aim through the play, declare when it is sure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from beamgym.agents.baselines.align.frame_spots import spots_of_frames
from beamgym.agents.baselines.moves import (
    declared,
    exposures_left,
    look_around,
    need_kind,
    positions_of,
    rotating_action,
    step_to,
)
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.instrument import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.estimation import (
    PRIORS,
    Estimator,
    Fitted,
    Prior,
    Shot,
    Track,
    foresee,
    gets_to,
    likely_to_end,
    looks,
    standing,
    stands_at,
)
from beamgym.physics.orientation import rotation_matrix, rotation_vector_deg

CONFIDENCE = 0.997
"""Probability of being within the tolerance at which it declares."""
ROUNDS = 5
"""Corrections of a command by where it would truly end."""
WORTH_A_DETOUR, DETOUR_COSTS, DETOUR_FRAMES, DETOURS = 0.3, 0.1, 3, 16
"""Below this chance that a frame at the goal is the last one needed, in the first frames, other poses are looked at;
what the frame more costs; and how many are looked at."""
REPEATED = 3
"""So many frames at one pose tell what can be seen from there."""
PER_DEGREE = 0.0005
"""What a degree of turning costs against the chance that the next frame is the last one needed."""


@dataclass(frozen=True)
class _Memory:
    context: Any
    track: Track = field(default_factory=Track)
    tries: int = 0


class Calibrating:
    """Aligns any known crystal without training; see docs/calibrating.md.

    Parameters
    ----------
    confidence : probability of being within the tolerance at which it declares
    priors : what may be known of the instrument beforehand
    """

    name = "calibrating"
    oracle = False

    def __init__(self, confidence: float = CONFIDENCE, priors: Sequence[Prior] = PRIORS) -> None:
        if not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence is {confidence}; give a probability between 0 and 1, such as {CONFIDENCE}")
        self.confidence, self.priors = confidence, priors
        self._prepared: tuple[Any, Estimator] | None = None

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n memories of no frame yet; the estimator is prepared at the first frame, once per instrument.

        Raises CannotPlay where the crystal is not known.
        """
        need_kind(context, ("laue",), "calibrating needs a crystal whose cell is known; this environment hides it")
        return [_Memory(context) for _ in range(n)]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Estimate, then move or declare; raises CannotPlay for an environment that observes no spots and no image."""
        context = state[0].context
        frames = spots_of_frames(observation, context, self.name)
        self._prepare(context, frames[0].panel)
        positions, left = positions_of(observation, context), exposures_left(observation, context)
        actions, done, after = [], left == 0, []
        for i, memory in enumerate(state):
            turned = context.goniometer.rotation(positions[i])
            shot = Shot(positions[i], turned, frames[i].position_px, frames[i].counts)
            track = self.estimator.seen(memory.track, shot)
            action, sure = self._decided(track, context, memory.tries)
            actions.append(action)
            done[i] |= sure
            after.append(replace(memory, track=track, tries=memory.tries + (track.best is None)))
        return declared(np.concatenate(actions), done), after

    def _prepare(self, context: Any, panel: Detector) -> None:
        """Make the estimator of an instrument whose spots come in pixels of a panel."""
        known = self._prepared
        if known is None or known[0] is not context or known[1].detector != panel:
            estimator = Estimator(context.crystal, context.beam, context.goniometer, panel, self.priors)
            self._prepared = context, estimator

    @property
    def estimator(self) -> Estimator:
        """The estimator of the instrument that was played last; it is there after the first ``act``."""
        assert self._prepared is not None
        return self._prepared[1]

    def _decided(self, track: Track, context: Any, tries: int) -> tuple[NDArray[np.float32], bool]:
        """Return the next action (1, a), and whether to declare instead."""
        best, here = track.best, track.shots[-1].readback
        if best is None:
            return rotating_action(look_around(tries)[None], here[None], context), False
        if self.certainty(track, context) >= self.confidence:
            return rotating_action(np.eye(3)[None], here[None], context), True
        return self._aimed(best, track, context), False

    def certainty(self, track: Track, context: Any) -> float:
        """Return the probability that the crystal of the last frame is within the tolerance of a reachable goal."""
        stands = standing(self.estimator, track, context.target, context.tolerance_deg)
        return 0.0 if stands is None else stands.probability

    def believed(self, track: Track) -> tuple[Float64Array, Float64Array] | None:
        """Return orientation (3, 3) and panel (9,) of the last frame by the best fit; None where there is none."""
        best = track.best
        if best is None:
            return None
        adjustment = self.estimator.adjustment
        return adjustment.orientations(best, track.shots)[-1], adjustment.panels(best, track.shots)[-1]

    def _aimed(self, fitted: Fitted, track: Track, context: Any) -> NDArray[np.float32]:
        """Return the action that brings the crystal to the goal that is best to go to."""
        adjustment, stage = self.estimator.adjustment, context.goniometer
        here = track.shots[-1].readback
        low, high = np.array([axis.limits for axis in stage.axes]).T
        true = stands_at(adjustment, fitted, track.shots)
        goal, places = self._goal(fitted, track, context, np.clip(true, low, high))
        if context.action != "rotation":
            return step_to(self._command(fitted, track, places, low, high)[None], here[None], context)
        turn = stage.rotation(places) @ stage.rotation(true).T
        for _ in range(ROUNDS):
            vector = rotation_vector_deg(turn[None])[0]
            length = float(np.linalg.norm(vector))
            if length > context.max_rotation_deg:
                turn = rotation_matrix(vector * context.max_rotation_deg / length)
                break
            reached = stage.turn(np.clip(here, low, high)[None], vector[None]).positions[0]
            ends = stage.rotation(gets_to(adjustment, fitted, track.shots, reached)) @ fitted.mount
            turn = goal @ ends.T @ turn
        return rotating_action(turn[None], here[None], context)

    def _command(
        self, fitted: Fitted, track: Track, places: Float64Array, low: Float64Array, high: Float64Array
    ) -> Float64Array:
        """Return where to send the axes so that they truly get to ``places`` (k,)."""
        command = places.copy()
        for _ in range(ROUNDS):
            ends = gets_to(self.estimator.adjustment, fitted, track.shots, np.clip(command, low, high))
            command = command + places - ends
        clipped: Float64Array = np.clip(command, low, high)
        return clipped

    def _goal(
        self, fitted: Fitted, track: Track, context: Any, true: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        """Return a goal (3, 3), and the axes' positions there (k,).

        Of a pose's equivalents the one at which the next frame is likeliest to be the last one needed: one seen from
        another side tells more of the camera. Otherwise the nearest.
        """
        nearest = context.target.reachable_goals(context.goniometer, fitted.mount[None], true[None])
        choice = nearest.orientation[0], nearest.positions[0]
        if context.target.kind != "pose" or context.action != "rotation" or track.open:
            return choice
        allowed = context.target.reachable(context.goniometer, fitted.mount[None])[0]
        goals = context.target.orientations[allowed]
        solved = context.goniometer.solve(goals @ fitted.mount.T, true)
        low, high = np.array([axis.limits for axis in context.goniometer.axes]).T
        setup, best = self.estimator.adjustment.setup, -np.inf
        short = 0.5 * setup.play(fitted.values, setup.layout(len(track.shots)))
        stands = context.goniometer.rotation(true)
        for goal, places in zip(goals[solved.reachable], solved.positions[solved.reachable], strict=True):
            turn = context.goniometer.rotation(places) @ stands.T
            angle = float(np.linalg.norm(rotation_vector_deg(turn[None])[0]))
            if angle > context.max_rotation_deg:
                continue
            seen, blind = foresee(self.estimator.adjustment, fitted, track.shots, places)
            spread = float(np.sqrt(np.linalg.eigvalsh(seen)[-1])) / context.tolerance_deg
            worth = likely_to_end(seen, blind, context.tolerance_deg) - PER_DEGREE * angle - 0.4 * spread
            # At the end of its travel an axis stops short of where it is sent, by its play.
            worth -= float((np.minimum(places - low, high - places) < short).any())
            if worth > best:
                best, choice = worth, (goal, places)
        if _repeated(track) or (best < WORTH_A_DETOUR and len(track.shots) <= DETOUR_FRAMES):
            return self._detour(fitted, track, context, true, choice)
        return choice

    def _detour(
        self,
        fitted: Fitted,
        track: Track,
        context: Any,
        true: Float64Array,
        choice: tuple[Float64Array, Float64Array],
    ) -> tuple[Float64Array, Float64Array]:
        """Return a pose on the way to a goal whose frame tells more than one at the goal; the goal where none does.

        What counts is whether the frame after it, at the goal, is likely to be the last one needed. Where frames at the
        goal did not settle it, another pose is looked at in any case.
        """
        stage, found = context.goniometer, choice

        def worth_after(places: Float64Array) -> float:
            seen, blind = foresee(self.estimator.adjustment, fitted, track.shots, places, choice[1])
            return likely_to_end(seen, blind, context.tolerance_deg)

        worth = -np.inf if _repeated(track) else worth_after(choice[1]) + DETOUR_COSTS
        low, high = np.array([axis.limits for axis in stage.axes]).T
        stands = stage.rotation(true)
        for places in _elsewhere(low, high, choice[1]):
            turn = stage.rotation(places) @ stands.T
            angle = float(np.linalg.norm(rotation_vector_deg(turn[None])[0]))
            if angle > context.max_rotation_deg:
                continue
            gained = worth_after(places) - PER_DEGREE * angle
            if gained > worth:
                worth, found = gained, (stage.rotation(places) @ fitted.mount, places)
        return found


def _repeated(track: Track) -> bool:
    """Whether the last frames were all taken at one pose."""
    return len(track.shots) >= REPEATED and len(looks(track.shots[-REPEATED:])) == 1


def _elsewhere(low: Float64Array, high: Float64Array, goal: Float64Array) -> Float64Array:
    """Return positions (m, k) spread evenly over the travel, a quarter turn about the goal at most, always the same."""
    even = qmc.Halton(len(low), scramble=False).random(DETOURS + 1)[1:]
    near, far = np.maximum(low, goal - 90.0), np.minimum(high, goal + 90.0)
    spread: Float64Array = near + even * (far - near)
    return spread
