"""What the baselines share: positions from an observation, and actions that rotate, step or declare."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.actions import encode_rotation
from beamgym.envs.kinds import EXPOSURES, chosen_exposures, find_kind, require_kind
from beamgym.envs.policy import CannotPlay
from beamgym.envs.task import Observation
from beamgym.physics.instrument import Float64Array
from beamgym.physics.orientation import rotation_matrix, rotation_vector_deg

_FIELDS = 4
LOOK_AROUND_DEG = 12.0
"""Rotation after a pattern that did not index, to bring other spots onto the detector."""
USUAL_EXPOSURE_S = 10.0
"""Exposure of rivals that do not choose it, where an action asks for one."""
_TURNED = ("laue", "zone")
"""Kinds whose axes are a goniometer's."""


def need_kind(context: Any, kinds: Collection[str], otherwise: str) -> None:
    """Raise CannotPlay, saying ``otherwise``, for a context of another kind than those that a policy plays."""
    require_kind(context, kinds, otherwise, CannotPlay)


def part_of(observation: Observation, name: str) -> NDArray[Any]:
    """Return a part of an observation (n, ...); raises CannotPlay where it has none of that name."""
    if name not in observation:
        raise CannotPlay(
            f"this rival needs {name!r} in the observation, which has {', '.join(sorted(observation))}; "
            "make the environment with its usual observation, not flat"
        )
    return observation[name]


def positions_of(observation: Observation, context: Any) -> Float64Array:
    """Return the axes' positions (n, k), by their fractions of travel; raises CannotPlay without a goniometer."""
    need_kind(context, _TURNED, "this rival turns a goniometer, and the environment has none")
    axes = context.goniometer.axes
    shown = part_of(observation, "axes")
    fraction = shown.reshape(len(shown), -1, _FIELDS)[:, : len(axes), 0]
    limits = np.array([axis.limits for axis in axes])
    positions: Float64Array = limits[:, 0] + 0.5 * (fraction.astype(np.float64) + 1.0) * (limits[:, 1] - limits[:, 0])
    return np.clip(positions, limits[:, 0], limits[:, 1])


def exposures_left(observation: Observation, context: Any) -> NDArray[np.int64]:
    """Return how many more frames the budget holds (n,); at 0 only declaring is left."""
    left: NDArray[np.int64] = np.rint(part_of(observation, "budget")[:, 0] * context.exposures).astype(np.int64)
    return left


def look_around(tries: int) -> Float64Array:
    """Return a rotation (3, 3) by ``LOOK_AROUND_DEG`` about one lab axis after another, by the number of tries."""
    vector = np.zeros(3)
    vector[(1, 2, 0)[tries % 3]] = LOOK_AROUND_DEG
    return rotation_matrix(vector)


def rotating_action(rotation: Float64Array, positions: Float64Array, context: Any) -> NDArray[np.float32]:
    """Return actions that turn the sample and do not declare; a rotation beyond the largest goes as far as one may.

    Parameters
    ----------
    rotation : (n, 3, 3) in the lab frame
    positions : (n, k) where the axes stand
    context : gives the action mode and the largest rotation or step
    """
    if context.action == "rotation":
        move = encode_rotation(rotation_vector_deg(rotation), context.max_rotation_deg)
        return with_declaration(_exposed(move, context), np.zeros(len(move), dtype=np.bool_))
    here = context.goniometer.rotation(positions)
    return step_to(context.goniometer.solve(rotation @ here, positions).positions, positions, context)


def step_to(wanted: Float64Array, positions: Float64Array, context: Any) -> NDArray[np.float32]:
    """Return actions that step the axes towards positions (n, k) and do not declare; longer steps go as far as one may.

    "axes" reads an action by the cube law, "steps" in proportion.
    """
    share = np.clip((wanted - positions) / context.max_rotation_deg, -1.0, 1.0)
    move = np.cbrt(share) if context.action == "axes" else share
    return with_declaration(_exposed(move, context), np.zeros(len(move), dtype=np.bool_))


def with_declaration(move: Float64Array, declare: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Append the number that declares: 1 where ``declare`` (n,) is True, else -1."""
    last = np.where(declare, 1.0, -1.0)
    return np.concatenate([move, last[:, None]], axis=1).astype(np.float32)


def _exposed(move: Float64Array, context: Any) -> Float64Array:
    """Append the number that asks for the usual exposure, where exposures are chosen."""
    chosen = chosen_exposures(context)
    if chosen is None:
        return move
    number = np.full((len(move), 1), float(chosen.number(np.asarray(USUAL_EXPOSURE_S))))
    return np.concatenate([move, number], axis=1)


def declared(actions: NDArray[np.float32], rows: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the actions with those of ``rows`` (n,) replaced by a declaration."""
    out = actions.copy()
    out[rows] = 0.0
    out[rows, -1] = 1.0
    return out


def width(context: Any) -> int:
    """Return the length of an action, the declaration included; raises CannotPlay where exposures are not counted."""
    kind = find_kind(context)
    if kind is None or kind.budget != EXPOSURES:
        raise CannotPlay("this rival plays where exposures are counted, and the environment has another budget")
    size: int = context.action_size
    return size
