"""The watch over a folder: every file that a scan writes is scored once it has settled."""

import time
from collections.abc import Callable
from pathlib import Path

import typer

from beamgym.agents.measured import changed_files, settled_files
from beamgym.physics.arpes.load import LoadError
from beamgym.physics.messages import one_line
from beamgym.scripts.score.files import Scoring, score_file

PATIENCE = 5
"""Looks at a file that stays as it is and does not open, before that is told: it may be written in steps."""


def watch_folder(
    folder: Path, scoring: Scoring, every_s: float, sleep: Callable[[float], None] = time.sleep
) -> dict[Path, tuple[int, int]]:
    """Score new and changed files of a folder until Ctrl-C; returns what was scored, with size and time of change.

    Parameters
    ----------
    folder : to look into
    scoring : what is asked for; its reports grow
    every_s : seconds between looks; a file is scored when two of them find it the same
    sleep : waits so many seconds

    Raises
    ------
    NotADirectoryError : no such folder
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"there is no folder {folder} to watch")
    before, done, tries = changed_files(folder), dict[Path, tuple[int, int]](), dict[Path, int]()
    typer.echo(f"watching {folder}; Ctrl-C ends it", err=True)
    try:
        while True:
            now = changed_files(folder)
            for path in settled_files(before, now, done):
                if _scored(path, scoring, tries):
                    done[path] = now[path]
            before = now
            sleep(every_s)
    except KeyboardInterrupt:
        failed = {report["path"] for report in scoring.reports if "error" in report}
        typer.echo(f"{sum(str(path) not in failed for path in done)} files scored", err=True)
    return done


def _scored(path: Path, scoring: Scoring, tries: dict[Path, int]) -> bool:
    """Score a file; return whether that is settled, which it is too when the file has failed often enough."""
    try:
        score_file(path, scoring)
    except (LoadError, ValueError, OSError) as error:
        tries[path] = tries.get(path, 0) + 1
        if tries[path] < PATIENCE:
            return False
        typer.echo(f"{path}: {one_line(error)}", err=True)
        scoring.reports.append({"path": str(path), "error": one_line(error)})
    tries.pop(path, None)
    return True
