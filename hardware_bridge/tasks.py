"""From what an instrument publicly knows to the rules that a policy was trained under, without any truth."""

from collections.abc import Callable, Mapping
from typing import Any

from beamgym.envs.arpes_spot import ArpesSpotTask, SpotContext, SpotRenderer, SpotReward, shipped_scorer
from beamgym.envs.laue_align import (
    AlignContext,
    ImageView,
    LaueAlignTask,
    LaueRenderer,
    RewardModel,
    SpotView,
    View,
    expected_spots,
)
from beamgym.envs.task import Task

IMAGE_SIZE = 84
"""Edge of the image observation, pixels, where a bundle does not say another."""


def _align(context: Any, view: View) -> LaueAlignTask:
    return LaueAlignTask(context, view, expected_spots(context), RewardModel("sparse"), "declare", context.detector)


def _spot(context: Any, image: bool = False) -> ArpesSpotTask:
    return ArpesSpotTask(context, SpotReward("sparse"), "declare", shipped_scorer(), image, "scores")


TASKS: dict[str, tuple[type, Callable[[Any, int], Task[Any]]]] = {
    "beamgym/LaueAlign-v0": (AlignContext, lambda context, size: _align(context, SpotView(context.detector))),
    "beamgym/LaueAlignImage-v0": (AlignContext, lambda context, size: _align(context, ImageView(size))),
    "beamgym/ArpesSpot-v0": (SpotContext, lambda context, size: _spot(context)),
    "beamgym/ArpesSpotImage-v0": (SpotContext, lambda context, size: _spot(context, image=True)),
}
"""The environments that an instrument can stand for: the context each needs, and what makes its task."""

DEFAULT_TASK = {AlignContext: "beamgym/LaueAlign-v0", SpotContext: "beamgym/ArpesSpot-v0"}
"""The environment of a policy that names none, by the kind of instrument."""


def task_for(context: Any, env_id: str | None = None, image_size: int = IMAGE_SIZE) -> Task[Any]:
    """Return the rules of an environment over an instrument's context; they never see a truth.

    Parameters
    ----------
    context : an AlignContext or a SpotContext, as the instrument has it
    env_id : the environment a policy was trained on; None takes the one of this kind of instrument
    image_size : edge of an image observation, pixels

    Raises
    ------
    ValueError : an environment that no instrument can stand for, or one for another kind of instrument
    """
    name = env_id or default_task(context)
    if name not in TASKS:
        raise ValueError(f"{name} cannot be deployed; an instrument can stand for {', '.join(TASKS)}")
    wanted, make = TASKS[name]
    if not isinstance(context, wanted):
        raise ValueError(f"{name} is not for this instrument; it can stand for {default_task(context)}")
    return make(context, image_size)


def default_task(context: Any) -> str:
    """Return the environment that an instrument's context stands for; raises ValueError for an unknown context."""
    for kind, name in DEFAULT_TASK.items():
        if isinstance(context, kind):
            return name
    raise ValueError(f"no environment has a context of type {type(context).__name__}")


def image_size(observation_space: Mapping[str, Any]) -> int:
    """Return the edge of the image that a bundle's manifest observes, pixels."""
    entry = observation_space.get("image")
    return int(entry.shape[0]) if entry is not None else IMAGE_SIZE


def renderer_for(context: Any) -> LaueRenderer | SpotRenderer:
    """Return what draws the episodes of this kind of instrument."""
    return LaueRenderer(context) if isinstance(context, AlignContext) else SpotRenderer(context)
