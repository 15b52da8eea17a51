"""The suite `beamgym benchmark arpes-measured`: the searches of ArpesSpot on measured geographies."""

from typing import Any, Final

from rich.console import Console

from beamgym.agents.evaluation import BATCH, budget_in, context_of, first_seed, make_vector_env
from beamgym.scripts.arpes_suites.geographies import measured_geography, shared_map
from beamgym.scripts.benchmarking.policies import caption, check_own, run_policies, table
from beamgym.scripts.benchmarking.results import report

ENV_ID: Final = "beamgym/ArpesSpot-v1"
EPISODES: Final = 100
LEVEL: Final = "real"


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the searches on every map, print a table for each, and return the figures.

    Parameters
    ----------
    options : "episodes", "policy" (names; all where none is given), "level" and "maps" (see ``measured_geography``)
    seed : which set of episodes; bands, stage and noise of each are drawn, the geography is the map's
    console : where the tables go

    Returns
    -------
    "suite", "env", "level", "seed", "episodes", and "maps": by name, "made_of" and the policies' figures

    Raises
    ------
    ValueError : maps that cannot be read, an unknown level or policy, less than one episode
    FileNotFoundError : no map is named and the shared one is not there
    """
    episodes, level = int(options.get("episodes", EPISODES)), str(options.get("level", LEVEL))
    if episodes < 1:
        raise ValueError(f"--episodes is {episodes}; play one or more")
    first_seed("benchmark", seed)
    made = [measured_geography(str(word)) for word in options.get("maps") or [shared_map()]]
    names = options.get("policy") or ()
    figures: dict[str, Any] = {}
    for found in made:
        env = make_vector_env(ENV_ID, min(episodes, BATCH), level, {"geography": found.geography})
        check_own(names, env, ENV_ID, {"geography": found.geography, "level": level})
        results = run_policies(env, ENV_ID, names, episodes, seed, console)
        console.print(table(results, f"{found.name}: {ENV_ID}, level {level}, {episodes} episodes, seed {seed}"))
        console.print(f"{found.words}\n{caption(env)}", style="dim", highlight=False)
        played = report(ENV_ID, level, episodes, seed, results, budget_in(context_of(env)))
        figures[found.name] = {"made_of": found.words, "policies": played["policies"], "curves": played.get("curves")}
    return {
        "suite": "arpes-measured",
        "env": ENV_ID,
        "level": level,
        "seed": seed,
        "episodes": episodes,
        "maps": figures,
    }
