"""Shares with their intervals, and typical values."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Rate:
    """So many out of so many.

    Parameters
    ----------
    count, total : of what is counted, and of all
    """

    count: int
    total: int

    @classmethod
    def of(cls, flags: Iterable[bool]) -> "Rate":
        """Count the true ones."""
        values = [bool(flag) for flag in flags]
        return cls(sum(values), len(values))

    @property
    def share(self) -> float:
        """From 0 to 1; NaN of none."""
        return self.count / self.total if self.total else math.nan

    @property
    def ci95(self) -> tuple[float, float]:
        """Wilson's interval; from 0 to 1 where nothing was counted."""
        if not self.total:
            return 0.0, 1.0
        from scipy.stats import binomtest

        interval = binomtest(self.count, self.total).proportion_ci(0.95, method="wilson")
        return float(interval.low), float(interval.high)

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        share = self.share if self.total else None
        return {"count": self.count, "total": self.total, "share": share, "ci95": list(self.ci95)}

    def __str__(self) -> str:
        """Share over interval, per cent, in two lines."""
        if not self.total:
            return "–\n–"
        low, high = self.ci95
        return f"{100 * self.share:.1f}\n{_short(low)}–{_short(high)}"


def _short(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.0995 else f"{100 * share:.1f}"


def typical(values: Iterable[float], share: float = 0.5) -> float:
    """Return the value below which this share of the finite values lies; NaN of none."""
    finite = [value for value in values if math.isfinite(value)]
    return float(np.quantile(finite, share)) if finite else math.nan


def or_none(value: float) -> float | None:
    """Return a number for JSON, which knows no NaN."""
    return value if math.isfinite(value) else None
