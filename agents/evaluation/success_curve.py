"""Success against what was spent: the share of episodes that had been declared, with success, by then."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from beamgym.agents.evaluation.evaluator import PolicyResult
from beamgym.agents.evaluation.metrics import Budget
from beamgym.physics.files import replacing
from beamgym.physics.instrument import Float64Array

POINTS: Final = 121
"""Points of a curve over beam time, ends included: one a second with the usual budget."""

_OURS: Final[dict[str, Any]] = {"color": "black", "linewidth": 3.0, "zorder": 3.0}
_COLOURS: Final = ("#4477aa", "#ee6677", "#228833", "#b8960c", "#66ccee", "#aa3377", "#ee7733", "#999999", "#009988")
"""P. Tol's bright and vibrant schemes, which colour-blind people can tell apart."""
_DASHES: Final = ("-", "--", "-.", ":")


def amounts(budget: Budget) -> Float64Array:
    """Return where a curve is evaluated: every exposure, or 121 points of the beam time, 0 and the budget included.

    Raises
    ------
    ValueError : an environment without a budget has no curve
    """
    if not np.isfinite(budget.amount):
        raise ValueError("this environment names no budget, so there is nothing to draw success against")
    points = POINTS if np.isfinite(budget.beam_time_s) else int(budget.amount) + 1
    return np.linspace(0.0, budget.amount, points)


def success_by(result: PolicyResult, spent: Float64Array) -> Float64Array:
    """Return the share of episodes that had ended in success when ``spent`` (k,) was spent, (k,) rising."""
    needed = np.sort(getattr(result.episodes, result.metric_set.spent)[result.episodes.success])
    shares: Float64Array = np.searchsorted(needed, spent, side="right") / len(result.episodes.success)
    return shares


def curves(results: Sequence[PolicyResult], budget: Budget) -> dict[str, Any]:
    """Return the curves as JSON has them: what is counted, where, and the shares by policy."""
    spent = amounts(budget)
    shares = {result.name: success_by(result, spent).tolist() for result in results}
    return {"counted": budget.metric_set.spent, "spent": spent.tolist(), "success": shares}


def draw_curves(content: Mapping[str, Any], unit: str, title: str, path: Path, ours: str = "shipped") -> None:
    """Write curves as a picture, one of them thick and on top.

    Parameters
    ----------
    content : as ``curves`` returns it
    unit : what is counted, for the axis
    title : above it
    path : file whose ending matplotlib knows
    ours : name of the thick one; where there is none of that name, all are thin
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for i, (name, shares) in enumerate(content["success"].items()):
        style = _OURS if name == ours else {"color": _COLOURS[i % 9], "linestyle": _DASHES[i // 3 % 4]}
        axes.step(content["spent"], 100.0 * np.asarray(shares), where="post", label=name, **style)
    axes.set(xlabel=unit, ylabel="declared with success / %", title=title, ylim=(0.0, 100.0))
    axes.set_xlim(0.0, content["spent"][-1])
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", frameon=False)
    with replacing(path) as draft:
        figure.savefig(draft, dpi=150)
