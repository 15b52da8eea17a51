"""What `beamgym deploy` does in its order: read, match, rehearse, connect, arm, play, report."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

import beamgym
from beamgym.envs.task import Task
from beamgym.hardware_bridge.adapters import check_options
from beamgym.hardware_bridge.deployment import AUDIT, KEEP_TRYING_S, Session, bundle_limits, match_bundle, warm_up
from beamgym.hardware_bridge.guard import AbortReport, TokenFile
from beamgym.hardware_bridge.guard.rules import refusal
from beamgym.hardware_bridge.instrument_file import (
    Context,
    InstrumentFile,
    check_experiment,
    context_of,
    load_instrument,
    shipped_instrument,
)
from beamgym.hardware_bridge.records import (
    MODES,
    AuditError,
    Confirmation,
    Consumer,
    DocumentCollector,
    FrameStore,
    JsonLines,
    store_of,
    subject,
    tiled_consumer,
    write_nexus,
)
from beamgym.hardware_bridge.rollout import BlueskyInstrument, EpisodeReport, Rollout, StepRecord, write_report
from beamgym.hardware_bridge.tasks import image_size, task_for
from beamgym.physics.files import write_json
from beamgym.scripts.deploying.devices import OwnDevices
from beamgym.scripts.deploying.policy import DeployedPolicy, read_policy
from beamgym.scripts.deploying.stop import StopButton, Stopped

DOCUMENTS, NEXUS, REPORT = "documents.jsonl", "episode.nxs", "report.json"

_LOOKING = ("check", "dry-run")
"""Modes that send nothing, whose log proves nothing."""

_WIDTH = 120  # columns, where no terminal says how many

Limits = dict[str, tuple[float, float] | None]


class DeployFailed(ValueError):
    """What ended a deployment, in one line."""


@dataclass(frozen=True)
class Options:
    """How a policy is deployed; see `beamgym deploy --help`."""

    devices: Path | None = None
    confirm: str = "every"
    yes: bool = False
    max_steps: int | None = None
    dose_s: float | None = None
    back: bool = False
    homed: tuple[str, ...] = ()
    token: Path | None = None
    tiled: str | None = None
    episodes: int = 0
    seed: int = 0
    level: str = "real"
    out: Path = Path("out")
    keep_trying_s: float = KEEP_TRYING_S


class Deployment:
    """A policy and an instrument that fit each other, as far as files can say.

    Parameters
    ----------
    policy, instrument : as named on the command line
    options : how

    Raises
    ------
    ValueError : in one line, for what does not exist, does not fit, or is not allowed
    """

    def __init__(self, policy: str, instrument: str, options: Options) -> None:
        self.options = options
        self.aborted: AbortReport | None = None
        self.head = ""
        _check(options)
        self.own = OwnDevices(options.devices)
        self.folder = new_folder(options.out)
        self._source, self.path = instrument_path(instrument, options.out)
        self.file: InstrumentFile = load_instrument(self._source)
        check_options(self.file)
        check_experiment(self.file)
        if options.yes and not self.file.simulation:
            raise ValueError(f"--yes is for simulations; {self.path} is real hardware, and a human must answer there")
        if options.episodes and not self.file.simulation:
            raise ValueError(f"--practice is for simulations; {self.path} is real hardware")
        self.deployed: DeployedPolicy = read_policy(policy, self.file)
        if self.deployed.model is not None:
            match_bundle(self.deployed.model.manifest, self.file)

    @contextmanager
    def session(self, dry_run: bool = False) -> Iterator[Session]:
        """Yield the connected instrument; its log and the run's folder exist from here on."""
        objects = self.own.make()
        self.folder.mkdir(parents=True)
        for copy in {self.path, self.folder / "instrument.yaml"} - {self._source}:
            shutil.copyfile(self._source, copy)
        session = Session(
            self.file,
            self.folder,
            objects=objects,
            dry_run=dry_run,
            dose_s=self.options.dose_s,
            keep_trying_s=self.options.keep_trying_s,
        )
        try:
            with session:
                if self.options.token is not None:
                    session.signs_of_life.append(TokenFile(self.options.token))
                session.connect()
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
        if self.deployed.model is None:
            return context_of(self.file, motor_limits)
        manifest = self.deployed.model.manifest
        match_bundle(manifest, self.file, context_of(self.file, motor_limits))
        return context_of(self.file, bundle_limits(manifest))

    def task(self, context: Context) -> Task[Any]:
        """Return the rules of the policy's environment on this instrument."""
        model = self.deployed.model
        size = image_size(model.manifest.observation_space) if model is not None else None
        task = task_for(context, self.deployed.env_id, *([] if size is None else [size]))
        if model is not None:
            model.check_spaces(task.observation_space, task.action_space)
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
        answer = (lambda question: True) if options.yes else ask
        return Confirmation(bound, mode, self.file, store_of(self.path), answer)

    def rollout(
        self, task: Task[Any], instrument: BlueskyInstrument, session: Session, folder: Path, **metadata: Any
    ) -> Rollout:
        """Return an episode ready to be played in a session."""
        frames = FrameStore(folder / NEXUS)
        return Rollout(
            task,
            self.deployed.policy,
            instrument,
            StepRecord(frames),
            self.options.max_steps,
            list(instrument.guard.axes.values()),
            {**self.metadata(task), **metadata},
            session.alive.touch,
            partial(session.finish, back=self.options.back),
        )

    def metadata(self, task: Any) -> dict[str, Any]:
        """Return what the start document says."""
        context = task.context
        axes = context.goniometer.axes if hasattr(context, "goniometer") else context.stage.axes
        return {
            "beamgym_version": beamgym.__version__,
            "policy": self.deployed.policy.name,
            "bundle_sha256": self.deployed.digest,
            "env_id": self.deployed.env_id,
            "instrument": self.file.name,
            "instrument_sha256": self.file.digest(),
            "simulation": self.file.simulation,
            "sample": context.crystal.name if hasattr(context, "crystal") else "",
            "audit": AUDIT,
            "axes": [
                {"name": axis.name, "unit": entry.unit, "limits": [float(end) for end in axis.limits]}
                for axis, entry in zip(axes, self.file.axes, strict=True)
            ],
        }


def play(
    deployment: Deployment, session: Session, task: Task[Any], instrument: BlueskyInstrument, button: StopButton
) -> EpisodeReport:
    """Play one episode with all its documents, and report; raises DeployFailed or Stopped where it broke off."""
    folder, file = deployment.folder, deployment.file
    rollout = deployment.rollout(task, instrument, session, folder)
    kept = DocumentCollector()
    with JsonLines(folder / DOCUMENTS) as lines:
        consumers: list[Consumer] = [lines, kept]
        if deployment.options.tiled is not None:
            consumers.append(tiled_consumer(deployment.options.tiled))
        problem: Exception | None = None
        try:
            with button.stopping(session.stop):
                session.play(rollout, consumers)
        except Exception as error:
            problem = error
    with button.closing():
        aborted = session.close()
        if kept.documents:
            write_nexus(folder / NEXUS, kept.documents)
        try:
            session.seal()
        except AuditError as error:
            problem = problem or error
        ending = rollout.ended if problem is None else one_line(problem)
        if aborted is not None and aborted.unconfirmed:
            ending += f"; NOT SEEN TO STOP: {', '.join(aborted.unconfirmed)}"
        files = {"documents": folder / DOCUMENTS, "nexus": folder / NEXUS, "log": folder / AUDIT}
        report = write_report(
            folder, task, instrument, rollout.steps, ending, policy=rollout.policy.name, name=file.name, files=files
        )
        report = replace(report, audit_head="" if session.audit is None else session.audit.head)
        write_json(folder / REPORT, report.as_dict())
    if problem is not None:
        raise problem if isinstance(problem, Stopped) else DeployFailed(f"{ending}; see {folder / AUDIT}") from problem
    return report


def show(deployment: Deployment, mode: str, json_file: Path | None) -> None:
    """Do what was asked for and print it.

    Raises
    ------
    ValueError : in one line, what was refused or went wrong
    SystemExit : 1 where the policy did not reach its goal, 130 after Ctrl-C
    """
    from beamgym.scripts.deploying import modes as deploy_modes

    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    with StopButton() as button:
        try:
            result = deploy_modes.MODES[mode](deployment, console, button)
        except Stopped as stopped:
            raise SystemExit(_said_stopped(deployment, stopped)) from None
        except ValueError:
            raise
        except Exception as error:
            if os.environ.get("BEAMGYM_DEBUG"):
                raise
            raise DeployFailed(one_line(error)) from error
        finally:
            if deployment.head and mode not in _LOOKING:
                with suppress(OSError):  # the terminal may be gone
                    typer.echo(f"  log ends  {deployment.head}")
    if json_file is not None:
        write_json(json_file, result)


def one_line(error: BaseException) -> str:
    """Return why something ended: the guard's refusal where one lies behind it."""
    behind = refusal(error)
    cause = behind if behind is not None else error
    if type(cause).__name__ == "FailedStatus" and cause.__cause__ is not None:
        cause = cause.__cause__
    return " ".join(str(cause).split()) or type(cause).__name__


def instrument_path(name: str, out: Path) -> tuple[Path, Path]:
    """Return where an instrument file is read, and beside what its direction check and confirmations lie.

    Both are the file itself; for a shipped one the second is a copy in ``out``, made when the session begins.

    Raises
    ------
    ValueError : neither a file nor a shipped instrument
    """
    path = Path(name)
    if path.is_file():
        return path, path
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise ValueError(f"there is no instrument file {path}; copy one of the shipped ones and fill it in")
    shipped = shipped_instrument(name)
    return shipped, out / shipped.name


def new_folder(out: Path) -> Path:
    """Return a folder for a run that is not there yet, named by the time; raises ValueError where ``out`` is a file."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"cannot write into {out}: it is a file; give a folder with --out")
    stem = datetime.now().strftime("deploy-%Y%m%d-%H%M%S")
    names = (stem, *(f"{stem}-{i}" for i in range(2, 1000)))
    return next(out / name for name in names if not (out / name).exists())


def prepare(deployment: Deployment, context: Context, console: Console) -> Task[Any]:
    """Make the task and rehearse it in simulation, so that nothing is slow or fails for the first time at the beam."""
    task = deployment.task(context)
    with console.status("rehearsing in simulation"):
        warm_up(task, deployment.deployed.policy, context)
    return task


def _check(options: Options) -> None:
    if options.confirm not in MODES:
        raise ValueError(f"--confirm is {options.confirm!r}; choose {', '.join(MODES)}")
    if options.token is not None and not options.token.exists():
        raise ValueError(f"--token: there is no file {options.token}; whatever touches it must run before the start")


def _said_stopped(deployment: Deployment, stopped: Stopped) -> int:
    log, report = deployment.folder / AUDIT, deployment.aborted
    if report is None:
        safe = "nothing was under way"
    elif report.complete:
        safe = "motors stopped, shutter closed"
    else:
        safe = f"NOT SEEN TO STOP: {', '.join(report.unconfirmed)}"
    where = f"; the log is {log}" if log.exists() else ""
    with suppress(OSError):  # the terminal may be gone
        typer.echo(f"{stopped}; {safe}{where}", err=True)
    return 130
