"""The options that say where work is done, and who does it then."""

import warnings
from typing import Annotated, Final

import typer
from rich.console import Console

from beamgym.physics.jobs import Executor, InProcess, OnRay, Processes, check_address
from beamgym.physics.messages import one_line

MOST_WORKERS: Final = 1024

Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="HOST:PORT",
        help="Work on the Ray cluster of this head node, from one of its nodes; --workers is then the most jobs at "
        "a time. The results do not depend on it.",
    ),
]


def executor_for(workers: int | None, ray: str | None, here: int = 0) -> Executor:
    """Return who does the work; losses and a warning of too many processes are told in a line each on stderr.

    Parameters
    ----------
    workers : processes, 0 for none besides this one; with ``ray`` the most jobs at a time. None is ``here``, and with
        ``ray`` every core of the cluster
    ray : HOST:PORT of the head node of a Ray cluster
    here : workers where none are named

    Raises
    ------
    ValueError : a number or an address that is none
    ImportError : Ray is not installed
    """
    check_place(workers, ray)
    if ray is not None:
        return OnRay(ray, workers or None, _tell)
    number = here if workers is None else workers
    if number == 0:
        return InProcess()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = Processes(number, _tell)
    for warning in caught:
        _tell(f"warning: {one_line(warning.message)}")
    return found


def check_place(workers: int | None, ray: str | None) -> None:
    """Check the options before any work; raises as ``executor_for`` does."""
    if workers is not None and not 0 <= workers <= MOST_WORKERS:
        raise ValueError(f"workers is {workers}; it must lie between 0 (no process besides) and {MOST_WORKERS}")
    if ray is not None:
        check_address(ray)


def _tell(line: str) -> None:
    Console(stderr=True).print(line, highlight=False, markup=False)
