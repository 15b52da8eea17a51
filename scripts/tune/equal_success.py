"""`python scripts/tune/equal_success.py`: searches for a spot with many settings each, compared at equal success."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

import beamgym  # noqa: F401 - registers the environments
from beamgym.agents.baselines.spot import SearchPolicy
from beamgym.agents.evaluation import (
    VARIANTS,
    CurvePoint,
    Variant,
    best_numbers,
    evaluate_in,
    front,
    make_vector_env,
    time_at,
)
from beamgym.physics.files import write_json
from beamgym.scripts.command_line import check_output, fail, run

_SIDE_BY_SIDE = 50
_OWN = ("choosing-survey", "survey")


def compare(
    policy: Annotated[list[str] | None, typer.Option(help="A search; repeats. Default: all of the grid.")] = None,
    surfaces: Annotated[int, typer.Option(help="Surfaces for every setting.")] = 200,
    purpose: Annotated[
        str, typer.Option(help="Whose surfaces: tuning, or benchmark to check what was tuned.")
    ] = "tuning",
    seed: Annotated[int, typer.Option(help="Which set of surfaces.")] = 0,
    level: Annotated[str, typer.Option(help="Difficulty: easy, real or hard.")] = "real",
    take: Annotated[
        str | None, typer.Option(help="Numbers of settings in the grid, such as 0,5,12; of one policy.")
    ] = None,
    fronts_of: Annotated[
        list[Path] | None, typer.Option(help="A file of --json; repeats: only settings that no other there beats.")
    ] = None,
    score: Annotated[str | None, typer.Option(help="Who scores; the environment's default otherwise.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all points here.")] = None,
) -> None:
    """Play every setting on the same surfaces; print each, the fronts, and the surveys' times beside each rival's."""
    points: dict[str, list[CurvePoint]] = {}
    try:
        check_output(json_file)
        env = make_vector_env(
            "beamgym/ArpesSpot-v1", min(_SIDE_BY_SIDE, surfaces), level, {"score": score} if score else {}
        )
        for name, numbers in _chosen(policy or (), take, fronts_of or ()).items():
            points[name] = []
            with Progress(console=Console(stderr=True), transient=True) as progress:
                bar = progress.add_task(name, total=surfaces * len(numbers))
                for number in numbers:
                    variant = VARIANTS[name][number]
                    played = evaluate_in(
                        SearchPolicy(name, variant.build()), env, surfaces, seed, purpose=purpose,  # type: ignore[arg-type]
                        progress=partial(progress.advance, bar),
                    )  # fmt: skip
                    points[name].append(CurvePoint(variant, played.success_rate, float(played.beam_s_median)))
                    _write(json_file, points)
                    typer.echo(f"{name} {number}: {_words(points[name][-1])}")
    except (ValueError, TypeError, OSError) as error:
        fail(error)
    _tell(points)


def _chosen(names: Sequence[str], take: str | None, files: Sequence[Path]) -> dict[str, Sequence[int]]:
    """Return which settings of which searches are played, by their numbers in the grid."""
    for name in names:
        if name not in VARIANTS:
            raise ValueError(f"{name!r} is not in the grid; choose from {', '.join(VARIANTS)}")
    if files:
        fronts = best_numbers([json.loads(path.read_text(encoding="utf-8")) for path in files])
        return {name: fronts[name] for name in names or fronts if name in fronts}
    if take:
        if len(names) != 1:
            raise ValueError("--take numbers the settings of one search; name it with --policy")
        return {names[0]: [int(each) for each in take.split(",")]}
    return {name: range(len(VARIANTS[name])) for name in names or VARIANTS}


def _write(json_file: Path | None, points: dict[str, list[CurvePoint]]) -> None:
    """Write what was played so far: a search takes minutes a setting."""
    if json_file is not None:
        write_json(json_file, {name: [_plain(each) for each in many] for name, many in points.items()})


def _words(point: CurvePoint) -> str:
    return f"{100 * point.success:.1f} % in {point.median_s:.1f} s, {_setting(point.variant)}"


def _setting(variant: Variant) -> str:
    end = "" if variant.enough is None else f", declared from {variant.enough} points"
    return f"{variant.settings}{end}"


def _plain(point: CurvePoint) -> dict[str, object]:
    number = VARIANTS[point.variant.search].index(point.variant)
    head = {"number": number, "success": point.success, "median_s": point.median_s, "enough": point.variant.enough}
    return head | asdict(point.variant.settings)


def _tell(points: dict[str, list[CurvePoint]]) -> None:
    """Print the fronts, and the times of the surveys beside those of each rival at equal success."""
    for name, many in points.items():
        typer.echo(f"\n{name}: no other setting is better in both")
        for point in front(many):
            typer.echo(f"  {_words(point)}")
    for name in _OWN:
        for own in front(points[name]) if name in points else []:
            beside = {other: time_at(many, own.success) for other, many in points.items() if other != name}
            words = ", ".join(f"{other} {time:.1f} s ({own.median_s / time:.2f})" for other, time in beside.items())
            typer.echo(f"at {100 * own.success:.1f} %: {name} {own.median_s:.1f} s; {words}")


if __name__ == "__main__":
    run(compare)
