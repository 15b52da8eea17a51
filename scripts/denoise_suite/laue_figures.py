"""The tables and bars of Laue frames."""

from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from beamgym.scripts.denoise_suite.laue import EXPOSURES, Row, laue_rows
from beamgym.scripts.denoise_suite.methods import USUAL, Asked
from beamgym.scripts.rates import Bar

_LEAST = {"split": 1.35}
_USUAL_LEAST = 1.5


def run(asked: Asked) -> tuple[dict[str, Any], list[Bar], list[Table]]:
    """Return figures, bars and tables."""
    networks = asked.networks("laue")
    rows = laue_rows(networks, USUAL, asked.frames, asked.seed, asked.told)
    own = {one.name for one in networks}
    bars = [bar for row in rows if row.name in own for bar in _bars(row)]
    return {"rows": [row.as_dict() for row in rows], "exposures": list(EXPOSURES)}, bars, [_table(rows)]


def _bars(row: Row) -> list[Bar]:
    least = next((value for word, value in _LEAST.items() if word in row.name), _USUAL_LEAST)
    low, high = row.by_f1_interval
    blank = row.false_in_blank
    return [
        Bar(
            f"{row.name}: the tuned Gaussian must count longer for the same F1",
            f"≥ {least:g} times",
            f"{row.by_f1:.2f} ({low:.2f}–{high:.2f})",
            row.by_f1 >= least,
        ),
        Bar(
            f"{row.name}: and for the same position error",
            f"≥ {least:g} times",
            f"{row.by_error:.2f}",
            row.by_error >= least,
        ),
        Bar(f"{row.name}: false spots in a blank frame", "≤ 0.01", f"{blank:.3f}", blank <= 0.01),
    ]


def _table(rows: list[Row]) -> Table:
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("method", "setting", "F1 (95 %)", "error px", "blank", "Gaussian needs", "by error"):
        out.add_column(heading)
    for row in rows:
        low, high = row.f1_interval
        by_low, by_high = row.by_f1_interval
        out.add_row(
            row.name,
            row.setting,
            f"{row.f1:.3f} ({low:.3f}–{high:.3f})",
            f"{row.error_px:.2f}",
            f"{row.false_in_blank:.3f}",
            f"{row.by_f1:.2f}× ({by_low:.2f}–{by_high:.2f})",
            f"{row.by_error:.2f}×",
        )
    return out
