"""What became of many questions: shares of answers with their intervals, and typical figures of the right ones."""

from collections.abc import Callable
from typing import Any

from beamgym.scripts.index_suite.answers import RESIDUAL_PX, Answer
from beamgym.scripts.rates import Rate, or_none, typical

Column = Callable[[list[Answer]], object]


def _of_all(flag: Callable[[Answer], bool]) -> Callable[[list[Answer]], Rate]:
    return lambda group: Rate.of(flag(answer) for answer in group)


def _of_right(flag: Callable[[Answer], bool]) -> Callable[[list[Answer]], Rate]:
    return lambda group: Rate.of(flag(answer) for answer in group if answer.right)


RATES: dict[str, Callable[[list[Answer]], Rate]] = {
    "right": _of_all(lambda a: a.right),
    "residual_too_large": _of_all(lambda a: a.near and not a.right),
    "refused": _of_all(lambda a: not a.accepted),
    "wrong": _of_all(lambda a: a.wrong),
    "wrong_unflagged": _of_all(lambda a: a.wrong and not a.flagged),
    "false_grain": _of_all(lambda a: a.further_grains > 0),
    "right_flagged": _of_right(lambda a: a.flagged),
    "right_warned": _of_right(lambda a: bool(a.warnings)),
    "right_ambiguous": _of_right(lambda a: a.ambiguous > 0),
    "within_2_sigma": _of_right(lambda a: a.error_deg <= 2.0 * a.uncertainty_deg),
    "within_3_sigma": _of_right(lambda a: a.error_deg <= 3.0 * a.uncertainty_deg),
}
"""Shares of all questions; from ``right_flagged`` on, of the right answers."""


def _two(form: str, of: Callable[[Answer], float], tail: float = 0.95) -> Column:
    """Return a column: the right answers' median over the value below which the share ``tail`` of them lies."""

    def cell(group: list[Answer]) -> str:
        values = [of(answer) for answer in group if answer.right]
        return "\n".join(format(typical(values, share), form) if values else "–" for share in (0.5, tail))

    return cell


def seconds(group: list[Answer]) -> str:
    """Median of the CPU seconds over the most, of all questions."""
    return f"{typical(a.cpu_s for a in group):.1f}\n{max((a.cpu_s for a in group), default=0.0):.1f}"


BECAME: dict[str, Column] = {
    "n\n": len,
    "right\n": RATES["right"],
    f"residual\n> {RESIDUAL_PX:g} px": RATES["residual_too_large"],
    "refused\n": RATES["refused"],
    "wrong\n": RATES["wrong"],
    "wrong,\nno flag": RATES["wrong_unflagged"],
    "a false\ngrain": RATES["false_grain"],
    "CPU s\nmost": seconds,
}
LISTED: dict[str, Column] = {
    **{heading: cell for heading, cell in BECAME.items() if not heading.startswith("residual")},
    "error, °\n95 %": _two(".3f", of=lambda a: a.error_deg),
}
FLAGS: dict[str, Column] = {
    "flagged\n": RATES["right_flagged"],
    "with a\nwarning": RATES["right_warned"],
    "ambig-\nuous": RATES["right_ambiguous"],
    "within\n2 σ": RATES["within_2_sigma"],
    "within\n3 σ": RATES["within_3_sigma"],
}
GOOD: dict[str, Column] = {
    "error, °\n95 %": _two(".3f", of=lambda a: a.error_deg),
    "stated σ, °\n95 %": _two(".3f", of=lambda a: a.uncertainty_deg),
    "distance off, %\n95 %": _two(".2f", of=lambda a: 100.0 * abs(a.distance_error)),
    "residual, px\n95 %": _two(".2f", of=lambda a: a.residual_px),
    "merit a peak\n5 %": _two(".2f", of=lambda a: a.merit / a.peaks, tail=0.05),
}
"""Columns of tables; two lines in a cell are a share over its interval, or a median over the percentile named."""


def figures_of(groups: dict[str, list[Answer]]) -> dict[str, Any]:
    """Return every rate and typical value of each group, for JSON."""
    return {name: _figures(group) for name, group in groups.items()}


def _figures(group: list[Answer]) -> dict[str, Any]:
    right = [answer for answer in group if answer.right]
    return {name: rate(group).as_dict() for name, rate in RATES.items()} | {
        "error_deg_median": or_none(typical(answer.error_deg for answer in right)),
        "error_deg_95": or_none(typical((answer.error_deg for answer in right), 0.95)),
        "uncertainty_deg_median": or_none(typical(answer.uncertainty_deg for answer in right)),
        "distance_error_median": or_none(typical(abs(answer.distance_error) for answer in right)),
        "residual_px_median": or_none(typical(answer.residual_px for answer in right)),
        "cpu_s_median": or_none(typical(answer.cpu_s for answer in group)),
        "cpu_s_most": max((answer.cpu_s for answer in group), default=0.0),
    }
