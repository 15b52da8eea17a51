"""The run that a human is asked about, in words."""

from collections.abc import Iterable

from beamgym.hardware_bridge.deployment.terms.options import Options
from beamgym.hardware_bridge.instrument_file import InstrumentFile


def run_in_words(
    policy: str, file: InstrumentFile, limits: Iterable[tuple[str, float, float]], options: Options
) -> str:
    """Return what a human says yes to before a run: who drives what, within which limits, for how long."""
    where = "a simulation" if file.simulation else "real hardware"
    travel = ", ".join(f"{name} {low:g} to {high:g} {file.axis(name).unit}" for name, low, high in limits)
    budgets = [budget for budget in (options.dose_s, file.dose.budget_s if file.dose else None) if budget is not None]
    dose = f"at most {min(budgets):g} s of open shutter" if budgets else "no bound on the dose"
    moves = "as many moves as its task allows" if options.max_steps is None else f"at most {options.max_steps} moves"
    end = "then back to where they stand now" if options.back else "and they stay where the run ends"
    return f"{policy} drives {file.name}, {where}: {travel}; {moves}, {dose}; {end}"
