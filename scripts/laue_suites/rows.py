"""The rows of a suite: tasks that every policy plays on the same starts, and what is to be reached there."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ENV_ID = "beamgym/LaueAlign-v0"


@dataclass(frozen=True)
class Goal:
    """What a row's policy is to reach on it.

    Parameters
    ----------
    success : smallest share of episodes that end aligned; None where none is asked
    exposures : largest median of exposures; None where none is asked
    misled : largest share of episodes that were declared more than 5° off; None where none is asked
    beside, apart : name of another row on the same starts, and by how much the share aligned may differ from its
    moves_of_oracle : largest number of moves, beside those of the oracle on the same starts; None where none is asked
    above, lead : name of another policy of the row, and by how much the share aligned is to exceed its
    """

    success: float | None = None
    exposures: float | None = None
    misled: float | None = None
    beside: str = ""
    apart: float = 0.0
    moves_of_oracle: float | None = None
    above: str = ""
    lead: float = 0.0


@dataclass(frozen=True)
class SuiteRow:
    """One task.

    Parameters
    ----------
    name : in tables and JSON
    group : of the rows that are chosen together on the command line
    options : how the environment differs from its registered form, "level" among them
    goal : None where nothing is to be reached
    env_id : the environment
    policy : whose goal it is
    policies : who plays; those of every Laue alignment where none are named
    """

    name: str
    group: str
    options: Mapping[str, Any] = field(default_factory=dict)
    goal: Goal | None = None
    env_id: str = ENV_ID
    policy: str = "calibrating"
    policies: tuple[str, ...] = ()


def rows_of_group(rows: Iterable[SuiteRow], group: str | None) -> tuple[SuiteRow, ...]:
    """Return all rows, or those of one group.

    Raises
    ------
    ValueError : a group that has no row, with the nearest names
    """
    every = tuple(rows)
    chosen = tuple(row for row in every if group in (None, row.group))
    if not chosen:
        raise unknown("level", str(group), dict.fromkeys(row.group for row in every))
    return chosen


def unknown(what: str, name: str, known: Iterable[str]) -> ValueError:
    """Return the error, in one line with the nearest names, for a name that is none of the known ones."""
    names = list(known)
    by_lower_case = {each.lower(): each for each in names}
    close = [by_lower_case[each] for each in difflib.get_close_matches(name.lower(), by_lower_case, n=2, cutoff=0.4)]
    if close:
        return ValueError(f"unknown {what} {name!r}; did you mean {' or '.join(map(repr, close))}?")
    return ValueError(f"unknown {what} {name!r}; choose one of {', '.join(names)}")
