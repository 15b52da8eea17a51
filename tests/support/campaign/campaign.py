"""Plays many runs side by side; every one of them in processes of its own, forked from one that has imported all."""

import contextlib
import importlib
import json
import os
import pkgutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import beamgym.hardware_bridge
import beamgym.scripts
from campaign.ioc import Plan, sample_of
from campaign.judge import Evidence, Verdict, judged
from campaign.runs import Run, forked
from campaign.table import drawn, row, scenarios

TRIES = 3
"""How often a run is played whose fault does not come to be played."""


@dataclass(frozen=True)
class Job:
    """One scenario with one seed."""

    name: str
    seed: int

    def folder(self, out: Path) -> Path:
        """Return where its files are."""
        return out / f"{self.name}-{self.seed}"


def jobs(names: Sequence[str] | None, seeds: Sequence[int]) -> list[Job]:
    """Return what is to be played: every scenario, or some of them, with every seed; raises ValueError for no such."""
    known = [each["name"] for each in scenarios()]
    for name in names or []:
        row(name)
    return [Job(name, seed) for seed in seeds for name in known if not names or name in names]


def warmed() -> None:
    """Import and compile everything once, here, so that no forked process has to."""
    for room in (beamgym.hardware_bridge, beamgym.scripts):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            with contextlib.suppress(ImportError):
                importlib.import_module(module.name)
    from beamgym.hardware_bridge.deployment import warm_up
    from beamgym.hardware_bridge.tasks import task_for
    from campaign.policies import Roaming

    for name in ("clean", "clean-arpes"):
        plan = Plan(drawn(row(name), 0)[1], 0)
        sample = sample_of(plan)
        sample.frame([shaft.start for shaft in plan.bench.shafts.values()], 0.2, 1)
        if plan.bench.kind == "laue":
            sample.error_deg(sample.context.goniometer.home())
            warm_up(task_for(sample.context), Roaming(1, 0), sample.context)


def play_all(
    wanted: Sequence[Job], out: Path, workers: int, anew: bool = False, judge_again: bool = False
) -> Iterator[tuple[Job, Verdict]]:
    """Play and judge, yield each with its verdict as it ends; what has a verdict in the folder is not played again.

    Parameters
    ----------
    wanted : what is to be played
    out : folder of all files
    workers : runs side by side
    anew : play also what has a verdict
    judge_again : judge anew, by the table and the judge of today, what was played before
    """
    out.mkdir(parents=True, exist_ok=True)
    waiting, under_way = list(wanted), dict[int, Job]()
    while waiting or under_way:
        while waiting and len(under_way) < workers:
            job = waiting.pop(0)
            kept = job.folder(out) / "verdict.json"
            if judge_again and (job.folder(out) / "run.json").exists():
                _judge(job.folder(out))
            if kept.exists() and not anew:
                yield job, _read(job, kept)
                continue
            under_way[_begun(job, out)] = job
        for process in list(under_way):
            ended, _ = os.waitpid(process, os.WNOHANG)
            if ended:
                job = under_way.pop(process)
                yield job, _read(job, job.folder(out) / "verdict.json")
        time.sleep(0.05)


def _begun(job: Job, out: Path) -> int:
    """Start a process that plays and judges one run."""

    def work() -> None:
        folder = job.folder(out)
        # a computer so busy that a run ends before its fault is played has proved nothing
        for _ in range(TRIES):
            Run(job.name, job.seed, folder).play()
            if not Evidence(folder).not_played():
                break
        _judge(folder)

    return forked(work, out / f"{job.name}-{job.seed}.log")


def _judge(folder: Path) -> None:
    (folder / "verdict.json").write_text(json.dumps(judged(folder).as_dict(), indent=1), encoding="utf-8")


def _read(job: Job, path: Path) -> Verdict:
    """Return the verdict in a file; a run that was not judged is no proof of anything, and is said to be unsafe."""
    if not path.exists():
        unsafe = (f"the run was not judged, see {path.parent}.log",)
        return Verdict(job.name, job.seed, str(row(job.name)["must"]), unsafe, (), False, False, 0.0, "")
    return _verdict(json.loads(path.read_text(encoding="utf-8")))


def read_verdicts(path: Path) -> list[Verdict]:
    """Return all verdicts of a campaign from its ``verdicts.json``."""
    return [_verdict(found) for found in json.loads(path.read_text(encoding="utf-8"))]


def _verdict(found: dict[str, Any]) -> Verdict:
    return Verdict(**{**found, "unsafe": tuple(found["unsafe"]), "misleading": tuple(found["misleading"])})
