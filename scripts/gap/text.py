"""The report of `beamgym gap` in words."""

from typing import Any

from beamgym.physics.arpes.gaps import MOST_MISFIT

_MANY = 24


def as_text(report: dict[str, Any]) -> str:
    """Return the report as lines to read."""
    width, error = (1e3 * value for value in report["resolution_ev"])
    stated = f"{width:.3g}" + (f" ± {error:.2g}" if error else "")
    low, high = (1e3 * value for value in report["window_ev"])
    lines = [f"note: {note}" for note in report["notes"]]
    lines.append(f"{report['file']}: {report['kind']} ({report['about']})")
    lines.append(
        f"Fermi level {report['fermi']}, ± {1e3 * report['fermi_error_ev']:.2g} meV; resolution {stated} meV; "
        f"{low:.0f} to {high:.0f} meV used"
    )
    rows = report["rows"]
    if len(rows) == 1:
        lines += _one(rows[0])
    else:
        lines += _table(report["axes"], rows)
    lines += _fits(report.get("fits", ()))
    return "\n".join([*lines, *(f"written: {file}" for file in report.get("files", ()))])


def _one(row: dict[str, Any]) -> list[str]:
    found = [
        f"GAP {gap_words(row)}"
        if row["seen"]
        else f"NO GAP is seen; smaller than {1e3 * row['below_ev']:.1f} meV (95 %)"
    ]
    limit = "none could have been told" if row["limit_ev"] is None else f"smaller than {1e3 * row['limit_ev']:.1f} meV"
    what = limit if row["limit_ev"] is None else f"a gap {limit} cannot be told from none"
    if row["misfit"] > MOST_MISFIT:
        found.insert(0, f"NOT OF THIS KIND: misfit {row['misfit']:+.1f} σ; what follows may be far off")
    if len(row["kinds"]) > 1:
        shares = ", ".join(f"{name} {100 * share:.2g} %" for name, share in row["kinds"].items())
        found.insert(0, f"KIND {row['kind']} is the likeliest ({shares}); the gap is that of this kind")
    return [
        *found,
        f"{row['electrons']:.4g} electrons at {row['temperature_k']:g} K: {what} here (9 of 10 times)",
        f"ln of the Bayes factor of a gap {row['log_bayes']:+.1f}; best fit moves the Fermi level by "
        f"{1e3 * row['fermi_shift_ev']:+.2f} meV; misfit {row['misfit']:+.1f} σ",
    ]


def gap_words(row: dict[str, Any]) -> str:
    """Return the gap and its 68 % interval."""
    gap, error, low, high = (1e3 * row[name] for name in ("gap_ev", "error_ev", "low_ev", "high_ev"))
    return f"{gap:.2f} ± {error:.2f} meV (68 %: {low:.2f} to {high:.2f})"


def _table(axes: list[str], rows: list[dict[str, Any]]) -> list[str]:
    many = len(rows[0]["kinds"]) > 1
    lines = ["".join(f"{name:>12}" for name in axes) + "     gap meV   ± meV   seen   limit meV   misfit σ"]
    for row in rows[:_MANY]:
        limit = "–" if row["limit_ev"] is None else f"{1e3 * row['limit_ev']:.1f}"
        lines.append(
            "".join(f"{row[name]:12.4g}" for name in axes)
            + f"{1e3 * row['gap_ev']:12.2f} {1e3 * row['error_ev']:7.2f} {'yes' if row['seen'] else 'no':>6}"
            + f" {limit:>11} {row['misfit']:+10.1f}"
            + (f"   {row['kind']} {100 * row['kinds'][row['kind']]:.0f} %" if many else "")
        )
    more = len(rows) - _MANY
    seen = sum(row["seen"] for row in rows)
    return [
        *lines,
        *([f"and {more} more: --out writes all"] if more > 0 else []),
        f"a gap is seen in {seen} of {len(rows)}",
    ]


def _fits(fits: Any) -> list[str]:
    if len(fits) != 1:
        return []
    return [
        f"{name}: " + (value if isinstance(value, str) else "fails" if value is None else f"{1e3 * value:.2f} meV")
        for name, value in fits[0].items()
    ]
