"""The matcher beside searches that learn nothing, on the same frames of crystals that it was never trained on."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from beamgym.agents.matcher.candidates import Candidate, candidates
from beamgym.agents.matcher.features import UNITS, sight
from beamgym.agents.matcher.network import Matcher, fixed
from beamgym.agents.matcher.stream import Draw
from beamgym.agents.matcher.training import batch_of
from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.estimation import Start, Track
from beamgym.physics.orientation import misorientation_deg, rotation_matrix

FOUND_DEG = 2.0
ADJUSTED = 4
"""Candidates that are adjusted to the frames, those that weights put first; of those by votes, all are."""


@dataclass(frozen=True)
class Answer:
    """What one method says of one episode.

    Parameters
    ----------
    first : whether its first candidate is the larger grain; None where candidates are not ordered
    found : whether what the adjustment makes of its candidates is, by odds that end the product's search
    wrong : whether that is something else, and told as sure
    seconds : CPU time of the decision
    """

    first: bool | None
    found: bool
    wrong: bool
    seconds: float


def by_product(draw: Draw) -> list[Answer]:
    """Answer after every frame as the product does: by the last one, or by all frames where that does not tell."""
    track, seconds, answers = Track(), 0.0, []
    for shot in draw.shots:
        begun = time.process_time()
        track = draw.subject.estimator.seen(track, shot)
        seconds += time.process_time() - begun
        answers.append(_answer(draw, None, track, seconds))
    return answers


def proposed(draw: Draw, seed: int) -> tuple[list[Candidate], float]:
    """Return the candidates of an episode, and the seconds that they took."""
    begun = time.process_time()
    return candidates(draw, np.random.default_rng([seed, len(draw.shots)])), time.process_time() - begun


def by_votes(draw: Draw, found: Sequence[Candidate], seconds: float) -> Answer:
    """Answer by candidates as they are, most votes first; all of them are adjusted."""
    return _settled(draw, found, len(found), time.process_time() - seconds)


def by_weights(draw: Draw, found: Sequence[Candidate], seconds: float, net: Matcher | None = None) -> Answer:
    """Answer by those of the same candidates that the matcher puts first, moved as it says; or fixed weights do."""
    begun = time.process_time() - seconds
    if found:
        parts = batch_of([sight(draw, each) for each in found])
        with torch.no_grad():
            score, change = fixed(*parts) if net is None else net(*parts)[::2]
        moves = change.numpy() * UNITS
        found = [_moved(found[k], moves[k]) for k in np.argsort(-score.numpy())]
    return _settled(draw, found, ADJUSTED, begun)


def _moved(candidate: Candidate, change: Float64Array) -> Candidate:
    mount = rotation_matrix(change[:3]) @ candidate.mount
    return replace(candidate, mount=mount, distance_mm=candidate.distance_mm + float(change[5]))


def _settled(draw: Draw, found: Sequence[Candidate], adjusted: int, begun: float) -> Answer:
    starts = [Start(each.mount, (0.0, 0.0, each.distance_mm)) for each in found[:adjusted]]
    track = draw.subject.estimator.tried(draw.shots, starts)
    first = bool(found) and _near(draw, found[0].mount)
    return _answer(draw, first, track, time.process_time() - begun)


def _answer(draw: Draw, first: bool | None, track: Track, seconds: float) -> Answer:
    found = track.best is not None and _near(draw, track.best.mount)
    wrong = track.best is not None and not track.open and not found
    return Answer(first, found, wrong, seconds)


def _near(draw: Draw, mount: Float64Array) -> bool:
    return bool(misorientation_deg(mount, draw.mount, draw.subject.crystal.rotations) < FOUND_DEG)
