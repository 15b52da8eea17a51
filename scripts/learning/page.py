"""What was learned, as a table, as a page, as curves and as data."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import rich.table

from beamgym.agents.ladder import RUNGS, SEEDS, Point, Rung
from beamgym.physics.files import replacing
from beamgym.scripts.laue_suites.page import machine
from beamgym.scripts.rates import Rate

_EXAMPLE: Final = """The rung `declares` by hand, about three minutes on one core:

```python
import gymnasium as gym
from stable_baselines3 import PPO

import beamgym
from beamgym.agents.training import NativeVecEnv

options = {"observation": "estimate", "flat": True}
env = NativeVecEnv(gym.make_vec("beamgym/LaueAlign-v1", num_envs=64, autoreset_mode="SameStep", **options))
model = PPO("MlpPolicy", env, n_steps=32, seed=0, device="cpu", verbose=1)
model.learn(600_000)
```

`verbose=1` prints `success_rate`; it rises from 0 after some 200,000 steps. `beamgym benchmark learn --part declares`
does the same with five seeds and tests them; `--logdir FOLDER` keeps the trainings at every tenth of their steps,
and goes on from there with what was cut. [Train in 15 minutes](tutorials/train.md) leads through it.
"""
_COLOURS: Final = ("#4477aa", "#ee6677", "#228833", "#b8960c", "#66ccee", "#aa3377", "#ee7733", "#999999", "#009988")


@dataclass(frozen=True)
class RungResult:
    """What came of one rung.

    Parameters
    ----------
    rung : as it was set
    curves : of each seed, the last point at the end of the training
    random, rule : what actions at random reach, and the rule that follows the estimate, where there is one
    """

    rung: Rung
    curves: tuple[Sequence[Point], ...]
    random: Point
    rule: Point | None

    @property
    def reached(self) -> int | None:
        """How many seeds reached the bar at the end; None without a bar."""
        bar = self.rung.bar
        return None if bar is None else sum(curve[-1].right >= bar * curve[-1].episodes for curve in self.curves)

    @property
    def met(self) -> bool | None:
        """Whether so many did as were to."""
        return None if self.reached is None else self.reached >= self.rung.of_five

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON; ``success`` is seeds × points, as tools for such curves read it."""
        rung = asdict(self.rung)
        return {
            **{name: rung[name] for name in _TOLD},
            "reached": self.reached,
            "met": self.met,
            "steps_at": [point.steps for point in self.curves[0]],
            "cpu_s": [[point.cpu_s for point in curve] for curve in self.curves],
            "success": [[point.right / point.episodes for point in curve] for curve in self.curves],
            "episodes": self.random.episodes,
            "exposures": [[point.exposures for point in curve] for curve in self.curves],
            "random": _rate(self.random).as_dict(),
            "rule": None if self.rule is None else _rate(self.rule).as_dict(),
        }


_TOLD: Final = ("about", "env_id", "options", "algorithm", "policy", "n_envs", "steps", "hyper", "bar")
_HEADS: Final = ("rung", "success of the seeds", "exposures", "steps", "CPU s", "random", "the rule", "bar")


def table_of(results: Sequence[RungResult]) -> rich.table.Table:
    """Return the table that is printed."""
    table = rich.table.Table(*_HEADS)
    for each in results:
        table.add_row(*_cells(each))
    return table


def page_of(results: Sequence[RungResult], path: Path, seed: int) -> None:
    """Write the page, and the curves beside it as NAME_curves.svg."""
    picture = path.with_name(f"{path.stem}_curves.svg")
    names = " ".join(f"--part {each.rung.name}" for each in results)
    some = len(results) < len(RUNGS)
    lines = [
        f"# The ladder{': ' + ', '.join(each.rung.name for each in results) if some else ''}",
        "",
        f"Written by `beamgym benchmark learn {names} --seed {seed} --page {path.name}` on {machine()}.",
        "",
        f"Unmodified Stable-Baselines3 at its default hyperparameters but for those named; {SEEDS} seeds a rung,",
        "fewer where one takes long, one where the rung is open.",
        f"Success of each seed at the end of its training, on {results[0].random.episodes} episodes that none was",
        "trained on, actions without noise; Wilson's interval is that of the seed with the median success.",
        "",
        "|" + "|".join(_HEADS) + "|",
        "|" + "---|" * len(_HEADS),
        *("|" + "|".join(_cells(each)) + "|" for each in results),
        "",
        f"![Learning curves]({picture.name})",
        "",
        *([_EXAMPLE] if "declares" in names.split() else []),
        *(f"- **{each.rung.name}** ({_state(each)}): {each.rung.about}. {_how(each.rung)}" for each in results),
        "",
    ]
    _draw(results, picture)
    with replacing(path) as new:
        new.write_text("\n".join(lines), encoding="utf-8")


def _cells(each: RungResult) -> list[str]:
    ends = sorted((curve[-1] for curve in each.curves), key=lambda point: point.right)
    middle = ends[len(ends) // 2]
    low, high = _rate(middle).ci95
    bar = each.rung.bar
    told = "none set"
    if bar is not None:
        word = "met" if each.met else "missed"
        told = f"{100 * bar:.0f} %, {each.rung.of_five} of {each.rung.seeds}: {word} ({each.reached})"
    return [
        each.rung.name,
        f"{', '.join(f'{100 * _rate(point).share:.1f}' for point in ends)} % ({100 * low:.1f}–{100 * high:.1f})",
        f"{middle.exposures:.1f}",
        f"{middle.steps:,}",
        f"{np.median([point.cpu_s for point in ends]):.0f}",
        f"{100 * _rate(each.random).share:.1f} %",
        "–" if each.rule is None else f"{100 * _rate(each.rule).share:.1f} %, {each.rule.exposures:.1f} exposures",
        told,
    ]


def _state(each: RungResult) -> str:
    if each.met is not None:
        return "solved" if each.met else "open"
    return "solved" if np.median([curve[-1].right / curve[-1].episodes for curve in each.curves]) >= 0.9 else "open"


def _how(rung: Rung) -> str:
    options = ", ".join(f"{name}={value!r}" for name, value in rung.options.items())
    hyper = ", ".join(f"{name}={value!r}" for name, value in rung.hyper.items())
    return f"`{rung.env_id}`, {options}; {rung.algorithm}(`{rung.policy}`), {rung.n_envs} environments, {hyper}."


def _draw(results: Sequence[RungResult], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure((8.0, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for number, each in enumerate(results):
        steps = [point.steps for point in each.curves[0]]
        shares = np.array([[point.right / point.episodes for point in curve] for curve in each.curves])
        colour = _COLOURS[number % len(_COLOURS)]
        axes.plot(steps, np.median(shares, axis=0), color=colour, label=each.rung.name)
        axes.fill_between(steps, shares.min(axis=0), shares.max(axis=0), color=colour, alpha=0.15, linewidth=0.0)
    axes.set(xlabel="steps of training", ylabel="share of test episodes right", ylim=(-0.02, 1.02), xscale="log")
    axes.legend(frameon=False)
    with replacing(path) as new:
        figure.savefig(new, format="svg")


def _rate(point: Point) -> Rate:
    return Rate(point.right, point.episodes)
