"""A rehearsal in simulation before anything connects: a policy that fails, fails here, and kernels are compiled.

The first decision of a fresh process takes seconds to minutes, since kernels are compiled and tables are made. In front
of a real instrument that silence would trip the dead-man.
"""

from typing import Any

import numpy as np
from gymnasium.spaces import Discrete

from beamgym.envs.arpes_spot import SpotContext
from beamgym.envs.kinds import resolve
from beamgym.envs.laue_align import AlignContext
from beamgym.envs.loop import EpisodeLoop
from beamgym.envs.task import Task
from beamgym.hardware_bridge.kinds import bridge_kind_of
from beamgym.hardware_bridge.rollout import Decides, decided
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import World

STEPS = 3

_ONE = np.ones(1, dtype=np.bool_)


class WithoutTruth:
    """A simulated instrument that shows of itself what a real one shows."""

    n = 1

    def __init__(self, world: World) -> None:
        self.axes, self.context = world.axes, world.context
        self.positions, self.move, self.acquire = world.positions, world.move, world.acquire


def warm_up(task: Task[Any], policy: Decides, context: Any) -> bool:
    """Play a few steps and a declaration on a simulated instrument of the same context.

    Parameters
    ----------
    task, policy : those that will be used
    context : the instrument's

    Returns
    -------
    False where this kind of instrument cannot be simulated, such as spectra of another grid

    Raises
    ------
    ValueError : what the policy or the task cannot do with this instrument
    """
    world = simulated_world(context)
    if world is None:
        return False
    world.reset(make_keys(np.zeros(1, dtype=np.uint64)), _ONE)
    loop: EpisodeLoop[Any] = EpisodeLoop(task, WithoutTruth(world))
    loop.reset(np.zeros(1, dtype=np.uint64), _ONE)
    memory = policy.start(context, 1)
    for _ in range(STEPS):
        action, memory = decided(policy, loop.observation(), memory)
        loop.step(np.asarray(action), _ONE)
    loop.step(declaration(task), _ONE)
    return True


def simulated_world(context: Any) -> World | None:
    """Return a simulated instrument with an instrument's context, or None where there is none."""
    kind = bridge_kind_of(context)
    if kind is None or kind.world is None:
        return None
    world: World | None = resolve(kind.world)(context)
    return world


def laue_world(context: AlignContext) -> World:
    """Return a simulated camera and goniometer, with images."""
    from beamgym.physics.laue.simulator import SimulatedLaue

    known = (context.crystal, context.goniometer, context.beam, context.detector)
    return SimulatedLaue(*known, 1, "easy", "rendered")


def arpes_world(context: SpotContext) -> World | None:
    """Return a simulated stage and analyser; None for spectra of another size than the simulated ones."""
    from beamgym.physics.arpes.simulator import SimulatedArpes

    size = context.grid.shape[0]
    if context.grid.shape != (size, size) or size % 64:
        return None
    return SimulatedArpes(1, "easy", context.stage, size)


def declaration(task: Task[Any]) -> Any:
    """Return the action (1, a) that declares and moves nothing; of choices (1,), the last one."""
    space: Any = task.action_space
    if isinstance(space, Discrete):
        return np.array([space.start + space.n - 1])
    action = np.zeros((1, *task.action_space.shape), dtype=np.float32)
    action[0, -1] = 1.0
    return action
