"""The same episodes on the practice instrument and in simulation, outcome by outcome.

An outcome is judged by the truth on both sides: in simulation by the world's, on the practice instrument by the
emulator's own, read when the policy has declared. The policy sees neither.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.envs.episodes import EPISODES
from beamgym.envs.kinds import resolve
from beamgym.envs.loop import EpisodeKeys, EpisodeLoop
from beamgym.envs.task import Task
from beamgym.hardware_bridge.deployment.causes import why_ended
from beamgym.hardware_bridge.deployment.deployment import Deployment, Limits
from beamgym.hardware_bridge.deployment.directions import ensure_directions
from beamgym.hardware_bridge.deployment.events import EpisodeEnded, Progress, StateChanged
from beamgym.hardware_bridge.deployment.run import DOCUMENTS
from beamgym.hardware_bridge.deployment.session import Session, Stopped
from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.hardware_bridge.practice.simulated import simulation_of
from beamgym.hardware_bridge.records import JsonLines
from beamgym.hardware_bridge.rollout import Decides, Rollout, StepRecord
from beamgym.physics.files import write_json

PRACTICE = "practice.json"

FIRST_SEED = 2**52
"""Practice begins here: far from the seeds that shipped policies were trained on, and exact as an EPICS double."""

MOST_DIFFERENT = 0.05
"""Share of outcomes that may differ: noise of the readbacks is drawn anew where a motor stands a little elsewhere."""

_CA_S = 30.0
_ONE = np.ones(1, dtype=np.bool_)


@dataclass(frozen=True)
class Outcome:
    """What became of one episode.

    Parameters
    ----------
    success : declared in the right place, by the truth
    exposures : taken
    ending : "declared", or what ended it otherwise
    judged : what the task made of it without the truth, as on a real instrument; None in simulation
    """

    success: bool
    exposures: int
    ending: str
    judged: bool | None = None


@dataclass(frozen=True)
class Pair:
    """One seed on both sides."""

    seed: int
    simulated: Outcome
    deployed: Outcome

    @property
    def same(self) -> bool:
        """Whether both succeeded, or both did not."""
        return self.simulated.success == self.deployed.success


@dataclass(frozen=True)
class Comparison:
    """One policy's episodes on both sides.

    Parameters
    ----------
    policy : its name
    pairs : one a seed
    """

    policy: str
    pairs: tuple[Pair, ...]

    @property
    def different(self) -> int:
        """How many outcomes differ."""
        return sum(not pair.same for pair in self.pairs)

    @property
    def too_many(self) -> bool:
        """Whether more outcomes differ than may."""
        return self.different > MOST_DIFFERENT * len(self.pairs)

    @property
    def judged_right(self) -> int:
        """How many deployed episodes were judged as the truth has it, without the truth."""
        return sum(pair.deployed.judged == pair.deployed.success for pair in self.pairs)

    def require(self, folder: Path) -> None:
        """Raise ValueError where more outcomes differ than may; the line names ``practice.json`` in ``folder``."""
        if self.too_many:
            raise ValueError(
                f"{self.different} of {len(self.pairs)} outcomes differ from simulation, more than may; see "
                f"{folder / PRACTICE}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        simulated = [pair.simulated for pair in self.pairs]
        deployed = [pair.deployed for pair in self.pairs]
        return {
            "policy": self.policy,
            "episodes": len(self.pairs),
            "different": self.different,
            "success_simulated": sum(outcome.success for outcome in simulated),
            "success_deployed": sum(outcome.success for outcome in deployed),
            "judged_right": self.judged_right,
            "exposures_median_simulated": float(np.median([outcome.exposures for outcome in simulated])),
            "exposures_median_deployed": float(np.median([outcome.exposures for outcome in deployed])),
            "pairs": [asdict(pair) for pair in self.pairs],
        }


class Emulator:
    """The practice instrument's own side: new samples, and the truth.

    Parameters
    ----------
    session : connected
    file : a simulation's, whose identity is the practice instrument's PV

    Raises
    ------
    ValueError : the file's identity is no such PV
    """

    def __init__(self, session: Session, file: InstrumentFile) -> None:
        address = file.devices[file.identity.device].address if file.identity is not None else ""
        if not address.endswith("identity"):
            raise ValueError(
                f"--practice needs the instrument of `beamgym ioc`, whose identity is PREFIXidentity; found {address!r}"
            )
        self._session, self._prefix = session, address.removesuffix("identity")
        self._aioca = need("aioca", "epics")

    def reset(self, seed: int) -> None:
        """Mount the sample of a seed, motors at home."""
        self._session.in_loop(lambda: self._aioca.caput(self._prefix + "sim:reset", float(seed), wait=True), _CA_S)

    def truth(self) -> dict[str, Any]:
        """Return what is really so."""
        found = self._session.in_loop(lambda: self._aioca.caget(self._prefix + "sim:truth"), _CA_S)
        truth: dict[str, Any] = json.loads(np.asarray(found, dtype=np.uint8).tobytes().split(b"\0")[0])
        return truth


def practise(deployment: Deployment) -> Comparison:
    """Play many episodes on the practice instrument, and the same ones in simulation.

    Returns
    -------
    Both sides, seed by seed; they are in ``practice.json`` too

    Raises
    ------
    Stopped : it was stopped
    ValueError : in one line, what was refused or went wrong; an episode that broke off is an outcome instead
    """
    with deployment.mode("practice"), deployment.connect() as session:
        ensure_directions(deployment, session)
        comparison = Comparison(deployment.deployed.policy.name, tuple(_pairs(deployment, session)))
        write_json(deployment.folder / PRACTICE, comparison.as_dict())
        return comparison


def _pairs(deployment: Deployment, session: Session) -> list[Pair]:
    """Play every episode on both sides."""
    policy, seeds = deployment.deployed.policy, _seeds(deployment)
    limits = session.motor_limits()
    task = deployment.prepare(limits)
    emulator, pairs = Emulator(session, deployment.file), list[Pair]()

    def tell() -> None:
        deployment.events.report(Progress(f"{policy.name}, both sides", len(pairs), len(seeds)))

    with JsonLines(deployment.folder / DOCUMENTS) as lines:
        tell()
        for seed, simulated in zip(
            seeds, simulate(deployment.file, policy, task, deployment.options.level, seeds), strict=True
        ):
            emulator.reset(seed)
            pairs.append(Pair(seed, simulated, _deployed(deployment, session, task, limits, emulator, lines)))
            tell()
    return pairs


def simulate(file: InstrumentFile, policy: Decides, task: Task[Any], level: str, seeds: range) -> list[Outcome]:
    """Play the episodes of the seeds by a task's rules in the world that a file describes, which knows the truth."""
    world, outcomes, context = simulation_of(file, level).world, list[Outcome](), getattr(task, "context", None)
    for seed in seeds:
        loop: EpisodeLoop[Any] = EpisodeLoop(task, world)
        keys = EpisodeKeys(1)
        keys.reseed([seed], np.random.default_rng)
        loop.reset(keys.next(_ONE), _ONE)
        memory, exposures, over = policy.start(context, 1), int(loop.costs()["exposures"][0]), False
        while not over:
            action, memory = policy.act(loop.observation(), memory)
            step = loop.step(action, _ONE)
            exposures += int(step.costs["exposures"][0])
            over = bool(step.verdict.terminated[0] or step.verdict.truncated[0])
        ending = "declared" if step.verdict.terminated[0] else "budget spent"
        outcomes.append(Outcome(bool(step.verdict.is_success[0]), exposures, ending))
    return outcomes


def _deployed(
    deployment: Deployment, session: Session, task: Task[Any], limits: Limits, emulator: Emulator, lines: JsonLines
) -> Outcome:
    """Play one episode through the guard; a refusal is an outcome, a stop is not."""
    instrument = session.guarded(deployment.confirmation(limits, lambda question: False))
    session.arm()
    rollout = deployment.rollout(task, instrument, session, StepRecord(), finish=session.finish)
    ending = ""
    deployment.events.report(StateChanged("running"))
    try:
        with deployment.button.stopping(session.stop):
            session.play(rollout, [lines])
    except Stopped:
        raise
    except Exception as error:
        ending = why_ended(error)
    deployment.record_episode(deployment.folder / EPISODES, rollout, ending or rollout.ended)
    exposures = sum(int(step.costs["exposures"][0]) for step in rollout.steps)
    right = rollout.ended == "declared" and _is_right(deployment.file, task, rollout, emulator.truth())
    session.close()
    verdict = rollout.steps[-1].verdict if rollout.steps else None
    judged = not ending and verdict is not None and bool(verdict.is_success[0])
    outcome = Outcome(right, exposures, ending or rollout.ended, judged)
    deployment.events.report(EpisodeEnded(outcome.ending, outcome.success, {}))
    return outcome


def _is_right(file: InstrumentFile, task: Task[Any], rollout: Rollout, truth: dict[str, Any]) -> bool:
    """Return whether what was declared is right, by the truth."""
    judge = bridge_kind(file.kind).right
    return bool(truth["inside"] if judge is None else resolve(judge)(task, rollout.steps[-1].state, truth))


def _seeds(deployment: Deployment) -> range:
    first = FIRST_SEED + deployment.options.seed * deployment.options.episodes
    seeds = range(first, first + deployment.options.episodes)
    model = deployment.deployed.model
    if model is not None:
        low, high = model.manifest.training.seeds
        if low < seeds.stop and seeds.start <= high:
            raise ValueError(
                f"--seed {deployment.options.seed} leads to seeds that {model.name} was trained on; choose another"
            )
    return seeds
