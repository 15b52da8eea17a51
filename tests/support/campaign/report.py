"""The campaign's table: scenario by scenario, and totals with their intervals."""

from collections import defaultdict
from collections.abc import Sequence

from scipy.stats import beta

from campaign.judge import Verdict
from campaign.table import scenarios


def upper(found: int, n: int) -> float:
    """Return the upper end of the 95 % interval of a rate (Clopper and Pearson 1934), one-sided at none."""
    if n == 0 or found == n:
        return 1.0
    return float(beta.ppf(0.95 if found == 0 else 0.975, found + 1, n - found))


def lower(found: int, n: int) -> float:
    """Return the lower end of the same interval."""
    return 0.0 if found == 0 or n == 0 else float(beta.ppf(0.025, found, n - found + 1))


def table(verdicts: Sequence[Verdict]) -> str:
    """Return the table as Markdown, in the order of the scenarios."""
    by: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by[verdict.name].append(verdict)
    rows = ["| scenario | kind | must | played | runs | unsafe | misleading | false alarms | seconds |"]
    rows.append("|---|---|---|---|---|---|---|---|---|")
    for each in scenarios():
        found = by.get(each["name"], [])
        if found:
            rows.append(_row(each, found))
    return "\n".join([*rows, "", *totals(verdicts)])


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


def _row(each: dict[str, object], found: list[Verdict]) -> str:
    seconds = sorted(v.seconds for v in found)
    counts = [sum(bool(getattr(v, name)) for v in found) for name in ("unsafe", "misleading", "false_alarm")]
    about = [each[name] for name in ("name", "kind", "must", "played")]
    cells = [*about, len(found), *counts, f"{seconds[len(seconds) // 2]:.0f}"]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
