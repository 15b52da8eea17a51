"""`beamgym benchmark denoise --scene …`: the figures of one kind of scene, with their intervals and bars."""

import sys
from typing import Any

from rich.console import Console

from beamgym.agents.evaluation import first_seed
from beamgym.envs.kinds import resolve
from beamgym.physics.scenes import SCENES
from beamgym.scripts.denoise_suite.methods import Asked
from beamgym.scripts.rates import bars_table

USUAL_FRAMES, MOST_FRAMES = 24, 2000
JUDGED = (*SCENES, "noises", "camera")
"""What ``--scene`` takes: kinds of scene, Laue frames of other detectors, and those of the environments' camera."""


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite with the options of the command line, print its tables, and return its figures.

    Parameters
    ----------
    options : "scene", "pictures" (frames that are judged) and "policy" (bundles of other networks)
    seed : which set of frames
    console : where the tables go

    Raises
    ------
    ValueError : no scene or an unknown one, or numbers that make no sense
    """
    scene, frames = options.get("scene"), options.get("pictures", USUAL_FRAMES)
    if scene not in JUDGED:
        raise ValueError(f"denoise judges one kind of scene; give --scene {', '.join(JUDGED[:-1])} or {JUDGED[-1]}")
    if not 4 <= frames <= MOST_FRAMES or seed < 0:
        raise ValueError(f"{frames} frames, seed {seed}: give 4 to {MOST_FRAMES} frames and a seed of 0 or more")

    def told(words: str) -> None:
        print(words, file=sys.stderr)

    asked = Asked(frames, first_seed("benchmark", seed), tuple(options.get("policy") or ()), told)
    figures, bars, tables = resolve(f"beamgym.scripts.denoise_suite.{scene}_figures:run")(asked)
    for table in tables:
        console.print(table)
    if bars:
        console.print(bars_table(bars))
    return {
        "suite": "denoise",
        "scene": scene,
        "seed": seed,
        "frames": frames,
        **figures,
        "bars": [bar.as_dict() for bar in bars],
    }
