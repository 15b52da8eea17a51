"""Trains the asked rungs with several seeds each, tests them beside the references, and tells what came of it."""

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
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
from beamgym.scripts.learning.page import RungResult, page_of, table_of

EPISODES = 200


def run_suite(options: Mapping[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Train, print the table and return the figures.

    Parameters
    ----------
    options : "part" (rungs; all by default), "workers" (processes, 1), "logdir" (where trainings are kept and gone on
        with, "learn" by default) and "page" (a Markdown file)
    seed : the first of each rung
    console : where the table goes
    """
    rungs = [rung_named(name) for name in options.get("part") or RUNGS]
    folder = Path(options.get("logdir") or "learn")
    workers = int(options.get("workers") or 1)
    results = []
    for rung in rungs:
        curves = _curves(rung, [seed + i for i in range(rung.seeds)], folder, workers, console)
        results.append(RungResult(rung, tuple(curves), *_references(rung)))
        console.print(table_of(results[-1:]))
    if options.get("page") is not None:
        page_of(results, Path(options["page"]), seed)
    return {"suite": "learn", "seed": seed, "rungs": {each.rung.name: each.as_dict() for each in results}}


def _curves(rung: Rung, seeds: list[int], folder: Path, workers: int, console: Console) -> list[list[Point]]:
    places = [folder / rung.name / f"seed_{seed}" for seed in seeds]
    if workers == 1:
        return [
            learn(rung, seed, place, lambda point, seed=seed: _tell(console, rung, seed, point))  # type: ignore[misc]
            for seed, place in zip(seeds, places, strict=True)
        ]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(_learned_apart, [rung] * len(seeds), seeds, places))


def _learned_apart(rung: Rung, seed: int, folder: Path) -> list[Point]:
    """Train in a process of its own, which ends at its next point where the one that asked for it is gone."""
    asked = os.getppid()

    def tell(point: Point) -> None:
        if os.getppid() != asked:
            raise SystemExit(f"{rung.name}, seed {seed}: kept after {point.steps:,} steps; the command goes on with it")

    return learn(rung, seed, folder, tell)


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
