"""`beamgym deploy --practice N`: the same episodes on the practice instrument and in simulation, outcome by outcome.

An outcome is judged by the truth on both sides: in simulation by the world's, on the practice instrument by the
emulator's own, read when the policy has declared. The policy sees neither.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from beamgym.envs.arpes_spot import ArpesSpotOptions
from beamgym.envs.arpes_spot import factory as arpes_factory
from beamgym.envs.laue_align import LaueAlignOptions
from beamgym.envs.laue_align import factory as laue_factory
from beamgym.envs.loop import EpisodeKeys, EpisodeLoop
from beamgym.envs.options import read_options
from beamgym.envs.task import Task
from beamgym.hardware_bridge.deployment import Session
from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.records import JsonLines
from beamgym.hardware_bridge.rollout import Decides, Rollout, StepRecord
from beamgym.physics.arpes.stage import stage
from beamgym.physics.files import write_json
from beamgym.scripts.deploying.run import DOCUMENTS, Deployment, Limits, one_line, prepare
from beamgym.scripts.deploying.stop import StopButton, Stopped

PRACTICE = "practice.json"

FIRST_SEED = 2**52
"""Practice begins here: far from the seeds that shipped policies were trained on, and exact as an EPICS double."""

MOST_DIFFERENT = 0.05
"""Share of outcomes that may differ: noise of the readbacks is drawn anew where a motor stands a little elsewhere."""

_LAUE_OPTIONS = ("crystal", "target", "beam", "tolerance_deg", "max_rotation_deg", "action", "exposures")
_ARPES_OPTIONS = ("stage", "beam_time_s", "action", "max_step_mm")
_CA_S = 30.0
_ONE = np.ones(1, dtype=np.bool_)


@dataclass(frozen=True)
class Outcome:
    """What became of one episode: declared in the right place, exposures taken, and what ended it otherwise."""

    success: bool
    exposures: int
    ending: str


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


def practise(deployment: Deployment, session: Session, console: Console, button: StopButton) -> dict[str, Any]:
    """Play every episode on both sides, print and return the figures.

    Raises
    ------
    ValueError : more outcomes differ than may
    """
    options, policy = deployment.options, deployment.deployed.policy
    seeds = _seeds(deployment)
    limits = session.motor_limits()
    task = prepare(deployment, deployment.context(limits), console)
    emulator, pairs = Emulator(session, deployment.file), list[Pair]()
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with (
        JsonLines(deployment.folder / DOCUMENTS) as lines,
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
    ):
        bar = progress.add_task(f"{policy.name}, both sides", total=len(seeds))
        for seed, simulated in zip(seeds, simulate(deployment.file, policy, options.level, seeds), strict=True):
            emulator.reset(seed)
            deployed = _deployed(deployment, session, task, limits, emulator, lines, button)
            pairs.append(Pair(seed, simulated, deployed))
            progress.advance(bar)
    result = figures(policy.name, pairs)
    console.print(_sentence(result), highlight=False, soft_wrap=True)
    for pair in pairs:
        if not pair.same:
            console.print(f"seed {pair.seed}: {pair.simulated.ending} / {pair.deployed.ending}", highlight=False)
    write_json(deployment.folder / PRACTICE, result)
    if result["different"] > MOST_DIFFERENT * len(pairs):
        raise ValueError(
            f"{result['different']} of {len(pairs)} outcomes differ from simulation, more than may; see "
            f"{deployment.folder / PRACTICE}"
        )
    return result


def simulate(file: InstrumentFile, policy: Decides, level: str, seeds: range) -> list[Outcome]:
    """Play the episodes of the seeds in the environment whose instrument a file describes."""
    task, world = _world(file, level)
    outcomes = []
    for seed in seeds:
        loop: EpisodeLoop[Any] = EpisodeLoop(task, world)
        keys = EpisodeKeys(1)
        keys.reseed([seed], np.random.default_rng)
        loop.reset(keys.next(_ONE), _ONE)
        memory, exposures, over = policy.start(task.context, 1), int(loop.costs()["exposures"][0]), False
        while not over:
            action, memory = policy.act(loop.observation(), memory)
            step = loop.step(action, _ONE)
            exposures += int(step.costs["exposures"][0])
            over = bool(step.verdict.terminated[0] or step.verdict.truncated[0])
        ending = "declared" if step.verdict.terminated[0] else "budget spent"
        outcomes.append(Outcome(bool(step.verdict.is_success[0]), exposures, ending))
    return outcomes


def figures(policy: str, pairs: list[Pair]) -> dict[str, Any]:
    """Return the comparison as JSON has it."""
    return {
        "policy": policy,
        "episodes": len(pairs),
        "different": sum(not pair.same for pair in pairs),
        "success_simulated": sum(pair.simulated.success for pair in pairs),
        "success_deployed": sum(pair.deployed.success for pair in pairs),
        "exposures_median_simulated": float(np.median([pair.simulated.exposures for pair in pairs])),
        "exposures_median_deployed": float(np.median([pair.deployed.exposures for pair in pairs])),
        "pairs": [asdict(pair) for pair in pairs],
    }


def _deployed(
    deployment: Deployment,
    session: Session,
    task: Task[Any],
    limits: Limits,
    emulator: Emulator,
    lines: JsonLines,
    button: StopButton,
) -> Outcome:
    """Play one episode through the guard; a refusal is an outcome, Ctrl-C is not."""
    instrument = session.guarded(deployment.confirmation(limits, lambda question: False))
    session.arm()
    rollout = Rollout(
        task,
        deployment.deployed.policy,
        instrument,
        StepRecord(),
        deployment.options.max_steps,
        metadata=deployment.metadata(task),
        pulse=session.alive.touch,
        finish=session.finish,
    )
    ending = ""
    try:
        with button.stopping(session.stop):
            session.play(rollout, [lines])
    except Stopped:
        raise
    except Exception as error:
        ending = one_line(error)
    exposures = sum(int(step.costs["exposures"][0]) for step in rollout.steps)
    right = rollout.ended == "declared" and bool(emulator.truth()["inside"])
    session.close()
    return Outcome(right, exposures, ending or rollout.ended)


def _world(file: InstrumentFile, level: str) -> tuple[Any, Any]:
    """Return the task and the world of the environment whose instrument a file describes."""
    if file.laue is not None:
        options = {name: getattr(file.laue, name) for name in _LAUE_OPTIONS}
        geometry = {"goniometer": file.build_goniometer(), "detector": file.detector_geometry()}
        read = read_options(LaueAlignOptions, {**options, **geometry, "level": level, "frames": "rendered"})
        return laue_factory.build(read, 1, False)
    options = {name: getattr(file.arpes, name) for name in _ARPES_OPTIONS}
    standing = replace(stage(options["stage"]), overlap=False)  # as at the instrument, which stands while it exposes
    given = {**options, "stage": standing, "level": level, "size": file.detector.shape[0]}
    return arpes_factory.build(read_options(ArpesSpotOptions, given), 1)


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


def _sentence(result: dict[str, Any]) -> str:
    return (
        f"{result['policy']}: {result['episodes']} episodes, {result['success_deployed']} aligned over Channel Access, "
        f"{result['success_simulated']} in simulation, {result['different']} outcomes differ; exposures (median) "
        f"{result['exposures_median_deployed']:g} and {result['exposures_median_simulated']:g}"
    )
