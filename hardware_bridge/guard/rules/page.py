"""The rule table as docs/guard.md shows it; this prints it:

python -m beamgym.hardware_bridge.guard.rules.page
"""

import inspect
import re
from collections.abc import Iterator

from beamgym.hardware_bridge.guard.rules.table import PROCEDURES, RULES, Step


def as_markdown() -> str:
    """Return all procedures of the rule table, each as a Markdown table under a heading."""
    return "\n".join(line for name, steps in PROCEDURES.items() for line in _table(name, steps))


def items_of(rule: str) -> tuple[int, ...]:
    """Return the numbers of the guard's items that a rule belongs to, as its first line says."""
    return tuple(int(number) for number in re.findall(r"\d+", _first_line(rule).partition(":")[0]))


def _table(name: str, steps: tuple[Step, ...]) -> Iterator[str]:
    yield from (f"### {name}", "", "| when | about | item | rule | what it demands |", "|---|---|---|---|---|")
    for step in steps:
        about = step.checklist.about + (f": {step.note}" if step.note else "")
        for rule in step.checklist.rules:
            items = ", ".join(map(str, items_of(rule)))
            yield f"| {step.when} | {about} | {items} | `{rule}` | {_demand(rule)} |"
            about = ""
    yield ""


def _demand(rule: str) -> str:
    return _first_line(rule).partition(": ")[2].removesuffix(".").replace("``", "`")


def _first_line(rule: str) -> str:
    return (inspect.getdoc(RULES[rule]) or "").partition("\n")[0]


if __name__ == "__main__":
    print(as_markdown())
