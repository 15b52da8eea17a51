"""The result of a rule (``Decision``), and the exception that refuses a command (``GuardRefused``)."""

from collections.abc import Sequence
from dataclasses import dataclass

ITEMS: frozenset[int] = frozenset(range(1, 21))
"""Numbers of the guard's items; the docs page "Deploying at your instrument" lists them."""

Number = float | int
"""A number; it may be nan or infinite, and the rules take that into account."""

Interval = Sequence[Number]
"""(low, high)."""


class GuardRefused(RuntimeError):
    """The guard refused a command, or stopped the run; ``item`` is the number of the rule, ``line`` says why."""

    def __init__(self, item: int, line: str) -> None:
        # 0 where no rule has asked for it: a device that fails, a program that ends.
        super().__init__(f"guard item {item}: {line}" if item else f"the guard has stopped the run: {line}")
        self.item = item
        self.line = line


@dataclass(frozen=True)
class Decision:
    """What a rule says.

    Parameters
    ----------
    item : number of the rule's item, 1 to 20
    allowed : whether the command may go on
    line : why not, in one line with the remedy; empty where it may
    """

    item: int
    allowed: bool
    line: str = ""


def refused(item: int, line: str) -> Decision:
    """Return a refusal."""
    return Decision(item, False, line)


def shown(value: Number | None) -> str:
    """Return a number as messages show it; None as "any"."""
    return "any" if value is None else f"{float(value):.6g}"


def refusal(error: BaseException) -> GuardRefused | None:
    """Return the guard's refusal behind an error, if there is one."""
    seen: BaseException | None = error
    # bluesky and asyncio wrap what a Status raises, as a cause or as a context.
    met: set[int] = set()
    # an error that was raised a second time, from another one behind it, stands in a circle
    while seen is not None and id(seen) not in met:
        if isinstance(seen, GuardRefused):
            return seen
        met.add(id(seen))
        seen = seen.__cause__ or seen.__context__
    return None
