"""Where the CPU time of every shipped training goes: `beamgym speed --training`."""

from collections.abc import Iterator
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from beamgym.envs import ENVIRONMENTS


def trained() -> list[str]:
    """Return the environments for which hyperparameters are shipped."""
    from beamgym.agents.training import load_config

    found = []
    for env_id in ENVIRONMENTS:
        try:
            load_config(env_id)
        except ValueError:
            continue
        found.append(env_id)
    return found


def phases_of(env_id: str, seconds: float, seed: int) -> Iterator[dict[str, Any]]:
    """Measure every phase of an environment's shipped training for so many CPU seconds, one row each."""
    from beamgym.agents.training import load_config, training_shares

    for phase in training_shares(env_id, load_config(env_id), seconds, seed):
        yield {
            "environment": env_id,
            "phase": phase.phase,
            "steps_per_s": phase.steps_per_s,
            "simulation": phase.simulation,
            "acting": phase.acting,
            "learning": phase.learning,
        }


def training_table(rows: list[dict[str, Any]]) -> Table:
    """Return the rows for reading, shares in percent."""
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    out.add_column("environment", no_wrap=True)
    out.add_column("phase", no_wrap=True)
    for heading in ("steps/s", "simulation", "acting", "learning"):
        out.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        shares = (f"{100.0 * row[name]:.1f} %" for name in ("simulation", "acting", "learning"))
        out.add_row(row["environment"], row["phase"], f"{row['steps_per_s']:,.0f}", *shares)
    return out
