"""Rows of a table, one a job, kept in a file on the way so that the same command goes on after any end."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from beamgym.physics.jobs.executor import Case, Executor, Found
from beamgym.physics.jobs.journal import open_journal


@dataclass(frozen=True)
class Keeping(Generic[Found]):
    """Where rows are kept, and how.

    Parameters
    ----------
    path : a journal; made if missing
    settings : everything that the rows depend on, as JSON has it
    to_row, of_row : from a result to what JSON has, and back
    """

    path: Path
    settings: Mapping[str, Any]
    to_row: Callable[[Found], Any]
    of_row: Callable[[Any], Found]


def run_jobs(
    executor: Executor,
    work: Callable[[Case], Found],
    cases: Sequence[Case],
    done: Callable[[int], Any] = lambda number: None,
    keeping: Keeping[Found] | None = None,
) -> list[Found]:
    """Do every case's work, and return the results in the cases' order.

    Parameters
    ----------
    executor : where
    work : a function of a module, whose result depends on its case alone
    cases : what is to be done
    done : called with a case's number when its result is there, kept from before or new
    keeping : where results are kept on the way; those that are there are not made again

    Raises
    ------
    ValueError : what is kept belongs to other settings
    OSError : a full disk: what was kept stays
    WorkerLost, Exception : as of ``Executor.run``
    """
    with nullcontext() if keeping is None else open_journal(keeping.path, keeping.settings) as journal:
        found: dict[int, Found] = {}
        if keeping is not None and journal is not None:
            found = {number: keeping.of_row(row) for number, row in journal.rows.items() if number < len(cases)}
        for number in found:
            done(number)
        open_ = [number for number in range(len(cases)) if number not in found]
        for place, result in executor.run(work, [cases[number] for number in open_]):
            number = open_[place]
            if keeping is not None and journal is not None:
                journal.add(number, keeping.to_row(result))
            found[number] = result
            done(number)
    return [found[number] for number in range(len(cases))]
