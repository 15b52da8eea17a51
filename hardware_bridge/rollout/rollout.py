"""The episode as one bluesky plan: the task's rules and a policy around guarded moves and exposures.

Targets are absolute. Whatever may be sent again after a pause or a suspension lies between two checkpoints: a move and
its exposure together, or a decision. Decisions run in a thread, so that the RunEngine's loop stays free to stop things.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.task import Observation, Task, TaskCommand, finite_action
from beamgym.hardware_bridge.devices import in_thread as in_daemon_thread
from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.rollout.step_record import EpisodeStep, StepRecord, VerdictRecord
from beamgym.physics.instrument import Axis, Float64Array, Frame, MoveReport
from beamgym.physics.messages import one_line

bps, bpp = need("bluesky.plan_stubs", "hardware"), need("bluesky.preprocessors", "hardware")

T = TypeVar("T")
Plan = Generator[Any, Any, T]

LONGEST_DECISION_S = 600.0
"""After so long a decision is given up for good; the guard's dead-man speaks up much earlier."""

_LOOK_S = 0.05  # between two looks whether a decision is still wanted
_ONE = np.ones(1, dtype=np.bool_)


class Decides(Protocol):
    """A policy, as the agents have it: learned, a bundle or a baseline."""

    name: str

    def start(self, context: Any, n: int) -> Any:
        """Return the memory of n new episodes."""
        ...

    def act(self, observation: Observation, state: Any) -> tuple[NDArray[np.float32], Any]:
        """Return actions (n, a) and the memory after them."""
        ...


def decided(policy: Decides, observation: Observation, memory: Any) -> tuple[NDArray[np.float32], Any]:
    """Return a policy's actions and the memory after them; raises ValueError where it returns something else."""
    answer = policy.act(observation, memory)
    if not (isinstance(answer, tuple | list) and len(answer) == 2):
        raise ValueError(f"{policy.name}: act returned a {type(answer).__name__}; return actions (n, a) and n memories")
    return answer[0], answer[1]


class PlanInstrument(Protocol):
    """An instrument with n = 1 whose moves and exposures are plans."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Its motors."""
        ...

    @property
    def context(self) -> Any:
        """What is publicly known about it and the sample."""
        ...

    def positions_plan(self) -> Plan[Float64Array]:
        """Read every axis; returns (1, k)."""
        ...

    def move_plan(self, target: Float64Array) -> Plan[MoveReport]:
        """Move to absolute positions (1, k)."""
        ...

    def acquire_plan(self) -> Plan[Frame]:
        """Take one frame."""
        ...

    def acquire_for_plan(self, command: TaskCommand) -> Plan[Frame]:
        """Take the frame of a task's command, whose move was made."""
        ...

    def require_armed(self) -> None:
        """Raise where nothing may be commanded any more: the episode ends, and has failed; from any thread."""
        ...

    def require_same_sample(self, task: Any, seen: Sequence[tuple[Frame, Float64Array]], claimed: bool = True) -> None:
        """Raise where frames, with the positions (1, k) of each, are not of one sample that moved as its axes did."""
        ...


@dataclass
class Rollout:
    """One episode of a policy on a real instrument.

    Parameters
    ----------
    task : the rules; they see no truth
    policy : who decides
    instrument : n = 1
    record : turns steps into documents
    max_steps : moves that the operator allows; the episode ends after them as truncated
    readables : devices read into every event beside the record, such as the guarded axes
    metadata : for the start document
    pulse : called after every decision, the policy's sign of life
    finish : coroutine function that leaves the instrument safe; called with whether the episode ended by itself. What
        it raises makes the episode one that failed
    on_step : called after every recorded step
    on_command : called with the step before and what the policy decided on it, before anything is sent
    """

    task: Task[Any]
    policy: Decides
    instrument: PlanInstrument
    record: StepRecord
    max_steps: int | None = None
    readables: Sequence[Any] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    pulse: Callable[[], object] = lambda: None
    finish: Callable[[bool], Awaitable[object]] | None = None
    on_step: Callable[[EpisodeStep], object] = lambda step: None
    on_command: Callable[[EpisodeStep, TaskCommand], object] = lambda step, command: None
    steps: list[EpisodeStep] = field(default_factory=list, init=False)
    ended: str = field(default="", init=False)
    _left: bool = field(default=False, init=False)

    def plan(self) -> Plan[list[EpisodeStep]]:
        """Return the whole episode as a plan for a RunEngine; it returns the steps.

        However it ends, ``finish`` is run, within the run, before its verdict and its last document: what latches the
        guard until then makes the run fail.
        """
        self._left = False
        # Inside the run: its last document is sent when the instrument has been left safe.
        episode = bpp.finalize_wrapper(self._episode(), self._cleanup)
        run = _in_run(episode, {"plan_name": "beamgym_rollout", **self.metadata})
        frames = self.record.frames
        # Only while this run is: the store follows its own documents.
        subscribed = run if frames is None else bpp.subs_wrapper(run, [frames.announced])
        steps: list[EpisodeStep] = yield from subscribed
        return steps

    def rehearsal(self) -> Plan[tuple[EpisodeStep, TaskCommand]]:
        """Return what would be done first, as a plan for a guard in a dry run: it judges, and sends nothing.

        Without a run: no documents are made. The first command is sent to the guarded axes, which refuse it or not.
        """
        frame = yield from taken(self.instrument.acquire_plan)
        positions = yield from taken(self.instrument.positions_plan)
        memory, step = yield from self._thought(partial(self._begin, frame, positions))
        _, _, command = yield from self._thought(partial(self._choose, memory, step))
        self.on_command(step, command)
        if command.moves[0]:
            yield from taken(partial(self.instrument.move_plan, command.target))
        return step, command

    def _episode(self) -> Plan[list[EpisodeStep]]:
        # The first frame before anything moves: hardware never moves at reset.
        yield from bps.checkpoint()
        frame = yield from taken(self.instrument.acquire_plan)
        positions = yield from taken(self.instrument.positions_plan)
        yield from bps.checkpoint()
        memory, step = yield from self._thought(partial(self._begin, frame, positions))
        yield from self._note(step)
        while not (step.over or self._spent(step)):
            memory, action, command = yield from self._thought(partial(self._choose, memory, step))
            # After the decision: a policy that still thinks gives no sign of life.
            self.pulse()
            self.on_command(step, command)
            report, frame = yield from self._carry_out(command, step)
            step = yield from self._thought(partial(self._settle, step, action, command, report, frame))
            yield from self._note(step)
        if step.declared and step.verdict is not None:
            seen, claimed = (
                [(each.frame, each.state.positions) for each in self.steps],
                bool(step.verdict.is_success[0]),
            )
            yield from self._thought(partial(self.instrument.require_same_sample, self.task, seen, claimed))
        yield from self._leave(well=True)
        # Only now: a verdict is none while something can still make the run fail.
        self.ended = _ending(step)
        yield from self._conclude(step)
        return self.steps

    def _thought(self, work: Callable[[], T]) -> Plan[T]:
        """Run a part of a decision in a thread; raises at once what ends the episode meanwhile, such as a latch."""
        result = yield from in_thread(work, self.instrument.require_armed)
        # It may have come, and the latch with it, since the last look.
        self.instrument.require_armed()
        return result

    def _carry_out(self, command: TaskCommand, step: EpisodeStep) -> Plan[tuple[MoveReport, Frame]]:
        # A declaration without a last move exposes nothing: the frame held is judged.
        if not command.moves[0]:
            return MoveReport(step.state.positions, np.zeros(1)), step.frame
        # Before the move and after the frame: a pause in between does both again, and never a move without its frame.
        yield from bps.checkpoint()
        report = yield from taken(partial(self.instrument.move_plan, command.target))
        frame = yield from taken(partial(self.instrument.acquire_for_plan, command))
        yield from bps.checkpoint()
        return report, frame

    def _begin(self, frame: Frame, positions: Float64Array) -> tuple[Any, EpisodeStep]:
        frame = _searched(frame)
        state = self.task.start(None, positions, frame, _ONE, None)
        memory = self.policy.start(getattr(self.task, "context", self.instrument.context), 1)
        blank = np.zeros(self.task.action_space.shape or (1,), dtype=np.float32)
        return memory, EpisodeStep(0, state, frame, self.task.observe(state), None, blank, None, self.task.costs(state))

    def _choose(self, memory: Any, step: EpisodeStep) -> tuple[Any, NDArray[np.float32], TaskCommand]:
        answer, memory = decided(self.policy, step.observation, memory)
        action = finite_action(answer, self.task.action_space, 1)
        return memory, action.astype(np.float32), self.task.target(step.state, action)

    def _settle(
        self, before: EpisodeStep, action: NDArray[np.float32], command: TaskCommand, report: MoveReport, frame: Frame
    ) -> EpisodeStep:
        frame = _searched(frame)
        state = self.task.advance(before.state, command, report, frame, _ONE)
        # Without a truth: on hardware there is none.
        state, verdict = self.task.judge(state, None)
        seen, costs = self.task.observe(state), self.task.costs(state)
        return EpisodeStep(before.number + 1, state, frame, seen, command, np.atleast_1d(action[0]), verdict, costs)

    def _spent(self, step: EpisodeStep) -> bool:
        return self.max_steps is not None and step.number >= self.max_steps

    def _note(self, step: EpisodeStep) -> Plan[None]:
        """Record a step as one event; the checkpoint before it is where a pause within it goes back to."""
        # In a thread: writing an image may take longer than the loop may be held up.
        yield from self._thought(partial(self.record.put, step))
        yield from bps.checkpoint()
        yield from bps.create("primary")
        for device in self._read_with(step):
            yield from bps.read(device)
        yield from bps.save()
        yield from bps.checkpoint()
        # After the event was saved: a pause in it would make it twice otherwise.
        self.steps.append(step)
        self.on_step(step)

    def _read_with(self, step: EpisodeStep) -> tuple[Any, ...]:
        frames = self.record.frames
        images = () if frames is None or step.frame.image is None else (frames,)
        return (*self.readables, self.record, *images)

    def _conclude(self, step: EpisodeStep) -> Plan[None]:
        yield from bps.create("verdict")
        yield from bps.read(VerdictRecord(step, self.ended))
        yield from bps.save()
        yield from bps.checkpoint()

    def _leave(self, well: bool) -> Plan[None]:
        """Leave the instrument safe; ``well`` is an episode that came to its end by itself."""
        finish = self.finish
        if finish is not None:
            yield from awaited(lambda: finish(well))
        else:
            self.instrument.require_armed()
        self._left = well

    def _cleanup(self) -> Plan[None]:
        # Only an episode that came to its end by itself is left without an abort.
        if not self._left and self.finish is not None:
            yield from self._leave(well=False)


def _in_run(plan: Plan[T], metadata: Mapping[str, Any]) -> Plan[T]:
    """Enclose a plan in a run; unlike bluesky's own, one that was stopped half way is no success in its documents."""

    def broken_off(error: Exception) -> Plan[None]:
        status = getattr(error, "exit_status", "fail")
        yield from bps.close_run(exit_status="abort" if status == "success" else status, reason=one_line(error))

    yield from bps.open_run(metadata)
    result: T = yield from bpp.contingency_wrapper(plan, except_plan=broken_off, else_plan=bps.close_run)
    return result


def in_thread(work: Callable[[], T], check: Callable[[], object] = lambda: None) -> Plan[T]:
    """Run a function in a thread and return its result; what it raises is raised here.

    The thread keeps no process alive: whoever stops a run need not wait for a policy that hangs.

    Parameters
    ----------
    work : the function
    check : called many times a second while it runs; what it raises is raised here, and the function is left behind
    """

    async def outcome() -> tuple[T | None, BaseException | None]:
        working = asyncio.ensure_future(in_daemon_thread("a decision", LONGEST_DECISION_S, work))
        try:
            while not working.done():
                check()
                await asyncio.wait({working}, timeout=_LOOK_S)
            return working.result(), None
        except Exception as error:
            # Handed back as a value, and raised again in the plan, where a plan can catch it.
            return None, error
        finally:
            working.cancel()

    value, error = yield from awaited(outcome)
    if error is not None:
        raise error
    result: T = value
    return result


def awaited(factory: Callable[[], Awaitable[Any]]) -> Plan[Any]:
    """Await what a factory makes, in the RunEngine's loop, and return its result.

    A RunEngine that was paused within a message replays it and then answers the plan with None; the result is
    therefore taken from the last of the awaitables that ended.
    """
    results: list[Any] = []

    async def keep() -> None:
        results.append(await factory())

    while not results:
        futures = yield from bps.wait_for([keep])
        for future in futures or ():
            if future.exception() is not None:
                raise future.exception()
    return results[-1]


def taken(plan: Callable[[], Plan[T | None]]) -> Plan[T]:
    """Run a plan until it has a result: one that was paused while it read has none, and is run again."""
    while True:
        # Gives a pause that was asked for its chance before the plan is run once more.
        yield from bps.null()
        result = yield from plan()
        if result is not None:
            return result


def _searched(frame: Frame) -> Frame:
    """Return the frame with its peaks found, so that they are looked for once."""
    if frame.found is not None or frame.image is None or frame.finder is None:
        return frame
    return replace(frame, found=frame.finder(frame.image))


def _ending(step: EpisodeStep) -> str:
    if step.declared:
        return "declared"
    return "budget spent" if step.over else "steps spent"
