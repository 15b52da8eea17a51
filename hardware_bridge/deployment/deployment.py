"""A policy and an instrument that fit each other, and everything that every mode of a deployment needs of both."""

import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import beamgym
from beamgym.envs.episodes import append_episode
from beamgym.envs.policy import Policy
from beamgym.envs.task import Context, Task
from beamgym.hardware_bridge.adapters import OwnDevices
from beamgym.hardware_bridge.deployment.bundle_match import bundle_limits, match_bundle
from beamgym.hardware_bridge.deployment.causes import DeployFailed, why_ended
from beamgym.hardware_bridge.deployment.events import (
    Ended,
    Events,
    EventStream,
    Nobody,
    Question,
    SignedAnswer,
    StateChanged,
)
from beamgym.hardware_bridge.deployment.instrument import OpenedInstrument, open_instrument
from beamgym.hardware_bridge.deployment.policy import DeployedPolicy, deployed_policy
from beamgym.hardware_bridge.deployment.session import AUDIT, PlanEngine, Session, StopButton, Stopped
from beamgym.hardware_bridge.deployment.telling import StepTeller
from beamgym.hardware_bridge.deployment.terms import (
    Options,
    check_options,
    check_sink,
    refuse_on_hardware,
    run_in_words,
)
from beamgym.hardware_bridge.deployment.warm_up import warm_up
from beamgym.hardware_bridge.guard import AbortReport, TokenFile
from beamgym.hardware_bridge.instrument_file import context_of
from beamgym.hardware_bridge.records import (
    Confirmation,
    ScanNumbers,
    refuse_link,
    scan_numbers_of,
    store_of,
    subject,
)
from beamgym.hardware_bridge.rollout import BlueskyInstrument, Rollout, StepRecord, recorded
from beamgym.hardware_bridge.settings_check import read_differences, refused
from beamgym.hardware_bridge.tasks import image_size, observed, task_for
from beamgym.physics.messages import one_line

MANUAL = "manual"
"""The adapter of axes that a human turns."""

ANSWER_S = 10.0  # a computer may be busy; only what is dead takes so long

Limits = dict[str, tuple[float, float] | None]


class Deployment:
    """A policy and an instrument that fit each other, as far as files can say; nothing is connected yet.

    Give it to a mode: ``check``, ``dry_run``, ``make_direction_check``, ``run`` or ``practise``.

    Parameters
    ----------
    policy : who decides
    instrument : path of an instrument file, name of a shipped one, or one that was opened
    options : how
    events : is told what happens and answers questions; without it nobody does
    button : stops it, see ``stop``; ``with StopButton() as button`` makes it listen to signals too
    engine : the RunEngine to work in, where this is done within a plan of it; by default it makes its own

    Attributes
    ----------
    folder : where the run's files go; made when it connects
    aborted : what became of the last abort; None where there was none
    head : hash of the audit log's last line; "" before there is one

    Raises
    ------
    ValueError : in one line, for what does not exist, does not fit, or is not allowed
    """

    def __init__(
        self,
        policy: Policy | DeployedPolicy,
        instrument: str | Path | OpenedInstrument,
        options: Options | None = None,
        events: Events | None = None,
        button: StopButton | None = None,
        engine: PlanEngine | None = None,
    ) -> None:
        self.options = options or Options()
        check_sink(events)
        self.events = EventStream(events or Nobody())
        self.button, self.engine = button or StopButton(), engine
        self.aborted: AbortReport | None = None
        self.head = ""
        check_options(self.options)
        self.own = OwnDevices(self.options.devices)
        self.folder = new_folder(self.options.out)
        opened = (
            instrument if isinstance(instrument, OpenedInstrument) else open_instrument(instrument, self.options.out)
        )
        self._source, self.path, self.file = opened.source, opened.path, opened.file
        refuse_on_hardware(self.options, self.file, self.path)
        self.deployed = policy if isinstance(policy, DeployedPolicy) else deployed_policy(policy, self.file)
        if self.deployed.model is not None:
            match_bundle(self.deployed.model.manifest, self.file)
        self._teller: StepTeller | None = None
        self._pulse: Callable[[], object] = lambda: None

    def touch(self) -> None:
        """Give the policy's sign of life while it waits for a human; from any thread."""
        self._pulse()

    def stop(self, reason: str) -> None:
        """Stop whatever is under way, from any thread: motors, shutter, then the mode ends with Stopped."""
        self.button.press(reason)

    @contextmanager
    def mode(self, name: str) -> Iterator[None]:
        """Do one thing within this: what goes wrong becomes one line, and the end is told when all else was.

        Raises
        ------
        Stopped : it was stopped
        ValueError : in one line, what was refused or went wrong
        """
        problem = "it was interrupted"
        try:
            yield
            problem = ""
        except (Stopped, ValueError) as error:
            problem = one_line(error)
            raise
        except Exception as error:
            problem = why_ended(error)
            raise DeployFailed(problem) from error
        finally:
            self.events.report(Ended(name, problem, self.head))
            self.events.close()

    @contextmanager
    def connect(self, dry_run: bool = False, compared: bool = True) -> Iterator[Session]:
        """Yield the connected instrument; its log and the run's folder exist from here on.

        Parameters
        ----------
        dry_run : nothing is written to any device
        compared : refuse, in one line, a file that its devices contradict; otherwise the caller compares them
        """
        objects = self.own.make()
        try:
            self.folder.mkdir(parents=True)
        except OSError as error:
            out = self.options.out
            raise ValueError(f"cannot write into {out}: {error.strerror}; give another folder with --out") from None
        for copy in {self.path, self.folder / "instrument.yaml"} - {self._source}:
            shutil.copyfile(self._source, copy)
        session = Session(
            self.file,
            self.folder,
            objects=objects,
            dry_run=dry_run,
            dose_s=self.options.dose_s,
            keep_trying_s=self.options.keep_trying_s,
            events=self.events,
            check=self.button.check,
            engine=self.engine,
            scan_id_source=ScanNumbers(scan_numbers_of(self.path)),
        )
        try:
            with session:
                if self.options.token is not None:
                    session.signs_of_life.append(TokenFile(self.options.token))
                session.connect()
                if compared:
                    _refuse_differences(session)
                yield session
        finally:
            self.aborted = session.abort_report
            self.head = "" if session.audit is None else session.audit.head

    def context(self, motor_limits: Limits) -> Context:
        """Return what the task may know, within the tightest limits of file, motors and training.

        Raises
        ------
        BundleMismatch : the motors allow less than the policy was trained with
        """
        model = self.deployed.model
        if model is None:
            known = context_of(self.file, motor_limits)
            # a person at a page turns single axes, whatever the file's actions are
            chosen = getattr(self.deployed.policy, "context_for", None)
            return known if chosen is None else chosen(known)
        match_bundle(model.manifest, self.file, context_of(self.file, motor_limits))
        # a trained policy's observations are shares of the travel that it was trained with
        return context_of(self.file, bundle_limits(model.manifest))

    def task(self, context: Context) -> Task[Any]:
        """Return the rules of the policy's environment on this instrument."""
        model = self.deployed.model
        if model is None:
            return task_for(context, self.deployed.env_id)
        parts, flat = observed(model.manifest)
        size = image_size(model.manifest.observation_space, parts if flat else ())
        task = task_for(context, self.deployed.env_id, size, parts, flat)
        model.check_spaces(task.observation_space, task.action_space)
        return task

    def prepare(self, motor_limits: Limits) -> Task[Any]:
        """Make the task and rehearse it in simulation: nothing is slow or fails for the first time at the beam."""
        context = self.context(motor_limits)
        task = self.task(context)
        self.events.report(StateChanged("rehearsing"))
        try:
            # who waits for a human is not rehearsed with one
            warm_up(task, getattr(self.deployed.policy, "rehearsed_by", self.deployed.policy), context)
        finally:
            self.events.report(StateChanged("rehearsed"))
        return task

    def confirmation(self, motor_limits: Limits, ask: Callable[[str], Any]) -> Confirmation:
        """Return who asks the human, bound to policy, plan, limits and instrument."""
        options = self.options
        plan = {
            "max_steps": options.max_steps,
            "dose_s": options.dose_s,
            "return": options.back,
            "homed": sorted(options.homed),
            "token": None if options.token is None else str(options.token.resolve()),
            "tiled": options.tiled,
            "devices": self.own.sha256,
        }
        bound = subject(self.deployed.digest, plan, self.file, motor_limits)
        mode: Any = options.confirm
        says = run_in_words(self.deployed.policy.name, self.file, bound.limits, options)
        return Confirmation(bound, mode, self.file, store_of(self.path), self.answering(ask), says=says)

    def answering(self, ask: Callable[[str], Any]) -> Callable[[str], Any]:
        """Return ``ask``, or what says yes to everything where the options do."""
        return (lambda question: True) if self.options.yes else ask

    def asker(self, session: Session) -> Callable[[str], Awaitable[str]]:
        """Return what puts a guard's questions to the events, with the command that waits for the answer."""

        async def ask(text: str) -> str:
            guard = session.guard
            if guard is None or guard.state != "armed":
                return await self._asked(session, Question(text, "start"))
            shown, decided = guard.permits.shown, self._teller.proposal if self._teller is not None else None
            # A command of others, such as the way back, is not what the policy decided.
            proposal = decided if decided is not None and shown is not None and decided.is_shown_in(shown) else None
            return await self._asked(session, Question(text, "command", proposal, shown))

        return ask

    async def _asked(self, session: Session, question: Question) -> str:
        """Return the answer to a question; who gave it, where that is known, is in the log before what follows."""
        answer = await self.events.ask(question)
        if isinstance(answer, SignedAnswer) and session.audit is not None:
            sha256 = None if question.command is None else question.command.sha256
            session.audit.event("answered", answer=str(answer), by=answer.by, about=question.about, sha256=sha256)
        return answer

    def rollout(
        self,
        task: Any,
        instrument: BlueskyInstrument,
        session: Session,
        record: StepRecord,
        **given: Any,
    ) -> Rollout:
        """Return an episode ready to be played in a session; ``given`` are further parameters of ``Rollout``."""
        self._pulse = session.alive.touch
        self._teller = teller = StepTeller(self.events, self.file, task.context.instrument_axes)
        return Rollout(
            task,
            self.deployed.policy,
            instrument,
            record,
            self.options.max_steps,
            metadata=self.metadata(task.context),
            pulse=self.touch,
            on_step=teller.on_step,
            on_command=teller.on_command,
            **given,
        )

    def record_episode(self, path: Path, rollout: Rollout, ending: str) -> None:
        """Append what a rollout did, however it ended, to a file that training reads; nothing without a frame."""
        if not rollout.steps:
            return
        by_hand = [axis.name for axis in self.file.axes if self.file.devices[axis.device].adapter == MANUAL]
        about = {**rollout.metadata, "ending": ending, "turned_by_hand": by_hand, "confirm": self.options.confirm}
        refuse_link(path)
        append_episode(path, recorded(rollout.steps, about, failed=ending != rollout.ended))

    def metadata(self, context: Context) -> dict[str, Any]:
        """Return what the start document says, beside what a RunEngine's own ``md`` says in every one."""
        sample = {} if self.engine is not None and "sample" in self.engine.md else {"sample": context.sample}
        return {
            "beamgym_version": beamgym.__version__,
            "policy": self.deployed.policy.name,
            "bundle_sha256": self.deployed.digest,
            "env_id": self.deployed.env_id,
            "instrument": self.file.name,
            "instrument_sha256": self.file.digest(),
            "simulation": self.file.simulation,
            **sample,
            "audit": AUDIT,
            "motors": list(self.file.axis_names),
            "detectors": [self.file.detector.device],
            # What a live table and plot take for the abscissa.
            "hints": {"dimensions": [[["step_number"], "primary"]]},
            "axes": [
                {"name": axis.name, "unit": entry.unit, "limits": [float(end) for end in axis.limits]}
                for axis, entry in zip(context.instrument_axes, self.file.axes, strict=True)
            ],
            **self.options.metadata,
        }


def new_folder(out: Path) -> Path:
    """Return a folder for a run that is not there yet, named by the time; raises ValueError where ``out`` is a file."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"cannot write into {out}: it is a file; give a folder with --out")
    stem = datetime.now().strftime("deploy-%Y%m%d-%H%M%S")
    names = (stem, *(f"{stem}-{i}" for i in range(2, 1000)))
    return next(out / name for name in names if not (out / name).exists())


def _refuse_differences(session: Session) -> None:
    """Raise ValueError, before anything is sent, where a run would be refused or broken off by what a device says."""

    async def read() -> str:
        return refused(await read_differences(session.file, session.devices, ANSWER_S))

    if said := session.in_loop(read, 3 * ANSWER_S):
        raise ValueError(f"{said}; `beamgym deploy --check` shows everything")
