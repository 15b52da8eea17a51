"""Trains the matcher on a stream of random crystals: candidates of the search, right and wrong."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from beamgym.agents.matcher.candidates import Candidate, candidates
from beamgym.agents.matcher.features import Sight, sight, true_rays
from beamgym.agents.matcher.network import Matcher
from beamgym.agents.matcher.stream import REGIMES, Draw, Subject, draws
from beamgym.physics.arrays import Int64Array
from beamgym.physics.crystal import Crystal, RandomCrystals
from beamgym.physics.orientation import misorientation_deg, rotation_matrix

DISTANCES_MM, PAIRS, KEPT = (0.0, -6.0, 6.0), 150, 8
"""The search that proposes in training: coarser than the one that is measured, for the sake of time."""
RIGHT_DEG, STRAY_DEG, STRAYS = 2.5, 0.6, 2
HARSH_SHARE, EPISODES, FRAMES = 0.6, 6, 4
BUFFER, BATCH, STEPS, RATE, LAST_RATE = 3000, 48, 8, 2e-3, 0.05
OWN_RAYS = 0.3
"""Weight of which ray each spot is given to beside that of which candidate is right."""
TOLD_EVERY = 20


@dataclass(frozen=True, eq=False)
class Example:
    """A candidate, whether it is the larger grain, and which of its rays each spot comes from, (n,); k: none."""

    seen: Sight
    right: bool
    label: Int64Array


def examples(subject: Subject, seed: int) -> Iterator[Example]:
    """Draw episodes of a crystal and yield what the search proposes of them, and orientations near the truth."""
    rng = np.random.default_rng([seed, 12])
    regime = "harsh" if rng.random() < HARSH_SHARE else str(rng.choice(list(REGIMES)))
    for draw in draws(subject, REGIMES[regime], seed, EPISODES, FRAMES):
        cut = draw.first(int(rng.integers(1, FRAMES + 1)))
        ray = true_rays(cut)
        for each in [*candidates(cut, rng, DISTANCES_MM, PAIRS, KEPT), *_near_truth(cut, rng)]:
            yield _example(cut, each, ray)


def _near_truth(draw: Draw, rng: np.random.Generator) -> list[Candidate]:
    nearest = min(DISTANCES_MM, key=lambda distance: abs(distance - draw.farther_mm))
    strays = rotation_matrix(STRAY_DEG * rng.normal(size=(STRAYS, 3)))
    return [Candidate(stray @ draw.mount, nearest) for stray in strays]


def _example(draw: Draw, candidate: Candidate, ray: Int64Array) -> Example:
    turns = draw.subject.crystal.rotations
    right = bool(misorientation_deg(candidate.mount, draw.mount, turns) < RIGHT_DEG)
    if right:  # as the image under the crystal's rotations of which the rays bear the truth's names
        nearest = int(np.argmax(np.einsum("kij,ij->k", candidate.mount @ turns, draw.mount)))
        candidate = replace(candidate, mount=candidate.mount @ turns[nearest])
    seen = sight(draw, candidate)
    same = seen.ray == ray[:, None]
    return Example(seen, right, np.where(same.any(axis=1), same.argmax(axis=1), seen.ray.shape[1]))


def batch_of(seen: Sequence[Sight]) -> tuple[torch.Tensor, ...]:
    """Return features, off_mm, by, ray and there of some candidates, padded to the longest."""
    longest = max(len(one.ray) for one in seen)
    rays = [np.unique(one.ray, return_inverse=True)[1].reshape(one.ray.shape) for one in seen]
    parts = [[getattr(one, name).astype(np.float32) for one in seen] for name in ("features", "off_mm", "by")]
    there = [np.ones(len(one.ray), dtype=np.bool_) for one in seen]
    padded = []
    for arrays in (*parts, rays, there):
        whole = np.zeros((len(seen), longest, *arrays[0].shape[1:]), dtype=arrays[0].dtype)
        for row, array in zip(whole, arrays, strict=True):
            row[: len(array)] = array
        padded.append(torch.from_numpy(whole))
    return tuple(padded)


def loss_of(net: Matcher, chosen: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the loss of a batch, and the share of its candidates that are judged rightly."""
    odds, log, _ = net(*batch_of([each.seen for each in chosen]))
    right = torch.tensor([each.right for each in chosen])
    loss = binary_cross_entropy_with_logits(odds, right.float())
    label = torch.full(log.shape[:2], -1)
    for row, each in zip(label, chosen, strict=True):
        row[: len(each.label)] = torch.from_numpy(each.label)
    counted = (label >= 0) & right[:, None]
    if counted.any():
        loss = loss - OWN_RAYS * log.gather(2, label.clamp(min=0)[..., None])[..., 0][counted].mean()
    return loss, ((odds > 0) == right).float().mean()


def train(
    minutes: float,
    seed: int,
    subject_of: Callable[[Crystal], Subject],
    file: Path,
    told: Callable[[str], None] = print,
    steps: int | None = None,
) -> Matcher:
    """Train for so many minutes of wall clock, or steps, and write the file; goes on from it where it is there."""
    torch.manual_seed(seed)
    net = Matcher()
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    number = _taken_up(file, net, optimizer)
    stream, rng = RandomCrystals("train", seed), np.random.default_rng([seed, number])
    kept: deque[Example] = deque(maxlen=BUFFER)
    begun, done, recent = time.monotonic(), 0, deque[tuple[float, float]](maxlen=STEPS * TOLD_EVERY)
    while (share := (time.monotonic() - begun) / (60.0 * minutes)) < 1.0 and (steps is None or done < steps):
        kept.extend(examples(subject_of(stream[number]), 100_000 * (seed + 1) + number))
        number += 1
        optimizer.param_groups[0]["lr"] = RATE * (1.0 - (1.0 - LAST_RATE) * share)
        for _ in range(STEPS if len(kept) >= 2 * BATCH else 0):
            loss, rightly = loss_of(net, [kept[int(i)] for i in rng.integers(len(kept), size=BATCH)])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            done += 1
            recent.append((float(loss.detach()), float(rightly)))
        if number % TOLD_EVERY == 0 and recent:
            mean = np.mean(recent, axis=0)
            told(f"{number} crystals, {done} steps: loss {mean[0]:.3f}, {mean[1]:.1%} of the candidates judged rightly")
            _write(file, net, optimizer, number)
    _write(file, net, optimizer, number)
    return net


def load(file: Path) -> Matcher:
    """Return a trained matcher.

    Raises
    ------
    ValueError : where the file is none
    """
    net = Matcher()
    net.load_state_dict(_kept(file)["net"])
    net.eval()
    return net


def _taken_up(file: Path, net: Matcher, optimizer: torch.optim.Optimizer) -> int:
    if not file.exists():
        return 0
    kept = _kept(file)
    net.load_state_dict(kept["net"])
    optimizer.load_state_dict(kept["optimizer"])
    return int(kept["crystals"])


def _kept(file: Path) -> dict[str, Any]:
    kept = torch.load(file, weights_only=True) if is_zipfile(file) else None
    if not isinstance(kept, dict) or set(kept) != {"net", "optimizer", "crystals"}:
        raise ValueError(f"{file} is no trained matcher; give another --file")
    return kept


def _write(file: Path, net: Matcher, optimizer: torch.optim.Optimizer, number: int) -> None:
    kept = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "crystals": number}
    torch.save(kept, file)
