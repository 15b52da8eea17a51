"""How a person's move becomes an action of the task, for each kind of instrument; the table of kinds names these."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.arpes_spot import SpotContext
from beamgym.envs.laue_align import AlignContext
from beamgym.physics.instrument import Axis

Action = NDArray[np.float32]


@dataclass(frozen=True)
class HandField:
    """One number that a person gives.

    Parameters
    ----------
    name, unit : of the axis
    low, high : between which it must be
    usual : what stands there before it is changed
    to : the number is where the axis goes to; otherwise by how much it moves
    """

    name: str
    unit: str
    low: float
    high: float
    usual: float = 0.0
    to: bool = False


@dataclass(frozen=True)
class Hand:
    """What a person gives on a kind of instrument, and the action that it makes.

    Parameters
    ----------
    context : in which the person plays: moves are steps of axes
    fields : what is given, in the order of the action's numbers
    """

    context: Any
    fields: tuple[HandField, ...]

    def action(self, given: Mapping[str, float], declares: bool) -> Action:
        """Return the action (1, a) of what was given; what is left out is as usual.

        Raises
        ------
        ValueError : a number that is none, or lies outside its field
        """
        unknown = set(given) - {field.name for field in self.fields}
        if unknown:
            raise ValueError(f"there is no axis {', '.join(sorted(unknown))}")
        numbers = [_number(field, given.get(field.name, field.usual)) for field in self.fields]
        return np.array([[*numbers, 1.0 if declares else -1.0]], dtype=np.float32)


def laue_hand(context: AlignContext) -> Hand:
    """Return steps of the goniometer's axes, degrees."""
    largest = context.max_rotation_deg
    fields = tuple(HandField(axis.name, _unit(axis), -largest, largest) for axis in context.goniometer.axes)
    return Hand(replace(context, action="axes", chosen=None), fields)


def arpes_hand(context: SpotContext) -> Hand:
    """Return steps of the stage, millimetres, and the dwell, seconds."""
    x, y, dwell = context.instrument_axes
    largest = context.max_step_mm
    steps = tuple(HandField(axis.name, "mm", -largest, largest) for axis in (x, y))
    shortest, longest = context.stage.dwell_s
    fields = (*steps, HandField(dwell.name, "s", shortest, longest, float(np.sqrt(shortest * longest)), to=True))
    return Hand(replace(context, action="steps"), fields)


def _number(field: HandField, given: Any) -> float:
    """Return the action's number for what was given: the cube root of a step, the place on a logarithmic scale."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not field.low <= given <= field.high:
        raise ValueError(f"{field.name}: give a number from {field.low:g} to {field.high:g} {field.unit}")
    if field.to:
        low, high = np.log(field.low), np.log(field.high)
        return float(2.0 * (np.log(given) - low) / (high - low) - 1.0)
    return float(np.cbrt(given / field.high))


def _unit(axis: Axis) -> str:
    return "deg" if axis.kind == "rotation" else "mm"
