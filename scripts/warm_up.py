"""`beamgym warm-up`: compiles what environments, demo and deployments need, once for this machine, and says so."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from beamgym.envs import ENVIRONMENTS
from beamgym.physics.files import write_json
from beamgym.scripts.command_line import check_output, run

STEPS = 4
"""Steps of each environment; in the last one every episode ends and begins anew."""

VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {
    "beamgym/LaueAlign-v0": ({"level": "harsh"}, {"frames": "rendered"}),
    "beamgym/LaueZone-v0": ({"level": "real"},),
}
"""Options under which an environment needs other kernels than as it is registered."""

DEMO_CRYSTALS = ("Si", "quartz")
INSTRUMENTS = {"laue_soft_ioc": "laue-align-si", "arpes_soft_ioc": "arpes-spot"}
"""Shipped instrument files, each with the policy that is deployed there in simulation."""

Part = Callable[[], None]


def warm_up_command(
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write parts, functions compiled and seconds here.")
    ] = None,
) -> None:
    """Compile what the environments, the demo and deployments need, so that their first use does not wait for it."""
    check_output(json_file)
    console, rows = Console(), []
    for name, part in parts().items():
        row = {"name": name, **timed(part)}
        rows.append(row)
        console.print(line(row), highlight=False, soft_wrap=True)
    total, kernels = sum(row["seconds"] for row in rows), sum(row["compiled"] for row in rows)
    console.print(
        f"{kernels} functions compiled in {total:.0f} s, kept in {kept_in()}", highlight=False, soft_wrap=True
    )
    if json_file is not None:
        write_json(json_file, rows)


def parts() -> dict[str, Part]:
    """Return what is done, by name: every environment, the demo, a rehearsal of every deployment."""
    found: dict[str, Part] = {}
    for env_id in ENVIRONMENTS:
        for options in ({}, *VARIANTS.get(env_id, ())):
            words = ", ".join(f"{name}={value}" for name, value in options.items())
            found[f"{env_id}{words and f' with {words}'}"] = _stepping(env_id, options)
    for crystal in DEMO_CRYSTALS:
        found[f"demo with {crystal}"] = _demo(crystal)
    for instrument, policy in INSTRUMENTS.items():
        found[f"deploy {policy} --instrument {instrument}"] = _rehearsal(instrument, policy)
    return found


def timed(part: Part) -> dict[str, Any]:
    """Do a part; return how many functions it compiled, the seconds it took, and why it could not be done, or None."""
    from numba.core.event import install_recorder

    begun, why = time.perf_counter(), None
    with install_recorder("numba:compile") as seen:
        try:
            part()
        except ImportError as error:  # an extra that is not installed
            why = str(error)
    compiled = sum(event.is_start for _, event in seen.buffer)
    return {"compiled": compiled, "seconds": round(time.perf_counter() - begun, 2), "why": why}


def line(row: dict[str, Any]) -> str:
    """Return what is said of a part."""
    if row["why"]:
        return f"left out   {row['name']}: {row['why']}"
    compiled = f"compiled {row['compiled']}" if row["compiled"] else "nothing to compile"
    return f"{row['seconds']:7.1f} s  {row['name']}: {compiled}"


def kept_in() -> Path:
    """Return the folder under which numba keeps the compiled kernels: the package itself where it can be written to."""
    from beamgym.physics.laue.pattern import panel_frame

    folder = Path(panel_frame.stats.cache_path)
    return folder.parents[3] if folder.name == "__pycache__" else folder.parent


def _stepping(env_id: str, options: dict[str, Any]) -> Part:
    def step() -> None:
        import gymnasium as gym

        single = gym.make(env_id, disable_env_checker=True, **options)
        single.reset(seed=0)
        env = gym.make_vec(env_id, num_envs=2, autoreset_mode="SameStep", **options)
        env.reset(seed=0)
        env.action_space.seed(0)
        for i in range(STEPS):
            action = np.array(env.action_space.sample())
            action[:, -1] = 1.0 if i == STEPS - 1 else -1.0
            env.step(action)

    return step


def _demo(crystal: str) -> Part:
    def play_one() -> None:
        from beamgym.agents.evaluation import covering_policy, first_seed, make_vector_env, play

        env_id = "beamgym/LaueAlign-v0"
        env = make_vector_env(env_id, 1, "real", {"crystal": crystal, "render_mode": "rgb_array"})
        play(env, covering_policy(env, env_id)[0], first_seed("benchmark", 0), lambda picture: None)

    return play_one


def _rehearsal(instrument: str, name: str) -> Part:
    def rehearse() -> None:
        from beamgym.agents.policies import find_policy
        from beamgym.hardware_bridge.deployment import warm_up
        from beamgym.hardware_bridge.instrument_file import context_of, load_instrument, shipped_instrument
        from beamgym.hardware_bridge.tasks import default_task, task_for

        context = context_of(load_instrument(shipped_instrument(instrument)))
        env_id = default_task(context)
        warm_up(task_for(context, env_id), find_policy(name, env_id), context)

    return rehearse


if __name__ == "__main__":
    run(warm_up_command)
