"""What figures are to reach, and whether they do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from beamgym.scripts.rates.shares import Rate


@dataclass(frozen=True)
class Bar:
    """What a figure is to reach, and what it has reached.

    Parameters
    ----------
    figure : in words
    bar : in words
    reached : in words
    met : whether it is reached; None where nothing was measured
    """

    figure: str
    bar: str
    reached: str
    met: bool | None

    @classmethod
    def at_least(cls, figure: str, rate: Rate, share: float) -> "Bar":
        """A share that is not to be smaller."""
        return cls(figure, f"≥ {100 * share:g} %", _in_one_line(rate), rate.share >= share if rate.total else None)

    @classmethod
    def at_most(cls, figure: str, rate: Rate, share: float) -> "Bar":
        """A share that is not to be larger."""
        return cls(figure, f"≤ {100 * share:g} %", _in_one_line(rate), rate.share <= share if rate.total else None)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"figure": self.figure, "bar": self.bar, "reached": self.reached, "met": self.met}


def _in_one_line(rate: Rate) -> str:
    if not rate.total:
        return "nothing counted"
    low, high = rate.ci95
    return f"{100 * rate.share:.1f} % ({100 * low:.1f}–{100 * high:.1f}), {rate.count} of {rate.total}"


def bars_table(bars: Sequence[Bar]) -> Table:
    """Return the bars for reading."""
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("figure", "bar", "reached", "met"):
        out.add_column(heading)
    for bar in bars:
        out.add_row(bar.figure, bar.bar, bar.reached, "–" if bar.met is None else "yes" if bar.met else "NO")
    return out
