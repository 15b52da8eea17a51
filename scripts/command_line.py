"""What every verb does alike: errors in one line, a traceback only on request, a clean end on Ctrl-C."""

import json
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer

DEBUG = "BEAMGYM_DEBUG"
"""Environment variable that asks for tracebacks; ``beamgym --debug`` sets it."""


def run(command: Callable[..., Any], args: Sequence[str] | None = None, prog_name: str | None = None) -> NoReturn:
    """Run one verb and leave the program.

    Parameters
    ----------
    command : a function whose parameters typer understands
    args : words of the command line; those of this process by default
    prog_name : as in the help text

    Raises
    ------
    SystemExit : always; 0 after success, 1 after a mistake, 2 after a wrong option, 130 after Ctrl-C
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    words = {} if args is None else {"args": list(args)}
    try:
        app(prog_name=prog_name, **words)
    except Exception as error:
        if not _is_mistake(error):
            raise
        fail(error)
    raise SystemExit(0)


def fail(error: Exception) -> NoReturn:
    """Leave the program for a mistake of the user's: its line on stderr, or the traceback where one is asked for.

    Raises
    ------
    SystemExit : with exit code 1
    Exception : the error itself where ``BEAMGYM_DEBUG`` is set
    """
    if os.environ.get(DEBUG):
        raise error
    typer.echo(f"error: {' '.join(str(error).split())}", err=True)
    raise SystemExit(1) from None


def check_output(path: Path | None) -> None:
    """Raise ValueError before the work starts where its result could not be written."""
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise ValueError(f"cannot write {path}: give a file in a directory that exists")


def write_json(path: Path, content: Any) -> None:
    """Write JSON, all or nothing; what is not finite becomes null."""
    text = json.dumps(_finite(content), indent=2, allow_nan=False, ensure_ascii=False)
    handle, draft = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.", suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text + "\n")
    os.chmod(draft, 0o644)
    os.replace(draft, path)


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _is_mistake(error: Exception) -> bool:
    """Return whether an error is of the kind that its one line explains."""
    import gymnasium as gym

    from beamgym.physics.instrument import MoveFailed

    return isinstance(error, ValueError | TypeError | OSError | MoveFailed | gym.error.Error)
