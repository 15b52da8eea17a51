"""check_world: a simulated instrument whose every row depends on its own key, and on nothing else."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.checks.contents import changed, contents, first_difference, frame_arrays, rows_of
from beamgym.envs.checks.failure import answer, demand, demand_names
from beamgym.envs.checks.instrument import STEP_SHARE, check_instrument, truth_of
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings, BoolArray, PlaceableWorld, UInt64Array, World

MakeWorld = Callable[[int], World]


def check_world(make_world: MakeWorld, settings: AcquireSettings | None = None, seed: int = 0) -> None:
    """Check that something keeps the contract of a World; what every instrument keeps is checked too.

    Parameters
    ----------
    make_world : returns a World of n samples, such as ``lambda n: MyWorld(n)``
    settings : how to expose; AcquireSettings() by default
    seed : of the keys

    Raises
    ------
    CheckFailed : names the call, what came back, and what to return instead
    """
    settings = settings or AcquireSettings()
    demand_maker(make_world)
    world = answer("make_world(3)", lambda: make_world(3), "return a World of 3 samples")
    demand_names(world, ("reset", "truth"), "physics.instrument.World")
    demand(world.n == 3, "make_world(3)", f"returned a World of n = {world.n}", "make as many samples as are asked for")
    check_instrument(world, settings)
    keys = make_keys(seed + np.arange(3))
    _check_truth(world, keys)
    _check_reset(world, settings, keys)
    _check_rows(make_world, world, settings, keys)


def demand_maker(make_world: Any) -> None:
    """Raise CheckFailed where a World was given instead of what makes one."""
    name = type(make_world).__name__
    demand(
        callable(make_world), "make_world", f"is a {name}", f"give what makes one of n samples: lambda n: {name}(…, n)"
    )


def _check_truth(world: World, keys: UInt64Array) -> None:
    every = np.ones(world.n, dtype=np.bool_)
    world.reset(keys, every)
    truth = world.truth()
    kept = contents(dict(truth))
    world.reset(make_keys(1000 + np.arange(3)), every)
    later = changed(kept, contents(dict(truth)))
    demand(not later, f"truth()[{later!r}]", "changed after it was returned", "return copies")
    same = first_difference(truth, world.truth()) == ""
    remedy = "draw the sample from the keys, with physics.counter_rng"
    demand(not same, "reset(keys, mask)", "gave the same truth for other keys", remedy)


def _check_reset(world: World, settings: AcquireSettings, keys: UInt64Array) -> None:
    every, first_only = np.ones(3, dtype=np.bool_), np.arange(3) == 0
    one, two = _episode(world, settings, keys), _episode(world, settings, keys)
    other = _first_step_that_differs(one, two)
    remedy = "draw every random number from the keys; no global generator, and nothing kept from the episode before"
    demand(not other, other, "differs when the same keys are played again", remedy)
    before = truth_of(world)
    world.reset(make_keys(2000 + np.arange(3)), first_only)
    moved = first_difference(rows_of(before, ~first_only), rows_of(world.truth(), ~first_only))
    remedy = "leave rows whose mask is False alone"
    demand(not moved, "reset(keys, mask)", f"changed truth()[{moved!r}] of a row whose mask is False", remedy)
    world.reset(keys, every)
    if hasattr(world, "start_options"):
        _check_start_options(world, keys, every)


def _check_start_options(world: World, keys: UInt64Array, every: BoolArray) -> None:
    demand(isinstance(world, PlaceableWorld), "start_options", "stands without reset(…, **start)", "take the keywords")
    options: Any = world
    names = options.start_options
    remedy = "give a tuple of the keywords that reset takes besides keys and mask"
    known = isinstance(names, tuple) and all(isinstance(name, str) for name in names)
    demand(known, "start_options", f"is {names!r}", remedy)
    if "positions" in names:
        here = world.positions()
        options.reset(keys, every, positions=here)
        off = np.abs(world.positions() - here).max()
        span = max(axis.limits[1] - axis.limits[0] for axis in world.axes)
        remedy = "put the axes where they are asked to begin"
        demand(off < STEP_SHARE * span, "reset(…, positions=…)", f"put an axis {off:.3g} away", remedy)


def _check_rows(make_world: MakeWorld, world: World, settings: AcquireSettings, keys: UInt64Array) -> None:
    """Play the middle row alone: the same key must bring the same episode, whoever stands beside it."""
    together = _episode(world, settings, keys)
    alone = _episode(make_world(1), settings, keys[1:2], row=1)
    other = _first_step_that_differs([(name, rows_of(arrays, slice(1, 2))) for name, arrays in together], alone)
    remedy = "let a row depend on its own key only: draw with its key, not with its place in the batch"
    demand(not other, other, "differs when a row is played alone", remedy)


Steps = list[tuple[str, dict[str, NDArray[Any]]]]


def _episode(world: World, settings: AcquireSettings, keys: UInt64Array, row: int = 0) -> Steps:
    """Play a few moves and return what came back from every call; ``row`` is the first one's place in the whole."""
    n, every = world.n, np.ones(world.n, dtype=np.bool_)
    world.reset(keys, every)
    low, high = np.array([axis.limits for axis in world.axes]).T
    steps: Steps = [("truth()", _copied(world.truth())), ("positions()", {"positions": world.positions()})]
    for move in range(3):
        steps.append(("acquire(settings, mask)", _copied(frame_arrays(world.acquire(settings, every)))))
        share = 0.3 + 0.1 * ((np.arange(row, row + n)[:, None] + move) % 4)
        report = world.move(np.ascontiguousarray(low + share * (high - low)), every)
        made = {"readback": report.readback.copy(), "duration_s": report.duration_s.copy()}
        steps += [("move(target, mask)", made), ("truth()", _copied(world.truth()))]
    return steps


def _first_step_that_differs(one: Steps, two: Steps) -> str:
    for (call, left), (_, right) in zip(one, two, strict=True):
        name = first_difference(left, right)
        if name:
            return f"{call}: {name}"
    return ""


def _copied(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name: np.array(values) for name, values in arrays.items()}
