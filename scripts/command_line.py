"""What every verb does alike: errors in one line, a traceback only on request, a clean end on Ctrl-C."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NoReturn

import typer

from beamgym.physics.messages import one_line

DEBUG = "BEAMGYM_DEBUG"
"""Environment variable that asks for tracebacks; ``beamgym --debug`` sets it."""

IMPORTED: list[str] = []
"""Modules that ``beamgym --import`` has imported: a command that is to be run again needs them again."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""Environment of a process whose CPU time is measured, set before it starts, which is when the libraries read it."""

_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]  # typer shows no name of its own for click's UsageError


def run(
    command: Callable[..., Any] | typer.Typer, args: Sequence[str] | None = None, prog_name: str | None = None
) -> NoReturn:
    """Run one verb and leave the program.

    Parameters
    ----------
    command : a function whose parameters typer understands, or an application of sub-commands
    args : words of the command line; those of this process by default
    prog_name : as in the help text

    Raises
    ------
    SystemExit : always; 0 after success, 1 after a mistake, 2 after a wrong option, 130 after Ctrl-C
    """
    app = command
    if not isinstance(app, typer.Typer):
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command()(command)
    try:
        call(app, sys.argv[1:] if args is None else args, prog_name)
    except Exception as error:
        if not _is_mistake(error):
            raise
        fail(error)


def call(app: typer.Typer, words: Sequence[str], prog_name: str | None = None) -> NoReturn:
    """Run typer's application, which says in one line, instead of a box, what is wrong with the words.

    Raises
    ------
    SystemExit : 0 after success, 2 after wrong words, 130 after Ctrl-C
    Exception : what the command raises
    """
    try:
        code = app(args=list(words), prog_name=prog_name, standalone_mode=False)
    except typer.Abort:
        raise SystemExit(1) from None
    except _USAGE_ERROR as error:
        context = error.ctx
        more = f"; see {context.command_path} --help" if context is not None else ""
        if "option: --import" in error.format_message():
            more = "; it stands before the verb: beamgym --import MODULE VERB"
        typer.echo(f"error: {one_line(error.format_message()).rstrip('.')}{more}", err=True)
        raise SystemExit(error.exit_code) from None
    raise SystemExit(code if isinstance(code, int) else 0)


def fail(error: Exception) -> NoReturn:
    """Leave the program for a mistake of the user's: its line on stderr, or the traceback where one is asked for.

    Raises
    ------
    SystemExit : with exit code 1
    Exception : the error itself where ``BEAMGYM_DEBUG`` is set
    """
    if os.environ.get(DEBUG):
        raise error
    typer.echo(f"error: {one_line(error)}", err=True)
    raise SystemExit(1) from None


def check_output(path: Path | None) -> None:
    """Raise ValueError before the work starts where its result could not be written."""
    if path is not None and path.is_dir():
        raise ValueError(f"cannot write {path}: it is a folder; give a file in it")
    if path is not None and not path.absolute().parent.is_dir():
        raise ValueError(f"cannot write {path}: give a file in a directory that exists")
    if path is not None:
        try:
            with TemporaryFile(dir=path.absolute().parent):
                pass
        except OSError as error:
            raise ValueError(f"cannot write {path}: {error.strerror}; give a file in a folder of yours") from error


def _is_mistake(error: Exception) -> bool:
    """Return whether an error is of the kind that its one line explains."""
    import gymnasium as gym

    from beamgym.physics.instrument import MoveFailed

    return isinstance(error, ValueError | TypeError | OSError | MoveFailed | gym.error.Error)
