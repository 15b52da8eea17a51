"""Trains the asked rungs with several seeds each, tests them beside the references, and tells what came of it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
from rich.console import Console

from beamgym.agents.ladder import (
    RUNGS,
    Point,
    Rung,
    follow_the_estimate,
    learn,
    random_actions,
    right_of,
    rung_named,
)
from beamgym.physics.jobs import run_in_order
from beamgym.scripts.engine import executor_for
from beamgym.scripts.learning.page import RungResult, page_of, table_of

EPISODES = 200


def run_suite(options: Mapping[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Train, print the table and return the figures.

    Parameters
    ----------
    options : "part" (rungs; all by default), "workers" (processes, 1), "ray" (a cluster whose nodes share the logdir),
        "logdir" (where trainings are kept and gone on with, "learn" by default) and "page" (a Markdown file)
    seed : the first of each rung
    console : where the table goes
    """
    rungs = [rung_named(name) for name in options.get("part") or RUNGS]
    folder = Path(options.get("logdir") or "learn")
    results = []
    for rung in rungs:
        curves = _curves(rung, [seed + i for i in range(rung.seeds)], folder, options, console)
        results.append(RungResult(rung, tuple(curves), *_references(rung)))
        console.print(table_of(results[-1:]))
    if options.get("page") is not None:
        page_of(results, Path(options["page"]), seed)
    return {"suite": "learn", "seed": seed, "rungs": {each.rung.name: each.as_dict() for each in results}}


def _curves(rung: Rung, seeds: list[int], folder: Path, options: Mapping[str, Any], console: Console) -> list[Any]:
    places = [folder / rung.name / f"seed_{seed}" for seed in seeds]
    workers, ray = options.get("workers"), options.get("ray")
    if ray is None and (workers or 1) == 1:
        return [
            learn(rung, seed, place, lambda point, seed=seed: _tell(console, rung, seed, point))  # type: ignore[misc]
            for seed, place in zip(seeds, places, strict=True)
        ]
    folder.mkdir(parents=True, exist_ok=True)
    cases = [_Training(rung, seed, str(place.absolute())) for seed, place in zip(seeds, places, strict=True)]
    return run_in_order(executor_for(workers, ray), _learned_apart, cases)


@dataclass(frozen=True)
class _Training:
    rung: Rung
    seed: int
    folder: str


def _learned_apart(training: _Training) -> list[Point]:
    """Train in a process of its own, which ends at its next point where the one that asked for it is gone."""
    asked, folder = os.getppid(), Path(training.folder)
    if not folder.parents[1].is_dir():
        raise ValueError(f"{folder.parents[1]} is not there on every node; give a --logdir that all of them share")

    def tell(point: Point) -> None:
        if os.getppid() != asked:
            name = f"{training.rung.name}, seed {training.seed}"
            raise SystemExit(f"{name}: kept after {point.steps:,} steps; the command goes on with it")

    return learn(training.rung, training.seed, folder, tell)


def _tell(console: Console, rung: Rung, seed: int, point: Point) -> None:
    share = 100.0 * point.right / point.episodes
    console.print(f"{rung.name}, seed {seed}: {point.steps:,} steps, {point.cpu_s:.0f} CPU s: {share:.1f} % right")


def _references(rung: Rung) -> tuple[Point, Point | None]:
    env = gym.make(rung.env_id, **rung.options)
    space = env.action_space
    env.close()
    rule = follow_the_estimate(rung)
    return (
        Point(0, 0.0, *right_of(rung, random_actions(rung, space, EPISODES), EPISODES)),
        None if rule is None else Point(0, 0.0, *right_of(rung, rule, EPISODES)),
    )
