"""What the rivals at a plate share: the observation's numbers by name, and the action of what is meant."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import need_kind, part_of
from beamgym.envs.plate_scan import FIELDS
from beamgym.envs.task import Observation
from beamgym.physics.instrument import Float64Array

_MOST_LOOKS = 8.0


def need_plate(context: Any) -> None:
    """Raise CannotPlay where no plate is scanned."""
    need_kind(context, ("mosaic",), "this rival scans a plate of crystals; play PlateScan")


def seen(observation: Observation, part: str, name: str) -> Float64Array:
    """Return a number (n,) of "present" or "next" by its name in ``FIELDS``."""
    column: Float64Array = part_of(observation, part)[:, FIELDS.index(name)].astype(np.float64)
    return column


def looks(observation: Observation) -> NDArray[np.int64]:
    """Return how many frames there are of the present crystal, (n,); 0 before the first."""
    return np.rint(seen(observation, "present", "looks") * _MOST_LOOKS).astype(np.int64)


def settled(observation: Observation) -> NDArray[np.bool_]:
    """Return whether the present crystal is indexed or shows several grains, (n,)."""
    return (seen(observation, "present", "indexed") > 0.0) | (seen(observation, "present", "several") > 0.0)


def place_of(look: NDArray[np.int64]) -> Float64Array:
    """Return where on a crystal frame number ``look`` (n,) is to be, (n, 2): the middle, then far out, 120° apart."""
    angle = np.radians(120.0 * look)
    far = np.where(look == 0, 0.0, 0.9)
    return np.stack([far * np.cos(angle), far * np.sin(angle)], axis=1)


def action_of(
    context: Any,
    again: NDArray[np.bool_],
    place: Float64Array,
    exposure_s: Float64Array,
    quits: NDArray[np.bool_],
    toward: Float64Array | None = None,
    stops: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return actions (n, 6 or 8) of what is meant.

    Parameters
    ----------
    again : (n,) the present crystal once more, else the next one
    place : (n, 2) where on it
    exposure_s : (n,)
    quits : (n,) give the present one up
    toward : (n, 2) place of the crystal that is to be next, in the travel; matters where the action says it
    stops : (n,) the plate is done; nobody by default
    """
    n = len(again)
    stops = np.zeros(n, dtype=np.bool_) if stops is None else stops
    place = np.where(stops[:, None], 0.0, place)
    columns = [np.where(again, -1.0, 1.0)[:, None]]
    if context.action == "anywhere":
        columns.append(np.zeros((n, 2)) if toward is None else toward)
    more = (place, np.clip(context.share_of(exposure_s), -1.0, 1.0)[:, None], np.where(quits, 1.0, -1.0)[:, None])
    columns += [*more, np.where(stops, 1.0, -1.0)[:, None]]
    return np.concatenate(columns, axis=1).astype(np.float32)
