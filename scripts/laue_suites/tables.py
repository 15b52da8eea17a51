"""The table of a suite, for the terminal and for a page: one line for each policy on each row."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE
from rich.table import Table

from beamgym.scripts.laue_suites.measured import MISLED_DEG, Measured
from beamgym.scripts.rates import Bar, Rate


@dataclass(frozen=True)
class Cell:
    """A value, and its interval or what else belongs to it.

    Parameters
    ----------
    value, more : in words; ``more`` may be empty
    """

    value: str
    more: str = ""

    @classmethod
    def of(cls, rate: Rate) -> "Cell":
        """A share in per cent with its interval."""
        if not rate.total:
            return cls("–")
        low, high = rate.ci95
        return cls(f"{100 * rate.share:.1f}", f"{100 * low:.1f}–{100 * high:.1f}")

    def lines(self) -> str:
        """The cell in two lines, for a terminal."""
        return f"{self.value}\n{self.more}"

    def words(self) -> str:
        """The cell in one line, for a page."""
        return f"{self.value} ({self.more})" if self.more else self.value


def _claim(measured: Measured) -> Cell:
    if math.isnan(measured.claimed):
        return Cell("–")
    held = Cell.of(measured.held())
    return Cell(f"{100 * measured.claimed:.2f} → {held.value}", held.more)


def _claim_over_right(measured: Measured) -> Cell:
    claim, _, right = _claim(measured).value.partition(" → ")
    return Cell(claim, right)


COLUMNS: dict[str, Callable[[Measured], Cell]] = {
    "aligned %": lambda m: Cell.of(m.aligned),
    "exposures": lambda m: Cell(f"{m.result.exposures_median:g}"),
    "motor s": lambda m: Cell(f"{m.result.motor_s_median:.0f}"),
    "total s": lambda m: Cell(f"{m.result.instrument_s_median:.0f}"),
    "dose s": lambda m: Cell(f"{m.dose_s:.0f}"),
    "error °": lambda m: Cell(f"{m.result.misorientation_deg_median:.3f}"),
    "99 % of errors below, °": lambda m: Cell(f"{m.error_p99_deg:.3g}"),
    f"> {MISLED_DEG:g}° off %": lambda m: Cell.of(m.misled),
    "claimed → right %": _claim,
}
"""What stands in a page's table, by its heading."""


def _over(upper: str, lower: str) -> Callable[[Measured], Cell]:
    return lambda measured: Cell(COLUMNS[upper](measured).value, COLUMNS[lower](measured).value)


NARROW: dict[str, Callable[[Measured], Cell]] = {
    "aligned\n%": COLUMNS["aligned %"],
    "expo-\nsures\ndose s": _over("exposures", "dose s"),
    "motor\ntotal\ns": _over("motor s", "total s"),
    "error\n99 %\n°": _over("error °", "99 % of errors below, °"),
    f"> {MISLED_DEG:g}°\noff\n%": COLUMNS[f"> {MISLED_DEG:g}° off %"],
    "claim\nright\n%": _claim_over_right,
}
"""The same in two lines for a terminal: a share over its interval, or two figures one over the other."""

LEGEND = (
    "Medians over all episodes; a failure counts its full budget of exposures; total: motors, exposures and read-out; "
    "dose: seconds in the beam; error: at the end, median and 99th percentile; "
    f"> {MISLED_DEG:g}° off: declared though so far off, of all episodes; claim and right: mean probability that a "
    "policy states when it declares, and the share of these declarations that were right; with 95 % intervals "
    "(Wilson); *: is handed the truth."
)


def terminal_table(title: str, measured: Sequence[Measured]) -> Table:
    """Return the table for a terminal: below the name of each row its policies."""
    out = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("row\n policy", *NARROW):
        out.add_column(heading, justify="left" if heading.startswith("row") else "right", no_wrap=True)
    row = ""
    for one in measured:
        if one.row.name != row:
            row = one.row.name
            out.add_section()
            out.add_row(row.replace(", ", ",\n"))
        out.add_row(f" {policy_name(one)}", *(cell(one).lines() for cell in NARROW.values()))
    return out


def page_table(measured: Sequence[Measured]) -> list[str]:
    """Return the table's lines for a page."""
    rows = [(one.row.name, policy_name(one), *(cell(one).words() for cell in COLUMNS.values())) for one in measured]
    return markdown(("row", "policy", *COLUMNS), rows)


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return [f"| {' | '.join(line)} |" for line in (headings, ["---"] * len(headings), *rows)]


def policy_name(measured: Measured) -> str:
    """Return the policy's name; an oracle's bears a star."""
    return measured.result.name + ("*" if measured.result.oracle else "")


def bars_of(measured: Sequence[Measured]) -> list[Bar]:
    """Return what its policy was to reach on each row, and what it reached."""
    bars = []
    for one in measured:
        goal, name, policy = one.row.goal, one.row.name, one.row.policy
        if goal is None or one.result.name != policy:
            continue
        if goal.success is not None:
            bars.append(Bar.at_least(f"{name}: aligned", one.aligned, goal.success))
        if goal.exposures is not None:
            median = one.result.exposures_median
            bars.append(Bar(f"{name}: exposures", f"≤ {goal.exposures:g}", f"{median:g}", median <= goal.exposures))
        if goal.misled is not None:
            bars.append(Bar.at_most(f"{name}: declared > {MISLED_DEG:g}° off", one.misled, goal.misled))
        other = [each for each in measured if each.row.name == goal.beside and each.result.name == policy]
        bars += [_pairs_bar(one, each, goal.apart) for each in other]
        rivals = [each for each in measured if each.row is one.row and each.result.name == goal.above]
        bars += [_lead_bar(one, rival, goal.lead) for rival in rivals]
        if goal.moves_of_oracle is not None:
            oracles = [each for each in measured if each.row is one.row and each.result.oracle]
            bars += [_moves_bar(one, oracle, goal.moves_of_oracle) for oracle in oracles]
    return bars


def _moves_bar(one: Measured, oracle: Measured, most: float) -> Bar:
    """Return the bar of a policy's moves, summed over the same starts, beside those of an oracle."""
    moves, least = (float((each.result.episodes.exposures - 1).sum()) for each in (one, oracle))
    told = f"{moves / max(least, 1.0):.3f}; {moves:g} beside {least:g} moves"
    return Bar(f"{one.row.name}: moves beside the oracle's", f"≤ {most:g}", told, moves <= most * least)


def _lead_bar(one: Measured, rival: Measured, lead: float) -> Bar:
    """Return the bar of two policies on the same starts: by how much the first is ahead, how many episodes differ."""
    mine, theirs = one.result.episodes.success, rival.result.episodes.success
    gain = float(mine.mean() - theirs.mean())
    told = (
        f"{100 * gain:+.1f} points; {(mine & ~theirs).sum()} only {one.result.name}, {(~mine & theirs).sum()} only it"
    )
    figure = f"{one.row.name}: aligned, less {rival.result.name}"
    return Bar(figure, f"≥ +{100 * lead:g} points", told, gain >= lead)


def _pairs_bar(one: Measured, other: Measured, apart: float) -> Bar:
    """Return the bar of two rows on the same starts: how far their shares lie apart, and how many episodes differ."""
    mine, theirs = one.result.episodes.success, other.result.episodes.success
    gain = float(mine.mean() - theirs.mean())
    told = f"{100 * gain:+.1f} points; {(mine & ~theirs).sum()} only here, {(~mine & theirs).sum()} only there"
    return Bar(f"{one.row.name}: aligned, less {other.row.name}", f"± {100 * apart:g} points", told, abs(gain) <= apart)
