"""check_task: pure rules of a game, whose state is handed in and back, and whose arrays have the shapes they should."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.checks.contents import changed, contents
from beamgym.envs.checks.failure import answer, demand, demand_array, demand_names
from beamgym.envs.checks.world import MakeWorld, demand_maker
from beamgym.envs.task import Advises, Observation, Task, TaskCommand, Truth, Verdict
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings, BoolArray, Float64Array, Frame, MoveReport, UInt64Array, World

COSTS = ("exposures", "motor_s", "exposure_s", "dose", "instrument_s")
"""What every step's costs name: a count, seconds, and dose in the task's own unit."""
CLOSE = 1e-5
"""How far the same row of two batches may differ: matrix products of networks are not the same to the last bit."""
PURE = "keep everything in the state that is handed in and back, change no argument, and draw nothing at random"
ON_HARDWARE = "on hardware there is no truth: judge by what was seen, and leave out metrics that need it"


def check_task(task: Task[Any], make_world: MakeWorld, seed: int = 0, steps: int = 4) -> None:
    """Check that something keeps the contract of a Task, by playing it with random actions.

    Parameters
    ----------
    task : the rules
    make_world : returns a World of n samples on which the task is played, such as ``lambda n: MyWorld(n)``
    seed : of the samples and the actions
    steps : how many moves are made

    Raises
    ------
    CheckFailed : names the call, what came back, and what to return instead
    """
    methods = ("start", "target", "advance", "observe", "judge", "costs")
    demand_names(task, ("observation_space", "action_space", "settings", *methods), "envs.task.Task")
    _check_spaces(task)
    _check_context(task)
    shares = np.random.default_rng(seed).uniform(0.0, 1.0, (steps, 3, *task.action_space.shape))
    # The last number declares above 0: a lower half leaves the moves before the last step to be seen.
    shares[:-1, ..., -1] *= 0.5
    keys = make_keys(seed + np.arange(3))
    demand_maker(make_world)
    together = _Game(task, make_world(3))
    seen = together.play(keys, shares)
    together.begin_anew(make_keys(seed + 100 + np.arange(3)), np.arange(3) == 0)
    together.check_purity()
    _check_rows(seen, _Game(task, make_world(1)).play(keys[1:2], shares[:, 1:2]))


def _check_spaces(task: Task[Any]) -> None:
    space, remedy = task.observation_space, "give a gymnasium.spaces.Dict of the spaces of one environment"
    demand(isinstance(space, spaces.Dict), "observation_space", f"is a {type(space).__name__}", remedy)
    remedy = "give a float32 gymnasium.spaces.Box with finite ends for one environment, or a Discrete"
    demand(_can_act(task.action_space), "action_space", f"is {task.action_space}", remedy)
    settings, remedy = task.settings, "give physics.instrument.AcquireSettings"
    demand(isinstance(settings, AcquireSettings), "settings", f"is a {type(settings).__name__}", remedy)


def _can_act(space: spaces.Space[Any]) -> bool:
    if isinstance(space, spaces.Box):
        return space.dtype == np.float32 and bool(np.isfinite([space.low, space.high]).all())
    return isinstance(space, spaces.Discrete)


def _check_context(task: Task[Any]) -> None:
    """Check what everybody reads of a context, where the task has one."""
    context = getattr(task, "context", None)
    if context is None:
        return
    demand_names(context, ("instrument_axes", "sample", "action_size"), "envs.task.Context")
    name, text = type(context).__name__, isinstance(context.sample, str)
    demand(text, f"{name}.sample", f"is {context.sample!r}", 'give a name, or "" where nothing stands in the beam')
    size = task.action_space.shape[-1] if task.action_space.shape else 1
    found, remedy = f"is {context.action_size!r}", f"give {size}, the numbers of an action in action_space"
    demand(context.action_size == size, f"{name}.action_size", found, remedy)


def _check_rows(together: list[Observation], alone: list[Observation]) -> None:
    """Compare the middle row of a batch with the same episode played alone; the batch may have gone on longer."""
    for step, one in enumerate(alone):
        for name, values in one.items():
            same = np.allclose(together[step][name][1], values[0], rtol=CLOSE, atol=CLOSE, equal_nan=True)
            remedy = "decide every row by itself: batch-first, without sums or draws over the batch"
            demand(same, f"step {step}: {name}", "differs when a row is played alone", remedy)


@dataclass(frozen=True)
class _Call:
    """A call that was made: with what, what those arguments held then, and what the answer held."""

    name: str
    arguments: tuple[Any, ...]
    given: Any
    returned: Any


class _Game:
    """Plays a task on a world, checks every answer, and keeps every call so as to make each once more."""

    def __init__(self, task: Task[Any], world: World) -> None:
        self.task, self.world = task, world
        self.calls: list[_Call] = []
        self.state: Any = None
        self.frame: Frame | None = None

    def play(self, keys: UInt64Array, shares: Float64Array) -> list[Observation]:
        """Play until the actions are spent or all episodes have ended; return what was observed and paid at each step.

        Parameters
        ----------
        keys : (n,) of the samples
        shares : (steps, n, ...) actions, 0 to 1 from the lower to the upper end of the space
        """
        active: BoolArray = np.ones(self.world.n, dtype=np.bool_)
        self.begin(keys, active)
        seen = [self.observe()]
        for step, share in enumerate(shares):
            # one row rests for a step, so that a mask is seen to work; not the one that is played alone too
            acting = active & ~((np.arange(self.world.n) == 2) & (step == 1))
            verdict = self.step(self._action(share), acting)
            seen.append({**self.observe(), "reward": verdict.reward})
            active = active & ~(verdict.terminated | verdict.truncated)
            if not active.any():
                break
        return seen

    def begin(self, keys: UInt64Array, mask: BoolArray) -> None:
        """Begin episodes where the mask is True, without and with the truth: what is observed must be the same."""
        self.world.reset(keys, mask)
        self.frame = self.world.acquire(self.task.settings, mask)
        arguments = (self.state, self.world.positions(), self.frame, mask)
        blind = self._call("start", *arguments, remedy=f"begin without truth too: {ON_HARDWARE}")
        self.state = self._call("start", *arguments, self._truth())
        self._same_view("start(…, truth)", blind, self.state)
        self.check_costs()
        if isinstance(self.task, Advises):
            self.check_advice()

    def _action(self, share: Float64Array) -> NDArray[Any]:
        space: spaces.Space[Any] = self.task.action_space
        if isinstance(space, spaces.Discrete):
            return np.asarray(space.start + np.minimum(np.floor(share * space.n), space.n - 1), dtype=np.int64)
        assert isinstance(space, spaces.Box)
        low, high = space.low.astype(np.float64), space.high.astype(np.float64)
        return np.asarray(low + share * (high - low))

    def begin_anew(self, keys: UInt64Array, mask: BoolArray) -> None:
        """Begin some rows anew; the others must be seen to go on."""
        before = self.observe()
        self.begin(keys, mask)
        self._unmoved("start(previous, …, mask)", before, ~mask)

    def step(self, action: Float64Array, mask: BoolArray) -> Verdict:
        """Act where the mask is True, as the loop does."""
        command = self._call("target", self.state, action)
        self._check_command(command)
        report = self._move(command, mask)
        before = self.observe()
        self.state = self._call("advance", self.state, command, report, self.frame, mask)
        self._unmoved("advance(…, mask)", before, ~mask)
        self.check_costs()
        blind, verdict = self._judged("judge(state)", self._call("judge", self.state, remedy=ON_HARDWARE))
        self.state, verdict = self._judged("judge(state, truth)", self._call("judge", self.state, self._truth()))
        self._same_view("judge(state, truth)", blind, self.state)
        return verdict

    def observe(self) -> Observation:
        """Return what is observed, after checking that it lies in the space and is nobody else's memory."""
        one: Observation = self._call("observe", self.state)
        two = self.task.observe(self.state)
        space = self.task.observation_space
        demand(isinstance(one, dict), "observe(state)", f"returned a {type(one).__name__}", "return arrays by name")
        remedy = f"return those of observation_space: {', '.join(space)}"
        demand(set(one) == set(space), "observe(state)", f"returned {', '.join(one)}", remedy)
        for name, values in one.items():
            call = f"observe(state)[{name!r}]"
            demand_array(call, values, (self.world.n, *(space[name].shape or ())), "fiub")
            _check_inside(call, values, space[name])
            demand(not np.shares_memory(values, two[name]), call, "is the same array twice", "return fresh arrays")
        return one

    def check_costs(self) -> None:
        """Check what the last step cost."""
        costs = self._call("costs", self.state)
        named = isinstance(costs, Mapping)
        demand(
            named, "costs(state)", f"returned a {type(costs).__name__}", f"return {', '.join(COSTS)} by name, each (n,)"
        )
        missing = [name for name in COSTS if name not in costs]
        demand(not missing, "costs(state)", f"names no {', '.join(missing)}", f"return {', '.join(COSTS)}, each (n,)")
        for name, values in costs.items():
            demand_array(f"costs(state)[{name!r}]", values, (self.world.n,), "iuf")
            good = bool(np.isfinite(values).all() and (values >= 0).all())
            demand(good, f"costs(state)[{name!r}]", f"is {values.tolist()}", "return what was spent, 0 or more")

    def check_advice(self) -> None:
        """Check what the task has to say at the start of an episode."""
        for name, (values, rows) in self._call("advice", self.state, self._truth()).items():
            demand_array(f"advice(state, truth)[{name!r}]: rows", rows, (self.world.n,), "b")
            good = isinstance(values, np.ndarray) and values.shape[:1] == (self.world.n,)
            demand(good, f"advice(state, truth)[{name!r}]", "has no batch dimension", "return (n, …) and rows (n,)")

    def check_purity(self) -> None:
        """Make every call once more, last first: what it was given must be as it was, and so must what it returns."""
        for call in reversed(self.calls):
            at = changed(call.given, contents(call.arguments))
            demand(not at, f"{call.name}(…)", f"what it was given has been changed since, at {at}", PURE)
            again = contents(getattr(self.task, call.name)(*call.arguments))
            at = changed(call.returned, again)
            demand(not at, f"{call.name}(…)", f"returned something else for the same arguments, at {at}", PURE)

    def _call(self, name: str, *arguments: Any, remedy: str = "see envs.task.Task") -> Any:
        given = contents(arguments)
        call = f"{name}({', '.join(type(argument).__name__ for argument in arguments)})"
        method: Callable[..., Any] = getattr(self.task, name)
        returned = answer(call, lambda: method(*arguments), remedy)
        at = changed(given, contents(arguments))
        demand(not at, call, f"changed what it was given, at {at}", PURE)
        self.calls.append(_Call(name, arguments, given, contents(returned)))
        return returned

    def _truth(self) -> Truth:
        return {name: values.copy() for name, values in self.world.truth().items()}

    def _move(self, command: TaskCommand, mask: BoolArray) -> MoveReport:
        """Move and expose as the loop does: where nobody moves, nothing is asked of the instrument."""
        moving = mask & command.moves
        if not moving.any():
            return MoveReport(self.world.positions(), np.zeros(self.world.n))
        report = self.world.move(command.target, moving)
        exposing = moving if command.exposes is None else moving & command.exposes
        if exposing.any():
            self.frame = self.world.acquire(command.settings(self.task.settings), exposing)
        return report

    def _check_command(self, command: Any) -> None:
        call = "target(state, action)"
        good = isinstance(command, TaskCommand)
        demand(good, call, f"returned a {type(command).__name__}", "return an envs.task.TaskCommand")
        demand_array(f"{call}: target", command.target, (self.world.n, len(self.world.axes)))
        for name in ("moves", "declare", "limited"):
            demand_array(f"{call}: {name}", getattr(command, name), (self.world.n,), "b")
        exposed = command.moves if command.exposes is None else command.exposes
        both = bool((exposed & command.declare).any())
        remedy = "let a row that declares stay where it is, or its move go without an exposure"
        demand(not both, call, "exposes and declares at once", remedy)
        demand(not (exposed & ~command.moves).any(), call, "exposes without a move", "let what exposes be in moves")
        for i, axis in enumerate(self.world.axes):
            low, high = axis.limits
            asked = command.target[command.moves, i]
            good = bool(((asked >= low) & (asked <= high)).all())
            remedy = f"shorten the move into {low:g} to {high:g} and set limited"
            demand(good, call, f"sends {axis.name} to {asked.tolist()}", remedy)

    def _judged(self, call: str, answered: Any) -> tuple[Any, Verdict]:
        pair = isinstance(answered, tuple) and len(answered) == 2 and isinstance(answered[1], Verdict)
        demand(pair, call, f"returned a {type(answered).__name__}", "return the state and an envs.task.Verdict")
        verdict, n = answered[1], self.world.n
        demand_array(f"{call}: reward", verdict.reward, (n,))
        demand(np.isfinite(verdict.reward).all(), f"{call}: reward", "is not finite", "pay a finite number")
        for name in ("terminated", "truncated", "is_success"):
            demand_array(f"{call}: {name}", getattr(verdict, name), (n,), "b")
        for name, values in verdict.metrics.items():
            good = isinstance(values, np.ndarray) and values.shape[:1] == (n,)
            demand(good, f"{call}: metrics[{name!r}]", "has no batch dimension", "return an array (n, …)")
        return answered[0], verdict

    def _same_view(self, call: str, blind: Any, state: Any) -> None:
        """Fail where the truth can be seen in an observation."""
        shown = contents(self._call("observe", blind))
        # First: what changes by itself would be laid to the truth.
        at = changed(shown, contents(self.task.observe(blind)))
        demand(not at, "observe(state)", f"returned something else for the same state, at {at}", PURE)
        at = changed(shown, contents(self.task.observe(state)))
        demand(not at, call, f"changed the observation {at!r} by the truth", "observe what an instrument shows")

    def _unmoved(self, call: str, before: Observation, rows: BoolArray) -> None:
        after = self.observe()
        for name, values in before.items():
            same = np.array_equal(values[rows], after[name][rows])
            demand(same, call, f"changed {name!r} of a row whose mask is False", "leave those rows as they are")


def _check_inside(call: str, values: Any, space: spaces.Space[Any]) -> None:
    demand(values.dtype == space.dtype, call, f"holds {values.dtype}", f"return {space.dtype}, as its space says")
    outside = [row for row in values if not space.contains(row)]
    if outside and isinstance(space, spaces.Box):
        found = f"runs from {np.min(outside):.4g} to {np.max(outside):.4g}"
        demand(False, call, found, f"stay within its space, {space.low.min():.4g} to {space.high.max():.4g}")
    demand(not outside, call, "lies outside its space", f"return what {space} contains")
