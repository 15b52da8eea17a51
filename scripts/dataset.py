"""`beamgym dataset`: random labelled spectra or pictures as HDF5 shards, or episodes in Minari's layout."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from beamgym.physics.files import write_text
from beamgym.physics.jobs import Executor
from beamgym.scripts.command_line import check_output, run
from beamgym.scripts.engine import Ray, check_place, executor_for, told

DATASET_KINDS, RUNS, COUNTS, LAUE = ("arpes", "laue"), "runs", "counts", "laue"


def dataset_command(
    kind: Annotated[
        str,
        typer.Argument(
            help="arpes (spectra), laue (pictures), counts (frames), an environment (a policy's episodes), runs (an "
            "instrument's)."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder of the shards, or of Minari's data sets; made if missing.")
    ],
    spectra: Annotated[int, typer.Option(help="How many.")] = 10_000,
    recipe: Annotated[str, typer.Option(help="published or full.")] = "published",
    shape: Annotated[str, typer.Option(help="Pixels, energy x slit.")] = "224x224",
    score: Annotated[str, typer.Option(help="Which total is spread evenly: paper or v2.")] = "paper",
    natural: Annotated[bool, typer.Option("--natural", help="Use every spectrum, however common its score.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the data set.")] = 0,
    per_shard: Annotated[int, typer.Option(help="Spectra in a file.")] = 512,
    workers: Annotated[int, typer.Option(help="Processes of arpes, laue and counts; 0 works in this one.")] = 0,
    ray: Ray = None,
    mend: Annotated[bool, typer.Option("--mend", help="Make damaged shards anew instead of naming them.")] = False,
    scene: Annotated[str, typer.Option(help="Of counts: laue, diffraction, sans or arpes.")] = "laue",
    split: Annotated[str, typer.Option(help="Of counts: train, tune or test; no model is in two.")] = "train",
    frames: Annotated[int, typer.Option(help="Of counts and laue: how many.")] = 256,
    crystals: Annotated[
        list[str] | None,
        typer.Option("--crystal", help="Of laue: in the beam, in turn; repeats. Default: eight."),
    ] = None,
    policy: Annotated[str, typer.Option(help="Of an environment's episodes: a baseline, a bundle, …")] = "calibrating",
    episodes: Annotated[int, typer.Option(help="How many, of an environment.")] = 100,
    level: Annotated[str, typer.Option(help="Of an environment.")] = "real",
    options: Annotated[
        list[str] | None,
        typer.Option("--set", help="An option of the environment, as NAME=VALUE: --set level=hard; repeats."),
    ] = None,
    run_folders: Annotated[
        list[Path] | None, typer.Option("--run", help="Of runs: what `beamgym deploy` wrote; repeats.")
    ] = None,
    dataset_id: Annotated[str | None, typer.Option("--id", help="Id of the data set for minari.load_dataset.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a data set of episodes that is there.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write a summary here.")] = None,
) -> None:
    """Write random labelled spectra as HDF5 shards (a run that was stopped goes on), or episodes in Minari's layout."""
    from beamgym.physics.arpes.recipes import Sampler, check_amounts, recipe_grid, write_dataset

    check_output(json_file)
    check_place(workers, ray)
    if kind == RUNS or "/" in kind:
        from beamgym.scripts.episodes import Wanted, write_episodes, write_runs

        wanted = Wanted(
            kind, out, policy, episodes, level, options or [], run_folders or [], dataset_id, overwrite, seed
        )
        figures = write_runs(wanted) if kind == RUNS else write_episodes(wanted)
        if json_file is not None:
            write_text(json_file, json.dumps(figures, indent=2) + "\n")
        return
    if kind in (COUNTS, LAUE):
        place, few = executor_for(workers, ray), min(per_shard, 32)
        if kind == LAUE:
            figures = _pictured(out, crystals, seed, frames, few, place, mend)
        else:
            figures = _counted(out, scene, split, seed, frames, few, place, mend)
        if json_file is not None:
            write_text(json_file, json.dumps(figures, indent=2) + "\n")
        return
    if kind not in DATASET_KINDS:
        known = f"{', '.join(DATASET_KINDS)}, {COUNTS}, {RUNS}, or an environment such as beamgym/LaueAlign-v0"
        raise ValueError(f"unknown kind of data set {kind!r}; choose one of {known}")
    check_amounts(seed, spectra, per_shard, workers)
    grid, place = recipe_grid(_shape(shape)), executor_for(workers, ray)
    make = Sampler.natural if natural else Sampler.even
    started = time.perf_counter()
    sampler = make(recipe, grid, score)  # type: ignore[arg-type]
    with told("spectra", spectra) as advance:
        paths = write_dataset(out, sampler, seed, spectra, per_shard, done=advance, executor=place, mend=mend)
    summary = {
        "kind": kind,
        "recipe": recipe,
        "shape": list(grid.shape),
        "seed": seed,
        "shards": len(paths),
        "seconds": time.perf_counter() - started,
        **_summary(paths, score),
    }
    typer.echo(f"{summary['spectra']} spectra in {len(paths)} shards in {out}; {score} total {_range(summary)}")
    if json_file is not None:
        write_text(json_file, json.dumps(summary, indent=2) + "\n")


def _counted(
    out: Path, scene: str, split: str, seed: int, frames: int, per_shard: int, place: Executor, mend: bool
) -> dict[str, Any]:
    """Write counted frames with their expected counts, and return what they are."""
    from beamgym.physics.scenes import write_scenes

    with told("frames", frames) as advance:
        paths = write_scenes(out, scene, split, seed, frames, per_shard, advance, executor=place, mend=mend)
    typer.echo(f"{frames} frames of {scene}, {split}, in {len(paths)} shards in {out}")
    return {"kind": COUNTS, "scene": scene, "split": split, "seed": seed, "frames": frames, "shards": len(paths)}


def _pictured(
    out: Path, crystals: list[str] | None, seed: int, frames: int, per_shard: int, place: Executor, mend: bool
) -> dict[str, Any]:
    """Write laboratory pictures with their truth, and return what they are."""
    from beamgym.physics.laue.lab import PICTURED, write_pictures

    shown = tuple(crystals or PICTURED)
    with told("pictures", frames) as advance:
        paths = write_pictures(out, seed, frames, shown, per_shard, advance, executor=place, mend=mend)
    typer.echo(f"{frames} laboratory pictures of {', '.join(shown)} in {len(paths)} shards in {out}")
    return {"kind": LAUE, "crystals": list(shown), "seed": seed, "frames": frames, "shards": len(paths)}


def _shape(text: str) -> tuple[int, int]:
    parts = text.lower().replace(",", "x").split("x")
    if len(parts) != 2 or not all(part.strip().isdigit() for part in parts):
        raise ValueError(f"the shape {text!r} is not ENERGYxSLIT, as 224x224")
    return int(parts[0]), int(parts[1])


def _summary(paths: list[Path], score: str) -> dict[str, Any]:
    """Return the number of spectra on disk and how their totals are spread."""
    from beamgym.physics.arpes.recipes import read_scores

    scores = [dict(zip(("paper", "v2"), read_scores(path), strict=True))[score] for path in paths]
    totals = np.concatenate([part.total for part in scores])
    histogram = np.histogram(totals, bins=10, range=(0.0, 10.0))[0]
    quartiles = np.percentile(totals, [25, 50, 75])
    return {"spectra": len(totals), "quartiles": quartiles.tolist(), "histogram": histogram.tolist()}


def _range(summary: dict[str, Any]) -> str:
    low, middle, high = summary["quartiles"]
    return f"{middle:.1f} (half of them {low:.1f} to {high:.1f})"


if __name__ == "__main__":
    run(dataset_command)
