"""The end of an episode with an unknown crystal: a word on why it failed, and the task's own picture of it."""

import os
from typing import Any

import numpy as np
from PIL import Image

from beamgym.agents.baselines.moves import need_kind
from beamgym.agents.evaluation import context_of
from beamgym.envs.laue_zone import ZoneRenderer
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.policy import Policy
from beamgym.physics.arrays import Float64Array
from beamgym.physics.files import replacing
from beamgym.scripts.laue_gallery.again import played_again

RIGHT_DEG = 1.0
"""Lines nearer to the true ones than this are right."""


def zone_failure(env: InstrumentVectorEnv, policy: Policy, seed: int, picture: str | os.PathLike[str]) -> str:
    """Play an episode again, draw its end into a PNG, and return in a line why it did not end aligned.

    Parameters
    ----------
    env : n = 1, without autoreset
    policy : an oracle is handed the truth
    seed : the environment's
    picture : 960 × 540 pixels, whole or not at all

    Raises
    ------
    CannotPlay : an environment that is not that of an unknown crystal
    """
    context = context_of(env)
    need_kind(context, ("zone",), "only episodes of unknown crystals have such a picture")
    last = played_again(env, policy, context, seed)
    with replacing(picture) as draft:
        Image.fromarray(ZoneRenderer(context).draw(*env.loop.of(0))).save(draft, format="PNG")
    truth = {name: value[0] for name, value in last.truth.items()}
    lines = context.lines(truth["cell"][None])[0] @ truth["mount"].T
    when = "declared" if last.declared else "budget spent"
    off, track = float(last.info["misorientation_deg"][0]), getattr(last.memory, "track", None)
    return f"{when}: {off:.2g}° off{_belief(track, lines)}"


def _belief(track: Any, true: Float64Array) -> str:
    """Say what a policy with a track took for the lines, beside the true ones (k, 3) in the goniometer's frame."""
    if track is None:
        return ""
    if not track.found:
        return ", no lattice found"
    best = track.found[0]
    off = np.degrees(np.arccos(np.clip(np.abs(best.lines @ true.T).max(axis=1), 0.0, 1.0)))
    right = "the right lines" if off.max() < RIGHT_DEG else f"other lines, up to {off.max():.0f}° from the true ones"
    indexed = f"{best.matched} of {best.spots} spots indexed"
    return f", {right} (p = {float(track.shares()[0]):.3f}), {indexed}, {len(track.found)} lattices open"
