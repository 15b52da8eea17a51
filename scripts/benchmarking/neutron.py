"""`beamgym benchmark beamgym/LaueAlign-v1 --beam neutron`: policies before neutron cameras, over several crystals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.agents.evaluation import BATCH, PolicyResult, make_vector_env
from beamgym.physics.files import write_json
from beamgym.scripts.benchmarking.policies import Comparison, run_policies
from beamgym.scripts.rates import Rate

PLATES = ("neutron-cylinder", "neutron-back")
CRYSTALS = ("Si", "Al2O3", "quartz", "Ca2RuO4", "FePS3", "kyanite")
"""Two cubic or trigonal ones, quartz, an orthorhombic, a monoclinic and a triclinic one."""
GONIOMETER = "e4ch"


def is_over_plates(env_id: str, task: dict[str, Any]) -> bool:
    """Whether a neutron beam was asked for and no camera: then every plate is played, and every crystal."""
    return (
        env_id.startswith("beamgym/LaueAlign")
        and str(task.get("beam")).startswith("neutron")
        and "detector" not in task
    )


def compare_over_plates(asked: Comparison, console: Console) -> None:
    """Run policies before every neutron plate with every crystal, and print a row for each plate and policy.

    Raises
    ------
    ValueError, TypeError : an option or a policy that is none; curves or a log folder, which are of one camera
    """
    if asked.curves_file is not None or asked.logdir is not None:
        raise ValueError("--curves and --logdir are of one camera: add --detector neutron-cylinder or neutron-back")
    if asked.place is not None:
        raise ValueError("--workers, --ray and --rows are of one camera: add --detector neutron-cylinder")
    crystals = (asked.options["crystal"],) if "crystal" in asked.options else CRYSTALS
    rows = []
    for plate in PLATES:
        for crystal in crystals:
            options = {"goniometer": GONIOMETER} | asked.options | {"detector": plate, "crystal": crystal}
            env = make_vector_env(asked.env_id, min(asked.episodes, BATCH), asked.level, options)
            try:
                played = run_policies(env, asked.env_id, asked.policies, asked.episodes, asked.seed, console)
            finally:
                env.close()
            rows += [_row(plate, crystal, result, asked.episodes) for result in played]
            console.print(_line(rows[-len(played) :]), style="dim", highlight=False, markup=False)
            if asked.json_file is not None:
                write_json(asked.json_file, _report(asked, rows))
    console.print(_table(rows, asked))


def _row(plate: str, crystal: str, result: PolicyResult, episodes: int) -> dict[str, Any]:
    right = round(result.success_rate * episodes)
    return {
        "plate": plate,
        "crystal": crystal,
        "policy": result.name,
        "oracle": result.oracle,
        "episodes": episodes,
        "right": right,
        **{metric.name: result.value(metric.name) for metric in result.metric_set.metrics},
    }


def _line(rows: Sequence[dict[str, Any]]) -> str:
    done = ", ".join(f"{row['policy']} {row['right']} of {row['episodes']}" for row in rows)
    return f"{rows[0]['plate']}, {rows[0]['crystal']}: {done}"


def _report(asked: Comparison, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "env": asked.env_id,
        "level": asked.level,
        "seed": asked.seed,
        "options": asked.options,
        "rows": [*rows],
        "plates": _pooled(rows),
    }


def _pooled(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the share of right episodes of every plate and policy, over the crystals, with its interval."""
    pooled = []
    for plate, policy in dict.fromkeys((row["plate"], row["policy"]) for row in rows):
        own = [row for row in rows if (row["plate"], row["policy"]) == (plate, policy)]
        right, episodes = (int(np.sum([row[name] for row in own])) for name in ("right", "episodes"))
        worst = min(own, key=lambda row: row["right"] / row["episodes"])
        pooled.append(
            {
                "plate": plate,
                "policy": policy,
                "oracle": own[0]["oracle"],
                "crystals": len(own),
                "episodes": episodes,
                "success_rate": right / episodes,
                "success_ci95": list(Rate(right, episodes).ci95),
                "worst": worst["crystal"],
                "worst_rate": worst["right"] / worst["episodes"],
            }
        )
    return pooled


def _table(rows: Sequence[dict[str, Any]], asked: Comparison) -> Table:
    out = Table(title=asked.heading, box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("plate", "policy", "episodes", "success", "95 % CI", "worst crystal"):
        out.add_column(heading, justify="left" if heading in ("plate", "policy") else "right", no_wrap=True)
    for row in _pooled(rows):
        low, high = row["success_ci95"]
        out.add_row(
            row["plate"],
            row["policy"] + ("*" if row["oracle"] else ""),
            str(row["episodes"]),
            f"{100.0 * row['success_rate']:.1f} %",
            f"{100.0 * low:.1f}–{100.0 * high:.1f}",
            f"{row['worst']} {100.0 * row['worst_rate']:.0f} %",
        )
    return out
