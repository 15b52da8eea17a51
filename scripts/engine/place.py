"""Rows of a table made wherever the options say, and kept in a folder where one is named."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from beamgym.physics.jobs import Case, Executor, Found, InProcess, Keeping, of_row, row_of, run_jobs
from beamgym.scripts.engine.options import executor_for
from beamgym.scripts.engine.telling import told

PLACES = ("workers", "ray", "rows")
"""Options that say where rows are made and kept; no result depends on them."""


@dataclass(frozen=True)
class Place:
    """Where rows are made and kept.

    Parameters
    ----------
    executor : who makes them
    folder : a journal of each table lies in it, from which the same command goes on; None keeps nothing
    """

    executor: Executor = field(default_factory=InProcess)
    folder: Path | None = None

    def each(self, work: Callable[[Case], Found], cases: Sequence[Case], kind: type[Found], label: str) -> list[Found]:
        """Do every case's work and return the rows in the cases' order, telling on stderr how far it is.

        Parameters
        ----------
        work : a function of a module, or an object of a dataclass, which depends on its case alone
        cases : what is to be done; their ``repr`` says all that they are
        kind : the rows' dataclass, of plain values and arrays
        label : for the progress, and name of the journal

        Raises
        ------
        ValueError : the folder holds rows of other cases under this label
        """
        keeping = None
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            cases_ = hashlib.sha256(repr(list(cases)).encode()).hexdigest()
            of = getattr(work, "__qualname__", None) or repr(work)
            settings = {"table": label, "work": of, "cases": cases_, "beamgym": version("beamgym")}
            name = re.sub(r"[^\w.-]+", "_", label)
            keeping = Keeping(self.folder / f"{name}.jsonl", settings, row_of, of_row(kind))
        with told(label, len(cases)) as advance:
            return run_jobs(self.executor, work, cases, lambda number: advance(1), keeping)


def place_of(options: Mapping[str, Any], here: int = 0) -> Place | None:
    """Return the place that a command's options name: "workers", "ray" and "rows"; None where they name none.

    Parameters
    ----------
    options : by their names on the command line
    here : workers where none are named; above 0 there is always a place

    Raises
    ------
    ValueError, ImportError : as ``executor_for``
    """
    if here == 0 and not any(options.get(name) is not None for name in PLACES):
        return None
    return Place(executor_for(options.get("workers"), options.get("ray"), here), options.get("rows"))
