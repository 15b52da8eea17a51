"""`beamgym benchmark`: runs rivals on the same episodes and compares them, or a suite of its own."""

import gymnasium as gym
import typer
from rich.console import Console

import beamgym  # noqa: F401 - registers the environments
from beamgym.physics.files import write_json
from beamgym.scripts.benchmarking import options as of
from beamgym.scripts.benchmarking.suites import SUITES, check_options, check_rungs, given_options, run_suite
from beamgym.scripts.command_line import check_output, fail, run
from beamgym.scripts.engine import Ray, check_place, place_of
from beamgym.scripts.settings import Settings, read_settings

_OF_THE_TASK = ("frames", "goniometer", "beam", "detector", "crystal", "target", "tolerance-deg", "action", "stop")


def benchmark_command(
    context: typer.Context,
    env_id: of.What,
    rungs: of.Rungs = None,
    policy: of.Policies = None,
    episodes: of.Episodes = 100,
    seed: of.Seed = 0,
    level: of.Level = "real",
    json_file: of.Json = None,
    frames: of.Frames = None,
    goniometer: of.Stage = None,
    beam: of.BeamName = None,
    detector: of.Camera = None,
    crystal: of.Sample = None,
    target: of.Goal = None,
    tolerance_deg: of.Tolerance = None,
    action: of.Action = None,
    stop: of.Stop = None,
    settings: Settings = None,
    curves_file: of.Curves = None,
    logdir: of.Logdir = None,
    spectra: of.Spectra = None,
    source: of.Source = None,
    ladders: of.Ladders = False,
    maps: of.Maps = None,
    part: of.Part = None,
    pictures: of.Pictures = None,
    workers: of.Workers = None,
    ray: Ray = None,
    rows: of.Rows = None,
    page: of.Page = None,
    crystals: of.Crystals = None,
    scene: of.Scene = None,
) -> None:
    """Compare policies on the same episodes, all under the same stopping rule; or run a suite of another kind."""
    from beamgym.scripts.benchmarking.neutron import compare_over_plates, is_over_plates
    from beamgym.scripts.benchmarking.policies import Comparison, check_picture, compare_policies

    given, console = given_options(context), Console()
    given |= {"part": [*given.get("part", ()), *rungs]} if rungs else {}
    task = {name.replace("-", "_"): given[name] for name in _OF_THE_TASK if name in given}
    try:
        check_output(json_file)
        check_picture(curves_file)
        check_rungs(env_id, rungs)
        check_options(env_id, given)
        check_place(workers, ray)
        if env_id not in SUITES:
            task |= read_settings(env_id, settings or (), (*task, "level"))
            place = place_of({"workers": workers, "ray": ray, "rows": rows})
            asked = Comparison(env_id, level, episodes, seed, task, policy or (), json_file, curves_file, logdir, place)
            if is_over_plates(env_id, task):
                compare_over_plates(asked, console)
            else:
                compare_policies(asked, console)
            return
        figures = run_suite(env_id, given, seed, console)
        if json_file is not None:
            write_json(json_file, figures)
    except (ValueError, TypeError, OSError, gym.error.Error) as error:
        fail(error)


if __name__ == "__main__":
    run(benchmark_command)
