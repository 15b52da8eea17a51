"""Play one episode on the instrument, with all its documents, and report; after an abort a human may begin it anew."""

import itertools
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from beamgym.envs.episodes import EPISODES
from beamgym.envs.task import Task
from beamgym.hardware_bridge.deployment.causes import DeployFailed, why_ended
from beamgym.hardware_bridge.deployment.deployment import Deployment
from beamgym.hardware_bridge.deployment.directions import ensure_directions, refuse_other_coordinates, refuse_unchecked
from beamgym.hardware_bridge.deployment.events import EpisodeEnded, Note, Question, StateChanged
from beamgym.hardware_bridge.deployment.session import AUDIT, Session, Stopped
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard import AbortReport
from beamgym.hardware_bridge.guard.rules import GuardRefused, refusal
from beamgym.hardware_bridge.records import (
    AuditError,
    Consumer,
    DocumentCollector,
    FrameStore,
    JsonLines,
    refuse_link,
    tiled_consumer,
    write_nexus,
)
from beamgym.hardware_bridge.rollout import BlueskyInstrument, EpisodeReport, Rollout, StepRecord, write_report
from beamgym.physics.files import write_json
from beamgym.physics.messages import one_line

DOCUMENTS, NEXUS, REPORT = "documents.jsonl", "episode.nxs", "report.json"

NO_NAMES = ("", "y", "yes", "n", "no")
"""Answers that re-arm nothing: who re-arms a guard says who has looked."""

ITEM_LATCHED = 11
"""The guard's item of a command that comes after what has latched it."""

ITEM_CONFIRMED = 13
"""The guard's item of a human's yes."""

ABORTED_S = 10.0
"""An abort's report is waited for so long where the plan has ended already, seconds."""


def run(deployment: Deployment) -> EpisodeReport:
    """Play one episode and report.

    Where the guard aborts it, for another reason than a human's no, whoever answers the events' questions is asked
    ("re-arm") who has looked at the instrument; a name re-arms the guard, and a new episode begins in a folder of its
    own beside the first one's files.

    Returns
    -------
    The report of the last episode, successful or not; it is in ``report.json`` too

    Raises
    ------
    Stopped : it was stopped
    ValueError : in one line, what was refused, or what broke the episode off; ``report.json`` is written all the same
    """
    with deployment.mode("run"):
        refuse_unchecked(deployment)
        with deployment.connect() as session:
            # Before the limits, which are others too where an offset is another one.
            refuse_other_coordinates(deployment, session)
            limits = session.motor_limits()
            task = deployment.prepare(limits)
            ensure_directions(deployment, session)
            instrument = session.guarded(deployment.confirmation(limits, deployment.asker(session)))
            # Once more: rehearsing may take minutes, and arming takes the settings as it finds them.
            refuse_other_coordinates(deployment, session)
            session.arm(deployment.options.homed)
            return _play(deployment, session, partial(Attempt, deployment, session, task, instrument))


@dataclass
class Attempt:
    """One episode with its documents, in a folder that is there."""

    deployment: Deployment
    session: Session
    task: Task[Any]
    instrument: BlueskyInstrument
    folder: Path
    rollout: Rollout = field(init=False)
    aborted: AbortReport | None = field(default=None, init=False)
    documents: DocumentCollector = field(default_factory=DocumentCollector, init=False)

    def __post_init__(self) -> None:
        deployment, session, instrument = self.deployment, self.session, self.instrument
        self.rollout = deployment.rollout(
            self.task,
            instrument,
            session,
            StepRecord(FrameStore(self.folder / NEXUS)),
            readables=list(instrument.guard.axes.values()),
            finish=partial(session.finish, back=deployment.options.back),
        )

    def play(self) -> Exception | None:
        """Play it; returns what broke it off."""
        deployment, session = self.deployment, self.session
        with JsonLines(self.folder / DOCUMENTS) as lines:
            consumers: list[Consumer] = [lines, self.documents]
            if deployment.options.tiled is not None:
                consumers.append(tiled_consumer(deployment.options.tiled))
            deployment.events.report(StateChanged("running"))
            try:
                with deployment.button.stopping(session.stop):
                    session.play(self.rollout, consumers)
            except Exception as error:
                return self._cause(error)
        return None

    def _cause(self, error: Exception) -> Exception:
        """Return what has latched the guard, where an error only follows from it."""
        behind, latched = refusal(error), self.instrument.guard.latch.refusal()
        # A stop is one, whatever its abort refuses.
        if latched is None or isinstance(error, Stopped):
            return error
        # The first to be refused is why: what fails by its abort, such as a shutter that was about to open, is not. A
        # latch that no rule has asked for, as where an episode broke off, says less than what broke it off.
        follows = behind is not None and behind.item == ITEM_LATCHED
        if not (latched.item or follows):
            return error
        latched.__cause__ = error
        return latched

    def end(self) -> Exception | None:
        """Close the session, write what needs all documents, and seal the log; returns what went wrong meanwhile."""
        # Also what has latched it since the plan ended.
        guard = self.instrument.guard
        self.aborted = self.session.close() or self.aborted
        unwritten: Exception | None = None
        try:
            self.write_documents()
        except (OSError, RuntimeError) as error:
            # h5py's own words say neither which file nor what to do.
            unwritten = DeployFailed(
                f"{NEXUS} could not be written ({one_line(error)}): free the disk; {DOCUMENTS} has it all"
            )
        try:
            self.session.seal()
        except AuditError as error:
            return error
        return guard.latch.refusal() or unwritten

    def tell_places(self) -> None:
        """Say where the axes stand after what broke off: an abort brings nothing back, nor does a human's no."""
        guard, entries = self.instrument.guard, self.deployment.file.axes
        if self.aborted is not None and not self.aborted.complete:
            return
        try:
            read = self.session.in_loop(guard.positions, guard.answer_s, check=lambda: None)
        except Exception:
            text = "where the axes stand cannot be read now; look at them"
        else:
            places = ", ".join(
                f"{each.name} = {read[each.name]:.4f} {each.unit}" for each in entries if each.unit != "s"
            )
            text = f"the axes stand at {places}; nothing was brought back"
        self.deployment.events.report(Note(text))

    def write_documents(self) -> None:
        """Write the NeXus file, where there are documents."""
        if self.documents.documents:
            write_nexus(self.folder / NEXUS, self.documents.documents)

    def report(self, problem: Exception | None) -> EpisodeReport:
        """Write the report and the pictures."""
        ending = self.rollout.ended if problem is None else why_ended(problem)
        if self.aborted is not None and self.aborted.unconfirmed:
            ending += f"; NOT SEEN TO STOP: {', '.join(self.aborted.unconfirmed)}"
        folder, audit, name = self.folder, self.session.audit, self.rollout.policy.name
        log = self.deployment.folder / AUDIT
        files = {"documents": folder / DOCUMENTS, "nexus": folder / NEXUS, "log": log}
        if self.rollout.steps:
            self.deployment.record_episode(folder / EPISODES, self.rollout, ending)
            files["training"] = folder / EPISODES
        steps, instrument = self.rollout.steps, self.deployment.file.name
        report = write_report(
            folder,
            self.task,
            self.instrument,
            steps,
            ending,
            policy=name,
            name=instrument,
            files=files,
            failed=problem is not None,
        )
        guard = self.instrument.guard
        spent_s, budget_s = guard.shutter.dose.spent_s, guard.budget_s
        report = replace(
            report,
            audit_head="" if audit is None else audit.head,
            dose_s=spent_s,
            dose_left_s=None if budget_s is None else max(0.0, budget_s - spent_s),
        )
        refuse_link(folder / REPORT)
        write_json(folder / REPORT, report.as_dict())
        self.deployment.events.report(EpisodeEnded(report.ending, report.success, dict(report.metrics)))
        return report


def _play(deployment: Deployment, session: Session, attempt_in: "partial[Attempt]") -> EpisodeReport:
    """Play one episode, and another one each time that a human re-arms the guard; raises where the last broke off."""
    attempt = attempt_in(deployment.folder)
    problem = attempt.play()
    for number in itertools.count(2):
        try:
            operator = _rearmed(attempt, problem)
        except Stopped as stopped:
            operator, problem = "", stopped
        if not operator:
            break
        _tell_broken_off(attempt, problem, operator)
        attempt = attempt_in(_made(deployment.folder / f"rearmed-{number}"))
        problem = attempt.play()
    with deployment.button.closing():
        broken = attempt.end()
        problem = problem or broken
        if problem is not None:
            attempt.tell_places()
        log = deployment.folder / AUDIT
        try:
            report = attempt.report(problem)
        except OSError as error:
            why = attempt.rollout.ended if problem is None else why_ended(problem)
            raise DeployFailed(f"{why}; its report could not be written ({one_line(error)}); see {log}") from error
    if problem is not None:
        raise problem if isinstance(problem, Stopped) else DeployFailed(f"{report.ending}; see {log}") from problem
    return report


def _rearmed(attempt: Attempt, problem: Exception | None) -> str:
    """Ask whether a guard that has latched is to be armed again; returns who said so, "" where nobody did."""
    deployment, session, guard = attempt.deployment, attempt.session, attempt.session.guard
    unattended = deployment.options.yes or deployment.options.confirm == "never"
    ended = problem is None or isinstance(problem, Stopped) or unattended
    # who has said no to a command need not be asked whether to go on
    if ended or guard is None or guard.state != "latched" or guard.latched_item == ITEM_CONFIRMED:
        return ""
    attempt.aborted = session.in_loop(guard.aborted, ABORTED_S)
    text = (
        f"the guard is latched: {guard.reason}. Look at the instrument; to arm it again and begin a new episode, type "
        "your name, or nothing to end: "
    )
    while (operator := session.ask(Question(text, "re-arm")).strip()).lower() not in NO_NAMES:
        try:
            session.rearm(operator, deployment.options.homed)
            return operator
        except (GuardRefused, DeviceError) as error:
            deployment.events.report(Note(f"not armed: {why_ended(error)}"))
    return ""


def _tell_broken_off(attempt: Attempt, problem: Exception | None, operator: str) -> None:
    """Write the report of an episode that broke off, and say that another one begins."""
    with attempt.deployment.button.closing():
        attempt.write_documents()
        report = attempt.report(problem)
    text = f"{report.ending}; {operator} has looked and re-armed the guard, a new episode begins"
    attempt.deployment.events.report(Note(text))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
