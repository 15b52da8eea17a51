"""The campaign's table: scenario by scenario, and totals with their intervals."""

from collections import defaultdict
from collections.abc import Sequence

from scipy.stats import beta

from campaign.judge import Verdict
from campaign.table import scenarios

COUNTED = ("unsafe", "misleading", "false alarm")


def upper(found: int, n: int) -> float:
    """Return the upper end of the 95 % interval of a rate (Clopper and Pearson 1934), one-sided at none."""
    if n == 0 or found == n:
        return 1.0
    return float(beta.ppf(0.95 if found == 0 else 0.975, found + 1, n - found))


def lower(found: int, n: int) -> float:
    """Return the lower end of the same interval."""
    return 0.0 if found == 0 or n == 0 else float(beta.ppf(0.025, found, n - found + 1))


def table(verdicts: Sequence[Verdict], before: Sequence[Verdict] = ()) -> str:
    """Return the table as Markdown, in the order of the scenarios.

    Parameters
    ----------
    verdicts : of the campaign
    before : of an earlier one, whose counts stand beside
    """
    now, earlier = _by_name(verdicts), _by_name(before)
    heads = ["scenario", "kind", "must", "played", *(["before"] if before else []), "runs", *COUNTED, "seconds"]
    rows = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for each in scenarios():
        found = now.get(each["name"], [])
        if found:
            seconds = sorted(v.seconds for v in found)
            about = [each[name] for name in ("name", "kind", "must", "played")]
            was = [_in_words(earlier.get(each["name"], []))] if before else []
            counts = [_count(found, name) for name in COUNTED]
            cells = [*about, *was, len(found), *counts, f"{seconds[len(seconds) // 2]:.0f}"]
            rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join([*rows, "", *totals(verdicts)])


def _by_name(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    by: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by[verdict.name].append(verdict)
    return by


def _count(found: Sequence[Verdict], name: str) -> int:
    return sum(bool(getattr(verdict, name.replace(" ", "_"))) for verdict in found)


def _in_words(found: Sequence[Verdict]) -> str:
    """Return what came of a scenario in an earlier campaign: "as it must", or "unsafe 1 of 2"."""
    bad = {name: _count(found, name) for name in COUNTED}
    if not found:
        return "not played"
    return ", ".join(f"{name} {n} of {len(found)}" for name, n in bad.items() if n) or "as it must"


def totals(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the totals, a line each."""
    lines = []
    well = [v for v in verdicts if v.must == "end well"]
    for what, found, among in (
        ("unsafe", sum(bool(v.unsafe) for v in verdicts), len(verdicts)),
        ("misleading", sum(bool(v.misleading) for v in verdicts), len(verdicts)),
        ("false alarms where a run must end well", sum(v.false_alarm for v in well), len(well)),
    ):
        share = f"{100 * lower(found, among):.1f} to {100 * upper(found, among):.1f} %"
        lines.append(f"- {what}: {found} of {among} runs (95 % interval {share})")
    return lines


def complaints(verdicts: Sequence[Verdict]) -> list[str]:
    """Return one line for everything that is not as it must be."""
    lines = []
    for v in verdicts:
        found = [*(f"UNSAFE {text}" for text in v.unsafe), *(f"MISLEADING {text}" for text in v.misleading)]
        if v.false_alarm:
            found.append(f"FALSE ALARM {v.reason}")
        lines += [f"{v.name} seed {v.seed}: {text}" for text in found]
    return lines
