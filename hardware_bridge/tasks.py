"""Makes the task that a policy was trained on from what an instrument knows, without any truth."""

from collections.abc import Mapping, Sequence
from typing import Any

from beamgym.envs.kinds import EnvKind, kind_named, kind_of, kind_of_environment, resolve
from beamgym.envs.loop import FlatTask
from beamgym.envs.task import Task
from beamgym.hardware_bridge.kinds import instrument_kinds

IMAGE_SIZE = 84
"""Edge of the image observation, pixels, where a bundle does not say another."""

FLAT = "flat"
"""Parameter of a bundle's encoder: the names of the parts that one array is made of, in order."""


def task_for(
    context: Any, env_id: str | None = None, image_size: int = IMAGE_SIZE, parts: Sequence[str] = (), flat: bool = False
) -> Task[Any]:
    """Return the rules of an environment over an instrument's context; they never see a truth.

    Parameters
    ----------
    context : as the instrument has it
    env_id : the environment a policy was trained on; None takes the one of this kind of instrument
    image_size : edge of an image observation, pixels
    parts : names of what is observed, where it may be another choice than what the environment is named for
    flat : observe one array in place of its parts

    Raises
    ------
    ValueError : an environment that no instrument can stand for, or one for another kind of instrument
    """
    name = env_id or default_task(context)
    # Some environments have rules that need the truth, or no instrument at all.
    if name not in deployable():
        raise ValueError(f"{name} cannot be deployed; an instrument can stand for {', '.join(deployable())}")
    here = kind_of(context)
    if kind_of_environment(name) is not here:
        raise ValueError(f"{name} is not for this instrument; it can stand for {default_task(context)}")
    fixed = next(environment.fixed for environment in here.environments if environment.id == name)
    chosen = {"parts": tuple(parts)} if here.chooses & set(parts) else {}
    task: Any = resolve(here.task)(context, size=image_size, **chosen, **fixed)
    return FlatTask(task) if flat else task


def observed(manifest: Any) -> tuple[tuple[str, ...], bool]:
    """Return the names of what a bundle observes, and whether it observes them as one array."""
    flat = manifest.encoder.parameters.get(FLAT)
    return tuple(flat or manifest.observation_space), bool(flat)


def default_task(context: Any) -> str:
    """Return the environment that an instrument's context stands for; raises ValueError for an unknown context."""
    return kind_of(context).ids[0]


def deployable(kind: str | None = None) -> tuple[str, ...]:
    """Return the environments that an instrument of a kind can stand for, or those that any can."""
    rows: list[EnvKind] = [kind_named(name) for name in (instrument_kinds() if kind is None else (kind,))]
    return tuple(name for row in rows if row.task is not None for name in row.ids)


def image_size(observation_space: Mapping[str, Any], parts: Sequence[str] = ()) -> int:
    """Return the edge of the image that a bundle's manifest observes, pixels; ``parts`` are those of one array."""
    entry = observation_space.get("observation" if tuple(parts) == ("image",) else "image")
    return int(entry.shape[0]) if entry is not None else IMAGE_SIZE
